import { identifier, literal } from "./duckdb.ts";
import { MapValue, type ResultSet, type Value } from "./results.ts";
import { bigint, type DataType, duckDbType, int } from "./types.ts";

/**
 * A result as a relation in DuckDB's dialect. Uses JSON, which DuckDB reads far faster than as many VALUES.
 * @param only the columns, in lower case, that are used: each one takes time
 */
export function relationOf(whole: ResultSet, only?: ReadonlySet<string>): string {
  const result = only ? columnsOf(whole, only) : whole;
  const fields = result.columns.map((_, index) => `c${index}`);
  const rows = Array.from({ length: result.rowCount }, (_, row) =>
    Object.fromEntries(
      fields.map((field, index) => [field, jsonValue(result.columns[index]?.type, result.values[index]?.[row] ?? null)]),
    ),
  );
  const structure = Object.fromEntries(fields.map((field, index) => [field, readAs(result.columns[index]?.type)]));
  const columns = result.columns.map(
    (column, index) => `CAST(line.c${index} AS ${duckDbType(column.type)}) AS ${identifier(column.name)}`,
  );
  return `(SELECT ${columns.join(", ")} FROM (SELECT unnest(from_json(${literal(JSON.stringify(rows))}, ${literal(JSON.stringify([structure]))})) AS line))`;
}

function columnsOf({ columns, values, rowCount }: ResultSet, only: ReadonlySet<string>): ResultSet {
  const kept = [...columns.keys()].filter((index) => only.has(columns[index]?.name.toLowerCase() ?? ""));
  // A relation has at least one column.
  const these = kept.length > 0 ? kept : [0];
  return {
    columns: these.flatMap((index) => columns[index] ?? []),
    values: these.map((index) => values[index] ?? []),
    rowCount,
  };
}

/** The type that DuckDB reads from the JSON, before the cast to the column's own type. */
function readAs(type: DataType | undefined): string {
  if (type === int) return "INTEGER";
  return type?.kind === "map" ? duckDbType(type) : "VARCHAR";
}

/** Timestamps are microseconds; JSON and DuckDB share ISO 8601. */
function jsonValue(type: DataType | undefined, value: Value): unknown {
  if (value instanceof MapValue) return Object.fromEntries(value.pairs.map(([key, one]) => [String(key), one]));
  if (typeof value !== "bigint") return value;
  return type === bigint ? String(value) : new Date(Number(value / 1000n)).toISOString();
}
