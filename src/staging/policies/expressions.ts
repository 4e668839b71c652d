import { quoteName } from "../../warehouse/statements.ts";
import type { ColumnType } from "./column-type.ts";
import { isSimple, parseColumnType } from "./column-type.ts";
import { type ColumnPolicy, type Generalise, isWithin, type Leaf, type Locale, type Synthetic, type Within } from "./model.ts";
import { textLiteral } from "./sql.ts";
import { madeUp } from "./synthetic.ts";
import { fieldOf, parsed } from "./walk.ts";

/** What an expression needs to know of its row. */
export interface Row {
  locale: Locale;
  /** SQL of the stand-in of a value. */
  standIn: (domain: string, value: string, repeated: boolean) => string;
  /** SQL of 64 hex digits for a made-up value. @param index SQL of its place in its array, if it is in one */
  hash: (policy: Synthetic, path: string, index: string | undefined) => string;
}

interface Spot {
  type: ColumnType;
  path: string;
  /** SQL of the places in the arrays around it, joined; undefined outside of arrays. */
  index?: string;
  depth: number;
}

/** The SQL of what a column becomes, in the column's own type. @param type the column's type @param ddl as in DDL, for the cast */
export function columnExpression(policy: ColumnPolicy, type: ColumnType, ddl: string, value: string, row: Row): string {
  if (policy.how === "keep") return value;
  return `CAST(${expression(policy, value, { type, path: "", depth: 0 }, row)} AS ${ddl})`;
}

function expression(policy: ColumnPolicy, value: string, spot: Spot, row: Row): string {
  if (policy.how === "json") {
    const type = parseColumnType(policy.type) ?? { kind: "other" };
    const read = parsed(value, policy.type);
    // A text that isn't JSON becomes an empty object: a column that takes no NULL must not get one.
    return `CASE WHEN ${value} IS NOT NULL THEN coalesce(to_json(${within(policy.within, read, { ...spot, type }, row)}), '{}') END`;
  }
  return isWithin(policy) ? within(policy, value, spot, row) : leafExpression(policy, value, spot, row);
}

function within(policy: Within, value: string, spot: Spot, row: Row): string {
  const [x, i] = [`x${spot.depth}`, `i${spot.depth}`];
  const deeper = { depth: spot.depth + 1, index: spot.index === undefined ? i : `concat(${spot.index}, '.', ${i})` };
  if (policy.how === "fields") {
    const fields = (spot.type.kind === "struct" ? spot.type.fields : []).map(({ name, type }) => {
      const [, child] = Object.entries(policy.fields).find(([field]) => field.toLowerCase() === name.toLowerCase()) ?? [];
      const path = spot.path === "" ? name : `${spot.path}.${name}`;
      const made: ColumnPolicy = child ?? { how: "null" };
      return `${textLiteral(name)}, ${expression(made, `${value}.${quoteName(fieldOf(spot.type, name)?.name ?? name)}`, { ...spot, type, path }, row)}`;
    });
    return `CASE WHEN ${value} IS NOT NULL THEN named_struct(${fields.join(", ")}) END`;
  }
  if (policy.how === "elements") {
    const type: ColumnType = spot.type.kind === "array" ? spot.type.element : { kind: "other" };
    const inner = expression(policy.elements, x, { type, path: `${spot.path}[]`, ...deeper }, row);
    return `transform(${value}, ${lambda(x, i, inner)})`;
  }
  const [key, item]: [ColumnType, ColumnType] =
    spot.type.kind === "map" ? [spot.type.key, spot.type.value] : [{ kind: "other" }, { kind: "other" }];
  const keys = expression(policy.keys, `${x}.key`, { type: key, path: `${spot.path}{key}`, ...deeper }, row);
  const values = expression(policy.values, `${x}.value`, { type: item, path: `${spot.path}{value}`, ...deeper }, row);
  return `map_from_entries(transform(map_entries(${value}), ${lambda(x, i, `named_struct('key', ${keys}, 'value', ${values})`)}))`;
}

/** With the place only where it is used. */
function lambda(item: string, place: string, body: string): string {
  return new RegExp(`\\b${place}\\b`).test(body) ? `(${item}, ${place}) -> ${body}` : `${item} -> ${body}`;
}

function leafExpression(policy: Leaf, value: string, { type, path, index }: Spot, row: Row): string {
  switch (policy.how) {
    case "keep":
      return value;
    case "null":
      return isSimple(type) ? `CAST(NULL AS ${nameOf(type)})` : "NULL";
    case "constant":
      return constant(policy.value, type);
    case "surrogate":
    case "pseudonym":
      return row.standIn(policy.domain, value, index !== undefined);
    case "generalise":
      return as(generalised(policy, value, type), type);
    case "synthetic": {
      const made = madeUp(policy, policy.locale ?? row.locale, row.hash(policy, path, index), value);
      return `CASE WHEN ${value} IS NOT NULL THEN ${as(made, type)} END`;
    }
  }
}

/** For a CAST: as exact as needed. */
export function nameOf(type: ColumnType): string {
  switch (type.kind) {
    case "text":
      return "STRING";
    case "whole":
      return wholeNames[String(type.high)] ?? "BIGINT";
    case "decimal":
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case "float":
      return "DOUBLE";
    case "array":
      return `ARRAY<${nameOf(type.element)}>`;
    case "map":
      return `MAP<${nameOf(type.key)}, ${nameOf(type.value)}>`;
    case "struct":
      return `STRUCT<${type.fields.map((field) => `${quoteName(field.name)}: ${nameOf(field.type)}`).join(", ")}>`;
    case "other":
      return "STRING";
    default:
      return type.kind.toUpperCase();
  }
}

const wholeNames: Readonly<Record<string, string>> = {
  [String(2n ** 7n - 1n)]: "TINYINT",
  [String(2n ** 15n - 1n)]: "SMALLINT",
  [String(2n ** 31n - 1n)]: "INT",
};

export function constant(value: string | number | boolean, type: ColumnType): string {
  return as(typeof value === "string" ? textLiteral(value) : String(value), type);
}

/** In the type, which a text has already. */
function as(sql: string, type: ColumnType): string {
  return type.kind === "text" ? sql : `CAST(${sql} AS ${nameOf(type)})`;
}

/** What a value becomes; a date or number that is its own group stays as it is. A text never stays whole, however short it is. */
export function generalised({ to }: Generalise, value: string, type: ColumnType): string {
  if (typeof to === "string") return `date_trunc('${to.toUpperCase()}', ${value})`;
  if ("first" in to)
    return `left(${value}, CASE WHEN length(${value}) > ${to.first} THEN ${to.first} ELSE length(${value}) - 1 END)`;
  const { band } = to;
  // Without a division, whose result would be rounded; and never below the smallest value of the type.
  const rest = (number: string) => `((${number} % ${band}) + ${band}) % ${band}`;
  if (type.kind === "whole") {
    const number = `CAST(${value} AS BIGINT)`;
    const low = type.low === -(2n ** 63n) ? "(-9223372036854775807 - 1)" : String(type.low);
    return `CASE WHEN ${number} < ${type.low + BigInt(band)} THEN ${low} ELSE ${number} - ${rest(number)} END`;
  }
  if (type.kind === "decimal") {
    const largest = `${"9".repeat(type.precision - type.scale) || "0"}${type.scale > 0 ? `.${"9".repeat(type.scale)}` : ""}`;
    return `CASE WHEN ${value} < -${largest} + ${band} THEN -${largest} ELSE ${value} - ${rest(value)} END`;
  }
  return `${value} - ${rest(value)}`;
}
