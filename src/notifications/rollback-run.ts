import { type GitHub, GitHubError } from "../github/api.ts";
import { minutes } from "../github/clock.ts";
import type { Repository } from "../github/deployments.ts";
import { errorText } from "../lib/error-text.ts";
import { growingPause, retry } from "../lib/retry.ts";
import type { RollbackResult } from "../model/report.ts";

/** What became of the workflow run that a rollback started. */

export interface StartedRun {
  id: number;
  url: string;
}

interface Wait {
  withinMs: number;
  firstPauseMs: number;
  cancel: AbortSignal;
}

/** A run that has not ended. */
class NotYet extends Error {}

const longestPauseMs = 30_000;

/** Never throws: the rollback was requested, whether or not its result can be seen. */
export async function resultOf(
  api: GitHub,
  repository: Repository,
  { id, url }: StartedRun,
  { withinMs, firstPauseMs, cancel }: Wait,
): Promise<RollbackResult> {
  const look = async (): Promise<string> => {
    const { data } = await api.rest.actions.getWorkflowRun({ ...repository, run_id: id });
    if (data.status !== "completed") throw new NotYet();
    return data.conclusion ?? "no conclusion";
  };
  try {
    const conclusion = await retry(look, {
      failure: (thrown) => {
        if (thrown instanceof NotYet) return thrown;
        // A run may be readable only a moment after it was started.
        if (thrown instanceof GitHubError && thrown.status === 404) return thrown;
        throw thrown;
      },
      mayPass: () => true,
      pauseMs: (_, attempt) => growingPause(firstPauseMs, attempt, { longestMs: longestPauseMs }),
      withinMs,
      signal: cancel,
    });
    return { run: id, url, conclusion };
  } catch (error) {
    const why = cancel.aborted
      ? "the run of smoke was cancelled"
      : error instanceof NotYet
        ? `it had not ended after ${minutes(withinMs)}`
        : errorText(error);
    return { run: id, url, problem: why };
  }
}
