import { createHash } from "node:crypto";
import type { Check, StageReport, Verdict } from "../../model/report.ts";

/**
 * What is signed about a stage: an in-toto statement of the type "test result". Its subject is the evidence file, which names commit,
 * environment, run and report.
 */
export const predicateType = "https://in-toto.io/attestation/test-result/v0.1";
export const statementType = "https://in-toto.io/Statement/v1";

export type TestResult = "PASSED" | "WARNED" | "FAILED";

/** As the type's description names its members. */
export interface TestResultPredicate {
  result: TestResult;
  /** What decided how the tests run. */
  configuration: { name: string; digest: { sha256: string } }[];
  url?: string;
  passedTests: string[];
  warnedTests: string[];
  failedTests: string[];
}

/** The type has no word for a stage that could not look, or did not run. */
export const resultOf: Readonly<Record<Verdict, TestResult | undefined>> = {
  passed: "PASSED",
  degraded: "WARNED",
  failed: "FAILED",
  error: undefined,
  skipped: undefined,
};

/** @returns undefined if nothing is known that could be signed */
export function predicateOf(
  report: StageReport,
  { configFile, configText, server }: { configFile: string; configText: string; server: string | undefined },
): TestResultPredicate | undefined {
  const result = resultOf[report.verdict];
  if (result === undefined) return undefined;
  const { repository, workflowRun, attempt } = report.origin;
  const run = server && repository && workflowRun ? `${server}/${repository}/actions/runs/${workflowRun}` : undefined;
  const named = (wanted: Check["verdict"]) => report.checks.filter(({ verdict }) => verdict === wanted).map(({ id }) => id);
  return {
    result,
    configuration: [{ name: configFile, digest: { sha256: createHash("sha256").update(configText).digest("hex") } }],
    ...(run ? { url: attempt ? `${run}/attempts/${attempt}` : run } : {}),
    passedTests: named("passed"),
    warnedTests: named("degraded"),
    failedTests: named("failed"),
  };
}
