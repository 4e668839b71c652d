import { expect, test } from "vitest";
import { readText } from "./reports.ts";

// What each word of the formats in lines means, and which reports in lines are refused.

async function statuses(report: string): Promise<Record<string, string | number>> {
  const { total, passed, failed, flaky, skipped, unknown, crashedSuites } = await readText(report);
  const counts = { total, passed, failed, flaky, skipped, unknown, crashed: crashedSuites.length };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function lines(...all: (string | object)[]): string {
  return all.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
}

test.each<[string, string[], object]>([
  ["passed and failed", ["1..2", "ok 1 - a", "not ok 2 - b"], { total: 2, passed: 1, failed: 1 }],
  ["a plan at the end", ["ok", "not ok", "1..2"], { total: 2, passed: 1, failed: 1 }],
  ["Windows line ends", ["TAP version 13\r", "1..1\r", "not ok 1 - a\r"], { total: 1, failed: 1 }],
  ["skipped", ["1..2", "ok 1 - a # SKIP why", "ok 2 # skipped: why"], { total: 2, skipped: 2 }],
  ["a skipped test that failed", ["TAP version 13", "1..1", "not ok 1 - a # SKIP"], { total: 1, failed: 1 }],
  ["a skipped test that failed, in TAP 14", ["TAP version 14", "1..1", "not ok 1 - a # SKIP"], { total: 1, skipped: 1 }],
  ["todo", ["1..2", "not ok 1 - a # TODO later", "ok 2 - b # todo"], { total: 2, passed: 1, skipped: 1 }],
  ["a hash in a name is no directive", ["1..1", "not ok 1 - a \\# TODO"], { total: 1, failed: 1 }],
  ["a name with a number is no directive", ["1..1", "not ok 1 - mends issue #12"], { total: 1, failed: 1 }],
  ["nothing to do", ["1..0 # SKIP no database"], { total: 1, skipped: 1 }],
  ["Bail out!", ["1..5", "ok 1 - a", "Bail out! No database"], { total: 1, passed: 1, crashed: 1 }],
  ["more tests than planned", ["1..1", "ok 1 - a", "ok 2 - b"], { total: 2, passed: 2, crashed: 1 }],
  [
    "two reports, one after the other",
    ["TAP version 13", "1..1", "ok 1", "TAP version 13", "not ok 1", "1..1"],
    { total: 2, passed: 1, failed: 1 },
  ],
  [
    "subtests in place of their test",
    ["1..1", "# Subtest: a", "    ok 1 - b", "    not ok 2 - c", "    1..2", "not ok 1 - a"],
    { total: 2, passed: 1, failed: 1 },
  ],
  [
    "a test that fails although its subtests passed",
    ["1..1", "    ok 1 - b", "    1..1", "not ok 1 - a"],
    { total: 2, passed: 1, failed: 1 },
  ],
  [
    "subtests in braces",
    ["1..1", "not ok 1 - a {", "    1..2", "    ok 1 - b", "    not ok 2 - c", "}"],
    { total: 2, passed: 1, failed: 1 },
  ],
  ["output of programs", ["> npm test", "", "TAP version 13", "hello", "1..1", "ok 1 - a"], { total: 1, passed: 1 }],
  [
    "a failed test with fewer subtests than planned",
    ["1..1", "    1..2", "    not ok 1 - b", "not ok 1 - a"],
    { total: 1, failed: 1, crashed: 1 },
  ],
])("TAP: %s", async (_what, report, expected) => {
  expect(await statuses(lines(...report))).toEqual(expected);
});

test.each<[string, string[], RegExp]>([
  ["without a plan", ["ok 1 - a"], /truncated: expected a plan/],
  ["with fewer tests than planned", ["1..3", "ok 1 - a", "not ok 2"], /truncated: expected 3 tests as planned, got 2/],
  ["with two plans", ["1..1", "ok 1", "1..2"], /expected one plan, got 1\.\.1 and 1\.\.2/],
  [
    "with a passed test that lacks a subtest",
    ["1..1", "    1..2", "    ok 1 - b", "ok 1 - a"],
    /damaged: the subtests of "a": expected 2 tests/,
  ],
  [
    "that counts more failures than it has",
    ["ok 1 - a", "1..1", "# tests 1", "# fail  1"],
    /expected 1 failed tests as declared, got 0/,
  ],
  ["that counts more tests than it has", ["ok 1 - a", "1..1", "# tests 2"], /expected 2 tests as declared, got 1/],
  [
    "that ends inside braces",
    ["1..1", "not ok 1 - a {", "    1..2", "    ok 1 - b"],
    /truncated: expected } after the subtests of "a"/,
  ],
  ["that nests too deep", ["1..1", ...Array.from({ length: 70 }, (_, depth) => `${" ".repeat(depth)}ok 1`)], /too deep/],
])("TAP %s is refused", async (_what, report, cause) => {
  await expect(readText(lines(...report))).rejects.toThrow(cause);
});

test("TAP: message, place and duration come from the diagnostics", async () => {
  const { failures, durationMs } = await readText(
    lines(
      "TAP version 13",
      "not ok 1 - quoted",
      "  ---",
      "  duration_ms: 12.5",
      "  message: 'it''s broken'",
      "  at:",
      "    file: test/a.js",
      "    line: 7",
      "  ...",
      "not ok 2 - JSON",
      "  ---",
      '  {"message":"broken, too","severity":"fail","at":{"file":"file:///w/b.test.ts","line":4}}',
      "  ...",
      "not ok 3 - block",
      "  ---",
      "  message: |-",
      "    first",
      "      second",
      "  location: 'C:\\w\\c.test.mjs:5:3'",
      "  ...",
      "1..3",
    ),
  );
  expect(failures.map(({ message, file, line }) => [message, file, line])).toEqual([
    ["it's broken", "test/a.js", 7],
    ["broken, too", "/w/b.test.ts", 4],
    ["first\n  second", "C:\\w\\c.test.mjs", 5],
  ]);
  expect(durationMs).toBe(13);
});

const inPackage = (Action: string, more: object = {}) => ({
  Time: "2026-01-01T00:00:00Z",
  Action,
  Package: "example.org/p",
  ...more,
});
const begun = inPackage("start");

test.each<[string, (string | object)[], object]>([
  ["a test without an end has failed", [begun, inPackage("run", { Test: "TestA" }), inPackage("fail")], { total: 1, failed: 1 }],
  [
    "a package that fails on its own is a crash",
    [begun, inPackage("output", { Output: "no database\n" }), inPackage("fail")],
    { crashed: 1 },
  ],
  ["skipped", [begun, inPackage("skip", { Test: "TestA" }), inPackage("pass")], { total: 1, skipped: 1 }],
  [
    "failed, then passed",
    [begun, inPackage("fail", { Test: "TestA" }), inPackage("fail"), inPackage("pass", { Test: "TestA" }), inPackage("pass")],
    { total: 1, flaky: 1 },
  ],
  [
    "passed, then failed",
    [begun, inPackage("pass", { Test: "TestA" }), inPackage("fail", { Test: "TestA" }), inPackage("fail")],
    { total: 1, failed: 1 },
  ],
  [
    "failed, then skipped",
    [begun, inPackage("fail", { Test: "TestA" }), inPackage("skip", { Test: "TestA" }), inPackage("fail")],
    { total: 1, failed: 1 },
  ],
  ["no test files", [begun, inPackage("output", { Output: "?   \texample.org/p\t[no test files]\n" }), inPackage("skip")], {}],
  [
    "a build that failed without a package",
    [
      { ImportPath: "example.org/p", Action: "build-output", Output: "p.go:1: bad\n" },
      { ImportPath: "example.org/p", Action: "build-fail" },
    ],
    { crashed: 1 },
  ],
  [
    "lines of other programs",
    ["go: downloading x", begun, "warning", inPackage("pass", { Test: "TestA" }), '{"level":"info"}', inPackage("pass")],
    { total: 1, passed: 1 },
  ],
])("Go: %s", async (_what, events, expected) => {
  expect(await statuses(lines(...events))).toEqual(expected);
});

test("Go: what a compiler printed between the lines explains a failed build", async () => {
  const { crashedSuites } = await readText(
    lines(
      "# example.org/p",
      "p/p_test.go:3:2: undefined: x",
      begun,
      inPackage("output", { Output: "FAIL\texample.org/p [build failed]\n" }),
      inPackage("fail"),
    ),
  );
  expect(crashedSuites).toEqual([{ file: "example.org/p", message: "p/p_test.go:3:2: undefined: x" }]);
});

test.each<[string, string, RegExp]>([
  [
    "without the end of a package",
    lines(begun, inPackage("pass", { Test: "TestA" })),
    /truncated: the package example\.org\/p has no end/,
  ],
  [
    "that end after what a build said",
    lines({ ImportPath: "example.org/p", Action: "build-output", Output: "p.go:1: bad\n" }),
    /truncated: a package was built, and no package was tested/,
  ],
  ["with half a line", `${lines(begun)}{"Action":"pa`, /line 2: truncated/],
  ["with a damaged line", lines(begun, '{"Action":"fail', inPackage("pass")), /line 2: malformed JSON/],
  ["with an event without an action", lines(begun, { Package: "example.org/p" }), /damaged: expected an event with an Action/],
])("Go's events %s are refused", async (_what, report, cause) => {
  await expect(readText(report)).rejects.toThrow(cause);
});

const dartStart = { protocolVersion: "0.1.1", type: "start", time: 0 };
const dartTest = (id: number, name = `test ${id}`) => ({
  type: "testStart",
  test: { id, name, suiteID: 0, groupIDs: [], line: 3 },
  time: 1,
});
const dartEnd = (testID: number, result: string, more: object = {}) => ({
  type: "testDone",
  testID,
  result,
  skipped: false,
  hidden: false,
  time: 5,
  ...more,
});
const dartDone = (success: boolean | null) => ({ type: "done", success, time: 9 });

test.each<[string, object[], object]>([
  ["success", [dartTest(1), dartEnd(1, "success"), dartDone(true)], { total: 1, passed: 1 }],
  [
    "failure and error",
    [dartTest(1), dartEnd(1, "failure"), dartTest(2), dartEnd(2, "error"), dartDone(false)],
    { total: 2, failed: 2 },
  ],
  ["skipped", [dartTest(1), dartEnd(1, "success", { skipped: true }), dartDone(true)], { total: 1, skipped: 1 }],
  ["hidden", [dartTest(1), dartEnd(1, "success", { hidden: true }), dartDone(true)], {}],
  ["an unknown word", [dartTest(1), dartEnd(1, "perhaps"), dartDone(true)], { total: 1, unknown: 1 }],
  ["without an end", [dartTest(1), dartDone(null)], { total: 1, failed: 1 }],
  ["a file that could not be loaded", [dartTest(1, "loading a_test.dart"), dartEnd(1, "error"), dartDone(false)], { crashed: 1 }],
  [
    "an error after the end",
    [dartTest(1), dartEnd(1, "success"), { type: "error", testID: 1, error: "late" }, dartDone(false)],
    { total: 1, passed: 1, crashed: 1 },
  ],
  [
    "a run that failed without a reason",
    [dartTest(1), dartEnd(1, "success"), dartDone(false)],
    { total: 1, passed: 1, crashed: 1 },
  ],
])("Dart: %s", async (_what, events, expected) => {
  expect(await statuses(lines(dartStart, ...events))).toEqual(expected);
});

test("Dart: events without a last one, or with the end of an unknown test, are refused", async () => {
  await expect(readText(lines(dartStart, dartTest(1), dartEnd(1, "success")))).rejects.toThrow(
    /truncated: expected a last event done/,
  );
  await expect(readText(lines(dartStart, dartEnd(1, "success"), dartDone(true)))).rejects.toThrow(
    /expected the end of a test that began/,
  );
});

/** What node writes of a suite with a test that failed. */
const nodeSuite = (failureType: string | undefined) =>
  lines(
    "TAP version 13",
    "# Subtest: a",
    "    not ok 1 - b",
    "      ---",
    "      duration_ms: 1",
    "      type: 'test'",
    "      failureType: 'testCodeFailure'",
    "      ...",
    "    1..1",
    "not ok 1 - a",
    "  ---",
    "  duration_ms: 1",
    "  type: 'suite'",
    ...(failureType === undefined ? [] : [`  failureType: '${failureType}'`]),
    "  ...",
    "1..1",
  );

test.each<[failureType: string | undefined, object]>([
  ["subtestsFailed", { total: 1, failed: 1 }],
  ["cancelledByParent", { total: 1, failed: 1 }],
  ["hookFailed", { total: 1, failed: 1, crashed: 1 }],
  ["testCodeFailure", { total: 1, failed: 1, crashed: 1 }],
  ["testTimeoutFailure", { total: 1, failed: 1, crashed: 1 }],
  ["hook[:YFailed", { total: 1, failed: 1, crashed: 1 }],
  [undefined, { total: 1, failed: 1, crashed: 1 }],
])("a suite of node with a failed test and the failureType %s", async (failureType, counts) => {
  expect(await statuses(nodeSuite(failureType))).toEqual(counts);
});
