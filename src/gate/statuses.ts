import { type GitHub, GitHubError } from "../github/api.ts";
import { cut } from "../report/words.ts";
import type { StageOutcome, StageResult } from "./judge.ts";

/** One commit status for each stage, for people to see: anybody with write access can set one, so the gate never reads them. */

type State = "error" | "failure" | "pending" | "success";

const states: Record<StageOutcome, State> = {
  passed: "success",
  degraded: "success",
  "left out": "success",
  skipped: "success",
  failed: "failure",
  missing: "failure",
  error: "error",
  cancelled: "error",
};

/** GitHub takes no more. */
const longestDescription = 140;

export interface StatusPlace {
  owner: string;
  repo: string;
  /** The head of a pull request, because a status of the merge commit would take the place of a required check's. */
  sha: string;
  /** Tells the projects of a monorepo apart; undefined for the only one. */
  project: string | undefined;
  /** Where a click leads. */
  page: string | undefined;
}

/**
 * Writes only what has changed.
 * @returns how many were written
 * @throws GitHubError
 */
export async function writeStatuses(api: GitHub, place: StatusPlace, stages: readonly StageResult[]): Promise<number> {
  const { owner, repo, sha, project, page } = place;
  const known = await api.paginate(api.rest.repos.listCommitStatusesForRef, { owner, repo, ref: sha, per_page: 100 });
  let written = 0;
  let unanswered: GitHubError | undefined;
  for (const { stage, outcome, why } of stages) {
    const context = `env-actions / ${stage}${project ? ` (${project})` : ""}`;
    const wanted = { state: states[outcome], description: cut(`${outcome}: ${why}`, longestDescription), target_url: page };
    // Newest first.
    const now = known.find((status) => status.context === context);
    if (now && now.state === wanted.state && now.description === wanted.description && (now.target_url ?? undefined) === page)
      continue;
    try {
      await api.rest.repos.createCommitStatus({ owner, repo, sha, context, ...wanted });
      written++;
    } catch (error) {
      // One lost answer must not leave the others as an earlier run wrote them.
      if (!(error instanceof GitHubError) || error.code !== "EA9006") throw error;
      unanswered ??= error;
    }
  }
  if (unanswered) throw unanswered;
  return written;
}
