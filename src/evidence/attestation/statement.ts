import { createHash } from "node:crypto";
import { join } from "node:path";
import { writeOwn } from "../../lib/plain-file.ts";
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

/** What the predicate says beside the report. */
interface Surroundings {
  configFile: string;
  configText: string;
  /** `https://github.com`. */
  server: string | undefined;
}

/**
 * Writes what a later step of the job can let GitHub sign.
 * @param records absolute path of `.env-actions`
 * @returns the file; undefined for a stage other than smoke, whose jobs run code of the pull request, and for a verdict that says nothing
 */
export async function writePredicate(records: string, report: StageReport, more: Surroundings): Promise<string | undefined> {
  const { stage, runId, origin } = report;
  if (origin.workflowRun === undefined || stage !== "smoke") return undefined;
  const predicate = predicateOf(report, more);
  if (!predicate) return undefined;
  const file = join(records, "attestations", `${stage}-${runId}.json`);
  await writeOwn(file, `${JSON.stringify(predicate, undefined, 2)}\n`);
  return file;
}

/** @returns undefined if nothing is known that could be signed */
export function predicateOf(
  report: StageReport,
  { configFile, configText, server }: Surroundings,
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
