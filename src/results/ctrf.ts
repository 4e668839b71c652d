import { z } from "zod";
import type { TestStatus } from "../model.ts";
import { count, milliseconds, requireAll, validate } from "./json-document.ts";
import { type Findings, messageOf, stackOf } from "./reported.ts";

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

export function isCtrf(document: object): boolean {
  const results = "results" in document ? document.results : undefined;
  return typeof results === "object" && results !== null && "tests" in results && "summary" in results;
}

/** Throws UnreadableReport. */
export function readCtrf(file: string, document: object, findings: Findings): void {
  const { summary, tests } = validate(file, "CTRF", reportSchema, document).results;
  for (const test of tests) tell(test, findings);
  requireAll(file, "tests", summary.tests, tests.length);
  requireAll(
    file,
    "failed tests",
    summary.failed + summary.other,
    tests.filter((test) => statuses[test.status] === "failed").length,
  );
}

function tell(test: Test, findings: Findings): void {
  const status = test.status === "passed" && test.flaky ? "flaky" : statuses[test.status];
  const text = test.trace ?? test.message ?? (test.status === "other" ? 'the report gives its status as "other"' : undefined);
  const troubled = status === "failed" || status === "flaky";
  findings.test({
    titles: [...suiteTitles(test), test.name],
    status,
    durationMs: test.duration,
    attempts: (test.retries ?? 0) + 1,
    ...(test.filePath ? { file: test.filePath } : {}),
    ...(test.line ? { line: test.line } : {}),
    ...(test.browser ? { project: test.browser } : {}),
    ...(troubled && text !== undefined ? { message: messageOf(test.message ?? text), stack: stackOf(text) } : {}),
  });
}

/** Writers differ: some put the describe blocks into the name as well. */
function suiteTitles({ suite, name }: Test): string[] {
  const titles = typeof suite === "string" ? suite.split(/\s+[>›]\s+/) : (suite ?? []);
  return titles.length > 0 && name.startsWith(titles[0] ?? "") ? [] : titles;
}
