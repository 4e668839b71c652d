import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import type { StageReport, TestResults } from "../src/index.ts";
import { load, watchHost } from "./machine.ts";

/**
 * Measures what thousands of failed tests cost after they were read: `node bench/report-page.ts`. Draws the page, the summary (twice,
 * as a stage does), the annotations and the end in the terminal, beside reading the same test report; then keeps as many attachments
 * and finds their tests, beside keeping the same files without any failed test. CPU time of this process, medians, in turns. Exit
 * status 1 when over a bound.
 */

const sizes = { failures: [7_500, 15_000, 30_000], attachments: [2_500, 5_000, 10_000] };
const rounds = { drawing: 5, attachments: 3 };
/** The first round compiles for the later ones. */
const warmUps = 1;
/** Times are bounds of ratios within one run only. */
const bounds = { drawnByRead: 2, exponent: 1.2, pageBytes: 3_000_000, namedByKept: 1.5 };

const repository = join(import.meta.dirname, "..");

interface Rooms {
  readResults(options: { cwd: string; reports: string[]; startedAt: number }): Promise<TestResults>;
  toHtml(reports: readonly StageReport[]): string;
  toMarkdown(report: StageReport): string;
  toAnnotations(report: StageReport): unknown[];
  endView(report: StageReport): unknown;
  collectAttachments(context: object, suite: object, startedAt: number, tests: object): Promise<{ test?: string }[]>;
  Redactor: new () => object;
}

/** Bundled from source text, because src has no such entry point. */
async function roomsIn(folder: string): Promise<Rooms> {
  const entry = join(folder, "entry.ts");
  const file = join(folder, "rooms.mjs");
  const exported = {
    "test-reports/read.ts": "readResults",
    "report/html.ts": "toHtml",
    "report/markdown.ts": "toMarkdown",
    "report/annotations.ts": "toAnnotations",
    "report/view/messages.ts": "endView",
    "stages/attachments.ts": "collectAttachments",
    "lib/redaction/redactor.ts": "Redactor",
  };
  const lines = Object.entries(exported).map(
    ([path, name]) => `export { ${name} } from ${JSON.stringify(join(repository, "src", path))};`,
  );
  writeFileSync(entry, lines.join("\n"));
  const bundled = await rolldown({ input: entry, platform: "node", cwd: repository });
  await bundled.write({ file, format: "esm", codeSplitting: false });
  await bundled.close();
  return (await import(pathToFileURL(file).href)) as Rooms;
}

/** Every test fails, each with a message of its own and ten calls. */
function junitOf(failures: number): string {
  const cases = Array.from({ length: failures }, (_, at) => {
    const file = `src/session-${at % 300}.test.ts`;
    const calls = Array.from(
      { length: 10 },
      (_, depth) => `    at step${depth} (${depth < 3 ? file : "node_modules/a.js"}:${depth + 1}:7)`,
    );
    const message = `AssertionError: expected ${at} to be ${at + 1}`;
    return `<testcase classname="session ${at % 300}" name="keeps group ${at} together" time="0.012" file="${file}"><failure message="${message}">${message}\n${calls.join("\n")}</failure></testcase>\n`;
  });
  return `<testsuite name="all" tests="${failures}" failures="${failures}">${cases.join("")}</testsuite>\n`;
}

function reportOf(tests: TestResults): StageReport {
  return {
    ...{ schemaVersion: 1, stage: "integration", verdict: "failed", reason: "tests failed", runId: "1763917800000_9f3c1a7e" },
    environment: { name: "bench", access: "test-data" },
    commit: { sha: "0".repeat(40) },
    origin: { kind: "terminal" },
    startedAt: new Date(0).toISOString(),
    finishedAt: new Date(1).toISOString(),
    ...{ durationMs: 1, budgetMs: 1, checks: [], tests, servers: [], commands: [], problems: [] },
  };
}

async function cpu(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

interface Measured {
  ours: number;
  peer: number;
}

/** In turns, so that both see the same machine. */
async function medians(rounds: number, ours: () => unknown, peer: () => unknown): Promise<Measured> {
  const all: Measured[] = [];
  for (let round = 0; round < rounds + warmUps; round++) {
    const one = { peer: await cpu(peer), ours: await cpu(ours) };
    if (round >= warmUps) all.push(one);
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
  return { ours: median(all.map((one) => one.ours)), peer: median(all.map((one) => one.peer)) };
}

/** 1 is linear, 2 quadratic. */
function exponent(amounts: readonly number[], times: readonly number[]): number {
  return Math.log((times.at(-1) ?? 0) / (times[0] ?? 0)) / Math.log((amounts.at(-1) ?? 0) / (amounts[0] ?? 0));
}

let within = true;

function hold(what: string, value: number, bound: number): void {
  const isOver = !(value <= bound);
  console.log(`  ${what}: ${value.toFixed(2)} (bound: ${bound})${isOver ? "  over the bound" : ""}`);
  if (isOver) within = false;
}

async function drawing(rooms: Rooms, folder: string): Promise<void> {
  console.log("\nfailed tests: drawn (page, two summaries, annotations, terminal), beside reading them");
  const times: Measured[] = [];
  let page = 0;
  for (const failures of sizes.failures) {
    writeFileSync(join(folder, "junit.xml"), junitOf(failures));
    const read = () => rooms.readResults({ cwd: folder, reports: ["junit.xml"], startedAt: 0 });
    const report = reportOf(await read());
    const one = await medians(
      rounds.drawing,
      () => {
        page = Buffer.byteLength(rooms.toHtml([report]));
        rooms.toMarkdown(report);
        rooms.toMarkdown(report);
        rooms.toAnnotations(report);
        rooms.endView(report);
      },
      read,
    );
    times.push(one);
    console.log(`${row(failures, one, "read")}, page ${(page / 1e6).toFixed(2)} MB`);
  }
  const largest = times.at(-1);
  hold(
    "growth exponent",
    exponent(
      sizes.failures,
      times.map(({ ours }) => ours),
    ),
    bounds.exponent,
  );
  hold("drawn / read", (largest?.ours ?? Number.NaN) / (largest?.peer ?? Number.NaN), bounds.drawnByRead);
  hold("page in MB", page / 1e6, bounds.pageBytes / 1e6);
}

async function attachments(rooms: Rooms, folder: string): Promise<void> {
  console.log("\nattachments of as many failed tests: kept and named, beside keeping them alone");
  const times: Measured[] = [];
  for (const amount of sizes.attachments) {
    const workspace = join(folder, `attachments-${amount}`);
    const failures = Array.from({ length: amount }, (_, at) => {
      const folderOfTest = join(workspace, "test-results", `spec-ts-case-${at}-chrome`);
      mkdirSync(folderOfTest, { recursive: true });
      writeFileSync(join(folderOfTest, "shot.txt"), "shot");
      return { name: `spec › case ${at}`, project: "chrome", status: "failed", durationMs: 1, attempts: 1 };
    });
    const context = {
      stage: "e2e",
      runId: "1763917800000_9f3c1a7e",
      workspace,
      records: join(workspace, ".env-actions"),
      secrets: new rooms.Redactor(),
    };
    const suite = { cwd: workspace, attachments: ["test-results/**"] };
    const keep = (failed: typeof failures) => rooms.collectAttachments(context, suite, 0, { failures: failed, flakyTests: [] });
    let named = 0;
    const ours = async () => {
      named = (await keep(failures)).filter(({ test }) => test !== undefined).length;
    };
    const one = await medians(rounds.attachments, ours, () => keep([]));
    if (named !== amount) throw new Error(`${named} of ${amount} attachments have a test`);
    times.push(one);
    console.log(row(amount, one, "kept alone"));
    rmSync(workspace, { recursive: true });
  }
  const largest = times.at(-1);
  hold(
    "growth exponent",
    exponent(
      sizes.attachments,
      times.map(({ ours }) => ours),
    ),
    bounds.exponent,
  );
  hold("named / kept alone", (largest?.ours ?? Number.NaN) / (largest?.peer ?? Number.NaN), bounds.namedByKept);
}

function row(amount: number, { ours, peer }: Measured, peerName: string): string {
  return `${amount.toLocaleString("en").padStart(8)}  ${ours.toFixed(0).padStart(6)} ms CPU, ${peerName} ${peer.toFixed(0)} ms`;
}

const folder = mkdtempSync(join(tmpdir(), "bench-report-page-"));
try {
  const stolen = watchHost();
  const rooms = await roomsIn(folder);
  await drawing(rooms, folder);
  await attachments(rooms, folder);
  console.log(`\nnode ${process.version}, load ${load()}, ${(stolen() * 100).toFixed(0)} % of the CPU time taken by the host`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = within ? 0 : 1;
