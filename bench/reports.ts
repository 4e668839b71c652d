import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ctrfReport, jestReport, playwrightReport } from "./json-report.ts";
import { junitReport, type Shape } from "./junit-report.ts";
import { bundle, installPeers, type Reader } from "./report-peers.ts";

/**
 * Measures reading and summarising reports, as a whole process from a minified bundle: `node bench/reports.ts`. Compares 100,000
 * JUnit tests with two readers from npm and the readers of two actions, in turns. Then reads JUnit of more than 300 MB, JSON of
 * 240 MB in each format, and two reports of 100 MB together, to check that memory stays constant. Exit status 1 when over a bound.
 * If the other readers cannot be installed, it says so and measures without them: see report-peers.ts.
 */

/** `timesFaster` than the fastest of the others. */
const bounds = { timesFaster: 2.5, megabytes: 150, megabytesForHuge: 200, megabytesForTwo: 250 };
const large: Shape = { suites: 1_000, testsInSuite: 100 };
const huge: Shape = { suites: 20_000, testsInSuite: 100 };
/** In many files, and all tests in one. */
const jsonShapes = { many: { files: 7_000, testsInFile: 100 }, one: { files: 1, testsInFile: 710_000 } };
const hundredMegabytes = { files: 2_950, testsInFile: 100 };
const rounds = 9;
/** The garbage collector doesn't run at the same moments each time. */
const hugeRounds = 3;
/** The first round reads the files from disk for the later ones. */
const warmUps = 1;
const deadlineMs = 180_000;

const repository = join(import.meta.dirname, "..");

interface Run {
  seconds: number;
  megabytes: number;
}

async function main(folder: string): Promise<void> {
  const reporter = join(folder, "memory.cjs");
  // The peak memory of the whole process, written when it ends; file 3 is a pipe to us. `maxRSS` also counts what this process had
  // when it started that one.
  writeFileSync(
    reporter,
    `const { readFileSync, writeSync } = require("fs");
const own = () => { try { return /VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]; } catch {} };
process.on("exit", () => writeSync(3, own() ?? String(process.resourceUsage().maxRSS)));
`,
  );
  const ours: Reader = await bundleOurs(folder);
  const readers = [ours, ...(await installPeers(folder))];

  const report = join(folder, "large.xml");
  const size = write(report, junitReport(large));
  console.log(
    `\n${tests(large)} JUnit tests, ${megabytes(size)} MB, node ${process.version}, medians of ${rounds}, in turns, whole process`,
  );
  const runs = new Map<Reader, Run[]>(readers.map((reader) => [reader, []]));
  for (let round = 0; round < rounds + warmUps; round++)
    for (const [reader, measured] of runs) {
      const run = measure(reporter, reader, report);
      if (round >= warmUps) measured.push(run);
    }
  for (const [reader, measured] of runs) console.log(row(reader.name, middle(measured)));
  const [own = middle([]), ...others] = [...runs.values()].map(middle);
  const timesFaster = Math.min(...others.map(({ seconds }) => seconds)) / own.seconds;
  console.log(`${timesFaster.toFixed(1)} times as fast as the fastest of the others`);
  console.log(`bound: ${bounds.timesFaster} times, ${bounds.megabytes} MB`);
  let within = timesFaster >= bounds.timesFaster && own.megabytes <= bounds.megabytes;

  console.log(`\nmuch larger reports, medians of ${hugeRounds} (and the most memory), env-actions alone`);
  for (const [name, pieces] of hugeReports()) {
    const path = join(folder, "huge");
    const written = write(path, pieces);
    within = measureHuge(reporter, ours, `${name}, ${megabytes(written)} MB`, [path], bounds.megabytesForHuge) && within;
  }
  const two = [join(folder, "huge"), join(folder, "second")] as const;
  const written = write(two[0], jestReport(hundredMegabytes)) + write(two[1], jestReport(hundredMegabytes, "lesson"));
  within = measureHuge(reporter, ours, `two of Jest, ${megabytes(written)} MB`, two, bounds.megabytesForTwo) && within;
  process.exitCode = within ? 0 : 1;
}

/** One after the other, because the disk may be small. */
function* hugeReports(): Generator<[name: string, pieces: Iterable<string>], void, void> {
  yield ["JUnit", junitReport(huge)];
  yield ["Jest, many files", jestReport(jsonShapes.many)];
  yield ["Jest, one file", jestReport(jsonShapes.one)];
  yield ["Playwright, many files", playwrightReport({ files: 6_000, testsInFile: 100 })];
  yield ["Playwright, one file", playwrightReport({ files: 1, testsInFile: 600_000 })];
  yield ["CTRF", ctrfReport({ files: 10_400, testsInFile: 100 })];
}

function measureHuge(reporter: string, reader: Reader, name: string, paths: readonly string[], bound: number): boolean {
  const measured = Array.from({ length: hugeRounds }, () => measure(reporter, reader, ...paths));
  const run = middle(measured);
  const most = Math.max(...measured.map((one) => one.megabytes));
  console.log(`${row(name, run)}  (${most.toFixed(0)} MB)  bound: ${bound} MB`);
  // Each run counts: a median would hide that one in four takes far more.
  return most <= bound;
}

/** What a stage does with reports, and nothing else. Bundled from source text, because src has no such entry point. */
async function bundleOurs(folder: string): Promise<Reader> {
  const file = join(folder, "ours.mjs");
  const from = (path: string) => JSON.stringify(join(repository, "src", path));
  await bundle(
    `import { basename, dirname } from "node:path";
import { readResults } from ${from("test-reports/read.ts")};
import { toMarkdown } from ${from("report/markdown.ts")};
const paths = process.argv.slice(2);
const tests = await readResults({ cwd: dirname(paths[0]), reports: paths.map((path) => basename(path)), startedAt: 0 });
console.log(toMarkdown({
  schemaVersion: 1, stage: "integration", verdict: "failed", reason: "tests failed",
  environment: { name: "bench", access: "test-data" }, runId: "1_00000000", commit: { sha: "0".repeat(40) },
  origin: { kind: "terminal" }, startedAt: new Date(0).toISOString(), finishedAt: new Date(1).toISOString(), durationMs: 1,
  budgetMs: 1, checks: [], tests, servers: [], commands: [], problems: [],
}));
`,
    file,
    repository,
  );
  return { name: "env-actions", args: (...paths) => [file, ...paths] };
}

const pieceCharacters = 1_000_000;

/** @returns the bytes written */
function write(path: string, pieces: Iterable<string>): number {
  const file = openSync(path, "w");
  try {
    let waiting = "";
    for (const piece of pieces) {
      waiting += piece;
      if (waiting.length < pieceCharacters) continue;
      writeSync(file, waiting);
      waiting = "";
    }
    writeSync(file, waiting);
  } finally {
    closeSync(file);
  }
  return statSync(path).size;
}

/** @throws Error if the reader fails, because then something else was measured */
function measure(reporter: string, reader: Reader, ...paths: readonly string[]): Run {
  const started = process.hrtime.bigint();
  const { status, signal, stderr, output } = spawnSync(process.execPath, ["--require", reporter, ...reader.args(...paths)], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    encoding: "utf8",
    timeout: deadlineMs,
  });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (status !== 0) throw new Error(`${reader.name} ended with ${status ?? signal}: ${stderr.slice(-500)}`);
  // Kilobytes, as the system counts them.
  return { seconds, megabytes: Number(output[3]) / 1024 };
}

function middle(runs: readonly Run[]): Run {
  return { seconds: median(runs.map((run) => run.seconds)), megabytes: median(runs.map((run) => run.megabytes)) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function tests({ suites, testsInSuite }: Shape): string {
  return (suites * testsInSuite).toLocaleString("en");
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function row(name: string, { seconds, megabytes: memory }: Run): string {
  return `${name.padEnd(30)} ${seconds.toFixed(2).padStart(6)} s ${memory.toFixed(0).padStart(6)} MB`;
}

const folder = mkdtempSync(join(tmpdir(), "bench-reports-"));
try {
  await main(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
