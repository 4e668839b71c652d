import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { clockToleranceMs, minutes } from "../github/clock.ts";
import { type Commit, type Evidence, type Origin, opensTheGate, type StageName, type StageReport } from "../model/report.ts";

/** Binds a report to commit, environment, run and time. @param reportText the content of the report file */
export function evidenceOf(report: StageReport, reportText: string): Evidence {
  return {
    schemaVersion: 1,
    stage: report.stage,
    verdict: report.verdict,
    environment: report.environment.name,
    runId: report.runId,
    ...(report.gateId ? { gateId: report.gateId } : {}),
    commit: report.commit,
    origin: report.origin,
    finishedAt: report.finishedAt,
    reportDigest: createHash("sha256").update(reportText).digest("hex"),
    ...(report.auditHead ? { auditHead: report.auditHead } : {}),
  };
}

/** @throws Error that says what is wrong with the file */
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
  if (!complete) throw new Error("expected evidence of this version of env-actions, got another file");
  return value as Evidence;
}

/** Each needs the evidence of the one before it. Cleanup needs none. */
const sequence: readonly StageName[] = ["preflight", "integration", "e2e", "smoke"];

/**
 * The stage whose evidence this one needs; `undefined` if it needs none.
 * @param leftOut stages that the project doesn't have: the sequence closes over them
 */
export function stageBefore(stage: StageName, leftOut: readonly StageName[] = []): StageName | undefined {
  return sequence.slice(0, Math.max(0, sequence.indexOf(stage))).findLast((earlier) => !leftOut.includes(earlier));
}

export interface SequenceQuestion {
  stage: StageName;
  /** Stages that the project doesn't have. */
  leftOut?: readonly StageName[];
  /** Environments whose evidence counts: the stage's own and, for smoke, the one that it was promoted from. */
  environments: readonly string[];
  commit: Commit;
  origin: Origin;
  /** The current gate run, if known. */
  gateId: string | undefined;
  /** The evidence of the previous stage; `undefined` if there is none. */
  evidence: Evidence | undefined;
  /** The deployment that smoke checks, if the caller names one. */
  deployment: SequenceAnswer | undefined;
  now: number;
  maxAgeMs: number;
}

export type SequenceAnswer = { allowed: true; why: string } | { allowed: false; why: string };

/**
 * Decides whether a stage may start. If evidence is missing, skipped, outdated or from elsewhere, the refusal says which and why.
 */
export function judgeSequence(question: SequenceQuestion): SequenceAnswer {
  const needed = stageBefore(question.stage, question.leftOut);
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
      `there is none for ${where}. Run ${needed} first${question.stage === "smoke" ? ", or name the deployment that smoke follows. To check without either, set stages.smoke.follows to nothing" : ""}.`,
    );
  if (evidence.stage !== needed) return refuse(`found evidence for ${evidence.stage} instead.`);
  if (!question.environments.includes(evidence.environment))
    return refuse(`expected evidence for the environment ${where}, got evidence for ${evidence.environment}.`);
  if (!opensTheGate(evidence.verdict)) return refuse(`${needed}${whichOf(evidence)} ended with ${evidence.verdict}.`);
  if (!sameCommit(evidence.commit, question.commit))
    return refuse(`${anotherCommit(evidence, question)} Run ${needed} again on this commit.`);
  if (evidence.origin.repository !== question.origin.repository)
    return refuse(`found evidence from ${evidence.origin.repository ?? "a terminal"} instead.`);
  if (evidence.origin.workflowRun !== question.origin.workflowRun)
    return refuse(`found evidence from another workflow run instead (${evidence.origin.workflowRun ?? "a terminal"}).`);
  if (question.gateId !== undefined && gateOf(evidence) !== question.gateId)
    return refuse(`expected evidence from gate run ${question.gateId}, got evidence from ${gateOf(evidence)}.`);
  const untimely = whyUntimely(evidence, question);
  if (untimely !== undefined) return refuse(untimely);
  const ageMs = question.now - Date.parse(evidence.finishedAt);
  return { allowed: true, why: `${needed} ${evidence.verdict} ${minutes(Math.max(0, ageMs))} ago` };
}

type Moment = Pick<SequenceQuestion, "commit" | "now" | "maxAgeMs">;

/** Why evidence of this workflow run does not count: it is of another commit, too old, or of the future. */
export function whyNotOfThisRun(evidence: Evidence, moment: Moment): string | undefined {
  if (!sameCommit(evidence.commit, moment.commit)) return anotherCommit(evidence, moment);
  return whyUntimely(evidence, moment);
}

function anotherCommit(evidence: Evidence, { commit }: Moment): string {
  return `expected evidence for commit ${short(commit)}, got evidence for ${short(evidence.commit)}.`;
}

function whyUntimely({ finishedAt, stage, origin }: Evidence, { now, maxAgeMs }: Moment): string | undefined {
  const ageMs = now - Date.parse(finishedAt);
  // "Re-run failed jobs" leaves out the jobs that passed, whose evidence is what got old.
  const cure =
    origin.workflowRun === undefined
      ? `Run ${stage} again.`
      : 'Re-run all jobs of the workflow run: "Re-run failed jobs" would use the same evidence again.';
  if (ageMs > maxAgeMs)
    return `the evidence is ${minutes(ageMs)} old, older than evidence.maxAge (${minutes(maxAgeMs)}). ${cure}`;
  // Clocks may differ a little, but evidence from the future is invalid.
  return ageMs < -clockToleranceMs ? "the evidence is dated in the future: compare the clocks of the machines." : undefined;
}

/** In older evidence, executions have no run id of their own, and the run id is the gate's. */
export function gateOf({ gateId, runId }: Evidence): string {
  return gateId ?? runId;
}

function whichOf({ origin: { job, cell } }: Evidence): string {
  return job && cell ? ` in job ${job} (${cell})` : "";
}

/**
 * The evidence that counts for one stage in one environment. On a runner every execution counts – each matrix cell, job and step
 * – except those replaced by a later attempt of the same job and cell. In a terminal there are no attempts, and only the latest
 * counts.
 */
export function currentEvidence(evidence: readonly Evidence[]): Evidence[] {
  // A file and an artifact may contain the same evidence. If a stage was cut short, its post step's evidence replaces the earlier
  // one.
  const oldestFirst = [...evidence].sort((a, b) => Date.parse(a.finishedAt) - Date.parse(b.finishedAt));
  const unique = [...new Map(oldestFirst.map((one) => [one.runId, one])).values()];
  const newest = Math.max(...unique.map((one) => Date.parse(one.finishedAt)));
  const attemptOf = ({ origin }: Evidence) => Number(origin.attempt ?? 1);
  return unique.filter((one) => {
    if (one.origin.workflowRun === undefined) return Date.parse(one.finishedAt) === newest;
    return !unique.some((other) => sameCell(other, one) && attemptOf(other) > attemptOf(one));
  });
}

function sameCell({ origin: a }: Evidence, { origin: b }: Evidence): boolean {
  return a.workflowRun === b.workflowRun && a.job === b.job && a.cell === b.cell;
}

export type StageQuestion = Omit<SequenceQuestion, "evidence"> & {
  /** All evidence of the previous stage. */
  evidence: readonly Evidence[];
};

/**
 * Decides whether a stage may start after the previous one: in one of the environments, all evidence that counts must open the
 * gate.
 * @returns the answer and the evidence it is based on; no evidence if it is based on a deployment, or is a refusal
 */
export function judgeStageBefore(question: StageQuestion): { answer: SequenceAnswer; accepted: readonly Evidence[] } {
  const { environments, evidence, origin, gateId } = question;
  const judge = (one: Evidence | undefined) => judgeSequence({ ...question, evidence: one });
  const mayCount = evidence.filter(
    (one) =>
      one.origin.repository === origin.repository &&
      one.origin.workflowRun === origin.workflowRun &&
      (gateId === undefined || gateOf(one) === gateId),
  );
  const groups = environments
    .map((environment) => currentEvidence(mayCount.filter((one) => one.environment === environment)))
    .filter((group) => group.length > 0);
  const judged = groups.map((group) => ({ group, answers: group.map(judge) }));
  const open = judged.find(({ answers }) => answers.every((answer) => answer.allowed));
  if (open) return { answer: open.answers[0] ?? judge(undefined), accepted: open.group };
  const refusals = judged.flatMap(({ answers }) => answers.filter((answer) => !answer.allowed));
  const nearest = evidence.find((one) => environments.includes(one.environment)) ?? evidence[0];
  return { answer: refusals[0] ?? judge(nearest), accepted: [] };
}

/** On a pull request, the merge commit changes with every push to the base. The head is what was tested. */
function sameCommit(a: Commit, b: Commit): boolean {
  return a.headSha !== undefined || b.headSha !== undefined ? a.headSha === b.headSha : a.sha === b.sha;
}

function short(commit: Commit): string {
  return (commit.headSha ?? commit.sha).slice(0, 12);
}

type Env = Readonly<Record<string, string | undefined>>;

/** Where this run happens, from the runner's variables. @param cell of the job's matrix, which is in no variable */
export function originOf(env: Env, cell?: string): Origin {
  if (env.GITHUB_ACTIONS !== "true") return { kind: "terminal", actor: userInfo().username };
  return {
    kind: "github",
    repository: env.GITHUB_REPOSITORY,
    workflow: env.GITHUB_WORKFLOW_REF ?? env.GITHUB_WORKFLOW,
    workflowRun: env.GITHUB_RUN_ID,
    attempt: env.GITHUB_RUN_ATTEMPT,
    job: env.GITHUB_JOB,
    ...(cell ? { cell } : {}),
    ...(env.GITHUB_ACTION ? { step: env.GITHUB_ACTION } : {}),
    actor: env.GITHUB_ACTOR,
  };
}

/**
 * The tested commit. On a pull request GITHUB_SHA is the merge commit, so the head is kept too. If the workspace has another commit, as after
 * a checkout with `ref:`, that one is tested, and a branch that moves between two jobs gives two commits. In a terminal git says; outside
 * a repository it is `unversioned`, which only equals itself.
 */
export async function commitOf(env: Env, workspace: string): Promise<Commit> {
  if (env.GITHUB_ACTIONS !== "true" || !env.GITHUB_SHA) return { sha: (await checkedOut(workspace)) ?? "unversioned" };
  const [headSha, here] = await Promise.all([pullRequestHead(env.GITHUB_EVENT_PATH), checkedOut(workspace)]);
  if (here !== undefined && here !== env.GITHUB_SHA && here !== headSha) return { sha: here };
  return { sha: env.GITHUB_SHA, ...(headSha && headSha !== env.GITHUB_SHA ? { headSha } : {}) };
}

async function checkedOut(workspace: string): Promise<string | undefined> {
  try {
    const { getExecOutput } = await import("@actions/exec");
    const { stdout } = await getExecOutput("git", ["rev-parse", "HEAD"], { cwd: workspace, silent: true });
    return stdout.trim();
  } catch {
    // No git, no repository, or no commit yet: such a workspace can still be tested.
    return undefined;
  }
}

async function pullRequestHead(eventFile: string | undefined): Promise<string | undefined> {
  if (!eventFile) return undefined;
  try {
    const event = JSON.parse(await readFile(eventFile, "utf8")) as { pull_request?: { head?: { sha?: unknown } } };
    const sha = event.pull_request?.head?.sha;
    return typeof sha === "string" ? sha : undefined;
  } catch {
    // act and some runners have no event file. Then evidence is bound by the commit alone.
    return undefined;
  }
}
