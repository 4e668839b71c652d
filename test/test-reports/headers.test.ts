import { describe, expect, test } from "vitest";
import { readText } from "./reports.ts";

// What tools count in the header of a JUnit suite differs: a complete report is read, and the difference is told. Failures stay strict.

const passing = (name: string) => `<testcase name="${name}" classname="c" time="0.1"/>`;
const failing = (name: string) => `<testcase name="${name}" classname="c"><failure message="no"/></testcase>`;

test.each<[string, string, { total: number; failed?: number; declared?: number }]>([
  ["as many as declared", `<testsuite tests="2">${passing("a")}${passing("b")}</testsuite>`, { total: 2 }],
  [
    "pytest: subtests",
    `<testsuites name="pytest tests"><testsuite name="pytest" errors="0" failures="0" tests="4">${passing("a")}</testsuite></testsuites>`,
    { total: 1, declared: 4 },
  ],
  [
    "pytest: a teardown that failed",
    `<testsuites name="pytest tests"><testsuite name="unit" errors="1" failures="0" tests="3">${passing("a")}<testcase name="b" classname="c"><error message="failed on teardown"/></testcase></testsuite></testsuites>`,
    { total: 2, failed: 1, declared: 3 },
  ],
  [
    "Catch2, doctest: assertions, in the suite alone",
    `<testsuites><testsuite name="unit" tests="7" failures="1">${passing("a")}${failing("b")}</testsuite></testsuites>`,
    { total: 2, failed: 1, declared: 7 },
  ],
  [
    "Mocha, Cypress: tests that a hook prevented, in the root and in the suite",
    `<testsuites tests="4" failures="1"><testsuite tests="0" failures="0"/><testsuite tests="3" failures="1">${failing("hook")}</testsuite><testsuite tests="1">${passing("a")}</testsuite></testsuites>`,
    { total: 2, failed: 1, declared: 4 },
  ],
  [
    "Mocha: a negative number of skipped tests",
    `<testsuite name="Mocha Tests" tests="1" failures="0" errors="1" skipped="-1">${passing("a")}<testcase name="hook" classname="c"><failure>no</failure></testcase></testsuite>`,
    { total: 2, failed: 1 },
  ],
  [
    "TestCafe: one number as failures and as errors",
    `<testsuite name="TestCafe Tests: Chrome 130" tests="2" failures="1" skipped="0" errors="1">${passing("a")}${failing("b")}</testsuite>`,
    { total: 2, failed: 1 },
  ],
  [
    "Surefire with JUnit 4: attempts, which it describes",
    `<testsuite tests="4" failures="2"><testcase name="a" classname="c"><flakyFailure message="x"/><flakyFailure message="x"/></testcase>${passing("b")}</testsuite>`,
    { total: 2 },
  ],
  [
    "in the root alone",
    `<testsuites tests="5"><testsuite name="s">${passing("a")}</testsuite><testsuite name="t">${passing("a")}</testsuite></testsuites>`,
    { total: 2, declared: 5 },
  ],
  [
    "in two suites, and no root that counts",
    `<testsuites><testsuite tests="3">${passing("a")}</testsuite><testsuite tests="2">${passing("b")}</testsuite></testsuites>`,
    { total: 2, declared: 5 },
  ],
  [
    "more than one missing test was skipped",
    `<testsuites skipped="1"><testsuite tests="3">${passing("a")}</testsuite></testsuites>`,
    { total: 1, declared: 2 },
  ],
  [
    "a skipped test was described, so it is not the missing one",
    `<testsuites skipped="1"><testsuite tests="3"><testcase name="a"><skipped/></testcase>${passing("b")}</testsuite></testsuites>`,
    { total: 2, declared: 3 },
  ],
  ["nothing is described", '<testsuite tests="3"/>', { total: 0, declared: 3 }],
])("the header counts: %s", async (_what, report, { total, failed = 0, declared }) => {
  const results = await readText(report);
  expect(results).toMatchObject({ total, failed, crashedSuites: [] });
  expect(results.sources.map((source) => source.declared)).toEqual([declared]);
});

test.each([
  ["failures", `<testsuite tests="2" failures="2">${passing("a")}${failing("b")}</testsuite>`],
  ["errors beside failures", `<testsuite tests="2" failures="1" errors="1">${passing("a")}${failing("b")}</testsuite>`],
  ["failures of the root", `<testsuites failures="2"><testsuite failures="1">${failing("b")}</testsuite></testsuites>`],
  ["errors of a suite without tests", '<testsuite tests="0" errors="1"></testsuite>'],
  [
    "errors of TestCafe",
    `<testsuite name="TestCafe Tests: x" tests="2" failures="2" errors="2">${passing("a")}${failing("b")}</testsuite>`,
  ],
])("refused: %s that nothing describes", async (_what, report) => {
  await expect(readText(report)).rejects.toThrow(/damaged: expected \d+ failures and errors as .* declares, got \d+/);
});

test.each([
  ["after a test", `<testsuite tests="2">${passing("a")}`],
  ["inside the root", `<testsuites tests="2"><testsuite tests="2">${passing("a")}</testsuite>`],
  ["inside a failure", '<testsuite tests="2"><testcase name="a"><failure>x'],
])("refused: a report that ends %s, whatever its header counts", async (_what, report) => {
  await expect(readText(report)).rejects.toThrow(/truncated/);
});

test.each<[string, string, { file: string; message: string }[]]>([
  [
    "with a message and no test",
    '<testsuite name="com.x.Broken" tests="1" errors="1"><error message="NoClassDefFoundError: x" type="java.lang.NoClassDefFoundError">stack</error></testsuite>',
    [{ file: "com.x.Broken", message: "NoClassDefFoundError: x" }],
  ],
  [
    "with an empty element",
    '<testsuite name="com.x.Broken" tests="0" errors="1"><error message="no class"/></testsuite>',
    [{ file: "com.x.Broken", message: "no class" }],
  ],
  [
    "with a text alone",
    `<testsuite name="s" tests="2" failures="1">${passing("a")}<failure type="java.lang.IllegalStateException">database gone\n\tat x.Y</failure>${passing("b")}</testsuite>`,
    [{ file: "s", message: "database gone" }],
  ],
  [
    "with a type alone",
    '<testsuite name="s"><error type="java.io.IOException"/></testsuite>',
    [{ file: "s", message: "the suite failed outside of its tests" }],
  ],
  [
    "twice",
    '<testsuite name="s" errors="2"><error message="before"/><error message="after"/></testsuite>',
    [{ file: "s", message: "before\nafter" }],
  ],
  [
    "of which only the output tells why",
    '<testsuite name="s" file="src/s.test.ts"><error/><system-err>Error: connection refused</system-err></testsuite>',
    [{ file: "src/s.test.ts", message: "Error: connection refused" }],
  ],
  [
    "inside the root",
    '<testsuites name="all"><error message="x"/><testsuite name="s"><failure message="y"/></testsuite></testsuites>',
    [
      { file: "s", message: "y" },
      { file: "all", message: "x" },
    ],
  ],
])("a suite that failed %s is a crashed suite", async (_what, report, crashed) => {
  const results = await readText(report);
  expect(results).toMatchObject({ failed: 0, crashedSuites: crashed });
  expect(results.sources.map((source) => source.declared)).toEqual([undefined]);
});

describe("Karma's header counts a lost browser as an error, and nothing describes it", () => {
  const suite = (errors: number, property: string, inside: string) =>
    `<testsuite name="Chrome" package="" tests="1" errors="${errors}" failures="0"><properties><property name="${property}" value="x"/></properties>` +
    `${inside}<system-out><![CDATA[Disconnected, no message in 30000 ms.]]></system-out><system-err/></testsuite>`;

  test("which is a crashed suite, with what was printed", async () => {
    const results = await readText(suite(1, "browser.fullName", '<testcase name="a"/>'));
    expect(results).toMatchObject({
      passed: 1,
      crashedSuites: [{ file: "Chrome", message: "Disconnected, no message in 30000 ms." }],
    });
  });

  test("but not if a test describes it, or none is counted", async () => {
    const described = await readText(suite(1, "browser.fullName", '<testcase name="a"><error message="x"/></testcase>'));
    expect(described).toMatchObject({ failed: 1, crashedSuites: [] });
    expect((await readText(suite(0, "browser.fullName", '<testcase name="a"/>'))).crashedSuites).toEqual([]);
  });

  test("and any other tool's report like this is damaged", async () => {
    await expect(readText(suite(1, "browser", '<testcase name="a"/>'))).rejects.toThrow(
      "damaged: expected 1 failures and errors",
    );
  });
});
