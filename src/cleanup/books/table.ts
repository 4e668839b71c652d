import type { Amount, Deletion } from "../../model/test-data.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { unknownAmount, zeroAmount } from "./balance.ts";
import { differences, isAlike, type ReadableTable, rowCounts, type VersionAt } from "./contents.ts";
import { type Attributed, type ChangeSource, type Segment, segmentsOf } from "./history.ts";
import { type Replay, replay, type TrackedRow } from "./replay.ts";

/** A table whose rows changed since the start. */
export interface TableCase extends ReadableTable {
  /** Its version at the start; `undefined`: it didn't exist. */
  from: VersionAt;
  to: number;
  changes: readonly Attributed[];
  /** What the cleanup deleted. */
  deletions: readonly Deletion[];
  person: ReadonlySet<string>;
}

/** What is known about a table, before rows of parallel runs are separated. */
export interface Finding {
  made: Amount;
  deleted: Amount;
  /** Rows that exist now and didn't at the start, from any writer; `undefined` if not read. */
  rows?: TrackedRow[];
  /** Rows from the start that were changed; `undefined` if not read. */
  changed?: TrackedRow[];
  /** If rows were not read, or not all could be explained: the rest according to the history's metrics. */
  unexplained: Amount;
  touched: Amount;
  why?: string;
}

const mine: ReadonlySet<ChangeSource> = new Set<ChangeSource>(["run", "shared", "cleanup"]);

export function isByRunOrCleanup({ side }: { side: ChangeSource }): boolean {
  return mine.has(side);
}

/** Sums the history's metrics for some of its writers. */
function figure(changes: readonly Attributed[], sides: readonly ChangeSource[], of: "inserted" | "updated" | "deleted"): Amount {
  const amounts = changes.filter(({ side }) => sides.includes(side)).map((change) => change[of]);
  const least = amounts.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  return { least, most: amounts.includes(undefined) ? null : least };
}

/**
 * The number of rows that the run created. At least those that only it can have created, or that its cleanup deleted as its test
 * data.
 * @param cleaned rows created since the start that the cleanup deleted
 */
function madeSince(changes: readonly Attributed[], cleaned: number): Amount {
  const { most } = figure(changes, ["run", "shared"], "inserted");
  const { least } = figure(changes, ["run"], "inserted");
  return { least: Math.max(least, Math.min(cleaned, most ?? cleaned)), most };
}

function deletedSince(changes: readonly Attributed[]): Amount {
  const { least } = figure(changes, ["run", "cleanup"], "deleted");
  return { least, most: figure(changes, ["run", "shared", "cleanup"], "deleted").most };
}

/** The finding if only others changed rows. */
export function untouchedByRun(): Finding {
  return { made: zeroAmount, deleted: zeroAmount, unexplained: zeroAmount, touched: zeroAmount };
}

/**
 * What the history's metrics prove without reading rows: if rows were only added, and the cleanup deleted none that existed
 * before or that others created, the difference of two numbers is left.
 * @param selected how many rows the cleanup's deletes would have selected, at the versions of {@link versionsToCount}
 * @returns `undefined` if rows have to be compared
 */
export function findingFromMetrics(
  { changes }: TableCase,
  selected: ReadonlyMap<VersionAt, number>,
  from: VersionAt,
): Finding | undefined {
  const steps = segmentsOf(changes, "coarse");
  if (changes.some((change) => change.side !== "cleanup" && (change.updated !== 0 || change.deleted !== 0))) return undefined;
  const deleted = figure(changes, ["cleanup"], "deleted");
  const made = madeSince(changes, deleted.least);
  if (made.most === null || deleted.most === null) return undefined;
  if (deleted.most > 0) {
    const at = (version: VersionAt) => (version === undefined ? 0 : selected.get(version));
    if (at(from) !== 0) return undefined;
    for (const [index, step] of steps.entries()) {
      if (step.side !== "other") continue;
      const [before, after] = [at(steps[index - 1]?.to ?? from), at(step.to)];
      // Two unknown counts are not equal.
      if (before === undefined || before !== after) return undefined;
    }
  }
  const left = made.most - deleted.most;
  if (left < 0) return undefined;
  const certain = Math.max(0, left - figure(changes, ["shared"], "inserted").least);
  return {
    made,
    deleted,
    unexplained: { least: certain, most: left },
    touched: zeroAmount,
  };
}

/** The versions at which the rows of the cleanup's deletes are counted: a few rows by key, however large the table. */
export function versionsToCount({ changes, deletions, from }: TableCase): number[] {
  if (deletions.length === 0) return [];
  const steps = segmentsOf(changes, "coarse");
  const around = steps.flatMap((step, index) => (step.side === "other" ? [steps[index - 1]?.to ?? from, step.to] : []));
  return [...new Set([from, ...around])].filter((version) => version !== undefined);
}

/** Compares the rows of the relevant versions. @throws WarehouseFailure; Error if too much differs */
export async function findingFromRows(warehouse: WarehouseReader, table: TableCase, maxRead: number): Promise<Finding> {
  const same = await asAtTheStart(warehouse, table, maxRead);
  if (same) return same;
  const coarse = segmentsOf(table.changes, "coarse");
  const versions = versionsOf(table.from, coarse);
  const counts = await rowCounts(warehouse, table.table, versions);
  const rows = counts.reduce((sum, count) => sum + count, 0);
  if (rows > maxRead) return await byEnds(warehouse, table, { maxRead, rows, ends: (counts[0] ?? 0) + (counts.at(-1) ?? 0) });
  const first = replay(coarse, await differences(warehouse, table, versions));
  if (!first.ambiguous) return findingOf(table, first);
  const fine = segmentsOf(table.changes, "fine");
  const most = Math.max(...counts) + figure(table.changes, ["run", "shared", "other"], "inserted").least;
  if (most * (fine.length + 1) <= maxRead)
    return findingOf(table, replay(fine, await differences(warehouse, table, versionsOf(table.from, fine))));
  // Which rows from the start were changed is certain. Whether the rows now under their keys are the same ones is not.
  const doubtful = first.made.length + first.changed.filter((row) => !row.gone).length;
  return {
    ...findingOf(table, first),
    unexplained: { least: 0, most: doubtful },
    why: `comparing its ${fine.length} versions one by one requires reading about ${most * (fine.length + 1)} rows, more than testData.maxRead (${maxRead})`,
  };
}

/**
 * Most runs leave a table as it was. If no one else wrote to it, two versions prove that.
 * @returns `undefined` if the table is different, or if more has to be known
 */
async function asAtTheStart(warehouse: WarehouseReader, table: TableCase, maxRead: number): Promise<Finding | undefined> {
  const { changes, from, to } = table;
  const made = madeSince(changes, figure(changes, ["cleanup"], "deleted").least);
  const deleted = deletedSince(changes);
  if (from === undefined || made.most === null || made.most !== deleted.most) return undefined;
  if (!changes.every(isByRunOrCleanup)) return undefined;
  // As many rows were inserted as deleted, so both versions have the same number of rows.
  const [rows = 0] = await rowCounts(warehouse, table.table, [to]);
  if (rows * 2 > maxRead) return undefined;
  return (await isAlike(warehouse, table, from, to)) ? { ...untouchedByRun(), made, deleted } : undefined;
}

function versionsOf(from: VersionAt, segments: readonly Segment[]): VersionAt[] {
  return [from, ...segments.map(({ to }) => to)];
}

function findingOf({ changes }: TableCase, found: Replay): Finding {
  const sides = (counts: ReadonlyMap<ChangeSource, number>, ...of: ChangeSource[]) =>
    of.reduce((sum, side) => sum + (counts.get(side) ?? 0), 0);
  const cleaned = found.deletedByCleanup.filter(({ origin }) => origin !== "start" && origin.side !== "other").length;
  // If the metrics don't say, the rows do.
  const seen = ({ least, most }: Amount, rows: number) => ({ least, most: most ?? Math.max(least, rows) });
  return {
    made: seen(madeSince(changes, cleaned), sides(found.inserted, "run", "shared")),
    deleted: seen(deletedSince(changes), sides(found.deleted, "run", "shared", "cleanup")),
    rows: found.made,
    changed: found.changed,
    unexplained: zeroAmount,
    touched: zeroAmount,
  };
}

/**
 * For too many versions or too large a table: compares only the first and the last version. If that isn't possible either, the
 * history's metrics give an upper bound.
 */
async function byEnds(
  warehouse: WarehouseReader,
  table: TableCase,
  { maxRead, rows, ends }: { maxRead: number; rows: number; ends: number },
): Promise<Finding> {
  const { changes } = table;
  const inserted = figure(changes, ["run", "shared"], "inserted");
  const removed = (["updated", "deleted"] as const).map((of) => figure(changes, ["run", "shared", "cleanup"], of));
  const finding: Finding = {
    made: madeSince(changes, 0),
    deleted: deletedSince(changes),
    unexplained: { least: 0, most: inserted.most },
    touched: {
      least: 0,
      most: removed.reduce<number | null>((sum, { most }) => (sum === null || most === null ? null : sum + most), 0),
    },
    why: `finding who changed which row requires reading ${rows} rows, more than testData.maxRead (${maxRead})`,
  };
  if (ends > maxRead) return finding;
  const contents = await differences(warehouse, table, [table.from, table.to]);
  const [gone, come] = contents.reduce<[number, number]>(
    ([less, more], { counts: [before = 0, after = 0] }) => [
      less + Math.max(0, before - after),
      more + Math.max(0, after - before),
    ],
    [0, 0],
  );
  const least = (limit: Amount, seen: number): Amount => ({ least: 0, most: Math.min(limit.most ?? seen, seen) });
  return { ...finding, unexplained: least(finding.unexplained, come), touched: least(finding.touched, gone) };
}

export function unreadable(why: string): Finding {
  return { made: unknownAmount, deleted: unknownAmount, unexplained: unknownAmount, touched: unknownAmount, why };
}
