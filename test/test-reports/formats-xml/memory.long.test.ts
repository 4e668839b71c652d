import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { workspace } from "../reports.ts";

// Reports of any size are read in almost constant memory: a process with a heap far smaller than the report must finish.

const heapMegabytes = 40;
const tests = 100_000;
const everyFailed = 1_000;

const program = `
import { readResults } from ${JSON.stringify(join(import.meta.dirname, "../../../src/test-reports/read.ts"))};
const { total, failed, failures } = await readResults({ cwd: process.cwd(), reports: ["report.xml"], startedAt: 0 });
console.log(JSON.stringify({ total, failed, last: failures.at(-1).name }));
`;

function* many(start: string, one: (index: number, failed: boolean) => string, end: string): Generator<string> {
  yield start;
  for (let index = 0; index < tests; index++) yield one(index, index % everyFailed === 0);
  yield end;
}

function guid(index: number): string {
  return `b0000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
}

function* trx(): Generator<string> {
  const times =
    'startTime="2026-11-30T10:00:00.0000000+00:00" endTime="2026-11-30T10:00:00.0000000+00:00" duration="00:00:00.0010000"';
  const broke =
    "<Output><ErrorInfo><Message>broke</Message><StackTrace>at N.C.a() in /src/C.cs:line 3</StackTrace></ErrorInfo></Output>";
  const result = (i: number, failed: boolean) =>
    `<UnitTestResult executionId="${guid(i)}" testId="${guid(i)}" testName="test${i}" ${times} outcome="${failed ? "Failed" : "Passed"}">${failed ? broke : ""}</UnitTestResult>`;
  yield* many("<TestRun><Results>", result, "</Results>");
  const definition = (i: number) =>
    `<UnitTest name="test${i}" storage="/bin/a.dll" id="${guid(i)}"><TestMethod codeBase="/bin/A.dll" className="N.C${i % 100}" name="test${i}"/></UnitTest>`;
  yield* many("<TestDefinitions>", definition, '</TestDefinitions><ResultSummary outcome="Failed"/></TestRun>');
}

const formats: Record<string, () => Iterable<string>> = {
  trx,
  nunit: () =>
    many(
      '<test-run><test-suite name="C" fullname="N.C">',
      (i, failed) =>
        `<test-case name="test${i}" fullname="N.C.test${i}" result="${failed ? "Failed" : "Passed"}"><output>${"log ".repeat(50)}</output></test-case>`,
      "</test-suite></test-run>",
    ),
  xunit: () =>
    many(
      '<assemblies><assembly name="A.dll"><collection>',
      (i, failed) =>
        `<test name="N.C.test${i}" type="N.C" result="${failed ? "Fail" : "Pass"}"><output>${"log ".repeat(50)}</output></test>`,
      "</collection></assembly></assemblies>",
    ),
  robot: () =>
    many(
      '<robot><suite name="C">',
      (i, failed) =>
        `<test name="test${i}"><kw name="Log"><msg level="INFO">${"log ".repeat(50)}</msg><status status="PASS"/></kw><status status="${failed ? "FAIL" : "PASS"}"/></test>`,
      '<status status="FAIL"/></suite></robot>',
    ),
  testng: () =>
    many(
      '<testng-results><suite name="s"><test name="t"><class name="N.C">',
      (i, failed) =>
        `<test-method name="test${i}" signature="test()" status="${failed ? "FAIL" : "PASS"}"><reporter-output><line>${"log ".repeat(50)}</line></reporter-output></test-method>`,
      "</class></test></suite></testng-results>",
    ),
};

test.each(Object.keys(formats))("%s: hardly anything is kept of passed tests", { timeout: 120_000 }, async (format) => {
  await using at = await workspace({});
  const file = openSync(join(at.cwd, "report.xml"), "w");
  let piece = "";
  for (const text of formats[format]?.() ?? []) {
    piece += text;
    if (piece.length < 1_000_000) continue;
    writeSync(file, piece);
    piece = "";
  }
  writeSync(file, piece);
  closeSync(file);
  const args = [`--max-old-space-size=${heapMegabytes}`, "--input-type=module", "--eval", program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: at.cwd, encoding: "utf8", timeout: 100_000 });
  if (stdout === "") throw new Error(stderr.slice(-2_000));
  const last = tests - everyFailed;
  expect(JSON.parse(stdout)).toEqual({
    total: tests,
    failed: tests / everyFailed,
    last: expect.stringMatching(new RegExp(` › test${last}$`)),
  });
});
