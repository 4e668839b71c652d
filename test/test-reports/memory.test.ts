import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { junitReport } from "../../bench/junit-report.ts";
import { workspace } from "./reports.ts";

// Reports of any size are read in constant memory: a process with a heap far smaller than the report must finish.

const heapMegabytes = 32;

const program = `
import { readResults } from ${JSON.stringify(join(import.meta.dirname, "../../src/test-reports/read.ts"))};
const { total, failed, failures } = await readResults({ cwd: process.cwd(), reports: ["report.xml"], startedAt: 0 });
console.log(JSON.stringify({ total, failed, last: failures.at(-1).message.slice(0, 40) }));
`;

async function readInSmallHeap(pieces: Iterable<string>): Promise<unknown> {
  await using at = await workspace({});
  const file = openSync(join(at.cwd, "report.xml"), "w");
  for (const piece of pieces) writeSync(file, piece);
  closeSync(file);
  const args = [`--max-old-space-size=${heapMegabytes}`, "--input-type=module", "--eval", program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: at.cwd, encoding: "utf8", timeout: 25_000 });
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
