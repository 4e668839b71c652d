import { z } from "../../lib/zod.ts";
import type { TestStatus } from "../../model/test-results.ts";
import { type Findings, messageOf, passedLaterMessage, stackOf } from "../reported.ts";
import type { JsonRowsFormat } from "./format.ts";
import {
  count,
  lineNumber,
  listOf,
  milliseconds,
  requireDeclaredCount,
  retryCount,
  statusWord,
  text,
  title,
  unknownStatusMessage,
  validate,
} from "./json-document.ts";

/** Common Test Report Format (ctrf.io). */

/** `other` is anything that the writer couldn't express. Any other word is unknown. */
const statuses = new Map<string, TestStatus>([
  ["passed", "passed"],
  ["failed", "failed"],
  ["skipped", "skipped"],
  ["pending", "skipped"],
  ["other", "failed"],
]);

/** An attempt before the last. */
const attemptSchema = z
  .object({ status: statusWord, message: text, trace: text })
  .catch({ status: "", message: undefined, trace: undefined });

const testSchema = z.object({
  name: title,
  status: statusWord,
  duration: milliseconds,
  /** The test runner's own word for the status. */
  rawStatus: text,
  message: text,
  trace: text,
  line: lineNumber,
  suite: z.union([z.string(), listOf(title)]),
  filePath: text,
  retries: retryCount,
  retryAttempts: listOf(attemptSchema),
  /** Some writers quote it. */
  flaky: z.unknown().optional(),
  browser: text,
});

const resultsSchema = z.object({
  summary: z.object({ tests: count, failed: count.nullish(), other: count.nullish() }),
  tests: z.array(z.unknown()),
});

const reportSchema = z.object({ results: resultsSchema });

type Test = z.output<typeof testSchema>;

/** For unwritten tests, Jest and Vitest report `other`. */
const notRun = ["todo", "pending", "skipped", "disabled"];

function statusOf(test: Test): TestStatus {
  if (test.status === "other" && notRun.includes(test.rawStatus ?? "")) return "skipped";
  return test.status === "passed" && failedBefore(test) ? "flaky" : (statuses.get(test.status) ?? "unknown");
}

/** It says so, or it was tried again. Not every writer says both. */
function failedBefore({ flaky, retries, retryAttempts }: Test): boolean {
  const isSaid = flaky === true || flaky === 1 || (typeof flaky === "string" && flaky.toLowerCase() === "true");
  return isSaid || retries > 0 || retryAttempts.some(isTroubled);
}

function isTroubled({ status }: Test["retryAttempts"][number]): boolean {
  return !["passed", "skipped", "pending"].includes(status);
}

export const ctrf: JsonRowsFormat = {
  syntax: "json-rows",
  writers: ["CTRF"],
  branch: { header: reportSchema, rows: { results: { header: resultsSchema, rows: { tests: testSchema } } } },
  recognise: (document) => (isCtrf(document) ? "ctrf" : undefined),
  read,
};

function isCtrf(document: object): boolean {
  const results = "results" in document ? document.results : undefined;
  return typeof results === "object" && results !== null && "tests" in results && "summary" in results;
}

function read(file: string, document: object, findings: Findings): ReturnType<JsonRowsFormat["read"]> {
  const { summary } = validate(file, "CTRF", reportSchema, document).results;
  let [total, failed, other, unknown] = [0, 0, 0, 0];
  return {
    enter() {},
    leave() {},
    row(_key, row, place) {
      const test = validate(file, "CTRF", testSchema, row, place);
      const status = tell(test, findings);
      total++;
      // Playwright's tests that are expected to fail pass, but are counted as failed.
      if (test.status === "failed" || test.rawStatus === "failed") failed++;
      if (test.status === "other") other++;
      if (status === "unknown") unknown++;
    },
    end() {
      requireDeclaredCount(file, "tests", summary.tests, total);
      // A tool may count as failed, or as other, what it calls by a word of its own.
      requireDeclaredCount(file, "failed tests", summary.failed, failed + unknown);
      requireDeclaredCount(file, 'tests with the status "other"', summary.other, other + unknown);
    },
  };
}

function tell(test: Test, findings: Findings): TestStatus {
  const status = statusOf(test);
  const attempts = Math.max(test.retries, test.retryAttempts.filter(isTroubled).length) + 1;
  findings.test({
    ...testNameOf(test),
    status,
    durationMs: test.duration,
    attempts,
    ...(test.filePath ? { file: test.filePath } : {}),
    ...(test.line ? { line: test.line } : {}),
    ...(status === "passed" || status === "skipped" ? {} : troubleOf(test, attempts)),
  });
  return status;
}

function troubleOf(test: Test, attempts: number): { message: string; stack?: string } {
  const { status, retryAttempts } = test;
  const told = test.message || test.trace ? test : retryAttempts.filter(isTroubled).find((tried) => tried.message || tried.trace);
  const { message, trace } = told ?? {};
  if (message || trace) return { message: messageOf(message || trace || ""), stack: stackOf(trace || message || "") };
  if (status === "other" || !statuses.has(status)) return { message: unknownStatusMessage(status) };
  return { message: status === "passed" ? passedLaterMessage(attempts) : "the report gives no message" };
}

interface TestName {
  titles: string[];
  project?: string;
}

/**
 * Writers differ: some include the describe blocks in the name, some also the file, and Playwright's also the project. Each test
 * gets the titles and the project that the runner's other reports give it, so that it counts once.
 */
function testNameOf({ suite, name, filePath, browser }: Test): TestName {
  const written = typeof suite === "string" ? suite.split(/\s+[>›]\s+/) : suite;
  const file = written.findIndex((title) => title !== "" && filePath?.endsWith(title));
  const project = written[file - 1] || browser;
  const titles = pytestTitles(written, name) ?? titlesOf(written.slice(file + 1), name);
  return { titles, ...(project ? { project } : {}) };
}

function titlesOf(blocks: readonly string[], name: string): string[] {
  const [first, last] = [blocks[0], blocks.at(-1)];
  // junit-to-ctrf puts the suite before each name.
  if (last && name.startsWith(`${last}: `)) return [...blocks, name.slice(last.length + 2)];
  const isRepeated = first && (name === first || name.startsWith(`${first} `));
  return isRepeated ? [name] : [...blocks, name];
}

/**
 * pytest puts everything into the name, `tests/test_a.py::TestClass::test_b`; its JUnit has `tests.test_a.TestClass` and
 * `test_b`.
 */
function pytestTitles([file, ...classes]: readonly string[], name: string): string[] | undefined {
  const suite = [file, ...classes].join("::");
  if (!file?.endsWith(".py") || !name.startsWith(`${suite}::`)) return undefined;
  const module = file.slice(0, -".py".length).replaceAll("/", ".");
  return [[module, ...classes].join("."), name.slice(suite.length + 2)];
}
