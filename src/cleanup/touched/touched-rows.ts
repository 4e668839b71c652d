import { createHash } from "node:crypto";
import type { Table, TestDataConfig } from "../../config/schema.ts";
import type { AuditEvent } from "../../model/audit-event.ts";
import type { CleanupResult, TouchedRow } from "../../model/test-data.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import type { StartState } from "../ownership/age.ts";
import type { RowPlan } from "../plan/row-plan.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
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
