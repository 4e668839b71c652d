import type { Change } from "./history.ts";
import type { Attributed, ChangeSource } from "./segments.ts";

export interface Principals {
  /** `testData.principals`: principals that only tests use. If empty, any principal may write for the tests. */
  exclusive: readonly string[];
  /** The principal that cleanup uses; `undefined` if it could not be read. */
  self: string | undefined;
  runId: string;
}

/**
 * Decides who wrote a version.
 * @param cleanup the versions that the suite's own deletes created, according to their answers
 */
export function attribute(changes: readonly Change[], cleanup: ReadonlySet<number>, principals: Principals): Attributed[] {
  return changes.map((change) => ({ ...change, side: sideOf(change, cleanup, principals) }));
}

function sideOf(change: Change, cleanup: ReadonlySet<number>, { exclusive, self, runId }: Principals): ChangeSource {
  const isSelf = self !== undefined && same(change.user, self);
  if (change.operation === "DELETE" && isSelf && cleanup.has(change.version)) return "cleanup";
  // A writer can add the run's id to its commits (spark.databricks.delta.commitInfo.userMetadata).
  if (change.metadata.includes(runId)) return "run";
  if (/(?<![0-9A-Za-z])\d{13}_[0-9a-f]{8}(?![0-9A-Za-z])/.test(change.metadata)) return "other";
  if (exclusive.some((principal) => same(principal, change.user))) return "run";
  return isSelf || exclusive.length === 0 ? "shared" : "other";
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
