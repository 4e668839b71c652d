import { createHash } from "node:crypto";
import type { Table, TestDataConfig } from "../../config/schema.ts";
import type { AuditEvent } from "../../model/audit-event.ts";
import type { CleanupResult, TouchedRow } from "../../model/test-data.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName, quoteName } from "../../warehouse/statements.ts";
import type { StartState } from "../ownership/age.ts";
import type { RowPlan } from "../plan/table-plans.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import { historyOf } from "../tables/history.ts";
import { type Binder, queryInBatches } from "../tables/selection.ts";
import { type SearchContext, withBefore } from "./old-values.ts";

/** The most rows that a report lists; it counts the rest. */
export const mostTouched = 1_000;

export interface TouchedContext {
  tables: Readonly<Record<string, Table>>;
  catalog: CatalogColumns;
  /** `schema.table` → keys of its rows that are known test data. */
  ids: ReadonlyMap<string, Pick<ReadonlySet<string>, "has">>;
  /** The prefixes of test data, of all runs. */
  prefixes: readonly string[];
  /** `schema.table` → keys or matched values of fixed rows. */
  keep: TestDataConfig["keep"];
  /** Rows that tests changed, by {@link rowName}. They are real, whatever they show now, and others may have pointed at them. */
  real: ReadonlySet<string>;
  guesses: (table: string) => readonly number[];
  /** The time limit for finding old values, in milliseconds. */
  limitMs: number;
}

/** In a stage. Repair can find later what this search has no time for. */
const limitInStageMs = 30_000;

export function searchContext(about: TouchedContext): SearchContext {
  const { tables, catalog, ids, prefixes, keep, real, guesses, limitMs } = about;
  const has = (table: string, column: string) => catalog.get(table)?.has(column) === true;
  return {
    parentOf: (table, column) => tables[table]?.parents[column]?.table,
    keyOf(table) {
      const key = tables[table]?.key;
      return key !== undefined && has(table, key) ? key : undefined;
    },
    shownBy: (table) => [
      ...new Set(tables[table]?.match.flatMap(({ column, prefix }) => (prefix && has(table, column) ? [column] : []))),
    ],
    prefixes,
    keptBy: (table) =>
      (keep[table]?.length ?? 0) === 0
        ? []
        : (tables[table]?.match.flatMap(({ column }) => (has(table, column) ? [column] : [])) ?? []),
    isReal: (table, key, values) =>
      real.has(rowName(table, key)) || [key, ...values].some((value) => value !== null && keep[table]?.includes(value)),
    isTestData: (parent = "", value) =>
      !real.has(rowName(parent, value)) &&
      !keep[parent]?.includes(value) &&
      (prefixes.some((prefix) => value.startsWith(prefix)) || ids.get(parent)?.has(value) === true),
    guesses,
    limitMs,
  };
}

/**
 * The touched rows of a plan in a fixed order; those that a report lists get their old values.
 * @param earlier a plan of the same cleanup, whose history results are reused
 * @throws WarehouseFailure
 */
export async function touchedRowsWithOldValues(
  warehouse: WarehouseReader,
  rows: RowPlan,
  about: Pick<TouchedContext, "tables" | "prefixes" | "keep"> & { start?: StartState | undefined },
  earlier?: RowPlan,
): Promise<TouchedRow[]> {
  if (rows.touched.length === 0) return [];
  const unique = new Map(rows.touched.map((row) => [nameOf(row), row]));
  const sorted = [...unique.keys()].sort().map((name) => unique.get(name) as TouchedRow);
  const listed = sorted.slice(0, mostTouched);
  const known = new Map(earlier?.touched.map((row) => [`${nameOf(row)} ${row.now}`, row]));
  const looked = listed.map((row) => known.get(`${nameOf(row)} ${row.now}`) ?? row);
  const unknown = looked.filter((row) => row.before === undefined && row.why === undefined);
  const context = searchContext({
    ...about,
    catalog: rows.catalog,
    ids: rows.references,
    real: new Set(rows.touched.map(({ table, key }) => rowName(table, key.value))),
    limitMs: limitInStageMs,
    guesses(table) {
      const version = about.start?.versions.get(table);
      return version === undefined ? [] : [version];
    },
  });
  const found = unknown.length === 0 ? [] : await withBefore(warehouse, unknown, context);
  const answers = new Map(unknown.map((row, index) => [row, found[index] as TouchedRow]));
  return [...looked.map((row) => answers.get(row) ?? row), ...sorted.slice(mostTouched)];
}

/** The identity of a touched cell. */
export function nameOf({ table, key, column }: Pick<TouchedRow, "table" | "key" | "column">): string {
  return JSON.stringify([table, key.column, key.value, column]);
}

export function rowName(table: string, key: string): string {
  return JSON.stringify([table, key]);
}

/** The part of a result about touched rows. */
export type Touched = Pick<CleanupResult, "touched" | "touchedMore" | "startVersions">;

/** For the report: limited in number, and without values of columns that may contain personal data. */
export function touchedResult(
  touched: readonly TouchedRow[],
  tables: Readonly<Record<string, Table>>,
  start?: StartState,
): Touched {
  if (touched.length === 0) return {};
  const listed = touched.slice(0, mostTouched).map((row) => masked(row, tables[row.table]?.person ?? []));
  return {
    touched: listed,
    ...(touched.length > mostTouched ? { touchedMore: touched.length - mostTouched } : {}),
    ...(start && start.versions.size > 0 ? { startVersions: Object.fromEntries(start.versions) } : {}),
  };
}

function masked(row: TouchedRow, person: readonly string[]): TouchedRow {
  const [key, values] = [person.includes(row.key.column), person.includes(row.column)];
  if ((!key && !values) || row.masked) return row;
  return {
    ...row,
    ...(key ? { key: { ...row.key, value: sha256(row.key.value) } } : {}),
    ...(values ? { now: sha256(row.now), ...(row.before ? { before: sha256(row.before) } : {}) } : {}),
    masked: [...(key ? (["key"] as const) : []), ...(values ? (["values"] as const) : [])],
  };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Joins two searches of one cleanup. Each cell is listed once, as first seen. */
export function joinTouched(first: Touched, again: Touched): Touched {
  const joined = new Map([...(again.touched ?? []), ...(first.touched ?? [])].map((row) => [nameOf(row), row]));
  if (joined.size === 0) return {};
  const listed = [...joined.values()].slice(0, mostTouched);
  const more = Math.max(first.touchedMore ?? 0, again.touchedMore ?? 0) + joined.size - listed.length;
  // Of several runs, the earliest start: what existed then is older than all of them.
  const versions = [...Object.entries(first.startVersions ?? {}), ...Object.entries(again.startVersions ?? {})];
  const starts = Object.fromEntries(versions.sort(([, one], [, other]) => other - one));
  return {
    touched: listed,
    ...(more > 0 ? { touchedMore: more } : {}),
    ...(versions.length > 0 ? { startVersions: starts } : {}),
  };
}

/** For the audit log: tables, counts, and how many old values are known; no values. */
export function touchedNotes(touched: readonly TouchedRow[]): AuditEvent[] {
  const places = Map.groupBy(touched, ({ table, column }) => JSON.stringify([table, column]));
  return [...places.values()].map((rows) => ({
    action: "decision",
    details: { what: "touched", table: rows[0]?.table ?? "", column: rows[0]?.column ?? "" },
    counts: { rows: rows.length, known: rows.filter(({ before }) => before !== undefined).length },
  }));
}

/** Requests rows of one table by key, as of one version. */
export interface VersionQuestion {
  /** `schema.table` */
  table: string;
  /** Absent: the current rows. */
  version?: number;
  /** The column that identifies a row. */
  key: string;
  /** The keys are hex SHA-256, because a report doesn't store values of columns that may contain personal data. */
  hashed?: boolean;
  keys: readonly string[];
  columns: readonly string[];
}

/** What a version has for one key. */
export interface RowsAtVersion {
  rows: number;
  /** The key as stored in the table. */
  key: string;
  /** Column → its value as text; the greatest if there are several rows. */
  values: ReadonlyMap<string, string | null>;
}

/** Requested key → what was found; or why it could not be read. */
export type VersionAnswer = { found: ReadonlyMap<string, RowsAtVersion> } | { why: string; gone: boolean };

/**
 * Reads many versions of many tables in few round trips. Values are compared and returned as text, because keys may be numbers.
 * @throws WarehouseFailure if the warehouse doesn't answer at all
 */
export async function askVersions(warehouse: WarehouseReader, questions: readonly VersionQuestion[]): Promise<VersionAnswer[]> {
  const width = Math.max(0, ...questions.map(({ columns }) => columns.length));
  const asked = questions.map((question) => ({ question, found: new Map<string, RowsAtVersion>() }));
  const { rows, failed } = await queryInBatches(warehouse, asked, ({ question }, binder) =>
    question.keys.length === 0 ? undefined : select(warehouse.catalog, question, width, binder),
  );
  for (const { item, row } of rows)
    item.found.set(String(row.named), {
      rows: Number(row.found),
      key: String(row.row_key),
      values: new Map(item.question.columns.map((column, index) => [column, textOrNull(row[`c${index}`])])),
    });
  const failures = new Map(failed.map(({ item, why, gone }) => [item, { why, gone }]));
  return asked.map((item) => failures.get(item) ?? { found: item.found });
}

function select(catalog: string, { table, version, key, hashed, keys, columns }: VersionQuestion, width: number, binder: Binder) {
  const at = version === undefined ? "" : ` VERSION AS OF ${Math.trunc(version)}`;
  const text = `CAST(${quoteName(key)} AS STRING)`;
  const named = hashed ? `sha2(${text}, 256)` : text;
  const values = Array.from({ length: width }, (_, index) => {
    const column = columns[index];
    return `${column === undefined ? "CAST(NULL AS STRING)" : `max(CAST(${quoteName(column)} AS STRING))`} AS c${index}`;
  });
  return {
    columns: [`${named} AS named`, `max(${text}) AS row_key`, "count(*) AS found", ...values].join(", "),
    from: `${qualifiedName(catalog, table)}${at} WHERE ${named} IN (${listOf(keys, binder)}) GROUP BY ${named}`,
  };
}

/** With a few literals the warehouse can skip files; a longer list is one parameter. */
const mostLiterals = 20;

function listOf(keys: readonly string[], binder: Binder): string {
  if (keys.length <= mostLiterals) return keys.map((key) => binder.bind(key)).join(", ");
  return `SELECT explode(from_json(${binder.bind(JSON.stringify(keys))}, 'array<string>'))`;
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** Versions that may show the value before a change. */
export interface CandidateVersions {
  /** Newest first; the first is the current table. */
  versions: number[];
  /** The table's history is longer than what was read. */
  truncated: boolean;
}

/** The most versions of a table's history to read. */
export const longestHistory = 1_000;

/** Operations that never change a value in an existing row. */
const harmless =
  /^(CREATE TABLE|OPTIMIZE|REORG|FSCK|VACUUM (START|END)|(UN)?SET TBLPROPERTIES|(ADD|DROP) CONSTRAINT|(ADD|CHANGE|RENAME) COLUMNS?|CLUSTER BY|COPY INTO|COMPUTE STATS|ANALYZE|UPGRADE PROTOCOL|ROW TRACKING BACKFILL)\b/i;

/**
 * The versions just before each change that may have changed a value, newest first.
 * @param guesses versions that probably have the value
 * @throws WarehouseFailure
 */
export async function candidatesOf(
  warehouse: WarehouseReader,
  table: string,
  guesses: readonly number[],
): Promise<CandidateVersions> {
  const history = await historyOf(warehouse, table, longestHistory);
  const newest = history[0]?.version;
  if (newest === undefined) return { versions: [], truncated: false };
  const oldest = history.at(-1)?.version ?? 0;
  const before = history.filter((entry) => entry.version > 0 && !isHarmless(entry)).map(({ version }) => version - 1);
  const known = guesses.filter((version) => Number.isSafeInteger(version) && version >= 0 && version < newest);
  return {
    versions: [...new Set([newest, ...before, ...known])].sort((a, b) => b - a),
    truncated: history.length === longestHistory && oldest > 0,
  };
}

function isHarmless({ operation, parameters, metrics }: Awaited<ReturnType<typeof historyOf>>[number]): boolean {
  if (harmless.test(operation)) return true;
  if (operation === "WRITE") return String(parameters.mode).toLowerCase() === "append";
  if (operation === "STREAMING UPDATE") return String(parameters.outputMode).toLowerCase() === "append";
  if (operation === "UPDATE") return metrics.numUpdatedRows === "0";
  return operation === "DELETE" && metrics.numDeletedRows === "0";
}
