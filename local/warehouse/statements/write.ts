import type { Table } from "../catalog.ts";
import { unknownColumn } from "../column-errors.ts";
import { identifier } from "../duckdb.ts";
import { refuseRepeatedColumns, SqlError } from "../errors.ts";
import { tableName } from "../names.ts";
import { noResult, type ResultSet, resultOf } from "../results.ts";
import type { Query, Statement } from "../sql/ast.ts";
import { generateCast, generateExpression } from "../sql/generate.ts";
import { generateQuery } from "../sql/generate-query.ts";
import type { Author, Target } from "../table-writer.ts";
import { bigint } from "../types.ts";
import { columnsAtVersion, rowsAtVersion } from "../versions.ts";
import type { Context } from "./context.ts";
import { rulesOf } from "./rules.ts";

type Of<Kind extends Statement["kind"]> = Extract<Statement, { kind: Kind }>;

const noneVisible: ReadonlySet<string> = new Set();

export async function insert(statement: Of<"insert">, context: Context): Promise<ResultSet> {
  const table = writable(statement.table, context);
  const targets = statement.columns.length > 0 ? statement.columns : table.columns.map((column) => column.name);
  for (const name of targets) requireColumn(table, name);
  refuseRepeatedColumns(targets);
  const source = generateQuery(statement.query, context.environment, noneVisible);
  const width =
    fixedWidth(statement.query) ??
    (await context.storage.read(`SELECT * FROM (${source}) LIMIT 0`, context.signal)).columns.length;
  if (width !== targets.length) throw arityMismatch(table, targets.length, width);
  const indexes = new Map(targets.map((name, index) => [name.toLowerCase(), index]));
  const values = table.columns.map((column) => {
    const index = indexes.get(column.name.toLowerCase());
    return index === undefined ? "NULL" : generateCast(`source.c${index}`, column.type, false);
  });
  const names = targets.map((_, index) => `c${index}`).join(", ");
  const rows = `SELECT ${values.join(", ")} FROM (${source}) AS source(${names})`;
  const rules = rulesOf(table, context);
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

export async function remove(statement: Of<"delete">, context: Context): Promise<ResultSet> {
  const table = writable(statement.table, context, "SELECT");
  const count = await context.storage.writer.delete(target(statement, table, context), author(context));
  const back = Math.min(count, context.faults.reappearingRows);
  if (back > 0) {
    context.faults.reappearingRows -= back;
    await context.storage.writer.putBack(table, back);
  }
  return affected(count, count + context.faults.wrongDeleteCount);
}

export async function truncate(statement: Of<"truncate">, context: Context): Promise<ResultSet> {
  const table = writable(statement.table, context);
  await context.storage.writer.overwrite(table, undefined, [], author(context), () => ({
    operation: "TRUNCATE",
    parameters: {},
    metrics: { numRemovedFiles: "1" },
  }));
  return noResult;
}

export async function restore({ table: name, version }: Of<"restore">, context: Context): Promise<ResultSet> {
  const table = writable(name, context, "SELECT");
  const older = `SELECT * FROM ${rowsAtVersion(table, version)}`;
  const entry = {
    operation: "RESTORE",
    parameters: { version: String(version) },
    metrics: { numRestoredFiles: "1", numRemovedFiles: "1" },
  };
  const columns = columnsAtVersion(table, version);
  if (columns === table.columns) await context.storage.writer.overwrite(table, older, [], author(context), () => entry);
  else await context.storage.writer.alter(table, author(context), () => ({ entry, columns, rows: () => older }));
  return noResult;
}

export async function update(statement: Of<"update">, context: Context): Promise<ResultSet> {
  const table = writable(statement.table, context, "SELECT");
  for (const { column } of statement.set) requireColumn(table, column);
  refuseRepeatedColumns(statement.set.map(({ column }) => column));
  const where = target(statement, table, context);
  const values = table.columns.map((column) => {
    const assigned = statement.set.find((assignment) => assignment.column.toLowerCase() === column.name.toLowerCase());
    if (!assigned) return `${identifier(where.alias)}.${identifier(column.name)}`;
    return generateCast(generateExpression(assigned.value, context.environment, noneVisible), column.type, false);
  });
  const count = await context.storage.writer.update(where, values, rulesOf(table, context), author(context));
  return affected(count, count);
}

export function author(context: Context): Author {
  return { user: context.session.principal.user, signal: context.signal };
}

function target(statement: Of<"delete"> | Of<"update">, table: Table, context: Context): Target {
  return {
    table,
    alias: statement.alias ?? table.name,
    condition: statement.where && generateExpression(statement.where, context.environment, noneVisible),
    predicate: statement.predicate,
  };
}

function writable(name: string[], context: Context, ...also: "SELECT"[]): Table {
  const table = context.catalogs.table(tableName(context.session, name));
  context.privileges.requireTable(context.session.principal, table, "MODIFY", ...also);
  return table;
}

function requireColumn(table: Table, name: string): void {
  if (table.columns.some((column) => column.name.toLowerCase() === name.toLowerCase())) return;
  throw unknownColumn(table, name);
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

function affected(modifiedRows: number, reported: number): ResultSet {
  return { ...resultOf([{ name: "num_affected_rows", type: bigint }], [[BigInt(reported)]]), modifiedRows };
}
