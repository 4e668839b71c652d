import { fullName } from "../catalog.ts";
import { SqlError } from "../errors.ts";
import { timeOf } from "../faults.ts";
import { schemaName, tableName } from "../names.ts";
import { noResult, type ResultSet } from "../results.ts";
import type { Statement } from "../sql/ast.ts";
import { generateQuery } from "../sql/generate-query.ts";
import { definitionOf } from "../table-definition.ts";
import { requireComparable } from "./comparable.ts";
import type { Context } from "./context.ts";
import { addKey } from "./keys.ts";
import { checkProperties, requireDefaults } from "./properties.ts";
import { author } from "./write.ts";

type Of<Kind extends Statement["kind"]> = Extract<Statement, { kind: Kind }>;

export async function createCatalog(statement: Of<"create-catalog">, context: Context): Promise<ResultSet> {
  const { catalogs, privileges, session, storage } = context;
  privileges.requireMetastore(session.principal, "CREATE CATALOG");
  if (statement.ifNotExists && catalogs.find(statement.name)) return noResult;
  const catalog = await storage.namespaces.createCatalog(statement.name, session.principal.user, statement.ifNotExists);
  if (!catalog) return noResult;
  catalog.comment = statement.comment;
  catalog.createdAt = timeOf(context.faults);
  privileges.recordOwner(catalog.name, session.principal.user);
  privileges.recordOwner(`${catalog.name}.default`, session.principal.user);
  return noResult;
}

export async function dropCatalog(statement: Of<"drop-catalog">, context: Context): Promise<ResultSet> {
  const { catalogs, privileges, storage } = context;
  if (statement.ifExists && !catalogs.find(statement.name)) return noResult;
  const catalog = catalogs.catalog(statement.name);
  requireOwner(context, catalog.name, "Catalog");
  await storage.namespaces.dropCatalog(catalog, statement.cascade, context.signal);
  privileges.forget(catalog.name);
  return noResult;
}

export async function createSchema(statement: Of<"create-schema">, context: Context): Promise<ResultSet> {
  const { catalogs, privileges, session, storage } = context;
  const { catalog, schema } = schemaName(session, statement.name);
  const exists = catalogs.catalog(catalog).schemas.has(schema);
  privileges.requireCatalog(session.principal, catalog, "CREATE SCHEMA");
  if (exists && statement.ifNotExists) return noResult;
  if (!(await storage.namespaces.createSchema(catalog, schema, session.principal.user, statement.ifNotExists))) return noResult;
  catalogs.schema(catalog, schema).comment = statement.comment;
  privileges.recordOwner(`${catalog}.${schema}`, session.principal.user);
  return noResult;
}

export async function createTable(statement: Of<"create-table">, context: Context): Promise<ResultSet> {
  const { catalogs, privileges, session, storage } = context;
  const name = tableName(session, statement.name);
  catalogs.schema(name.catalog, name.schema);
  privileges.requireSchema(session.principal, name.catalog, name.schema, "CREATE TABLE");
  const old = catalogs.findTable(name);
  if (old && statement.ifNotExists) return noResult;
  if (old && statement.replace) requireOwner(context, fullName(name), "Table");
  const definition = definitionOf(statement.columns, statement.constraints, statement.properties, statement.layout);
  // The columns of a primary key are NOT NULL without saying so.
  const primary = statement.keys
    .flatMap((key) => (key.kind === "primary" ? key.columns : []))
    .map((column) => column.toLowerCase());
  for (const column of definition.columns) if (primary.includes(column.name.toLowerCase())) column.nullable = false;
  checkProperties(definition.properties);
  if (definition.columns.some((column) => column.default)) requireDefaults("CREATE TABLE", definition.properties);
  const asSelect = statement.query && generateQuery(statement.query, context.environment, new Set());
  await requireComparable(context);
  const isNew = await storage.createTable(
    name,
    {
      definition,
      asSelect,
      replace: statement.replace,
      ifNotExists: statement.ifNotExists,
      comment: statement.comment,
      complete: (table) => {
        for (const key of statement.keys) addKey(table, key, context);
      },
    },
    author(context),
  );
  if (isNew) privileges.recordOwner(fullName(name), session.principal.user);
  return noResult;
}

export async function dropTable(statement: Of<"drop-table">, context: Context): Promise<ResultSet> {
  const name = tableName(context.session, statement.name);
  const table = statement.ifExists ? context.catalogs.findTable(name) : context.catalogs.table(name);
  if (!table) return noResult;
  requireOwner(context, fullName(name), "Table");
  await context.storage.dropTable(table, context.signal);
  context.privileges.forget(fullName(name));
  return noResult;
}

export async function dropSchema(statement: Of<"drop-schema">, context: Context): Promise<ResultSet> {
  const { catalog, schema } = schemaName(context.session, statement.name);
  if (statement.ifExists && !context.catalogs.find(catalog)?.schemas.has(schema)) return noResult;
  context.catalogs.schema(catalog, schema);
  requireOwner(context, `${catalog}.${schema}`, "Schema");
  await context.storage.dropSchema(catalog, schema, statement.cascade, context.signal);
  context.privileges.forget(`${catalog}.${schema}`);
  return noResult;
}

/** The owner, or who has MANAGE and may use what the object is in. @throws SqlError INSUFFICIENT_PERMISSIONS */
export function requireOwner({ privileges, session }: Context, object: string, kind: "Table" | "Schema" | "Catalog"): void {
  const [catalog = "", schema] = object.split(".");
  privileges.requireBound(catalog);
  privileges.requireWritable(catalog);
  if (kind === "Table" && schema !== undefined && !privileges.owns(session.principal, object))
    privileges.requireSchema(session.principal, catalog, schema);
  if (kind !== "Table" && !privileges.owns(session.principal, object)) privileges.requireCatalog(session.principal, catalog);
  if (!privileges.manages(session.principal, object))
    throw new SqlError(
      "INSUFFICIENT_PERMISSIONS",
      "42501",
      `Insufficient privileges: User is not an owner of ${kind} '${object}'.`,
    );
}
