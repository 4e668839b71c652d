import type { Parameters } from "./connection.ts";
import { qualifiedName, quoteName } from "./statements.ts";

/** Rows of a table that get their old value back in one column. */
export interface CellWrite {
  /** `schema.table` */
  table: string;
  /** The column that names a row, and the rows, by the text of their keys. */
  key: string;
  keys: readonly string[];
  column: string;
  /** Type of the column, in capitals. */
  type: string;
  /** Only rows that have this value are written. */
  now: string;
  /** `null` for NULL. */
  value: string | null;
}

/** Of 256 parameters that a statement may have. */
export const mostKeysWritten = 200;

/** The one UPDATE that test data needs: names are quoted, every value is a parameter, and no row is written that has another value by now. */
export function updateCells(catalog: string, write: CellWrite): { statement: string; parameters: Parameters } {
  const { table, key, keys, column, now, value } = write;
  const named = keys.map((text, index) => [`k${index}`, text] as const);
  const list = named.map(([name]) => `:${name}`).join(", ");
  return {
    statement: `UPDATE ${qualifiedName(catalog, table)} SET ${quoteName(column)} = ${valueSql(write)} WHERE ${asString(key)} IN (${list}) AND ${asString(column)} <=> :now`,
    parameters: { ...Object.fromEntries(named), now, ...(value === null ? {} : { before: value }) },
  };
}

/** Why this must not be sent, or `undefined`. */
export function whyNotWritten(write: CellWrite): string | undefined {
  const { table, key, keys, column, type, now, value } = write;
  if (!/^[^.]+\.[^.]+$/.test(table)) return "the table is not written as schema.table";
  if (key === "" || column === "") return "a column has no name";
  if (key.toLowerCase() === column.toLowerCase()) return `${column} is the column that identifies a row`;
  if (keys.length === 0) return "it has no rows";
  if (keys.length > mostKeysWritten) return `it has more than ${mostKeysWritten} rows`;
  // A lone surrogate is sent as a question mark, which may be the key of another row.
  if (![...keys, now, value ?? ""].every((text) => text.isWellFormed())) return "a value is not well-formed Unicode";
  return whyTypeNotWritable(type, value);
}

/** Why a value of this type cannot be written from its text, or `undefined`. @param type in capitals */
export function whyTypeNotWritable(type: string, value: string | null): string | undefined {
  if (value === null || expressionOf(type, value) !== undefined) return undefined;
  return `a value of type ${type} cannot be restored exactly from its text`;
}

function valueSql({ type, value }: CellWrite): string {
  return value === null ? "NULL" : (expressionOf(type, value) ?? "NULL");
}

/** @returns nothing for types whose text may mean another value: a time of an hour that came twice, or a rounded number. */
function expressionOf(type: string, value: string): string | undefined {
  if (/^(STRING|(VAR)?CHAR(\(\d+\))?)$/.test(type)) return ":before";
  if (/^(TINYINT|BYTE|SMALLINT|SHORT|INT|INTEGER|BIGINT|LONG)$/.test(type)) return "CAST(:before AS BIGINT)";
  if (/^(DATE|BOOLEAN)$/.test(type)) return `CAST(:before AS ${type})`;
  // information_schema leaves the scale out: what the text has after its point is what it needs.
  const decimal = /^-?\d+(?:\.(\d+))?$/.exec(value);
  if (/^(DECIMAL|NUMERIC)(\(\d+, ?\d+\))?$/.test(type) && decimal)
    return `CAST(:before AS DECIMAL(38,${decimal[1]?.length ?? 0}))`;
  return undefined;
}

function asString(column: string): string {
  return `CAST(${quoteName(column)} AS STRING)`;
}
