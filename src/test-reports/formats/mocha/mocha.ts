import { z } from "../../../lib/zod.ts";
import { type Findings, passedLaterMessage } from "../../reported.ts";
import type { JsonFormat } from "../format.ts";
import { count, milliseconds, requireDeclaredCount, retryCount, text, title, validate } from "../json-document.ts";
import { errorSchema, titlesOf, troubleOf } from "./error.ts";

/** The JSON of `mocha --reporter json`. */

const testSchema = z.object({
  title,
  fullTitle: title,
  file: text,
  duration: milliseconds,
  /** How often it was tried before. The failures of earlier attempts are not written. */
  currentRetry: retryCount,
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
  // A test may pass, and fail afterwards: it called back twice. It is in both lists then, each time with its error.
  const toldFailures = byName(failures);
  const failedLater = passes.filter((test) => hasError(test) && !take(toldFailures, test));
  const lists = {
    failed: byName([...failures, ...failedLater]),
    passed: byName(passes.filter((test) => !hasError(test))),
    pending: byName(pending),
  };
  // In the order of the run, which tells tests of one name apart.
  for (const test of tests) {
    const failed = hasError(test) ? (take(lists.failed, test) ?? test) : undefined;
    const passed = failed ? undefined : take(lists.passed, test);
    const skipped = failed || passed ? undefined : take(lists.pending, test);
    if (passed) report(passed, statusOfPassed(passed), findings);
    else if (skipped) report(skipped, "skipped", findings);
    else {
      const other = failed ?? take(lists.failed, test);
      report(other ?? test, other ? "failed" : "unknown", findings);
    }
  }
  // Hooks that failed are failures, but no tests.
  for (const test of [...lists.failed.values()].flat()) report(test, "failed", findings);
  for (const test of [...lists.passed.values()].flat()) report(test, statusOfPassed(test), findings);
  for (const test of [...lists.pending.values()].flat()) report(test, "skipped", findings);
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

function statusOfPassed({ currentRetry }: Test): "passed" | "flaky" {
  return currentRetry > 0 ? "flaky" : "passed";
}

function byName(tests: readonly Test[]): Map<string, Test[]> {
  const named = new Map<string, Test[]>();
  for (const test of tests.toReversed()) {
    const others = named.get(keyOf(test)) ?? [];
    named.set(keyOf(test), others);
    others.push(test);
  }
  return named;
}

/** Takes the first test with its name, if there is one. */
function take(tests: Map<string, Test[]>, test: Test): Test | undefined {
  return tests.get(keyOf(test))?.pop();
}

function report(test: Test, status: "passed" | "failed" | "flaky" | "skipped" | "unknown", findings: Findings): void {
  const attempts = test.currentRetry + 1;
  findings.test({
    titles: titlesOf(test),
    status,
    durationMs: test.duration,
    attempts,
    ...(test.file ? { file: test.file } : {}),
    ...(status === "failed" ? troubleOf(test.err) : {}),
    ...(status === "flaky" ? { message: passedLaterMessage(attempts) } : {}),
    ...(status === "unknown" ? { message: "the report does not say how it ended" } : {}),
  });
}
