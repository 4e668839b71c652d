import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { workspace } from "./reports.ts";

// Like memory.test.ts: 100,000 tests are read in a heap that is far smaller than the report.

const heapMegabytes = 48;
const tests = 100_000;
/** Every so many tests one fails. */
const everyFailure = 1_000;
const log = "x".repeat(300);

const program = `
import { readResults } from ${JSON.stringify(join(import.meta.dirname, "../../src/test-reports/read.ts"))};
const { total, failed } = await readResults({ cwd: process.cwd(), reports: ["report"], startedAt: 0 });
console.log(JSON.stringify({ total, failed }));
`;

function fails(index: number): boolean {
  return index % everyFailure === 0;
}

function jsonLines(...objects: object[]): string {
  return objects.map((object) => `${JSON.stringify(object)}\n`).join("");
}

function* tap(): Generator<string> {
  yield "TAP version 14\n";
  for (let index = 1; index <= tests; index++)
    yield `# ${log}\n# Subtest: test ${index}\n${fails(index) ? "not ok" : "ok"} ${index} - test ${index}\n  ---\n  duration_ms: 1.5\n  type: 'test'\n  ...\n`;
  yield `1..${tests}\n# tests ${tests}\n`;
}

function* go(): Generator<string> {
  for (let index = 1; index <= tests; index++) {
    const of = { Package: `example.org/p${Math.ceil(index / 1_000)}`, Test: `TestNumber${index}` };
    yield jsonLines(
      { Action: "run", ...of },
      { Action: "output", ...of, Output: `    a_test.go:3: ${log}\n` },
      { Action: fails(index) ? "fail" : "pass", ...of, Elapsed: 0.1 },
    );
    if (index % 1_000 === 0) yield jsonLines({ Action: "fail", Package: of.Package, Elapsed: 1 });
  }
}

function* dart(): Generator<string> {
  yield jsonLines({ protocolVersion: "0.1.1", type: "start", time: 0 });
  yield jsonLines({ type: "suite", suite: { id: 0, path: "test/a_test.dart" }, time: 0 });
  for (let id = 1; id <= tests; id++) {
    yield jsonLines(
      { type: "testStart", test: { id, name: `test ${id}`, suiteID: 0, groupIDs: [], line: 1 }, time: 1 },
      { type: "print", testID: id, message: log, time: 1 },
      { type: "testDone", testID: id, result: fails(id) ? "failure" : "success", skipped: false, hidden: false, time: 2 },
    );
  }
  yield jsonLines({ type: "done", success: false, time: 9 });
}

function* cucumber(): Generator<string> {
  yield jsonLines({ meta: { protocolVersion: "32.0.0" } });
  for (let index = 1; index <= tests; index++) {
    const testStepResult = { status: fails(index) ? "FAILED" : "PASSED", duration: { seconds: 0, nanos: 5 } };
    yield jsonLines(
      {
        pickle: {
          id: `p${index}`,
          uri: "a.feature",
          name: `scenario ${index}`,
          location: { line: index },
          steps: [],
          tags: [log],
        },
      },
      { testCase: { id: `c${index}`, pickleId: `p${index}`, testSteps: [{ id: `s${index}` }] } },
      { testCaseStarted: { id: `r${index}`, testCaseId: `c${index}`, attempt: 0 } },
      { testStepFinished: { testCaseStartedId: `r${index}`, testStepId: `s${index}`, testStepResult } },
      { testCaseFinished: { testCaseStartedId: `r${index}`, willBeRetried: false } },
    );
  }
  yield jsonLines({ testRunFinished: { success: false } });
}

async function readInSmallHeap(pieces: Iterable<string>): Promise<unknown> {
  await using at = await workspace({});
  const file = openSync(join(at.cwd, "report"), "w");
  let gathered = "";
  for (const piece of pieces) {
    gathered += piece;
    if (gathered.length < 1_000_000) continue;
    writeSync(file, gathered);
    gathered = "";
  }
  writeSync(file, gathered);
  closeSync(file);
  const args = [`--max-old-space-size=${heapMegabytes}`, "--input-type=module", "--eval", program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: at.cwd, encoding: "utf8", timeout: 60_000 });
  if (stdout === "") throw new Error(stderr.slice(-2_000));
  return JSON.parse(stdout);
}

test.each([
  ["TAP", tap],
  ["go test -json", go],
  ["Dart", dart],
  ["Cucumber messages", cucumber],
])("%s: nothing is kept of tests that passed", async (_format, pieces) => {
  expect(await readInSmallHeap(pieces())).toEqual({ total: tests, failed: tests / everyFailure });
});

function* longLines(): Generator<string> {
  yield "TAP version 14\n1..2\nnot ok 1 - ";
  for (let megabyte = 0; megabyte < 60; megabyte++) yield " ".repeat(1024 * 1024);
  yield "\n  ---\n  message: broken\n";
  for (let line = 0; line < 200_000; line++) yield `  at frame ${log}\n`;
  yield "  ...\nok 2\n";
}

test("a line and a block that are larger than the heap are cut", async () => {
  expect(await readInSmallHeap(longLines())).toEqual({ total: 2, failed: 1 });
});
