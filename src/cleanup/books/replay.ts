import type { Actor, ChangeSource, Segment } from "./history.ts";

/**
 * Follows rows through the versions of a table. Rows are identified by content: two rows equal in every column are two copies of
 * one content. The key and the unchanged columns show which row became which.
 */

/** A content whose number of rows differs between versions. */
export interface ContentCounts {
  /** A hash of all columns. */
  content: string;
  /** NULL if the row or the table has no key. */
  key: string | null;
  /** A short hash per column, separated by commas: shows which parts of a changed row stayed the same. */
  parts: string;
  /** The number of rows with this content at the start and after each segment. */
  counts: readonly number[];
}

/** One row, which existed at the start or was created since. */
export interface TrackedRow {
  key: string | null;
  content: string;
  parts: string;
  origin: Actor | "start";
  /** Its content at the start. */
  startContent?: string;
  /** Who changed or deleted it. */
  touchedBy: Set<ChangeSource>;
  gone: boolean;
  goneBy?: ChangeSource;
}

export interface Replay {
  /** Rows created since the start that exist at the end. */
  made: TrackedRow[];
  /** Rows from the start that are different now. */
  changed: TrackedRow[];
  /** Rows that others created and the cleanup deleted, so they were created for the run. */
  deletedByCleanup: TrackedRow[];
  /** Rows inserted since the start, even if deleted later. */
  inserted: ReadonlyMap<ChangeSource, number>;
  /** Rows deleted since the start, whoever created them. */
  deleted: ReadonlyMap<ChangeSource, number>;
  /** A segment can be explained in two ways, so its versions have to be read one by one. */
  ambiguous: boolean;
}

export function replay(segments: readonly Segment[], contents: readonly ContentCounts[]): Replay {
  const state = new State(contents);
  for (const [index, segment] of segments.entries()) state.apply(segment, index, contents);
  return state.result();
}

class State {
  /** Content → the rows that have it now. */
  readonly #now = new Map<string, TrackedRow[]>();
  readonly #all: TrackedRow[] = [];
  readonly #inserted = new Map<ChangeSource, number>();
  readonly #deleted = new Map<ChangeSource, number>();
  #ambiguous = false;

  constructor(contents: readonly ContentCounts[]) {
    for (const { content, key, parts, counts } of contents)
      for (let copy = 0; copy < (counts[0] ?? 0); copy++)
        this.#add({ key, content, parts, origin: "start", startContent: content, touchedBy: new Set(), gone: false });
  }

  apply(segment: Segment, index: number, contents: readonly ContentCounts[]): void {
    const removed: TrackedRow[] = [];
    const added: ContentCounts[] = [];
    for (const one of contents) {
      const difference = (one.counts[index + 1] ?? 0) - (one.counts[index] ?? 0);
      if (difference < 0) removed.push(...this.#take(one.content, -difference, segment));
      for (let copy = 0; copy < difference; copy++) added.push(one);
    }
    const pairs = segment.updates || (segment.merged && segment.inserts && segment.deletes);
    const left = pairs ? this.#pairByKey(segment, removed, added) : { removed, added };
    // An update that changes the key adds no row and removes none.
    const onlyUpdates = segment.updates && !segment.inserts && !segment.deletes;
    if (onlyUpdates) this.#pair(segment, left.removed, left.added);
    else if (segment.updates && left.added.length > 0 && this.#ofOthers(segment, left.removed)) this.#ambiguous = true;
    for (const row of left.removed) {
      row.gone = true;
      row.goneBy = segment.side;
      row.touchedBy.add(segment.side);
      addTo(this.#deleted, segment.side);
    }
    for (const { content, key, parts } of left.added) {
      this.#add({ key, content, parts, origin: { side: segment.side, user: segment.user }, touchedBy: new Set(), gone: false });
      addTo(this.#inserted, segment.side);
    }
  }

  result(): Replay {
    const isIntact = (row: TrackedRow) => row.origin === "start" && !row.gone && row.content === row.startContent;
    const changed = this.#all.filter((row) => row.origin === "start" && !isIntact(row));
    const there = this.#all.filter((row) => !row.gone && !isIntact(row));
    // Content that is back as at the start counts as unchanged, whichever row has it now.
    const { left: restored, instead } = net(changed, there);
    return {
      made: [...there.filter((row) => row.origin !== "start" && !restored.has(row)), ...instead],
      changed: changed.filter((row) => !restored.has(row)),
      deletedByCleanup: this.#all.filter((row) => row.goneBy === "cleanup" && row.origin !== "start"),
      inserted: this.#inserted,
      deleted: this.#deleted,
      ambiguous: this.#ambiguous,
    };
  }

  #add(row: TrackedRow): void {
    this.#all.push(row);
    this.#place(row);
  }

  #place(row: TrackedRow): void {
    const alike = this.#now.get(row.content);
    if (alike) alike.push(row);
    else this.#now.set(row.content, [row]);
  }

  /** A statement affects all equal rows. If fewer are gone, the actor's own rows are taken first. */
  #take(content: string, number: number, actor: Actor): TrackedRow[] {
    const alike = this.#now.get(content) ?? [];
    const rank = ({ origin }: TrackedRow) => (origin === "start" ? 2 : origin.user === actor.user ? 0 : 1);
    alike.sort((a, b) => rank(b) - rank(a));
    return alike.splice(Math.max(0, alike.length - number), number);
  }

  #pairByKey(segment: Segment, removed: TrackedRow[], added: ContentCounts[]): { removed: TrackedRow[]; added: ContentCounts[] } {
    const left = { removed: [] as TrackedRow[], added: [] as ContentCounts[] };
    const addedBy = Map.groupBy(added, ({ key }) => key);
    const removedBy = Map.groupBy(removed, ({ key }) => key);
    for (const [key, rows] of removedBy) {
      const others = addedBy.get(key) ?? [];
      addedBy.delete(key);
      // A deleted row and a new one under the same key look like a changed row.
      if (segment.inserts && segment.deletes && segment.merged && others.length > 0 && this.#ofOthers(segment, rows))
        this.#ambiguous = true;
      this.#pair(segment, rows, others);
      left.removed.push(...rows);
      left.added.push(...others);
    }
    for (const others of addedBy.values()) left.added.push(...others);
    return left;
  }

  /** Whether it matters what became of these rows: an actor's own rows stay its own either way. */
  #ofOthers({ user }: Segment, rows: readonly TrackedRow[]): boolean {
    return rows.some(({ origin }) => origin === "start" || origin.user !== user);
  }

  /** Pairs the most similar rows first, and removes pairs from both lists. */
  #pair(segment: Segment, removed: TrackedRow[], added: ContentCounts[]): void {
    if (removed.length === 0 || added.length === 0) return;
    const pairs = pairsOf(removed, added);
    for (const [row, now] of pairs) {
      row.touchedBy.add(segment.side);
      row.key = now.key;
      row.content = now.content;
      row.parts = now.parts;
      this.#place(row);
    }
    const paired = new Set<TrackedRow>(pairs.map(([row]) => row));
    const taken = new Map<ContentCounts, number>();
    for (const [, now] of pairs) taken.set(now, (taken.get(now) ?? 0) + 1);
    removed.splice(0, removed.length, ...removed.filter((row) => !paired.has(row)));
    const isFree = (one: ContentCounts): boolean => {
      const copies = taken.get(one) ?? 0;
      taken.set(one, copies - 1);
      return copies <= 0;
    };
    added.splice(0, added.length, ...added.filter(isFree));
  }
}

function addTo(counts: Map<ChangeSource, number>, side: ChangeSource): void {
  counts.set(side, (counts.get(side) ?? 0) + 1);
}

/** Above this, comparing each row with each would take too long, so rows under one key are paired in order. */
const mostCompared = 40_000;

/** Puts each row in at most one pair, and prefers pairs with more equal columns. */
function pairsOf(removed: readonly TrackedRow[], added: readonly ContentCounts[]): [TrackedRow, ContentCounts][] {
  if (removed.length * added.length > mostCompared) {
    const inOrder = added.toSorted((a, b) => (a.parts < b.parts ? -1 : 1));
    return removed
      .toSorted((a, b) => (a.parts < b.parts ? -1 : 1))
      .flatMap((row, index): [TrackedRow, ContentCounts][] => {
        const now = inOrder[index];
        return now ? [[row, now]] : [];
      });
  }
  const columnsOf = (parts: string) => parts.split(",");
  const after = added.map(({ parts }) => columnsOf(parts));
  const choices = removed.flatMap((row, from) => {
    const before = columnsOf(row.parts);
    return after.map((columns, to) => ({ from, to, alike: columns.filter((column, index) => column === before[index]).length }));
  });
  choices.sort((a, b) => b.alike - a.alike);
  const [usedFrom, usedTo] = [new Set<number>(), new Set<number>()];
  const pairs: [TrackedRow, ContentCounts][] = [];
  for (const { from, to } of choices) {
    const [row, now] = [removed[from], added[to]];
    if (!row || !now || usedFrom.has(from) || usedTo.has(to)) continue;
    usedFrom.add(from);
    usedTo.add(to);
    pairs.push([row, now]);
  }
  return pairs;
}

/**
 * Cancels out changed or deleted rows whose content from the start exists again in another row. Rows that the run didn't touch go
 * first, so that a doubt counts against the run.
 * @returns `instead`: the changed versions of rows whose original content somebody recreated, each owned by that writer
 */
function net(
  changed: readonly TrackedRow[],
  there: readonly TrackedRow[],
): { left: ReadonlySet<TrackedRow>; instead: TrackedRow[] } {
  const left = new Set<TrackedRow>();
  const instead: TrackedRow[] = [];
  const used = new Set<TrackedRow>();
  const ours = (row: TrackedRow) => [...row.touchedBy].some((side) => side !== "other");
  const rank = ({ origin }: TrackedRow) => (origin === "start" || origin.side === "other" ? 0 : 1);
  const extras = Map.groupBy(
    there.toSorted((a, b) => rank(a) - rank(b)),
    ({ content }) => content,
  );
  for (const row of changed.toSorted((a, b) => Number(ours(a)) - Number(ours(b)))) {
    const extra = extras.get(row.startContent ?? "")?.find((one) => !used.has(one));
    if (!extra) continue;
    used.add(extra);
    left.add(row);
    if (extra.origin === "start") continue;
    left.add(extra);
    if (!row.gone) instead.push({ ...row, origin: extra.origin });
  }
  return { left, instead };
}
