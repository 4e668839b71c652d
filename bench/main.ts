import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { load, machine } from "./machine.ts";
import { type Finished, pageOf, tableOf } from "./page.ts";
import { overBounds, type Row, rowIn } from "./result.ts";

/**
 * Runs all benches, one after the other, prints one table, and writes it to docs/performance.md: `npm run bench`. Options:
 * `--only audit,redis` runs these, and writes nothing unless `--out FILE` says where; `--base COMMIT` also runs the bench that compares
 * two builds; `--short` runs those with a short form, for `.ci/run`. A short run fails on growth or on a ratio, never on a time, and
 * only if it is over its bound in each of three attempts: other work on the machine can disturb one. Exit status 1 if anything failed.
 */

/** What is no bench in this folder. */
const helpers = [
  "json-report",
  "junit-report",
  "machine",
  "main",
  "page",
  "record-latencies",
  "record-turns",
  "result",
  "report-peers",
];
const deadlineMs = { short: 180_000, full: 7_200_000 };
const attempts = 3;
/** The exit status of a bench that cannot run here; its last line says why. */
const cannotRun = 77;

const { values: options } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    only: { type: "string" },
    out: { type: "string" },
    base: { type: "string" },
  },
});
const { short } = options;
const repository = join(import.meta.dirname, "..");

async function main(): Promise<void> {
  const only = options.only?.split(",");
  const all = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.replace(/\.ts$/, ""))
    .filter((name) => !helpers.includes(name));
  const unknown = only?.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`there is no bench "${unknown}"; known: ${all.join(", ")}`);
  const chosen = all.filter((name) => (only?.includes(name) ?? true) && (!short || hasShortForm(name)));

  const before = load();
  const finished: Finished[] = [];
  for (const name of chosen) finished.push(await best(name));
  console.log(`\n${tableOf(finished, short)}`);
  const failures = finished.flatMap(({ name, failures }) => failures.map((failure) => `${name}: ${failure}`));
  for (const failure of failures) console.log(`FAILED  ${failure}`);
  for (const { name, missing } of finished) if (missing !== undefined) console.log(`not run  ${name}: ${missing}`);
  const out = options.out ?? (short || only ? undefined : join(repository, "docs", "performance.md"));
  if (out !== undefined) {
    const about = {
      machine: machine(),
      load: `${before} before, ${load()} after`,
      commit: commit(),
      date: new Date().toISOString(),
    };
    writeFileSync(out, pageOf(finished, about));
  }
  process.exitCode = failures.length > 0 ? 1 : 0;
}

/** A bench that looks at `short` of result.ts. */
function hasShortForm(name: string): boolean {
  return /import \{[^}]*\bshort\b[^}]*\} from "\.\/result\.ts"/.test(
    readFileSync(join(import.meta.dirname, `${name}.ts`), "utf8"),
  );
}

async function best(name: string): Promise<Finished> {
  let last = await run(name);
  for (let attempt = 1; short && attempt < attempts && last.failures.length > 0; attempt++) {
    console.log(`once more, because of ${last.failures.join("; ")}`);
    last = await run(name);
  }
  return last;
}

async function run(name: string): Promise<Finished> {
  if (name === "stages" && options.base === undefined)
    return { name, rows: [], lines: [], failures: [], missing: "it compares two builds; name the other one with --base COMMIT" };
  const started = performance.now();
  console.log(`\n=== ${name}${short ? ", short" : ""}`);
  const args = [...(name === "stages" && options.base ? [options.base] : []), "--rows", ...(short ? ["--short"] : [])];
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`), ...args], {
    cwd: repository,
    stdio: ["ignore", "pipe", "inherit"],
    timeout: short ? deadlineMs.short : deadlineMs.full,
  });
  const ended = once(child, "close") as Promise<[status: number | null, signal: NodeJS.Signals | null]>;
  const [rows, lines]: [Row[], string[]] = [[], []];
  for await (const line of createInterface({ input: child.stdout })) {
    const row = rowIn(line);
    if (row) rows.push(row);
    else {
      lines.push(line);
      console.log(line);
    }
  }
  const [status, signal] = await ended;
  console.log(`${((performance.now() - started) / 1_000).toFixed(0)} s`);
  if (status === cannotRun) return { name, rows: [], lines: [], failures: [], missing: lines.at(-1) ?? "it does not say why" };
  return { name, rows, lines, failures: failuresOf(rows, status ?? signal) };
}

function failuresOf(rows: readonly Row[], status: number | string | null): string[] {
  const failures = rows.flatMap((row) => overBounds(row, { short }).map((wrong) => `${row.name}: ${wrong}`));
  // A bench also exits with 1 for what a short run doesn't count.
  const explained = status === 1 && rows.some((row) => overBounds(row, { short: false }).length > 0);
  return status === 0 || explained
    ? failures
    : [...failures, status === 1 ? "over a bound, as its own lines say" : `it ended with ${status}`];
}

function commit(): string {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: repository, encoding: "utf8" }).trim();
  const changed = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : ", with changes";
  return `${git("rev-parse", "--short=10", "HEAD")}${changed}`;
}

await main();
