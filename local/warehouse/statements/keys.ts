import type { ForeignKey, PrimaryKey, Table } from "../catalog.ts";
import { SqlError } from "../errors.ts";
import { checkForeignKey, checkPrimaryKey, dropPrimaryKey, foreignKeysOf, noConstraint } from "../keys.ts";
import { tableName } from "../names.ts";
import type { KeyDefinition, TableAction } from "../sql/ast.ts";
import { checkedLayout } from "../table-definition.ts";
import type { Alteration } from "../table-writer.ts";
import type { Context } from "./context.ts";

type Of<Kind extends TableAction["kind"]> = Extract<TableAction, { kind: Kind }>;

/** Adds a primary or foreign key to a table, which may be about to be created. @throws SqlError */
export function addKey(table: Table, key: KeyDefinition, { catalogs, privileges, session }: Context): void {
  if (key.kind === "primary") {
    const primary: PrimaryKey = { name: key.name ?? `${table.name}_pk`, columns: key.columns, rely: key.rely };
    checkPrimaryKey(table, primary, catalogs);
    table.primaryKey = primary;
    return;
  }
  const name = tableName(session, key.parent);
  const isItself = name.catalog === table.catalog && name.schema === table.schema && name.table === table.name;
  const parent = isItself ? table : catalogs.tableForChange(name, "FOREIGN KEY");
  if (!isItself) privileges.requireTable(session.principal, parent, "SELECT");
  const foreign: ForeignKey = {
    name: key.name ?? `${table.name}_${parent.name}_fk`,
    columns: key.columns,
    rely: key.rely,
    parent,
    to: key.to ?? parent.primaryKey?.columns ?? [],
  };
  checkForeignKey(table, foreign, catalogs);
  table.foreignKeys.set(foreign.name.toLowerCase(), foreign);
}

/** Keys are kept by the catalog: Delta makes no version for them. */
export function changeKeys(
  table: Table,
  action: Of<"add-key" | "drop-primary-key" | "drop-foreign-key">,
  context: Context,
): Alteration {
  if (action.kind === "add-key") {
    const before = { primaryKey: table.primaryKey, foreignKeys: new Map(table.foreignKeys) };
    // Checked now, and done: what comes after it in this writer's turn cannot fail.
    addKey(table, action.key, context);
    const after = { primaryKey: table.primaryKey, foreignKeys: table.foreignKeys };
    Object.assign(table, before);
    return { apply: () => Object.assign(table, after) };
  }
  if (action.kind === "drop-primary-key") {
    if (table.primaryKey) return { apply: dropPrimaryKey(table, action.cascade, context.catalogs) };
    if (action.ifExists) return {};
    throw noConstraint(table, "PRIMARY KEY");
  }
  const wanted = names(action.columns);
  const key = foreignKeysOf(table, context.catalogs).find(({ columns }) => names(columns) === wanted);
  if (key) return { apply: () => table.foreignKeys.delete(key.name.toLowerCase()) };
  if (action.ifExists) return {};
  throw noConstraint(table, `FOREIGN KEY (${action.columns.join(", ")})`);
}

/** DROP CONSTRAINT of a key; undefined if it has another kind, or doesn't exist. */
export function dropKey(table: Table, { name, cascade }: Of<"drop-constraint">, context: Context): Alteration | undefined {
  if (table.primaryKey?.name.toLowerCase() === name.toLowerCase())
    return { apply: dropPrimaryKey(table, cascade, context.catalogs) };
  if (!table.foreignKeys.has(name.toLowerCase())) return undefined;
  return { apply: () => table.foreignKeys.delete(name.toLowerCase()) };
}

export function clusterBy(table: Table, columns: string[]): Alteration {
  const { clusteredBy } = checkedLayout({ clusteredBy: columns, partitionedBy: table.partitionedBy }, table.columns);
  const parameters = { oldClusteringColumns: table.clusteredBy.join(","), newClusteringColumns: clusteredBy.join(",") };
  return {
    entry: { operation: "CLUSTER BY", parameters, metrics: {} },
    apply: () => {
      table.clusteredBy = clusteredBy;
    },
  };
}

/** @throws SqlError DELTA_UNSUPPORTED_DROP_CLUSTERING_COLUMN, or DELTA_UNSUPPORTED_DROP_PARTITION_COLUMN */
export function requireInNoLayout(table: Table, column: string): void {
  if (table.clusteredBy.includes(column))
    throw new SqlError(
      "DELTA_UNSUPPORTED_DROP_CLUSTERING_COLUMN",
      "0AKDC",
      `Dropping clustering columns (${column}) is not supported.`,
    );
  if (table.partitionedBy.includes(column))
    throw new SqlError(
      "DELTA_UNSUPPORTED_DROP_PARTITION_COLUMN",
      "0AKDC",
      `Dropping partition columns (${column}) is not supported.`,
    );
}

export function renameInLayout(table: Table, from: string, to: string): void {
  const renamed = (names: string[]): string[] => names.map((name) => (name === from ? to : name));
  table.clusteredBy = renamed(table.clusteredBy);
  table.partitionedBy = renamed(table.partitionedBy);
}

function names(columns: readonly string[]): string {
  return columns.join("\0").toLowerCase();
}
