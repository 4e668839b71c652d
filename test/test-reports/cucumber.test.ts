import { expect, test } from "vitest";
import { readText } from "./reports.ts";

// What each word of Cucumber's reports means.

async function counts(report: string): Promise<Record<string, number>> {
  const { total, passed, failed, flaky, skipped, unknown, crashedSuites } = await readText(report);
  const all = { total, passed, failed, flaky, skipped, unknown, crashed: crashedSuites.length };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}

const step = (status: string, more: object = {}) => ({ keyword: "Given ", name: "x", line: 4, result: { status, ...more } });
const scenario = (statuses: string[], more: object = {}) => ({
  type: "scenario",
  id: "f;s",
  name: "s",
  line: 3,
  steps: statuses.map((status) => step(status)),
  ...more,
});
const feature = (...elements: object[]) => JSON.stringify([{ uri: "a.feature", name: "F", elements }]);

test.each<[string, string, object]>([
  ["an empty report", "[]", {}],
  ["a feature without scenarios", '[{"id":"a","elements":[]}]', {}],
  ["passed", feature(scenario(["passed", "passed"])), { total: 1, passed: 1 }],
  ["failed", feature(scenario(["passed", "failed", "skipped"])), { total: 1, failed: 1 }],
  ["skipped", feature(scenario(["passed", "skipped"])), { total: 1, skipped: 1 }],
  ["without steps", feature(scenario([])), { total: 1, skipped: 1 }],
  [
    "pending, undefined and ambiguous",
    feature(...["pending", "undefined", "ambiguous"].map((word, line) => scenario([word], { line }))),
    { total: 3, failed: 3 },
  ],
  ["an unknown word", feature(scenario(["passed", "perhaps"])), { total: 1, unknown: 1 }],
  ["the word unknown", feature(scenario(["unknown"])), { total: 1, unknown: 1 }],
  ["failed before an unknown word", feature(scenario(["failed", "perhaps"])), { total: 1, failed: 1 }],
  ["a failed hook", feature(scenario(["passed"], { after: [{ result: { status: "failed" } }] })), { total: 1, failed: 1 }],
  [
    "a failed hook of a step",
    feature(scenario([], { steps: [{ ...step("passed"), after: [{ result: { status: "failed" } }] }] })),
    { total: 1, failed: 1 },
  ],
  ["a background", feature({ type: "background", steps: [step("failed")] }, scenario(["skipped"])), { total: 1, failed: 1 }],
  ["a background without a scenario", feature({ type: "background", steps: [step("failed")] }), { total: 1, failed: 1 }],
  [
    "rows of an outline",
    feature(scenario(["passed"], { line: 9 }), scenario(["failed"], { line: 10 })),
    { total: 2, passed: 1, failed: 1 },
  ],
  ["an attempt that failed before one that passed", feature(scenario(["failed"]), scenario(["passed"])), { total: 1, flaky: 1 }],
  ["an attempt that passed before one that failed", feature(scenario(["passed"]), scenario(["failed"])), { total: 1, failed: 1 }],
  [
    "the same scenario without a line",
    feature(scenario(["failed"], { line: undefined }), scenario(["passed"], { line: undefined })),
    { total: 2, passed: 1, failed: 1 },
  ],
])("Cucumber's JSON: %s", async (_what, report, expected) => {
  expect(await counts(report)).toEqual(expected);
});

test("behave's JSON has places, seconds and a status for each scenario", async () => {
  const steps = [
    { keyword: "Given", name: "x", result: { status: "passed", duration: 0.5 } },
    {
      keyword: "Then",
      name: "y",
      result: { status: "failed", duration: 0.25, error_message: ["Assertion Failed: no", "trace"] },
    },
    { keyword: "Then", name: "z" },
  ];
  const elements = [{ type: "scenario", name: "s", location: "features/a.feature:3", status: "failed", steps }];
  const { failures } = await readText(
    JSON.stringify([{ keyword: "Feature", name: "F", location: "features/a.feature:1", elements }]),
  );
  expect(failures).toMatchObject([
    { name: "F › s", file: "features/a.feature", line: 3, durationMs: 750, message: "Assertion Failed: no\ntrace" },
  ]);
});

test("a step without a result is refused, because its failure may be missing", async () => {
  await expect(readText(feature(scenario([], { steps: [{ name: "x" }] })))).rejects.toThrow(
    /\[0\]\.elements\[0\]\.steps\[0\]: damaged/,
  );
});

const meta = { meta: { protocolVersion: "32.0.0" } };
const document = {
  gherkinDocument: { feature: { name: "F", children: [{ scenario: { id: "n1", location: { line: 3 }, examples: [] } }] } },
};
const pickle = { pickle: { id: "p1", uri: "a.feature", name: "s", astNodeIds: ["n1"] } };
const testCase = (steps: number) => ({
  testCase: { id: "c1", pickleId: "p1", testSteps: Array.from({ length: steps }, (_, id) => ({ id })) },
});

function attempt(number: number, statuses: string[], willBeRetried = false): object[] {
  const id = `r${number}`;
  const results = statuses.map((status, index) => ({
    testStepFinished: {
      testCaseStartedId: id,
      testStepId: index,
      testStepResult: {
        status,
        duration: { seconds: 1, nanos: 500_000_000 },
        ...(status === "FAILED" ? { message: `broken ${number}` } : {}),
      },
    },
  }));
  const ended = { testCaseFinished: { testCaseStartedId: id, willBeRetried } };
  return [{ testCaseStarted: { id, testCaseId: "c1", attempt: number } }, ...results, ended];
}

const finished = (success: boolean) => ({ testRunFinished: { success } });

function messages(...all: object[]): string {
  return [meta, document, pickle, ...all].map((message) => `${JSON.stringify(message)}\n`).join("");
}

test.each<[string, object[], object]>([
  ["passed", [testCase(2), ...attempt(0, ["PASSED", "PASSED"]), finished(true)], { total: 1, passed: 1 }],
  ["failed", [testCase(2), ...attempt(0, ["FAILED", "SKIPPED"]), finished(false)], { total: 1, failed: 1 }],
  ["skipped", [testCase(1), ...attempt(0, ["SKIPPED"]), finished(true)], { total: 1, skipped: 1 }],
  ["ambiguous", [testCase(1), ...attempt(0, ["AMBIGUOUS"]), finished(false)], { total: 1, failed: 1 }],
  ["pending, strict", [testCase(1), ...attempt(0, ["PENDING"]), finished(false)], { total: 1, failed: 1 }],
  ["undefined, not strict", [testCase(1), ...attempt(0, ["UNDEFINED"]), finished(true)], { total: 1, skipped: 1 }],
  ["an unknown word", [testCase(1), ...attempt(0, ["PERHAPS"]), finished(true)], { total: 1, unknown: 1 }],
  ["the word unknown", [testCase(1), ...attempt(0, ["UNKNOWN"]), finished(true)], { total: 1, unknown: 1 }],
  ["without the result of a step", [testCase(2), ...attempt(0, ["PASSED"]), finished(true)], { total: 1, unknown: 1 }],
  [
    "without the result of the step that failed",
    [testCase(3), ...attempt(0, ["PASSED", "SKIPPED"]), finished(false)],
    { total: 1, unknown: 1 },
  ],
  [
    "tried again",
    [testCase(1), ...attempt(0, ["FAILED"], true), ...attempt(1, ["PASSED"]), finished(true)],
    { total: 1, flaky: 1 },
  ],
  [
    "tried again, in vain",
    [testCase(1), ...attempt(0, ["FAILED"], true), ...attempt(1, ["FAILED"]), finished(false)],
    { total: 1, failed: 1 },
  ],
  ["not tried again", [testCase(1), ...attempt(0, ["FAILED"], true), finished(false)], { total: 1, failed: 1 }],
  ["without an end", [testCase(1), ...attempt(0, ["PASSED"]).slice(0, -1), finished(false)], { total: 1, failed: 1 }],
  ["not started", [testCase(1), finished(true)], { total: 1, skipped: 1 }],
  [
    "a failed hook of the run",
    [{ testRunHookFinished: { result: { status: "FAILED", message: "no" } } }, finished(false)],
    { crashed: 1 },
  ],
  [
    "a feature with an error",
    [{ parseError: { source: { uri: "b.feature" }, message: "expected: #EOF" } }, finished(false)],
    { crashed: 1 },
  ],
  ["a run that failed without a reason", [finished(false)], { crashed: 1 }],
])("Cucumber messages: %s", async (_what, all, expected) => {
  expect(await counts(messages(...all))).toEqual(expected);
});

test("Cucumber messages: a flaky scenario has its place, attempts, time and first failure", async () => {
  const report = messages(testCase(1), ...attempt(0, ["FAILED"], true), ...attempt(1, ["PASSED"]), finished(true));
  expect((await readText(report)).flakyTests).toMatchObject([
    { name: "F › s", file: "a.feature", line: 3, attempts: 2, durationMs: 3_000, message: "broken 0" },
  ]);
});

test.each<[string, object[], RegExp]>([
  ["without a last one", [testCase(1), ...attempt(0, ["PASSED"])], /truncated: expected a last message testRunFinished/],
  [
    "with a result of an unknown test case",
    [...attempt(0, ["PASSED"]), finished(true)],
    /expected the start of a known test case/,
  ],
  [
    "with the end of a test case that did not begin",
    [testCase(1), ...attempt(0, ["PASSED"]).slice(-1), finished(true)],
    /end of a test case that began/,
  ],
])("Cucumber messages %s are refused", async (_what, all, cause) => {
  await expect(readText(messages(...all))).rejects.toThrow(cause);
});

test.each([
  ["scenarios", [scenario(["failed"])]],
  ["a background without a scenario", [{ type: "background", steps: [step("failed")] }]],
  ["a scenario of which only a hook ran", [{ type: "scenario", name: "s", before: [{ result: { status: "failed" } }] }]],
])("%s in a list whose name is damaged are not lost", async (_, elements) => {
  const damaged = JSON.stringify([
    { uri: "a.feature", keyword: "Feature", name: "F", tags: [{ name: "@a" }], ">!elements": elements },
  ]);
  await expect(readText(damaged)).rejects.toThrow(
    /\[0\]\.>!elements: damaged: expected the scenarios of a feature in `elements`/,
  );
});

test("a feature without scenarios may have no elements, and hides no other", async () => {
  const empty = { uri: "empty.feature", keyword: "Feature", name: "Empty" };
  const steps = [{ keyword: "Given ", name: "x", result: { status: "failed", error_message: "boom" } }];
  const other = { uri: "a.feature", keyword: "Feature", name: "A", elements: [{ type: "scenario", name: "S", steps }] };
  expect(await readText(JSON.stringify([empty, other]))).toMatchObject({ total: 1, failed: 1, failures: [{ message: "boom" }] });
  expect(await readText(JSON.stringify([empty]))).toMatchObject({ total: 0, passed: 0 });
});
