import type { Table } from "../catalog.ts";
import { identityUpdated, unknownColumn } from "../column-errors.ts";
import { identifier } from "../duckdb.ts";
import { refuseRepeatedColumns, SqlError, UnsupportedSql } from "../errors.ts";
import { tableName } from "../names.ts";
import { noResult, type ResultSet, resultOf } from "../results.ts";
import type { Statement } from "../sql/ast.ts";
import { generateCast, generateExpression } from "../sql/generate.ts";
import { spell } from "../sql/spell.ts";
import { hasSubquery } from "../sql/walk.ts";
import type { Author, Target } from "../table-writer.ts";
import { bigint } from "../types.ts";
import { columnsAtVersion, rowsAtVersion } from "../versions.ts";
import { requireComparable } from "./comparable.ts";
import type { Context } from "./context.ts";
import { computed, defaultOf, isDefault } from "./fill.ts";
import { filterOf } from "./policies.ts";
import { rulesOf } from "./rules.ts";

type Of<Kind extends Statement["kind"]> = Extract<Statement, { kind: Kind }>;

export const noneVisible: ReadonlySet<string> = new Set();

export async function remove(statement: Of<"delete">, context: Context): Promise<ResultSet> {
  const table = writable(statement.table, statement.kind.toUpperCase(), context, "SELECT");
  const where = target(statement, table, context);
  await requireComparable(context);
  const count = await context.storage.writer.delete(where, author(context));
  return affected(count, await afterDeletion(table, count, context));
}

/** Lets the faults of deletions happen. @returns the number of rows to report */
export async function afterDeletion(table: Table, count: number, { faults, storage }: Context): Promise<number> {
  const back = Math.min(count, faults.reappearingRows);
  if (back > 0) {
    faults.reappearingRows -= back;
    await storage.writer.putBack(table, back);
  }
  return count + faults.wrongDeleteCount;
}

export async function truncate(statement: Of<"truncate">, context: Context): Promise<ResultSet> {
  const table = writable(statement.table, "TRUNCATE TABLE", context);
  await context.storage.writer.overwrite(table, undefined, [], author(context), () => ({
    operation: "TRUNCATE",
    parameters: {},
    metrics: { numRemovedFiles: "1" },
  }));
  return noResult;
}

export async function restore({ table: name, version }: Of<"restore">, context: Context): Promise<ResultSet> {
  const table = writable(name, "RESTORE", context, "SELECT");
  const older = `SELECT * FROM ${rowsAtVersion(table, version)}`;
  const entry = {
    operation: "RESTORE",
    parameters: { version: String(version) },
    metrics: { numRestoredFiles: "1", numRemovedFiles: "1" },
  };
  const columns = columnsAtVersion(table, version);
  if (columns === table.columns)
    await context.storage.writer.overwrite(
      table,
      { select: () => older, committed: () => undefined },
      [],
      author(context),
      () => entry,
    );
  else await context.storage.writer.alter(table, author(context), () => ({ entry, columns, rows: () => older }));
  return noResult;
}

export async function update(statement: Of<"update">, context: Context): Promise<ResultSet> {
  const table = writable(statement.table, statement.kind.toUpperCase(), context, "SELECT");
  for (const { column } of statement.set) requireColumn(table, column);
  refuseRepeatedColumns(statement.set.map(({ column }) => column));
  const where = target(statement, table, context);
  const isAssigned = (name: string): boolean => statement.set.some(({ column }) => column.toLowerCase() === name.toLowerCase());
  const values = table.columns.map((column) => {
    const assigned = statement.set.find((assignment) => assignment.column.toLowerCase() === column.name.toLowerCase());
    if (assigned && column.identity) throw identityUpdated(column.name);
    if (!assigned) return `${identifier(where.alias)}.${identifier(column.name)}`;
    return generateCast(
      generateExpression(isDefault(assigned.value) ? defaultOf(column) : assigned.value, context.environment, noneVisible),
      column.type,
      false,
    );
  });
  await requireComparable(context);
  const count = await context.storage.writer.update(
    where,
    values,
    computed(
      table.columns.filter((column) => !isAssigned(column.name)),
      table,
      context,
    ),
    rulesOf(table, context),
    author(context),
  );
  return affected(count, count);
}

export function author(context: Context): Author {
  return { user: context.session.principal.user, signal: context.signal };
}

function target(statement: Of<"delete"> | Of<"update">, table: Table, context: Context): Target {
  if (context.faults.refusesSubqueriesInDelete && statement.where && hasSubquery(statement.where))
    throw new SqlError(
      "DELTA_UNSUPPORTED_SUBQUERY",
      "0AKDC",
      `Subqueries are not supported in the ${statement.kind.toUpperCase()} (condition = ${spell(statement.where)}).`,
    );
  // Databricks applies masks to the condition, which is not emulated.
  if (table.masks.size > 0) throw new UnsupportedSql(`${statement.kind.toUpperCase()} of a table with a column mask`);
  const alias = statement.alias ?? table.name;
  const conditions = [
    statement.where && generateExpression(statement.where, context.environment, noneVisible),
    filterOf(table, alias, context.catalogs, context.environment),
  ].filter((condition) => condition !== undefined);
  return {
    table,
    alias,
    condition: conditions.length > 0 ? conditions.join(" AND ") : undefined,
    predicate: statement.predicate,
  };
}

export function writable(name: string[], operation: string, context: Context, ...also: "SELECT"[]): Table {
  const table = context.catalogs.tableForChange(tableName(context.session, name), operation);
  context.privileges.requireTable(context.session.principal, table, "MODIFY", ...also);
  return table;
}

export function requireColumn(table: Table, name: string): void {
  if (table.columns.some((column) => column.name.toLowerCase() === name.toLowerCase())) return;
  throw unknownColumn(table, name);
}

export function affected(modifiedRows: number, reported: number): ResultSet {
  return { ...resultOf([{ name: "num_affected_rows", type: bigint }], [[BigInt(reported)]]), modifiedRows };
}
