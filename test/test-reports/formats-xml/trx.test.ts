import { expect, test } from "vitest";
import { readText } from "../reports.ts";

// TRX, with the words of Microsoft's enumeration of outcomes.

function report(results: string, rest = ""): string {
  return `<TestRun id="r" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>${results}</Results>${rest}</TestRun>`;
}

function result(name: string, outcome: string, inside = "", attributes = ""): string {
  return `<UnitTestResult testId="${name}" testName="${name}" outcome="${outcome}" ${attributes}>${inside}</UnitTestResult>`;
}

function summary(outcome: string, inside = ""): string {
  return `<ResultSummary outcome="${outcome}">${inside}</ResultSummary>`;
}

function error(text: string): string {
  return `<RunInfo outcome="Error"><Text>${text}</Text></RunInfo>`;
}

const failure = "<Output><ErrorInfo><Message>broke</Message></ErrorInfo></Output>";

test.each([
  ["Passed", "passed"],
  ["PassedButRunAborted", "passed"],
  ["Warning", "passed"],
  ["Failed", "failed"],
  ["Error", "failed"],
  ["Timeout", "failed"],
  ["Aborted", "failed"],
  ["Disconnected", "failed"],
  ["NotRunnable", "failed"],
  ["NotExecuted", "skipped"],
  ["Inconclusive", "skipped"],
  ["Pending", "skipped"],
  ["Completed", "unknown"],
  ["InProgress", "unknown"],
  ["Exploded", "unknown"],
  ["", "unknown"],
])("the outcome %s is %s", async (outcome, status) => {
  expect(await readText(report(result("a", outcome)))).toMatchObject({ total: 1, [status]: 1 });
});

test("an error is told from a failure", async () => {
  const { failures } = await readText(report(result("a", "Error") + result("b", "Failed")));
  expect(failures.map(({ errored }) => errored)).toEqual([true, undefined]);
});

test("a server's build names the repository in its own way, which is left out", async () => {
  const stack = "at N.Library.Do() in /_/src/Library.cs:line 1\n at N.One.a() in /_/tests/One.cs:line 7";
  const output = `<Output><ErrorInfo><StackTrace>${stack}</StackTrace></ErrorInfo></Output>`;
  const definitions = '<TestDefinitions><UnitTest id="a"><TestMethod className="N.One"/></UnitTest></TestDefinitions>';
  const { failures } = await readText(report(result("a", "Failed", output), definitions));
  expect(failures).toMatchObject([{ file: "tests/One.cs", line: 7 }]);
});

test("a result without an outcome is unknown", async () => {
  expect(await readText(report('<UnitTestResult testName="a"/>'))).toMatchObject({ total: 1, unknown: 1 });
});

test("results of other kinds of tests count, too", async () => {
  const generic = '<TestResult testName="a" outcome="Failed"/><ManualTestResult testName="b" outcome="Passed"/>';
  expect(await readText(report(generic))).toMatchObject({ total: 2, failed: 1, passed: 1 });
});

test.each(["before", "behind"])("the class and the assembly come from the definitions %s the results", async (place) => {
  const method = '<TestMethod codeBase="C:\\bin\\A.Tests.dll" className="A.Tests.One, A.Tests, Version=1.0" name="a"/>';
  const definitions = `<TestDefinitions><UnitTest id="a" storage="c:\\bin\\a.tests.dll">${method}</UnitTest></TestDefinitions>`;
  const xml = report(result("a", "Failed", failure), place === "behind" ? definitions : "");
  const { failures } = await readText(place === "behind" ? xml : xml.replace("<Results>", `${definitions}<Results>`));
  expect(failures).toMatchObject([{ name: "A.Tests.One › a", project: "A.Tests", message: "broke" }]);
});

test("the place is where the stack leaves the class of the test, in any language", async () => {
  const stack = "  bei A.Other.Do() in /src/Other.cs:Zeile 3.\n  bei A.One.a() in C:\\My Code\\One.cs:Zeile 27.";
  const output = `<Output><ErrorInfo><Message>broke</Message><StackTrace>${stack}</StackTrace></ErrorInfo></Output>`;
  const definitions = '<TestDefinitions><UnitTest id="a"><TestMethod className="A.One"/></UnitTest></TestDefinitions>';
  const { failures } = await readText(report(result("a", "Failed", output), definitions));
  expect(failures).toMatchObject([{ file: "C:\\My Code\\One.cs", line: 27 }]);
});

test("the log is the message where nothing else explains a failure", async () => {
  const { failures } = await readText(report(result("a", "Failed", "<Output><StdOut>no server\nat all</StdOut></Output>")));
  expect(failures).toMatchObject([{ message: "no server\nat all" }]);
});

test("durations have hours and perhaps days", async () => {
  const times = ["00:00:01.5000000", "1.01:00:00", "-00:00:01", "soon"];
  const { slowest } = await readText(
    report(times.map((time, i) => result(`t${i}`, "Passed", "", `duration="${time}"`)).join("")),
  );
  expect(slowest.map(({ durationMs }) => durationMs)).toEqual([90_000_000, 1_500, 0, 0]);
});

const rows = [result("a (1)", "Passed"), result("a (2)", "Failed", failure)].join("");

test("of a test with rows, the rows count", async () => {
  const nested = result("a", "Failed", `<InnerResults>${rows}</InnerResults>`, 'resultType="DataDrivenTest"');
  expect(await readText(report(nested))).toMatchObject({ total: 2, passed: 1, failed: 1, failures: [{ name: "a (2)" }] });
});

test("rows may stand beside their test", async () => {
  const row = (name: string, outcome: string) =>
    `<UnitTestResult testId="a" testName="${name}" outcome="${outcome}" resultType="DataDrivenDataRow"/>`;
  const beside = result("a", "Failed", "", 'resultType="DataDrivenTest"') + row("a (1)", "Passed") + row("a (2)", "Failed");
  expect(await readText(report(beside))).toMatchObject({ total: 2, passed: 1, failed: 1, failures: [{ name: "a (2)" }] });
});

test.each([
  [
    "inside",
    (passed: string) => result("a", "Failed", `${failure}<InnerResults>${passed}</InnerResults>`, 'resultType="DataDrivenTest"'),
  ],
  ["beside", (passed: string) => result("a", "Failed", failure, 'resultType="DataDrivenTest"') + passed],
])("a test that failed though its rows %s passed has failed", async (_, xml) => {
  const passed = '<UnitTestResult testId="a" testName="a (1)" outcome="Passed" resultType="DataDrivenDataRow"/>';
  expect(await readText(report(xml(passed)))).toMatchObject({ total: 2, passed: 1, failed: 1, failures: [{ name: "a" }] });
});

test("fewer failures than the counters have are damage, whatever they are called", async () => {
  const both = result("a", "Failed") + result("b", "Timeout");
  const counters = summary("Failed", '<Counters total="2" passed="0" failed="1" timeout="1"/>');
  expect(await readText(report(both, counters))).toMatchObject({ failed: 2 });
  await expect(readText(report(result("a", "Failed"), counters))).rejects.toThrow(
    "expected 2 failures as the report declares, got 1",
  );
  await expect(readText(report(both, summary("Failed", '<Counters failed="two"/>')))).rejects.toThrow('got "two"');
});

test("a failure that is counted under two names counts once", async () => {
  const counters = summary("Failed", '<Counters total="1" passed="0" failed="1" error="1"/>');
  expect(await readText(report(result("a", "Failed"), counters))).toMatchObject({ failed: 1 });
});

test("fewer tests than the counters have are told", async () => {
  const { sources } = await readText(report(result("a", "Passed"), summary("Completed", '<Counters total="2" passed="2"/>')));
  expect(sources).toMatchObject([{ format: "trx", tests: 1, declared: 2 }]);
});

test.each(["Failed", "Error", "Aborted", "Timeout", "Disconnected", "Exploded"])(
  "a run that ended as %s without a failed test is a crash",
  async (outcome) => {
    const { crashedSuites, failed } = await readText(report(result("a", "Passed"), summary(outcome)));
    expect(failed).toBe(0);
    expect(crashedSuites).toEqual([{ file: "(the whole run)", message: expect.stringContaining(`"${outcome}"`) }]);
  },
);

test.each(["Completed", "Passed", "Warning"])("a run that ended as %s is none", async (outcome) => {
  expect(await readText(report(result("a", "Passed"), summary(outcome)))).toMatchObject({ passed: 1, crashedSuites: [] });
});

test("an error of the run is a crash, a warning is none", async () => {
  const warning = '<RunInfo outcome="Warning"><Text>slow</Text></RunInfo>';
  const infos = `<RunInfos>${warning}${error("Test host process crashed")}</RunInfos>`;
  const { crashedSuites } = await readText(report(result("a", "Failed"), summary("Failed", infos)));
  expect(crashedSuites).toEqual([{ file: "(the whole run)", message: "Test host process crashed" }]);
});

test("what xUnit.net and Microsoft.Testing.Platform say of failed tests a second time is no crash", async () => {
  const again = error("[xUnit.net 00:00:00.51]     a [FAIL]") + error("Exit code indicates failure: '2'. Please refer to …");
  const failed = await readText(report(result("a", "Failed"), summary("Failed", `<RunInfos>${again}</RunInfos>`)));
  expect(failed).toMatchObject({ failed: 1, crashedSuites: [] });
  const passed = await readText(report(result("a", "Passed"), summary("Failed", `<RunInfos>${again}</RunInfos>`)));
  expect(passed.crashedSuites).toHaveLength(1);
  const other = error("[xUnit.net 00:00:00.51]     b [FAIL]");
  const unknown = await readText(report(result("a", "Failed"), summary("Failed", `<RunInfos>${other}</RunInfos>`)));
  expect(unknown.crashedSuites).toHaveLength(1);
});
