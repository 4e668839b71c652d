import type { Catalog, Schema, Table } from "../catalog.ts";
import { unknownColumn } from "../column-errors.ts";
import { SqlError, UnsupportedSql } from "../errors.ts";
import { schemaName, tableName } from "../names.ts";
import { isPrivilege } from "../principals.ts";
import { noResult, type ResultSet } from "../results.ts";
import type { Grants, Securable, Statement } from "../sql/ast.ts";
import type { Context } from "./context.ts";
import { requireOwner } from "./define.ts";
import { author } from "./write.ts";

type Of<Kind extends Statement["kind"]> = Extract<Statement, { kind: Kind }>;

/** A catalog, schema or table, with its full name. */
type Found =
  | { kind: "Catalog"; name: string; of: Catalog }
  | { kind: "Schema"; name: string; of: Schema }
  | { kind: "Table"; name: string; of: Table };

export function grant(statement: Grants, context: Context): ResultSet {
  const { privileges, session } = context;
  const names = statement.privileges.map((name) => {
    if (!isPrivilege(name)) throw new UnsupportedSql(`the privilege ${name}`);
    return name;
  });
  const on = statement.on.kind === "METASTORE" ? "METASTORE" : find(statement.on, context);
  if (on === "METASTORE") {
    if (!privileges.owns(session.principal, on)) throw notAnOwner("Metastore", "metastore");
  } else requireOwner(context, on.name, on.kind);
  requirePrincipal(statement.principal, context);
  const object = on === "METASTORE" ? on : on.name;
  for (const privilege of names) {
    if (statement.kind === "grant") privileges.grant(statement.principal, { privilege, on: object });
    else privileges.revoke(statement.principal, { privilege, on: object });
  }
  return noResult;
}

export function changeOwner({ on, owner }: Of<"owner">, context: Context): ResultSet {
  const found = find(on, context);
  requireOwner(context, found.name, found.kind);
  requirePrincipal(owner, context);
  context.privileges.recordOwner(found.name, owner);
  return noResult;
}

export async function commentOn({ on, comment }: Of<"comment-on">, context: Context): Promise<ResultSet> {
  if (on.kind === "COLUMN") {
    const column = on.name.at(-1) ?? "";
    const table = context.catalogs.tableForChange(tableName(context.session, on.name.slice(0, -1)), "COMMENT ON COLUMN");
    requireColumn(table, column);
    context.privileges.requireTable(context.session.principal, table, "MODIFY");
    await changeComment(table, column, comment, context);
    return noResult;
  }
  const found = find(on, context);
  if (found.kind !== "Table" || found.of.view) {
    requireOwner(context, found.name, found.kind);
    found.of.comment = comment;
    return noResult;
  }
  context.privileges.requireTable(context.session.principal, found.of, "MODIFY");
  await changeComment(found.of, undefined, comment, context);
  return noResult;
}

/** A version of the table, as in Delta. */
async function changeComment(
  table: Table,
  name: string | undefined,
  comment: string | undefined,
  context: Context,
): Promise<void> {
  const [operation, parameter, value] =
    name === undefined ? ["SET TBLPROPERTIES", "properties", { comment }] : ["CHANGE COLUMN", "column", { name, comment }];
  await context.storage.writer.alter(table, author(context), () => ({
    entry: { operation, parameters: { [parameter]: JSON.stringify(value) }, metrics: {} },
    apply: () => {
      if (name === undefined) table.comment = comment;
      else table.columns = table.columns.map((one) => (same(one.name, name) ? { ...one, comment } : one));
    },
  }));
}

/** How long dropped tables could come back. Nothing comes back here, so only who may say it is checked. */
export function retainDropped({ on }: Of<"retain-dropped">, context: Context): ResultSet {
  const found = find(on, context);
  if (!context.privileges.manages(context.session.principal, found.name)) throw notAnOwner(found.kind, found.name);
  return noResult;
}

/** Of a catalog, schema, table, view or column. Delta doesn't know of tags. */
export function changeTags({ on, set, unset }: Of<"tags">, context: Context): ResultSet {
  const column = on.kind === "COLUMN" ? on.name.at(-1) : undefined;
  const of: Securable = on.kind === "COLUMN" ? { kind: "TABLE", name: on.name.slice(0, -1) } : on;
  const found = find(of, context);
  const { privileges, session } = context;
  if (!privileges.manages(session.principal, found.name) && !privileges.has(session.principal, "APPLY TAG", found.name))
    throw new SqlError(
      "INSUFFICIENT_PERMISSIONS",
      "42501",
      `Insufficient privileges: User does not have APPLY TAG on ${found.kind} '${found.name}'.`,
    );
  const change = (old: ReadonlyMap<string, string>): Map<string, string> => {
    const tags = new Map([...old, ...Object.entries(set)]);
    for (const key of unset) tags.delete(key);
    return tags;
  };
  if (column === undefined) found.of.tags = change(found.of.tags);
  else if (found.kind === "Table") {
    requireColumn(found.of, column);
    found.of.columns = found.of.columns.map((one) =>
      same(one.name, column) ? { ...one, tags: change(one.tags ?? new Map()) } : one,
    );
  }
  return noResult;
}

/** Checks that it exists and that the caller may use what it is in. */
function find({ kind, name }: Securable, { catalogs, privileges, session }: Context): Found {
  switch (kind) {
    case "CATALOG": {
      const of = catalogs.catalog(name.join("."));
      privileges.requireBound(of.name);
      privileges.requireWritable(of.name);
      return { kind: "Catalog", name: of.name, of };
    }
    case "SCHEMA": {
      const full = schemaName(session, name);
      const of = catalogs.schema(full.catalog, full.schema);
      privileges.requireCatalog(session.principal, full.catalog);
      privileges.requireWritable(full.catalog);
      return { kind: "Schema", name: `${full.catalog}.${of.name}`, of };
    }
    case "TABLE": {
      const of = catalogs.table(tableName(session, name));
      privileges.requireTable(session.principal, of);
      privileges.requireWritable(of.catalog);
      return { kind: "Table", name: `${of.catalog}.${of.schema}.${of.name}`, of };
    }
    default:
      throw new UnsupportedSql(`this statement for a ${kind.toLowerCase()}`);
  }
}

function requirePrincipal(name: string, { privileges }: Context): void {
  if (!privileges.knows(name))
    throw new SqlError("PRINCIPAL_DOES_NOT_EXIST", "42704", `Could not find principal with name ${name}.`);
}

function requireColumn(table: Table, name: string): void {
  if (!table.columns.some((column) => same(column.name, name))) throw unknownColumn(table, name);
}

function notAnOwner(kind: string, name: string): SqlError {
  return new SqlError("INSUFFICIENT_PERMISSIONS", "42501", `Insufficient privileges: User is not an owner of ${kind} '${name}'.`);
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
