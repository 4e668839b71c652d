import { expect, test } from "vitest";
import { readText } from "./reports.ts";

// JSON reports with values that are missing, null or of another kind: what decides nothing is no reason to lose a report.

type Values = Record<string, unknown>;

const writers: Record<string, (test: Values) => unknown> = {
  jest: (test) => ({
    success: false,
    numTotalTests: 1,
    numFailedTests: 1,
    testResults: [
      {
        name: "/w/a.test.js",
        status: "failed",
        message: null,
        assertionResults: [{ ancestorTitles: [], title: "t", status: "failed", failureMessages: ["boom"], ...test }],
      },
    ],
  }),
  playwright: (test) => ({
    config: {},
    errors: null,
    stats: null,
    suites: [
      {
        title: "a.spec.ts",
        file: "a.spec.ts",
        specs: [
          {
            title: "t",
            file: "a.spec.ts",
            tests: [{ status: "unexpected", results: [{ status: "failed", errors: [{ message: "boom" }], ...test }] }],
          },
        ],
      },
    ],
  }),
  ctrf: (test) => ({
    results: {
      summary: { tests: 1, failed: null },
      tests: [{ name: "t", status: "failed", message: "boom", ...test }],
    },
  }),
  mocha: (test) => {
    const failed = { title: "t", fullTitle: "t", err: { message: "boom" }, ...test };
    return {
      stats: { tests: 1, passes: 0, failures: 1, pending: 0 },
      tests: [failed],
      passes: [],
      pending: [],
      failures: [failed],
    };
  },
  mochawesome: (test) => ({
    stats: { tests: 1, passes: 0, failures: 1, pending: 0 },
    results: [
      {
        title: "",
        beforeHooks: null,
        afterHooks: null,
        tests: [{ title: "t", state: "failed", err: { message: "boom" }, ...test }],
        suites: [],
      },
    ],
  }),
  rspec: (test) => ({
    examples: [{ description: "t", full_description: "t", status: "failed", exception: { message: "boom" }, ...test }],
    summary: { example_count: 1, failure_count: 1, pending_count: 0 },
  }),
};

test.each<[string, Values]>([
  ["jest", {}],
  ["jest", { ancestorTitles: null, invocations: null, retryReasons: null, location: { line: null } }],
  ["jest", { failureMessages: [null, "boom"], duration: null, invocations: -1 }],
  ["playwright", {}],
  ["playwright", { errors: null, error: { message: "boom", location: null } }],
  ["playwright", { errors: [null, { message: null, value: "boom" }], errorLocation: null }],
  ["playwright", { errors: undefined, error: { stack: "boom" }, duration: -1 }],
  ["ctrf", {}],
  ["ctrf", { retries: -1, rawStatus: 3, suite: [null], flaky: "no", line: "x", browser: null, trace: null }],
  ["ctrf", { message: null, trace: "boom", filePath: null, retryAttempts: null }],
  ["mocha", {}],
  ["mocha", { duration: "fast", file: null, currentRetry: null, err: "boom" }],
  ["mochawesome", { duration: -1, err: "boom" }],
  ["rspec", { line_number: -1, file_path: null, run_time: -2, exception: { message: "boom", class: null, backtrace: [null] } }],
])("%s: %j is a failed test with its message", async (writer, values) => {
  const results = await readText(JSON.stringify(writers[writer]?.(values)));
  expect(results).toMatchObject({ total: 1, failed: 1, failures: [{ name: "t", message: "boom" }] });
});

test.each(["jest", "ctrf"])("%s: a test without a status is unknown, and says so", async (writer) => {
  const results = await readText(JSON.stringify(writers[writer]?.({ status: null, failureMessages: [], message: null })));
  expect(results).toMatchObject({ total: 1, passed: 0, unknown: 1, failures: [{ message: "the report gives no status" }] });
});

test.each<[Values, number]>([
  [{ retries: 2 }, 3],
  [{ retries: 2, flaky: false }, 3],
  [{ flaky: "true" }, 1],
  [{ retryAttempts: [{ attempt: 1, status: "failed", message: "first" }] }, 2],
])("CTRF: passed, and %j, is flaky", async (values, attempts) => {
  const results = await readText(JSON.stringify(writers.ctrf?.({ status: "passed", message: null, ...values })));
  expect(results).toMatchObject({ total: 1, passed: 0, flaky: 1, flakyTests: [{ attempts }] });
  if (values.retryAttempts) expect(results.flakyTests[0]?.message).toBe("first");
});

test.each<[Values]>([
  [{ retries: 0 }],
  [{ retryAttempts: [] }],
  [{ retryAttempts: [{ attempt: 1, status: "passed" }] }],
  [{ flaky: "false" }],
])("CTRF: passed, and %j, is passed", async (values) => {
  const results = await readText(JSON.stringify(writers.ctrf?.({ status: "passed", message: null, ...values })));
  expect(results).toMatchObject({ total: 1, passed: 1, flaky: 0 });
});

test.each([
  [["failed"], "passed", "unknown"],
  [["timedOut"], "failed", "unknown"],
  [["failed", "passed"], "passed", "unknown"],
  [["passed"], "passed", "passed"],
  [["failed"], "failed", "passed"],
  [["skipped", "passed"], "passed", "passed"],
  [["failed"], undefined, "passed"],
])(
  "Playwright: attempts %j of a test that should be %s, and is called expected: %s",
  async (attempts, expectedStatus, status) => {
    const results = attempts.map((word) => ({ status: word, errors: [] }));
    const specs = [{ title: "t", file: "a.spec.ts", tests: [{ status: "expected", expectedStatus, results }] }];
    const report = { config: {}, errors: [], suites: [{ title: "a.spec.ts", file: "a.spec.ts", specs }] };
    expect(await readText(JSON.stringify(report))).toMatchObject({ total: 1, [status]: 1 });
  },
);
