import type { Change } from "./history.ts";
import type { Attributed, ChangeSource } from "./segments.ts";

export interface Principals {
  /** `testData.principals`: those that only tests use. Where it is empty, nobody said who writes for the tests: it may be anybody. */
  exclusive: readonly string[];
  /** Who signs in for cleanup; `undefined` where it could not be asked. */
  self: string | undefined;
  runId: string;
}

/**
 * Whose a version is.
 * @param cleanup the versions that the suite's own deletes made, by what they answered
 */
export function attribute(changes: readonly Change[], cleanup: ReadonlySet<number>, principals: Principals): Attributed[] {
  return changes.map((change) => ({ ...change, side: sideOf(change, cleanup, principals) }));
}

function sideOf(change: Change, cleanup: ReadonlySet<number>, { exclusive, self, runId }: Principals): ChangeSource {
  const isSelf = self !== undefined && same(change.user, self);
  if (change.operation === "DELETE" && isSelf && cleanup.has(change.version)) return "cleanup";
  // A writer may note the run's id with its commits (spark.databricks.delta.commitInfo.userMetadata).
  if (change.metadata.includes(runId)) return "run";
  if (/(?<![0-9A-Za-z])\d{13}_[0-9a-f]{8}(?![0-9A-Za-z])/.test(change.metadata)) return "other";
  if (exclusive.some((principal) => same(principal, change.user))) return "run";
  return isSelf || exclusive.length === 0 ? "shared" : "other";
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
