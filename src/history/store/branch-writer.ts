import type { GitHub, GitHubError } from "../../github/api.ts";
import type { Repository } from "../../github/deployments.ts";
import { type Head, moveBranch, readBranch, type TreeEntry, writeCommit } from "../../github/git.ts";
import { growingPause, retry } from "../../lib/retry.ts";
import { claimsFolder, monthsFolder, recordsFolder } from "./layout.ts";
import { HistoryFailure } from "./store.ts";

/** Changes a branch that others change at the same time: each change is made from what was read, and made again if another was faster. */

export interface BranchPlace {
  api: GitHub;
  repository: Repository;
  branch: string;
  cancel?: AbortSignal | undefined;
  /** Least length of an attempt for the pauses after it, in milliseconds. */
  firstPauseMs?: number | undefined;
  /** Time limit for one change, with all its attempts. */
  withinMs?: number | undefined;
}

/** What a change makes of the branch as it is. Without a tree there is nothing to do. */
export interface Made<Result> {
  result: Result;
  tree?: { sha: string; top: readonly TreeEntry[] };
}

const defaultFirstPauseMs = 500;
/** In attempts. */
const longestPause = 60;
const defaultWithinMs = 300_000;
/** GitHub may show what was before for some seconds. */
const refusalsOfTheSame = 6;

/** The branch could not be moved from this commit. */
class Lost extends Error {
  readonly from: string | undefined;
  readonly is: "refused" | "unknown";
  readonly error: GitHubError;

  constructor(from: string | undefined, { is, error }: { is: "refused" | "unknown"; error: GitHubError }) {
    super("the branch was not moved");
    this.from = from;
    this.is = is;
    this.error = error;
  }
}

/**
 * @param message the commit's; it holds nothing of others
 * @param make called again with the branch as it then is, if another writer was faster, or if an answer was lost (`isUnknown`): it sees
 * whether the change is there
 */
export async function changeBranch<Result>(
  place: BranchPlace,
  message: string,
  make: (head: Head | undefined, isUnknown: boolean) => Promise<Made<Result>>,
): Promise<Result> {
  const { api, repository, branch, cancel, firstPauseMs = defaultFirstPauseMs, withinMs = defaultWithinMs } = place;
  let began = performance.now();
  let isUnknown = false;
  let still = 0;
  let last: string | undefined;
  return await retry(
    async () => {
      began = performance.now();
      const head = await readBranch(api, repository, branch);
      const { result, tree } = await make(head, isUnknown);
      if (!tree || tree.sha === head?.tree) return result;
      refuseOthersFiles(branch, tree.top);
      const parents = head ? [head.commit] : [];
      const commit = await writeCommit(api, repository, { message, tree: tree.sha, parents, now: Date.now() });
      const move = await moveBranch(api, repository, { branch, commit, create: !head });
      if (move.is === "moved") return result;
      throw new Lost(head?.commit, move);
    },
    {
      failure(thrown) {
        if (!(thrown instanceof Lost)) throw thrown;
        isUnknown = thrown.is === "unknown";
        still = isUnknown ? 0 : thrown.from === last ? still + 1 : 1;
        last = thrown.from;
        return thrown;
      },
      mayPass: () => still < refusalsOfTheSame,
      // Measured in attempts, because one is lost to whoever moves the branch while it lasts. Anywhere within the time that grows: those who
      // lost together don't meet again.
      pauseMs(_, attempt) {
        const lastedMs = Math.max(firstPauseMs, performance.now() - began);
        return Math.random() * growingPause(lastedMs, attempt, { longestMs: lastedMs * longestPause });
      },
      withinMs,
      signal: cancel,
      gaveUp: ({ why, last: { is, error }, failures }) => {
        if (why === "refused")
          return new HistoryFailure(
            "EA8104",
            `GitHub refuses to move the branch, and no other writer moved it: look whether a rule of the repository protects it (${error.message})`,
            error,
          );
        const known = is === "unknown" ? "; the last answer was lost, so it may have been written" : "";
        return new HistoryFailure(
          "EA8105",
          `other jobs wrote to the branch at the same time, and were faster ${failures.length} times${known}: let one job collect the records of all`,
          error,
        );
      },
    },
  );
}

const ours: ReadonlySet<string> = new Set([recordsFolder, monthsFolder, claimsFolder]);
/** What people may put there. */
const harmless = /^(?:README|LICENSE|\.git)/i;

/** Whoever names a branch with code must not get records between its files. */
function refuseOthersFiles(branch: string, top: readonly TreeEntry[]): void {
  const others = top.map(({ path }) => path).filter((path) => !ours.has(path) && !harmless.test(path));
  if (others.length > 0)
    throw new HistoryFailure(
      "EA8106",
      `the branch ${branch} has other files, such as ${others[0]}: name a branch in history.store.branch that is only for the history`,
    );
}
