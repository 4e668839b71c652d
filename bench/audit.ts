import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { auditLine } from "../src/index.ts";
import { costOf, load, type ProcessCost } from "./machine.ts";
import { median, type Point, type Row, report, short } from "./result.ts";

/**
 * Measures reading an audit log: `node bench/audit.ts`. Verifies logs of three sizes, as a process of dist, in turns with sha256sum of
 * the same file, and compares CPU time. Then reports them as text and as JSON; and, unless it is short, a log with a run for each
 * line, and one with one run for all lines, to check that memory stays bounded. Exit status 1 when over a bound.
 */

const sizes = short ? [6_000, 24_000, 96_000] : [62_500, 250_000, 1_000_000];
const largest = Math.max(...sizes);
/** With a million runs, where they are takes 70 MB, and the rest is what V8 takes before it collects. */
const bounds = { ratio: 2, megabytes: 200, megabytesOfManyRuns: 320 };
/** For the ratio: in a shorter log, starting and warming up takes most of the time, which sha256sum doesn't have. */
const compared = short ? 300_000 : largest;
const rounds = short ? 3 : 5;
const reportRounds = short ? 1 : 3;
const linesOfRun = 50;

const repository = join(import.meta.dirname, "..");
const entry = join(repository, "dist", "index.js");
const log = join(".env-actions", "audit.jsonl");

function writeLog(folder: string, lines: number, perRun: number): void {
  mkdirSync(join(folder, ".env-actions"), { recursive: true });
  const file = openSync(join(folder, log), "w");
  let [previous, waiting] = [undefined as string | undefined, ""];
  for (let line = 0; line < lines; line++) {
    const run = Math.floor(line / perRun);
    const table = `classwaves.sessions.table_${line % 48}`;
    const made = auditLine(
      previous,
      {
        at: new Date(1_763_900_000_000 + 100 * line).toISOString(),
        who: "github-actions[bot]",
        run: `${1_763_900_000_000 + run}_1a2b3c4d`,
        gate: `${1_763_900_000_000 + run}_9f8e7d6c`,
        environment: "sandbox",
        stage: "integration",
        action: "statement",
        details: {
          what: "delete",
          table,
          statement: `DELETE FROM ${table} WHERE startswith(\`id\`, :prefix) AND created_at >= :from`,
        },
        counts: { planned: line % 100, deleted: line % 100 },
      },
      { sequence: line + 1 },
    );
    previous = made.hash;
    waiting += `${made.line}\n`;
    if (waiting.length < 1_000_000 && line < lines - 1) continue;
    writeSync(file, waiting);
    waiting = "";
  }
  closeSync(file);
}

interface Verified {
  verify: ProcessCost;
  hashed: ProcessCost;
}

function verified(folder: string): Verified {
  const [verify, hashed]: [ProcessCost[], ProcessCost[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    verify.push(costOf("node", [entry, "audit", "verify"], folder));
    hashed.push(costOf("sha256sum", [log], folder));
  }
  return { verify: middle(verify), hashed: middle(hashed) };
}

/** As text and as JSON. */
function reported(folder: string): { text: ProcessCost; json: ProcessCost } {
  const [text, json]: [ProcessCost[], ProcessCost[]] = [[], []];
  for (let round = 0; round < reportRounds; round++) {
    text.push(costOf("node", [entry, "audit", "report"], folder));
    json.push(costOf("node", [entry, "audit", "report", "--json"], folder));
  }
  return { text: middle(text), json: middle(json) };
}

function middle(costs: readonly ProcessCost[]): ProcessCost {
  return { ms: median(costs.map(({ ms }) => ms)), megabytes: median(costs.map(({ megabytes }) => megabytes)) };
}

type Points = Row["points"];

function main(folder: string): void {
  if (!existsSync(entry)) throw new Error("dist/index.js is missing: run npm run build");
  const before = load();
  const all = sizes.map((size) => {
    writeLog(folder, size, linesOfRun);
    return { size, ...verified(folder), ...reported(folder) };
  });
  if (short) writeLog(folder, compared, linesOfRun);
  const last = short ? verified(folder) : all.at(-1);
  if (!last) throw new Error("there is no size");
  writeLog(folder, 1, 1);
  const start = middle(Array.from({ length: rounds }, () => costOf("node", [entry, "audit", "verify"], folder))).ms;
  const points = (point: (one: (typeof all)[number]) => Omit<Point, "size">) =>
    all.map((one) => ({ size: one.size, ...point(one) })) as unknown as Points;
  const extreme = (perRun: number): Points => {
    writeLog(folder, largest, perRun);
    const { text, json } = reported(folder);
    return [{ size: largest, value: Math.max(text.megabytes, json.megabytes) }];
  };
  const memory = { unit: "MB", sizes: "lines", bounds: { value: bounds.megabytes } } as const;
  const verifying = { name: "audit verify", unit: "ms", sizes: "lines", peer: "sha256sum" } as const;
  const rows: Row[] = [
    ...(short
      ? [
          { ...verifying, peer: undefined, points: points(({ verify }) => ({ value: verify.ms })) },
          {
            ...verifying,
            name: "audit verify, without its start",
            bounds: { ratio: bounds.ratio },
            points: [{ size: compared, value: last.verify.ms - start, peer: last.hashed.ms }] as const,
          },
        ]
      : [
          {
            ...verifying,
            bounds: { ratio: bounds.ratio },
            points: points(({ verify, hashed }) => ({ value: verify.ms, peer: hashed.ms })),
          },
        ]),
    { name: "audit verify, memory", ...memory, points: points(({ verify }) => ({ value: verify.megabytes })) },
    { name: "audit report", unit: "ms", sizes: "lines", points: points(({ text }) => ({ value: text.ms })) },
    { name: "audit report, memory", ...memory, points: points(({ text }) => ({ value: text.megabytes })) },
    { name: "audit report --json", unit: "ms", sizes: "lines", points: points(({ json }) => ({ value: json.ms })) },
    { name: "audit report --json, memory", ...memory, points: points(({ json }) => ({ value: json.megabytes })) },
    ...(short
      ? []
      : [
          {
            ...memory,
            name: "audit report, memory, a run for each line",
            bounds: { value: bounds.megabytesOfManyRuns },
            points: extreme(1),
          },
          { ...memory, name: "audit report, memory, one run for all lines", points: extreme(largest) },
        ]),
  ];
  console.log(
    `node ${process.version}, CPU time of whole processes, medians of ${rounds}, in turns; load ${before} before, ${load()} after`,
  );
  for (const { name, unit, points } of rows) {
    const [one] = points;
    const values = points.map(
      ({ size, value, peer }) => `${size}: ${value.toFixed(0)}${peer === undefined ? "" : ` (${peer.toFixed(0)})`}`,
    );
    console.log(`${name.padEnd(46)} ${unit}  ${values.join("  ")}${one.peer === undefined ? "" : "  in brackets: sha256sum"}`);
  }
  process.exitCode = rows.map(report).every(Boolean) ? 0 : 1;
}

const folder = mkdtempSync(join(tmpdir(), "bench-audit-"));
try {
  main(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
