import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalType,
  DuckDBDecimalValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapType,
  DuckDBMapValue,
  type DuckDBResultReader,
  DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  type DuckDBType,
  DuckDBTypeId,
} from "@duckdb/node-api";
import { SqlError, UnsupportedSql } from "./errors.ts";
import { type DataType, string } from "./types.ts";

/**
 * A value of a result: timestamps as microseconds since 1970 (bigint), dates as days (number), decimals as unscaled integers
 * (bigint), arrays as arrays, maps as pairs, structs as objects.
 */
export type Value = null | boolean | number | bigint | string | Uint8Array | Value[] | MapValue | StructValue;

export class MapValue {
  readonly pairs: readonly (readonly [Value, Value])[];
  constructor(pairs: readonly (readonly [Value, Value])[]) {
    this.pairs = pairs;
  }
}

export interface StructValue {
  [field: string]: Value;
}

export interface Column {
  name: string;
  type: DataType;
}

/** The result of a statement, column by column. DDL returns no columns. */
export interface ResultSet {
  columns: Column[];
  values: Value[][];
  rowCount: number;
  /** Of INSERT, UPDATE and DELETE. */
  modifiedRows?: number;
}

export const noResult: ResultSet = { columns: [], values: [], rowCount: 0 };

/** Columns of text. */
export function texts(...names: string[]): Column[] {
  return names.map((name) => ({ name, type: string }));
}

/** A result whose rows don't come from a table: SHOW, DESCRIBE and the driver's metadata calls. */
export function resultOf(columns: Column[], rows: readonly (readonly Value[])[]): ResultSet {
  return { columns, values: columns.map((_, index) => rows.map((row) => row[index] ?? null)), rowCount: rows.length };
}

/** Converts DuckDB's result. @throws UnsupportedSql for a column type that Databricks doesn't have */
export function readResult(reader: DuckDBResultReader): ResultSet {
  const names = reader.columnNames();
  const columns = reader.columnTypes().map((type, index) => ({ name: names[index] ?? "", type: typeOf(type) }));
  const values = reader.getColumns().map((column) => column.map(toValue));
  return { columns, values, rowCount: reader.currentRowCount };
}

function typeOf(type: DuckDBType): DataType {
  if (type instanceof DuckDBDecimalType) return { kind: "decimal", precision: type.width, scale: type.scale };
  if (type instanceof DuckDBListType) return { kind: "array", element: typeOf(type.valueType) };
  if (type instanceof DuckDBMapType) return { kind: "map", key: typeOf(type.keyType), value: typeOf(type.valueType) };
  if (type instanceof DuckDBStructType)
    return {
      kind: "struct",
      fields: type.entryNames.map((name, index) => ({ name, type: typeOf(type.entryTypes[index] ?? type) })),
    };
  const name = type.alias === "JSON" ? "variant" : names[type.typeId];
  if (name === undefined) throw new UnsupportedSql(`a result of DuckDB's type ${type}`);
  return { kind: "primitive", name };
}

const names: Partial<Record<DuckDBTypeId, Extract<DataType, { kind: "primitive" }>["name"]>> = {
  [DuckDBTypeId.BOOLEAN]: "boolean",
  [DuckDBTypeId.TINYINT]: "tinyint",
  [DuckDBTypeId.SMALLINT]: "smallint",
  [DuckDBTypeId.INTEGER]: "int",
  [DuckDBTypeId.BIGINT]: "bigint",
  // DuckDB only uses this width for sums; in Databricks they are BIGINT.
  [DuckDBTypeId.HUGEINT]: "bigint",
  [DuckDBTypeId.FLOAT]: "float",
  [DuckDBTypeId.DOUBLE]: "double",
  [DuckDBTypeId.VARCHAR]: "string",
  [DuckDBTypeId.BLOB]: "binary",
  [DuckDBTypeId.DATE]: "date",
  [DuckDBTypeId.TIMESTAMP_TZ]: "timestamp",
  [DuckDBTypeId.SQLNULL]: "void",
};

function toValue(value: unknown): Value {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case "boolean":
    case "number":
    case "string":
      return value;
    case "bigint":
      if (BigInt.asIntN(64, value) !== value) throw new SqlError("ARITHMETIC_OVERFLOW", "22003", "The sum overflows BIGINT.");
      return value;
  }
  if (value instanceof DuckDBTimestampTZValue) return value.micros;
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBDecimalValue) return value.value;
  if (value instanceof DuckDBBlobValue) return value.bytes;
  if (value instanceof DuckDBListValue) return value.items.map(toValue);
  if (value instanceof DuckDBMapValue)
    return new MapValue(value.entries.map((entry) => [toValue(entry.key), toValue(entry.value)]));
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([name, field]) => [name, toValue(field)]));
  throw new UnsupportedSql(`a result value such as ${value}`);
}
