import type { TimeRange } from "../model/test-data.ts";
import { columnAsText, inLiterals, isPlain, within } from "./comparison.ts";
import type { Parameters } from "./connection.ts";
import { qualifiedName, quoteName } from "./statements.ts";

/** The three writes that test data needs: deleting rows by values, restoring rows by name, and restoring a value. */

/** Restores the old value of one column in some rows of a table. */
export interface CellWrite {
  /** `schema.table` */
  table: string;
  /** The key column, and the rows' keys as text. */
  key: string;
  keys: readonly string[];
  column: string;
  /** The column's type, in upper case. */
  type: string;
  /** Only rows with this value are written. */
  now: string;
  /** `null` for NULL. */
  value: string | null;
}

/** A statement may have 256 parameters. */
export const mostKeysWritten = 200;

/**
 * The only UPDATE that test data needs. Names are quoted, every value is a parameter, and rows with another value are left alone.
 */
export function updateCells(catalog: string, write: CellWrite): { statement: string; parameters: Parameters } {
  const { table, key, keys, column, now, value } = write;
  const named = keys.map((text, index) => [`k${index}`, text] as const);
  const list = named.map(([name]) => `:${name}`).join(", ");
  return {
    statement: `UPDATE ${qualifiedName(catalog, table)} SET ${quoteName(column)} = ${valueSql(write)} WHERE ${columnAsText(key, undefined)} IN (${list}) AND ${columnAsText(column, undefined)} <=> :now`,
    parameters: { ...Object.fromEntries(named), now, ...(value === null ? {} : { before: value }) },
  };
}

/** Why this must not be sent; `undefined` if it may. */
export function whyNotWritten(write: CellWrite): string | undefined {
  const { table, key, keys, column, type, now, value } = write;
  if (!/^[^.]+\.[^.]+$/.test(table)) return "the table is not written as schema.table";
  if (key === "" || column === "") return "a column has no name";
  if (key.toLowerCase() === column.toLowerCase()) return `${column} is the column that identifies a row`;
  if (keys.length === 0) return "it has no rows";
  if (keys.length > mostKeysWritten) return `it has more than ${mostKeysWritten} rows`;
  // A lone surrogate is sent as a question mark, which could match another row's key.
  if (![...keys, now, value ?? ""].every((text) => text.isWellFormed())) return "a value is not well-formed Unicode";
  return whyTypeNotWritable(type, value);
}

/** Why a value of this type cannot be written from its text; `undefined` if it can. @param type in upper case */
export function whyTypeNotWritable(type: string, value: string | null): string | undefined {
  if (value === null || expressionOf(type, value) !== undefined) return undefined;
  return `a value of type ${type} cannot be restored exactly from its text`;
}

function valueSql({ type, value }: CellWrite): string {
  return value === null ? "NULL" : (expressionOf(type, value) ?? "NULL");
}

/** @returns undefined for types whose text is ambiguous: a time in an hour that occurs twice, or a rounded number */
function expressionOf(type: string, value: string): string | undefined {
  if (/^(STRING|(VAR)?CHAR(\(\d+\))?)$/.test(type)) return ":before";
  if (/^(TINYINT|BYTE|SMALLINT|SHORT|INT|INTEGER|BIGINT|LONG)$/.test(type)) return "CAST(:before AS BIGINT)";
  if (/^(DATE|BOOLEAN)$/.test(type)) return `CAST(:before AS ${type})`;
  // information_schema doesn't have the scale, so it is taken from the digits after the point.
  const decimal = /^-?\d+(?:\.(\d+))?$/.exec(value);
  if (/^(DECIMAL|NUMERIC)(\(\d+, ?\d+\))?$/.test(type) && decimal)
    return `CAST(:before AS DECIMAL(38,${decimal[1]?.length ?? 0}))`;
  return undefined;
}

/** Rows to delete: those where a column has one of these values. */
export interface RowDeletion {
  /** `schema.table` */
  table: string;
  columns: readonly { column: string /** In upper case. */; type: string | undefined; values: readonly string[] }[];
  /** Only rows of this time. */
  during?: TimeRange | undefined;
}

/** Values in one DELETE, so that its text stays well below a megabyte. */
export const mostValuesDeleted = 5_000;
/** Values that can only be sent as parameters; a statement may have 256. */
export const mostParametersDeleted = 200;

/**
 * The only DELETE that test data needs: lists of values, which every Delta accepts, and by which it skips files. Delta without
 * Databricks refuses subqueries in a DELETE.
 */
export function deleteStatement(
  catalog: string,
  { table, columns, during }: RowDeletion,
): { statement: string; parameters: Parameters } {
  const parameters: Record<string, string> = {};
  const bind = (value: string) => {
    const name = `p${Object.keys(parameters).length}`;
    parameters[name] = value;
    return `:${name}`;
  };
  const terms = columns.map(({ column, type, values }) => inLiterals(column, type, values, bind));
  const listed = terms.join(" OR ");
  const where = during ? `(${listed}) AND ${within(during)}` : listed;
  return { statement: `DELETE FROM ${qualifiedName(catalog, table)} WHERE ${where}`, parameters };
}

/** Why this must not be sent; `undefined` if it may. */
export function whyNotDeleted({ table, columns, during }: RowDeletion): string | undefined {
  if (!/^[^.]+\.[^.]+$/.test(table)) return "the table is not written as schema.table";
  if (columns.length === 0) return "it has no condition";
  if ([...columns, ...(during ? [during] : [])].some(({ column }) => column === "")) return "a column has no name";
  if (during && !(during.from <= during.to)) return "its time ends before it begins";
  const values = columns.flatMap((one) => one.values);
  if (columns.some((one) => one.values.length === 0)) return "a column has no values";
  if (values.length > mostValuesDeleted) return `it has more than ${mostValuesDeleted} values`;
  if (values.filter((value) => !isPlain(value)).length > mostParametersDeleted)
    return `it has more than ${mostParametersDeleted} values that need a parameter`;
  // A lone surrogate is sent as a question mark, which could match another row.
  return values.every((value) => value.isWellFormed()) ? undefined : "a value is not well-formed Unicode";
}

/** One column of restored rows. */
export interface RestoredColumn {
  /** Its name in the table now. */
  name: string;
  /** Its name in the older version; undefined if it was added since, so that the rows get NULL. */
  before: string | undefined;
  /** Its type now, in upper case. */
  type: string;
}

/** Rows of an older version of a table. */
export interface OlderRows {
  /** `schema.table` */
  table: string;
  version: number;
  /** The column with a unique key, which has the same name in both versions; empty if there is none. */
  key: string;
  /** Whether some of the rows may have no key. */
  nameless: boolean;
  /** Whether the condition compares the key and nothing else, also in the table now. */
  byKey: boolean;
  /** Whether only rows of some time were deleted: then the older version may have others with their keys. */
  ofSomeTime: boolean;
  /**
   * Selects equal rows, and all rows with one of the compared values, in the table now; undefined if its columns have other names
   * there. Uses the same parameters.
   */
  conditionNow: string | undefined;
  /** As for a read: must compare with at least one of the named parameters. */
  condition: string;
  parameters: Parameters;
  /** All columns of the table now. */
  columns: readonly RestoredColumn[];
}

/** A SELECT of the older version's rows, with the columns of the table now. */
export function olderRows(catalog: string, { table, version, condition, columns }: OlderRows): string {
  const list = columns.map(({ name, before }) => `${before === undefined ? "NULL" : quoteName(before)} AS ${quoteName(name)}`);
  return `SELECT ${list.join(", ")} FROM ${qualifiedName(catalog, table)} VERSION AS OF ${Math.trunc(version)} WHERE (${condition})`;
}

/**
 * SELECTs that count rows with a value in a column, and the distinct values: among the older rows, and among the table's rows
 * with one of those values. If the counts differ, the column is not unique.
 * @param everywhere asks all rows of both versions, because a shared column may be unique among a few rows by chance
 */
export function nameCounts(catalog: string, rows: OlderRows, column: string, everywhere: boolean): string[] {
  const name = qualifiedName(catalog, rows.table);
  const key = quoteName(column);
  const counts = (of: string) => `SELECT count(${of}) AS named, count(DISTINCT ${of}) AS names FROM`;
  const then = quoteName(rows.columns.find((one) => one.name === column)?.before ?? column);
  if (everywhere) {
    return [`${counts(then)} ${name} VERSION AS OF ${Math.trunc(rows.version)}`, `${counts(key)} ${name}`];
  }
  const concerned = `(${olderRows(catalog, rows)}) AS older`;
  const withTheirKeys = (from: string, of: string) => `${counts(of)} ${from} WHERE ${of} IN (SELECT ${key} FROM ${concerned})`;
  const before = rows.ofSomeTime
    ? withTheirKeys(`${name} VERSION AS OF ${Math.trunc(rows.version)}`, then)
    : `${counts(key)} ${concerned}`;
  return [before, withTheirKeys(name, key)];
}

/**
 * A SELECT of the rows that the older version has and the table doesn't. A row whose key exists again is a different row, and is
 * left out. Rows without a key cannot be matched by it: as many equal rows are selected as are missing now.
 * @param first restored before these, in this order; they count as existing
 */
export function missingRows(catalog: string, rows: OlderRows, first: readonly OlderRows[] = []): string {
  const name = qualifiedName(catalog, rows.table);
  const back = first.map((one, index) => missingRows(catalog, one, first.slice(0, index)));
  const found = `SELECT ${namesOf(rows)} FROM ${name}${rows.conditionNow === undefined ? "" : ` WHERE (${rows.conditionNow})`}`;
  // If the condition is about the key, it finds every row with one of these keys, and files can be skipped.
  return lacking(catalog, rows, [{ select: found, named: rows.byKey ? `(${found})` : name }, ...back.map(nested)]);
}

/** A SELECT of the rows that the older version has and none of the others has: a row deleted in both is one row. */
export function rowsBeside(catalog: string, rows: OlderRows, others: readonly OlderRows[]): string {
  const beside = others.map((one, index) => rowsBeside(catalog, one, others.slice(0, index)));
  return lacking(catalog, rows, beside.map(nested));
}

/** The only INSERT that test data needs: by name, because columns may have been reordered since. */
export function restoreStatement(catalog: string, rows: OlderRows): string {
  return `INSERT INTO ${qualifiedName(catalog, rows.table)} BY NAME ${missingRows(catalog, rows)}`;
}

/** Rows that count as existing. */
interface There {
  select: string;
  /** Where a SELECT can find the existing keys. */
  named: string;
}

function nested(select: string): There {
  return { select, named: `(${select})` };
}

function namesOf({ columns }: OlderRows, of = ""): string {
  return columns.map(({ name }) => `${of}${quoteName(name)}`).join(", ");
}

/** NOT EXISTS and not NOT IN: that would send all existing keys to every executor. */
function lacking(catalog: string, rows: OlderRows, there: readonly There[]): string {
  const older = olderRows(catalog, rows);
  if (there.length === 0) return older;
  const parts: string[] = [];
  if (rows.key !== "") {
    const key = quoteName(rows.key);
    const absent = there.map(({ named }) => `NOT EXISTS (SELECT 1 FROM ${named} AS other WHERE other.${key} = older.${key})`);
    parts.push(
      `SELECT ${namesOf(rows, "older.")} FROM (${older}) AS older WHERE older.${key} IS NOT NULL AND ${absent.join(" AND ")}`,
    );
  }
  if (rows.key === "" || rows.nameless) parts.push(lackingByContent(rows, older, there));
  return parts.join(" UNION ALL ");
}

/** Counts equal rows on both sides, because EXCEPT ALL refuses maps. */
function lackingByContent(rows: OlderRows, older: string, there: readonly There[]): string {
  const compared = (of: string) => rows.columns.map(({ name, type }) => comparable(`${of}${quoteName(name)}`, type));
  const where = rows.key === "" ? "" : ` WHERE ${quoteName(rows.key)} IS NULL`;
  const all = there.map(({ select }) => select).join(" UNION ALL ");
  const contents = compared("").map((content, index) => `${content} AS e${index}`);
  const groups = contents.map((_, index) => index + 1).join(", ");
  const equal = compared("older.").map((content, index) => `${content} <=> existing.e${index}`);
  // No column may have the name of the number.
  const taken = new Set(rows.columns.map(({ name }) => name.toLowerCase()));
  let number = "nth_of_equal";
  while (taken.has(number)) number += "_";
  const nth = `row_number() OVER (PARTITION BY ${compared("").join(", ")} ORDER BY ${compared("")[0]})`;
  return [
    `SELECT ${namesOf(rows, "older.")} FROM (SELECT ${namesOf(rows)}, ${nth} AS ${number} FROM (${older}) AS old${where}) AS older`,
    `LEFT JOIN (SELECT ${contents.join(", ")}, count(*) AS equal_rows FROM (${all}) AS there${where} GROUP BY ${groups}) AS existing`,
    `ON ${equal.join(" AND ")} WHERE older.${number} > coalesce(existing.equal_rows, 0)`,
  ].join(" ");
}

/** Maps and variants cannot be compared; as JSON they can. */
function comparable(column: string, type: string): string {
  return /MAP|VARIANT/.test(type) ? `to_json(${column})` : column;
}
