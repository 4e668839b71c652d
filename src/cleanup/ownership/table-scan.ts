import type { Table } from "../../config/schema.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { anyOf, bounded, type Condition, narrowed, since } from "../../warehouse/comparison.ts";
import type { Row } from "../../warehouse/connection.ts";
import { qualifiedName, quoteName } from "../../warehouse/statements.ts";
import type { PlanRequest } from "../plan/table-plans.ts";
import { type CatalogColumns, isTime } from "../tables/catalog.ts";
import {
  asText,
  type Binder,
  candidatesOf,
  conditionOf,
  emptySelection,
  type Rule,
  type Selection,
  select,
  selectedBy,
} from "../tables/selection.ts";
import { type Age, ageOf, exactAge, surelyTooRecent, timeInKey } from "./age.ts";
import { referenceRules, rulesFor } from "./presence.ts";

/** A row, as read, that may be test data. */
export interface Candidate {
  /** Absent if it has none; empty text doesn't count. */
  key: string | undefined;
  /** Column → its text. NULL and empty text are left out. */
  values: ReadonlyMap<string, string>;
  age: Age | undefined;
  timeInKey: number | undefined;
}

/** The search of one table: what was asked, and every row that was returned. */
export interface TableScan {
  name: string;
  table: Table;
  /** The rules by which its rows are matched directly. */
  rules: readonly Rule[];
  /** The rules that a sweep of scope `expired` would use, whatever this scope is. */
  sweepRules: readonly Rule[];
  /** Columns that point at ids that can be matched directly, with or without a row. */
  pointing: readonly Rule[];
  /** The columns to read besides the key, in the order in which the statement names them c0, c1, …. */
  columns: readonly string[];
  /** The types of its columns, in upper case. */
  types: ReadonlyMap<string, string>;
  zone: string | undefined;
  candidates: Candidate[];
  /** The keys of the candidates. */
  keys: Set<string>;
  /** What has been asked, apart from the directly matched rows. */
  answered: Selection;
  /** Rows before this time are not asked for by their ids and by what they depend on. Unix milliseconds. */
  from: number | undefined;
  /**
   * The directly matched rows have been asked for; `older` if there were too many and certainly too recent ones were left out.
   */
  begun: "all" | "older" | undefined;
}

export interface TableScanRequest {
  /** The declared tables that exist. */
  declared: Readonly<Record<string, Table>>;
  catalog: CatalogColumns;
  request: PlanRequest;
  /** Table → `TableScan.from`. */
  from?: ReadonlyMap<string, number>;
}

export function newTableScan(name: string, { declared, catalog, request, from }: TableScanRequest): TableScan {
  const table = declared[name] as Table;
  const types = catalog.get(name) ?? new Map<string, string>();
  const columns = [...table.match.map(({ column }) => column), ...Object.keys(table.parents)];
  return {
    name,
    table,
    rules: rulesFor(table, request),
    sweepRules: rulesFor(table, { scope: "expired", prefixes: request.sweptPrefixes, sweep: request.sweep }),
    pointing: referenceRules(table, request.tables, request),
    columns: [...new Set(columns)].filter((column) => column !== table.key),
    types,
    zone: table.timeZone ?? request.timeZone,
    candidates: [],
    keys: new Set(),
    answered: emptySelection(types),
    from: from?.get(name),
    begun: undefined,
  };
}

/** The next question to a table: directly matched rows, if not asked yet, and rows by the values of columns. */
export interface Question {
  scan: TableScan;
  asked: Selection;
}

/**
 * The SELECT for one table. One statement asks many tables, so all have the same columns: key, time, and as many more as any of
 * them needs. No row is read twice.
 * @param size `width`: the most columns that any table needs; `limit`: the most rows to fetch, so an answer with as many is
 * incomplete; `older`: leaves out rows that are certainly too recent for this request
 */
export function questionText(
  warehouse: WarehouseReader,
  { scan, asked }: Question,
  { width, limit, older }: { width: number; limit: number; older?: PlanRequest | undefined },
  binder: Binder,
  request: PlanRequest,
): { columns: string; from: string } | undefined {
  const instant = instantOf(scan);
  const listed = selectedBy(asked, binder);
  const dependent =
    instant === undefined || scan.from === undefined ? listed : narrowed(listed, since({ column: instant, from: scan.from }));
  const wanted = anyOf([...(scan.begun ? [] : [showingThemselves(scan, older, binder)]), dependent]);
  if (wanted.text === "") return undefined;
  const before = anyOf([
    ...(scan.begun ? [showingThemselves(scan, scan.begun === "older" ? request : undefined, binder)] : []),
    selectedBy(scan.answered, binder),
  ]).text;
  const except = before === "" ? "" : ` AND NOT coalesce(${before}, false)`;
  const { key, time } = scan.table;
  const columns = [
    `${shownAs(scan, key)} AS row_key`,
    // Separate columns: in a shared one, the warehouse would convert texts to times, and dates to times in the session's zone.
    `${instant === undefined ? "NULL" : `unix_millis(${quoteName(instant)})`} AS made_at`,
    `${time === undefined || instant !== undefined ? "NULL" : shownAs(scan, time)} AS made_text`,
    ...Array.from({ length: width }, (_, index) => `${shownAs(scan, scan.columns[index] ?? "")} AS c${index}`),
  ];
  const rows = `SELECT * FROM ${qualifiedName(warehouse.catalog, scan.name)} WHERE (${bounded(wanted)})${except} LIMIT ${limit}`;
  return { columns: columns.join(", "), from: `(${rows}) AS looked_at` };
}

function showingThemselves(scan: TableScan, older: PlanRequest | undefined, binder: Binder): Condition {
  const { rules, pointing, table, types } = scan;
  const candidates = candidatesOf(rules, types, binder);
  const pointed = candidatesOf(pointing, types, binder);
  if (!older || candidates.text === "") return anyOf([candidates, pointed]);
  const aging = {
    rules,
    key: table.key === "" ? undefined : table.key,
    time: table.time !== undefined && types.get(table.time) === "TIMESTAMP" ? table.time : undefined,
    types,
  };
  const oldEnough = `((${candidates.text}) AND NOT (${surelyTooRecent(aging, older, binder)}))`;
  return anyOf([{ text: oldEnough, within: candidates.within }, pointed]);
}

/** Converts to text, because the warehouse would read texts as numbers if a shared column contained both. */
function shownAs(scan: TableScan, column: string): string {
  return column === "" ? "NULL" : asText(column, scan.types);
}

/** The values that this table has not been asked about yet. */
export function valuesNotYetAsked(scan: TableScan, column: string, values: Iterable<string>): string[] {
  const known = scan.answered.values.get(column);
  return known ? [...values].filter((value) => !known.has(value)) : [...values];
}

/** Records that the table has answered, whatever the answer. */
export function markAnswered({ scan, asked }: Question, begun: "all" | "older"): void {
  for (const [column, values] of asked.values) select(scan.answered, column, values);
  scan.begun ??= begun;
}

export function addRow(scan: TableScan, row: Row, now: number): void {
  const values = new Map<string, string>();
  const take = (column: string, value: unknown) => {
    // Skips empty text: otherwise a row without a parent would depend on every row without a key.
    if (value !== null && value !== undefined && value !== "") values.set(column, String(value));
  };
  for (const [index, column] of scan.columns.entries()) take(column, row[`c${index}`]);
  const { key: keyColumn } = scan.table;
  if (keyColumn !== "") take(keyColumn, row.row_key);
  const key = values.get(keyColumn);
  if (key !== undefined) scan.keys.add(key);
  const instant = instantOf(scan) === undefined || row.made_at == null ? Number.NaN : Number(row.made_at);
  scan.candidates.push({
    key,
    values,
    age: Math.abs(instant) <= latestDate ? exactAge(instant) : ageInText(scan, row.made_text),
    timeInKey: key === undefined ? undefined : timeInKey(key, now),
  });
}

/** JavaScript has no later date, nor one longer ago. Databricks has some; their age is unknown. */
const latestDate = 8.64e15;

/** The table's time column if its values are moments, which need no time zone. */
export function instantOf({ table: { time }, types }: Pick<TableScan, "table" | "types">): string | undefined {
  return time !== undefined && /^TIMESTAMP(?:_LTZ)?$/.test(types.get(time) ?? "") ? time : undefined;
}

/** Excludes numbers, which could be parsed as some year. */
function ageInText({ table, types, zone }: TableScan, text: unknown): Age | undefined {
  const type = types.get(table.time ?? "") ?? "";
  return isTime(type) || /^(?:STRING|VARCHAR|CHAR)\b/.test(type) ? ageOf(text, zone) : undefined;
}

/** Current rows without a key, identified by a pointing column and the ids in it. */
export interface KeylessRows {
  /** The table, as written in a statement. */
  from: string;
  /** The key column; empty if the table has none, so that all its rows are keyless. */
  key: string;
  /** The column that points at test data. */
  column: string;
  ids: readonly string[];
  /** The table's columns → their types, in upper case. */
  types: ReadonlyMap<string, string>;
}

/** Types whose text form distinguishes their values in every version. */
const comparable =
  /^(?:STRING|VARCHAR|CHAR|TINYINT|SMALLINT|INT|INTEGER|BIGINT|LONG|BOOLEAN|FLOAT|DOUBLE|DECIMAL|DATE|TIMESTAMP)/;

/**
 * Which of these ids have rows that an older version had already, under any id. A keyless row is identified by all its other
 * columns: as many such rows as the older version had, minus those that point elsewhere now, existed before. Equal rows cannot be
 * told apart, and count as existing.
 * @param travel selects the older version, as in `VERSION AS OF 3`
 */
export function keylessRowsAtVersion(rows: KeylessRows, travel: string, binder: Binder): { columns: string; from: string } {
  const { from, key, column, ids, types } = rows;
  const others = [...types].filter(([name, type]) => name !== column && name !== key && comparable.test(type));
  // NULL differs from empty text.
  const said = others.map(([name]) => `coalesce(concat('=', ${asText(name, types)}), '-')`);
  const content = said.length === 0 ? "''" : `concat(${said.join(", ';', ")}, ';')`;
  const named = emptySelection(types);
  select(named, column, ids);
  const asked = conditionOf(named, binder);
  const keyless = key === "" ? "true" : `(${quoteName(key)} IS NULL OR ${asText(key, types)} = '')`;
  const counted = (of: string, where: string) =>
    `(SELECT ${content} AS said, count(*) AS n FROM ${of} WHERE ${where} GROUP BY 1)`;
  return {
    columns: "present.id AS row_key",
    from: [
      `(SELECT DISTINCT ${asText(column, types)} AS id, ${content} AS said FROM ${from} WHERE ${keyless} AND ${asked}) AS present`,
      `JOIN ${counted(`${from} ${travel}`, keyless)} AS earlier ON earlier.said = present.said`,
      `LEFT JOIN ${counted(from, `${keyless} AND NOT coalesce(${asked}, false)`)} AS elsewhere ON elsewhere.said = present.said`,
      "WHERE earlier.n > coalesce(elsewhere.n, 0)",
    ].join(" "),
  };
}
