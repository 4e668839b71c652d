import type { HistoryRecord } from "../model/history.ts";

/**
 * What a record says of itself, compared with what GitHub says of the workflow run whose artifact it was. Code of the run wrote the
 * record, so it may claim to be anything: another branch's result would hide that one's failures, and change its rates and baselines.
 */

/** GitHub's own word on a workflow run. */
export interface RunTruth {
  repository: string;
  /** Of the commit that ran; undefined if that repository was deleted. */
  headRepository: string | undefined;
  id: number;
  attempt: number | undefined;
  event: string;
  /** Or its tag. */
  headBranch: string | undefined;
  defaultBranch: string | undefined;
  /** Milliseconds. */
  createdAt: number;
}

/** Such a run has code that nobody here has reviewed: nothing that it left is believed. */
export function whyForeignRun({ repository, headRepository }: RunTruth): string | undefined {
  if (headRepository !== undefined && isSame(headRepository, repository)) return undefined;
  return `it ran a commit of ${headRepository ?? "a repository that was deleted"}, whose code could have written anything`;
}

/** A clock on a runner may be wrong by this. */
const clockMs = 5 * 60_000;

/** @returns why the record is not of this run; undefined if nothing that it says is wrong */
export function whyUntrue(
  { origin, branch, isDefaultBranch, event, runId, finishedAt }: HistoryRecord,
  run: RunTruth,
  now: number,
): string | undefined {
  if (origin.kind !== "github" || origin.repository === undefined || !isSame(origin.repository, run.repository))
    return "it says that another repository's run made it";
  if (origin.workflowRun !== String(run.id)) return "it says that another workflow run made it";
  const attempt = Number(origin.attempt ?? "1");
  if (!(attempt >= 1 && attempt <= (run.attempt ?? Number.POSITIVE_INFINITY)))
    return "it says that it is of an attempt that GitHub doesn't know";
  if (event !== undefined && event !== run.event) return `it says that another event than ${run.event} started it`;
  if (branch !== undefined && branch !== run.headBranch) return "it says that it tested another branch";
  const isOfDefault = run.headBranch !== undefined && run.headBranch === run.defaultBranch && !isPullRequest(run);
  if (isDefaultBranch && !isOfDefault) return "it says that it tested the default branch";
  // The path of a record follows from its time: a wrong one would be shown among other runs, or as the newest for years.
  const at = Number(runId.split("_")[0]);
  const end = Date.parse(finishedAt);
  if (!(at >= run.createdAt - clockMs)) return "it says that it is older than its workflow run";
  if (at > now + clockMs || !(end <= now + clockMs)) return "it says that it is from the future";
  return undefined;
}

function isPullRequest({ event }: RunTruth): boolean {
  return event.startsWith("pull_request");
}

/** GitHub's names differ in case only for people. */
function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
