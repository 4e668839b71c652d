import type { Change } from "./history.ts";

/**
 * Who wrote. `run`: a principal that only tests use. `shared`: one that the run uses and others may use too. `cleanup`: the
 * suite's own deletes. `other`: anybody else.
 */
export type ChangeSource = "run" | "shared" | "cleanup" | "other";

export interface Actor {
  side: ChangeSource;
  user: string;
}

/** Consecutive versions by one actor, treated as one step. */
export interface Segment extends Actor {
  /** Its last version. */
  to: number;
  inserts: boolean;
  updates: boolean;
  deletes: boolean;
  /** Whether it has more than one version. */
  merged: boolean;
}

/** A {@link Change} and who made it. */
export type Attributed = Change & Actor;

/**
 * Joins versions into segments.
 * - `fine`: joins inserts with inserts and deletes with deletes of one actor, which loses no information.
 * - `coarse`: joins all consecutive versions of one actor, so that far fewer versions have to be read.
 */
export function segmentsOf(changes: readonly Attributed[], how: "fine" | "coarse"): Segment[] {
  const segments: Segment[] = [];
  for (const change of changes) {
    const next: Segment = {
      side: change.side,
      user: change.user,
      to: change.version,
      inserts: change.inserted !== 0,
      updates: change.updated !== 0,
      deletes: change.deleted !== 0,
      merged: false,
    };
    const last = segments.at(-1);
    const sameActor = last?.side === next.side && last.user === next.user;
    if (!last || !sameActor || (how === "fine" && !losesNothing(last, next))) {
      segments.push(next);
      continue;
    }
    last.to = next.to;
    last.inserts ||= next.inserts;
    last.updates ||= next.updates;
    last.deletes ||= next.deletes;
    last.merged = true;
  }
  return segments;
}

function losesNothing(one: Segment, next: Segment): boolean {
  const onlyInserts = (segment: Segment) => segment.inserts && !segment.updates && !segment.deletes;
  const onlyDeletes = (segment: Segment) => segment.deletes && !segment.updates && !segment.inserts;
  return (onlyInserts(one) && onlyInserts(next)) || (onlyDeletes(one) && onlyDeletes(next));
}
