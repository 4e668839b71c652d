import type { Table } from "../catalog.ts";
import { schemaMismatch } from "../column-errors.ts";
import { refuseRepeatedColumns, SqlError } from "../errors.ts";
import type { ResultSet } from "../results.ts";
import type { Query, Statement } from "../sql/ast.ts";
import { generateQuery } from "../sql/generate-query.ts";
import { spell } from "../sql/spell.ts";
import { bigint } from "../types.ts";
import { requireComparable } from "./comparable.ts";
import type { Context } from "./context.ts";
import { filledRows, withDefaults } from "./fill.ts";
import { rulesOf } from "./rules.ts";
import { affected, author, noneVisible, requireColumn, writable } from "./write.ts";

type Insert = Extract<Statement, { kind: "insert" }>;

/** Everything that can be refused without reading or writing a row. */
async function planned(statement: Insert, context: Context) {
  const table = writable(statement.table, "INSERT", context);
  const query = withDefaults(statement.query, statement.columns, table);
  const source = generateQuery(query, context.environment, noneVisible);
  await requireComparable(context);
  const targets = await targetsOf(statement, table, source, context);
  return { table, source, rows: filledRows(table, source, targets, context), rules: rulesOf(table, context) };
}

/** @returns the query whose rows would be inserted */
export async function explainInsert(statement: Insert, context: Context): Promise<string> {
  return (await planned(statement, context)).source;
}

export async function insert(statement: Insert, context: Context): Promise<ResultSet> {
  const { table, rows, rules } = await planned(statement, context);
  const count = statement.overwrite
    ? await context.storage.writer.overwrite(table, rows, rules, author(context), (written) => ({
        operation: "WRITE",
        parameters: { mode: "Overwrite" },
        metrics: { numOutputRows: String(written) },
      }))
    : await context.storage.writer.insert(table, rows, rules, author(context));
  const answer = affected(count, count);
  return {
    ...answer,
    columns: [...answer.columns, { name: "num_inserted_rows", type: bigint }],
    values: [...answer.values, [BigInt(count)]],
  };
}

/** The column of the table for each column of the source. */
async function targetsOf(statement: Insert, table: Table, source: string, context: Context): Promise<string[]> {
  if (statement.byName) return matched(table, await namesOf(statement.query, source, context));
  const targets = statement.columns.length > 0 ? statement.columns : table.columns.map((column) => column.name);
  for (const name of targets) requireColumn(table, name);
  refuseRepeatedColumns(targets);
  const width = fixedWidth(statement.query) ?? (await columnsOf(source, context)).length;
  if (width !== targets.length) throw arityMismatch(table, targets.length, width);
  return targets;
}

function matched(table: Table, names: string[]): string[] {
  const known = new Set(table.columns.map((column) => column.name.toLowerCase()));
  if (names.length > known.size) throw arityMismatch(table, known.size, names.length);
  const repeated = names.filter((name, index) => names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) < index);
  if (repeated.length > 0)
    throw new SqlError(
      "DELTA_DUPLICATE_COLUMNS_FOUND.READ_SCHEMA",
      "42711",
      `Found duplicate column(s): ${repeated.join(", ")}. The duplicate was found in the schema of the data being read.`,
    );
  if (names.some((name) => !known.has(name.toLowerCase()))) throw schemaMismatch(table, names);
  return names;
}

/** The names of a query's columns: from its text where that is possible, because DuckDB renames those that occur twice. */
async function namesOf(query: Query, source: string, context: Context): Promise<string[]> {
  const { body } = query;
  if (body.kind === "select" && body.items.every(({ expression }) => expression.kind !== "star"))
    return body.items.map(({ expression, alias }) => alias ?? spell(expression));
  return columnsOf(source, context);
}

async function columnsOf(source: string, context: Context): Promise<string[]> {
  const { columns } = await context.storage.read(`SELECT * FROM (${source}) LIMIT 0`, context.signal);
  return columns.map(({ name }) => name);
}

/** The number of columns of a query, if it can be seen from its text. */
function fixedWidth(query: Query): number | undefined {
  if (query.body.kind === "values") return query.body.rows[0]?.length;
  if (query.body.kind !== "select" || query.body.items.some((item) => item.expression.kind === "star")) return undefined;
  return query.body.items.length;
}

function arityMismatch(table: Table, columns: number, given: number): SqlError {
  const which = given < columns ? "NOT_ENOUGH_DATA_COLUMNS" : "TOO_MANY_DATA_COLUMNS";
  return new SqlError(
    `INSERT_COLUMN_ARITY_MISMATCH.${which}`,
    "21S01",
    `Cannot write to ${table.catalog}.${table.schema}.${table.name}: it takes ${columns} columns and the data has ${given}.`,
  );
}
