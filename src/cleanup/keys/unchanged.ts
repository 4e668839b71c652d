import { areAllChanges, type ChangeCount, keyText } from "../../redis/connection.ts";
import type { KeyScope } from "./judge.ts";
import type { EarlierKeys, KeyPlan, KeyRequest } from "./plan-keys.ts";

/** What a scan found beside the keys to delete. */
export interface FoundKeys {
  request: KeyRequest;
  /** When the scan began. */
  changes: ChangeCount | undefined;
  /** By their judgements; as `latin1`. */
  guarded: Set<string>;
  unproven: Set<string>;
  earlier: Set<string>;
  /** Keys that the ledger names and Redis doesn't have. */
  unseen: Set<string>;
}

/**
 * The result of another scan, without a scan, if it is certain: the server counted exactly our own changes since the earlier scan
 * began, so every key that was not deleted is as it was found, and no key came back or was made. Otherwise somebody may be writing,
 * whatever has ended by now, and `undefined` says that the keyspace must be scanned.
 *
 * A scan that finds nothing proves less: it may miss a key that is made while it runs.
 */
export function unchangedSince(
  earlier: EarlierKeys | undefined,
  request: KeyRequest,
  now: ChangeCount | undefined,
): KeyPlan | undefined {
  if (earlier?.changes === undefined || !areAllChanges(earlier.changes, earlier.plan.found.changes, now)) return undefined;
  const { plan } = earlier;
  const { found } = plan;
  if (plan.blockers.length > 0 || !isDecidedAlike(found.request, request)) return undefined;
  const deleted = [...request.ledger].map(keyText).filter((key) => plan.keys.has(key));
  return {
    ...plan,
    keys: new Set(),
    found: { ...found, changes: now, unseen: new Set([...found.unseen, ...deleted]) },
    scanned: 0,
    problems: [],
    notes: [],
  };
}

/**
 * Whether no other scan could find more: the ids of rows that are deleted by now made more keys test data than are now. Those that
 * they alone made test data were deleted, or stay listed as they were found.
 */
function isDecidedAlike(before: KeyScope, now: KeyScope): boolean {
  const isSame = (a: Iterable<string>, b: Iterable<string>) => JSON.stringify([...a]) === JSON.stringify([...b]);
  return (
    before.scope === now.scope &&
    before.now === now.now &&
    before.olderThan === now.olderThan &&
    isSame(before.prefixes, now.prefixes) &&
    isSame(before.namespaces, now.namespaces) &&
    isSame(before.protectedKeys, now.protectedKeys) &&
    isSame(before.ledger, now.ledger) &&
    isSame(before.signIns ?? [], now.signIns ?? []) &&
    [...now.ids].every((id) => before.ids.has(id))
  );
}
