import { schemasOf, tablesOf } from "../catalog.ts";
import { matches } from "../metadata.ts";
import { schemaName, tableName } from "../names.ts";
import { type ResultSet, resultOf, texts } from "../results.ts";
import type { Securable, Statement } from "../sql/ast.ts";
import { boolean } from "../types.ts";
import type { Context } from "./context.ts";

type Of<Kind extends Statement["kind"]> = Extract<Statement, { kind: Kind }>;

export function showCatalogs(statement: Of<"show-catalogs">, { catalogs, privileges, session }: Context): ResultSet {
  const names = catalogs
    .all()
    .filter((catalog) => privileges.seesCatalog(session.principal, catalog))
    .map((catalog) => catalog.name);
  return list("catalog", names.filter(matching(statement.pattern)));
}

export function showSchemas(statement: Of<"show-schemas">, { catalogs, privileges, session }: Context): ResultSet {
  const catalog = catalogs.catalog(statement.catalog ?? session.catalog);
  privileges.requireCatalog(session.principal, catalog.name);
  const visible = schemasOf(catalog).filter((schema) => privileges.seesSchema(session.principal, catalog, schema));
  const names = [...visible.map((schema) => schema.name), "information_schema"].sort();
  return list("databaseName", names.filter(matching(statement.pattern)));
}

export function showTables(statement: Of<"show-tables">, { catalogs, privileges, session }: Context): ResultSet {
  const name = statement.schema ? schemaName(session, statement.schema) : { catalog: session.catalog, schema: session.schema };
  const schema = catalogs.schema(name.catalog, name.schema);
  privileges.requireSchema(session.principal, name.catalog, name.schema);
  const wanted = matching(statement.pattern);
  const rows = tablesOf(schema)
    .filter((table) => privileges.seesTable(session.principal, table) && wanted(table.name))
    .map((table) => [schema.name, table.name, false]);
  return resultOf([...texts("database", "tableName"), { name: "isTemporary", type: boolean }], rows);
}

export function showViews(statement: Of<"show-views">, { catalogs, privileges, session }: Context): ResultSet {
  const name = statement.schema ? schemaName(session, statement.schema) : { catalog: session.catalog, schema: session.schema };
  const schema = catalogs.schema(name.catalog, name.schema);
  privileges.requireSchema(session.principal, name.catalog, name.schema);
  const wanted = matching(statement.pattern);
  const rows = tablesOf(schema)
    .filter((table) => table.view && privileges.seesTable(session.principal, table) && wanted(table.name))
    .map((table) => [schema.name, table.name, false]);
  return resultOf([...texts("namespace", "viewName"), { name: "isTemporary", type: boolean }], rows);
}

export function showColumns(statement: Of<"show-columns">, { catalogs, privileges, session }: Context): ResultSet {
  const table = catalogs.table(tableName(session, statement.table));
  privileges.requireTable(session.principal, table, "SELECT");
  return list(
    "col_name",
    table.columns.map((column) => column.name),
  );
}

export function showProperties(statement: Of<"show-properties">, { catalogs, privileges, session }: Context): ResultSet {
  const table = catalogs.table(tableName(session, statement.table));
  privileges.requireTable(session.principal, table, "SELECT");
  const constraints = [...table.constraints].map(([name, check]): [string, string] => [`delta.constraints.${name}`, check.text]);
  return resultOf(texts("key", "value"), [...table.properties, ...constraints].sort());
}

/** Includes inherited grants, each with the object it was granted on. */
export function showGrants(statement: Of<"show-grants">, context: Context): ResultSet {
  const object = existing(statement.on, context);
  const rows = context.privileges
    .visibleGrants(context.session.principal, object, true)
    .filter((grant) => statement.principal === undefined || grant.grantee === statement.principal)
    .map((grant) => [grant.grantee, grant.privilege, grant.level, grant.on]);
  return resultOf(texts("Principal", "ActionType", "ObjectType", "ObjectKey"), rows);
}

/** The object's full name, after checking that it exists. */
function existing({ kind, name }: Securable, { catalogs, session }: Context): string {
  switch (kind) {
    case "CATALOG":
      return catalogs.catalog(name.join(".")).name;
    case "SCHEMA": {
      const { catalog, schema } = schemaName(session, name);
      return `${catalog}.${catalogs.schema(catalog, schema).name}`;
    }
    case "TABLE": {
      const table = catalogs.table(tableName(session, name));
      return `${table.catalog}.${table.schema}.${table.name}`;
    }
    default:
      return "METASTORE";
  }
}

/** SHOW's own patterns: `*` is any text and `|` separates alternatives; `%` works as in LIKE. */
function matching(pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined) return () => true;
  const alternatives = pattern.split("|").map((part) => part.trim().replaceAll("_", "\\_").replaceAll("*", "%"));
  return (name) => alternatives.some((alternative) => matches(name, alternative));
}

function list(column: string, names: string[]): ResultSet {
  return resultOf(
    texts(column),
    names.map((name) => [name]),
  );
}
