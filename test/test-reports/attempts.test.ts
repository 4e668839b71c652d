import { expect, test } from "vitest";
import type { TestResults } from "../../src/model/test-results.ts";
import { readText } from "./reports.ts";

// Several attempts of a test count once. Where attempts and tests can't be told apart, no failure is lost and no attempt counts as passed.

function counts({ total, passed, failed, flaky, skipped }: TestResults): number[] {
  return [total, passed, failed, flaky, skipped];
}

const one = (name: string, inside = "", attributes = "") =>
  `<testcase name="${name}" classname="c" time="0.1"${attributes}>${inside}</testcase>`;
const pass = (name: string) => one(name);
const fail = (name: string, message = "no") => one(name, `<failure message="${message}">text</failure>`);
const skip = (name: string) => one(name, "<skipped/>");

const pytestRoot = (suite: string) => `<testsuites name="pytest tests">${suite}</testsuites>`;
/** As written by pytest before it named its root. */
const oldPytest = 'hostname="vm" timestamp="2024-11-29T13:43:55.130784"';

/** Attempts in the order in which xdist's workers happen to end them. */
const mixed = pass("bad") + pass("flaky") + pass("bad") + pass("good") + pass("flaky") + fail("bad");

test.each<[string, string, number[]]>([
  ["pytest", pytestRoot(`<testsuite name="pytest" tests="3" failures="1">${mixed}</testsuite>`), [3, 1, 1, 1, 0]],
  [
    "pytest, with another name",
    pytestRoot(`<testsuite name="unit" tests="3" failures="1">${mixed}</testsuite>`),
    [3, 1, 1, 1, 0],
  ],
  ["pytest without a header's number", `<testsuite name="pytest">${mixed}</testsuite>`, [3, 1, 1, 1, 0]],
  [
    "pytest, where failed teardowns make up for the attempts in the header",
    pytestRoot(`<testsuite name="unit" tests="6" failures="1">${mixed}</testsuite>`),
    [3, 1, 1, 1, 0],
  ],
  [
    "an older pytest, with another name, where the header has as many",
    `<testsuites><testsuite name="unit" tests="6" failures="1" ${oldPytest}>${mixed}</testsuite></testsuites>`,
    [3, 1, 1, 1, 0],
  ],
  ["another tool, whose header counts fewer", `<testsuite name="s" tests="3" failures="1">${mixed}</testsuite>`, [3, 1, 1, 1, 0]],
  [
    "another tool, whose root alone counts fewer",
    `<testsuites tests="3"><testsuite name="s">${mixed}</testsuite></testsuites>`,
    [3, 1, 1, 1, 0],
  ],
  [
    "a root that counts fewer than its suites",
    `<testsuites tests="3"><testsuite name="s" tests="6">${mixed}</testsuite></testsuites>`,
    [3, 1, 1, 1, 0],
  ],
  [
    "the failed one first",
    `<testsuite name="s" tests="1" failures="1">${fail("a")}${pass("a")}${pass("a")}</testsuite>`,
    [1, 0, 1, 0, 0],
  ],
  [
    "the failed one in the middle",
    pytestRoot(`<testsuite name="s" tests="1" failures="1">${pass("a")}${fail("a")}${pass("a")}</testsuite>`),
    [1, 0, 1, 0, 0],
  ],
  ["skipped in the end", `<testsuite name="pytest" tests="1" skipped="1">${pass("a")}${skip("a")}</testsuite>`, [1, 0, 0, 0, 1]],
  ["skipped every time", `<testsuite name="pytest" tests="1" skipped="2">${skip("a")}${skip("a")}</testsuite>`, [1, 0, 0, 0, 1]],
  [
    "fewer in the header, but more than there are names: each failed one stays",
    `<testsuite name="s" tests="5" failures="2">${fail("a")}${fail("a")}${pass("a")}${pass("b")}${pass("b")}${pass("c")}</testsuite>`,
    [4, 1, 2, 1, 0],
  ],
  [
    "as many failures as attempts in the header: each failed one stays",
    `<testsuite name="s" tests="1" failures="2">${fail("a")}${fail("a")}</testsuite>`,
    [2, 0, 2, 0, 0],
  ],
  [
    "two numbers of the header confirm that one test failed twice",
    `<testsuite name="s" tests="2" failures="1">${fail("a")}${fail("a")}${pass("b")}</testsuite>`,
    [2, 1, 1, 0, 0],
  ],
  [
    "tests of one name, which the header counts: TestNG's data providers",
    `<testsuite name="s" tests="4" failures="1">${pass("a")}${fail("a")}${pass("a")}${pass("a")}</testsuite>`,
    [4, 3, 1, 0, 0],
  ],
  [
    "Gradle writes and counts each attempt: the failed ones stay",
    `<testsuite name="s" tests="3" failures="2">${fail("a")}${fail("a")}${pass("a")}</testsuite>`,
    [3, 1, 2, 0, 0],
  ],
  [
    "Go runs again what failed, and counts it each time: one that passed in the end is not a passed test as well",
    `<testsuite name="s" tests="6" failures="3"><properties><property name="go.version" value="go1.26"/></properties>${fail("a")}${fail("b")}${pass("c")}${fail("b")}${pass("a")}${pass("b")}</testsuite>`,
    [4, 1, 3, 0, 0],
  ],
  [
    "Go runs each test twice",
    `<testsuite name="s" tests="4"><properties><property name="go.version" value="go1.26"/></properties>${pass("a")}${pass("b")}${pass("a")}${pass("b")}</testsuite>`,
    [4, 4, 0, 0, 0],
  ],
  [
    "Surefire runs a class again because of its hook: the tests passed each time",
    `<testsuite name="s" xsi:noNamespaceSchemaLocation="https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd" tests="3" failures="2">${pass("a")}${pass("a")}${pass("a")}${one("b", "<failure/><rerunFailure/>")}${fail("c")}${pass("c")}</testsuite>`,
    [3, 1, 2, 0, 0],
  ],
  [
    "one name in two suites",
    `<testsuites tests="1"><testsuite name="s">${pass("a")}</testsuite><testsuite name="t">${pass("a")}</testsuite></testsuites>`,
    [2, 2, 0, 0, 0],
  ],
  [
    "one name in two files, or in two lines",
    `<testsuite tests="1">${one("a", "", ' file="x.py"')}${one("a", "", ' file="y.py"')}${one("a", "", ' file="x.py" line="9"')}</testsuite>`,
    [3, 3, 0, 0, 0],
  ],
  [
    "Surefire: one failed for good",
    `<testsuite tests="1" failures="1">${one("a", "<failure/><rerunFailure/>")}</testsuite>`,
    [1, 0, 1, 0, 0],
  ],
  [
    "a number of retries",
    `<testsuite tests="2">${one("a", "", ' retries="2"')}${one("b", "", ' retries="0"')}</testsuite>`,
    [2, 1, 0, 1, 0],
  ],
  [
    "a number of retries of a failed one",
    `<testsuite tests="1">${one("a", "<failure/>", ' retries="2"')}</testsuite>`,
    [1, 0, 1, 0, 0],
  ],
  [
    "a number of attempts",
    `<testsuite tests="2">${one("a", "", ' attempts="3"')}${one("b", "", ' attempts="1"')}</testsuite>`,
    [2, 1, 0, 1, 0],
  ],
  [
    "TestCafe's quarantine mode",
    `<testsuite name="TestCafe Tests: Chrome" tests="2">${pass("a (unstable)")}${pass("b")}</testsuite>`,
    [2, 1, 0, 1, 0],
  ],
])("%s", async (_what, report, expected) => {
  expect(counts(await readText(report))).toEqual(expected);
});

test("pytest writes a failed test and its failed teardown as two: it is one failed test with both messages", async () => {
  const teardown = one("a", '<error message="failed on teardown">E  stuck</error>');
  const results = await readText(
    pytestRoot(
      `<testsuite name="unit" tests="2" failures="1" errors="1">${fail("a", "assert 0")}${teardown}${pass("b")}</testsuite>`,
    ),
  );
  expect(counts(results)).toEqual([2, 1, 1, 0, 0]);
  expect(results.failures).toMatchObject([
    { name: "c › a", attempts: 1, message: "assert 0\nfailed on teardown", stack: "text\n\nE  stuck" },
  ]);
  expect(results.sources[0]?.declared).toBeUndefined();
});

test.each([
  ["of another test", pass("b"), 3, [2, 1, 1, 0, 0]],
  ["of the same test, which was tried again", pass("a"), 3, [1, 0, 1, 0, 0]],
])("a failed teardown is one with its test, even if the header counts more: %s", async (_what, more, tests, expected) => {
  const teardown = one("a", '<error message="failed on teardown">E  stuck</error>');
  const results = await readText(
    pytestRoot(
      `<testsuite name="unit" tests="${tests}" failures="1" errors="1">${more}${fail("a", "assert 0")}${teardown}</testsuite>`,
    ),
  );
  expect(counts(results)).toEqual(expected);
  expect(results.failures).toMatchObject([{ name: "c › a", message: "assert 0\nfailed on teardown" }]);
  expect(results.failures[0]?.errored).toBeUndefined();
});

test("two failures of one name in pytest are two tests if the header does not say that they are one", async () => {
  const report = (header: string) => pytestRoot(`<testsuite name="x" ${header}>${fail("a")}${fail("a")}</testsuite>`);
  expect(counts(await readText(report('tests="2" failures="2"')))).toEqual([2, 0, 2, 0, 0]);
  expect(counts(await readText(report('tests="1" failures="2"')))).toEqual([1, 0, 1, 0, 0]);
});

test("attempts are counted, and their times added up", async () => {
  const { failures, flakyTests } = await readText(pytestRoot(`<testsuite name="x" tests="3" failures="1">${mixed}</testsuite>`));
  expect(failures).toMatchObject([{ name: "c › bad", attempts: 3, durationMs: 300, message: "no" }]);
  expect(flakyTests).toMatchObject([{ name: "c › flaky", attempts: 2, durationMs: 200 }]);
  expect(flakyTests[0]?.message).toMatch(/^passed in attempt 2/);
});
