import { quoted, type Table, type TableColumn } from "../catalog.ts";
import { columnExists, typeChangeRefused, unknownColumn } from "../column-errors.ts";
import { checkDefault } from "../column-rules.ts";
import { identifier } from "../duckdb.ts";
import { SqlError, UnsupportedSql } from "../errors.ts";
import { requireInNoKey } from "../keys.ts";
import { tableName } from "../names.ts";
import { noResult, type ResultSet } from "../results.ts";
import type { AddedColumn, Clause, Position, Statement, TableAction } from "../sql/ast.ts";
import { generateExpression } from "../sql/generate.ts";
import type { Alteration } from "../table-writer.ts";
import { type DataType, duckDbType, parseType, typeName, widens } from "../types.ts";
import { liveRows } from "../versions.ts";
import { requireMapping, requireUnused } from "./column-use.ts";
import type { Context } from "./context.ts";
import { rename } from "./copy.ts";
import { requireOwner } from "./define.ts";
import { changeKeys, clusterBy, dropKey, renameInLayout, requireInNoLayout } from "./keys.ts";
import { policyOf, refuseChecks } from "./policies.ts";
import { requireDefaults, setProperties, unsetProperties } from "./properties.ts";
import { author } from "./write.ts";

type Of<Kind extends TableAction["kind"]> = Extract<TableAction, { kind: Kind }>;

export async function alterTable(
  { table: name, action }: Extract<Statement, { kind: "alter-table" }>,
  context: Context,
): Promise<ResultSet> {
  const full = tableName(context.session, name);
  if (action.kind === "rename" && action.isView) return rename(context.catalogs.table(full), action, context);
  const table = context.catalogs.tableForChange(full, "ALTER TABLE");
  if (action.kind === "column-tags") return noResult; // parsed as a statement of its own
  if (action.kind === "rename") return rename(table, action, context);
  context.privileges.requireTable(context.session.principal, table, "MODIFY");
  await context.storage.writer.alter(table, author(context), () => alteration(table, action, context));
  return noResult;
}

function alteration(
  table: Table,
  action: Exclude<TableAction, { kind: "rename" | "column-tags" }>,
  context: Context,
): Alteration {
  switch (action.kind) {
    case "add-columns":
      return addColumns(table, action);
    case "drop-columns":
      return dropColumns(table, action, context);
    case "rename-column":
      return renameColumn(table, action, context);
    case "move-column":
      return moveColumn(table, action);
    case "change-type":
      return changeType(table, action);
    case "comment-column":
      return changeColumn(table, find(table, action.name), { comment: action.comment });
    case "set-default":
      return setDefault(table, action);
    case "set-nullable":
      return setNullable(table, action);
    case "set-row-filter":
    case "drop-row-filter":
    case "set-mask":
    case "drop-mask":
      return changePolicy(table, action, context);
    case "set-properties":
      return setProperties(table, action.properties);
    case "unset-properties":
      return unsetProperties(table, action.keys);
    case "add-constraint":
      return addConstraint(table, action, context);
    case "drop-constraint":
      return dropConstraint(table, action, context);
    case "add-key":
    case "drop-primary-key":
    case "drop-foreign-key":
      return changeKeys(table, action, context);
    case "cluster-by":
      return clusterBy(table, action.columns);
  }
}

function addColumns(table: Table, { columns }: Of<"add-columns">): Alteration {
  let shape = unchanged(table.columns);
  for (const added of columns) {
    if (shape.some(({ column }) => same(column.name, added.name))) throw columnExists("add", table, added.name);
    if (added.generated || added.identity) throw new UnsupportedSql("ADD COLUMN with GENERATED");
    if (added.default)
      throw new SqlError(
        "WRONG_COLUMN_DEFAULTS_FOR_DELTA_ALTER_TABLE_ADD_COLUMN_NOT_SUPPORTED",
        "0AKDC",
        "Failed to execute the command because DEFAULT values are not supported when adding new\ncolumns to previously existing Delta tables; please add the column without a default\nvalue first, then run a second ALTER TABLE ALTER COLUMN SET DEFAULT command to apply\nfor future inserted rows instead.",
      );
    if (!added.nullable)
      throw new SqlError(
        "DELTA_OPERATION_NOT_ALLOWED",
        "0AKDC",
        "Operation not allowed: `NOT NULL in ALTER TABLE ADD COLUMNS` is not supported for Delta tables",
      );
    const column: TableColumn = { name: added.name, type: parseType(added.type), nullable: true, comment: added.comment };
    shape = placed(shape, { column, value: `CAST(NULL AS ${duckDbType(column.type)})` }, added.position, added.name);
  }
  const parameter = columns.map((added) => ({ column: described(added), ...positionOf(added.position) }));
  return { ...reshaped(shape), entry: entry("ADD COLUMNS", { columns: JSON.stringify(parameter) }) };
}

function described({ name, type, nullable, comment }: AddedColumn): object {
  return fieldOf({ name, nullable, comment, type: parseType(type) });
}

function dropColumns(table: Table, { names, ifExists }: Of<"drop-columns">, { catalogs }: Context): Alteration {
  const existing = ifExists ? names.filter((name) => table.columns.some((column) => same(column.name, name))) : names;
  const dropped = existing.map((name) => find(table, name));
  if (dropped.length === 0) return {};
  requireMapping(table, "DROP");
  for (const column of dropped) {
    requireUnused(table, column.name);
    requireInNoKey(table, column.name, catalogs);
    requireInNoLayout(table, column.name);
  }
  const left = table.columns.filter((column) => !dropped.includes(column));
  if (left.length === 0)
    throw new SqlError(
      "DELTA_DROP_COLUMN_ON_SINGLE_FIELD_SCHEMA",
      "0AKDC",
      "Cannot drop column from a schema with a single column.",
    );
  const parameter = JSON.stringify(dropped.map((column) => column.name));
  return { ...reshaped(unchanged(left)), entry: entry("DROP COLUMNS", { columns: parameter }) };
}

function renameColumn(table: Table, { from, to }: Of<"rename-column">, { catalogs }: Context): Alteration {
  const renamed = find(table, from);
  if (table.columns.some((column) => same(column.name, to))) throw columnExists("rename", table, to);
  requireMapping(table, "RENAME");
  requireUnused(table, renamed.name);
  requireInNoKey(table, renamed.name, catalogs);
  const columns = unchanged(table.columns).map((one) =>
    one.column === renamed ? { ...one, column: { ...renamed, name: to } } : one,
  );
  return {
    ...reshaped(columns),
    entry: entry("RENAME COLUMN", { oldColumnPath: renamed.name, newColumnPath: to }),
    apply: () => renameInLayout(table, renamed.name, to),
  };
}

function moveColumn(table: Table, { name, position }: Of<"move-column">): Alteration {
  const column = find(table, name);
  const others = unchanged(table.columns.filter((other) => other !== column));
  const columns = placed(others, { column, value: identifier(column.name) }, position, name);
  return {
    ...reshaped(columns),
    entry: entry("CHANGE COLUMN", { column: JSON.stringify(fieldOf(column)), ...positionOf(position) }),
  };
}

/** Delta converts no row for this; it only takes types that hold every value of the old one. */
function changeType(table: Table, { name, type: text }: Of<"change-type">): Alteration {
  const old = find(table, name);
  const type = parseType(text);
  const wider = widens(old.type, type) && table.properties.get("delta.enableTypeWidening") === "true";
  if (typeName(old.type) !== typeName(type) && !wider) throw typeChangeRefused(table, old, type);
  requireUnused(table, old.name);
  const column = { ...old, type };
  const columns = unchanged(table.columns).map((one) =>
    one.column === old ? { column, value: `CAST(${one.value} AS ${duckDbType(type)})` } : one,
  );
  return { ...reshaped(columns), entry: entry("CHANGE COLUMN", { column: JSON.stringify(fieldOf(column)) }) };
}

function setDefault(table: Table, { name, default: given }: Of<"set-default">): Alteration {
  const column = find(table, name);
  if (given) {
    requireDefaults("ALTER TABLE", Object.fromEntries(table.properties));
    checkDefault(column.name, given);
  }
  return changeColumn(table, column, { default: given });
}

/** Open-source Delta refuses to set NOT NULL; Databricks checks the rows. */
function setNullable(table: Table, { name, nullable }: Of<"set-nullable">): Alteration {
  const column = find(table, name);
  const sql = `ALTER TABLE ${liveRows(table)} ALTER COLUMN ${identifier(column.name)} ${nullable ? "DROP" : "SET"} NOT NULL`;
  const violation = (rows: number): SqlError =>
    new SqlError(
      "DELTA_NEW_NOT_NULL_VIOLATION",
      "23512",
      `${rows} rows in ${fullName(table)} violate the new NOT NULL constraint on ${column.name}`,
    );
  return {
    ...changeColumn(table, column, { nullable }),
    ...(column.nullable === nullable ? {} : { sql }),
    ...(nullable ? {} : { requires: { condition: `${identifier(column.name)} IS NOT NULL`, violation } }),
  };
}

function changeColumn(table: Table, column: TableColumn, change: Partial<TableColumn>): Alteration {
  const changed = { ...column, ...change };
  return {
    entry: entry("CHANGE COLUMN", { column: JSON.stringify(fieldOf(changed)) }),
    apply: () => {
      table.columns = table.columns.map((one) => (one === column ? changed : one));
    },
  };
}

function addConstraint(table: Table, { name, check }: Of<"add-constraint">, context: Context): Alteration {
  const old = table.constraints.get(name.toLowerCase());
  if (old)
    throw new SqlError(
      "DELTA_CONSTRAINT_ALREADY_EXISTS",
      "42710",
      `Constraint '${name}' already exists. Please delete the old constraint first.\nOld constraint:\n${old.text}`,
    );
  const violation = (rows: number): SqlError =>
    new SqlError(
      "DELTA_NEW_CHECK_CONSTRAINT_VIOLATION",
      "23512",
      `${rows} rows in ${fullName(table)} violate the new CHECK constraint (${check.text})`,
    );
  return {
    entry: entry("ADD CONSTRAINT", { name, expr: check.text }),
    requires: { condition: generateExpression(check.expression, context.environment, new Set()), violation },
    apply: () => table.constraints.set(name.toLowerCase(), check satisfies Clause),
  };
}

function dropConstraint(table: Table, action: Of<"drop-constraint">, context: Context): Alteration {
  const { name, ifExists } = action;
  const key = dropKey(table, action, context);
  if (key) return key;
  const check = table.constraints.get(name.toLowerCase());
  if (!check && !ifExists)
    throw new SqlError(
      "DELTA_CONSTRAINT_DOES_NOT_EXIST",
      "42704",
      `Cannot drop nonexistent constraint ${name} from table ${quoted(table.schema, table.name)}. To avoid throwing an error, provide the parameter IF EXISTS or set the SQL session configuration spark.databricks.delta.constraints.assumesDropIfExists.enabled to true.`,
    );
  return {
    entry: entry("DROP CONSTRAINT", { name, ...(check ? { expr: check.text } : {}), existed: String(check !== undefined) }),
    apply: () => table.constraints.delete(name.toLowerCase()),
  };
}

/** Policies belong to the catalog: Delta makes no version for them. */
function changePolicy(
  table: Table,
  action: Of<"set-row-filter" | "drop-row-filter" | "set-mask" | "drop-mask">,
  context: Context,
): Alteration {
  requireOwner(context, fullName(table), "Table");
  if (action.kind === "set-row-filter") refuseChecks(table, "filter");
  if (action.kind === "set-mask") refuseChecks(table, "mask");
  if (action.kind === "drop-row-filter" || action.kind === "set-row-filter") {
    const filter = action.kind === "set-row-filter" ? policyOf(table, action.routine, action.columns, context) : undefined;
    return {
      apply: () => {
        table.rowFilter = filter;
      },
    };
  }
  const column = find(table, action.name).name;
  const mask = action.kind === "set-mask" ? policyOf(table, action.routine, action.columns, context, column) : undefined;
  return {
    apply: () => {
      if (mask) table.masks.set(column.toLowerCase(), mask);
      else table.masks.delete(column.toLowerCase());
    },
  };
}

/** The new columns, each with its value computed from the old ones, in DuckDB's dialect. */
type Shape = { column: TableColumn; value: string }[];

function reshaped(shape: Shape): Pick<Alteration, "columns" | "rows"> {
  return {
    columns: shape.map(({ column }) => column),
    rows: (until) => `SELECT ${shape.map(({ value }) => value).join(", ")} FROM ${until}`,
  };
}

function unchanged(columns: readonly TableColumn[]): Shape {
  return columns.map((column) => ({ column, value: identifier(column.name) }));
}

function placed(shape: Shape, one: Shape[number], position: Position | undefined, name: string): Shape {
  if (position === undefined) return [...shape, one];
  if (position === "first") return [one, ...shape];
  const before = shape.findIndex(({ column }) => same(column.name, position.after));
  if (before === -1)
    throw new SqlError(
      "FIELD_NOT_FOUND",
      "42704",
      `No such struct field \`${name}\` in ${shape.map(({ column }) => column.name).join(", ")}.`,
    );
  return shape.toSpliced(before + 1, 0, one);
}

function positionOf(position: Position | undefined): { position?: string } {
  if (position === undefined) return {};
  return { position: position === "first" ? "FIRST" : `AFTER ${position.after}` };
}

function find(table: Table, name: string): TableColumn {
  const column = table.columns.find((one) => same(one.name, name));
  if (!column) throw unknownColumn(table, name);
  return column;
}

const deltaNames: Readonly<Record<string, string>> = { int: "integer", bigint: "long", smallint: "short", tinyint: "byte" };

/** A column as Delta's history writes it. */
function fieldOf({ name, type, nullable, comment, default: given }: TableColumn): object {
  const metadata = { ...(comment === undefined ? {} : { comment }), ...(given ? { CURRENT_DEFAULT: given.text } : {}) };
  return { name, type: deltaType(type), nullable, metadata };
}

/** A type as Delta's log has it. */
function deltaType(type: DataType): unknown {
  switch (type.kind) {
    case "array":
      return { type: "array", elementType: deltaType(type.element), containsNull: true };
    case "map":
      return { type: "map", keyType: deltaType(type.key), valueType: deltaType(type.value), valueContainsNull: true };
    case "struct":
      return {
        type: "struct",
        fields: type.fields.map((field) => ({ name: field.name, type: deltaType(field.type), nullable: true, metadata: {} })),
      };
    default:
      return deltaNames[typeName(type)] ?? typeName(type);
  }
}

function entry(operation: string, parameters: Record<string, string>): Alteration["entry"] {
  return { operation, parameters, metrics: {} };
}

function fullName(table: Table): string {
  return `${table.catalog}.${table.schema}.${table.name}`;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
