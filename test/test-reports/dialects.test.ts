import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { TestResults } from "../../src/model/test-results.ts";
import { readText } from "./reports.ts";

// A rule for one dialect of JUnit XML must neither refuse another dialect nor hide its failures.

function counts({ total, passed, failed, flaky, skipped }: TestResults): number[] {
  return [total, passed, failed, flaky, skipped];
}

function junitCase(name: string, inside = ""): string {
  return `<testcase name="${name}" classname="c" time="0.1">${inside}</testcase>`;
}

test.each<[string, string, number[]]>([
  ["a suite without tests", '<testsuites><testsuite name="s" tests="0"/></testsuites>', [0, 0, 0, 0, 0]],
  [
    "nested suites, counted once",
    `<testsuites tests="2"><testsuite tests="2">${junitCase("a")}<testsuite tests="1">${junitCase("b")}</testsuite></testsuite></testsuites>`,
    [2, 2, 0, 0, 0],
  ],
  ["an empty classname", '<testsuite><testcase name="a" classname=""/></testsuite>', [1, 1, 0, 0, 0]],
  ["no classname", '<testsuite><testcase name="a"/></testsuite>', [1, 1, 0, 0, 0]],
  [
    "one name, several tests",
    `<testsuite>${junitCase("a")}${junitCase("a", "<failure/>")}${junitCase("a")}</testsuite>`,
    [3, 2, 1, 0, 0],
  ],
  ["a namespace", '<testsuite xmlns="https://example.org/junit"><testcase name="a" classname="c"/></testsuite>', [1, 1, 0, 0, 0]],
  [
    "Surefire: errors, then a pass",
    `<testsuite>${junitCase("a", '<flakyError message="x"><stackTrace>x</stackTrace></flakyError>')}</testsuite>`,
    [1, 0, 0, 1, 0],
  ],
  ["Surefire: reruns, no pass", `<testsuite>${junitCase("a", '<error/><rerunError message="x"/>')}</testsuite>`, [1, 0, 1, 0, 0]],
  ["Surefire: reruns alone", `<testsuite>${junitCase("a", '<rerunFailure message="x"/>')}</testsuite>`, [1, 0, 1, 0, 0]],
  [
    "pytest: attempts are one test",
    `<testsuite name="pytest">${junitCase("a")}${junitCase("a")}${junitCase("b")}</testsuite>`,
    [2, 1, 0, 1, 0],
  ],
  [
    "pytest: the last attempt decides",
    `<testsuite name="pytest">${junitCase("a")}${junitCase("a", "<failure/>")}</testsuite>`,
    [1, 0, 1, 0, 0],
  ],
  [
    "pytest: a failure is not an attempt of the next test",
    `<testsuite name="pytest">${junitCase("a", "<failure/>")}${junitCase("a")}</testsuite>`,
    [2, 1, 1, 0, 0],
  ],
])("%s", async (_what, report, expected) => {
  const results = await readText(report);
  expect(counts(results)).toEqual(expected);
  expect(results.crashedSuites).toEqual([]);
});

test("thousands may have a comma", async () => {
  const { durationMs } = await readText(
    '<testsuite><testcase name="a" time="1,234.5"/><testcase name="b" time="soon"/></testsuite>',
  );
  expect(durationMs).toBe(1_234_500);
});

test("the output of an attempt is not part of its failure", async () => {
  const attempt = "<flakyFailure><stackTrace>Error: no</stackTrace><system-out>a log</system-out></flakyFailure>";
  const { flakyTests } = await readText(`<testsuite>${junitCase("a", attempt)}</testsuite>`);
  expect(flakyTests[0]).toMatchObject({ message: "Error: no", stack: "Error: no" });
});

test.each([
  [
    "the missing one failed",
    `<testsuites skipped="1"><testsuite tests="2" failures="1">${junitCase("a")}</testsuite></testsuites>`,
  ],
  [
    "errors of a root whose suites count none, and no trouble at all",
    `<testsuites errors="1"><testsuite>${junitCase("a")}</testsuite></testsuites>`,
  ],
  [
    "errors of a root whose suites count them",
    `<testsuites failures="1" errors="1"><testsuite errors="0">${junitCase("a", "<failure/>")}</testsuite></testsuites>`,
  ],
])("refused: %s", async (_what, report) => {
  await expect(readText(report)).rejects.toThrow(/damaged: expected \d+ .* declares, got \d+/);
});

test("refused: prefixed elements, and compressed reports", async () => {
  await expect(readText('<j:testsuite xmlns:j="https://example.org/junit"/>')).rejects.toThrow(
    "unknown format: expected XML of JUnit, TRX, NUnit, xUnit.net, Robot Framework or TestNG, got <j:testsuite>",
  );
  await expect(readText(gzipSync("<testsuite/>"))).rejects.toThrow("compressed: expected the report itself");
});

test("CTRF: only tests that the runner itself calls unfinished are skipped; any other unknown status is a failure", async () => {
  const one = (rawStatus?: string) => ({ name: `test ${rawStatus}`, status: "other", duration: 1, rawStatus });
  const tests = [one("todo"), one("lost"), one()];
  const report = { results: { summary: { tests: 3, failed: 0, other: 3 }, tests } };
  expect(counts(await readText(JSON.stringify(report)))).toEqual([3, 0, 2, 0, 1]);
});

test.each([
  ["a block that only resembles the name's beginning", { suite: ["session"], name: "sessions end" }, "session › sessions end"],
  ["a block that the name repeats", { suite: ["sessions"], name: "sessions end" }, "sessions end"],
  ["junit-to-ctrf", { suite: ["a.B"], name: "a.B: ends: now" }, "a.B › ends: now"],
  [
    "pytest",
    {
      suite: ["tests/unit/test_a.py", "TestB"],
      name: "tests/unit/test_a.py::TestB::test_c[x::y]",
      filePath: "tests/unit/test_a.py",
    },
    "tests.unit.test_a.TestB › test_c[x::y]",
  ],
])("CTRF's names: %s", async (_what, test, expected) => {
  const tests = [{ ...test, status: "failed", duration: 1 }];
  const { failures } = await readText(JSON.stringify({ results: { summary: { tests: 1, failed: 1, other: 0 }, tests } }));
  expect(failures.map(({ name }) => name)).toEqual([expected]);
});

test("CTRF's browser is the project if the suite has none", async () => {
  const one = (suite: string) => ({
    name: "a",
    suite,
    filePath: "/w/a.ts",
    browser: "chromium 156",
    status: "passed",
    duration: 1,
  });
  const tests = [one("mobile > a.ts"), one("a.ts")];
  const { projects } = await readText(JSON.stringify({ results: { summary: { tests: 2, failed: 0, other: 0 }, tests } }));
  expect(Object.keys(projects).sort()).toEqual(["chromium 156", "mobile"]);
});

test("jest-junit writes a hook's error as JSON: it is read as an error", async () => {
  const error = JSON.stringify({
    message: "",
    stack: "Error: the rows were still there\n    at Object.<anonymous> (a.test.js:3:1)",
  });
  const hook = "Test execution failure: could be caused by test hooks like 'afterAll'.";
  const { crashedSuites } = await readText(
    `<testsuite name="s"><testcase classname="${hook}" name="${hook}"><failure><![CDATA[${error}]]></failure></testcase></testsuite>`,
  );
  expect(crashedSuites).toEqual([{ file: "s", message: "Error: the rows were still there" }]);
});

test.each(["initializationError", "executionError", "classMethod"])(
  "Gradle's %s is a failure of the class; a passing test of that name is a test",
  async (name) => {
    const failed = await readText(`<testsuite>${junitCase("a")}${junitCase(name, "<failure>no database</failure>")}</testsuite>`);
    expect(failed).toMatchObject({ total: 1, passed: 1, crashedSuites: [{ file: "c", message: "no database" }] });
    expect(await readText(`<testsuite>${junitCase(name)}</testsuite>`)).toMatchObject({ total: 1, passed: 1, crashedSuites: [] });
  },
);

test("jest-junit reports a file that could not run twice: it is one crash; two files are two", async () => {
  const crash = '<testcase classname="Test suite failed to run" name="a.test.js"><error>no</error></testcase>';
  const suite = `<testsuite name="a.test.js">${crash}${crash.replaceAll("error", "failure")}</testsuite>`;
  const { crashedSuites } = await readText(`<testsuites>${suite}${suite.replaceAll("a.test", "b.test")}</testsuites>`);
  expect(crashedSuites.map(({ file }) => file)).toEqual(["a.test.js", "b.test.js"]);
});

test("ExUnit writes the line behind the file", async () => {
  const { failures } = await readText(
    '<testsuite><testcase classname="Elixir.ATest" name="test adds" file="test/a_test.exs:3"><failure message="no"/></testcase></testsuite>',
  );
  expect(failures).toMatchObject([{ file: "test/a_test.exs", line: 3 }]);
});

test("a test that TestCafe calls unstable was tried at least twice", async () => {
  const { flakyTests } = await readText(
    '<testsuite name="TestCafe Tests: Chrome"><testcase classname="F" name="x (unstable)"/></testsuite>',
  );
  expect(flakyTests).toMatchObject([
    { attempts: 2, message: "passed in attempt 2; the report does not say why those before failed" },
  ]);
});

test("WebdriverIO writes the stack of a failure as output", async () => {
  const stack = "[0-0] ready\nError: no lamp\n    at Context.<anonymous> (/w/test/lamp.e2e.js:3:9)";
  const report = (printed: string) =>
    `<testsuite><testcase classname="c" name="a"><failure/><error message="no lamp"/><system-err><![CDATA[${printed}]]></system-err></testcase></testsuite>`;
  const { failures } = await readText(report(stack));
  expect(failures).toMatchObject([{ message: "no lamp", file: "/w/test/lamp.e2e.js", line: 3 }]);
  expect(failures[0]?.stack).toMatch(/^Error: no lamp\n/);
  // What it printed otherwise is not its stack.
  expect((await readText(report("a line\n at x (/w/b.js:1:1)"))).failures).toMatchObject([
    { message: "no lamp", stack: "no lamp" },
  ]);
});

test("pytest: the message of a file that cannot be collected is the error, not the calls of the importer", async () => {
  const text = [
    "ImportError while importing test module '/w/tests/test_a.py'.",
    "Traceback:",
    "/usr/lib/python3.13/importlib/__init__.py:88: in import_module",
    "    return _bootstrap._gcd_import(name[level:], package, level)",
    "tests/test_a.py:1: in &lt;module&gt;",
    "    import absent",
    "E   ModuleNotFoundError: No module named 'absent'",
  ].join("\n");
  const report = (text: string) =>
    `<testsuite name="pytest"><testcase classname="" name="tests.test_a"><error message="collection failure">${text}</error></testcase></testsuite>`;
  const { crashedSuites } = await readText(report(text));
  expect(crashedSuites).toEqual([{ file: "tests.test_a", message: "ModuleNotFoundError: No module named 'absent'" }]);
  const unmarked = await readText(report("no mark of pytest"));
  expect(unmarked.crashedSuites).toEqual([{ file: "tests.test_a", message: "no mark of pytest" }]);
});

test("Jest's heading of a file that could not run is left out: what went wrong stands below it", async () => {
  const text = "  ● Test suite failed to run\n\n    Cannot find module './b'\n\n      at a.test.js:1:1";
  const said = [{ file: "a.test.js", message: "Cannot find module './b'" }];
  const suite = { name: "a.test.js", status: "failed", message: text, assertionResults: [] };
  const json = { numTotalTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 1, success: false, testResults: [suite] };
  expect((await readText(JSON.stringify(json))).crashedSuites).toEqual(said);
  const xml = `<testsuite name="a.test.js"><testcase classname="Test suite failed to run" name="a.test.js"><error>${text}</error></testcase></testsuite>`;
  expect((await readText(xml)).crashedSuites).toEqual(said);
});

/** @param fields of the error of a process that ended */
const nodeCase = (name: string, file: string, fields: string) =>
  `<testcase name="${name}" time="0.1" classname="test"${file && ` file="${file}"`} failure="test failed"><failure type="testCodeFailure" message="test failed">
[Error: test failed] { code: 'ERR_TEST_FAILURE', failureType: 'testCodeFailure', cause: 'test failed'${fields} }
</failure></testcase>`;

test.each([
  [
    "a file that was not loaded",
    nodeCase("test/b.test.js", "/w/test/b.test.js", ", exitCode: 1, signal: null"),
    ["its process ended with exit status 1"],
  ],
  ["of Node 20", nodeCase("/w/test/b.test.js", "", ", exitCode: 7, signal: null"), ["its process ended with exit status 7"]],
  [
    "a file that was killed",
    nodeCase("b.mjs", "C:\\w\\b.mjs", ", exitCode: null, signal: 'SIGKILL'"),
    ["its process was ended by SIGKILL"],
  ],
  ["a failed test whose name ends like a file", nodeCase("reads x.js", "/w/test/b.test.js", ""), []],
  ["a failed test of another file", nodeCase("x.js", "/w/test/b.test.js", ", exitCode: 1, signal: null"), []],
])("node --test: %s", async (_what, text, crashes) => {
  const results = await readText(`<testsuites>${text}<testcase name="passes" classname="test"/></testsuites>`);
  expect(results.crashedSuites.map(({ message }) => message.split(";")[0])).toEqual(crashes);
  expect([results.failed, results.passed]).toEqual([crashes.length === 0 ? 1 : 0, 1]);
});

test.each(["junit", "tap"])("node's %s: a file without a test is no test that passed", async (reporter) => {
  const folder = mkdtempSync(join(tmpdir(), "node-files-"));
  try {
    mkdirSync(join(folder, "test"));
    writeFileSync(join(folder, "test", "empty.test.mjs"), "");
    writeFileSync(join(folder, "test", "asserts.test.mjs"), 'import assert from "node:assert"; assert.equal(1, 1);');
    writeFileSync(join(folder, "test", "one.test.mjs"), 'import { test } from "node:test"; test("one", () => {});');
    const { stdout } = spawnSync(process.execPath, ["--test", `--test-reporter=${reporter}`], { cwd: folder, encoding: "utf8" });
    const { total, passed, skipped } = await readText(stdout);
    expect([total, passed, skipped]).toEqual([3, 1, 2]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
