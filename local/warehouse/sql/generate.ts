import { identifier, literal } from "../duckdb.ts";
import { SqlError, UnsupportedSql } from "../errors.ts";
import { type DataType, duckDbType, parseType } from "../types.ts";
import type { Expression, TimeTravel } from "./ast.ts";
import { findFunction, unitOf } from "./functions.ts";
import { generateQuery } from "./generate-query.ts";

/** What a statement depends on: tables, parameters, and the user. */
export interface Environment {
  /**
   * The relation for a table's name, in DuckDB's dialect. Checks the privilege to read it.
   * @throws SqlError if it doesn't exist or may not be read
   */
  relation(name: string[], travel: TimeTravel | undefined): { sql: string; columns: string[] };
  /**
   * The DESCRIBE HISTORY of a table as a relation in DuckDB's dialect.
   * @param only the columns, in lower case, that are used: the others may be left out
   */
  history(table: string[], limit: number | undefined, only?: ReadonlySet<string>): string;
  /** A parameter as a literal in DuckDB's dialect. */
  parameter(name: string | undefined, ordinal: number): string;
  /** Queries in DuckDB's dialect whose rows the statement compares: by a set operation, or by GROUP BY. */
  compared: Compared[];
  /** Whether a table that was read has a column with a map or VARIANT. */
  mayCompareMaps: boolean;
  /** Names of places in an array, in lower case, within the function that is applied to its elements. */
  places?: ReadonlySet<string>;
  /** What names stand for, in lower case, within the function that is applied to the entries of a map. */
  entries?: ReadonlyMap<string, string>;
  /** The values of `secret('scope', 'key')`, by `scope/key`. */
  secrets: Readonly<Record<string, string>>;
  user: string;
  /** The groups of the user. */
  groups: readonly string[];
  catalog: string;
  schema: string;
}

export interface Compared {
  how: "set operation" | "grouping";
  sql: string;
}

/** The names of the visible common table expressions, in lower case. */
export type Visible = ReadonlySet<string>;

/** Doesn't need to know whether an aggregate is allowed here; DuckDB checks that. */
export function generateExpression(expression: Expression, environment: Environment, visible: Visible): string {
  const write = (inner: Expression): string => generateExpression(inner, environment, visible);
  switch (expression.kind) {
    case "null":
      return "NULL";
    case "boolean":
      return String(expression.value);
    case "number":
      return generateNumber(expression.text);
    case "string":
      return literal(withoutNul(expression.value));
    case "typed-literal":
      return `CAST(${literal(expression.value)} AS ${expression.type === "DATE" ? "DATE" : "TIMESTAMP WITH TIME ZONE"})`;
    case "parameter":
      return environment.parameter(expression.name, expression.ordinal);
    case "interval":
      return `CAST(${literal(expression.parts.map((part) => `${wholeNumber(part.amount)} ${unitOf(part.unit)}`).join(" "))} AS INTERVAL)`;
    case "column": {
      const [first = "", ...fields] = expression.parts;
      const entry = environment.entries?.get(first.toLowerCase());
      if (entry !== undefined) return [entry, ...fields.map(identifier)].join(".");
      return environment.places?.has(expression.parts.join(".").toLowerCase())
        ? `CAST(${expression.parts.map(identifier).join(".")} - 1 AS INTEGER)`
        : expression.parts.map(identifier).join(".");
    }
    case "lambda":
      return generateLambda(expression, environment, visible);
    case "star": {
      const qualifier = expression.qualifier.map((part) => `${identifier(part)}.`).join("");
      return `${qualifier}*${expression.except.length > 0 ? ` EXCLUDE (${expression.except.map(identifier).join(", ")})` : ""}`;
    }
    case "call":
      return generateCall(expression, environment, visible);
    case "unary":
      return `(${expression.operator} ${write(expression.operand)})`;
    case "logical":
      return `(${expression.operands.map(write).join(` ${expression.operator} `)})`;
    case "binary":
      return generateBinary(expression.operator, write(expression.left), write(expression.right));
    case "like":
      return generateLike(expression, write);
    case "in": {
      const candidates = Array.isArray(expression.candidates)
        ? expression.candidates.map(write).join(", ")
        : generateQuery(expression.candidates, environment, visible);
      return `(${write(expression.operand)} ${expression.negated ? "NOT " : ""}IN (${candidates}))`;
    }
    case "between": {
      const [operand, low, high] = [expression.operand, expression.low, expression.high].map(write);
      return `(${operand} ${expression.negated ? "NOT " : ""}BETWEEN ${low} AND ${high})`;
    }
    case "is": {
      const what = typeof expression.what === "object" ? `DISTINCT FROM ${write(expression.what.distinctFrom)}` : expression.what;
      return `(${write(expression.operand)} IS ${expression.negated ? "NOT " : ""}${what})`;
    }
    case "case": {
      const branches = expression.branches.map(({ when, result }) => `WHEN ${write(when)} THEN ${write(result)}`).join(" ");
      const otherwise = expression.otherwise ? ` ELSE ${write(expression.otherwise)}` : "";
      return `(CASE ${expression.operand ? `${write(expression.operand)} ` : ""}${branches}${otherwise} END)`;
    }
    case "cast":
      return generateCast(write(expression.operand), parseType(expression.type), expression.orNull);
    case "exists":
      return `EXISTS (${generateQuery(expression.query, environment, visible)})`;
    case "subquery":
      return `(${generateQuery(expression.query, environment, visible)})`;
    case "index":
      // A number may be an array index (from 0 in Databricks, from 1 in DuckDB) or a map key; only text is certainly a key.
      if (expression.index.kind !== "string" && expression.index.kind !== "parameter")
        throw new UnsupportedSql("[…] with anything but a text as key");
      return `${write(expression.operand)}[${write(expression.index)}]`;
    case "field":
      return `(${write(expression.operand)}).${identifier(expression.name)}`;
  }
}

/** DuckDB counts places from 1, Databricks from 0. */
function generateLambda(
  { parameters, body }: Extract<Expression, { kind: "lambda" }>,
  environment: Environment,
  visible: Visible,
): string {
  const [item = "", place] = parameters.map((name) => name.toLowerCase());
  const places = new Set(environment.places);
  const entries = new Map(environment.entries);
  for (const name of parameters) entries.delete(name.toLowerCase());
  places.delete(item);
  if (place !== undefined) places.add(place);
  return `lambda ${parameters.map(identifier).join(", ")}: ${generateExpression(body, { ...environment, places, entries }, visible)}`;
}

function isOfEntries(name: string): boolean {
  return name === "transform_values" || name === "transform_keys";
}

/** `(key, value) -> …` as a function of an entry that answers the new entry. */
function generateEntryLambda(
  { parameters, body }: Extract<Expression, { kind: "lambda" }>,
  name: string,
  environment: Environment,
  visible: Visible,
): string {
  // A name of its own for each one within another.
  const entry = `dbx_entry${environment.entries?.size ?? 0}`;
  const parts = ["key", "value"].map((part) => `${entry}."${part}"`);
  const entries = new Map(environment.entries);
  for (const [index, part] of parts.entries()) entries.set(parameters[index]?.toLowerCase() ?? "", part);
  const changed = generateExpression(body, { ...environment, entries }, visible);
  const [key, value] = name === "transform_values" ? [parts[0], changed] : [changed, parts[1]];
  return `lambda ${entry}: struct_pack("key" := ${key}, "value" := ${value})`;
}

function generateBinary(operator: string, left: string, right: string): string {
  switch (operator) {
    case "/":
      return `dbx_divide(${left}, ${right})`;
    case "%":
      return `dbx_modulo(${left}, ${right})`;
    case "-":
      return `dbx_minus(${left}, ${right})`;
    case "||":
      return `(dbx_string(${left}) || dbx_string(${right}))`;
    case "<=>":
      return `(${left} IS NOT DISTINCT FROM ${right})`;
    default:
      return `(${left} ${operator} ${right})`;
  }
}

function generateNumber(text: string): string {
  const [, digits = "", suffix = ""] = /^(.*?)(BD|[LSYDF])?$/.exec(text) ?? [];
  const types: Readonly<Record<string, string>> = { L: "BIGINT", S: "SMALLINT", Y: "TINYINT", D: "DOUBLE", F: "FLOAT" };
  if (suffix === "BD") throw new UnsupportedSql("numbers that end in BD");
  if (/^\d+$/.test(digits) && BigInt(digits) > 2n ** 63n - 1n) throw new UnsupportedSql("whole numbers beyond 64 bits");
  const type = types[suffix];
  return type === undefined ? digits : `CAST(${digits} AS ${type})`;
}

/** Without ESCAPE the escape character is a backslash. */
function generateLike(expression: Extract<Expression, { kind: "like" }>, write: (inner: Expression) => string): string {
  if (expression.escapeCharacter !== undefined && expression.escapeCharacter !== "\\")
    throw new UnsupportedSql("LIKE with an ESCAPE of its own");
  const match = `${expression.insensitive ? "dbx_ilike" : "dbx_like"}(${write(expression.operand)}, ${write(expression.pattern)})`;
  return expression.negated ? `(NOT ${match})` : match;
}

/** `value` as another type, with Databricks' cast rules. */
export function generateCast(value: string, type: DataType, orNull: boolean): string {
  if (value === "NULL") return `CAST(NULL AS ${duckDbType(type)})`;
  if (type.kind === "primitive") {
    if (["tinyint", "smallint", "int", "bigint"].includes(type.name)) return `dbx_${orNull ? "try_" : ""}${type.name}(${value})`;
    if (type.name === "string") return `dbx_string(${value})`;
    if (type.name === "variant") return `CASE WHEN ${value} IS NOT NULL THEN CAST(to_json(${value}) AS JSON) END`;
    // DuckDB's own cast of a text would read escapes.
    if (type.name === "binary")
      return `CASE typeof(${value}) WHEN 'BLOB' THEN CAST(${value} AS BLOB) ELSE encode(CAST(${value} AS VARCHAR)) END`;
  }
  return `${orNull ? "TRY_CAST" : "CAST"}(${value} AS ${duckDbType(type)})`;
}

type Call = Extract<Expression, { kind: "call" }>;

function generateCall(call: Call, environment: Environment, visible: Visible): string {
  const aboutSession = sessionFunction(call, environment);
  if (aboutSession !== undefined) return aboutSession;
  if (["is_member", "is_account_group_member"].includes(call.name) && call.arguments[0] && call.arguments.length === 1)
    return `(${generateExpression(call.arguments[0], environment, visible)} IN (${["", ...environment.groups].map(literal).join(", ")}))`;
  if (call.name === "secret") return literal(secretOf(call, environment));
  const byUnit = unitFunction(call, (inner) => generateExpression(inner, environment, visible));
  if (byUnit !== undefined) return byUnit;
  if (call.name === "explode")
    throw new UnsupportedSql("explode elsewhere than alone in a SELECT list, in FROM or in LATERAL VIEW");
  const found = findFunction(call.name, call.arguments.length);
  const counted = call.name === "count" && call.arguments[0]?.kind === "star";
  if (!counted && call.arguments.some((argument) => argument.kind === "star")) throw new UnsupportedSql(`${call.name}(*)`);
  const args = call.arguments.map((argument) => {
    if (argument.kind === "lambda" && isOfEntries(call.name))
      return generateEntryLambda(argument, call.name, environment, visible);
    return counted ? "*" : generateExpression(argument, environment, visible);
  });
  if (call.distinct && (found.kind !== "aggregate" || !["count", "sum", "min", "max"].includes(call.name)))
    throw new UnsupportedSql(`${call.name}(DISTINCT …)`);
  let sql = found.write(args, call.arguments);
  if (call.distinct) sql = sql.replace("(", "(DISTINCT ");
  if (call.filter) {
    if (found.kind !== "aggregate" || call.name === "collect_list") throw new UnsupportedSql(`${call.name} with FILTER`);
    sql += ` FILTER (WHERE ${generateExpression(call.filter, environment, visible)})`;
  }
  if (!call.over) {
    if (found.kind === "window") throw new UnsupportedSql(`${call.name} without OVER`);
    return sql;
  }
  if (found.kind === "scalar" || call.name === "collect_list") throw new UnsupportedSql(`${call.name} with OVER`);
  const window = `${sql} OVER (${generateWindow(call.over, environment, visible)})`;
  return ["row_number", "rank", "dense_rank"].includes(call.name) ? `CAST(${window} AS INTEGER)` : window;
}

function generateWindow(over: NonNullable<Call["over"]>, environment: Environment, visible: Visible): string {
  const partition = over.partitionBy.map((key) => generateExpression(key, environment, visible)).join(", ");
  return [
    partition === "" ? "" : `PARTITION BY ${partition}`,
    over.orderBy.length === 0 ? "" : `ORDER BY ${generateOrderings(over.orderBy, environment, visible)}`,
    over.frame ?? "",
  ].join(" ");
}

export function generateOrderings(
  orderings: NonNullable<Call["over"]>["orderBy"],
  environment: Environment,
  visible: Visible,
): string {
  return orderings
    .map(({ expression, descending, nullsFirst }) => {
      const key = generateExpression(expression, environment, visible);
      return `${key} ${descending ? "DESC" : "ASC"} NULLS ${nullsFirst ? "FIRST" : "LAST"}`;
    })
    .join(", ");
}

/** Of a SQL warehouse, which has no version of the runtime. */
const version =
  "{'dbr_version': CAST(NULL AS VARCHAR), 'dbsql_version': '2026.30', 'u_build_hash': 'local', 'r_build_hash': 'local'}";

function sessionFunction(call: Call, environment: Environment): string | undefined {
  if (call.name === "current_version" && call.arguments.length === 0) return version;
  const answers: Readonly<Record<string, string>> = {
    current_user: environment.user,
    session_user: environment.user,
    user: environment.user,
    current_catalog: environment.catalog,
    current_schema: environment.schema,
    current_database: environment.schema,
  };
  const answer = Object.hasOwn(answers, call.name) ? answers[call.name] : undefined;
  if (answer === undefined) return undefined;
  if (call.arguments.length > 0)
    throw new SqlError("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605", `The \`${call.name}\` requires 0 parameters.`);
  return literal(answer);
}

function secretOf({ arguments: [scope, key, ...others] }: Call, { secrets, user }: Environment): string {
  if (scope?.kind !== "string" || key?.kind !== "string" || others.length > 0)
    throw new UnsupportedSql("secret of anything but two literal texts");
  const name = `${scope.value}/${key.value}`;
  const value = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
  if (value === undefined)
    throw new SqlError("INVALID_SECRET_LOOKUP", "22531", `Cannot read the secret ${name}, or ${user} may not read it.`);
  return value;
}

/**
 * `timestampdiff(HOUR, a, b)` and `timestampadd(DAY, 1, t)`: the unit is a word, not an expression. `datediff(end, start)` counts
 * days.
 */
function unitFunction(call: Call, write: (inner: Expression) => string): string | undefined {
  const instant = (inner: Expression): string => `CAST(${write(inner)} AS TIMESTAMP WITH TIME ZONE)`;
  const [first, second, third] = call.arguments;
  if (["datediff", "date_diff"].includes(call.name) && call.arguments.length === 2 && first && second)
    return `CAST(date_diff('day', CAST(${write(second)} AS DATE), CAST(${write(first)} AS DATE)) AS INTEGER)`;
  if (call.arguments.length !== 3 || !first || !second || !third || first.kind !== "column") return undefined;
  const unit = first.parts.join(".");
  if (["timestampdiff", "datediff", "date_diff"].includes(call.name))
    return `date_sub(${literal(shortUnit(unit))}, ${instant(second)}, ${instant(third)})`;
  if (["timestampadd", "dateadd", "date_add"].includes(call.name))
    return `(${instant(third)} + dbx_int(${write(second)}) * CAST(${literal(`1 ${shortUnit(unit)}`)} AS INTERVAL))`;
  return undefined;
}

/** Units whose length doesn't depend on the calendar. */
function shortUnit(unit: string): string {
  const known = unitOf(unit);
  if (!["second", "minute", "hour", "day", "week"].includes(known)) throw new UnsupportedSql(`counting in the unit ${unit}`);
  return known;
}

function wholeNumber(text: string): string {
  if (!/^[+-]?\d+$/.test(text.trim())) throw new UnsupportedSql(`the interval ${text}`);
  return text.trim();
}

export function withoutNul(text: string): string {
  if (text.includes("\0")) throw new UnsupportedSql("a NUL character in a text");
  return text;
}
