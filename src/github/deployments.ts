import { retry } from "../lib/retry.ts";
import type { Commit } from "../model/report.ts";
import { type GitHub, GitHubError } from "./api.ts";
import { clockToleranceMs, minutes } from "./clock.ts";

export interface DeploymentQuestion {
  /** `owner/name` */
  repository: string;
  /** GitHub's id, as the caller of the action wrote it. */
  id: string;
  /** The commit under test. */
  commit: Commit;
  /** The name of GitHub's environment, if a specific one is required. */
  environmentName?: string;
  /** The current time in milliseconds. */
  now: number;
  /** The maximum age of the deployment's success. */
  maxAgeMs: number;
}

export type DeploymentAnswer = { verified: true; why: string } | { verified: false; why: string };

/**
 * Whether GitHub lists this deployment as the current, successful one of this commit. This trusts GitHub's records: anyone who
 * may write deployments in the repository can claim success.
 * @throws GitHubError if GitHub could not answer; nothing is known then
 */
export async function verifyDeployment(api: GitHub, question: DeploymentQuestion): Promise<DeploymentAnswer> {
  const { id, repository } = question;
  if (!/^[1-9]\d{0,14}$/.test(id)) return refuse(`${JSON.stringify(id)} is not the id of a deployment: expected a number`);
  const found = await findDeployment(api, repository, Number(id));
  return found ? judgeDeployment(found, question) : refuse(`${repository} has no deployment ${id}, or the token may not see it`);
}

interface FoundDeployment {
  sha: string;
  environment: string;
  /** In any order. */
  statuses: { id: number; state: string; created_at: string; environment?: string }[];
}

async function findDeployment(api: GitHub, repository: string, id: number): Promise<FoundDeployment | undefined> {
  const [owner = "", repo = ""] = repository.split("/");
  const place = { owner, repo, deployment_id: id };
  try {
    const { data } = await api.rest.repos.getDeployment(place);
    const statuses = await api.paginate(api.rest.repos.listDeploymentStatuses, { ...place, per_page: 100 });
    return { sha: data.sha, environment: data.environment, statuses };
  } catch (error) {
    if (error instanceof GitHubError && error.status === 404) return undefined;
    throw error;
  }
}

function judgeDeployment(found: FoundDeployment, question: DeploymentQuestion): DeploymentAnswer {
  const { id, commit, environmentName, now, maxAgeMs } = question;
  const deployment = `deployment ${id}`;
  if (found.sha !== commit.headSha && found.sha !== commit.sha)
    return refuse(
      `expected a deployment of commit ${short(commit.headSha ?? commit.sha)}, but ${deployment} is of ${short(found.sha)}`,
    );
  const newest = found.statuses.toSorted((a, b) => a.id - b.id).at(-1);
  const environment = newest?.environment || found.environment;
  // GitHub ignores the case of environment names.
  if (environmentName !== undefined && environment.toLowerCase() !== environmentName.toLowerCase())
    return refuse(
      `expected a deployment to ${environmentName}, but ${deployment} went to ${environment}. If that is GitHub's name of the environment, write it in its key \`deployedAs\``,
    );
  if (!newest) return refuse(`${deployment} has no status yet, so it is unknown whether it succeeded`);
  if (newest.state !== "success") return refuse(`${deployment} is ${newest.state}${meaning[newest.state] ?? ""}`);
  const ageMs = now - Date.parse(newest.created_at);
  // Written so that an invalid time is rejected too.
  if (!(ageMs >= -clockToleranceMs)) return refuse(`${deployment} is dated in the future (${newest.created_at})`);
  if (ageMs > maxAgeMs)
    return refuse(`${deployment} succeeded ${minutes(ageMs)} ago, longer ago than the allowed ${minutes(maxAgeMs)}`);
  return {
    verified: true,
    why: `${deployment} of ${short(found.sha)} to ${environment} succeeded ${minutes(Math.max(0, ageMs))} ago`,
  };
}

const meaning: Partial<Record<string, string>> = {
  inactive: ": a later deployment replaced it, or it was removed",
  in_progress: ": it is not finished",
  pending: ": it is not finished",
  queued: ": it has not begun",
  failure: ": it failed",
  error: ": it failed",
};

function refuse(why: string): DeploymentAnswer {
  return { verified: false, why };
}

function short(sha: string): string {
  return sha.slice(0, 12);
}

/**
 * Requests a rollback from GitHub, and records it at the deployment, so that two runs never request the same one. GitHub has no
 * atomic "write if absent" for deployments. So each run first writes its claim as a status of the deployment and then reads all
 * of them. The claim with the lowest id wins, because GitHub assigns ids in the order of writing. This relies on GitHub showing a
 * status to everybody once it has confirmed it.
 */

export interface Repository {
  owner: string;
  repo: string;
}

/** @param repository `owner/name` */
export function repositoryOf(repository: string): Repository {
  const [owner = "", repo = ""] = repository.split("/");
  return { owner, repo };
}

const ours = /^env-actions rollback (claimed|fired|failed|unknown) (\S+)$/;
/** How often to look: GitHub may need a moment until it shows a new status. */
const looks = 4;

export interface Claim {
  deployment: number;
  /** Identifies this attempt. */
  mark: string;
  /** The deployment's new state. */
  state: "failure" | "error";
  pauseMs?: number;
}

export type ClaimOutcome = "fired" | "failed" | "unknown";

/** Another run's claim. `at`: GitHub's time of the claim, in ISO 8601. `outcome`: the result, if that run has reported it. */
export interface ClaimElsewhere {
  by: string;
  at: string;
  outcome?: ClaimOutcome;
}

export type ClaimAnswer = { mine: true } | ({ mine: false } & ClaimElsewhere);

/**
 * Whether this attempt may request the rollback.
 * @throws GitHubError if that is unknown; then it must not be requested
 */
export async function claimRollback(api: GitHub, repository: Repository, claim: Claim): Promise<ClaimAnswer> {
  const before = (await claims(api, repository, claim.deployment))[0];
  if (before) return { mine: false, ...before };
  const lost = await writeStatus(api, repository, claim, `env-actions rollback claimed ${claim.mark}`).catch((error: unknown) => {
    // The claim may have been written although the answer was lost. Reading the statuses tells.
    if (error instanceof GitHubError && (error.status === undefined || error.status >= 500)) return error;
    throw error;
  });
  try {
    return await answerTo(api, repository, claim, lost);
  } catch (error) {
    // The claim exists but will not be used, so mark it as failed. If the answer was lost, it may not exist. If marking fails
    // too, the original error is the one to report.
    if (!lost) await recordRollback(api, repository, claim, "failed").catch(() => undefined);
    throw error;
  }
}

/**
 * Finds out whose claim comes first.
 * @param lost why it is unknown whether our claim was written
 */
async function answerTo(api: GitHub, repository: Repository, claim: Claim, lost: GitHubError | undefined): Promise<ClaimAnswer> {
  const notShown = new GitHubError("EA9006", "GitHub accepted the claim of a rollback, but does not list it", undefined);
  const look = async (): Promise<ClaimAnswer> => {
    const all = await claims(api, repository, claim.deployment);
    const first = all[0];
    if (!first || !all.some(({ by }) => by === claim.mark)) throw notShown;
    return first.by === claim.mark ? { mine: true } : { mine: false, ...first };
  };
  return await retry(look, {
    failure: (thrown) => thrown,
    mayPass: (thrown) => thrown === notShown,
    pauseMs: (_, attempt) => claim.pauseMs ?? 500 * attempt,
    attempts: looks,
    gaveUp: ({ why, last }) => (why === "refused" ? last : (lost ?? notShown)),
  });
}

/**
 * Records the outcome at the deployment.
 * @throws GitHubError
 */
export async function recordRollback(api: GitHub, repository: Repository, claim: Claim, outcome: ClaimOutcome): Promise<void> {
  await writeStatus(api, repository, claim, `env-actions rollback ${outcome} ${claim.mark}`);
}

/** All claims, oldest first, each with its outcome. */
async function claims(api: GitHub, repository: Repository, deployment: number): Promise<ClaimElsewhere[]> {
  const statuses = await api.paginate(api.rest.repos.listDeploymentStatuses, {
    ...repository,
    deployment_id: deployment,
    per_page: 100,
  });
  const said = statuses
    .toSorted((a, b) => a.id - b.id)
    .flatMap(({ description, created_at: at }) => {
      const [, word, by] = ours.exec(description ?? "") ?? [];
      return word && by ? [{ word, by, at }] : [];
    });
  return said
    .filter(({ word }) => word === "claimed")
    .map(({ by, at }) => {
      const end = said.findLast((one) => one.by === by && one.word !== "claimed")?.word as ClaimOutcome | undefined;
      return { by, at, ...(end ? { outcome: end } : {}) };
    });
}

async function writeStatus(
  api: GitHub,
  repository: Repository,
  { deployment, state }: Claim,
  description: string,
): Promise<undefined> {
  await api.rest.repos.createDeploymentStatus({ ...repository, deployment_id: deployment, state, description });
}

export interface WorkflowDispatch {
  file: string;
  ref: string;
  inputs: Readonly<Record<string, string>>;
  /** Whether GitHub shall say which run it started. */
  namesRun: boolean;
}

/**
 * Starts a workflow. Works with a job's own token too, whose other events start no workflows.
 * @returns the run, if GitHub says which
 * @throws GitHubError
 */
export async function dispatchWorkflow(
  api: GitHub,
  repository: Repository,
  { file, ref, inputs, namesRun }: WorkflowDispatch,
): Promise<{ id: number; url: string } | undefined> {
  const { data } = await api.rest.actions.createWorkflowDispatch({
    ...{ ...repository, workflow_id: file, ref, inputs: { ...inputs } },
    ...(namesRun ? { return_run_details: true } : {}),
  });
  // Without a body, as older servers answer.
  const { workflow_run_id: id, html_url: url } = (data ?? {}) as { workflow_run_id?: unknown; html_url?: unknown };
  return typeof id === "number" && typeof url === "string" ? { id, url } : undefined;
}

/**
 * Sends an event of this type.
 * @throws GitHubError
 */
export async function dispatchEvent(
  api: GitHub,
  repository: Repository,
  { type, payload }: { type: string; payload: Readonly<Record<string, string>> },
): Promise<void> {
  await api.rest.repos.createDispatchEvent({ ...repository, event_type: type, client_payload: { ...payload } });
}

/**
 * Whether GitHub may have carried out the request although it failed.
 * @param error the error of a request that was sent
 */
export function mayHaveBeenDone(error: unknown): boolean {
  return error instanceof GitHubError && (error.status === undefined || error.status >= 500);
}
