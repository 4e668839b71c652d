import { fullName, quoted, type Table, type View } from "../catalog.ts";
import { identifier } from "../duckdb.ts";
import { SqlError, UnsupportedSql } from "../errors.ts";
import { tableName } from "../names.ts";
import { noResult, type ResultSet } from "../results.ts";
import type { Query, Statement } from "../sql/ast.ts";
import type { Environment } from "../sql/generate.ts";
import { generateQuery } from "../sql/generate-query.ts";
import { newTable, noLayout } from "../table-definition.ts";
import { requireComparable } from "./comparable.ts";
import type { Context } from "./context.ts";
import { requireOwner } from "./define.ts";
import { author } from "./write.ts";

type Of<Kind extends Statement["kind"]> = Extract<Statement, { kind: Kind }>;

export async function createView(statement: Of<"create-view">, context: Context): Promise<ResultSet> {
  const { catalogs, privileges, session, storage } = context;
  const name = tableName(session, statement.name);
  catalogs.schema(name.catalog, name.schema);
  privileges.requireSchema(session.principal, name.catalog, name.schema, "CREATE TABLE");
  const old = catalogs.findTable(name);
  if (old && statement.ifNotExists) return noResult;
  if (old && !statement.replace) catalogs.addTable(old); // throws that it already exists
  if (old) {
    requireView(old, "CREATE OR REPLACE VIEW");
    requireOwner(context, fullName(name), "Table");
  }
  const sql = generateQuery(statement.query, { ...context.environment, parameter: noParameters }, new Set());
  await requireComparable(context);
  const { columns } = await storage.read(`SELECT * FROM (${sql}) LIMIT 0`, context.signal);
  if (statement.columns.length > 0 && statement.columns.length !== columns.length)
    throw new SqlError(
      "CREATE_VIEW_COLUMN_ARITY_MISMATCH",
      "21S01",
      `Cannot create view ${quoted(name.catalog, name.schema, name.table)}: it has ${statement.columns.length} columns and its query ${columns.length}.`,
    );
  const named = columns.map(({ type, name: own }, index) => ({ name: own, type, nullable: true, ...statement.columns[index] }));
  const definition = { columns: named, constraints: {}, properties: {}, layout: noLayout };
  const view = newTable(name, definition, author(context).user, Date.now());
  view.comment = statement.comment;
  view.view = { query: statement.query, text: statement.text, catalog: session.catalog, schema: session.schema };
  if (old) catalogs.removeTable(old);
  catalogs.addTable(view);
  try {
    context.environment.relation([name.catalog, name.schema, name.table], undefined); // throws if it reads itself
  } catch (error) {
    catalogs.removeTable(view);
    if (old) catalogs.addTable(old);
    throw error;
  }
  privileges.recordOwner(fullName(name), session.principal.user);
  return noResult;
}

export async function dropView(statement: Of<"drop-view">, context: Context): Promise<ResultSet> {
  const name = tableName(context.session, statement.name);
  const view = statement.ifExists ? context.catalogs.findTable(name) : context.catalogs.table(name);
  if (!view) return noResult;
  requireView(view, "DROP VIEW");
  requireOwner(context, fullName(name), "Table");
  context.catalogs.removeTable(view);
  // As for a table: a new view of this name belongs to whoever creates it.
  context.privileges.forget(fullName(name));
  return noResult;
}

/**
 * A view's rows in DuckDB's dialect. Who may read the view may read through it what its owner can.
 * @param inside the environment for the names in its query
 */
export function viewRelation(table: Table, { query }: View, inside: Environment): string {
  const names = table.columns.map(({ name }) => identifier(name)).join(", ");
  const sql = generateQuery(query satisfies Query, { ...inside, parameter: noParameters }, new Set());
  return `(SELECT ${names} FROM (${sql}) AS view_rows(${names}))`;
}

function noParameters(): string {
  throw new UnsupportedSql("parameters in a view");
}

function requireView(table: Table, operation: string): void {
  if (table.view) return;
  throw new SqlError(
    "WRONG_COMMAND_FOR_OBJECT_TYPE",
    "42809",
    `The operation ${operation} requires a VIEW or METRIC_VIEW. But ${table.catalog}.${table.schema}.${table.name} is a MANAGED. Use DROP TABLE instead.`,
  );
}
