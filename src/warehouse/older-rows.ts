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
 * @param first what is put back before, in this order: it counts as if it were there.
 */
export function missingRows(catalog: string, rows: OlderRows, first: readonly OlderRows[] = []): string {
  const name = qualifiedName(catalog, rows.table);
  const back = first.map((one, index) => missingRows(catalog, one, first.slice(0, index)));
  return lacking(catalog, rows, [
    { select: `SELECT * FROM ${name} WHERE (${rows.condition})`, named: name },
    ...back.map(nested),
  ]);
}

/** A SELECT of the rows that the older version has and none of these has: a row that was deleted in both is one row. */
export function rowsBeside(catalog: string, rows: OlderRows, others: readonly OlderRows[]): string {
  const beside = others.map((one, index) => rowsBeside(catalog, one, others.slice(0, index)));
  return lacking(catalog, rows, beside.map(nested));
}

/** Rows that count as being there. */
interface There {
  select: string;
  /** Of what a SELECT may ask for the keys that are there. */
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
  // Said twice, because a null is "not in" an empty list.
  const keys = there.map(({ named }) => `SELECT ${column} FROM ${named} WHERE ${column} IS NOT NULL`).join(" UNION ALL ");
  const named = `${older} AND ${column} IS NOT NULL AND ${column} NOT IN (${keys})`;
  const nameless = `(${older} AND ${column} IS NULL EXCEPT ALL (SELECT * FROM (${all}) WHERE ${column} IS NULL))`;
  return `${named} UNION ALL ${nameless}`;
}
