import type { Parameters } from "./connection.ts";
import { qualifiedName, quoteName } from "./statements.ts";

/** Rows of an older version of a table. */
export interface OlderRows {
  /** `schema.table` */
  table: string;
  version: number;
  /** The column with a unique key; empty if there is none. */
  key: string;
  /** As for a delete: must compare with at least one of the named parameters. */
  condition: string;
  parameters: Parameters;
}

/** A SELECT of the older version's rows. */
export function olderRows(catalog: string, { table, version, condition }: OlderRows): string {
  return `SELECT * FROM ${qualifiedName(catalog, table)} VERSION AS OF ${Math.trunc(version)} WHERE (${condition})`;
}

/**
 * SELECTs that count rows with a value in a column, and the distinct values: among the older rows, and among the table's rows
 * with one of those values. If the counts differ, the column is not unique.
 * @param everywhere asks all rows of both versions, because a shared column may be unique among a few rows by chance
 */
export function nameCounts(catalog: string, rows: OlderRows, column: string, everywhere: boolean): string[] {
  const name = qualifiedName(catalog, rows.table);
  const key = quoteName(column);
  const older = `${name} VERSION AS OF ${Math.trunc(rows.version)}`;
  const counts = `SELECT count(${key}) AS named, count(DISTINCT ${key}) AS names FROM`;
  if (everywhere) return [`${counts} ${older}`, `${counts} ${name}`];
  const concerned = `${older} WHERE (${rows.condition})`;
  return [`${counts} ${concerned}`, `${counts} ${name} WHERE ${key} IN (SELECT ${key} FROM ${concerned})`];
}

/**
 * A SELECT of the rows that the older version has and the table doesn't. A row whose key exists again is a different row, and is
 * left out. Rows without a key cannot be matched by it: as many equal rows are selected as are missing now.
 * @param first restored before these, in this order; they count as existing
 */
export function missingRows(catalog: string, rows: OlderRows, first: readonly OlderRows[] = []): string {
  const name = qualifiedName(catalog, rows.table);
  const back = first.map((one, index) => missingRows(catalog, one, first.slice(0, index)));
  return lacking(catalog, rows, [
    { select: `SELECT * FROM ${name} WHERE (${rows.condition})`, named: name },
    ...back.map(nested),
  ]);
}

/** A SELECT of the rows that the older version has and none of the others has: a row deleted in both is one row. */
export function rowsBeside(catalog: string, rows: OlderRows, others: readonly OlderRows[]): string {
  const beside = others.map((one, index) => rowsBeside(catalog, one, others.slice(0, index)));
  return lacking(catalog, rows, beside.map(nested));
}

/** Rows that count as existing. */
interface There {
  select: string;
  /** Where a SELECT can find the existing keys. */
  named: string;
}

function nested(select: string): There {
  return { select: `SELECT * FROM (${select})`, named: `(${select})` };
}

function lacking(catalog: string, rows: OlderRows, there: readonly There[]): string {
  const older = olderRows(catalog, rows);
  if (there.length === 0) return older;
  const all = there.map(({ select }) => select).join(" UNION ALL ");
  if (rows.key === "") return `${older} EXCEPT ALL (${all})`;
  const column = quoteName(rows.key);
  // NULL keys are excluded on both sides: `NULL NOT IN` is true for an empty list, but not for any other.
  const keys = there.map(({ named }) => `SELECT ${column} FROM ${named} WHERE ${column} IS NOT NULL`).join(" UNION ALL ");
  const named = `${older} AND ${column} IS NOT NULL AND ${column} NOT IN (${keys})`;
  const nameless = `(${older} AND ${column} IS NULL EXCEPT ALL (SELECT * FROM (${all}) WHERE ${column} IS NULL))`;
  return `${named} UNION ALL ${nameless}`;
}
