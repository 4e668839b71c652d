import { z } from "zod";
import type { TestStatus } from "../model.ts";
import { count, milliseconds, requireAll, validate } from "./json-document.ts";
import { type Findings, messageOf, passedLater, stackOf } from "./reported.ts";

/** Common Test Report Format (ctrf.io). */

/** `other` is whatever the writer could not say: unknown is never passed. */
const statuses = {
  passed: "passed",
  failed: "failed",
  skipped: "skipped",
  pending: "skipped",
  other: "failed",
} as const satisfies Record<string, TestStatus>;

const testSchema = z.object({
  name: z.string(),
  status: z.enum(Object.keys(statuses) as (keyof typeof statuses)[]),
  duration: milliseconds,
  /** The word of the runner itself. */
  rawStatus: z.string().nullish(),
  message: z.string().nullish(),
  trace: z.string().nullish(),
  line: count.nullish(),
  suite: z.union([z.string(), z.array(z.string())]).nullish(),
  filePath: z.string().nullish(),
  retries: count.nullish(),
  flaky: z.boolean().nullish(),
  browser: z.string().nullish(),
});

const reportSchema = z.object({
  results: z.object({
    summary: z.object({ tests: count, failed: count, other: count }),
    tests: z.array(testSchema),
  }),
});

type Test = z.output<typeof testSchema>;

/** Jest's and Vitest's tests that are still to be written come as `other`. */
const notRun = ["todo", "pending", "skipped", "disabled"];

function statusOf(test: Test): TestStatus {
  if (test.status === "other" && notRun.includes(test.rawStatus ?? "")) return "skipped";
  return test.status === "passed" && test.flaky ? "flaky" : statuses[test.status];
}

export function isCtrf(document: object): boolean {
  const results = "results" in document ? document.results : undefined;
  return typeof results === "object" && results !== null && "tests" in results && "summary" in results;
}

/** Throws UnreadableReport. */
export function readCtrf(file: string, document: object, findings: Findings): void {
  const { summary, tests } = validate(file, "CTRF", reportSchema, document).results;
  for (const test of tests) tell(test, findings);
  requireAll(file, "tests", summary.tests, tests.length);
  for (const status of ["failed", "other"] as const)
    requireAll(file, `tests with the status "${status}"`, summary[status], tests.filter((test) => test.status === status).length);
}

function tell(test: Test, findings: Findings): void {
  const status = statusOf(test);
  const attempts = (test.retries ?? 0) + 1;
  findings.test({
    titles: [...suiteTitles(test), test.name],
    status,
    durationMs: test.duration,
    attempts,
    ...(test.filePath ? { file: test.filePath } : {}),
    ...(test.line ? { line: test.line } : {}),
    ...(test.browser ? { project: test.browser } : {}),
    ...(status === "failed" || status === "flaky" ? troubleOf(test, attempts) : {}),
  });
}

function troubleOf({ status, message, trace }: Test, attempts: number): { message: string; stack?: string } {
  if (message || trace) return { message: messageOf(message || trace || ""), stack: stackOf(trace || message || "") };
  if (status === "other") return { message: 'the report gives its status as "other"' };
  return { message: status === "passed" ? passedLater(attempts) : "the report gives no message" };
}

/** Writers differ: some put the describe blocks into the name as well, and some the file before them. */
function suiteTitles({ suite, name, filePath }: Test): string[] {
  const written = typeof suite === "string" ? suite.split(/\s+[>›]\s+/) : (suite ?? []);
  const [first] = written;
  const titles = first && filePath?.endsWith(first) ? written.slice(1) : written;
  return titles.length > 0 && name.startsWith(titles[0] ?? "") ? [] : titles;
}
