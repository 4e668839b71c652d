import type { Table, TableColumn } from "../catalog.ts";
import { described, keysOf } from "../keys.ts";
import { tableName } from "../names.ts";
import { type ResultSet, resultOf } from "../results.ts";
import type { Statement } from "../sql/ast.ts";
import { type DataType, string, typeName } from "../types.ts";
import type { Context } from "./context.ts";

/** The statement that creates a table or view as it is. */
export function showCreate({ table: parts }: Extract<Statement, { kind: "show-create" }>, context: Context): ResultSet {
  const { catalogs, privileges, session } = context;
  const table = catalogs.table(tableName(session, parts));
  privileges.requireTable(session.principal, table, "SELECT");
  const text = table.view ? createView(table) : createTable(table, context);
  return resultOf([{ name: "createtab_stmt", type: string }], [[text]]);
}

function createTable(table: Table, { catalogs }: Context): string {
  const constraints = keysOf(table, catalogs).map((key) => `CONSTRAINT ${name(key.name)} ${described(key)}`);
  const lines = [...table.columns.map((column) => columnText(column, table)), ...constraints];
  const properties = [
    ...table.properties,
    ...[...table.constraints].map(([check, { text }]): [string, string] => [`delta.constraints.${check}`, text]),
  ].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    `CREATE TABLE ${fullName(table)} (\n  ${lines.join(",\n  ")})`,
    "USING delta",
    ...(table.partitionedBy.length > 0 ? [`PARTITIONED BY (${table.partitionedBy.map(name).join(", ")})`] : []),
    ...(table.clusteredBy.length > 0 ? [`CLUSTER BY (${table.clusteredBy.map(name).join(", ")})`] : []),
    ...(table.comment === undefined ? [] : [`COMMENT ${text(table.comment)}`]),
    ...(properties.length > 0
      ? [`TBLPROPERTIES (\n  ${properties.map(([key, value]) => `${text(key)} = ${text(value)}`).join(",\n  ")})`]
      : []),
    ...(table.rowFilter
      ? [`WITH ROW FILTER ${functionName(table.rowFilter)} ON (${table.rowFilter.columns.map(name).join(", ")})`]
      : []),
  ].join("\n");
}

function columnText(
  { name: own, type, nullable, comment, default: given, generated, identity }: TableColumn,
  table: Table,
): string {
  const mask = table.masks.get(own.toLowerCase());
  return [
    name(own),
    typeText(type),
    ...(nullable ? [] : ["NOT NULL"]),
    ...(given ? [`DEFAULT ${given.text}`] : []),
    ...(generated ? [`GENERATED ALWAYS AS (${generated.text})`] : []),
    ...(identity
      ? [
          `GENERATED ${identity.always ? "ALWAYS" : "BY DEFAULT"} AS IDENTITY (START WITH ${identity.start} INCREMENT BY ${identity.step})`,
        ]
      : []),
    ...(comment === undefined ? [] : [`COMMENT ${text(comment)}`]),
    ...(mask
      ? [`MASK ${functionName(mask)}${mask.columns.length > 0 ? ` USING COLUMNS (${mask.columns.map(name).join(", ")})` : ""}`]
      : []),
  ].join(" ");
}

function createView(table: Table): string {
  const columns = table.columns.map(
    (column) => `${name(column.name)}${column.comment === undefined ? "" : ` COMMENT ${text(column.comment)}`}`,
  );
  return [
    `CREATE VIEW ${fullName(table)} (\n  ${columns.join(",\n  ")})`,
    ...(table.comment === undefined ? [] : [`COMMENT ${text(table.comment)}`]),
    `AS ${table.view?.text}`,
  ].join("\n");
}

function functionName({ routine }: { routine: { catalog: string; schema: string; name: string } }): string {
  return [routine.catalog, routine.schema, routine.name].map(name).join(".");
}

function fullName(table: Table): string {
  return [table.catalog, table.schema, table.name].map(name).join(".");
}

/** In backticks where it needs them. */
function name(own: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(own) ? own : `\`${own.replaceAll("`", "``")}\``;
}

function text(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** Words of SQL in capitals, and names as they are. */
function typeText(type: DataType): string {
  switch (type.kind) {
    case "primitive":
    case "decimal":
      return typeName(type).toUpperCase();
    case "array":
      return `ARRAY<${typeText(type.element)}>`;
    case "map":
      return `MAP<${typeText(type.key)}, ${typeText(type.value)}>`;
    case "struct":
      return `STRUCT<${type.fields.map((field) => `${name(field.name)}: ${typeText(field.type)}`).join(", ")}>`;
  }
}
