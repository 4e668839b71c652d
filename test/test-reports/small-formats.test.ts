import { expect, test } from "vitest";
import { readText } from "./reports.ts";

// What each word of Mocha's, mochawesome's and RSpec's JSON means.

async function counts(report: object): Promise<Record<string, number>> {
  const { total, passed, failed, flaky, skipped, unknown, crashedSuites } = await readText(JSON.stringify(report));
  const all = { total, passed, failed, flaky, skipped, unknown, crashed: crashedSuites.length };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}

const mochaTest = (title: string, more: object = {}) => ({
  title,
  fullTitle: `suite ${title}`,
  file: "a.js",
  duration: 1,
  currentRetry: 0,
  err: {},
  ...more,
});
const error = { message: "broken", stack: "Error: broken\n    at a.js:1:2" };
const [ok, bad, hook] = [mochaTest("ok"), mochaTest("bad", { err: error }), mochaTest('"before all" hook', { err: error })];

function mochaReport(
  lists: { tests: object[]; passes?: object[]; failures?: object[]; pending?: object[] },
  stats: object = {},
): object {
  const all = { passes: [], failures: [], pending: [], ...lists };
  const own = {
    suites: 1,
    tests: all.tests.length,
    passes: all.passes.length,
    pending: all.pending.length,
    failures: all.failures.length,
  };
  return { stats: { ...own, ...stats }, ...all };
}

test.each<[string, object, object]>([
  ["passed and failed", mochaReport({ tests: [ok, bad], passes: [ok], failures: [bad] }), { total: 2, passed: 1, failed: 1 }],
  ["pending", mochaReport({ tests: [ok], pending: [ok] }), { total: 1, skipped: 1 }],
  [
    "a hook that failed is only a failure",
    mochaReport({ tests: [ok], passes: [ok], failures: [hook] }),
    { total: 2, passed: 1, failed: 1 },
  ],
  ["passed when tried again", mochaReport({ tests: [ok], passes: [{ ...ok, currentRetry: 2 }] }), { total: 1, flaky: 1 }],
  ["in no list", mochaReport({ tests: [ok] }), { total: 1, unknown: 1 }],
  ["in no list, with an error", mochaReport({ tests: [bad] }), { total: 1, failed: 1 }],
  ["passed, with an error", mochaReport({ tests: [bad], passes: [bad] }), { total: 1, failed: 1 }],
  ["passed, then failed", mochaReport({ tests: [bad], passes: [bad], failures: [bad] }), { total: 1, failed: 1 }],
  [
    "two tests of one name",
    mochaReport({ tests: [ok, mochaTest("ok", { err: error })], passes: [ok], failures: [mochaTest("ok", { err: error })] }),
    { total: 2, passed: 1, failed: 1 },
  ],
])("Mocha: %s", async (_what, report, expected) => {
  expect(await counts(report)).toEqual(expected);
});

test.each([
  ["tests", { tests: 3 }, /expected 3 tests as declared, got 1/],
  ["failures", { failures: 2 }, /expected 2 failed tests and hooks as declared, got 0/],
  ["passed tests", { passes: 2 }, /expected 2 passed tests as declared, got 1/],
])("Mocha: fewer %s than declared are refused", async (_what, stats, cause) => {
  await expect(readText(JSON.stringify(mochaReport({ tests: [ok], passes: [ok] }, stats)))).rejects.toThrow(cause);
});

const awesomeTest = (state: string | null, more: object = {}) => ({
  title: "t",
  fullTitle: "s t",
  duration: 1,
  state,
  pass: state === "passed",
  fail: state === "failed",
  pending: state === "pending",
  skipped: false,
  err: {},
  ...more,
});
const awesomeSuite = (tests: object[], more: object = {}) => ({
  title: "s",
  file: "/a.js",
  fullFile: "/w/a.js",
  beforeHooks: [],
  afterHooks: [],
  tests,
  suites: [],
  ...more,
});
const awesome = (results: unknown[], stats: object = {}) => ({
  stats: { tests: 0, passes: 0, failures: 0, pending: 0, ...stats },
  results,
  meta: {},
});

test.each<[string, object, object]>([
  [
    "passed, failed and pending",
    awesome([awesomeSuite(["passed", "failed", "pending"].map((state) => awesomeTest(state)))]),
    { total: 3, passed: 1, failed: 1, skipped: 1 },
  ],
  ["kept from running by a hook", awesome([awesomeSuite([awesomeTest(null, { skipped: true })])]), { total: 1, skipped: 1 }],
  [
    "a hook that failed",
    awesome([awesomeSuite([], { afterHooks: [awesomeTest("failed"), awesomeTest("passed")] })]),
    { total: 1, failed: 1 },
  ],
  [
    "a failed test in an inner suite",
    awesome([awesomeSuite([], { suites: [awesomeSuite([awesomeTest("failed")])] })]),
    { total: 1, failed: 1 },
  ],
  ["an unknown word", awesome([awesomeSuite([awesomeTest("perhaps")])]), { total: 1, unknown: 1 }],
  ["no word", awesome([awesomeSuite([awesomeTest(null)])]), { total: 1, unknown: 1 }],
  ["passed, with an error", awesome([awesomeSuite([awesomeTest("passed", { err: error })])]), { total: 1, failed: 1 }],
  ["no tests", awesome([false]), {}],
])("mochawesome: %s", async (_what, report, expected) => {
  expect(await counts(report)).toEqual(expected);
});

test("mochawesome: fewer failures than a suite or the header declares, and suites too deep, are refused", async () => {
  const reading = (report: object) => readText(JSON.stringify(report));
  await expect(reading(awesome([awesomeSuite([awesomeTest("passed")], { failures: ["id"] })]))).rejects.toThrow(
    /expected 1 failed tests in "s"/,
  );
  await expect(reading(awesome([awesomeSuite([])], { failures: 1 }))).rejects.toThrow(/expected 1 failed tests as declared/);
  // A damaged name of the list hid a failed hook, which no count has.
  await expect(
    reading(
      awesome([
        awesomeSuite([], { afterHooks: [] }),
        awesomeSuite([], { afterHooks: undefined, "aft'erHooks": [awesomeTest("failed")] }),
      ]),
    ),
  ).rejects.toThrow(/damaged: afterHooks is missing in some suites, such as around "s"/);
  let deep = awesomeSuite([]);
  for (let depth = 0; depth < 70; depth++) deep = awesomeSuite([], { suites: [deep] });
  await expect(reading(awesome([deep]))).rejects.toThrow(/too deep/);
});

const example = (status: string, more: object = {}) => ({
  id: "1",
  description: "works",
  full_description: "Session works",
  status,
  file_path: "./spec/a_spec.rb",
  line_number: 3,
  run_time: 0.25,
  ...more,
});

function rspecReport(examples: object[], summary: object = {}, messages: string[] = []): object {
  return {
    version: "3.13",
    examples,
    messages,
    summary: { example_count: examples.length, failure_count: 0, pending_count: 0, ...summary },
    summary_line: "",
  };
}

test.each<[string, object, object]>([
  [
    "passed, failed and pending",
    rspecReport(["passed", "failed", "pending"].map((status) => example(status))),
    { total: 3, passed: 1, failed: 1, skipped: 1 },
  ],
  ["an unknown word", rspecReport([example("perhaps")], { failure_count: 1 }), { total: 1, unknown: 1 }],
  [
    "passed, with an exception",
    rspecReport([example("passed", { exception: { class: "RuntimeError", message: "no", backtrace: null } })]),
    { total: 1, failed: 1 },
  ],
  [
    "errors outside of examples",
    rspecReport([], { errors_outside_of_examples_count: 2 }, ["\nAn error occurred while loading ./spec/a_spec.rb.\nno"]),
    { crashed: 2 },
  ],
])("RSpec: %s", async (_what, report, expected) => {
  expect(await counts(report)).toEqual(expected);
});

test("RSpec: an example has its place, time, message and stack", async () => {
  const exception = {
    class: "RuntimeError",
    message: "\nexpected: 1\n     got: 2\n",
    backtrace: ["./spec/a_spec.rb:4:in `block'"],
  };
  const { failures } = await readText(JSON.stringify(rspecReport([example("failed", { exception })])));
  expect(failures).toMatchObject([
    {
      name: "Session › works",
      file: "spec/a_spec.rb",
      line: 3,
      durationMs: 250,
      message: "expected: 1\n     got: 2",
      stack: expect.stringContaining("a_spec.rb:4"),
    },
  ]);
});

test("RSpec: fewer examples or failures than declared are refused", async () => {
  await expect(readText(JSON.stringify(rspecReport([], { example_count: 2 })))).rejects.toThrow(
    /expected 2 examples as declared, got 0/,
  );
  await expect(readText(JSON.stringify(rspecReport([], { failure_count: 1 })))).rejects.toThrow(
    /expected 1 failed examples as declared, got 0/,
  );
});
