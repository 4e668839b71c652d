import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TestCase, TestResults } from "../../src/model/test-results.ts";
import { JsonMistake, JsonScanner, type JsonSink, type Scalar } from "../../src/test-reports/formats/json/scanner.ts";
import { fixtures, readText } from "./reports.ts";

// JSON reports are read in parts: neither where a chunk ends, nor the order of keys, nor the size may change a result.

/** Builds everything that the scanner finds. */
class Everything implements JsonSink {
  expectedKey: string | undefined;
  longest = 1_000_000;
  root: unknown;
  readonly #open: { value: Record<string, unknown> | unknown[]; key: string }[] = [];

  key(key: string): boolean {
    const open = this.#open.at(-1);
    if (open) open.key = key;
    return true;
  }

  open(isList: boolean): boolean {
    const value = isList ? [] : {};
    this.value(value as unknown as Scalar);
    this.#open.push({ value, key: "" });
    return true;
  }

  close(): void {
    this.#open.pop();
  }

  value(value: Scalar): void {
    const open = this.#open.at(-1);
    if (!open) this.root = value;
    else if (Array.isArray(open.value)) open.value.push(value);
    else Object.defineProperty(open.value, open.key, { value, enumerable: true, configurable: true, writable: true });
  }
}

/** @returns the value, or where the mistake is */
function scanned(text: string, chunk: number): unknown {
  const sink = new Everything();
  const scanner = new JsonScanner(sink);
  try {
    for (let at = 0; at < text.length; at += chunk) scanner.write(text.slice(at, at + chunk));
    scanner.end();
    return sink.root;
  } catch (error) {
    if (!(error instanceof JsonMistake)) throw error;
    return { at: error.at, truncated: error.truncated, cause: error.message };
  }
}

const valid = [
  '{"a":1,"b":[true,false,null,-0.5e-3,1E+2,0,""],"c":{"d":{}},"e":[]}',
  ' \t\r\n[ { "a" : "b" } , [ ] , [ [ ] ] ] \n',
  '["\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00é😀","\\\\"]',
  '{"":1,"__proto__":{"a":1},"constructor":2,"a":1,"a":2}',
  JSON.stringify({ long: "x".repeat(300), escaped: '"\\\n'.repeat(100) }),
];

test.each(valid)("chunks of any size give what JSON.parse gives: %s", (text) => {
  for (let chunk = 1; chunk <= text.length; chunk++) expect(scanned(text, chunk)).toEqual(JSON.parse(text));
});

const invalid: [text: string, at: number, cause: RegExp][] = [
  ['{"a": 1 "b": 2}', 8, /Expected ',' or '}'/],
  ['{"a": NaN}', 6, /Unexpected token 'N'/],
  ['{"a": nul }', 9, /Unexpected token ' '/],
  ['{"a": 01}', 6, /Bad number/],
  ['{"a": -}', 6, /Bad number/],
  ['{"a": 1.}', 6, /Bad number/],
  ['{"a": "\n"}', 7, /Bad control character/],
  ['{"a": "\\x"}', 7, /Bad escaped character/],
  ['{"a": "\\u12g4"}', 7, /Bad escaped character/],
  ["{'a': 1}", 1, /Expected property name or '}'/],
  ['{"a": 1,}', 8, /Expected double-quoted property name/],
  ['{"a" 1}', 5, /Expected ':'/],
  ["[1,]", 3, /Unexpected token ']'/],
  ["[1}", 2, /Expected ',' or ']'/],
  ["[] []", 3, /after JSON/],
  ["{}}", 2, /after JSON/],
];

test.each(invalid)("%j is refused where it is wrong, whatever the chunks", (text, at, cause) => {
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
  for (let chunk = 1; chunk <= text.length; chunk++)
    expect(scanned(text, chunk)).toEqual({ at, truncated: false, cause: expect.stringMatching(cause) });
});

test("every beginning of a text is truncated", () => {
  for (const text of valid.map((one) => one.trimEnd()))
    for (let end = 1; end < text.length; end++)
      expect(scanned(text.slice(0, end), 7)).toEqual({ at: end, truncated: true, cause: expect.any(String) });
});

/** As `jq -S` does, or the other way round. */
function sorted(value: unknown, direction: 1 | -1): unknown {
  if (Array.isArray(value)) return value.map((one) => sorted(one, direction));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -direction : direction));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one, direction)]));
}

const documents = [
  "jest/mixed.json",
  "vitest/mixed.json",
  "playwright/mixed.json",
  "playwright/hooks.json",
  "playwright/global-error.json",
  "jest/mixed.ctrf.json",
  "playwright/mixed.ctrf.json",
];

test.each(documents)("the order of keys changes nothing in %s", async (report) => {
  const text = readFileSync(join(fixtures, report), "utf8");
  const before = await readText(text);
  for (const direction of [1, -1] as const)
    expect(await readText(JSON.stringify(sorted(JSON.parse(text), direction), undefined, 2))).toEqual(before);
});

/** A large part hands its rows over in its own order. */
function inAnyOrder(results: TestResults): TestResults {
  const named = (tests: TestCase[]) => tests.toSorted((a, b) => (a.name + a.project < b.name + b.project ? -1 : 1));
  return { ...results, failures: named(results.failures), flakyTests: named(results.flakyTests) };
}

const filler = "x".repeat(2_000);

/** The same report with so much text in each part that no part is built as a whole. */
function inflated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inflated);
  if (typeof value !== "object" || value === null) return value;
  const rest = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inflated(one)]));
  return { ...rest, filler: Array<string>(40).fill(filler) };
}

test.each(documents)("the size of its parts changes nothing in %s", async (report) => {
  const text = readFileSync(join(fixtures, report), "utf8");
  const before = await readText(text);
  for (const direction of [1, -1] as const) {
    const after = await readText(JSON.stringify(sorted(inflated(JSON.parse(text)), direction)));
    expect(inAnyOrder(after)).toEqual(inAnyOrder(before));
  }
});

const passed = { ancestorTitles: [], title: "adds", status: "passed" };
const suite = { name: "/a.test.ts", status: "passed", message: "", assertionResults: [passed] };
const jest = { success: true, numTotalTests: 1, numFailedTests: 0, testResults: [suite] };

test("rows under a key that occurs twice are refused, because those of one would get lost", async () => {
  const failed = JSON.stringify({ ...suite, status: "failed", assertionResults: [{ ...passed, status: "failed" }] });
  const twice = JSON.stringify(jest).replace('"testResults":', `"testResults":[${failed}],"testResults":`);
  await expect(readText(twice)).rejects.toThrow(/testResults: damaged: this key occurs twice/);
});

test("keys of a prototype are keys like any other", async () => {
  const text = JSON.stringify(jest).replace(
    '"ancestorTitles"',
    '"__proto__":{"status":"failed"},"constructor":1,"ancestorTitles"',
  );
  expect(await readText(text)).toMatchObject({ total: 1, passed: 1 });
});

test("an unknown word is an unknown result, never a passed one", async () => {
  const odd = { ...jest, testResults: [{ ...suite, assertionResults: [{ ...passed, status: "gailed" }] }] };
  const results = await readText(JSON.stringify(odd));
  expect(results).toMatchObject({ total: 1, passed: 0, failed: 0, unknown: 1 });
  expect(results.failures[0]?.message).toBe('the report gives its status as "gailed"');
  const ctrf = { results: { summary: { tests: 1, failed: 0, other: 0 }, tests: [{ name: "a", status: "gailed", duration: 1 }] } };
  expect(await readText(JSON.stringify(ctrf))).toMatchObject({ total: 1, unknown: 1 });
  const spec = (status: string, result: string) => ({
    title: "a",
    file: "a.ts",
    line: 1,
    tests: [{ projectName: "", status, results: [{ status: result, duration: 1, errors: [] }] }],
  });
  const playwright = (...specs: object[]) =>
    readText(JSON.stringify({ config: {}, errors: [], suites: [{ title: "a.ts", file: "a.ts", specs }] }));
  expect(await playwright(spec("gailed", "failed"), spec("expected", "gassed"))).toMatchObject({ total: 2, unknown: 2 });
  expect(await playwright(spec("unexpected", "gassed"))).toMatchObject({ total: 1, failed: 1 });
});

test("a file whose status is unknown has not passed", async () => {
  const results = await readText(JSON.stringify({ ...jest, testResults: [{ ...suite, status: "gassed" }] }));
  expect(results.crashedSuites).toEqual([{ file: "/a.test.ts", message: 'the report gives its status as "gassed"' }]);
});

test.each([-86_400_000, null, "3 ms", 1e308 * 10])("a duration of %j is unknown, and the test is read", async (duration) => {
  const failed = { ...passed, status: "failed", duration, failureMessages: ["Error: no"] };
  const text = JSON.stringify({
    ...jest,
    numFailedTests: 1,
    testResults: [{ ...suite, status: "failed", assertionResults: [failed] }],
  });
  const results = await readText(text);
  expect(results).toMatchObject({ failed: 1, durationMs: 0 });
  expect(results.failures[0]).toMatchObject({ durationMs: 0, message: "Error: no" });
});
