import type { HistoryData, HistoryRecord } from "../../model/history.ts";
import type { StageName } from "../../model/report.ts";
import { byRun, compare, getOr } from "./executions.ts";

/** Test data: what runs made, what was deleted, and what is left. A number that is not known is never 0. */

/** A sum over runs. */
export interface Sum {
  least: number;
  /** Null if a part of it has no known limit. */
  most: number | null;
  /** The runs that say something of it. Without any, it is unknown. */
  runs: number;
}

export interface DataSums {
  made: Sum;
  deletedRows: Sum;
  deletedKeys: Sum;
  unexplained: Sum;
  unexplainedKeys: Sum;
  /** Real rows that tests changed. */
  touched: Sum;
}

export interface DataRun extends DataSums {
  runId: string;
  environment: string;
  stage: StageName;
  /** When it ended. */
  at: string;
  scope: HistoryData["scope"];
  dryRun: boolean;
  /** Null if it is not known. */
  left: number | null;
}

export interface DataTable extends Pick<DataSums, "made" | "unexplained"> {
  environment: string;
  table: string;
  deleted: Sum;
  /** Still there, as far as the records say. */
  leftover?: Leftover;
}

/** Test data that nothing shows to be gone. */
export interface Leftover {
  environment: string;
  /** Absent if no record says in which table it is. */
  table?: string;
  /** Null if it is not known. */
  rows: number | null;
  /** The oldest row that was found; or else when a run first left it. */
  oldest: string;
  /** `oldest` is a row's own time, and no run's. */
  isRowTime: boolean;
  /** The newest run that saw it. */
  seenAt: string;
  runId: string;
  /** How many runs may have left it, of what is unknown. */
  runs: number;
}

export interface DataHistory {
  /** Newest first. */
  runs: DataRun[];
  /** By environment and table. */
  tables: DataTable[];
  sums: DataSums;
  /** The oldest first. */
  leftovers: Leftover[];
}

export function dataOf(records: readonly HistoryRecord[]): DataHistory {
  const ordered = records.filter(({ data }) => data).sort(byRun);
  const runs = ordered.flatMap((record) => (record.data ? [dataRun(record, record.data)] : []));
  const leftovers = leftoversOf(ordered);
  return { runs: [...runs].reverse(), tables: tablesOf(ordered, leftovers), sums: sumOf(runs), leftovers };
}

function dataRun({ runId, environment, stage, finishedAt }: HistoryRecord, data: HistoryData): DataRun {
  const { made, unexplained, unexplainedKeys, touched, deletedRows, deletedKeys, deletedAtLeast, scope, dryRun, left } = data;
  // A count that was lost is in no sum of the run.
  const isLost = deletedAtLeast || data.tables.some(({ deleted }) => deleted === null);
  return {
    ...{ runId, environment: environment.name, stage, at: finishedAt, scope, dryRun, left },
    made: sumFrom(made),
    deletedRows: sumFrom({ least: deletedRows, most: isLost ? null : deletedRows }),
    deletedKeys: sumFrom({ least: deletedKeys, most: deletedAtLeast ? null : deletedKeys }),
    unexplained: sumFrom(unexplained),
    unexplainedKeys: sumFrom(unexplainedKeys),
    touched: sumFrom(touched),
  };
}

export const sumNames = ["made", "deletedRows", "deletedKeys", "unexplained", "unexplainedKeys", "touched"] as const;

const none: Sum = { least: 0, most: 0, runs: 0 };

export function sumOf(parts: readonly DataSums[]): DataSums {
  const sums = Object.fromEntries(sumNames.map((name) => [name, none])) as unknown as DataSums;
  for (const part of parts) for (const name of sumNames) sums[name] = plus(sums[name], part[name]);
  return sums;
}

function sumFrom(amount: { least: number; most: number | null } | undefined): Sum {
  return amount === undefined ? none : { least: amount.least, most: amount.most, runs: 1 };
}

function plus(a: Sum, b: Sum): Sum {
  return { least: a.least + b.least, most: a.most === null || b.most === null ? null : a.most + b.most, runs: a.runs + b.runs };
}

function tablesOf(records: readonly HistoryRecord[], leftovers: readonly Leftover[]): DataTable[] {
  const tables = new Map<string, DataTable>();
  for (const { environment, data } of records)
    for (const { table, made, deleted, unexplained } of data?.tables ?? []) {
      const key = keyOf(environment.name, table);
      const before = getOr(tables, key, () => ({
        environment: environment.name,
        table,
        made: none,
        deleted: none,
        unexplained: none,
      }));
      before.made = plus(before.made, sumFrom(made));
      before.deleted = plus(before.deleted, sumFrom({ least: deleted ?? 0, most: deleted }));
      before.unexplained = plus(before.unexplained, sumFrom(unexplained));
    }
  for (const leftover of leftovers) {
    const table = leftover.table === undefined ? undefined : tables.get(keyOf(leftover.environment, leftover.table));
    if (!table) continue;
    const before = table.leftover;
    const rows = before === undefined ? leftover.rows : plusKnown(before.rows, leftover.rows);
    table.leftover = { ...(before ?? leftover), rows };
  }
  return [...tables.values()].sort((a, b) => compare(a.environment, b.environment) || compare(a.table, b.table));
}

function plusKnown(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function keyOf(environment: string, table: string): string {
  return JSON.stringify([environment, table]);
}

/**
 * What a sweep found is known until the next one. What a run left of its own is there until a later sweep deleted at least as many
 * rows of that table and left none, or swept everything: a sweep of what has expired may not have looked at it.
 */
function leftoversOf(records: readonly HistoryRecord[]): Leftover[] {
  const places = new Map<string, Place>();
  for (const record of records) {
    const place = getOr(places, record.environment.name, () => ({ swept: new Map(), ofRuns: [] }));
    if (record.data?.scope === "run") place.ofRuns.push(...leftIn(record, record.data));
    else if (record.data) sweep(place, record, record.data);
  }
  return [...places.values()]
    .flatMap(({ swept, ofRuns }) => [...swept.values(), ...joined(ofRuns)])
    .sort(
      (a, b) => compare(a.oldest, b.oldest) || compare(a.environment, b.environment) || compare(a.table ?? "", b.table ?? ""),
    );
}

/** After so long, a sweep would have found what a run may have left. */
const day = 86_400_000;

interface Place {
  /** By table; under an empty name what no table has, such as keys. */
  swept: Map<string, Leftover>;
  ofRuns: Leftover[];
}

function sweep(place: Place, record: HistoryRecord, data: HistoryData): void {
  const found = leftIn(record, data);
  const seen = new Set(data.tables.map(({ table }) => table));
  const before = new Map(place.swept);
  // Unless it could not look, a sweep names each table in which it left something.
  for (const table of before.keys()) if (seen.has(table) || data.left !== null) place.swept.delete(table);
  for (const one of found) {
    const known = before.get(one.table ?? "");
    // What no row's time says has been there since it was first seen.
    place.swept.set(
      one.table ?? "",
      known && !one.isRowTime ? { ...one, oldest: known.oldest, isRowTime: known.isRowTime } : one,
    );
  }
  const gone = ({ table, rows, seenAt }: Leftover): boolean => {
    if (data.dryRun || data.left === null) return false;
    // It may have been nothing.
    if (rows === null) return Date.parse(record.startedAt) - Date.parse(seenAt) >= day;
    const swept = data.tables.find((one) => one.table === table);
    if (swept && swept.left !== 0) return false;
    return data.scope === "all" || (swept !== undefined && (swept.deleted ?? 0) >= rows);
  };
  place.ofRuns = place.ofRuns.filter((one) => !gone(one));
}

/** What a run says that it left. A sweep's unknown ones are told by table, those of a run together. */
function leftIn({ environment, runId, startedAt, finishedAt }: HistoryRecord, { left, tables, scope }: HistoryData): Leftover[] {
  const seen = { environment: environment.name, seenAt: finishedAt, runId, runs: 1 };
  const found = tables.flatMap(({ table, left, oldest }): Leftover[] => {
    if (left === 0 || (left === null && scope === "run")) return [];
    return [{ ...seen, table, rows: left, oldest: oldest ?? startedAt, isRowTime: oldest !== undefined }];
  });
  const inTables = tables.reduce((sum, table) => sum + (table.left ?? 0), 0);
  const rest = { ...seen, oldest: startedAt, isRowTime: false };
  if (left === null && !found.some(({ rows }) => rows === null)) found.push({ ...rest, rows: null });
  if (left !== null && left > inTables) found.push({ ...rest, rows: left - inTables });
  return found;
}

/** Runs of which it is unknown whether they left something, as one. */
function joined(leftovers: readonly Leftover[]): Leftover[] {
  const unknown = leftovers.filter(({ rows }) => rows === null);
  const [first, last] = [unknown[0], unknown.at(-1)];
  if (!first || !last) return [...leftovers];
  const { seenAt, runId } = last;
  return [...leftovers.filter(({ rows }) => rows !== null), { ...first, seenAt, runId, runs: unknown.length }];
}
