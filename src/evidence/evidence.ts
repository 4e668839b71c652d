import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { relative, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { clockToleranceMs, minutes } from "../github/clock.ts";
import {
  type Commit,
  type Evidence,
  type Origin,
  opensTheGate,
  type StageName,
  type StageReport,
  stageNames,
  type Verdict,
  verdicts,
} from "../model/report.ts";

/**
 * Binds a report to commit, environment, run and time.
 * @param reportText the content of the report file
 * @param project as {@link projectOf} gives it
 */
export function evidenceOf(report: StageReport, reportText: string, project?: string): Evidence {
  return {
    schemaVersion: 1,
    stage: report.stage,
    verdict: report.verdict,
    environment: report.environment.name,
    runId: report.runId,
    ...(report.gateId ? { gateId: report.gateId } : {}),
    ...(project ? { project } : {}),
    commit: report.commit,
    origin: report.origin,
    finishedAt: report.finishedAt,
    reportDigest: createHash("sha256").update(reportText).digest("hex"),
    ...(report.auditHead ? { auditHead: report.auditHead } : {}),
  };
}

const words = ["environment", "runId", "finishedAt", "reportDigest"] as const;
const optionalWords = ["gateId", "project"] as const;
const wordsOfOrigin = ["repository", "workflow", "workflowRun", "attempt", "job", "cell", "step", "actor"] as const;

/**
 * Every member that is read later has its type here: what another program wrote must neither be counted nor break what counts.
 * @throws Error that says what is wrong with the file
 */
export function parseEvidence(text: string): Evidence {
  const value: unknown = JSON.parse(text);
  const wrong = isGroup(value) ? wrongMember(value) : "it is no object";
  if (wrong !== undefined) throw new Error(`expected evidence of this version of env-actions, got another file: ${wrong}`);
  return value as unknown as Evidence;
}

/** The values themselves are left out: another program wrote them. */
function wrongMember(value: Record<string, unknown>): string | undefined {
  const { commit, stage, verdict } = value;
  const isRight: Record<string, boolean> = {
    schemaVersion: value.schemaVersion === 1,
    stage: stageNames.some((name) => name === stage),
    verdict: verdicts.some((name) => name === verdict),
    ...Object.fromEntries(words.map((word) => [word, typeof value[word] === "string" && value[word] !== ""])),
    ...Object.fromEntries(optionalWords.map((word) => [word, isOptionalText(value[word])])),
    commit: isGroup(commit) && typeof commit.sha === "string" && isOptionalText(commit.headSha),
    origin: isOrigin(value.origin),
  };
  const isDate = !Number.isNaN(Date.parse(String(value.finishedAt)));
  const wrong = Object.keys(isRight).find((member) => !isRight[member]) ?? (isDate ? undefined : "finishedAt");
  return wrong && `${wrong} is missing, or not as env-actions writes it`;
}

function isOrigin(value: unknown): boolean {
  return (
    isGroup(value) &&
    (value.kind === "github" || value.kind === "terminal") &&
    wordsOfOrigin.every((word) => isOptionalText(value[word])) &&
    (value.attempt === undefined || /^[1-9]\d{0,5}$/.test(String(value.attempt)))
  );
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
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
  /** As {@link projectOf} gives it: evidence of another project in the repository doesn't count. */
  project?: string | undefined;
  /** Why evidence of other jobs can't be seen here, and what to do; undefined if it can. */
  cutOff?: string | undefined;
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
  const { evidence, cutOff } = question;
  const elsewhere = cutOff ? ` If another job ran it: ${cutOff}.` : "";
  if (!evidence)
    return refuse(
      `there is none for ${where}. Run ${needed} first${question.stage === "smoke" ? ", or name the deployment that smoke follows. To check without either, set stages.smoke.follows to nothing" : ""}.${elsewhere}`,
    );
  if (evidence.stage !== needed) return refuse(`found evidence for ${evidence.stage} instead.`);
  if (!question.environments.includes(evidence.environment))
    return refuse(`expected evidence for the environment ${where}, got evidence for ${evidence.environment}.`);
  if (!isOfProject(evidence, question.project))
    return refuse(
      `expected evidence for the configuration ${question.project}, got evidence for ${evidence.project}. Run ${needed} of this project in the same workflow run.`,
    );
  if (!opensTheGate(evidence.verdict)) return refuse(`${needed}${whichOf(evidence)} ended with ${evidence.verdict}.`);
  if (!sameCommit(evidence.commit, question.commit))
    return refuse(`${anotherCommit(evidence, question)} Run ${needed} again on this commit.`);
  if (evidence.origin.repository !== question.origin.repository)
    return refuse(`found evidence from ${evidence.origin.repository ?? "a terminal"} instead.`);
  if (evidence.origin.workflowRun !== question.origin.workflowRun)
    return refuse(
      `found evidence from another workflow run instead (${evidence.origin.workflowRun ?? "a terminal"}).${elsewhere}`,
    );
  if (question.gateId !== undefined && gateOf(evidence) !== question.gateId)
    return refuse(`expected evidence from gate run ${question.gateId}, got evidence from ${gateOf(evidence)}.`);
  const untimely = whyUntimely(evidence, question);
  if (untimely !== undefined) return refuse(untimely);
  const ageMs = question.now - Date.parse(evidence.finishedAt);
  return { allowed: true, why: `${needed} ${evidence.verdict} ${minutes(Math.max(0, ageMs))} ago` };
}

/** Evidence of older versions names no project, and a terminal has the evidence of one project only. */
export function isOfProject(evidence: Evidence, project: string | undefined): boolean {
  return project === undefined || evidence.project === undefined || evidence.project === project;
}

type Moment = Pick<SequenceQuestion, "commit" | "origin" | "now" | "maxAgeMs">;

/** Why evidence of this workflow run does not count: it is of another commit, too old, of the future, or of an attempt that hasn't begun. */
export function whyNotOfThisRun(evidence: Evidence, moment: Moment): string | undefined {
  if (!sameCommit(evidence.commit, moment.commit)) return anotherCommit(evidence, moment);
  return whyUntimely(evidence, moment);
}

function anotherCommit(evidence: Evidence, { commit }: Moment): string {
  return `expected evidence for commit ${short(commit)}, got evidence for ${short(evidence.commit)}.`;
}

function whyUntimely(evidence: Evidence, { now, maxAgeMs, origin }: Moment): string | undefined {
  const { finishedAt, stage } = evidence;
  if (origin.attempt !== undefined && attemptOf(evidence) > attemptOf({ origin }))
    return `the evidence names attempt ${attemptOf(evidence)}, and this is attempt ${attemptOf({ origin })}: env-actions didn't write it.`;
  const ageMs = now - Date.parse(finishedAt);
  // "Re-run failed jobs" leaves out the jobs that passed, whose evidence is what got old.
  const cure =
    evidence.origin.workflowRun === undefined
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
 * The evidence of one stage that counts. On a runner every execution counts – each matrix cell, job and step – except those that a
 * later attempt of the same job and cell replaced. In a terminal there are no attempts, and only the latest counts.
 */
export function currentEvidence(evidence: readonly Evidence[]): Evidence[] {
  const unique = worstOfEachRun(evidence);
  const newest = unique.reduce((latest, { finishedAt }) => Math.max(latest, Date.parse(finishedAt)), Number.NEGATIVE_INFINITY);
  const ofRunners = Map.groupBy(
    unique.filter(({ origin }) => origin.workflowRun !== undefined),
    placeOf,
  );
  const counted = new Set([...ofRunners.values()].flatMap(notReplaced));
  return unique.filter((one) =>
    one.origin.workflowRun === undefined ? Date.parse(one.finishedAt) === newest : counted.has(one),
  );
}

const worstFirst: readonly Verdict[] = ["failed", "error", "skipped", "degraded", "passed"];

/**
 * A file and an artifact may contain the same evidence, and the post step of a stage that was cut short writes its evidence again. The
 * worse holds, whatever the dates say. The same run id from another job or of another commit is evidence of its own.
 */
function worstOfEachRun(evidence: readonly Evidence[]): Evidence[] {
  const runs = new Map<string, Evidence>();
  const oldestFirst = [...evidence].sort((a, b) => Date.parse(a.finishedAt) - Date.parse(b.finishedAt));
  for (const one of oldestFirst) {
    const { runId, commit, origin } = one;
    const key = JSON.stringify([runId, placeOf(one), attemptOf(one), origin.repository, commit.sha, commit.headSha]);
    const known = runs.get(key);
    if (!known || worstFirst.indexOf(one.verdict) <= worstFirst.indexOf(known.verdict)) runs.set(key, one);
  }
  return [...runs.values()];
}

/** Where a stage ran, in all attempts of a workflow run. */
function placeOf({ project, environment, origin: { workflowRun, job, cell } }: Evidence): string {
  return JSON.stringify([workflowRun, job, cell, project, environment]);
}

/**
 * Two calls of a reusable workflow, and two steps of a job, can't be told apart. So an attempt replaces the one before it only if it ran
 * at least as often as that one failed: that is what "Re-run failed jobs" does.
 */
function notReplaced(ofOnePlace: readonly Evidence[]): Evidence[] {
  const attempts = [...Map.groupBy(ofOnePlace, attemptOf)].sort(([a], [b]) => b - a).map(([, all]) => all);
  return attempts.flatMap((all, at) => {
    const later = attempts[at - 1];
    if (!later) return all;
    const bad = all.filter(({ verdict }) => !opensTheGate(verdict));
    return bad.length > later.length ? bad : [];
  });
}

function attemptOf({ origin: { attempt } }: Pick<Evidence, "origin">): number {
  const number = Number(attempt ?? 1);
  return Number.isSafeInteger(number) ? number : 1;
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
  const { environments, evidence, origin, gateId, project } = question;
  const judge = (one: Evidence | undefined) => judgeSequence({ ...question, evidence: one });
  const mayCount = evidence.filter(
    (one) =>
      one.origin.repository === origin.repository &&
      one.origin.workflowRun === origin.workflowRun &&
      (gateId === undefined || gateOf(one) === gateId) &&
      isOfProject(one, project),
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

/**
 * The path of the configuration in the checkout: evidence of one project says nothing about another one.
 * @param configFile relative to the workspace, or absolute
 * @returns undefined in a terminal, where a workspace has the evidence of one project
 */
export function projectOf(env: Env, workspace: string, configFile: string): string | undefined {
  if (env.GITHUB_ACTIONS !== "true" || !env.GITHUB_WORKSPACE) return undefined;
  return relative(resolve(env.GITHUB_WORKSPACE), resolve(workspace, configFile)).replaceAll(sep, "/");
}

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
  // There GITHUB_SHA is the base's, and a test of the base says nothing about the head.
  const isBase = env.GITHUB_EVENT_NAME === "pull_request_target" && here !== headSha;
  return { sha: env.GITHUB_SHA, ...(headSha && headSha !== env.GITHUB_SHA && !isBase ? { headSha } : {}) };
}

/** What a gate needs evidence of: on `pull_request_target` the head, although its own job has the base. */
export async function judgedCommitOf(env: Env, workspace: string): Promise<Commit> {
  const commit = await commitOf(env, workspace);
  if (env.GITHUB_EVENT_NAME !== "pull_request_target" || commit.sha !== env.GITHUB_SHA) return commit;
  const headSha = await pullRequestHead(env.GITHUB_EVENT_PATH);
  return headSha ? { ...commit, headSha } : commit;
}

async function checkedOut(workspace: string): Promise<string | undefined> {
  try {
    const { execFile } = await import("node:child_process");
    return (await promisify(execFile)("git", ["rev-parse", "HEAD"], { cwd: workspace })).stdout.trim();
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
