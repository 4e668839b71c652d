import { evidenceInArtifacts } from "../evidence/store.ts";
import type { GitHub } from "../github/api.ts";
import { type RunFacts, type RunPlace, recordedJobs } from "../github/approvals.ts";
import { artifactsOfRun } from "../github/run-artifacts.ts";
import { growingPause, retry } from "../lib/retry.ts";
import type { Commit, Origin, StageName } from "../model/report.ts";
import type { Job, JobResult } from "./needs.ts";

/** What the gate needs to know of a workflow run that is not its own: GitHub's record of the jobs, and the artifacts. */
export interface OtherRun {
  jobs: Job[];
  event: string;
  commit: Commit;
  origin: Origin;
  find(stage: StageName): ReturnType<typeof evidenceInArtifacts>;
}

/** A run in which jobs still run. */
class NotYet extends Error {}

const longestPauseMs = 30_000;

/**
 * Waits until no job runs any more, as two looks see it: only those that wait for an environment may be left.
 * @returns undefined if some still run in the end
 * @throws GitHubError
 */
export async function readOtherRun(api: GitHub, place: RunPlace, run: RunFacts, waitMs: number): Promise<OtherRun | undefined> {
  let quietLooks = 0;
  const look = async (): Promise<Job[]> => {
    const jobs = await recordedJobs(api, place);
    const isQuiet = jobs.every(({ status }) => status === "completed" || status === "waiting");
    quietLooks = isQuiet ? quietLooks + 1 : 0;
    // A job is listed a moment after the jobs that it needs have ended.
    if (quietLooks < (run.isCompleted ? 1 : 2)) throw new NotYet();
    const ended = jobs.filter(({ status }) => status === "completed");
    return ended.map(({ name, conclusion }) => ({ id: name, result: resultOf(conclusion) }));
  };
  let jobs: Job[];
  try {
    jobs = await retry(look, {
      failure: (thrown) => {
        if (thrown instanceof NotYet) return thrown;
        throw thrown;
      },
      mayPass: () => true,
      pauseMs: (_, attempt) => growingPause(Math.min(2_000, waitMs / 4), attempt, { longestMs: longestPauseMs }),
      withinMs: waitMs,
    });
  } catch (error) {
    if (error instanceof NotYet) return undefined;
    throw error;
  }
  const artifacts = artifactsOfRun(api, { owner: place.owner, repo: place.repo, run: place.run_id });
  return {
    jobs,
    event: run.event,
    // Stages on a pull request record its head beside the merge commit, and others record no head.
    commit: { sha: run.headSha, ...(run.event === "pull_request" ? { headSha: run.headSha } : {}) },
    origin: {
      kind: "github",
      repository: run.repository,
      workflowRun: String(place.run_id),
      ...(run.attempt === undefined ? {} : { attempt: String(run.attempt) }),
    },
    find: (stage) => evidenceInArtifacts(artifacts, stage),
  };
}

/** As in `needs`: whatever is no success, skip or cancel counts as a failure. */
function resultOf(conclusion: string | null): JobResult {
  return conclusion === "success" || conclusion === "skipped" || conclusion === "cancelled" ? conclusion : "failure";
}
