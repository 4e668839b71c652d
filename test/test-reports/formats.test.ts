import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TestResults } from "../../src/model/test-results.ts";
import { readResults } from "../../src/test-reports/read.ts";
import { everyReport, read, readText, workspace } from "./reports.ts";

// Each format expresses the same things differently; this is what each fixture must give.

interface Expected {
  format: string;
  /** total, passed, failed, flaky, skipped */
  counts: [number, number, number, number, number];
  failures?: string[];
  flaky?: string[];
  crashed?: string[];
}

const vitestFile = "/workspace/test/fixtures/reports/projects/vitest";

const jestFailures = [
  "sessions ends a session",
  "sessions groups has a group",
  "without a database writes a row",
  "without a database reads a row",
];

const mochaFailures = [
  "sessions ends a session",
  "sessions groups has a group",
  'without a database "before all" hook for "never runs"',
  'clears up "after each" hook: deletes rows for "passes before the hook fails"',
];

const surefire: Expected = {
  format: "junit",
  counts: [7, 2, 3, 1, 1],
  failures: ["ends", "loses", "colours(String)[2]"].map((name) => `com.classwaves.SessionTest › ${name}`),
  flaky: ["com.classwaves.SessionTest › reconnects"],
};

const go: Expected = {
  format: "junit",
  counts: [8, 3, 4, 0, 1],
  failures: [
    "example.org/classwaves/panics › TestPanics",
    ...["TestEnd", "TestEnd/while_recording", "TestReconnect"].map((name) => `example.org/classwaves/session › ${name}`),
  ],
  crashed: ["example.org/classwaves/broken", "example.org/classwaves/exits"],
};

function pytest(broken: string): Expected {
  const failures = ["test_group[blue]", "test_write", "test_clear", "test_mended"];
  const inClass = (name: string) => (name === "test_group[blue]" ? "test_sessions.TestSessions" : "test_sessions");
  return {
    format: "junit",
    counts: [9, 2, 4, 1, 2],
    failures: failures.map((name) => `${inClass(name)} › ${name}`),
    flaky: ["test_sessions › test_reconnect"],
    crashed: [broken],
  };
}

/** What Playwright's two reports have in common. */
function both(name: string, expected: Omit<Expected, "format">): Record<string, Expected> {
  return {
    [`${name}.json`]: { format: "playwright-json", ...expected },
    [`${name}.xml`]: { format: "junit", ...expected },
  };
}

/** What the versions of Robot Framework have in common. */
const robotFailures = [
  "Broken › Writes",
  "Broken › Reads",
  // Its suite's tear-down failed after it.
  "Groups › Cleanup › Has A Leader",
  "Groups › Cleanup › Has A Colour",
  "Sessions › Ends",
  "Sessions › Tear Down Fails",
  "Sessions › Both Fail",
  "Sessions › Goes On",
].map((name) => `Tests › ${name}`);

const dotNetRun = "ClassWaves.Tests";

const expectations: Record<string, Expected> = {
  "vitest/mixed.json": {
    format: "vitest-json",
    counts: [9, 4, 2, 1, 2],
    failures: ["sessions › ends a session", "sessions › groups › has a blue group"],
    flaky: ["reconnects on the second attempt"],
    crashed: [`${vitestFile}/crashes.vitest.mjs`],
  },
  // Only this report has the hook's failure, but not that a test was flaky.
  "vitest/mixed.xml": {
    format: "junit",
    counts: [10, 5, 3, 0, 2],
    failures: ["sessions > ends a session", "sessions > groups > has a blue group", "clears up"],
    crashed: ["crashes.vitest.mjs"],
  },
  // Doesn't mention the file that could not be loaded, or the hook.
  "vitest/mixed.ctrf.json": {
    format: "ctrf",
    counts: [9, 4, 2, 1, 2],
    failures: ["sessions > ends a session", "sessions > groups > has a blue group"],
    flaky: ["reconnects on the second attempt"],
  },
  "vitest/green.json": { format: "vitest-json", counts: [2, 2, 0, 0, 0] },
  "vitest/green.xml": { format: "junit", counts: [2, 2, 0, 0, 0] },
  "playwright/mixed.json": {
    format: "playwright-json",
    counts: [6, 3, 1, 1, 1],
    failures: ["teacher › dashboard › shows the groups"],
    flaky: ["teacher › reconnects on the second attempt"],
  },
  "playwright/mixed.xml": { format: "junit", counts: [6, 4, 1, 0, 1], failures: ["teacher › dashboard › shows the groups"] },
  "playwright/shard-1.json": {
    format: "playwright-json",
    counts: [4, 1, 1, 1, 1],
    failures: ["teacher › dashboard › shows the groups"],
    flaky: ["teacher › reconnects on the second attempt"],
  },
  "playwright/shard-1.xml": { format: "junit", counts: [4, 2, 1, 0, 1], failures: ["teacher › dashboard › shows the groups"] },
  "playwright/shard-2.json": { format: "playwright-json", counts: [2, 2, 0, 0, 0] },
  "playwright/shard-2.xml": { format: "junit", counts: [2, 2, 0, 0, 0] },
  "playwright/load-error.json": {
    format: "playwright-json",
    counts: [0, 0, 0, 0, 0],
    crashed: ["(the whole run)", "(the whole run)"],
  },
  // Doesn't mention the file that could not be loaded; only zero tests show it.
  "playwright/load-error.xml": { format: "junit", counts: [0, 0, 0, 0, 0] },
  // Counts a hook that failed before its tests as a test; its skipped test is the one that never ran.
  "vitest/hooks.xml": {
    format: "junit",
    counts: [5, 1, 3, 0, 1],
    failures: ["nothing yet", "groups > has a group", "without a database"],
    crashed: ["empty.vitest.mjs"],
  },
  "vitest/hooks.json": {
    format: "vitest-json",
    counts: [3, 1, 1, 0, 1],
    failures: ["groups › has a group"],
    crashed: [`${vitestFile}/empty.vitest.mjs`],
  },
  "vitest/unhandled.xml": { format: "junit", counts: [1, 1, 0, 0, 0], crashed: ["vitest unhandled errors"] },
  // Doesn't mention the promise that nobody awaited; only the exit status shows it.
  "vitest/unhandled.json": { format: "vitest-json", counts: [1, 1, 0, 0, 0] },
  ...both("playwright/hooks", {
    counts: [7, 1, 5, 0, 1],
    failures: [
      "never ends",
      "known to be broken, but passes",
      "has a blue group",
      "without a database › writes a row",
      "clears up › passes before the hook fails",
    ],
  }),
  ...both("playwright/browser", { counts: [2, 1, 1, 0, 0], failures: ["shows the groups"] }),
  "playwright/global-error.json": {
    format: "playwright-json",
    counts: [2, 2, 0, 0, 0],
    crashed: ["/workspace/test/fixtures/reports/projects/playwright/global-error/teardown.mjs"],
  },
  // Leaves out failures outside the tests.
  "playwright/global-error.xml": { format: "junit", counts: [2, 2, 0, 0, 0] },
  "playwright/merged.json": {
    format: "playwright-json",
    counts: [6, 3, 1, 1, 1],
    failures: ["teacher › dashboard › shows the groups"],
    flaky: ["teacher › reconnects on the second attempt"],
  },
  "playwright/mixed.ctrf.json": {
    format: "ctrf",
    counts: [6, 3, 1, 1, 1],
    failures: ["teacher › dashboard › shows the groups"],
    flaky: ["teacher › reconnects on the second attempt"],
  },
  // For the reporter, a test that is expected to fail and repeatedly passes is flaky; without retries it would be passed.
  "playwright/hooks.ctrf.json": {
    format: "ctrf",
    counts: [7, 1, 4, 1, 1],
    failures: ["never ends", "has a blue group", "without a database › writes a row", "clears up › passes before the hook fails"],
    flaky: ["known to be broken, but passes"],
  },
  "playwright/browser.ctrf.json": { format: "ctrf", counts: [2, 1, 1, 0, 0], failures: ["shows the groups"] },
  "playwright/merged.xml": { format: "junit", counts: [6, 4, 1, 0, 1], failures: ["teacher › dashboard › shows the groups"] },
  "jest/mixed.json": {
    format: "jest-json",
    counts: [11, 4, 4, 1, 2],
    failures: [
      "sessions › ends a session",
      "sessions › groups › has a group",
      "without a database › writes a row",
      "without a database › reads a row",
    ],
    flaky: ["sockets › reconnects"],
    crashed: ["/workspace/jest/broken.test.js", "/workspace/jest/empty.test.js", "/workspace/jest/hooks.test.js"],
  },
  // Leaves out the files that could not run, and calls an unwritten test passed.
  "jest/mixed.xml": { format: "junit", counts: [11, 6, 4, 0, 1], failures: jestFailures, crashed: ["hooks.test.js"] },
  "jest/suite-errors.xml": {
    format: "junit",
    counts: [11, 6, 4, 0, 1],
    failures: jestFailures,
    crashed: ["broken.test.js", "empty.test.js", "without a database"],
  },
  "jest/mixed.ctrf.json": { format: "ctrf", counts: [11, 4, 4, 1, 2], failures: jestFailures, flaky: ["sockets reconnects"] },
  // A failed hook is a separate test; the tests that it prevented, and the pending one, are missing.
  "mocha/mixed.xml": { format: "junit", counts: [9, 5, 4, 0, 0], failures: mochaFailures },
  "mocha/mixed.ctrf.json": { format: "ctrf", counts: [10, 4, 4, 1, 1], failures: mochaFailures, flaky: ["sockets reconnects"] },
  "pytest/xunit1.xml": pytest("test_broken.py"),
  "pytest/xunit2.xml": pytest("test_broken"),
  // Doesn't mention the file that could not be imported.
  "pytest/ctrf.json": { ...pytest("test_broken"), format: "ctrf", crashed: [] },
  "surefire/SessionTest.xml": surefire,
  "surefire/SessionTest.ctrf.json": { ...surefire, format: "ctrf" },
  "gradle/GroupTest.xml": {
    format: "junit",
    counts: [7, 1, 4, 0, 2],
    failures: ["hasALeader", "losesTheSocket", "saysWhatWouldDoHarm", "failsWithoutAMessage"].map(
      (name) => `com.classwaves.GroupTest › ${name}`,
    ),
  },
  "gradle/BrokenTest.xml": { format: "junit", counts: [0, 0, 0, 0, 0], crashed: ["com.classwaves.BrokenTest"] },
  "gradle/LeftOverTest.xml": { format: "junit", counts: [1, 1, 0, 0, 0], crashed: ["com.classwaves.LeftOverTest"] },
  "gradle/UnloadableTest.xml": { format: "junit", counts: [0, 0, 0, 0, 0], crashed: ["com.classwaves.UnloadableTest"] },
  "surefire/BrokenTest.xml": { format: "junit", counts: [0, 0, 0, 0, 0], crashed: ["com.classwaves.BrokenTest"] },
  ...Object.fromEntries(["go/gotestsum.xml", "go/go-junit-report.xml"].map((report) => [report, go])),
  // Each failed attempt counts separately. A passing last attempt doesn't make the first one pass, and is no passed test.
  "go/gotestsum-rerun.xml": {
    format: "junit",
    counts: [10, 2, 7, 0, 1],
    failures: ["TestReconnect", ...Array(3).fill("TestEnd"), ...Array(3).fill("TestEnd/while_recording")].map(
      (name) => `example.org/classwaves/session › ${name}`,
    ),
  },
  // 5 passing, 1 pending, 4 failing, of which two are hooks; one passed in its third attempt.
  "mocha/mixed.json": {
    format: "mocha-json",
    counts: [10, 4, 4, 1, 1],
    failures: [
      "sessions › ends a session",
      "sessions groups › has a group",
      'without a database › "before all" hook for "never runs"',
      'clears up › "after each" hook: deletes rows for "passes before the hook fails"',
    ],
    flaky: ["sockets › reconnects"],
  },
  // The same run. It doesn't show retries, but the two tests that the hooks prevented.
  "mocha/mochawesome.json": {
    format: "mochawesome",
    counts: [12, 5, 4, 0, 3],
    failures: [
      "sessions › ends a session",
      "sessions › groups › has a group",
      'without a database › "before all" hook for "never runs"',
      'clears up › "after each" hook: deletes rows for "passes before the hook fails"',
    ],
  },
  // 11 examples, 6 failures, 3 pending, 1 error occurred outside of examples.
  "rspec/mixed.json": {
    format: "rspec-json",
    counts: [11, 2, 6, 0, 3],
    failures: [
      "Session › ends",
      "Session › pending fixed",
      "Session › aggregates",
      "Session groups › deep",
      "Session hooked › h1",
      "Session hooked › h2",
    ],
    crashed: ["spec/a_spec.rb"],
  },
  "rspec/broken.json": { format: "rspec-json", counts: [0, 0, 0, 0, 0], crashed: ["spec/broken_spec.rb"] },
  // 12 scenarios (4 failed, 1 ambiguous, 1 undefined, 1 pending, 1 skipped, 4 passed). Doesn't show that one was tried again.
  "cucumber/mixed.json": {
    format: "cucumber-json",
    counts: [12, 4, 7, 0, 1],
    failures: ["Fails", "Pending one", "Undefined one", "Ambiguous one", "Eats", "Hook fails", "After fails"].map(
      (name) => `Shop › ${name}`,
    ),
  },
  // Cucumber 2 for Ruby writes the background before each scenario.
  "cucumber/ruby.json": {
    format: "cucumber-json",
    counts: [11, 2, 9, 0, 0],
    failures: [
      "Fails",
      "Flaky",
      "Pending one",
      "Undefined one",
      "Ambiguous one",
      "Skipped one",
      "Eats",
      "Hook fails",
      "After fails",
    ].map((name) => `Shop › ${name}`),
  },
  "by-hand/ctrf.json": {
    format: "ctrf",
    counts: [5, 1, 2, 1, 1],
    failures: ["ends a session", "was lost"],
    flaky: ["sessions › sockets › reconnects"],
  },
  "robot/mixed.xml": { format: "robot", counts: [13, 2, 8, 0, 3], failures: robotFailures },
  "robot/version-6.xml": { format: "robot", counts: [13, 2, 8, 0, 3], failures: robotFailures },
  // Has no SKIP and no IF.
  "robot/version-3.xml": {
    format: "robot",
    counts: [13, 1, 12, 0, 0],
    failures: [
      ...robotFailures,
      ...["Groups › Cleanup › Has A Group", "Sessions › Skips", "Sessions › Skips If It Fails", "Sessions › Nested Keywords"].map(
        (name) => `Tests › ${name}`,
      ),
    ],
  },
  "testng/mixed.xml": {
    format: "testng",
    counts: [21, 9, 5, 3, 4],
    failures: ["ends", "hasAColour(2, null)", "losesTheSocket", "neverReconnects", "shouldFail"].map(
      (name) => `com.classwaves.SessionTest › ${name}`,
    ),
    flaky: ["plays", "reconnects", "savesARow(3, red)"].map((name) => `com.classwaves.SessionTest › ${name}`),
    crashed: ["com.classwaves.BrokenTest", "com.classwaves.CleanupTest"],
  },
  "nunit/version-2.xml": {
    format: "nunit",
    counts: [16, 5, 7, 0, 4],
    failures: [
      "Broken › Reads",
      "Broken › Writes",
      ...["Ends", "HasAColour(2)", "HasNoArguments", "LosesTheSocket", "ShouldFail"].map((name) => `Sessions › ${name}`),
    ].map((name) => `${dotNetRun}.${name}`),
    crashed: [`${dotNetRun}.Cleanup`],
  },
  "by-hand/nunit-3.xml": {
    format: "nunit",
    counts: [10, 4, 4, 0, 2],
    failures: ["Broken › Reads", "Broken › Writes", "Sessions › Ends", "Sessions › LosesTheSocket"].map(
      (name) => `${dotNetRun}.${name}`,
    ),
    crashed: [`${dotNetRun}.Cleanup`],
  },
  "by-hand/trx.xml": {
    format: "trx",
    counts: [5, 2, 2, 0, 1],
    failures: [`${dotNetRun}.Groups › HasAColour (2,)`, `${dotNetRun}.Sessions › Ends`],
    crashed: [dotNetRun],
  },
  "by-hand/xunit.xml": {
    format: "xunit",
    counts: [6, 2, 2, 0, 2],
    failures: [`${dotNetRun}.Sessions › Ends`, `${dotNetRun}.Sessions › HasAColour(number: 2, colour: null)`],
    crashed: [`${dotNetRun}.Cleanup`],
  },
};

function summary(results: TestResults): Expected {
  return {
    format: results.sources[0]?.format ?? "none",
    counts: [results.total, results.passed, results.failed, results.flaky, results.skipped],
    failures: results.failures.map((failure) => failure.name).sort(),
    flaky: results.flakyTests.map((flaky) => flaky.name).sort(),
    crashed: results.crashedSuites.map((suite) => suite.file).sort(),
  };
}

test("every fixture has an expectation, and every expectation its fixture", () => {
  expect(Object.keys(expectations).sort()).toEqual(everyReport);
});

test.each(everyReport)("%s is read correctly", async (report) => {
  const { format, counts, failures = [], flaky = [], crashed = [] } = expectations[report] ?? { format: "none", counts: [] };
  const expected = { format, counts, failures: failures.toSorted(), flaky: flaky.toSorted(), crashed: crashed.toSorted() };
  expect(summary(await read(report))).toEqual(expected);
});

test.each(everyReport)("%s gives a message for every failure, without terminal escapes", async (report) => {
  const { failures, flakyTests, crashedSuites } = await read(report);
  const messages = [...failures, ...flakyTests, ...crashedSuites].map(({ message }) => message);
  for (const message of messages) expect(message).toMatch(/\S/);
  expect(messages.join()).not.toContain("\u001b");
});

test("a failure has its file, line, attempts, project and duration", async () => {
  const [playwright] = (await read("playwright/mixed.json")).failures;
  expect(playwright).toMatchObject({
    file: "/workspace/test/fixtures/reports/projects/playwright/mixed/teacher.pw.mjs",
    line: 7,
    project: "authenticated-chrome",
    attempts: 2,
  });
  expect(playwright?.message).toMatch(/^Error: expect\(received\)\.toEqual\(expected\)/);
  const [jest] = (await read("jest/mixed.json")).failures;
  expect(jest).toMatchObject({ file: "/workspace/jest/sessions.test.js", line: 3, attempts: 3 });
  const [flaky] = (await read("surefire/SessionTest.xml")).flakyTests;
  expect(flaky).toMatchObject({ attempts: 3, message: "expected: <3> but was: <1>" });
  expect(flaky?.stack).toContain("SessionTest.java:26");
});

test("Gradle counts errors as failures; a failure's text is kept unchanged", async () => {
  const { failures } = await read("gradle/GroupTest.xml");
  const messages = Object.fromEntries(failures.map(({ name, message }) => [name.split(" › ").at(-1), message]));
  expect(messages).toEqual({
    hasALeader: "org.junit.ComparisonFailure: expected:<[ended]> but was:<[active]>",
    losesTheSocket: "java.lang.IllegalStateException: the socket is gone",
    failsWithoutAMessage: "java.lang.AssertionError",
    saysWhatWouldDoHarm: expect.stringContaining('<b>&amp;</b> ]]> "quoted"'),
  });
  const lost = failures.find(({ name }) => name.endsWith("losesTheSocket"));
  expect(lost?.stack).toContain("GroupTest.java:24");
});

test.each(["playwright/mixed.json", "playwright/mixed.xml", "playwright/mixed.ctrf.json"])(
  "%s distinguishes its projects",
  async (report) => {
    const { projects } = await read(report);
    expect(projects["authenticated-chrome"]).toMatchObject({ total: 4, failed: 1, skipped: 1 });
    expect(projects["unauthenticated-chrome"]).toMatchObject({ total: 2, passed: 2 });
  },
);

test("file names are relative to the workspace if possible, so that annotations find the file", async () => {
  await using at = await workspace({ "app/test/a.test.ts": "", "app/report.xml": "" });
  const named = (file: string) => `<testcase name="${file}" file="${file}"><failure/></testcase>`;
  const files = [join(at.cwd, "app/test/a.test.ts"), "test/a.test.ts", "only/the/runner/knows.ts", "/elsewhere/a.test.ts"];
  await writeFile(join(at.cwd, "app/report.xml"), `<testsuite>${files.map(named).join("")}</testsuite>`);
  const options = { cwd: join(at.cwd, "app"), workspace: at.cwd, reports: ["*.xml"], startedAt: 0 };
  const { failures, sources, crashedSuites } = await readResults(options);
  expect(sources[0]?.file).toBe("app/report.xml");
  expect(crashedSuites).toEqual([]);
  expect(failures.map(({ file }) => file)).toEqual([
    "app/test/a.test.ts",
    "app/test/a.test.ts",
    "only/the/runner/knows.ts",
    "/elsewhere/a.test.ts",
  ]);
});

test("the ten slowest tests are kept, slowest first, without skipped ones", async () => {
  const cases = Array.from({ length: 30 }, (_, index) => `<testcase name="t${index}" classname="c" time="${(index * 7) % 30}"/>`);
  const { slowest } = await readText(
    `<testsuite tests="31">${cases.join("")}<testcase name="s" time="99"><skipped/></testcase></testsuite>`,
  );
  expect(slowest.map((one) => one.durationMs)).toEqual([29, 28, 27, 26, 25, 24, 23, 22, 21, 20].map((seconds) => seconds * 1000));
});

test("an interrupted Playwright test is neither passed nor skipped", async () => {
  const result = { status: "interrupted", duration: 5, errors: [] };
  const spec = { title: "waits", file: "a.ts", line: 3, tests: [{ projectName: "", status: "skipped", results: [result] }] };
  const { failed, failures } = await readText(
    JSON.stringify({ config: {}, errors: [], suites: [{ title: "a.ts", file: "a.ts", specs: [spec] }] }),
  );
  expect(failed).toBe(1);
  expect(failures[0]?.message).toBe("it was interrupted before it had ended");
});

test("a run that Jest calls interrupted, or failed without a reason, is not a success", async () => {
  const passed = { ancestorTitles: [], title: "adds", status: "passed" };
  const suite = { name: "/a.test.ts", status: "passed", message: "", assertionResults: [passed] };
  const report = { success: true, numTotalTests: 1, numFailedTests: 0, testResults: [suite] };
  expect((await readText(JSON.stringify(report))).crashedSuites).toEqual([]);
  expect((await readText(JSON.stringify({ ...report, success: false }))).crashedSuites).toHaveLength(1);
  expect((await readText(JSON.stringify({ ...report, wasInterrupted: true }))).crashedSuites).toHaveLength(1);
});

test("a suite's failure outside its tests is a crashed suite", async () => {
  const { crashedSuites } = await readText('<testsuite name="s"><error>database gone</error><testcase name="a"/></testsuite>');
  expect(crashedSuites).toEqual([{ file: "s", message: "database gone" }]);
});

test.each([
  ['status="notrun"', "skipped"],
  ['status="run" result="skipped"', "skipped"],
  ['status="fail"', "failed"],
  ['status="run" result="completed"', "passed"],
])("GoogleTest and CTest use attributes: %s is %s", async (attributes, status) => {
  expect(await readText(`<testsuite name="s"><testcase name="a" ${attributes}/></testsuite>`)).toMatchObject({
    total: 1,
    [status]: 1,
  });
});
