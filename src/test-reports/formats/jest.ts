import { z } from "../../lib/zod.ts";
import type { TestStatus } from "../../model/test-results.ts";
import { type Findings, messageOf, passedLaterMessage, stackOf, wholeRun } from "../reported.ts";
import type { JsonFormat } from "./format.ts";
import { count, milliseconds, requireDeclaredCount, validate } from "./json-document.ts";

/** The JSON of `jest --json`, which Vitest writes too. */

const statuses = {
  passed: "passed",
  failed: "failed",
  pending: "skipped",
  skipped: "skipped",
  todo: "skipped",
  disabled: "skipped",
} as const satisfies Record<string, TestStatus>;

const assertionSchema = z.object({
  ancestorTitles: z.array(z.string()),
  title: z.string(),
  status: z.enum(Object.keys(statuses) as (keyof typeof statuses)[]),
  duration: milliseconds.nullish(),
  failureMessages: z.array(z.string()).nullish(),
  location: z.object({ line: count }).nullish(),
  /** Jest: the number of attempts, and the failures of all but the last. */
  invocations: count.optional(),
  retryReasons: z.array(z.string()).optional(),
});

const suiteSchema = z.object({
  name: z.string(),
  status: z.enum(["passed", "failed", "pending", "skipped", "focused"]),
  message: z.string(),
  assertionResults: z.array(assertionSchema),
});

const reportSchema = z.object({
  success: z.boolean(),
  wasInterrupted: z.boolean().optional(),
  numTotalTests: count,
  numFailedTests: count,
  numRuntimeErrorTestSuites: count.optional(),
  testResults: z.array(suiteSchema),
});

/** In the message of a file that could not be loaded, or whose hooks failed after its tests. */
const crashMark = "● Test suite failed to run";

type Assertion = z.output<typeof assertionSchema>;
type Suite = z.output<typeof suiteSchema>;

export const jest: JsonFormat = {
  syntax: "json",
  writers: ["Jest", "Vitest"],
  recognise: (document) => ("testResults" in document && "numTotalTests" in document ? flavourOf(document) : undefined),
  read,
};

function flavourOf(document: object): "jest-json" | "vitest-json" {
  return "numRuntimeErrorTestSuites" in document ? "jest-json" : "vitest-json";
}

function read(file: string, document: object, findings: Findings): void {
  const format = flavourOf(document);
  const report = validate(file, format, reportSchema, document);
  let failed = 0;
  let crashed = 0;
  let total = 0;
  for (const suite of report.testResults) {
    const failures = suite.assertionResults.filter((assertion) => assertion.status === "failed").length;
    for (const assertion of suite.assertionResults) tell(suite, assertion, findings);
    if (suite.status === "failed" && (failures === 0 || suite.message.includes(crashMark))) {
      findings.crashed({ file: suite.name, message: crashMessage(suite) });
      crashed++;
    }
    failed += failures;
    total += suite.assertionResults.length;
  }
  requireDeclaredCount(file, "tests", report.numTotalTests, total);
  requireDeclaredCount(file, "failed tests", report.numFailedTests, failed);
  requireDeclaredCount(file, "suites that failed to run", report.numRuntimeErrorTestSuites, crashed);
  if (report.wasInterrupted) findings.crashed({ file: wholeRun, message: "the run was interrupted before all tests had run" });
  else if (!report.success && failed + crashed === 0 && total > 0)
    findings.crashed({ file: wholeRun, message: "the report says that the run failed, though no test and no file did" });
}

function crashMessage(suite: Suite): string {
  const crash = suite.message.slice(Math.max(suite.message.indexOf(crashMark), 0));
  if (crash.trim() !== "") return messageOf(crash);
  return suite.assertionResults.length === 0
    ? "the file could not be loaded"
    : "the file failed, though none of its tests did: a hook outside of the tests, perhaps";
}

function tell(suite: Suite, assertion: Assertion, findings: Findings): void {
  const failures = assertion.failureMessages ?? [];
  const retries = Math.max((assertion.invocations ?? 1) - 1, assertion.retryReasons?.length ?? 0);
  // Vitest doesn't count attempts, but a test that passed in the end keeps the failures of earlier attempts.
  const earlier = assertion.status === "passed" ? Math.max(retries, failures.length) : retries;
  const status = assertion.status === "passed" && earlier > 0 ? "flaky" : statuses[assertion.status];
  const trouble =
    failures[0] ?? assertion.retryReasons?.[0] ?? (status === "flaky" ? passedLaterMessage(earlier + 1) : undefined);
  findings.test({
    titles: [...assertion.ancestorTitles, assertion.title],
    status,
    durationMs: assertion.duration ?? 0,
    file: suite.name,
    line: assertion.location?.line,
    attempts: earlier + 1,
    ...(trouble === undefined ? {} : { message: messageOf(trouble), stack: stackOf(trouble) }),
  });
}
