import { type GitHub, GitHubError } from "../github/api.ts";
import {
  answerRule,
  begunDeployment,
  type Decision,
  type EnvironmentRules,
  environmentRules,
  isSame,
  loginOf,
  type RunFacts,
  type RunPlace,
  recordedJobs,
  reviewDeployment,
  reviewsOf,
  runFacts,
  type Waiting,
  waitingDeployments,
} from "../github/approvals.ts";
import { mayHaveBeenDone } from "../github/deployments.ts";
import { growingPause, retry } from "../lib/retry.ts";
import type { Commit } from "../model/report.ts";

/** Answers a deployment that waits for the rules of its environment: never with more than the evidence permits. */

export interface ApprovalQuestion {
  place: RunPlace;
  /** Whether this job itself belongs to the run. */
  isOwnRun: boolean;
  /** Of another run: how many of its jobs had ended when its evidence was read. */
  endedJobs: number | undefined;
  /** Of the run that the evidence is of. */
  attempt: number | undefined;
  commit: Commit;
  /** The name of GitHub's environment. */
  environment: string;
  /** `app`: the token's app answers for its own rule. `reviewer`: the token's user reviews. */
  by: "app" | "reviewer";
  /** What the evidence says now: asked when the deployment waits, because evidence gets older. */
  judge: () => Judgement;
  /** What to do if it doesn't. */
  onFailure: "reject" | "abstain";
  /** How long to wait for the deployment. */
  waitMs: number;
  now: () => number;
}

export interface Judgement {
  /** Whether it permits the deployment. */
  isOpen: boolean;
  /** For people, at the deployment: at most 1,024 characters. */
  comment: string;
}

/**
 * `abstained`: nothing was decided, and the deployment waits on. `unprotected`: no rule of the environment asks for this answer.
 * `refused`: GitHub doesn't let this token decide.
 */
export type ApprovalOutcome =
  | Decision
  | "already-approved"
  | "already-rejected"
  | "abstained"
  | "bypassed"
  | "expired"
  | "not-waiting"
  | "unprotected"
  | "refused";

export interface Approval {
  outcome: ApprovalOutcome;
  /** A sentence. */
  why: string;
  /** What the deployment still waits for. */
  notes: readonly string[];
}

/** GitHub fails a deployment that waits longer. */
const longestWaitMs = 30 * 86_400_000;
const longestFirstPauseMs = 2_000;
const longestPauseMs = 30_000;
/** An approval that is sent twice is one approval. */
const mostAnswers = 3;

type Say = (outcome: ApprovalOutcome, why: string, notes?: readonly string[]) => Approval;
const say: Say = (outcome, why, notes = []) => ({ outcome, why, notes });

/** @throws GitHubError if GitHub could not be asked: nothing is known then, and nothing was approved */
export async function answerDeployment(api: GitHub, question: ApprovalQuestion): Promise<Approval> {
  const { place, environment } = question;
  const run = await runFacts(api, place);
  if (!run) return noRun(place);
  const misfit = whyOtherRun(run, question);
  if (misfit !== undefined) return say("abstained", misfit);
  const rules = await environmentRules(api, { owner: place.owner, repo: place.repo }, environment);
  if (!rules)
    return say(
      "unprotected",
      `the repository has no environment ${environment}, or the token may not see it: compare its name with the one under Settings, Environments`,
    );
  const unasked = whyUnprotected(rules, run, question);
  if (unasked !== undefined) return say("unprotected", unasked);
  const found = await findWaiting(api, question, run);
  if ("outcome" in found) return found;
  const stale = await whyStale(api, question);
  if (stale !== undefined) return say("abstained", stale);
  return await answered(api, question, { run, rules, found });
}

export function noRun({ run_id: run }: RunPlace): Approval {
  return say("refused", `workflow run ${run} does not exist, or the token may not see it: it needs \`actions: read\``);
}

export function stillRuns({ run_id: run }: RunPlace, waitMs: number): Approval {
  return say(
    "abstained",
    `jobs of workflow run ${run} still run after ${Math.round(waitMs / 1000)} s, so its evidence is not complete: run this again later`,
  );
}

/** Code of a fork could have written every artifact of its run. */
export function whyForeign(run: RunFacts): string | undefined {
  if (run.headRepository !== undefined && isSame(run.headRepository, run.repository)) return undefined;
  return `the run is of a commit from ${run.headRepository ?? "a repository that was deleted"}, whose code could have written the evidence: deploy commits of ${run.repository} only`;
}

/** The evidence is of one commit in one attempt of one run, and permits nothing else. */
function whyOtherRun(run: RunFacts, { place, commit, attempt }: ApprovalQuestion): string | undefined {
  const repository = `${place.owner}/${place.repo}`;
  if (!isSame(run.repository, repository))
    return `expected a run of ${repository}, but run ${place.run_id} is of ${run.repository}`;
  const foreign = whyForeign(run);
  if (foreign !== undefined) return foreign;
  if (run.headSha !== commit.headSha && run.headSha !== commit.sha)
    return `expected a run of commit ${short(commit.headSha ?? commit.sha)}, but run ${place.run_id} deploys ${short(run.headSha)}`;
  if (attempt !== undefined && run.attempt !== undefined && run.attempt !== attempt)
    return `the evidence is of attempt ${attempt}, but run ${place.run_id} is in attempt ${run.attempt}: its own approval step decides`;
  return undefined;
}

/** Another run goes on while this one waits: a job that ended meanwhile may have failed, or left evidence that nobody has judged. */
async function whyStale(api: GitHub, question: ApprovalQuestion): Promise<string | undefined> {
  const { place, endedJobs } = question;
  if (endedJobs === undefined) return undefined;
  const [run, jobs] = [await runFacts(api, place), await recordedJobs(api, place)];
  const misfit = run && whyOtherRun(run, question);
  if (misfit !== undefined) return misfit;
  const changed = jobs.filter(({ status }) => status !== "waiting").length - endedJobs;
  return run && changed === 0
    ? undefined
    : `jobs of workflow run ${place.run_id} began or ended after its evidence was read: run this again`;
}

function whyUnprotected(rules: EnvironmentRules, run: RunFacts, { environment, by }: ApprovalQuestion): string | undefined {
  if (by === "app" ? rules.apps.length > 0 : (rules.reviewers ?? []).length > 0) return undefined;
  const wanted = by === "app" ? "no custom deployment protection rule that is on" : "no required reviewers";
  const plan = run.isPrivate
    ? " The repository is private, and some plans of GitHub have such rules for public repositories only."
    : "";
  return `the environment ${environment} has ${wanted}, so a deployment does not wait for this answer: it is not protected by the evidence.${plan} Add the rule under Settings, Environments`;
}

interface FoundWaiting {
  own: Waiting[];
}

/** A wait that has not ended yet. */
class NotYet extends Error {}

/** Waits until the deployment waits, or until it is known that it won't. */
async function findWaiting(api: GitHub, question: ApprovalQuestion, run: RunFacts): Promise<FoundWaiting | Approval> {
  const { place, environment, waitMs, isOwnRun } = question;
  let others: string[] = [];
  let quietLooks = 0;
  const look = async (): Promise<FoundWaiting | Approval> => {
    const waiting = await waitingDeployments(api, place);
    const own = waiting.filter((one) => isSame(one.environment, environment));
    others = waiting.map((one) => one.environment);
    if (own.length > 0) return { own };
    const unfinished = (await recordedJobs(api, place)).filter(({ status }) => status !== "completed");
    quietLooks = unfinished.length <= (isOwnRun ? 1 : 0) ? quietLooks + 1 : 0;
    // A job is listed a moment after the jobs that it needs have ended.
    const isOver = run.isCompleted || quietLooks >= 2;
    const past = await whatHappened(api, question, { run, isOver });
    if (past) return past;
    if (isOver) return notWaiting(question, run, others);
    throw new NotYet();
  };
  try {
    return await retry(look, {
      failure: (thrown) => {
        if (thrown instanceof NotYet) return thrown;
        throw thrown;
      },
      mayPass: () => true,
      pauseMs: (_, attempt) => growingPause(Math.min(longestFirstPauseMs, waitMs / 4), attempt, { longestMs: longestPauseMs }),
      withinMs: waitMs,
    });
  } catch (error) {
    if (!(error instanceof NotYet)) throw error;
    return (await whatHappened(api, question, { run, isOver: true })) ?? notWaiting(question, run, others);
  }
}

function notWaiting({ environment, waitMs }: ApprovalQuestion, run: RunFacts, others: readonly string[]): Approval {
  const ended = run.isCompleted ? ` The run has ended: ${run.conclusion ?? "without a conclusion"}.` : "";
  const elsewhere = others.length > 0 ? ` Waiting in this run: ${others.join(", ")}.` : "";
  return say(
    "not-waiting",
    `no deployment to ${environment} waited in this run (looked for up to ${Math.round(waitMs / 1000)} s).${ended}${elsewhere} The deploying job needs \`environment: ${environment}\`, and must not need this job`,
  );
}

/** Why no deployment waits any more; undefined if none has waited yet. */
async function whatHappened(
  api: GitHub,
  question: ApprovalQuestion,
  { run, isOver }: { run: RunFacts; isOver: boolean },
): Promise<Approval | undefined> {
  const { place, environment, judge, now, by } = question;
  // GitHub lists reviews without their attempt: in a later one, the deployment may still come.
  const mayBeOlder = (run.attempt ?? 1) > 1;
  const reviews = await reviewsOf(api, place, environment);
  if (reviews.length > 0 && mayBeOlder && !isOver) return undefined;
  const rejected = reviews.find(({ state }) => state === "rejected");
  if (rejected) return say("already-rejected", `${rejected.by} rejected the deployment to ${environment}`);
  const approved = reviews.find(({ state }) => state === "approved");
  if (approved)
    return say(
      "already-approved",
      judge().isOpen
        ? `${approved.by} approved the deployment to ${environment} before this step did`
        : `${approved.by} approved the deployment to ${environment}, although the evidence does not permit it`,
    );
  if (run.isCompleted && now() - run.startedAt >= longestWaitMs)
    return say(
      "expired",
      `nobody approved the deployment to ${environment} within 30 days, so GitHub ended it. Re-run the workflow: old evidence does not count either`,
    );
  const state = await begunDeployment(api, place, { sha: run.headSha, environment });
  if (state === undefined || (mayBeOlder && !isOver)) return undefined;
  const began = `the deployment to ${environment} has begun (${state}), and no review permits it`;
  if (mayBeOlder)
    return say("not-waiting", `${began}: an earlier attempt of this run was approved by an app, or somebody bypassed the rules`);
  const other = by === "app" ? " Or another step of this run answered for the app" : "";
  return say("bypassed", `${began}: an administrator bypassed the rules of the environment.${other}`);
}

interface Situation {
  run: RunFacts;
  rules: EnvironmentRules;
  found: FoundWaiting;
}

async function answered(api: GitHub, question: ApprovalQuestion, situation: Situation): Promise<Approval> {
  const { environment, judge, onFailure, by } = question;
  const [waiting, ...more] = situation.found.own;
  if (!waiting || more.length > 0)
    return say(
      "abstained",
      `${situation.found.own.length} deployments to ${environment} wait in this run, and one answer would release all of them: give each its own environment`,
    );
  if (by === "reviewer" && !waiting.mayApprove) return say("refused", await whyNoReviewer(api, question, situation, waiting));
  const { isOpen, comment } = judge();
  const decision: Decision | undefined = isOpen ? "approved" : onFailure === "reject" ? "rejected" : undefined;
  if (decision === undefined && by === "reviewer") return say("abstained", withheld(environment));
  const answer: Answer = { waiting, decision, comment, headSha: situation.run.headSha, isLost: false };
  try {
    const wrong = await sent(api, question, answer);
    if (wrong !== undefined) return say("refused", wrong);
  } catch (error) {
    const past = await afterRefusal(api, question, situation.run, { answer, error });
    if (past) return past;
    throw error;
  }
  if (decision === undefined) return say("abstained", withheld(environment));
  if (decision === "rejected") return say("rejected", `the evidence does not permit the deployment to ${environment}`);
  return say(
    "approved",
    `the evidence permits the deployment to ${environment}`,
    await stillWaitsFor(api, question, situation.rules),
  );
}

function withheld(environment: string): string {
  return `the evidence does not permit the deployment to ${environment}, and \`on-failure: abstain\` leaves it waiting`;
}

interface Answer {
  waiting: Waiting;
  decision: Decision | undefined;
  comment: string;
  headSha: string;
  /** Whether GitHub may have carried out one that it did not confirm. */
  isLost: boolean;
}

/**
 * Sends the answer, again if GitHub did not confirm it.
 * @returns what is wrong with what GitHub did
 * @throws GitHubError
 */
async function sent(api: GitHub, { place, by, environment }: ApprovalQuestion, answer: Answer): Promise<string | undefined> {
  const { waiting, decision, comment, headSha } = answer;
  const send = async (): Promise<string | undefined> => {
    if (by === "app") {
      await answerRule(api, place, { environment: waiting.environment, decision, comment });
      return undefined;
    }
    if (decision === undefined || waiting.environmentId === undefined) return "GitHub names no id of the environment";
    const done = await reviewDeployment(api, place, { environmentId: waiting.environmentId, decision, comment });
    const other = done.find((one) => one.sha !== headSha || !isSame(one.environment, environment));
    return other && `GitHub says that it reviewed a deployment of ${short(other.sha)} to ${other.environment} instead`;
  };
  return await retry(send, {
    failure: (thrown) => {
      answer.isLost ||= mayHaveBeenDone(thrown);
      return thrown;
    },
    mayPass: mayHaveBeenDone,
    pauseMs: (_, attempt) => growingPause(1_000, attempt),
    attempts: mostAnswers,
  });
}

/** Somebody may have decided at the same moment, or an answer that was lost may have counted. */
async function afterRefusal(
  api: GitHub,
  question: ApprovalQuestion,
  run: RunFacts,
  { answer, error }: { answer: Answer; error: unknown },
): Promise<Approval | undefined> {
  if (!(error instanceof GitHubError) || error.status === 403 || error.status === 401) return undefined;
  const { place, environment, by } = question;
  const waiting = await waitingDeployments(api, place);
  if (!waiting.some((one) => isSame(one.environment, environment))) {
    const past = await whatHappened(api, question, { run, isOver: true });
    const isReviewed = past?.outcome === "already-approved" || past?.outcome === "already-rejected";
    if (isReviewed || !answer.isLost || answer.decision === undefined) return past;
    return say(answer.decision, `GitHub did not confirm the answer, but the deployment to ${environment} no longer waits`);
  }
  if (by === "app" && error.status === 404)
    return say(
      "refused",
      `the environment ${environment} has no rule of the app that \`approval-token\` belongs to: turn it on under Settings, Environments, ${environment}`,
    );
  if (error.status === 422)
    return say(
      "refused",
      `GitHub did not accept the answer for ${environment} (${error.message}): ${by === "app" ? "another step may have answered for the app already, or it reported ten times" : "the token's user may not review it now"}`,
    );
  return undefined;
}

async function whyNoReviewer(
  api: GitHub,
  { environment }: ApprovalQuestion,
  { run, rules }: Situation,
  waiting: Waiting,
): Promise<string> {
  const login = await loginOf(api);
  const who = login ?? "the token's user";
  if (rules.preventsSelfReview && login !== undefined && run.startedBy !== undefined && isSame(login, run.startedBy))
    return `${login} started this run, and the environment ${environment} prevents self-review: another reviewer must approve`;
  const reviewers = waiting.reviewers.length > 0 ? waiting.reviewers : (rules.reviewers ?? []);
  const missing = reviewers.join(", ") || "a reviewer";
  return reviewers.some((one) => isSame(one, login ?? ""))
    ? `${who} is a reviewer of ${environment}, but GitHub does not let this token review: it needs \`deployments: write\`, and the user read access`
    : `${who} is no reviewer of ${environment}, which waits for ${missing}`;
}

/** An approval is one of the rules. @throws GitHubError */
async function stillWaitsFor(
  api: GitHub,
  { place, environment, by }: ApprovalQuestion,
  rules: EnvironmentRules,
): Promise<string[]> {
  const waiting = (await waitingDeployments(api, place)).find((one) => isSame(one.environment, environment));
  if (!waiting) return [];
  const { reviewers, timerEndsAt } = waiting;
  return [
    ...(timerEndsAt === undefined ? [] : [`it still waits for the wait timer, until ${new Date(timerEndsAt).toISOString()}`]),
    ...(by === "app" && reviewers.length > 0 ? [`it still waits for a reviewer: ${reviewers.join(", ")}`] : []),
    ...(by === "reviewer" && rules.apps.length > 0 ? [`it still waits for the rule of ${rules.apps.join(", ")}`] : []),
    ...(by === "app" && rules.apps.length > 1 ? [`it may wait for another rule: ${rules.apps.join(", ")}`] : []),
  ];
}

function short(sha: string): string {
  return sha.slice(0, 12);
}
