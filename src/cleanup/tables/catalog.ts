import type { Table } from "../../config/schema.ts";
import { layersOf } from "../../lib/layers.ts";
import { UserError } from "../../model/user-error.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { quoteName } from "../../warehouse/statements.ts";

/**
 * `schema.table` → its columns with their types in upper case, as far as the principal can see them: with precision and collation,
 * because text with a collation may be equal to other text.
 */
export type CatalogColumns = Map<string, Map<string, string>>;

/** @throws WarehouseFailure */
export async function readCatalogColumns(warehouse: WarehouseReader): Promise<CatalogColumns> {
  const rows = await warehouse.query(
    `SELECT table_schema, table_name, column_name, full_data_type FROM ${quoteName(warehouse.catalog)}.information_schema.columns WHERE table_schema <> 'information_schema'`,
  );
  const columns: CatalogColumns = new Map();
  for (const row of rows) {
    const table = `${String(row.table_schema)}.${String(row.table_name)}`;
    const known = columns.get(table) ?? new Map<string, string>();
    columns.set(table, known.set(String(row.column_name), String(row.full_data_type).toUpperCase()));
  }
  return columns;
}

const tableTypes = "'MANAGED', 'EXTERNAL', 'BASE TABLE', 'MANAGED_SHALLOW_CLONE', 'EXTERNAL_SHALLOW_CLONE', 'STREAMING_TABLE'";

/** `schema.table` of everything with rows of its own, declared or not. @throws WarehouseFailure */
export async function readTables(warehouse: WarehouseReader): Promise<string[]> {
  return (await tablesWhere(warehouse, `table_type IN (${tableTypes})`)).map(({ name }) => name);
}

/** `schema.table` of everything that shows rows but cannot be deleted from → what it is. */
export type Views = ReadonlyMap<string, ViewKind>;

export interface ViewKind {
  /** As in "it is a view". */
  name: string;
  /** What to do to have its rows deleted. */
  instead: string;
}

const tableBehind = "declare the table behind it";

/** Values of `information_schema.tables.table_type`, and what they are. Others are called views. */
const viewKinds: Readonly<Record<string, ViewKind>> = {
  VIEW: { name: "a view", instead: tableBehind },
  MATERIALIZED_VIEW: { name: "a materialized view", instead: tableBehind },
  METRIC_VIEW: { name: "a metric view", instead: tableBehind },
  FOREIGN: {
    name: "a foreign table, which another database owns",
    instead: "let the tests delete its rows in that database",
  },
};

/** @throws WarehouseFailure */
export async function readViews(warehouse: WarehouseReader): Promise<Views> {
  const rows = await tablesWhere(warehouse, `table_type NOT IN (${tableTypes})`);
  return new Map(rows.map(({ name, type }) => [name, viewKinds[type] ?? { name: "a view", instead: tableBehind }]));
}

/** What hides rows or values from principals. */
export interface Policies {
  /** `schema.table` with a row filter. */
  filtered: ReadonlySet<string>;
  /** `schema.table` → its columns with a mask. */
  masked: ReadonlyMap<string, ReadonlySet<string>>;
}

/** SQLSTATEs of a table and of a schema that don't exist. */
const notThere: ReadonlySet<string> = new Set(["42P01", "42704"]);

export const noPolicies: Policies = { filtered: new Set(), masked: new Map() };

/** Without these views, as in a warehouse without Unity Catalog, there are no policies. @throws WarehouseFailure */
export async function readPolicies(warehouse: WarehouseReader): Promise<Policies> {
  const schema = `${quoteName(warehouse.catalog)}.information_schema`;
  const statement = `SELECT schema_name, table_name, NULL AS column_name FROM ${schema}.row_filters UNION ALL SELECT schema_name, table_name, column_name FROM ${schema}.column_masks`;
  const rows = await warehouse.query(statement).catch((error: unknown) => {
    if (error instanceof WarehouseFailure && notThere.has(error.sqlState ?? "")) return [];
    throw error;
  });
  const masked = new Map<string, Set<string>>();
  const filtered = new Set<string>();
  for (const { schema_name, table_name, column_name } of rows) {
    const table = `${String(schema_name)}.${String(table_name)}`;
    if (column_name === null || column_name === undefined) filtered.add(table);
    else masked.set(table, (masked.get(table) ?? new Set()).add(String(column_name)));
  }
  return { filtered, masked };
}

/** Why what is read of a table may not be what it has; undefined if nothing is hidden. */
export function whyHidden(
  name: string,
  { key, match, parents, time }: Table,
  { filtered, masked }: Policies,
): string | undefined {
  if (filtered.has(name)) return "it has a row filter, which may hide test data from this principal";
  const used = [key, ...match.map(({ column }) => column), ...Object.keys(parents), ...(time === undefined ? [] : [time])];
  const hidden = used.filter((column) => masked.get(name)?.has(column));
  if (hidden.length === 0) return undefined;
  return `its column ${hidden.join(", ")} has a mask, so what is read may not be what it has`;
}

async function tablesWhere(warehouse: WarehouseReader, condition: string): Promise<{ name: string; type: string }[]> {
  const rows = await warehouse.query(
    `SELECT table_schema, table_name, table_type FROM ${quoteName(warehouse.catalog)}.information_schema.tables WHERE ${condition} AND table_schema <> 'information_schema'`,
  );
  return rows.map((row) => ({ name: `${String(row.table_schema)}.${String(row.table_name)}`, type: String(row.table_type) }));
}

/** A table that can be declared, with what its columns show. */
export interface DeclarableTable {
  name: string;
  /** Column → its type, sorted by name, because the warehouse guarantees no order. */
  columns: Map<string, string>;
  key: string | undefined;
  /** Whether the key identifies the rows of this table, not of another. Only then can other tables point at it. */
  ownKey: boolean;
}

/** The words of a table's name, without its schema, in lower case. */
export function wordsOfTableName(table: string): string[] {
  return (table.split(".")[1] ?? table)
    .toLowerCase()
    .split("_")
    .filter((word) => word !== "");
}

/** The entity that a column's name refers to: `session` for session_id. */
export function entityNamedBy(column: string): string | undefined {
  return /^(.+)_(?:id|uuid|guid)$/.exec(column.toLowerCase())?.[1];
}

/** Keys are texts or whole numbers, and columns that point at them have the same kind. */
export function kindOf(type: string): "text" | "number" | "other" {
  if (/^(?:STRING|VARCHAR|CHAR)\b/.test(type)) return "text";
  return /^(?:TINYINT|SMALLINT|INT|INTEGER|BIGINT|LONG)$/.test(type) ? "number" : "other";
}

export function isTime(type: string): boolean {
  return /^(?:TIMESTAMP(?:_NTZ|_LTZ)?|DATE)$/.test(type);
}

/** Numbers, times and booleans don't identify a person. */
export function isPlain(type: string): boolean {
  return kindOf(type) === "number" || isTime(type) || /^(?:BOOLEAN|FLOAT|DOUBLE|DECIMAL)\b/.test(type);
}

/** The tables in search order: each comes after the tables that its rows depend on. */
export type DependencyLevels = string[][];

/**
 * @param tables `schema.table` → its declaration
 * @throws UserError if the dependencies have a circle: then no order is right
 */
export function dependencyLevels(tables: Readonly<Record<string, Table>>): DependencyLevels {
  // A table that depends on itself (groups in groups) is not a circle: its rows are found level by level.
  const { layers, circular } = layersOf(Object.keys(tables).sort(), (name) => parentTables(tables[name]));
  if (circular.length > 0)
    throw new UserError(
      "EA1026",
      `testData.tables: these tables depend on each other in a circle: ${circular.join(", ")}. Remove one of the parents`,
    );
  return layers;
}

/** The tables that its rows may depend on, once per column. */
export function parentTables(table: Table | undefined): string[] {
  return Object.values(table?.parents ?? {}).map((parent) => parent.table);
}

/** Declared without a rule: a deliberate decision that nothing is deleted from it. */
export function isKept({ match, parents }: Table): boolean {
  return match.length + Object.keys(parents).length === 0;
}
