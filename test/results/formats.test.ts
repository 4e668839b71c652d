import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TestResults } from "../../src/model.ts";
import { readResults } from "../../src/results/read.ts";
import { everyReport, read, readText, workspace } from "./reports.ts";

// Each format says the same things in its own words: what each fixture must give.

interface Expected {
  format: string;
  /** total, passed, failed, flaky, skipped */
  counts: [number, number, number, number, number];
  failures?: string[];
  flaky?: string[];
  crashed?: string[];
}

const vitestFile = "/workspace/test/fixtures/reports/projects/vitest";

const expectations: Record<string, Expected> = {
  "vitest/mixed.json": {
    format: "vitest-json",
    counts: [9, 4, 2, 1, 2],
    failures: ["sessions › ends a session", "sessions › groups › has a blue group"],
    flaky: ["reconnects on the second attempt"],
    crashed: [`${vitestFile}/crashes.vitest.mjs`],
  },
  // The hook's failure is here alone; that a test was flaky is not.
  "vitest/mixed.xml": {
    format: "junit",
    counts: [10, 5, 3, 0, 2],
    failures: ["sessions > ends a session", "sessions > groups > has a blue group", "clears up"],
    crashed: ["crashes.vitest.mjs"],
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
  // Says nothing of the file that could not be loaded: zero tests is all that gives it away.
  "playwright/load-error.xml": { format: "junit", counts: [0, 0, 0, 0, 0] },
  "by-hand/jest.json": {
    format: "jest-json",
    counts: [6, 2, 1, 1, 2],
    failures: ["sessions › POST › refuses a session without a title"],
    flaky: ["reconnects"],
    crashed: ["/workspace/src/guidance.test.ts"],
  },
  "by-hand/jest-junit.xml": {
    format: "junit",
    counts: [6, 4, 1, 0, 1],
    failures: ["sessions POST refuses a session without a title"],
  },
  "by-hand/jest-junit-with-suite-errors.xml": { format: "junit", counts: [1, 1, 0, 0, 0], crashed: ["src/guidance.test.ts"] },
  "by-hand/pytest.xml": {
    format: "junit",
    counts: [6, 2, 2, 0, 2],
    failures: ["tests.test_sessions.TestSessions › test_create[blue]", "tests.test_sessions › test_teardown"],
    crashed: ["tests.test_broken"],
  },
  "by-hand/surefire.xml": {
    format: "junit",
    counts: [5, 2, 1, 1, 1],
    failures: ["com.classwaves.SessionTest › ends"],
    flaky: ["com.classwaves.SessionTest › reconnects"],
  },
  "by-hand/gradle.xml": {
    format: "junit",
    counts: [3, 1, 1, 0, 1],
    failures: ["com.classwaves.GroupTest › has a leader()"],
    crashed: ["com.classwaves.BrokenTest"],
  },
  "by-hand/gotestsum.xml": {
    format: "junit",
    counts: [3, 1, 1, 0, 1],
    failures: ["example.org/classwaves/session › TestEnd/while_recording"],
  },
  "by-hand/mocha.xml": { format: "junit", counts: [3, 1, 1, 0, 1], failures: ["sessions ends a session"] },
  "by-hand/ctrf.json": {
    format: "ctrf",
    counts: [5, 1, 2, 1, 1],
    failures: ["ends a session", "was lost"],
    flaky: ["sessions › sockets › reconnects"],
  },
};

function summary(results: TestResults): Expected {
  return {
    format: results.sources[0]?.format ?? "none",
    counts: [results.total, results.passed, results.failed, results.flaky, results.skipped],
    failures: results.failures.map((failure) => failure.name),
    flaky: results.flakyTests.map((flaky) => flaky.name),
    crashed: results.crashedSuites.map((suite) => suite.file),
  };
}

test.each(everyReport)("%s is read as what it says", async (report) => {
  expect(summary(await read(report))).toEqual({ failures: [], flaky: [], crashed: [], ...expectations[report] });
});

test.each(everyReport)("%s gives a message for everything that went wrong, without escapes of a terminal", async (report) => {
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
  const [jest] = (await read("by-hand/jest.json")).failures;
  expect(jest).toMatchObject({ file: "/workspace/src/sessions.test.ts", line: 42, durationMs: 31, attempts: 1 });
  const [flaky] = (await read("by-hand/surefire.xml")).flakyTests;
  expect(flaky).toMatchObject({ attempts: 3, durationMs: 200 });
});

test.each(["playwright/mixed.json", "playwright/mixed.xml"])("%s tells its projects apart", async (report) => {
  const { projects } = await read(report);
  expect(projects["authenticated-chrome"]).toMatchObject({ total: 4, failed: 1, skipped: 1 });
  expect(projects["unauthenticated-chrome"]).toMatchObject({ total: 2, passed: 2 });
});

test("file names count from the workspace where that can be told, so that an annotation finds its file", async () => {
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

test("the ten slowest are kept, the slowest first, and skipped ones are not among them", async () => {
  const cases = Array.from({ length: 30 }, (_, index) => `<testcase name="t${index}" classname="c" time="${(index * 7) % 30}"/>`);
  const { slowest } = await readText(
    `<testsuite tests="31">${cases.join("")}<testcase name="s" time="99"><skipped/></testcase></testsuite>`,
  );
  expect(slowest.map((one) => one.durationMs)).toEqual([29, 28, 27, 26, 25, 24, 23, 22, 21, 20].map((seconds) => seconds * 1000));
});

test("an interrupted Playwright test did not pass, nor was it skipped", async () => {
  const result = { status: "interrupted", duration: 5, errors: [] };
  const spec = { title: "waits", file: "a.ts", line: 3, tests: [{ projectName: "", status: "skipped", results: [result] }] };
  const { failed, failures } = await readText(
    JSON.stringify({ config: {}, errors: [], suites: [{ title: "a.ts", file: "a.ts", specs: [spec] }] }),
  );
  expect(failed).toBe(1);
  expect(failures[0]?.message).toBe("it was interrupted before it had ended");
});

test("a run that Jest calls interrupted, or failed without saying why, is no success", async () => {
  const passed = { ancestorTitles: [], title: "adds", status: "passed" };
  const suite = { name: "/a.test.ts", status: "passed", message: "", assertionResults: [passed] };
  const report = { success: true, numTotalTests: 1, numFailedTests: 0, testResults: [suite] };
  expect((await readText(JSON.stringify(report))).crashedSuites).toEqual([]);
  expect((await readText(JSON.stringify({ ...report, success: false }))).crashedSuites).toHaveLength(1);
  expect((await readText(JSON.stringify({ ...report, wasInterrupted: true }))).crashedSuites).toHaveLength(1);
});

test("a failure that a suite has outside of its tests is a crashed suite", async () => {
  const { crashedSuites } = await readText('<testsuite name="s"><error>database gone</error><testcase name="a"/></testsuite>');
  expect(crashedSuites).toEqual([{ file: "s", message: "database gone" }]);
});

test.each([
  ['status="notrun"', "skipped"],
  ['status="run" result="skipped"', "skipped"],
  ['status="fail"', "failed"],
  ['status="run" result="completed"', "passed"],
])("GoogleTest and CTest say it in attributes: %s is %s", async (attributes, status) => {
  expect(await readText(`<testsuite name="s"><testcase name="a" ${attributes}/></testsuite>`)).toMatchObject({
    total: 1,
    [status]: 1,
  });
});
