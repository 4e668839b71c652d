import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formats } from "../../src/test-reports/formats/format.ts";
import { type Findings, UnreadableReport } from "../../src/test-reports/reported.ts";
import { fixtures, read, readText } from "./reports.ts";

// Reports in lines, TAP and JSON: what the fixtures must give, and that a damaged one is never a better one.

const reports = globSync("*/*.{tap,jsonl,ndjson}", { cwd: fixtures }).sort();

interface Expected {
  format: string;
  /** total, passed, failed, flaky, skipped, unknown */
  counts: [number, number, number, number, number, number];
  crashed?: string[];
  flaky?: string[];
}

const vitestFailures = ["crashes.vitest.mjs"];
const nodeHooks = ["/workspace/node/a.test.mjs", "/workspace/node/a.test.mjs"];

// Compared with the last lines of each tool. node counts a file that could not be loaded as a failed test, a file without a test
// (none.test.mjs) as one that passed, which is skipped here, and suites on their own.
const expectations: Record<string, Expected> = {
  "by-hand/dart.jsonl": { format: "dart-json", counts: [4, 1, 2, 0, 1, 0], crashed: ["test/broken_test.dart"] },
  // 12 scenarios (4 failed, 1 ambiguous, 1 undefined, 1 pending, 1 skipped, 4 passed); one of those passed in its second attempt.
  "cucumber/mixed.ndjson": { format: "cucumber-messages", counts: [12, 3, 7, 1, 1, 0], flaky: ["Shop › Flaky"] },
  "go/benchmarks.jsonl": { format: "go-json", counts: [2, 2, 0, 0, 0, 0] },
  "go/count2.jsonl": {
    format: "go-json",
    // Whether the second run is an attempt or another run can't be told, so a failure stays one.
    counts: [8, 3, 4, 0, 1, 0],
  },
  // DONE 3 runs, 11 tests, 1 skipped, 7 failures: gotestsum counts each attempt.
  "go/rerun.jsonl": {
    format: "go-json",
    counts: [6, 2, 2, 1, 1, 0],
    flaky: ["example.org/classwaves/session › TestReconnect"],
  },
  // As gotestsum.xml.
  "go/test.jsonl": {
    format: "go-json",
    counts: [8, 3, 4, 0, 1, 0],
    crashed: ["example.org/classwaves/broken", "example.org/classwaves/exits"],
  },
  "go/timeout.jsonl": { format: "go-json", counts: [11, 6, 4, 0, 1, 0], crashed: ["example.org/classwaves/main"] },
  // 5 passing, 1 pending, 4 failing.
  "mocha/mixed.tap": { format: "tap", counts: [10, 5, 4, 0, 1, 0] },
  "mocha/tap13.tap": { format: "tap", counts: [10, 5, 4, 0, 1, 0] },
  // tests 22, fail 9, cancelled 2, of which two are files.
  "node/node20.tap": {
    format: "tap",
    counts: [20, 6, 9, 0, 5, 0],
    crashed: [...nodeHooks, "/workspace/node/crash.test.mjs", "/workspace/node/exits.test.mjs"],
  },
  // tests 22, fail 7, cancelled 2, of which two are files. A todo that fails does not count, in a subtest of a todo neither.
  "node/node24.tap": {
    format: "tap",
    counts: [20, 7, 7, 0, 6, 0],
    crashed: [...nodeHooks, "crash.test.mjs", "exits.test.mjs"],
  },
  "perl/bats.tap": { format: "tap", counts: [3, 1, 1, 0, 1, 0] },
  "perl/test-more.tap": { format: "tap", counts: [5, 2, 2, 0, 1, 0] },
  "tape/tape.tap": { format: "tap", counts: [9, 3, 4, 0, 2, 0] },
  "vitest/all-flat.tap": { format: "tap", counts: [16, 9, 4, 0, 3, 0], crashed: vitestFailures },
  "vitest/all.tap": { format: "tap", counts: [18, 9, 6, 0, 3, 0], crashed: vitestFailures },
  // As mixed.xml.
  "vitest/mixed.tap": { format: "tap", counts: [10, 5, 3, 0, 2, 0], crashed: vitestFailures },
};

test("every fixture has an expectation, and every expectation its fixture", () => {
  expect(Object.keys(expectations).sort()).toEqual(reports);
});

test.each(reports)("%s is read correctly", async (report) => {
  const results = await read(report);
  const { total, passed, failed, flaky, skipped, unknown } = results;
  expect({
    format: results.sources[0]?.format,
    counts: [total, passed, failed, flaky, skipped, unknown],
    crashed: results.crashedSuites.map(({ file }) => file).sort(),
    flaky: results.flakyTests.map(({ name }) => name).sort(),
  }).toEqual({ crashed: [], flaky: [], ...expectations[report] });
  const messages = [...results.failures, ...results.flakyTests, ...results.crashedSuites].map(({ message }) => message);
  for (const message of messages) expect(message).toMatch(/\S/);
});

interface Outcome {
  /** The names of tests that passed, and of those that failed or may have. */
  passed: Set<string>;
  failed: Set<string>;
  troubles: number;
}

/** Without a file, because there are thousands of them. */
async function outcome(text: string): Promise<Outcome | "refused"> {
  const found: Outcome = { passed: new Set(), failed: new Set(), troubles: 0 };
  const format = formats.filter((one) => one.syntax === "text").find((one) => one.recognise(text) !== undefined);
  if (!format) return "refused";
  const findings: Findings = {
    test({ titles, status }) {
      if (status === "passed") found.passed.add(titles.join(" › "));
      if (status !== "failed" && status !== "unknown") return;
      found.failed.add(titles.join(" › "));
      found.troubles++;
    },
    crashed: () => {
      found.troubles++;
    },
  };
  try {
    await format.read("report", chunksOf(text), findings);
  } catch (error) {
    if (error instanceof UnreadableReport) return "refused";
    throw error;
  }
  return found;
}

async function* chunksOf(text: string): AsyncGenerator<string, void, void> {
  for (let at = 0; at < text.length; at += 1_000) yield text.slice(at, at + 1_000);
}

/** A test that failed must not have passed, and a report with problems must not be one without. */
function requireNoBetter(before: Outcome, after: Outcome | "refused", change: string): void {
  if (after === "refused") return;
  const better = [...after.passed].filter((name) => before.failed.has(name) && !before.passed.has(name));
  if (better.length > 0) throw new Error(`${change}: passed now: ${better.join(", ")}`);
  if (before.troubles > 0 && after.troubles === 0) throw new Error(`${change}: without a problem now`);
}

async function original(report: string): Promise<{ text: string; lines: string[]; before: Outcome }> {
  const text = await readFile(join(fixtures, report), "utf8");
  const before = await outcome(text);
  if (before === "refused") throw new Error(`${report} is refused`);
  return { text, lines: text.split("\n"), before };
}

test.each(reports)("%s without one of its lines, or with one twice, is no better", async (report) => {
  const { lines, before } = await original(report);
  const step = Math.max(Math.floor(lines.length / samples), 1);
  for (let index = 0; index < lines.length; index += step) {
    const dropped = [...lines.slice(0, index), ...lines.slice(index + 1)].join("\n");
    requireNoBetter(before, await outcome(dropped), `without line ${index + 1}`);
    const twice = [...lines.slice(0, index + 1), ...lines.slice(index)].join("\n");
    requireNoBetter(before, await outcome(twice), `with line ${index + 1} twice`);
  }
});

/** How many places of each report are changed. */
const samples = process.env.LONG ? 2_000 : 200;

/**
 * Go writes no last line: only a cut inside a package is noticed. And if the plan of TAP stands first, the last test may lose the
 * end of its name.
 */
function mayEndHere(report: string, text: string): boolean {
  const last = text.trimEnd().split("\n").at(-1) ?? "";
  if (report.endsWith(".tap")) return /^(?:not )?ok\b/.test(last);
  return (
    report.startsWith("go/") && /"Action":"(?:pass|fail|skip)"/.test(last) && !last.includes('"Test":') && last.endsWith("}")
  );
}

test.each(reports)("%s cut anywhere is refused, or shows all problems", async (report) => {
  const { text, before } = await original(report);
  const step = Math.max(Math.floor(text.length / samples), 1);
  for (let length = 1; length < text.trimEnd().length; length += step) {
    const part = text.slice(0, length);
    const after = await outcome(part);
    if (after === "refused") continue;
    if (mayEndHere(report, part)) {
      // What was read so far is all there is.
      expect([...after.passed].filter((name) => before.failed.has(name) && !before.passed.has(name))).toEqual([]);
      continue;
    }
    requireNoBetter(before, after, `cut after ${length}`);
    expect(after.troubles, `cut after ${length}`).toBeGreaterThanOrEqual(before.troubles);
  }
});

test.each(reports)("%s with one changed byte is no better", async (report) => {
  const { text, before } = await original(report);
  const step = Math.max(Math.floor(text.length / samples), 1);
  for (let at = 0; at < text.length; at += step) {
    for (const byte of [" ", "\n", "#", "0"])
      requireNoBetter(before, await outcome(`${text.slice(0, at)}${byte}${text.slice(at + 1)}`), `"${byte}" at ${at}`);
  }
});

test.each([
  ["plain text", "3 tests passed\n"],
  ["a list of numbers", "[1, 2]\n"],
  ["JSON lines of another program", '{"level":"info","msg":"hello"}\n{"level":"info","msg":"bye"}\n'],
])("%s is no report", async (_what, text) => {
  await expect(readText(text)).rejects.toThrow(/unknown format|malformed JSON/);
});
