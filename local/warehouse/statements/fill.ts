import type { Table, TableColumn } from "../catalog.ts";
import { identityGiven, notSpecified } from "../column-errors.ts";
import { identifier } from "../duckdb.ts";
import type { Expression, Query } from "../sql/ast.ts";
import { generateCast, generateExpression } from "../sql/generate.ts";
import type { Rows } from "../table-writer.ts";
import { duckDbType } from "../types.ts";
import type { Context } from "./context.ts";

const noneVisible: ReadonlySet<string> = new Set();

/** The rows of an INSERT with all columns of the table: missing ones get their default, a computed value, the next number or NULL. */
export function filledRows(table: Table, source: string, targets: readonly string[], context: Context): Rows {
  const indexes = new Map(targets.map((name, index) => [name.toLowerCase(), index]));
  const given = (column: TableColumn): number | undefined => indexes.get(column.name.toLowerCase());
  for (const column of table.columns) {
    if (given(column) !== undefined && column.identity?.always) throw identityGiven(column.name);
    const filled = column.default ?? column.generated ?? column.identity;
    if (given(column) === undefined && !column.nullable && !filled) throw notSpecified(column.name);
  }
  const names = targets.map((_, index) => `c${index}`).join(", ");
  const value = (column: TableColumn): string => {
    const index = given(column);
    if (index !== undefined) return generateCast(`source.c${index}`, column.type, false);
    const { identity } = column;
    // Not yet known: the numbers are taken when it is this writer's turn.
    if (identity) return `CAST(${identity.next} + ${identity.step} * (row_number() OVER () - 1) AS BIGINT)`;
    if (!column.default) return `CAST(NULL AS ${duckDbType(column.type)})`;
    return generateCast(generateExpression(column.default.expression, context.environment, noneVisible), column.type, false);
  };
  const complete = computed(
    table.columns.filter((column) => given(column) === undefined),
    table,
    context,
  );
  return {
    select: () =>
      complete(
        `SELECT ${table.columns.map((column) => `${value(column)} AS ${identifier(column.name)}`).join(", ")} FROM (${source}) AS source(${names})`,
      ),
    committed: (count) => {
      for (const column of table.columns)
        if (column.identity && given(column) === undefined) column.identity.next += column.identity.step * count;
    },
  };
}

/** Computes those of the columns that are generated, from a SELECT of all columns. */
export function computed(columns: readonly TableColumn[], table: Table, context: Context): (rows: string) => string {
  const generated = columns.filter((column) => column.generated);
  if (generated.length === 0) return (rows) => rows;
  const values = table.columns.map((column) => {
    const name = identifier(column.name);
    if (!column.generated || !generated.includes(column)) return name;
    const sql = generateExpression(column.generated.expression, context.environment, noneVisible);
    return `${generateCast(sql, column.type, false)} AS ${name}`;
  });
  return (rows) => `SELECT ${values.join(", ")} FROM (${rows})`;
}

/** The word DEFAULT in VALUES stands for the column's default. */
export function withDefaults(query: Query, named: readonly string[], table: Table): Query {
  const { body } = query;
  if (body.kind !== "values") return query;
  const columns = named.length > 0 ? named.map((name) => columnOf(table, name)) : table.columns;
  const rows = body.rows.map((row) => row.map((cell, index) => (isDefault(cell) ? defaultOf(columns[index]) : cell)));
  return { ...query, body: { ...body, rows } };
}

export function isDefault(expression: Expression): boolean {
  return expression.kind === "column" && expression.parts.length === 1 && expression.parts[0]?.toUpperCase() === "DEFAULT";
}

export function defaultOf(column: TableColumn | undefined): Expression {
  if (column?.identity?.always) throw identityGiven(column.name);
  return column?.default?.expression ?? { kind: "null" };
}

function columnOf(table: Table, name: string): TableColumn | undefined {
  return table.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
}
