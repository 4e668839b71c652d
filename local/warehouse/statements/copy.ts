import { fullName, type Table } from "../catalog.ts";
import { UnsupportedSql } from "../errors.ts";
import { tableName } from "../names.ts";
import { noResult, type ResultSet, resultOf } from "../results.ts";
import type { Statement } from "../sql/ast.ts";
import type { Definition } from "../table-definition.ts";
import { bigint } from "../types.ts";
import { columnsAtVersion, rowsAtVersion } from "../versions.ts";
import type { Context } from "./context.ts";
import { requireOwner } from "./define.ts";
import { hasPolicies } from "./policies.ts";
import { author } from "./write.ts";

type Of<Kind extends Statement["kind"]> = Extract<Statement, { kind: Kind }>;

/** CREATE TABLE … LIKE: the definition without the rows. */
export async function createLike(statement: Of<"create-like">, context: Context): Promise<ResultSet> {
  const source = sourceOf(statement.source, "CREATE TABLE LIKE", context);
  const name = target(statement.name, context);
  if (statement.ifNotExists && context.catalogs.findTable(name)) return noResult;
  await context.storage.createTable(name, { definition: definitionOf(source), replace: false }, author(context));
  context.privileges.recordOwner(fullName(name), context.session.principal.user);
  return noResult;
}

const counts = [
  "source_table_size",
  "source_num_of_files",
  "num_removed_files",
  "num_copied_files",
  "removed_files_size",
  "copied_files_size",
];

/** CLONE: the definition and the rows of a version. Its history begins anew. A shallow one is as independent here as a deep one. */
export async function clone(statement: Of<"clone">, context: Context): Promise<ResultSet> {
  const source = sourceOf(statement.source, "CLONE", context);
  if (hasPolicies(source)) throw new UnsupportedSql("CLONE of a table with a row filter or column mask");
  const version = statement.version ?? source.history.length - 1;
  const name = target(statement.name, context);
  const old = context.catalogs.findTable(name);
  if (old && statement.ifNotExists) return noResult;
  if (old && statement.replace) requireOwner(context, fullName(name), "Table");
  const entry = {
    operation: "CLONE",
    parameters: {
      source: `${source.catalog}.${source.schema}.${source.name}`,
      sourceVersion: String(version),
      isShallow: String(statement.shallow),
    },
    metrics: { sourceNumOfFiles: "1", numCopiedFiles: statement.shallow ? "0" : "1", numRemovedFiles: "0" },
  };
  const definition = { ...definitionOf(source), columns: columnsAtVersion(source, version).map((column) => ({ ...column })) };
  const asSelect = `SELECT * FROM ${rowsAtVersion(source, version)}`;
  await context.storage.createTable(name, { definition, asSelect, entry, replace: statement.replace }, author(context));
  context.privileges.recordOwner(fullName(name), context.session.principal.user);
  return resultOf(
    counts.map((column) => ({ name: column, type: bigint })),
    [[0n, 1n, 0n, statement.shallow ? 0n : 1n, 0n, 0n]],
  );
}

function target(parts: string[], { catalogs, privileges, session }: Context): ReturnType<typeof tableName> {
  const name = tableName(session, parts);
  catalogs.schema(name.catalog, name.schema);
  privileges.requireSchema(session.principal, name.catalog, name.schema, "CREATE TABLE");
  return name;
}

function sourceOf(parts: string[], operation: string, { catalogs, privileges, session }: Context): Table {
  const table = catalogs.tableForChange(tableName(session, parts), operation);
  privileges.requireTable(session.principal, table, "SELECT");
  return table;
}

function definitionOf({ columns, constraints, properties }: Table): Definition {
  return {
    columns: columns.map(({ identity, ...column }) => ({ ...column, ...(identity ? { identity: { ...identity } } : {}) })),
    constraints: Object.fromEntries(constraints),
    properties: Object.fromEntries(properties),
  };
}
