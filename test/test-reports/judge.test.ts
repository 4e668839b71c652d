import { expect, test } from "vitest";
import { type Check, opensTheGate, withoutConsequences, worstVerdict } from "../../src/model/report.ts";
import type { TestCase, TestResults } from "../../src/model/test-results.ts";
import { judgeTests, type TestRules } from "../../src/test-reports/judge/judge.ts";
import { read } from "./reports.ts";

function testCase(status: TestCase["status"], number: number): TestCase {
  return { name: `${status} ${number}`, status, durationMs: 1, attempts: 1 };
}

function many(status: TestCase["status"], count: number): TestCase[] {
  return Array.from({ length: count }, (_, index) => testCase(status, index + 1));
}

function results(counts: Partial<Record<TestCase["status"], number>>, more: Partial<TestResults> = {}): TestResults {
  const { passed = 0, failed = 0, flaky = 0, skipped = 0, unknown = 0 } = counts;
  return {
    ...{
      total: passed + failed + flaky + skipped + unknown,
      passed,
      failed,
      flaky,
      skipped,
      unknown,
      durationMs: 1,
      crashedSuites: [],
      slowest: [],
    },
    ...{ projects: {}, sources: [{ file: "a.json", format: "ctrf", tests: 1 }], disagreements: [] },
    failures: [...many("failed", failed), ...many("unknown", unknown)],
    flakyTests: many("flaky", flaky),
    ...more,
  };
}

/** By id, and the verdict of all together. */
function verdicts(
  of: TestResults,
  { commandExit = 0, ...rules }: Partial<TestRules> & { commandExit?: number | null } = {},
): Record<string, string> {
  const checks = judgeTests(of, { passRate: 0.95, ...rules }, { exitCode: commandExit, durationMs: 1 });
  const single = Object.fromEntries(checks.map((check) => [check.id.replace("tests.", ""), check.verdict]));
  return { ...single, all: worstVerdict(checks.map((check) => check.verdict)) };
}

const good = { ran: "passed", "suites-loaded": "passed", "pass-rate": "passed", exit: "passed", flaky: "passed" };

const crashed = { crashedSuites: [{ file: "a.test.ts", message: "Cannot find module\n  at x" }] };

test.each<[string, TestResults, Partial<TestRules> & { commandExit?: number | null }, Record<string, string>]>([
  ["all passed", results({ passed: 3 }), {}, { all: "passed" }],
  ["zero tests, exit 0", results({}), {}, { ran: "failed", "pass-rate": "error", all: "failed" }],
  ["all skipped, exit 0", results({ skipped: 9 }), {}, { ran: "failed", "pass-rate": "error", all: "failed" }],
  ["skipped tests do not count", results({ passed: 1, skipped: 99 }), {}, { all: "passed" }],
  ["a crashed suite", results({ passed: 99 }, crashed), {}, { "suites-loaded": "failed", all: "failed" }],
  ["exactly the pass rate is not more", results({ passed: 19, failed: 1 }), {}, { "pass-rate": "failed", all: "failed" }],
  ["more than the pass rate", results({ passed: 20, failed: 1 }), {}, { "pass-rate": "degraded", all: "degraded" }],
  ["flaky tests passed in the end", results({ passed: 1, flaky: 1 }), {}, { flaky: "degraded", all: "degraded" }],
  ["100 % and all passed", results({ passed: 3 }), { passRate: 1 }, { all: "passed" }],
  ["100 % and one failed", results({ passed: 99_999, failed: 1 }), { passRate: 1 }, { "pass-rate": "failed", all: "failed" }],
  ["exit 1 although all passed", results({ passed: 3 }), { commandExit: 1 }, { exit: "failed", all: "failed" }],
  [
    "exit 1 explained by tolerated failures",
    results({ passed: 20, failed: 1 }),
    { commandExit: 1 },
    { "pass-rate": "degraded", exit: "degraded", all: "degraded" },
  ],
  [
    "exit 1 explained by a crash",
    results({ passed: 20 }, crashed),
    { commandExit: 1 },
    { "suites-loaded": "failed", exit: "failed", all: "failed" },
  ],
  [
    "tolerated failures do not explain a crash",
    results({ passed: 20, failed: 1 }, crashed),
    { commandExit: 1 },
    { "suites-loaded": "failed", "pass-rate": "degraded", exit: "failed", all: "failed" },
  ],
  [
    "an unknown result within the pass rate",
    results({ passed: 99, unknown: 1 }),
    {},
    { statuses: "error", "pass-rate": "degraded", all: "error" },
  ],
  [
    "an unknown result beside a tolerated failure",
    results({ passed: 98, failed: 1, unknown: 1 }),
    { commandExit: 1 },
    { statuses: "error", "pass-rate": "degraded", exit: "failed", all: "failed" },
  ],
  [
    "only unknown results",
    results({ unknown: 1 }),
    { commandExit: 1 },
    { statuses: "error", "pass-rate": "failed", exit: "failed", all: "failed" },
  ],
  ["no exit status", results({ passed: 3 }), { commandExit: null }, { exit: "failed", all: "failed" }],
])("%s", (_what, of, rules, expected) => {
  expect(verdicts(of, rules)).toEqual({ ...good, ...expected });
});

const counts = { total: 1, passed: 1, failed: 0, flaky: 0, skipped: 0, unknown: 0 };
const skipped = { ...counts, passed: 0, skipped: 1 };

test.each([
  ["each has a test that ran", { "authenticated-chrome": counts, "unauthenticated-webkit": counts }, "passed"],
  ["one is missing; a name that only contains the other doesn't count", { "unauthenticated-chrome": counts }, "failed"],
  ["one was skipped completely", { "authenticated-chrome": counts, "unauthenticated-chrome": skipped }, "failed"],
  ["the report knows no projects", {}, "failed"],
])("required projects: %s", (_what, projects, verdict) => {
  const rules = { requiredProjects: ["authenticated-*", "unauthenticated-*"] };
  expect(verdicts(results({ passed: 3 }, { projects }), rules).projects).toBe(verdict);
});

test("* means a project without a name, too", () => {
  const rules = { requiredProjects: ["*"] };
  expect(verdicts(results({ passed: 3 }), rules).projects).toBe("passed");
  expect(verdicts(results({ skipped: 3 }), rules).projects).toBe("failed");
  expect(verdicts(results({ passed: 3 }), { requiredProjects: ["chrome"] }).projects).toBe("failed");
  expect(verdicts(results({ passed: 3 }), { requiredBrowsers: ["chromium"] }).browsers).toBe("failed");
});

test("no failure is tolerated if a report could not be read, because the share is not known", () => {
  const unreadable = [{ file: "a.xml", code: "EA6004", message: "a.xml: empty", tests: 0 }];
  expect(verdicts(results({ passed: 99, failed: 1 }))["pass-rate"]).toBe("degraded");
  expect(verdicts(results({ passed: 99, failed: 1 }, { unreadable }))["pass-rate"]).toBe("failed");
});

test("reports that disagree are a warning", () => {
  const sources = ["a", "b"].map((file) => ({ file, format: "junit", tests: 1 }));
  expect(verdicts(results({ passed: 1 }, { sources }))["reports-agree"]).toBe("passed");
  expect(verdicts(results({ passed: 1 }, { sources, disagreements: ["x"] }))["reports-agree"]).toBe("degraded");
});

test("every check has what was found and expected, and every one that did not pass has a reason", async () => {
  const every: TestRules = {
    passRate: 0.9,
    requiredProjects: ["x"],
    requiredBrowsers: ["webkit"],
    flaky: { share: 0 },
    testTime: 1,
    commandTime: 1,
    shards: 3,
  };
  const real = [await read("vitest/mixed.*"), await read("playwright/load-error.json"), results({ skipped: 1 })];
  for (const of of real) {
    for (const commandExit of [0, 1, null]) {
      const checks = judgeTests(of, every, { exitCode: commandExit, durationMs: 10 });
      expect(checks.length).toBeGreaterThan(5);
      for (const check of checks) {
        expect(check).toMatchObject({ observed: expect.stringMatching(/\S/), expected: expect.stringMatching(/\S/) });
        if (check.verdict !== "passed") expect(check.message).toMatch(/^\S.*\S$/s);
      }
    }
  }
});

test("a report that counts more tests than it describes is a warning that names it", () => {
  const sources = [
    { file: "a.xml", format: "junit", tests: 2, declared: 7 },
    { file: "b.xml", format: "junit", tests: 1 },
  ];
  expect(verdicts(results({ passed: 3 }, { sources }))).toMatchObject({ "reports-complete": "degraded", all: "degraded" });
  const checks = judgeTests(results({ passed: 3 }, { sources }), { passRate: 1 }, { exitCode: 0, durationMs: 1 });
  expect(checks.find(({ id }) => id === "tests.reports-complete")).toMatchObject({
    observed: "1 report with fewer tests",
    message: expect.stringContaining("describes: a.xml counts 7 and describes 2. Some tools count"),
  });
  expect(verdicts(results({ passed: 1 }))).not.toHaveProperty("reports-complete");
});

test("unknown results are named, and never counted as failed or passed", () => {
  const [, , statuses, rate] = judgeTests(
    results({ passed: 3, failed: 1, unknown: 2 }),
    { passRate: 0.95 },
    { exitCode: 1, durationMs: 1 },
  );
  expect(statuses).toMatchObject({
    id: "tests.statuses",
    observed: "2 unknown",
    message: "It is unknown how unknown 1 ended: the report does not say. (and 1 more)",
  });
  expect(rate).toMatchObject({
    observed: "50 % (3 of 6)",
    message: "1 test failed and 2 tests ended in an unknown way: failed 1, unknown 1, unknown 2.",
  });
});

test("the message of a failed pass rate", () => {
  const [, , rate] = judgeTests(results({ passed: 5, failed: 5 }), { passRate: 0.95 }, { exitCode: 1, durationMs: 1 });
  expect(rate).toMatchObject({
    observed: "50 % (5 of 10)",
    expected: "> 95 %",
    message: "5 tests failed: failed 1, failed 2, failed 3 and 2 more.",
  });
});

test("a share is rounded down, so that a failed rate never looks like a good one", () => {
  const [, , rate] = judgeTests(results({ passed: 99_999, failed: 1 }), { passRate: 1 }, { exitCode: 1, durationMs: 1 });
  expect(rate?.observed).toBe("99.9 % (99999 of 100000)");
  expect(opensTheGate(rate?.verdict ?? "error")).toBe(false);
});

test.each<[string, TestResults, TestRules["flaky"], string]>([
  ["none, with a budget of zero", results({ passed: 9 }), { tests: 0 }, "passed"],
  ["within the number", results({ passed: 9, flaky: 3 }), { tests: 3 }, "degraded"],
  ["over the number", results({ passed: 9, flaky: 4 }), { tests: 3 }, "failed"],
  ["exactly the share is not over it", results({ passed: 49, flaky: 1 }), { share: 0.02 }, "degraded"],
  ["over the share", results({ passed: 48, flaky: 2 }), { share: 0.02 }, "failed"],
  ["skipped tests do not thin the share", results({ passed: 48, flaky: 2, skipped: 950 }), { share: 0.02 }, "failed"],
])("flaky budget: %s", (_what, of, flaky, verdict) => {
  expect(verdicts(of, flaky ? { flaky } : {}).flaky).toBe(verdict);
});

test.each<[string, Record<string, typeof counts>, string]>([
  ["by its own name or by the one that people know", { "signed-in-chrome": counts, "Mobile Safari": counts }, "passed"],
  ["one is missing", { "signed-in-chrome": counts, firefox: counts }, "failed"],
  ["one was skipped completely", { chromium: counts, webkit: skipped }, "failed"],
  ["the report knows no projects", {}, "failed"],
])("required browsers: %s", (_what, projects, verdict) => {
  const rules: Partial<TestRules> = { requiredBrowsers: ["chromium", "webkit"] };
  expect(verdicts(results({ passed: 3 }, { projects }), rules).browsers).toBe(verdict);
});

test("the slowest test and the whole command have time limits, and a limit that is met is reported", () => {
  const slowest = [
    { ...testCase("passed", 1), name: "sends a mail", durationMs: 30_001 },
    { ...testCase("passed", 2), durationMs: 5 },
  ];
  const judge = (testTime: number, commandTime: number) =>
    judgeTests(results({ passed: 2 }, { slowest }), { passRate: 1, testTime, commandTime }, { exitCode: 0, durationMs: 60_000 });
  expect(judge(30_000, 59_999).filter((check) => check.verdict !== "passed")).toMatchObject([
    {
      id: "tests.test-time",
      verdict: "failed",
      observed: "30.1 s",
      expected: "at most 30 s",
      message: "Took too long: sends a mail (30.1 s).",
    },
    { id: "tests.command-time", verdict: "failed", observed: "60 s", expected: "at most 60 s" },
  ]);
  expect(judge(30_001, 60_000).every((check) => check.verdict === "passed")).toBe(true);
});

test("with fewer reports than shards, one has overwritten another", () => {
  expect(verdicts(results({ passed: 3 }), { shards: 2 }).shards).toBe("failed");
  const sources = ["a", "b"].map((file) => ({ file, format: "junit", tests: 1 }));
  expect(verdicts(results({ passed: 3 }, { sources }), { shards: 2 }).shards).toBe("passed");
  // One shard wrote both, the other nothing.
  const both = ["junit", "jest"].map((format) => ({ file: `1.${format}`, format, tests: 1 }));
  expect(verdicts(results({ passed: 3 }, { sources: both }), { shards: 2 }).shards).toBe("failed");
});

test.each([
  ["failed tests", results({ passed: 1, failed: 1 }), "tests.pass-rate"],
  ["tolerated failures", results({ passed: 99, failed: 1 }), "tests.pass-rate"],
  ["a crashed suite", results({ passed: 99 }, crashed), "tests.suites-loaded"],
  ["nothing in the reports", results({ passed: 99 }), undefined],
])("an exit status names the check that explains it: %s", (_what, of, cause) => {
  const checks = judgeTests(of, { passRate: 0.95 }, { exitCode: 1, durationMs: 1 });
  const exit = checks.find(({ id }) => id === "tests.exit");
  expect(exit?.cause).toBe(cause);
  const wrong = checks.filter(({ verdict }) => verdict !== "passed");
  expect(withoutConsequences(wrong).map(({ id }) => id)).toEqual([cause ?? "tests.exit"]);
});

const unreadable = [{ file: "b.xml", code: "EA6004", message: "b.xml: damaged", tests: 0 }];

test.each<[string, TestResults, string[]]>([
  ["a crashed suite", results({}, crashed), ["tests.suites-loaded"]],
  ["a crashed suite beside skipped tests", results({ skipped: 2 }, crashed), ["tests.suites-loaded"]],
  ["an empty report", results({}), ["tests.ran"]],
  ["only skipped tests", results({ skipped: 2 }), ["tests.ran"]],
  ["a report that cannot be read beside an empty one", results({}, { unreadable }), ["tests.report"]],
])("that no test ran is one finding: %s", (_, of, causes) => {
  const report: Check = { id: "tests.report", title: "Test report", verdict: "error", durationMs: 0 };
  const judged = judgeTests(of, { passRate: 0.95 }, { exitCode: 0, durationMs: 1 });
  const wrong = [...(of.unreadable ? [report] : []), ...judged].filter(({ verdict }) => verdict !== "passed");
  expect(wrong.map(({ id }) => id)).toEqual(expect.arrayContaining(["tests.ran", "tests.pass-rate"]));
  expect(withoutConsequences(wrong).map(({ id }) => id)).toEqual(causes);
});

test.each([
  [results({}), "a wrong path, filter or flag"],
  [results({}, crashed), "Explained by 1 test file that could not be loaded."],
  [results({}, { unreadable }), "No test could be read from the reports."],
])("advice about the command is only given if nothing else explains that no test ran", (of, said) => {
  const judged = judgeTests(of, { passRate: 0.95 }, { exitCode: 0, durationMs: 1 });
  expect(judged.find(({ id }) => id === "tests.ran")?.message).toContain(said);
});

test("an exit status may come from a report that could not be read", () => {
  const judged = judgeTests(results({ passed: 9 }, { unreadable }), { passRate: 0.95 }, { exitCode: 1, durationMs: 1 });
  expect(judged.find(({ id }) => id === "tests.exit")).toMatchObject({ verdict: "failed", cause: "tests.report" });
});
