import { expect, test } from "vitest";
import { readText } from "../reports.ts";

// NUnit 3 and later, then NUnit 2.

function report(inside: string, attributes = 'result="Passed"'): string {
  return `<test-run id="0" ${attributes}><test-suite type="Assembly" name="A.dll" fullname="/bin/A.dll" ${attributes}>${inside}</test-suite></test-run>`;
}

test.each([
  ['result="Passed"', "passed"],
  ['result="Warning"', "passed"],
  ['result="Failed"', "failed"],
  ['result="Failed" label="Error"', "failed"],
  ['result="Failed" label="Cancelled"', "failed"],
  ['result="Failed" label="Invalid"', "failed"],
  ['result="Failed(Child)"', "failed"],
  ['result="Skipped"', "skipped"],
  ['result="Skipped" label="Ignored"', "skipped"],
  ['result="Skipped" label="Explicit"', "skipped"],
  ['result="Inconclusive"', "skipped"],
  ['result="Exploded"', "unknown"],
  ["", "unknown"],
])("a test with %s is %s", async (attributes, status) => {
  const results = await readText(report(`<test-case name="a" fullname="C.a" classname="C" ${attributes}/>`));
  expect(results).toMatchObject({ total: 1, [status]: 1 });
});

const failure = "<failure><message>broke</message><stack-trace>at N.C.a() in /src/C.cs:line 3</stack-trace></failure>";

function suite(attributes: string, inside: string): string {
  return `<test-suite type="TestFixture" name="C" fullname="N.C" ${attributes}>${inside}</test-suite>`;
}

const passed = '<test-case name="a" fullname="N.C.a" classname="N.C" result="Passed"/>';
const failed = `<test-case name="b" fullname="N.C.b" classname="N.C" result="Failed">${failure}</test-case>`;
const aggregate = "<failure><message>One or more child tests had errors</message></failure>";

test("a test has its class, assembly, place, message and duration", async () => {
  const xml = report(
    suite('result="Failed" site="Child"', aggregate + failed.replace("<test-case", '<test-case duration="1.25"')),
  );
  expect(await readText(xml)).toMatchObject({
    failures: [{ name: "N.C › b", project: "A", file: "/src/C.cs", line: 3, message: "broke", durationMs: 1_250 }],
    crashedSuites: [],
  });
});

test.each([
  ['result="Failed" label="Error"', true],
  ['result="Failed"', undefined],
])("a test with %s ended with an error: %s", async (attributes, errored) => {
  const { failures } = await readText(report(`<test-case name="a" fullname="C.a" ${attributes}/>`));
  expect(failures.map((one) => one.errored)).toEqual([errored]);
});

test("a failed tear-down is a crashed suite, also beside failed tests", async () => {
  const own = "<failure><message>TearDown : gone</message><stack-trace>at N.C.Down()</stack-trace></failure>";
  for (const inside of [passed, passed + failed]) {
    const { crashedSuites } = await readText(report(suite('result="Failed" label="Error" site="TearDown"', own + inside)));
    expect(crashedSuites).toEqual([{ file: "N.C", message: "TearDown : gone" }]);
  }
});

test("a failed set-up is a crashed suite only if none of its tests says so", async () => {
  const own = "<failure><message>no database</message><stack-trace>at N.C.Up()</stack-trace></failure>";
  const withTests = await readText(report(suite('result="Failed" site="SetUp"', own + failed)));
  expect(withTests).toMatchObject({ failed: 1, crashedSuites: [] });
  const without = await readText(report(suite('result="Failed" site="SetUp"', own)));
  expect(without).toMatchObject({ total: 0, crashedSuites: [{ file: "N.C", message: "no database" }] });
});

test("the suites around a crashed one are not crashed as well", async () => {
  const inner = suite('result="Failed" site="TearDown"', `<failure><message>gone</message></failure>${passed}`);
  const { crashedSuites } = await readText(
    report(
      `<test-suite type="TestSuite" name="N" fullname="N" result="Failed" site="Child">${aggregate}${inner}</test-suite>`,
      'result="Failed" site="Child"',
    ),
  );
  expect(crashedSuites).toEqual([{ file: "N.C", message: "gone" }]);
});

test("an assembly that cannot be loaded is a crashed suite with its reason", async () => {
  const properties = '<properties><property name="_SKIPREASON" value="File not found"/></properties>';
  const assembly = `<test-suite type="Invalid" name="B.dll" fullname="/bin/B.dll" runstate="NotRunnable" result="Failed" label="Invalid">${properties}</test-suite>`;
  const { crashedSuites } = await readText(`<test-run result="Failed" total="0" failed="0">${assembly}</test-run>`);
  expect(crashedSuites).toEqual([{ file: "/bin/B.dll", message: "File not found" }]);
});

test.each(["Failed", "Exploded"])("a run that is %s without a failure is a crash", async (result) => {
  const { crashedSuites } = await readText(`<test-run result="${result}">${suite('result="Passed"', passed)}</test-run>`);
  expect(crashedSuites).toMatchObject([{ file: "(the whole run)" }]);
});

test("fewer failures than declared are damage, fewer tests are told", async () => {
  const declares = 'result="Passed" total="2" failed="1"';
  await expect(readText(report(passed, declares))).rejects.toThrow("expected 1 failures as the report declares, got 0");
  expect((await readText(report(failed, declares))).sources).toMatchObject([{ tests: 1, declared: 2 }]);
});

test("the suite alone is read, as NUnit's engine writes it", async () => {
  expect(await readText(suite('result="Failed" failed="1" total="1"', failed))).toMatchObject({ failed: 1, crashedSuites: [] });
  await expect(readText(suite('result="Failed" failed="1" total="1"', passed))).rejects.toThrow("damaged");
});

function version2(inside: string, attributes = ""): string {
  const fixture = `<test-suite type="TestFixture" name="C"><results>${inside}</results></test-suite>`;
  const names = `<test-suite type="Namespace" name="N"><results>${fixture}</results></test-suite>`;
  return `<test-results name="/bin/A.dll" ${attributes}><test-suite type="Assembly" name="/bin/A.dll"><results>${names}</results></test-suite></test-results>`;
}

test.each([
  ['executed="True" result="Success" success="True"', "passed"],
  ['executed="True" result="Failure" success="False"', "failed"],
  ['executed="True" result="Error" success="False"', "failed"],
  ['executed="False" result="NotRunnable"', "failed"],
  ['executed="True" result="Cancelled"', "failed"],
  ['executed="False" result="Ignored"', "skipped"],
  ['executed="False" result="Skipped"', "skipped"],
  ['executed="True" result="Inconclusive" success="False"', "skipped"],
  ['executed="True" success="true"', "passed"],
  ['executed="True" success="False"', "failed"],
  ['executed="False"', "skipped"],
  ['executed="True"', "unknown"],
  ['executed="True" success="Turue"', "unknown"],
])("NUnit 2: a test with %s is %s", async (attributes, status) => {
  expect(await readText(version2(`<test-case name="N.C.a" ${attributes}/>`))).toMatchObject({ total: 1, [status]: 1 });
});

test("NUnit 2: a failure is one, even if the test is not said to have failed", async () => {
  expect(await readText(version2(`<test-case name="N.C.a" executed="True">${failure}</test-case>`))).toMatchObject({ failed: 1 });
});

test("NUnit 2: class and test are cut from the full name, also with dots in arguments; times may have a comma", async () => {
  const cases = ['name="N.C.a(&quot;x.y&quot;)" time="0,250"', 'name="alone"'].map(
    (one) => `<test-case ${one} executed="True" success="False"/>`,
  );
  const { failures } = await readText(version2(cases.join("")));
  expect(failures).toMatchObject([{ name: 'N.C › a("x.y")', durationMs: 250, project: "A" }, { name: "C › alone" }]);
});

test("NUnit 2: the tests of a class have the message of its failed set-up", async () => {
  const own = "<failure><message>SetUp : no database</message><stack-trace>at N.C.Up() in /src/C.cs:5</stack-trace></failure>";
  const test =
    '<test-case name="N.C.a" executed="True" success="False"><failure><message>TestFixtureSetUp failed in C</message><stack-trace/></failure></test-case>';
  const xml = `<test-results><test-suite type="TestFixture" name="N.C" success="False">${own}<results>${test}</results></test-suite></test-results>`;
  expect(await readText(xml)).toMatchObject({
    failures: [{ name: "N.C › a", file: "/src/C.cs", line: 5, message: "TestFixtureSetUp failed in C\nSetUp : no database" }],
    crashedSuites: [],
  });
});

test("NUnit 2: errors, failures and tests that cannot run are declared apart", async () => {
  const three = ["Failure", "Error", "NotRunnable"].map((result) => `<test-case name="N.C.${result}" result="${result}"/>`);
  const declares = 'total="2" failures="1" errors="1" invalid="1" not-run="1"';
  expect(await readText(version2(three.join(""), declares))).toMatchObject({ failed: 3 });
  await expect(readText(version2(three.slice(1).join(""), declares))).rejects.toThrow("expected 3 failures");
});
