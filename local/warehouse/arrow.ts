import { createRequire } from "node:module";
import { type Column, MapValue, type ResultSet, type StructValue, type Value } from "./results.ts";
import type { DataType, PrimitiveName } from "./types.ts";

type Arrow = typeof import("apache-arrow", { with: { "resolution-mode": "require" }});
type ArrowType = InstanceType<Arrow["DataType"]>;
type ArrowData = ReturnType<Arrow["makeData"]>;
type ArrowSchema = InstanceType<Arrow["Schema"]>;

/** The driver's own copy (CommonJS): loading the other build as well would cost time and memory. */
const arrow: Arrow = createRequire(import.meta.url)("apache-arrow");

/** The types that the client wants in native form; the others are sent as text, as Databricks does. */
export interface NativeTypes {
  timestamps: boolean;
  decimals: boolean;
  complex: boolean;
}

/** The Arrow IPC message with the schema of the columns. */
export function encodeSchema(columns: readonly Column[], native: NativeTypes): Buffer {
  const writer = new arrow.RecordBatchStreamWriter();
  writer.reset(undefined, schemaOf(columns, native));
  writer.finish();
  const stream = Buffer.from(writer.toUint8Array(true));
  return stream.subarray(0, schemaEnd(stream));
}

/** The Arrow IPC message with the rows `from` (inclusive) to `to` (exclusive). */
export function encodeRows(result: ResultSet, native: NativeTypes, from: number, to: number): Buffer {
  const schema = schemaOf(result.columns, native);
  const children = result.columns.map((column, index) => {
    const values = (result.values[index] ?? []).slice(from, to);
    const type = wireType(column.type, native);
    return encode(
      type,
      type === column.type ? values : values.map((value) => (value === null ? null : asText(column.type, value))),
    );
  });
  const data = arrow.makeData({ type: new arrow.Struct(schema.fields), length: to - from, nullCount: 0, children });
  const stream = writeStream(new arrow.RecordBatch(schema, data));
  return stream.subarray(schemaEnd(stream), stream.length - endOfStream);
}

/** A continuation marker and a length of zero. */
const endOfStream = 8;

function writeStream(batch: InstanceType<Arrow["RecordBatch"]>): Buffer {
  const writer = new arrow.RecordBatchStreamWriter();
  writer.write(batch);
  writer.finish();
  return Buffer.from(writer.toUint8Array(true));
}

/** A message has a continuation marker, the length of its metadata, and the metadata. A schema has no body. */
function schemaEnd(stream: Buffer): number {
  return 8 + stream.readInt32LE(4);
}

function schemaOf(columns: readonly Column[], native: NativeTypes): ArrowSchema {
  return new arrow.Schema(columns.map((column) => new arrow.Field(column.name, arrowType(wireType(column.type, native)), true)));
}

const text: DataType = { kind: "primitive", name: "string" };

function wireType(type: DataType, native: NativeTypes): DataType {
  if (type.kind === "decimal") return native.decimals ? type : text;
  if (type.kind !== "primitive") return native.complex ? type : text;
  return type.name === "timestamp" && !native.timestamps ? text : type;
}

function arrowType(type: DataType): ArrowType {
  switch (type.kind) {
    case "decimal":
      return decimalType(type);
    case "array":
      return listType(type);
    case "map":
      return mapType(type);
    case "struct":
      return structType(type);
    case "primitive":
      return arrowPrimitives[type.name]();
  }
}

type Of<Kind extends DataType["kind"]> = Extract<DataType, { kind: Kind }>;

function decimalType(type: Of<"decimal">) {
  return new arrow.Decimal(type.scale, type.precision, 128);
}

function listType(type: Of<"array">) {
  return new arrow.List(new arrow.Field("element", arrowType(type.element), true));
}

function mapType(type: Of<"map">) {
  return new arrow.Map_(new arrow.Field("entries", entryType(type), false));
}

function entryType(type: Of<"map">) {
  const fields: { key: ArrowType; value: ArrowType } = { key: arrowType(type.key), value: arrowType(type.value) };
  return new arrow.Struct<typeof fields>([
    new arrow.Field("key", fields.key, false),
    new arrow.Field("value", fields.value, true),
  ]);
}

function structType(type: Of<"struct">) {
  return new arrow.Struct(type.fields.map((field) => new arrow.Field(field.name, arrowType(field.type), true)));
}

const arrowPrimitives: Record<PrimitiveName, () => ArrowType> = {
  boolean: () => new arrow.Bool(),
  tinyint: () => new arrow.Int8(),
  smallint: () => new arrow.Int16(),
  int: () => new arrow.Int32(),
  bigint: () => new arrow.Int64(),
  float: () => new arrow.Float32(),
  double: () => new arrow.Float64(),
  string: () => new arrow.Utf8(),
  binary: () => new arrow.Binary(),
  date: () => new arrow.DateDay(),
  timestamp: () => new arrow.TimestampMicrosecond("Etc/UTC"),
  variant: () => new arrow.Utf8(),
  void: () => new arrow.Utf8(),
};

function encode(type: DataType, values: readonly Value[]): ArrowData {
  const { nullCount, nullBitmap } = nulls(values);
  const common = { length: values.length, nullCount, nullBitmap };
  switch (type.kind) {
    case "decimal":
      return arrow.makeData({ type: decimalType(type), ...common, data: decimals(values) });
    case "array": {
      const lists = values.map((value) => (Array.isArray(value) ? value : []));
      const valueOffsets = offsets(lists.map((list) => list.length));
      return arrow.makeData({
        type: listType(type),
        ...common,
        valueOffsets,
        child: encode(type.element, lists.flat(1)),
      });
    }
    case "map": {
      const pairs = values.map((value) => (value instanceof MapValue ? value.pairs : []));
      const valueOffsets = offsets(pairs.map((list) => list.length));
      const flat = pairs.flat(1);
      const child = arrow.makeData({
        type: entryType(type),
        length: flat.length,
        nullCount: 0,
        children: [
          encode(
            type.key,
            flat.map(([key]) => key),
          ),
          encode(
            type.value,
            flat.map(([, value]) => value),
          ),
        ],
      });
      return arrow.makeData({ type: mapType(type), ...common, valueOffsets, child });
    }
    case "struct": {
      const children = type.fields.map((field) =>
        encode(
          field.type,
          values.map((value) => (isStruct(value) ? (value[field.name] ?? null) : null)),
        ),
      );
      return arrow.makeData({ type: structType(type), ...common, children });
    }
    case "primitive":
      return encodePrimitive(type.name, values, common);
  }
}

interface Common {
  length: number;
  nullCount: number;
  nullBitmap: Uint8Array;
}

function encodePrimitive(name: PrimitiveName, values: readonly Value[], common: Common): ArrowData {
  switch (name) {
    case "boolean":
      return arrow.makeData({ type: new arrow.Bool(), ...common, data: bitmap(values, (value) => value === true) });
    case "tinyint":
      return arrow.makeData({ type: new arrow.Int8(), ...common, data: Int8Array.from(values, Number) });
    case "smallint":
      return arrow.makeData({ type: new arrow.Int16(), ...common, data: Int16Array.from(values, Number) });
    case "int":
      return arrow.makeData({ type: new arrow.Int32(), ...common, data: Int32Array.from(values, Number) });
    case "bigint":
      return arrow.makeData({ type: new arrow.Int64(), ...common, data: bigints(values) });
    case "float":
      return arrow.makeData({ type: new arrow.Float32(), ...common, data: Float32Array.from(values, Number) });
    case "double":
      return arrow.makeData({ type: new arrow.Float64(), ...common, data: Float64Array.from(values, Number) });
    case "date":
      return arrow.makeData({ type: new arrow.DateDay(), ...common, data: Int32Array.from(values, Number) });
    case "timestamp":
      return arrow.makeData({
        type: new arrow.TimestampMicrosecond("Etc/UTC"),
        ...common,
        data: new Int32Array(bigints(values).buffer), // this version of Arrow stores timestamps as pairs of 32 bits
      });
    case "binary":
      return arrow.makeData({
        type: new arrow.Binary(),
        ...common,
        ...bytes(values.map((v) => (v instanceof Uint8Array ? v : noBytes))),
      });
    case "string":
    case "variant":
    case "void":
      return arrow.makeData({
        type: new arrow.Utf8(),
        ...common,
        ...bytes(values.map((v) => (v === null ? noBytes : Buffer.from(String(v))))),
      });
  }
}

const noBytes = new Uint8Array(0);

function nulls(values: readonly Value[]): { nullCount: number; nullBitmap: Uint8Array } {
  const nullCount = values.reduce<number>((count, value) => count + (value === null ? 1 : 0), 0);
  return { nullCount, nullBitmap: bitmap(values, (value) => value !== null) };
}

function bitmap(values: readonly Value[], set: (value: Value) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 64) * 8);
  for (const [index, value] of values.entries()) if (set(value)) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  return bits;
}

function offsets(lengths: readonly number[]): Int32Array {
  const result = new Int32Array(lengths.length + 1);
  let end = 0;
  for (const [index, length] of lengths.entries()) {
    end += length;
    result[index + 1] = end;
  }
  return result;
}

function bytes(parts: readonly Uint8Array[]): { valueOffsets: Int32Array; data: Uint8Array } {
  return { valueOffsets: offsets(parts.map((part) => part.length)), data: Buffer.concat(parts) };
}

function bigints(values: readonly Value[]): BigInt64Array {
  return BigInt64Array.from(values, (value) => (typeof value === "bigint" ? value : BigInt(Number(value))));
}

/** 128 bits each, little-endian, two's complement. */
function decimals(values: readonly Value[]): Uint32Array {
  const words = new BigInt64Array(values.length * 2);
  for (const [index, value] of values.entries()) {
    const unscaled = typeof value === "bigint" ? value : BigInt(Number(value));
    words[index * 2] = BigInt.asIntN(64, unscaled);
    words[index * 2 + 1] = unscaled >> 64n;
  }
  return new Uint32Array(words.buffer);
}

function isStruct(value: Value): value is StructValue {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    !(value instanceof MapValue)
  );
}

/** For clients that don't want the native type: decimals and timestamps in SQL notation, complex types as JSON. */
function asText(type: DataType, value: Value): string {
  return type.kind === "primitive" || type.kind === "decimal" ? scalarText(type, value) : JSON.stringify(jsonValue(type, value));
}

function scalarText(type: DataType, value: Value): string {
  if (type.kind === "decimal" && typeof value === "bigint") return decimalText(value, type.scale);
  if (type.kind === "primitive" && type.name === "timestamp" && typeof value === "bigint") {
    const milliseconds = new Date(Number(value / 1000n)).toISOString().replace("T", " ").replace("Z", "");
    return milliseconds.replace(/\.?0+$/, "");
  }
  if (type.kind === "primitive" && type.name === "date") return new Date(Number(value) * 86_400_000).toISOString().slice(0, 10);
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : String(value);
}

function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString();
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function jsonValue(type: DataType, value: Value): unknown {
  if (value === null) return null;
  if (type.kind === "array" && Array.isArray(value)) return value.map((item) => jsonValue(type.element, item));
  if (type.kind === "map" && value instanceof MapValue)
    return Object.fromEntries(value.pairs.map(([key, item]) => [scalarText(type.key, key), jsonValue(type.value, item)]));
  if (type.kind === "struct" && isStruct(value))
    return Object.fromEntries(type.fields.map((field) => [field.name, jsonValue(field.type, value[field.name] ?? null)]));
  if (typeof value === "boolean" || typeof value === "number") return value;
  return typeof value === "bigint" && type.kind === "primitive" && type.name === "bigint"
    ? Number(value)
    : scalarText(type, value);
}
