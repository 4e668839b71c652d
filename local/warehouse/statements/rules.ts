import type { Table, TableColumn } from "../catalog.ts";
import { identifier } from "../duckdb.ts";
import { SqlError } from "../errors.ts";
import { generateCast, generateExpression } from "../sql/generate.ts";
import { bareColumns } from "../sql/walk.ts";
import type { Rule } from "../table-writer.ts";
import type { Context } from "./context.ts";

/** What every written row of a table must fulfil: NOT NULL, CHECK and generated columns. For Delta, a check of NULL is violated. */
export function rulesOf(table: Table, context: Context): Rule[] {
  const { columns } = table;
  return [
    ...columns.filter((column) => !column.nullable).map(notNull),
    ...columns.flatMap((column) => generated(column, context)),
    ...checks(table, context),
  ];
}

function notNull({ name }: TableColumn): Rule {
  return {
    condition: `${identifier(name)} IS NOT NULL`,
    violation: () =>
      new SqlError("DELTA_NOT_NULL_CONSTRAINT_VIOLATED", "23502", `NOT NULL constraint violated for column: ${name}.\n`),
  };
}

function generated({ name, type, generated: clause }: TableColumn, context: Context): Rule[] {
  if (!clause) return [];
  const value = generateCast(generateExpression(clause.expression, context.environment, new Set()), type, false);
  const used = [name, ...bareColumns(clause.expression)];
  return [
    {
      condition: `${identifier(name)} IS NOT DISTINCT FROM ${value}`,
      violation: (row) => violated(`Generated Column (${name} <=> ${clause.text})`, used, row),
    },
  ];
}

function checks(table: Table, context: Context): Rule[] {
  return [...table.constraints].map(([name, { text, expression }]) => ({
    condition: generateExpression(expression, context.environment, new Set()),
    violation: (row) => violated(`${name} (${text})`, bareColumns(expression), row),
  }));
}

function violated(check: string, columns: readonly string[], row: Record<string, unknown>): SqlError {
  const values = new Map(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value]));
  const lines = [...new Set(columns)].map((name) => ` - ${name} : ${values.get(name.toLowerCase()) ?? null}`);
  return new SqlError(
    "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES",
    "23001",
    `CHECK constraint ${check} violated by row with values:\n${lines.join("\n")}`,
  );
}
