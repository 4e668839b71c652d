import type { Parameters } from "./connection.ts";
import { qualifiedName, quoteName } from "./statements.ts";

/** Rows that an older version of a table has. */
export interface OlderRows {
  /** `schema.table` */
  table: string;
  version: number;
  /** The column that names a row, no two of them alike; empty where none does. */
  key: string;
  /** As for a delete: it compares with at least one of the named parameters. */
  condition: string;
  parameters: Parameters;
}

/** A SELECT of all rows that the older version has. */
export function olderRows(catalog: string, { table, version, condition }: OlderRows): string {
  return `SELECT * FROM ${qualifiedName(catalog, table)} VERSION AS OF ${Math.trunc(version)} WHERE (${condition})`;
}

/**
 * SELECTs that each count the rows that a column names, and how many different names there are: among the older rows, and among those
 * that the table has under one of their names. Where the two differ, the column does not tell one row from another.
 * @param everywhere asks the whole of both versions: a column that rows share may be unique among a few by chance.
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
 * A SELECT of the rows that the older version has and the table has not. A row whose key is there again is another by now, and is not
 * among them. Rows without a key cannot be told apart by it: of each, there are as many as there are fewer now.
 */
export function missingRows(catalog: string, rows: OlderRows): string {
  const name = qualifiedName(catalog, rows.table);
  const older = olderRows(catalog, rows);
  const now = `SELECT * FROM ${name} WHERE (${rows.condition})`;
  if (rows.key === "") return `${older} EXCEPT ALL ${now}`;
  const column = quoteName(rows.key);
  // Said twice, because a null is "not in" an empty list.
  const named = `${older} AND ${column} IS NOT NULL AND ${column} NOT IN (SELECT ${column} FROM ${name} WHERE ${column} IS NOT NULL)`;
  const nameless = `(${older} AND ${column} IS NULL EXCEPT ALL ${now} AND ${column} IS NULL)`;
  return `${named} UNION ALL ${nameless}`;
}
