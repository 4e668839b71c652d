import { z } from "../../../lib/zod.ts";
import type { TestStatus } from "../../../model/test-results.ts";
import { type Findings, UnreadableReport } from "../../reported.ts";
import type { JsonFormat } from "../format.ts";
import { count, milliseconds, requireDeclaredCount, text, title, unknownStatusMessage, validate } from "../json-document.ts";
import { unknownStatus } from "../lines/unknown-status.ts";
import { errorSchema, troubleOf } from "./error.ts";

/** The JSON of mochawesome, which Cypress users write, too, and of mochawesome-merge. */

const deepestSuite = 64;

const flag = z.boolean().nullish();

const testSchema = z.object({
  title,
  duration: milliseconds,
  state: z.string().nullish(),
  pass: flag,
  fail: flag,
  pending: flag,
  /** It did not run, because a hook failed. */
  skipped: flag,
  err: errorSchema.nullish(),
});

/** Each suite is validated separately, because the file decides how deep they nest. */
const suiteSchema = z.object({
  title,
  file: text,
  fullFile: text,
  beforeHooks: z.array(testSchema).nullish(),
  afterHooks: z.array(testSchema).nullish(),
  tests: z.array(testSchema),
  suites: z.array(z.unknown()),
  failures: z.array(z.unknown()).nullish(),
});

const reportSchema = z.object({
  stats: z.object({ tests: count, passes: count, failures: count, pending: count }),
  // `false` if there was no test.
  results: z.array(z.unknown()),
});

type Test = z.output<typeof testSchema>;
type Suite = z.output<typeof suiteSchema>;

export const mochawesome: JsonFormat = {
  syntax: "json",
  writers: ["mochawesome"],
  recognise: (document) => (isMochawesome(document) ? "mochawesome" : undefined),
  read,
};

function isMochawesome(document: object): boolean {
  return "stats" in document && "results" in document && Array.isArray(document.results) && !("tests" in document);
}

function read(file: string, document: object, findings: Findings): void {
  const { stats, results } = validate(file, "mochawesome", reportSchema, document);
  const seen = { tests: 0, passed: 0, failed: 0, skipped: 0 };
  /** Whether the suites have each list of hooks. Old versions write none, and newer ones both for each suite. */
  const hasHooks = new Map<string, boolean>();

  function readHooks({ beforeHooks, afterHooks }: Suite, titles: readonly string[], source: string | undefined): void {
    for (const [name, hooks] of Object.entries({ beforeHooks, afterHooks })) {
      // The counts leave out hooks, so nothing else shows that a failed one is missing.
      if ((hasHooks.get(name) ?? hooks != null) !== (hooks != null))
        throw new UnreadableReport(
          "EA6004",
          file,
          `damaged: ${name} is missing in some suites, such as around "${titles.join(" › ")}"`,
        );
      hasHooks.set(name, hooks != null);
      for (const hook of hooks ?? []) {
        const status = statusOf(hook);
        if (status === "failed" || status === "unknown") report(hook, status, titles, source, findings);
        if (status === "failed") seen.failed++;
      }
    }
  }

  function readSuite(value: unknown, ancestors: readonly string[], around: string | undefined): void {
    if (ancestors.length > deepestSuite)
      throw new UnreadableReport("EA6004", file, `too deep: more than ${deepestSuite} nested suites`);
    const suite = validate(file, "mochawesome", suiteSchema, value);
    const titles = [...ancestors, suite.title];
    const source = suite.fullFile || suite.file || around;
    let failed = 0;
    for (const test of suite.tests) {
      const status = statusOf(test);
      if (status === "failed") failed++;
      seen.tests++;
      if (status !== "unknown" && status !== "flaky") seen[status]++;
      report(test, status, titles, source, findings);
    }
    readHooks(suite, titles, source);
    requireDeclaredCount(file, `failed tests in "${titles.join(" › ")}"`, suite.failures?.length, failed);
    for (const inner of suite.suites) readSuite(inner, titles, source);
  }

  for (const suite of results) if (suite !== false) readSuite(suite, [], undefined);
  requireDeclaredCount(file, "tests", stats.tests, seen.tests);
  requireDeclaredCount(file, "passed tests", stats.passes, seen.passed);
  requireDeclaredCount(file, "failed tests", stats.failures, seen.failed);
  requireDeclaredCount(file, "pending tests", stats.pending, seen.skipped);
}

/** Everything that says a failure counts. */
function statusOf({ state, pass, fail, pending, skipped, err }: Test): TestStatus {
  if (fail === true || state === "failed" || err?.message != null) return "failed";
  if (pending === true || skipped === true || state === "pending" || state === "skipped") return "skipped";
  if (state === "passed" || (state == null && pass === true)) return "passed";
  return unknownStatus;
}

function report(
  test: Test,
  status: TestStatus,
  suites: readonly Suite["title"][],
  source: string | undefined,
  findings: Findings,
): void {
  findings.test({
    titles: [...suites, test.title].filter((title) => title !== ""),
    status,
    durationMs: test.duration,
    attempts: 1,
    ...(source ? { file: source } : {}),
    ...(status === "failed" ? troubleOf(test.err) : {}),
    ...(status === "unknown" ? { message: unknownStatusMessage(test.state ?? "") } : {}),
  });
}
