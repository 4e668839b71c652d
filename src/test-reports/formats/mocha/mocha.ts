import { z } from "../../../lib/zod.ts";
import { type Findings, passedLaterMessage } from "../../reported.ts";
import type { JsonFormat } from "../format.ts";
import { count, requireDeclaredCount, validate } from "../json-document.ts";
import { errorSchema, titlesOf, troubleOf } from "./error.ts";

/** The JSON of `mocha --reporter json`. */

const testSchema = z.object({
  title: z.string(),
  fullTitle: z.string(),
  file: z.string().nullish(),
  duration: z.number().nullish(),
  /** How often it was tried before. The failures of earlier attempts are not written. */
  currentRetry: count.nullish(),
  err: errorSchema.nullish(),
});

const reportSchema = z.object({
  stats: z.object({ tests: count, passes: count, pending: count, failures: count }),
  tests: z.array(testSchema),
  passes: z.array(testSchema),
  failures: z.array(testSchema),
  pending: z.array(testSchema),
});

type Test = z.output<typeof testSchema>;

export const mocha: JsonFormat = {
  syntax: "json",
  writers: ["Mocha"],
  recognise: (document) => (isMocha(document) ? "mocha-json" : undefined),
  read,
};

function isMocha(document: object): boolean {
  return "stats" in document && ("passes" in document || "failures" in document) && "tests" in document;
}

function read(file: string, document: object, findings: Findings): void {
  const { stats, tests, passes, failures, pending } = validate(file, "Mocha", reportSchema, document);
  // A test may pass, and fail afterwards: it called back twice.
  const failed = counted(failures);
  const passed = passes.filter((test) => !takes(failed, test) || !hasError(test));
  for (const test of failures) report(test, "failed", findings);
  for (const test of passed) {
    if (hasError(test)) report(test, "failed", findings);
    else report(test, (test.currentRetry ?? 0) > 0 ? "flaky" : "passed", findings);
  }
  for (const test of pending) report(test, "skipped", findings);

  // Hooks that failed are failures, but no tests.
  const ended = counted([...passes, ...failures, ...pending]);
  for (const test of tests) {
    if (!takes(ended, test)) report(test, hasError(test) ? "failed" : "unknown", findings);
  }
  requireDeclaredCount(file, "tests", stats.tests, tests.length);
  requireDeclaredCount(file, "passed tests", stats.passes, passes.length);
  requireDeclaredCount(file, "failed tests and hooks", stats.failures, failures.length);
  requireDeclaredCount(file, "pending tests", stats.pending, pending.length);
}

function hasError({ err }: Test): boolean {
  return err?.message != null || err?.stack != null;
}

function keyOf({ file, fullTitle }: Test): string {
  return JSON.stringify([file ?? "", fullTitle]);
}

function counted(tests: readonly Test[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const test of tests) counts.set(keyOf(test), (counts.get(keyOf(test)) ?? 0) + 1);
  return counts;
}

/** Takes one of the tests with its name, if there is one. */
function takes(counts: Map<string, number>, test: Test): boolean {
  const left = counts.get(keyOf(test)) ?? 0;
  if (left > 0) counts.set(keyOf(test), left - 1);
  return left > 0;
}

function report(test: Test, status: "passed" | "failed" | "flaky" | "skipped" | "unknown", findings: Findings): void {
  const attempts = (test.currentRetry ?? 0) + 1;
  findings.test({
    titles: titlesOf(test),
    status,
    durationMs: Math.max(test.duration ?? 0, 0),
    attempts,
    ...(test.file ? { file: test.file } : {}),
    ...(status === "failed" ? troubleOf(test.err) : {}),
    ...(status === "flaky" ? { message: passedLaterMessage(attempts) } : {}),
    ...(status === "unknown" ? { message: "the report does not say how it ended" } : {}),
  });
}
