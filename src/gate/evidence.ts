import { createHash } from "node:crypto";
import { type Commit, type Evidence, type Origin, opensTheGate, type StageName, type StageReport } from "../model.ts";
import { clockToleranceMs, minutes } from "./age.ts";

/** Binds a report to commit, environment, run and time. @param reportText the report file's content. */
export function evidenceOf(report: StageReport, reportText: string): Evidence {
  return {
    schemaVersion: 1,
    stage: report.stage,
    verdict: report.verdict,
    environment: report.environment.name,
    runId: report.runId,
    commit: report.commit,
    origin: report.origin,
    finishedAt: report.finishedAt,
    reportDigest: createHash("sha256").update(reportText).digest("hex"),
    ...(report.auditHead ? { auditHead: report.auditHead } : {}),
  };
}

/** @throws Error that says what is wrong with the file. */
export function parseEvidence(text: string): Evidence {
  const value = JSON.parse(text) as Partial<Evidence> | null;
  const complete =
    value?.schemaVersion === 1 &&
    typeof value.stage === "string" &&
    typeof value.verdict === "string" &&
    typeof value.environment === "string" &&
    typeof value.runId === "string" &&
    typeof value.commit?.sha === "string" &&
    typeof value.origin?.kind === "string" &&
    typeof value.reportDigest === "string" &&
    !Number.isNaN(Date.parse(value.finishedAt ?? ""));
  if (!complete) throw new Error("it is no evidence of this version of env-actions");
  return value as Evidence;
}

/** The stage whose evidence each stage asks for; preflight and cleanup ask for none. */
const before: Partial<Record<StageName, StageName>> = { integration: "preflight", e2e: "integration", smoke: "e2e" };

export function stageBefore(stage: StageName): StageName | undefined {
  return before[stage];
}

export interface SequenceQuestion {
  stage: StageName;
  /** Environments whose evidence counts: the stage's own, and for smoke the one it was promoted from. */
  environments: readonly string[];
  commit: Commit;
  origin: Origin;
  /** The run under way, where it is known already. */
  runId: string | undefined;
  /** What was found of the stage before; `undefined` = nothing. */
  evidence: Evidence | undefined;
  /** What is known of the deployment that smoke follows, where the caller names one. */
  deployment: SequenceAnswer | undefined;
  now: number;
  maxAgeMs: number;
}

export type SequenceAnswer = { allowed: true; why: string } | { allowed: false; why: string };

/** Whether a stage may start. What is missing, skipped, stale or foreign is a refusal that says which and why. */
export function judgeSequence(question: SequenceQuestion): SequenceAnswer {
  const needed = stageBefore(question.stage);
  if (needed === undefined) return { allowed: true, why: `${question.stage} may start at any time` };
  if (question.stage === "smoke" && question.deployment) return question.deployment;
  const where = question.environments.join(" or ");
  const refuse = (why: string): SequenceAnswer => ({
    allowed: false,
    why: `${question.stage} needs passed evidence of ${needed}: ${why}`,
  });
  const { evidence } = question;
  if (!evidence)
    return refuse(
      `there is none for ${where}. Run ${needed} first${question.stage === "smoke" ? ", or say which deployment smoke follows" : ""}.`,
    );
  if (evidence.stage !== needed) return refuse(`what was found is evidence of ${evidence.stage}.`);
  if (!question.environments.includes(evidence.environment))
    return refuse(`what was found is for ${evidence.environment}, not for ${where}.`);
  if (!opensTheGate(evidence.verdict)) return refuse(`${needed} ended with ${evidence.verdict}.`);
  if (!sameCommit(evidence.commit, question.commit))
    return refuse(`what was found is for commit ${short(evidence.commit)}, not for ${short(question.commit)}.`);
  if (evidence.origin.repository !== question.origin.repository)
    return refuse(`what was found is from ${evidence.origin.repository ?? "a terminal"}.`);
  if (evidence.origin.workflowRun !== question.origin.workflowRun)
    return refuse(`what was found is from another workflow run (${evidence.origin.workflowRun ?? "a terminal"}).`);
  if (question.runId !== undefined && evidence.runId !== question.runId)
    return refuse(`what was found is from run ${evidence.runId}, not from ${question.runId}.`);
  const ageMs = question.now - Date.parse(evidence.finishedAt);
  if (ageMs > question.maxAgeMs)
    return refuse(`what was found is ${minutes(ageMs)} old, older than evidence.maxAge (${minutes(question.maxAgeMs)}).`);
  // A clock may run a little ahead, but evidence from the future is none.
  if (ageMs < -clockToleranceMs) return refuse("what was found is dated in the future.");
  return { allowed: true, why: `${needed} ${evidence.verdict} ${minutes(Math.max(0, ageMs))} ago` };
}

/** On a pull request the merge commit changes with every push to the base; the head is what was tested. */
function sameCommit(a: Commit, b: Commit): boolean {
  return a.headSha !== undefined || b.headSha !== undefined ? a.headSha === b.headSha : a.sha === b.sha;
}

function short(commit: Commit): string {
  return (commit.headSha ?? commit.sha).slice(0, 12);
}
