import { quoteName } from "../../warehouse/statements.ts";
import { literal } from "./sql-text.ts";

/**
 * What can become of a column's type without writing its rows again: Delta widens a type along a fixed table, adds and drops
 * fields of structs, and nothing else.
 */

type Type =
  | { kind: "plain"; text: string }
  | { kind: "array"; element: Type; text: string }
  | { kind: "map"; key: Type; value: Type; text: string }
  | { kind: "struct"; fields: Field[]; text: string };

interface Field {
  name: string;
  type: Type;
  /** What follows the type: NOT NULL, COLLATE, COMMENT. */
  rest: string;
}

/** A change within a column. `path` has the names below the column: fields, `element`, `key` and `value`. */
export type TypeChange =
  | {
      kind: "widen";
      path: string[];
      type: string /** Whether the table must have delta.enableTypeWidening. */;
      property: boolean;
    }
  | { kind: "add"; path: string[]; type: string /** The field before it, in the same struct. */; after: string | undefined }
  | { kind: "drop"; path: string[] };

/** What makes one type the other; undefined if no ALTER does. */
export function changesOfType(from: string, to: string): TypeChange[] | undefined {
  const [a, b] = [parseType(from), parseType(to)];
  return a && b ? changes(a, b, []) : undefined;
}

function changes(from: Type, to: Type, path: string[]): TypeChange[] | undefined {
  if (normal(from.text) === normal(to.text)) return [];
  if (from.kind === "plain" && to.kind === "plain")
    return widens(from.text, to.text)
      ? [{ kind: "widen", path, type: to.text, property: normal(from.text) !== "void" }]
      : undefined;
  if (from.kind === "array" && to.kind === "array") return changes(from.element, to.element, [...path, "element"]);
  if (from.kind === "map" && to.kind === "map")
    return joined([changes(from.key, to.key, [...path, "key"]), changes(from.value, to.value, [...path, "value"])]);
  if (from.kind === "struct" && to.kind === "struct") return changesOfFields(from.fields, to.fields, path);
  return undefined;
}

function changesOfFields(from: readonly Field[], to: readonly Field[], path: string[]): TypeChange[] | undefined {
  const old = new Map(from.map((field) => [field.name.toLowerCase(), field]));
  const wanted = new Set(to.map(({ name }) => name.toLowerCase()));
  const kept = from.filter(({ name }) => wanted.has(name.toLowerCase())).map(({ name }) => name.toLowerCase());
  const common = to.map(({ name }) => name.toLowerCase()).filter((name) => old.has(name));
  // A struct without a field cannot exist in between, and fields are not moved.
  if (kept.length === 0 || kept.join() !== common.join()) return undefined;
  const dropped: TypeChange[] = from
    .filter(({ name }) => !wanted.has(name.toLowerCase()))
    .map(({ name }) => ({ kind: "drop", path: [...path, name] }));
  const others = to.map((field, at): TypeChange[] | undefined => {
    const before = old.get(field.name.toLowerCase());
    if (before) return before.rest === field.rest ? changes(before.type, field.type, [...path, before.name]) : undefined;
    if (/not null/i.test(field.rest)) return undefined;
    const type = `${field.type.text}${field.rest && ` ${field.rest}`}`;
    return [{ kind: "add", path: [...path, field.name], type, after: to[at - 1]?.name }];
  });
  return joined([dropped, ...others]);
}

function joined(parts: readonly (TypeChange[] | undefined)[]): TypeChange[] | undefined {
  return parts.includes(undefined) ? undefined : parts.flatMap((part) => part ?? []);
}

const aliases: Readonly<Record<string, string>> = {
  byte: "tinyint",
  short: "smallint",
  integer: "int",
  long: "bigint",
  real: "float",
  dec: "decimal(10,0)",
  numeric: "decimal(10,0)",
  decimal: "decimal(10,0)",
};

function normal(text: string): string {
  const plain = text.toLowerCase().replace(/\s+/g, " ").trim();
  return aliases[plain] ?? plain.replace(/^(dec|numeric)(?=\()/, "decimal").replace(/\s*([(),<>:])\s*/g, "$1");
}

const wholes = ["tinyint", "smallint", "int", "bigint"];

/** As Databricks documents it for delta.enableTypeWidening. */
function widens(from: string, to: string): boolean {
  const [a, b] = [normal(from), normal(to)];
  if (a === "void") return true;
  if (a === "date") return b === "timestamp_ntz";
  if (a === "float") return b === "double";
  const [digits, wanted] = [digitsOf(a), digitsOf(b)];
  const size = wholes.indexOf(a);
  if (wanted) {
    const needed = digits ?? (size >= 0 ? { before: size === 3 ? 20 : 10, after: 0 } : undefined);
    return needed !== undefined && wanted.before >= needed.before && wanted.after >= needed.after;
  }
  if (size < 0) return false;
  return b === "double" ? size < 3 : wholes.indexOf(b) > size;
}

/** Digits before and after the point of a decimal. */
function digitsOf(type: string): { before: number; after: number } | undefined {
  const found = /^decimal\((\d+)(?:,(\d+))?\)$/.exec(type);
  if (!found) return undefined;
  const after = Number(found[2] ?? 0);
  return { before: Number(found[1]) - after, after };
}

/** Undefined if it is no type that this knows to take apart. */
function parseType(text: string): Type | undefined {
  const trimmed = text.trim();
  const outer = /^(array|map|struct)\s*<([\s\S]*)>$/i.exec(trimmed);
  if (!outer) return /[<>]/.test(withoutQuotes(trimmed)) ? undefined : { kind: "plain", text: trimmed };
  const parts = partsOf(outer[2] ?? "", ",");
  if (!parts) return undefined;
  switch (outer[1]?.toLowerCase()) {
    case "array": {
      const element = parts.length === 1 ? parseType(parts[0] ?? "") : undefined;
      return element && { kind: "array", element, text: trimmed };
    }
    case "map": {
      const [key, value] = parts.length === 2 ? parts.map(parseType) : [];
      return key && value && { kind: "map", key, value, text: trimmed };
    }
    default: {
      const fields = parts.map(parseField);
      if (fields.includes(undefined)) return undefined;
      return { kind: "struct", fields: fields.flatMap((field) => field ?? []), text: trimmed };
    }
  }
}

/** `name:type` or `name: type NOT NULL COMMENT 'x'`. */
function parseField(text: string): Field | undefined {
  const found = /^\s*(?:`((?:``|[^`])+)`|([^\s:`]+))\s*(?::|\s)\s*([\s\S]+)$/.exec(text);
  if (!found) return undefined;
  const rest = found[3] ?? "";
  const end = endOfType(rest);
  const type = parseType(rest.slice(0, end));
  const name = (found[1] ?? found[2] ?? "").replaceAll("``", "`");
  return type && { name, type, rest: rest.slice(end).trim() };
}

/** Where a type ends: at the first blank outside of its brackets. */
function endOfType(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if (sign === "<" || sign === "(") depth++;
    else if (sign === ">" || sign === ")") depth--;
    else if (depth === 0 && /\s/.test(sign)) return at;
  }
  return text.length;
}

/** Split outside of brackets and quotes. */
function partsOf(text: string, separator: string): string[] | undefined {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const quoted = /^(?:`(?:``|[^`])*`|'(?:\\[\s\S]|[^'\\])*')/.exec(text.slice(at));
    const sign = text.charAt(at);
    if (quoted) at += quoted[0].length - 1;
    else if (sign === "<" || sign === "(") depth++;
    else if (sign === ">" || sign === ")") depth--;
    else if (sign === separator && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
    if (depth < 0) return undefined;
  }
  parts.push(text.slice(start));
  return depth === 0 ? parts : undefined;
}

function withoutQuotes(text: string): string {
  return text.replace(/`(?:``|[^`])*`|'(?:\\[\s\S]|[^'\\])*'/g, "");
}

/** NOT NULL and comments of fields, by path. */
export type Attributes = Readonly<Record<string, { notNull?: boolean; comment?: string }>>;

/** A type as DDL writes it, with what its fields have beside their types. */
export function typeText(type: string, attributes: Attributes | undefined): string {
  const parsed = attributes && Object.keys(attributes).length > 0 ? parseType(type) : undefined;
  return parsed ? written(parsed, attributes ?? {}, "") : type;
}

function written(type: Type, attributes: Attributes, path: string): string {
  const within = (part: string): string => (path === "" ? part : `${path}.${part}`);
  switch (type.kind) {
    case "plain":
      return type.text;
    case "array":
      return `array<${written(type.element, attributes, within("element"))}>`;
    case "map":
      return `map<${written(type.key, attributes, within("key"))},${written(type.value, attributes, within("value"))}>`;
    case "struct":
      return `struct<${type.fields.map((field) => writtenField(field, attributes, within(field.name.toLowerCase()))).join(",")}>`;
  }
}

function writtenField({ name, type, rest }: Field, attributes: Attributes, path: string): string {
  const { notNull, comment } = attributes[path] ?? {};
  const end = `${rest && ` ${rest}`}${notNull ? " NOT NULL" : ""}${comment === undefined ? "" : ` COMMENT ${literal(comment)}`}`;
  return `${quoteName(name)}:${written(type, attributes, path)}${end}`;
}

/** Paths that DDL has no words for: the elements of arrays, and the keys and values of maps. */
export function unwritable(type: string, attributes: Attributes = {}): string[] {
  const parsed = parseType(type);
  const fields = new Set(parsed ? fieldPaths(parsed, "") : []);
  return Object.keys(attributes).filter((path) => !fields.has(path));
}

function fieldPaths(type: Type, path: string): string[] {
  const within = (part: string): string => (path === "" ? part : `${path}.${part}`);
  switch (type.kind) {
    case "plain":
      return [];
    case "array":
      return fieldPaths(type.element, within("element"));
    case "map":
      return [...fieldPaths(type.key, within("key")), ...fieldPaths(type.value, within("value"))];
    case "struct":
      return type.fields.flatMap(({ name, type: of }) => {
        const field = within(name.toLowerCase());
        return [field, ...fieldPaths(of, field)];
      });
  }
}
