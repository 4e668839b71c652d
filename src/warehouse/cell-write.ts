import type { Parameters } from "./connection.ts";
import { qualifiedName, quoteName } from "./statements.ts";

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
    statement: `UPDATE ${qualifiedName(catalog, table)} SET ${quoteName(column)} = ${valueSql(write)} WHERE ${asString(key)} IN (${list}) AND ${asString(column)} <=> :now`,
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

function asString(column: string): string {
  return `CAST(${quoteName(column)} AS STRING)`;
}
