import { UnsupportedSql } from "./errors.ts";

/** A Databricks data type, parsed. `name` is in Databricks' notation: lower case, with parameters. */
export type DataType =
  | { kind: "primitive"; name: PrimitiveName }
  | { kind: "decimal"; precision: number; scale: number }
  | { kind: "array"; element: DataType }
  | { kind: "map"; key: DataType; value: DataType }
  | { kind: "struct"; fields: { name: string; type: DataType }[] };

const primitives = {
  boolean: "BOOLEAN",
  tinyint: "TINYINT",
  smallint: "SMALLINT",
  int: "INTEGER",
  bigint: "BIGINT",
  float: "FLOAT",
  double: "DOUBLE",
  string: "VARCHAR",
  binary: "BLOB",
  date: "DATE",
  // With time zone: a Databricks timestamp is an instant, and DuckDB's plain type drops the offset of '…+02:00'.
  timestamp: "TIMESTAMP WITH TIME ZONE",
  variant: "JSON",
  void: "VARCHAR",
} as const;

export type PrimitiveName = keyof typeof primitives;

const synonyms: Readonly<Record<string, PrimitiveName>> = {
  integer: "int",
  long: "bigint",
  short: "smallint",
  byte: "tinyint",
  real: "float",
  timestamp_ltz: "timestamp",
};

export const string: DataType = { kind: "primitive", name: "string" };
export const bigint: DataType = { kind: "primitive", name: "bigint" };
export const int: DataType = { kind: "primitive", name: "int" };
export const boolean: DataType = { kind: "primitive", name: "boolean" };
export const timestamp: DataType = { kind: "primitive", name: "timestamp" };

/** Parses a type in DDL notation. @throws UnsupportedSql for types that the local warehouse doesn't support */
export function parseType(text: string): DataType {
  const words = text.match(/[A-Za-z_][\w]*|`[^`]*`|\d+|[<>(),:]/g) ?? [];
  let at = 0;
  const unsupported = (): UnsupportedSql => new UnsupportedSql(`the data type ${text.trim()}`);
  const take = (expected?: string): string => {
    const word = words[at++];
    if (word === undefined || (expected !== undefined && word !== expected)) throw unsupported();
    return word;
  };
  const number = (): number => {
    const digits = take();
    if (!/^\d+$/.test(digits)) throw unsupported();
    return Number(digits);
  };
  const type = (): DataType => {
    const word = take().toLowerCase();
    if (word === "decimal" || word === "dec" || word === "numeric") return decimal();
    if (word === "array") return wrapped(() => ({ kind: "array", element: type() }));
    if (word === "map") return wrapped(() => mapType());
    if (word === "struct") return wrapped(() => ({ kind: "struct", fields: fields() }));
    const name = synonyms[word] ?? word;
    if (!isPrimitive(name)) throw unsupported();
    return { kind: "primitive", name };
  };
  const decimal = (): DataType => {
    if (words[at] !== "(") return { kind: "decimal", precision: 10, scale: 0 };
    take("(");
    const precision = number();
    if (take() === ")") return { kind: "decimal", precision, scale: 0 };
    const scale = number();
    take(")");
    return { kind: "decimal", precision, scale };
  };
  const wrapped = (inner: () => DataType): DataType => {
    take("<");
    const result = inner();
    take(">");
    return result;
  };
  const mapType = (): DataType => {
    const key = type();
    take(",");
    return { kind: "map", key, value: type() };
  };
  const fields = (): { name: string; type: DataType }[] => {
    const list: { name: string; type: DataType }[] = [];
    do {
      if (list.length > 0) take(",");
      const name = take().replaceAll("`", "");
      if (words[at] === ":") take(":");
      list.push({ name, type: type() });
    } while (words[at] === ",");
    return list;
  };
  const result = type();
  if (at !== words.length || bare(words.join("")) !== bare(text)) throw unsupported();
  return result;
}

function bare(text: string): string {
  return text.replace(/\s/g, "");
}

function isPrimitive(name: string): name is PrimitiveName {
  return Object.hasOwn(primitives, name);
}

const wholes = ["tinyint", "smallint", "int", "bigint"];

/** Whether Delta's type widening takes one type for the other. */
export function widens(from: DataType, to: DataType): boolean {
  if (from.kind === "decimal" && to.kind === "decimal")
    return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
  if (from.kind !== "primitive" || to.kind !== "primitive") return false;
  const [a, b] = [wholes.indexOf(from.name), wholes.indexOf(to.name)];
  if (a >= 0 && b >= 0) return b > a;
  return to.name === "double" && (from.name === "float" || (a >= 0 && from.name !== "bigint"));
}

const numbers = [...wholes, "float", "double"];

/** Whether Spark converts one type to the other without losing a value, and so leaves the decision about an ALTER to Delta. */
export function upcasts(from: DataType, to: DataType): boolean {
  if (widens(from, to)) return true;
  if (to.kind !== "primitive") return false;
  if (to.name === "string") return from.kind === "primitive" || from.kind === "decimal";
  return from.kind === "primitive" && numbers.includes(from.name) && numbers.indexOf(to.name) > numbers.indexOf(from.name);
}

/** Whether a value of a type is a map or has one within, or the same for VARIANT. */
export function contains(type: DataType, what: "map" | "variant"): boolean {
  switch (type.kind) {
    case "primitive":
      return type.name === what;
    case "decimal":
      return false;
    case "array":
      return contains(type.element, what);
    case "map":
      return what === "map" || contains(type.key, what) || contains(type.value, what);
    case "struct":
      return type.fields.some((field) => contains(field.type, what));
  }
}

/** As in Databricks' DESCRIBE: `decimal(5,2)`, `map<string,string>`. */
export function typeName(type: DataType): string {
  switch (type.kind) {
    case "primitive":
      return type.name;
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    case "array":
      return `array<${typeName(type.element)}>`;
    case "map":
      return `map<${typeName(type.key)},${typeName(type.value)}>`;
    case "struct":
      return `struct<${type.fields.map((field) => `${field.name}:${typeName(field.type)}`).join(",")}>`;
  }
}

/** The same type in DuckDB's notation. */
export function duckDbType(type: DataType): string {
  switch (type.kind) {
    case "primitive":
      return primitives[type.name];
    case "decimal":
      return `DECIMAL(${type.precision},${type.scale})`;
    case "array":
      return `${duckDbType(type.element)}[]`;
    case "map":
      return `MAP(${duckDbType(type.key)}, ${duckDbType(type.value)})`;
    case "struct":
      return `STRUCT(${type.fields.map((field) => `"${field.name.replaceAll('"', '""')}" ${duckDbType(field.type)}`).join(", ")})`;
  }
}
