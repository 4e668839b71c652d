import { retry } from "../lib/retry.ts";
import type { GitHub } from "./api.ts";
import { GitHubError } from "./failure.ts";

/**
 * Asking GitHub for a rollback, and the record at the deployment that keeps two runs from asking for the same. GitHub has no "write
 * only if nobody has" for deployments. So each run first writes its claim as a status of the deployment, and then reads all of them:
 * the claim with the lowest id, which GitHub gives in the order of writing, is the one that counts. That holds as long as GitHub shows
 * a status to everybody once it has answered for it.
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
/** GitHub may need a moment until it shows what it took. */
const looks = 4;

export interface Claim {
  deployment: number;
  /** Of this attempt, and no other. */
  mark: string;
  /** What the deployment is said to be from now on. */
  state: "failure" | "error";
  pauseMs?: number;
}

export type ClaimOutcome = "fired" | "failed" | "unknown";

/** Another run's claim. `at`: when, in ISO 8601 and by GitHub's clock. `outcome`: what became of it, where its run said so. */
export interface ClaimElsewhere {
  by: string;
  at: string;
  outcome?: ClaimOutcome;
}

export type ClaimAnswer = { mine: true } | ({ mine: false } & ClaimElsewhere);

/** Whether this attempt is the one that may ask for the rollback. @throws GitHubError when that could not be told; then nobody may */
export async function claimRollback(api: GitHub, repository: Repository, claim: Claim): Promise<ClaimAnswer> {
  const before = (await claims(api, repository, claim.deployment))[0];
  if (before) return { mine: false, ...before };
  const lost = await writeStatus(api, repository, claim, `env-actions rollback claimed ${claim.mark}`).catch((error: unknown) => {
    // Without an answer it may have been written: what stands there tells.
    if (error instanceof GitHubError && (error.status === undefined || error.status >= 500)) return error;
    throw error;
  });
  try {
    return await answerTo(api, repository, claim, lost);
  } catch (error) {
    // It stands there and will not be followed: nobody should take it for one that was. Without an answer it may not stand there. If
    // that fails as well, the failure that led here is the one to tell.
    if (!lost) await recordRollback(api, repository, claim, "failed").catch(() => undefined);
    throw error;
  }
}

/** Whose claim is the first. @param lost why it is not known whether ours was written */
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

/** Says at the deployment what became of it. @throws GitHubError */
export async function recordRollback(api: GitHub, repository: Repository, claim: Claim, outcome: ClaimOutcome): Promise<void> {
  await writeStatus(api, repository, claim, `env-actions rollback ${outcome} ${claim.mark}`);
}

/** Oldest first, each with what became of it. */
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
}

/** Starts a workflow; also with a job's own token, whose other events start none. @throws GitHubError */
export async function dispatchWorkflow(
  api: GitHub,
  repository: Repository,
  { file, ref, inputs }: WorkflowDispatch,
): Promise<void> {
  await api.rest.actions.createWorkflowDispatch({ ...repository, workflow_id: file, ref, inputs: { ...inputs } });
}

/** Sends an event of this type. @throws GitHubError */
export async function dispatchEvent(
  api: GitHub,
  repository: Repository,
  { type, payload }: { type: string; payload: Readonly<Record<string, string>> },
): Promise<void> {
  await api.rest.repos.createDispatchEvent({ ...repository, event_type: type, client_payload: { ...payload } });
}

/** Whether GitHub may have done it although it did not say so. @param error of a request that was sent */
export function mayHaveBeenDone(error: unknown): boolean {
  return error instanceof GitHubError && (error.status === undefined || error.status >= 500);
}
