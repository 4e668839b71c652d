import { SqlError } from "../../local/warehouse/errors.ts";
import { MapValue, type ResultSet, type Value } from "../../local/warehouse/results.ts";
import type { DataType } from "../../local/warehouse/types.ts";
import type { Answer, Json, SparkFailure } from "./spark.ts";

/** Compares the local warehouse's answer with Spark's: rows as bags, because neither promises an order. */

export interface Compared {
  same: boolean;
  /** What differs. */
  why?: string;
}

/** The local warehouse's answer in Spark's terms. */
export interface LocalAnswer {
  columns: string[];
  rows: Json[][];
}

/** Only these metrics are the tables' content; others are about files. */
const comparedMetrics = ["numDeletedRows", "numUpdatedRows", "numOutputRows"];

export function localAnswer({ columns, values, rowCount }: ResultSet): LocalAnswer {
  const rows = Array.from({ length: rowCount }, (_, row) =>
    columns.map(({ type }, column) => fromLocal(values[column]?.[row] ?? null, type)),
  );
  return { columns: columns.map(({ name }) => name), rows };
}

/** @param sql without a comment in front */
export function compareAnswers(sql: string, local: LocalAnswer, spark: Answer): Compared {
  const kind = (/^\w+/.exec(sql)?.[0] ?? "").toUpperCase();
  // Spark reports no count for INSERT; what it wrote shows in the statements that follow.
  if (kind === "INSERT" || kind === "ALTER") return { same: true };
  const ours = bag(local.rows);
  const theirs = bag(spark.rows.map((row) => row.map((value, index) => fromSpark(value, spark.columns[index]?.[1] ?? ""))));
  if (/^DESCRIBE HISTORY/i.test(sql)) return compareHistories(local, spark);
  const names = [local.columns, spark.columns.map(([name]) => name)].map((list) => JSON.stringify(list));
  if (names[0] !== names[1] && kind === "SELECT") return { same: false, why: `columns: local ${names[0]}, Spark ${names[1]}` };
  // DELETE and UPDATE: Databricks answers more columns than the first.
  const isRead = kind === "SELECT" || kind === "DESCRIBE";
  return compareBags(
    isRead ? ours : bag(local.rows.map((row) => row.slice(0, 1))),
    isRead ? theirs : bag(spark.rows.map((row) => row.slice(0, 1))),
  );
}

/** @param local undefined if the local warehouse ran the statement */
export function compareFailures(local: unknown, { condition, sqlState, message }: SparkFailure): Compared {
  const said = `Spark: ${condition ?? ""} ${sqlState ?? ""} ${message.split("\n", 1)[0]}`;
  if (!(local instanceof SqlError))
    return { same: false, why: `${said}; local: ${local === undefined ? "ran it" : String(local)}` };
  return local.sqlState === sqlState ? { same: true } : { same: false, why: `${said}; local: ${local.message}` };
}

function compareHistories(local: LocalAnswer, spark: Answer): Compared {
  const pick = (names: string[], rows: Json[][]): string[] =>
    bag(
      rows.map((row) => {
        const of = (name: string): Json => row[names.indexOf(name)] ?? null;
        const metrics = (of("operationMetrics") ?? {}) as Record<string, Json>;
        // A filler has the number of a version without its operation.
        const operation = String(of("operation"));
        const content = comparedMetrics.map((name) => (operation.includes("TABLE") ? null : (metrics[name] ?? null)));
        return [of("version"), operation === "SET TBLPROPERTIES" ? "WRITE" : operation, content];
      }),
    );
  return compareBags(
    pick(local.columns, local.rows),
    pick(
      spark.columns.map(([name]) => name),
      spark.rows,
    ),
  );
}

function compareBags(ours: readonly string[], theirs: readonly string[]): Compared {
  if (ours.length === theirs.length && ours.every((row, index) => row === theirs[index])) return { same: true };
  const [onlyOurs, onlyTheirs] = [without(ours, theirs), without(theirs, ours)];
  return { same: false, why: `only local: ${onlyOurs.slice(0, 3).join(" ")}; only Spark: ${onlyTheirs.slice(0, 3).join(" ")}` };
}

function without(rows: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return rows.filter((row) => {
    const at = left.indexOf(row);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

function bag(rows: readonly Json[][]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}

function fromLocal(value: Value, type: DataType): Json {
  if (value === null) return null;
  if (type.kind === "primitive" && type.name === "timestamp") return instant(value as bigint);
  if (type.kind === "primitive" && type.name === "date") return new Date(Number(value) * 86_400_000).toISOString().slice(0, 10);
  if (type.kind === "decimal") return decimal(value as bigint, type.scale);
  if (type.kind === "array") return (value as Value[]).map((item) => fromLocal(item, type.element));
  if (value instanceof MapValue && type.kind === "map")
    return sorted(value.pairs.map(([key, item]) => [String(fromLocal(key, type.key)), fromLocal(item, type.value)]));
  if (type.kind === "struct") {
    const fields = value as Record<string, Value>;
    return sorted(type.fields.map((field) => [field.name, fromLocal(fields[field.name] ?? null, field.type)]));
  }
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString("hex")}`;
  return typeof value === "bigint" ? Number(value) : (value as Json);
}

function fromSpark(value: Json, type: string): Json {
  if (value === null) return null;
  if (type === "timestamp" && typeof value === "string") return value.includes(".") ? value : `${value}.000000`;
  if (/^(?:array|map|struct)</.test(type)) return nested(value, type.includes("timestamp"));
  return value;
}

/** Maps and structs in one order, and the times in them, whose types are not taken apart here. */
function nested(value: Json, hasTimes: boolean): Json {
  if (typeof value === "string") return hasTimes && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(value) ? `${value}.000000` : value;
  if (Array.isArray(value)) return value.map((item) => nested(item, hasTimes));
  if (value === null || typeof value !== "object") return value;
  return sorted(Object.entries(value).map(([key, item]) => [key, nested(item, hasTimes)]));
}

/** Microseconds since 1970 as ISO 8601 with six digits, as Python writes it. */
function instant(micros: bigint): string {
  const [seconds, rest] = [micros / 1_000_000n, micros % 1_000_000n];
  const [whole, part] = rest < 0n ? [seconds - 1n, rest + 1_000_000n] : [seconds, rest];
  return `${new Date(Number(whole) * 1000).toISOString().slice(0, 19)}.${String(part).padStart(6, "0")}`;
}

function decimal(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return unscaled < 0n ? `-${text}` : text;
}

function sorted(pairs: readonly (readonly [string, Json])[]): Json {
  return Object.fromEntries([...pairs].sort(([a], [b]) => (a < b ? -1 : 1)));
}
