import type { WarehouseReader } from "../../warehouse/access.ts";
import type { Row } from "../../warehouse/connection.ts";
import { askHistories } from "../tables/history.ts";

/** A version of a table that changed rows, or may have. */
export interface Change {
  version: number;
  user: string;
  /** As Delta names it: `WRITE`, `MERGE`, … */
  operation: string;
  /** User metadata of the commit. */
  metadata: string;
  /** Rows; `undefined` if the history doesn't say, which never means zero. */
  inserted: number | undefined;
  updated: number | undefined;
  deleted: number | undefined;
}

/** A table's history at one moment. */
export interface Moment {
  version: number;
  /** Unix milliseconds. A table that was dropped and recreated has another time at the same version. */
  at: number | undefined;
  /**
   * The newest version when this was read, if something was written in between. Ownership is decided by this one, so that in
   * doubt a row counts as real.
   */
  newest?: number;
}

export interface HistorySinceStart {
  to: number;
  /** Oldest first, without versions that changed no row. */
  changes: Change[];
  /** The history goes back to the start: the table was not recreated since. */
  continuous: boolean;
}

/** Versions to read at first; most tables of a run have fewer. The warehouse opens a file for each. */
const firstLook = 20;
const growth = 8;
const mostVersions = 12_800;

/** Allows for versions written while a stage reads the start. */
const firstVersions = 5;

/**
 * Table → its newest version, or why it could not be read. Tables created after `asOf` are left out. Never rejects.
 * @param options `inTime` as in {@link askHistories}; `asOf`: Unix milliseconds by the warehouse's clock. Later writes don't
 * count, because a server that is starting may write before its tables were looked at
 */
export async function newestVersions(
  warehouse: WarehouseReader,
  tables: readonly string[],
  { inTime, asOf }: { inTime?: <Result>(answer: Promise<Result>) => Promise<Result>; asOf?: number | undefined } = {},
): Promise<Map<string, Moment | Error>> {
  const found = new Map<string, Moment | Error>();
  const settled = new Set<string>();
  for (let limit = asOf === undefined ? 1 : firstVersions; settled.size < tables.length; limit *= growth) {
    const open = tables.filter((table) => !settled.has(table));
    const questions = open.map((table) => ({ table, limit }));
    for (const [table, answer] of await askHistories(warehouse, questions, "moment", inTime)) {
      const moment = answer instanceof Error ? answer : momentIn(answer, asOf, limit);
      if (moment === "further back" && limit < mostVersions) continue;
      settled.add(table);
      if (moment === "further back")
        found.set(table, new Error("the table is written to so often that its version at the start was not found"));
      else if (moment !== undefined) found.set(table, moment);
    }
  }
  return found;
}

/** @returns `undefined` if the table didn't exist yet */
function momentIn(rows: readonly Row[], asOf: number | undefined, limit: number): Moment | Error | "further back" | undefined {
  const [newest] = rows;
  if (!newest) return new Error("the table's history is empty");
  const isSince = (row: Row) => asOf !== undefined && (timeOf(row.timestamp) ?? 0) > asOf;
  const row = rows.find((one) => !isSince(one));
  if (!row) return rows.length < limit ? undefined : "further back";
  const moment = { version: Number(row.version), at: timeOf(row.timestamp) };
  return row === newest ? moment : { ...moment, newest: Number(newest.version) };
}

/**
 * Table → what changed since its version at the start, or why that is unknown. Never rejects.
 * @param moments the tables' versions at the start; `undefined`: the table didn't exist
 */
export async function historiesSince(
  warehouse: WarehouseReader,
  moments: ReadonlyMap<string, Moment | undefined>,
): Promise<Map<string, HistorySinceStart | Error>> {
  const found = new Map<string, HistorySinceStart | Error>();
  for (let limit = firstLook; found.size < moments.size; limit *= growth) {
    const open = [...moments.keys()].filter((table) => !found.has(table));
    // For most tables the version at the start is the newest, and one version is enough.
    const questions = open.map((table) => ({
      table,
      limit,
      from: limit === firstLook ? moments.get(table)?.version : undefined,
    }));
    const answers = await askHistories(warehouse, questions, "change");
    for (const [table, answer] of answers) {
      const since = answer instanceof Error ? answer : sinceStart(answer, moments.get(table), limit);
      if (since) found.set(table, since);
    }
  }
  return found;
}

/**
 * @param rows the newest versions, up to the limit
 * @returns `undefined` if more versions have to be read
 */
function sinceStart(rows: readonly Row[], start: Moment | undefined, limit: number): HistorySinceStart | Error | undefined {
  const [newest, oldest] = [Number(rows[0]?.version), Number(rows.at(-1)?.version)];
  const at = start && rows.find((row) => Number(row.version) === start.version);
  const continuous = start === undefined || (at !== undefined && sameTime(start.at, timeOf(at.timestamp)));
  // A recreated table begins at version 0, whatever the old one had.
  const reached = start !== undefined && continuous ? true : oldest === 0;
  // The versions that are missing may be older than the start, or belong to another table of this name.
  if (start !== undefined && !continuous && limit === firstLook) return undefined;
  if (!reached && rows.length === limit && limit < mostVersions) return undefined;
  if (!reached)
    return new Error(`the table's history begins with version ${oldest}, after version ${start?.version ?? 0} of the start`);
  const since = rows.filter((row) => start === undefined || !continuous || Number(row.version) > start.version).toReversed();
  return { to: newest, changes: since.map(changeOf).filter(changesRows), continuous };
}

/** Table → what changed in it. */
export type Histories = ReadonlyMap<string, HistorySinceStart>;

/** What changed in each table since the start. Never rejects; a history that cannot be read is left out. */
export async function readHistories(warehouse: WarehouseReader, moments: ReadonlyMap<string, Moment>): Promise<Histories> {
  const found = await historiesSince(warehouse, moments);
  return new Map([...found].flatMap(([table, since]) => (since instanceof Error ? [] : [[table, since] as const])));
}

function sameTime(one: number | undefined, other: number | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}

function timeOf(value: unknown): number | undefined {
  const time = value instanceof Date ? value.getTime() : typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** Operations that change no rows. Any operation that is neither here nor below may have changed some. */
const withoutRows = new RegExp(
  `^(${[
    "CREATE TABLE",
    "OPTIMIZE",
    "AUTO OPTIMIZE",
    "VACUUM( START| END)?",
    "ANALYZE.*",
    "COMPUTE STAT.*",
    "(UN)?SET TBLPROPERTIES",
    "ADD COLUMNS",
    "CHANGE COLUMNS?",
    "RENAME COLUMN",
    "ADD CONSTRAINT",
    "DROP CONSTRAINT",
    "UPGRADE PROTOCOL",
    "DROP FEATURE",
    "CLUSTER BY",
    "REORG.*",
    "FSCK.*",
    "DOMAIN METADATA CLEANUP",
    "(UN)?SET (TAG|COLUMN TAG|ROW FILTER|COLUMN MASK).*",
    "ROW TRACKING BACKFILL",
    "ROW TRACKING UNBACKFILL",
  ].join("|")})$`,
);

/** What a version did to rows, by Delta's own metrics. A pure function, so that tests can cover every operation. */
export function changeOf(row: Row): Change {
  const operation = String(row.operation ?? "").toUpperCase();
  const metrics = mapOf(row.operationMetrics);
  const parameters = mapOf(row.operationParameters);
  const number = (name: string): number | undefined => {
    const value = metrics[name];
    const read = value === undefined || value === null || value === "" ? Number.NaN : Number(value);
    return Number.isInteger(read) && read >= 0 ? read : undefined;
  };
  const base = {
    version: Number(row.version),
    user: String(row.userName ?? ""),
    operation,
    metadata: String(row.userMetadata ?? ""),
  };
  const changed = (inserted: number | undefined, updated: number | undefined, deleted: number | undefined): Change => ({
    ...base,
    inserted,
    updated,
    deleted,
  });
  const written = number("numOutputRows");
  switch (operation) {
    case "WRITE":
    case "STREAMING UPDATE":
    case "COPY INTO":
    case "COPY": {
      const mode = String(parameters.mode ?? parameters.outputMode ?? "Append").replaceAll('"', "");
      // An overwrite removes rows, and no metric says how many.
      return /^(append|errorifexists|ignore|update)$/i.test(mode)
        ? changed(written, 0, 0)
        : changed(written, undefined, undefined);
    }
    case "CREATE TABLE AS SELECT":
      return changed(written, 0, 0);
    case "DELETE":
      return changed(0, 0, number("numDeletedRows"));
    case "UPDATE":
      return changed(0, number("numUpdatedRows"), 0);
    case "MERGE":
      return changed(number("numTargetRowsInserted"), number("numTargetRowsUpdated"), number("numTargetRowsDeleted"));
    default:
      return withoutRows.test(operation) ? changed(0, 0, 0) : changed(undefined, undefined, undefined);
  }
}

function changesRows({ inserted, updated, deleted }: Change): boolean {
  return inserted !== 0 || updated !== 0 || deleted !== 0;
}

/** Delta's maps arrive as objects or as JSON. */
function mapOf(value: unknown): Record<string, unknown> {
  if (typeof value === "string") {
    try {
      return mapOf(JSON.parse(value));
    } catch (error) {
      if (error instanceof SyntaxError) return {};
      throw error;
    }
  }
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

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
