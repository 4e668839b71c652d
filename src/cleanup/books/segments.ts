import type { Change } from "./history.ts";

/**
 * Whose writes these are. `run`: a principal that only tests use. `shared`: one that the run uses, and perhaps others too.
 * `cleanup`: the suite's own deletions. `other`: somebody else's.
 */
export type ChangeSource = "run" | "shared" | "cleanup" | "other";

export interface Actor {
  side: ChangeSource;
  user: string;
}

/** Versions after each other by one actor, which are looked at as one step. */
export interface Segment extends Actor {
  /** The last version of it. */
  to: number;
  inserts: boolean;
  updates: boolean;
  deletes: boolean;
  /** More than one version. */
  merged: boolean;
}

/** As {@link Change}, with who did it. */
export type Attributed = Change & Actor;

/**
 * - `fine`: joins only what loses nothing by it – inserts with inserts, deletes with deletes of one actor.
 * - `coarse`: joins everything that one actor did without another in between; far fewer versions have to be read.
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
