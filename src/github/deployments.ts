import type { Commit } from "../model/report.ts";
import type { GitHub } from "./api.ts";
import { clockToleranceMs, minutes } from "./clock.ts";
import { GitHubError } from "./failure.ts";

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
    return refuse(`expected a deployment to ${environmentName}, but ${deployment} went to ${environment}`);
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
