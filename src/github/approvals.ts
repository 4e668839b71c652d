import { type GitHub, GitHubError } from "./api.ts";
import type { Repository } from "./deployments.ts";

/** Deployments that wait for an environment's rules: what GitHub says about them, and how they are answered. All of it may throw GitHubError. */

export interface RunPlace extends Repository {
  run_id: number;
}

export interface RunFacts {
  repository: string;
  isPrivate: boolean;
  headSha: string;
  /** `owner/name`, of a fork too; undefined if it was deleted. */
  headRepository: string | undefined;
  /** The name of a branch or of a tag. */
  headBranch: string | undefined;
  event: string;
  attempt: number | undefined;
  isCompleted: boolean;
  conclusion: string | undefined;
  /** The time of the first attempt, in milliseconds. */
  createdAt: number;
  /** Milliseconds. */
  startedAt: number;
  /** Who started it, or started it again. */
  startedBy: string | undefined;
}

/** @returns undefined if there is none, or the token may not see it */
export async function runFacts(api: GitHub, place: RunPlace): Promise<RunFacts | undefined> {
  const answer = await orMissing(api.rest.actions.getWorkflowRun({ ...place }));
  if (!answer) return undefined;
  const { data } = answer;
  return {
    repository: data.repository.full_name,
    isPrivate: data.repository.private,
    headSha: data.head_sha,
    // `null` for a deleted fork, although GitHub's description doesn't say so.
    headRepository: (data.head_repository as { full_name: string } | null)?.full_name,
    headBranch: data.head_branch ?? undefined,
    event: data.event,
    attempt: data.run_attempt,
    isCompleted: data.status === "completed",
    conclusion: data.conclusion ?? undefined,
    createdAt: Date.parse(data.created_at),
    startedAt: Date.parse(data.run_started_at ?? data.created_at),
    startedBy: data.triggering_actor?.login ?? data.actor?.login,
  };
}

export interface EnvironmentRules {
  /** People by login, teams as `@slug`; undefined: nobody has to review. */
  reviewers: readonly string[] | undefined;
  preventsSelfReview: boolean;
  /** Slugs of the apps whose rule is on. */
  apps: readonly string[];
}

/** @returns undefined if there is no such environment, or the token may not see it */
export async function environmentRules(
  api: GitHub,
  repository: Repository,
  environment: string,
): Promise<EnvironmentRules | undefined> {
  const place = { ...repository, environment_name: environment };
  const answer = await orMissing(api.rest.repos.getEnvironment(place));
  if (!answer) return undefined;
  const custom = await orMissing(api.rest.repos.getAllDeploymentProtectionRules(place));
  // Not by `type`: rules of a kind that we don't know must not break the ones that we do.
  const withReviewers = (answer.data.protection_rules ?? []).flatMap((rule) => ("reviewers" in rule ? [rule] : []));
  return {
    reviewers: withReviewers.length === 0 ? undefined : withReviewers.flatMap(({ reviewers = [] }) => reviewers.map(nameOf)),
    preventsSelfReview: withReviewers.some((rule) => rule.prevent_self_review === true),
    apps: (custom?.data.custom_deployment_protection_rules ?? []).filter(({ enabled }) => enabled).map(({ app }) => app.slug),
  };
}

function nameOf({ reviewer }: { reviewer?: unknown }): string {
  const { login, slug } = (reviewer ?? {}) as { login?: unknown; slug?: unknown };
  return typeof login === "string" ? login : `@${typeof slug === "string" ? slug : "a team"}`;
}

export interface Waiting {
  /** As GitHub spells it. */
  environment: string;
  environmentId: number | undefined;
  /** Whether the token's user may approve it as a reviewer. */
  mayApprove: boolean;
  reviewers: readonly string[];
  /** When the wait timer ends, in milliseconds; undefined if there is none. */
  timerEndsAt: number | undefined;
}

/** Every deployment of the run that waits. */
export async function waitingDeployments(api: GitHub, place: RunPlace): Promise<Waiting[]> {
  const { data } = await api.rest.actions.getPendingDeploymentsForRun({ ...place });
  return data.map((one) => ({
    environment: one.environment.name ?? "",
    environmentId: one.environment.id,
    mayApprove: one.current_user_can_approve,
    reviewers: one.reviewers.map(nameOf),
    timerEndsAt:
      one.wait_timer > 0 && one.wait_timer_started_at !== null
        ? Date.parse(one.wait_timer_started_at) + one.wait_timer * 60_000
        : undefined,
  }));
}

export interface ReviewFacts {
  state: "approved" | "rejected";
  by: string;
}

/** The reviews of an environment in this run, in all its attempts. Their comments are anybody's words, and are not read. */
export async function reviewsOf(api: GitHub, place: RunPlace, environment: string): Promise<ReviewFacts[]> {
  const { data } = await api.rest.actions.getReviewsForRun({ ...place });
  return data.flatMap(({ environments, state, user }) =>
    state !== "pending" && environments.some(({ name }) => isSame(name, environment))
      ? [{ state, by: user?.login ?? "somebody" }]
      : [],
  );
}

export interface RecordedJob {
  name: string;
  /** `waiting` if it waits for an environment. */
  status: string;
  conclusion: string | null;
}

/** The jobs of the run's newest attempt, as far as GitHub has begun them. */
export async function recordedJobs(api: GitHub, place: RunPlace): Promise<RecordedJob[]> {
  const jobs = await api.paginate(api.rest.actions.listJobsForWorkflowRun, { ...place, filter: "latest", per_page: 100 });
  return jobs.map(({ name, status, conclusion }) => ({ name, status, conclusion }));
}

/** The state of this run's deployment to an environment, if one has begun. Which run it is of, only the address of its log says. */
export async function begunDeployment(
  api: GitHub,
  { run_id: run, ...repository }: RunPlace,
  { sha, environment }: { sha: string; environment: string },
): Promise<string | undefined> {
  const { data } = await api.rest.repos.listDeployments({ ...repository, sha, environment, per_page: mostDeployments });
  for (const { id } of data) {
    const { data: statuses } = await api.rest.repos.listDeploymentStatuses({ ...repository, deployment_id: id, per_page: 100 });
    const newest = statuses.toSorted((a, b) => a.id - b.id).at(-1);
    const isOfRun = statuses.some(({ log_url, target_url }) =>
      [log_url, target_url].some((address) => address?.includes(`/actions/runs/${run}/`)),
    );
    if (isOfRun && newest && !notBegun.has(newest.state)) return newest.state;
  }
  return undefined;
}

/** A commit that was deployed more often is seldom. */
const mostDeployments = 10;
/** GitHub's description doesn't name `waiting`. */
const notBegun: ReadonlySet<string> = new Set(["waiting", "pending", "queued"]);

/** @returns undefined if the token belongs to nobody, such as an app's */
export async function loginOf(api: GitHub): Promise<string | undefined> {
  try {
    return (await api.rest.users.getAuthenticated()).data.login;
  } catch (error) {
    if (error instanceof GitHubError && (error.status === 403 || error.status === 404)) return undefined;
    throw error;
  }
}

export type Decision = "approved" | "rejected";

/** Answers for the app that the token belongs to. Without a decision, it only says something. */
export async function answerRule(
  api: GitHub,
  place: RunPlace,
  { environment, decision, comment }: { environment: string; decision: Decision | undefined; comment: string },
): Promise<void> {
  const said = { ...place, environment_name: environment, comment };
  await api.rest.actions.reviewCustomGatesForRun(decision === undefined ? said : { ...said, state: decision });
}

/** @returns the deployments that GitHub reviewed */
export async function reviewDeployment(
  api: GitHub,
  place: RunPlace,
  { environmentId, decision, comment }: { environmentId: number; decision: Decision; comment: string },
): Promise<{ environment: string; sha: string }[]> {
  const review = { ...place, environment_ids: [environmentId], state: decision, comment };
  const { data } = await api.rest.actions.reviewPendingDeploymentsForRun(review);
  return data.map(({ environment, sha }) => ({ environment, sha }));
}

/** GitHub ignores the case of environment names. */
export function isSame(name: string | undefined, other: string): boolean {
  return name?.toLowerCase() === other.toLowerCase();
}

async function orMissing<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof GitHubError && error.status === 404) return undefined;
    throw error;
  }
}
