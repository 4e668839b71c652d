import { fullName, type Table, type TableColumn } from "../catalog.ts";
import { acrossCatalogs, type ClonePlan } from "../moves.ts";
import { tableName } from "../names.ts";
import { noResult, type ResultSet, resultOf } from "../results.ts";
import type { Statement } from "../sql/ast.ts";
import type { Definition } from "../table-definition.ts";
import { bigint } from "../types.ts";
import { columnsAtVersion, rowsAtVersion } from "../versions.ts";
import type { Context } from "./context.ts";
import { requireOwner } from "./define.ts";
import { refusePolicies } from "./policies.ts";
import { author } from "./write.ts";

type Of<Kind extends Statement["kind"]> = Extract<Statement, { kind: Kind }>;

/** CREATE TABLE … LIKE: the definition without the rows. */
export async function createLike(statement: Of<"create-like">, context: Context): Promise<ResultSet> {
  const source = sourceOf(statement.source, "CREATE TABLE LIKE", context);
  const name = target(statement.name, context);
  if (statement.ifNotExists && context.catalogs.findTable(name)) return noResult;
  const { ifNotExists } = statement;
  const given = { definition: definitionOf(source), replace: false, ifNotExists };
  if (!(await context.storage.createTable(name, given, author(context)))) return noResult;
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

/** CLONE: the definition and the rows of a version. Its history begins anew. Either kind is independent here, and copies no rows. */
export async function clone(statement: Of<"clone">, context: Context): Promise<ResultSet> {
  const source = sourceOf(statement.source, "CLONE", context);
  refusePolicies(source, "CLONE");
  const name = target(statement.name, context);
  const old = context.catalogs.findTable(name);
  if (old && statement.ifNotExists) return noResult;
  if (old && statement.replace) requireOwner(context, fullName(name), "Table");
  const plan = (): ClonePlan => planOf(source, statement);
  const { replace, ifNotExists } = statement;
  const isNew =
    (statement.version ?? source.history.length - 1) === source.history.length - 1
      ? await context.storage.moves.clone(source, name, plan, { replace, ifNotExists }, author(context))
      : await context.storage.createTable(
          name,
          { ...plan(), asSelect: `SELECT * FROM ${rowsAtVersion(source, statement.version ?? 0)}`, replace, ifNotExists },
          author(context),
        );
  if (!isNew) return noResult;
  context.privileges.recordOwner(fullName(name), context.session.principal.user);
  return resultOf(
    counts.map((column) => ({ name: column, type: bigint })),
    [[0n, 1n, 0n, statement.shallow ? 0n : 1n, 0n, 0n]],
  );
}

function planOf(source: Table, { version = source.history.length - 1, shallow }: Of<"clone">): ClonePlan {
  const columns = copied(columnsAtVersion(source, version));
  return {
    definition: { ...definitionOf(source), columns },
    entry: {
      operation: "CLONE",
      parameters: {
        source: fullName({ ...source, table: source.name }),
        sourceVersion: String(version),
        isShallow: String(shallow),
      },
      metrics: { sourceNumOfFiles: "1", numCopiedFiles: shallow ? "0" : "1", numRemovedFiles: "0" },
    },
  };
}

/** ALTER TABLE … RENAME TO, also into another schema. Only the catalog knows of it: Delta makes no version. */
export async function rename(table: Table, { to }: { to: string[]; isView?: true }, context: Context): Promise<ResultSet> {
  const { privileges, session, storage } = context;
  const from = fullName({ ...table, table: table.name });
  privileges.requireTable(session.principal, table);
  requireOwner(context, from, "Table");
  const name = tableName(session, to);
  if (name.catalog !== table.catalog) throw acrossCatalogs();
  if (name.schema !== table.schema) target(to, context);
  const owner = privileges.owner(from, table.owner);
  await storage.moves.rename(table, name, context.signal);
  privileges.rename(from, fullName(name), owner);
  return noResult;
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

function definitionOf({ columns, constraints, properties, clusteredBy, partitionedBy }: Table): Definition {
  return {
    columns: copied(columns),
    constraints: Object.fromEntries(constraints),
    properties: Object.fromEntries(properties),
    layout: { clusteredBy, partitionedBy },
  };
}

/** Each table counts its identity columns on its own; tags are not copied. */
function copied(columns: readonly TableColumn[]): TableColumn[] {
  return columns.map(({ identity, tags: _tags, ...column }) => ({
    ...column,
    ...(identity ? { identity: { ...identity } } : {}),
  }));
}
