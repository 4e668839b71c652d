import { literal } from "../duckdb.ts";
import { SqlError, UnsupportedSql } from "../errors.ts";
import { type DataType, parseType } from "../types.ts";
import { arrayFunctions } from "./array-functions.ts";
import type { Expression } from "./ast.ts";
import { dateFunctions } from "./date-functions.ts";
import { as, many, type SqlFunction, same, stringOf } from "./function-forms.ts";
import { buildingFunctions } from "./text-functions.ts";

/** Integers in Databricks' own width: DuckDB counts in BIGINT. */
function int(expression: (args: string[]) => string): () => SqlFunction {
  return as(1, (args) => `CAST(${expression(args)} AS INTEGER)`);
}

function datePart(name: string): () => SqlFunction {
  return int(([date = ""]) => `${name}(${instant(date)})`);
}

function instant(sql: string): string {
  return `CAST(${sql} AS TIMESTAMP WITH TIME ZONE)`;
}

function date(sql: string): string {
  return `CAST(${sql} AS DATE)`;
}

const scalars: Readonly<Record<string, (own: string) => SqlFunction>> = {
  // Text
  lower: same(1),
  lcase: same(1, 1, "lower"),
  upper: same(1),
  ucase: same(1, 1, "upper"),
  trim: as(1, ([s]) => `trim(${s}, ' ')`),
  ltrim: as(1, ([s]) => `ltrim(${s}, ' ')`),
  rtrim: as(1, ([s]) => `rtrim(${s}, ' ')`),
  length: int(([s]) => `length(dbx_string(${s}))`),
  char_length: int(([s]) => `length(dbx_string(${s}))`),
  len: int(([s]) => `length(dbx_string(${s}))`),
  repeat: as(2, ([s, n]) => `repeat(dbx_string(${s}), ${n})`),
  replace: same(3),
  translate: same(3),
  concat: as(
    1,
    (args, nodes) => `(${args.map((arg, index) => (isText(nodes[index]) ? arg : `dbx_string(${arg})`)).join(" || ")})`,
    many,
  ),
  startswith: same(2, 2, "starts_with"),
  endswith: same(2, 2, "ends_with"),
  contains: as(2, ([s, part]) => `(strpos(${s}, ${part}) > 0)`),
  instr: as(2, ([s, part]) => `CAST(strpos(${s}, ${part}) AS INTEGER)`),
  substring: as(2, ([s, start, n]) => `dbx_substring(${s}, ${start}, ${n ?? "2147483647"})`, 3),
  substr: as(2, ([s, start, n]) => `dbx_substring(${s}, ${start}, ${n ?? "2147483647"})`, 3),
  left: as(2, ([s, n]) => `dbx_left(${s}, ${n})`),
  right: as(2, ([s, n]) => `dbx_right(${s}, ${n})`),
  // Java's regular expressions and RE2's agree on what both support; RE2 refuses the rest.
  regexp_extract: as(2, ([s, pattern, group]) => `regexp_extract(${s}, ${pattern}, ${group ?? "1"})`, 3),
  regexp_like: as(2, ([s, pattern]) => `regexp_matches(${s}, ${pattern})`),
  // Up to 15 hex digits, which fit into a BIGINT.
  conv: as(3, ([s], [, from, to]) =>
    numberOf(from) === "16" && numberOf(to) === "10"
      ? `CAST(CAST('0x' || ${s} AS BIGINT) AS VARCHAR)`
      : onlyFor([], "", "conv of anything but 16 to 10", s),
  ),
  md5: same(1),
  hex: same(1),
  sha2: as(2, ([s], [, bits]) => `sha256(${onlyFor(["256", "0"], numberOf(bits), "sha2 of other than 256 bits", s)})`),
  uuid: as(0, () => "CAST(uuid() AS VARCHAR)"),
  // Conditions
  coalesce: same(1, many),
  ifnull: same(2, 2, "coalesce"),
  nvl: same(2, 2, "coalesce"),
  nullif: same(2),
  nvl2: as(3, ([x, some, none]) => `CASE WHEN ${x} IS NOT NULL THEN ${some} ELSE ${none} END`),
  if: as(3, ([condition, yes, no]) => `CASE WHEN ${condition} THEN ${yes} ELSE ${no} END`),
  iff: as(3, ([condition, yes, no]) => `CASE WHEN ${condition} THEN ${yes} ELSE ${no} END`),
  isnull: as(1, ([x]) => `(${x} IS NULL)`),
  isnotnull: as(1, ([x]) => `(${x} IS NOT NULL)`),
  greatest: same(2, many),
  least: same(2, many),
  // Numbers
  abs: same(1),
  ceil: as(1, ([x]) => `CAST(ceil(dbx_not_decimal(${x})) AS BIGINT)`),
  ceiling: as(1, ([x]) => `CAST(ceil(dbx_not_decimal(${x})) AS BIGINT)`),
  floor: as(1, ([x]) => `CAST(floor(dbx_not_decimal(${x})) AS BIGINT)`),
  round: as(1, ([x, n]) => `dbx_round(${x}, ${n ?? "0"})`, 2),
  mod: as(2, ([a, b]) => `dbx_modulo(${a}, ${b})`),
  pmod: as(2, ([a, b]) => `dbx_pmod(${a}, ${b})`),
  sign: as(1, ([x]) => `CAST(sign(${x}) AS DOUBLE)`),
  signum: as(1, ([x]) => `CAST(sign(${x}) AS DOUBLE)`),
  // With a seed, Databricks answers numbers of its own: refused, as hash and xxhash64 are.
  randn: as(0, () => "(sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))"),
  rand: as(0, () => "random()"),
  power: same(2, 2, "pow"),
  pow: same(2),
  // Time
  current_timestamp: as(0, () => "now()"),
  now: same(0),
  current_date: as(0, () => "CAST(now() AS DATE)"),
  curdate: as(0, () => "CAST(now() AS DATE)"),
  date: as(1, ([x = ""]) => date(x)),
  to_date: as(1, ([x = ""]) => date(x)),
  to_timestamp: as(1, ([x = ""]) => instant(x)),
  timestamp: as(1, ([x = ""]) => instant(x)),
  date_add: as(2, ([day = "", days]) => `(${date(day)} + dbx_int(${days}))`),
  date_sub: as(2, ([day = "", days]) => `(${date(day)} - dbx_int(${days}))`),
  year: datePart("year"),
  quarter: datePart("quarter"),
  month: datePart("month"),
  day: datePart("day"),
  dayofmonth: datePart("day"),
  dayofyear: datePart("dayofyear"),
  hour: datePart("hour"),
  minute: datePart("minute"),
  second: datePart("second"),
  weekofyear: datePart("week"),
  dayofweek: int(([day = ""]) => `dayofweek(${instant(day)}) + 1`), // Sunday is 1 in Databricks and 0 in DuckDB
  unix_timestamp: as(0, ([at]) => `(epoch_us(${at === undefined ? "now()" : instant(at)}) // 1000000)`, 1),
  // Rounded down, as Spark does; DuckDB rounds towards zero.
  unix_millis: as(1, ([at = ""]) => `((epoch_us(${instant(at)}) - (epoch_us(${instant(at)}) % 1000 + 1000) % 1000) // 1000)`),
  unix_micros: as(1, ([at = ""]) => `epoch_us(${instant(at)})`),
  timestamp_seconds: as(1, ([n]) => `make_timestamptz(dbx_bigint(${n}) * 1000000)`),
  timestamp_millis: as(1, ([n]) => `make_timestamptz(dbx_bigint(${n}) * 1000)`),
  timestamp_micros: as(1, ([n]) => `make_timestamptz(dbx_bigint(${n}))`),
  date_format: as(2, ([at = ""], [, pattern]) => `strftime(${instant(at)}, ${literal(timePattern(stringOf(pattern)))})`),
  // Arrays, maps, structs
  array: as(0, (args) => `[${args.join(", ")}]`, many),
  map: as(
    2,
    (args) =>
      `MAP {${pairs(args)
        .map(([key, value]) => `${key}: ${value}`)
        .join(", ")}}`,
    many,
  ),
  named_struct: as(
    2,
    (args, nodes) =>
      `{${pairs(args)
        .map(([, value], index) => `${literal(stringOf(nodes[index * 2]))}: ${value}`)
        .join(", ")}}`,
    many,
  ),
  ...arrayFunctions,
  ...buildingFunctions,
  ...dateFunctions,
  unhex: as(
    1,
    ([x]) =>
      `CASE WHEN regexp_full_match(${x}, '[0-9A-Fa-f]*') THEN unhex(CASE WHEN length(${x}) % 2 = 1 THEN '0' || ${x} ELSE ${x} END) END`,
  ),
  to_json: as(1, ([x]) => `dbx_to_json(${x})`),
  parse_json: as(1, ([text]) => `dbx_parse_json(${text})`),
  try_parse_json: as(1, ([text]) => `CASE WHEN json_valid(${text}) THEN CAST(json(${text}) AS JSON) END`),
  from_json: as(
    2,
    ([json], [, schema]) =>
      `CASE WHEN json_valid(${json}) THEN from_json(${json}, ${literal(jsonStructure(stringOf(schema)))}) END`,
  ),
  get_json_object: as(
    2,
    ([json], [, path]) =>
      `CASE WHEN json_valid(${json}) THEN json_extract_string(${json}, ${literal(jsonPath(stringOf(path)))}) END`,
  ),
};

/** Each begins with its name and a parenthesis, where DISTINCT is inserted. */
const aggregates: Readonly<Record<string, (own: string) => SqlFunction>> = {
  count: same(1),
  // DuckDB's own has no answer without rows; Databricks counts 0.
  count_if: as(1, ([x]) => `count(CASE WHEN ${x} THEN 1 END)`),
  sum: as(1, ([x]) => `sum(dbx_number(${x}))`),
  avg: as(1, ([x]) => `avg(dbx_not_decimal(dbx_number(${x})))`),
  mean: as(1, ([x]) => `avg(dbx_not_decimal(dbx_number(${x})))`),
  min: same(1),
  max: same(1),
  any_value: same(1),
  bool_and: same(1),
  every: same(1, 1, "bool_and"),
  bool_or: same(1),
  some: same(1, 1, "bool_or"),
  any: same(1, 1, "bool_or"),
  collect_list: as(1, ([x]) => `coalesce(list(${x}) FILTER (WHERE ${x} IS NOT NULL), [])`),
};

const windows: Readonly<Record<string, (own: string) => SqlFunction>> = {
  row_number: same(0),
  rank: same(0),
  dense_rank: same(0),
  lag: same(1, 3),
  lead: same(1, 3),
  first_value: same(1),
  last_value: same(1),
};

export type FunctionKind = "scalar" | "aggregate" | "window";

/** @throws SqlError UNRESOLVED_ROUTINE for an unknown function, WRONG_NUM_ARGS for a wrong number of arguments */
export function findFunction(name: string, argumentCount: number): SqlFunction & { kind: FunctionKind } {
  const tables = [
    ["scalar", scalars],
    ["aggregate", aggregates],
    ["window", windows],
  ] as const;
  for (const [kind, table] of tables) {
    const make = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!make) continue;
    const found = make(name);
    if (argumentCount < found.least || argumentCount > found.most)
      throw new SqlError(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        "42605",
        `The \`${name}\` requires ${found.least} parameters but the actual number is ${argumentCount}.`,
      );
    return { ...found, kind };
  }
  throw new UnsupportedSql(`the function ${name}`);
}

function pairs(args: string[]): [string, string][] {
  if (args.length % 2 !== 0)
    throw new SqlError("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605", "The function requires 2n (n > 0) parameters.");
  return args.flatMap((key, index): [string, string][] => (index % 2 === 0 ? [[key, args[index + 1] ?? ""]] : []));
}

const textFunctions = new Set([
  "lower",
  "upper",
  "trim",
  "substring",
  "left",
  "right",
  "replace",
  "translate",
  "concat",
  "md5",
  "sha2",
  "hex",
  "lpad",
  "rpad",
  "translate",
  "concat_ws",
  "regexp_replace",
  "split_part",
  "sha1",
  "to_json",
]);

/** Certainly text already: converting it again would cost more planning time than all the rest. */
function isText(node: Expression | undefined): boolean {
  if (node?.kind === "cast") return node.type.toLowerCase() === "string";
  if (node?.kind !== "call") return node?.kind === "string";
  if (node.name === "element_at") return node.arguments[0]?.kind === "call" && node.arguments[0].arguments.every(isText);
  return node.name === "coalesce" ? node.arguments.every(isText) : textFunctions.has(node.name);
}

function numberOf(node: Expression | undefined): string {
  if (node?.kind === "number") return node.text;
  throw new UnsupportedSql("this argument of a function as anything but a literal number");
}

function onlyFor(allowed: string[], value: string, otherwise: string, result: string | undefined): string {
  if (!allowed.includes(value)) throw new UnsupportedSql(otherwise);
  return result ?? "";
}

const units = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"];

/** A time unit in DuckDB's notation. */
export function unitOf(text: string): string {
  const unit = text.toLowerCase().replace(/s$/, "");
  if (!units.includes(unit)) throw new UnsupportedSql(`the unit of time ${text}`);
  return unit;
}

/** Converts Java's pattern letters to strftime's, where both mean the same. */
function timePattern(pattern: string): string {
  const letters: Readonly<Record<string, string>> = { yyyy: "%Y", MM: "%m", dd: "%d", HH: "%H", mm: "%M", ss: "%S" };
  return pattern.replace(/([A-Za-z])\1*|%|'/g, (run) => {
    const letter = letters[run];
    if (letter === undefined) throw new UnsupportedSql(`${run} in a time pattern`);
    return letter;
  });
}

function jsonPath(path: string): string {
  if (!/^\$(\.[A-Za-z_]\w*|\[\d+\])*$/.test(path)) throw new UnsupportedSql(`the JSON path ${path}`);
  return path;
}

/** The structure for DuckDB's from_json. Only text as leaves, because numbers are parsed differently. */
function jsonStructure(schema: string): string {
  const structure = (type: DataType): unknown => {
    if (type.kind === "primitive" && type.name === "string") return "VARCHAR";
    if (type.kind === "array") return [structure(type.element)];
    if (type.kind === "struct") return Object.fromEntries(type.fields.map((field) => [field.name, structure(field.type)]));
    if (type.kind === "map" && structure(type.key) === "VARCHAR" && structure(type.value) === "VARCHAR")
      return "MAP(VARCHAR, VARCHAR)";
    throw new UnsupportedSql(`from_json to ${schema}`);
  };
  return JSON.stringify(structure(parseType(schema)));
}
