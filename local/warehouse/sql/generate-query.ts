import { identifier } from "../duckdb.ts";
import { SqlError, UnsupportedSql } from "../errors.ts";
import type { Expression, Query, QueryBody, Relation, Select } from "./ast.ts";
import { type Compared, type Environment, generateExpression, generateOrderings, type Visible } from "./generate.ts";
import { spell } from "./spell.ts";
import { bareColumns } from "./walk.ts";

/** A query in DuckDB's dialect. */
export function generateQuery(query: Query, environment: Environment, outer: Visible): string {
  const visible = new Set(outer);
  const before = environment.compared.length;
  const ctes = query.with.map((cte) => {
    const columns = cte.columns.length > 0 ? ` (${cte.columns.map(identifier).join(", ")})` : "";
    const sql = `${identifier(cte.name)}${columns} AS (${generateQuery(cte.query, environment, visible)})`;
    visible.add(cte.name.toLowerCase());
    return sql;
  });
  const prefix = ctes.length > 0 ? `WITH ${ctes.join(", ")}` : "";
  const body = generateBody(query.body, environment, visible);
  if (prefix !== "")
    for (const compared of environment.compared.slice(before)) compared.sql = `${prefix} SELECT * FROM (${compared.sql})`;
  return [
    prefix,
    body,
    query.orderBy.length > 0 ? `ORDER BY ${generateOrderings(query.orderBy, environment, visible)}` : "",
    query.limit ? `LIMIT ${generateExpression(query.limit, environment, visible)}` : "",
    query.offset ? `OFFSET ${generateExpression(query.offset, environment, visible)}` : "",
  ]
    .filter((part) => part !== "")
    .join(" ");
}

function generateBody(body: QueryBody, environment: Environment, visible: Visible): string {
  switch (body.kind) {
    case "select":
      return generateSelect(body, environment, visible);
    case "nested":
      return `(${generateQuery(body.query, environment, visible)})`;
    case "values": {
      const width = body.rows[0]?.length ?? 0;
      if (body.rows.some((row) => row.length !== width))
        throw new SqlError(
          "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
          "42000",
          "Inline table rows have different numbers of columns.",
        );
      const rows = body.rows.map((row) => `(${row.map((value) => generateExpression(value, environment, visible)).join(", ")})`);
      const names = Array.from({ length: width }, (_, index) => `"col${index + 1}"`);
      return `SELECT * FROM (VALUES ${rows.join(", ")}) AS "values"(${names.join(", ")})`;
    }
    case "set": {
      const [left, right] = [body.left, body.right].map((side) => generateSide(side, environment, visible));
      // UNION ALL is the only one that compares no rows.
      if (left !== undefined && (body.operator !== "UNION" || !body.all)) compares(environment, "set operation", left);
      return `${left} ${body.operator}${body.all ? " ALL" : ""} ${right}`;
    }
  }
}

/** In brackets, so that its ORDER BY, or a set operation of other precedence, cannot be misread. */
function generateSide(body: QueryBody, environment: Environment, visible: Visible): string {
  const sql =
    body.kind === "select"
      ? generateSelect(body, environment, visible, onlyThese(body))
      : generateBody(body, environment, visible);
  return body.kind === "nested" ? sql : `(${sql})`;
}

/** The columns that a side of a set operation, which has no ORDER BY of its own, uses; `undefined`: possibly any. */
function onlyThese({ items, where, groupBy, having, qualify }: Select): ReadonlySet<string> | undefined {
  if (groupBy === "ALL" || groupBy.length > 0 || having || qualify) return undefined;
  const expressions = [...items.map(({ expression }) => expression), ...(where ? [where] : [])];
  if (expressions.some(({ kind }) => kind === "star")) return undefined;
  return new Set(expressions.flatMap(bareColumns).map((column) => column.toLowerCase()));
}

/** @param columns all columns that it uses, if known */
function generateSelect(select: Select, environment: Environment, visible: Visible, columns?: ReadonlySet<string>): string {
  const write = (expression: Expression): string => generateExpression(expression, environment, visible);
  const history = select.from?.kind === "history" ? select.from : undefined;
  const from = history
    ? generateHistory(history, environment, columns)
    : select.from && generateRelation(select.from, environment, visible);
  const views = select.lateralViews.map((view) => generateLateralView(view, write));
  if (select.where && views.length === 0) refuseAliasesInWhere(select, select.where, from?.columns ?? new Set());
  const keys = select.groupBy === "ALL" ? "ALL" : select.groupBy.map(write).join(", ");
  const items = select.items.map((item) => generateItem(item, write)).join(", ");
  const source = [from ? `FROM ${from.sql}${views.join("")}` : "", select.where ? `WHERE ${write(select.where)}` : ""].join(" ");
  if (select.distinct) compares(environment, "set operation", `SELECT ${items} ${source}`);
  if (select.groupBy !== "ALL" && select.groupBy.length > 0)
    compares(environment, "grouping", `SELECT ${select.groupBy.map((key) => write(byPlace(select, key))).join(", ")} ${source}`);
  return [
    `SELECT ${select.distinct ? "DISTINCT " : ""}${items}`,
    source.trim(),
    keys === "" ? "" : `GROUP BY ${keys}`,
    select.having ? `HAVING ${write(select.having)}` : "",
    select.qualify ? `QUALIFY ${write(select.qualify)}` : "",
  ]
    .filter((part) => part !== "")
    .join(" ");
}

function compares(environment: Environment, how: Compared["how"], sql: string): void {
  environment.compared.push({ how, sql });
}

/** `GROUP BY 1` groups by the first column. */
function byPlace(select: Select, key: Expression): Expression {
  return key.kind === "number" ? (select.items[Number(key.text) - 1]?.expression ?? key) : key;
}

/** Every column gets a name, because DuckDB names columns without an alias differently. */
function generateItem(item: Select["items"][number], write: (expression: Expression) => string): string {
  const { expression, alias } = item;
  if (expression.kind === "star") return write(expression);
  const name = identifier(alias ?? spell(expression));
  if (expression.kind === "call" && expression.name === "explode")
    return `unnest(${explodedArray(expression, write)}) AS ${name}`;
  return `${write(expression)} AS ${name}`;
}

function explodedArray(call: Expression, write: (expression: Expression) => string): string {
  if (call.kind !== "call" || call.name !== "explode" || call.arguments.length !== 1)
    throw new UnsupportedSql("a table function other than explode of one array");
  return write(call.arguments[0] ?? call);
}

/** `range(end)` and `range(start, end)`: whole numbers in a column `id`. */
function rangeOf(call: Expression): string | undefined {
  if (call.kind !== "call" || call.name !== "range") return undefined;
  const bounds = call.arguments.flatMap((bound) => (bound.kind === "number" && /^\d{1,18}$/.test(bound.text) ? bound.text : []));
  if (bounds.length !== call.arguments.length || bounds.length === 0 || bounds.length > 2)
    throw new UnsupportedSql("range of anything but one or two whole numbers");
  return `SELECT range AS id FROM range(${bounds.join(", ")})`;
}

function generateLateralView(view: Select["lateralViews"][number], write: (expression: Expression) => string): string {
  if (view.outer) throw new UnsupportedSql("LATERAL VIEW OUTER");
  const array = explodedArray(view.function, write);
  const [column = "col"] = view.columns;
  const table = view.table === "" ? "lateral_view" : view.table;
  return ` CROSS JOIN LATERAL (SELECT unnest(${array}) AS ${identifier(column)}) AS ${identifier(table)}`;
}

/** In DuckDB, WHERE can use the aliases of SELECT; in Databricks it cannot. */
function refuseAliasesInWhere(select: Select, where: Expression, columns: ReadonlySet<string> | "unknown"): void {
  if (columns === "unknown") return;
  const aliases = new Set(select.items.flatMap((item) => (item.alias === undefined ? [] : [item.alias.toLowerCase()])));
  for (const name of bareColumns(where))
    if (aliases.has(name.toLowerCase()) && !columns.has(name.toLowerCase()))
      throw new SqlError(
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        "42703",
        `A column, variable, or function parameter with name \`${name}\` cannot be resolved.`,
      );
}

interface Generated {
  sql: string;
  /** Lower case; "unknown" if it is not worth finding out. */
  columns: ReadonlySet<string> | "unknown";
}

function generateRelation(relation: Relation, environment: Environment, visible: Visible): Generated {
  switch (relation.kind) {
    case "table":
      return generateTable(relation, environment, visible);
    case "derived": {
      const lateral = relation.lateral ? "LATERAL " : "";
      return {
        sql: `${lateral}(${generateQuery(relation.query, environment, visible)})${aliasOf(relation)}`,
        columns: "unknown",
      };
    }
    case "function": {
      const range = rangeOf(relation.call);
      if (range !== undefined) return { sql: `(${range})${aliasOf(relation)}`, columns: "unknown" };
      const array = explodedArray(relation.call, (expression) => generateExpression(expression, environment, visible));
      const [column = "col"] = relation.columns;
      return {
        sql: `(SELECT unnest(${array}) AS ${identifier(column)})${relation.alias ? ` AS ${identifier(relation.alias)}` : ""}`,
        columns: "unknown",
      };
    }
    case "history":
      return generateHistory(relation, environment, undefined);
    case "join":
      return generateJoin(relation, environment, visible);
  }
}

function generateHistory(
  relation: Extract<Relation, { kind: "history" }>,
  environment: Environment,
  only: ReadonlySet<string> | undefined,
): Generated {
  // Columns qualified with the relation's name are not among the unqualified ones.
  const wanted = relation.alias === undefined ? only : undefined;
  return { sql: `${environment.history(relation.table, relation.limit, wanted)}${aliasOf(relation)}`, columns: "unknown" };
}

function generateTable(relation: Extract<Relation, { kind: "table" }>, environment: Environment, visible: Visible): Generated {
  const [name = ""] = relation.name;
  if (relation.name.length === 1 && visible.has(name.toLowerCase())) {
    if (relation.travel) throw new UnsupportedSql("time travel of a common table expression");
    return { sql: `${identifier(name)}${aliasOf(relation)}`, columns: "unknown" };
  }
  const { sql, columns } = environment.relation(relation.name, relation.travel);
  const alias = relation.alias ?? (sql.startsWith("(") ? relation.name.at(-1) : undefined);
  return {
    sql: `${sql}${aliasOf({ alias, columns: relation.columns })}`,
    columns: relation.columns.length > 0 ? "unknown" : new Set(columns.map((column) => column.toLowerCase())),
  };
}

const joins: Readonly<Record<Extract<Relation, { kind: "join" }>["type"], string>> = {
  INNER: "INNER JOIN",
  LEFT: "LEFT JOIN",
  RIGHT: "RIGHT JOIN",
  FULL: "FULL JOIN",
  CROSS: "CROSS JOIN",
  "LEFT SEMI": "SEMI JOIN",
  "LEFT ANTI": "ANTI JOIN",
};

function generateJoin(join: Extract<Relation, { kind: "join" }>, environment: Environment, visible: Visible): Generated {
  const left = generateRelation(join.left, environment, visible);
  const right = generateRelation(join.right, environment, visible);
  const nested = join.right.kind === "join" ? `(${right.sql})` : right.sql;
  const on = join.on ? ` ON ${generateExpression(join.on, environment, visible)}` : "";
  const using = join.using.length > 0 ? ` USING (${join.using.map(identifier).join(", ")})` : "";
  const columns =
    left.columns === "unknown" || right.columns === "unknown" ? "unknown" : new Set([...left.columns, ...right.columns]);
  // A comma is a cross join; with a condition it is an inner join.
  const type = join.type === "CROSS" && (on !== "" || using !== "") ? "INNER JOIN" : joins[join.type];
  return { sql: `${left.sql} ${type} ${nested}${on}${using}`, columns };
}

function aliasOf(relation: { alias?: string; columns: string[] }): string {
  if (relation.alias === undefined) return "";
  const columns = relation.columns.length > 0 ? `(${relation.columns.map(identifier).join(", ")})` : "";
  return ` AS ${identifier(relation.alias)}${columns}`;
}
