import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ctrfReport, jestReport, playwrightReport } from "../../bench/json-report.ts";
import { junitReport } from "../../bench/junit-report.ts";
import { workspace } from "./reports.ts";

// Reports of any size are read in constant memory: a process with a heap far smaller than the report must finish.

const heapMegabytes = 32;

const program = `
import { readResults } from ${JSON.stringify(join(import.meta.dirname, "../../src/test-reports/read.ts"))};
const { total, failed, failures } = await readResults({ cwd: process.cwd(), reports: ["report-*"], startedAt: 0 });
console.log(JSON.stringify({ total, failed, last: failures.at(-1).message.slice(0, 40) }));
`;

async function readInSmallHeap(...reports: Iterable<string>[]): Promise<unknown> {
  await using at = await workspace({});
  for (const [index, pieces] of reports.entries()) {
    const file = openSync(join(at.cwd, `report-${index}`), "w");
    for (const piece of pieces) writeSync(file, piece);
    closeSync(file);
  }
  const args = [`--max-old-space-size=${heapMegabytes}`, "--input-type=module", "--eval", program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: at.cwd, encoding: "utf8", timeout: 100_000 });
  if (stdout === "") throw new Error(stderr.slice(-2_000));
  return JSON.parse(stdout);
}

test("nothing is kept of passed tests", async () => {
  const result = await readInSmallHeap(junitReport({ suites: 2_500, testsInSuite: 100 }));
  expect(result).toEqual({ total: 250_000, failed: 500, last: "expected 250000" });
});

function* longLogs(): Generator<string> {
  const megabyte = `${"x".repeat(1_023)}\n`.repeat(1_024);
  const log = Array<string>(40).fill(megabyte);
  yield '<testsuite name="s" tests="2" failures="1"><testcase name="a" classname="c"><failure><![CDATA[it broke\n';
  yield* log;
  yield ']]></failure></testcase><testcase name="b" classname="c"><system-out>';
  yield* log;
  yield "</system-out></testcase></testsuite>";
}

test("of a failure and a log larger than the heap, the beginnings are kept", async () => {
  expect(await readInSmallHeap(longLogs())).toMatchObject({ total: 2, failed: 1, last: expect.stringMatching(/^it broke\nx+$/) });
});

const jsonReports: [string, Iterable<string>][] = [
  ["Jest's in many files", jestReport({ files: 1_200, testsInFile: 100 })],
  ["Jest's in one file", jestReport({ files: 1, testsInFile: 120_000 })],
  ["Playwright's in one file", playwrightReport({ files: 1, testsInFile: 120_000 })],
  ["CTRF", ctrfReport({ files: 1, testsInFile: 120_000 })],
];

// One file with all tests is the hardest; the others take their time in the long suite.
const tried = process.env.LONG ? jsonReports : jsonReports.filter(([name]) => name === "Jest's in one file");

test.each(tried)("JSON larger than the heap is read: %s", async (_name, pieces) => {
  expect(await readInSmallHeap(pieces)).toMatchObject({
    total: 120_000,
    failed: 240,
    last: expect.stringMatching(/^Error: expect\(received\)/),
  });
});

function* longMessage(): Generator<string> {
  const piece = `${"x".repeat(1_022)}\\n`.repeat(1_024);
  yield '{"numTotalTests":1,"numFailedTests":1,"success":false,"unused":["';
  for (let count = 0; count < 40; count++) yield piece;
  yield '"],"testResults":[{"name":"/a.ts","status":"failed","assertionResults":[{"ancestorTitles":[],"title":"a","status":"failed","failureMessages":["it broke\\n';
  for (let count = 0; count < 40; count++) yield piece;
  yield '"]}],"message":"';
  for (let count = 0; count < 40; count++) yield piece;
  yield '"}]}';
}

test("of messages in JSON larger than the heap, the beginnings are kept", async () => {
  expect(await readInSmallHeap(longMessage())).toMatchObject({
    total: 1,
    failed: 1,
    last: expect.stringMatching(/^it broke\nx+$/),
  });
});

test("two reports that are together larger than the heap are merged", async () => {
  const shape = { files: 600, testsInFile: 100 };
  const reports = [jestReport(shape), jestReport(shape, "lesson")];
  expect(await readInSmallHeap(...reports)).toMatchObject({ total: 120_000, failed: 240 });
});
