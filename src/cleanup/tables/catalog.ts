import type { WarehouseReader } from "../../warehouse/access.ts";
import { quoteName } from "../../warehouse/statements.ts";

/** `schema.table` → its columns with their types in upper case, as far as the principal can see them. */
export type CatalogColumns = Map<string, Map<string, string>>;

/** @throws WarehouseFailure */
export async function readCatalogColumns(warehouse: WarehouseReader): Promise<CatalogColumns> {
  const rows = await warehouse.query(
    `SELECT table_schema, table_name, column_name, data_type FROM ${quoteName(warehouse.catalog)}.information_schema.columns WHERE table_schema <> 'information_schema'`,
  );
  const columns: CatalogColumns = new Map();
  for (const row of rows) {
    const table = `${String(row.table_schema)}.${String(row.table_name)}`;
    const known = columns.get(table) ?? new Map<string, string>();
    columns.set(table, known.set(String(row.column_name), String(row.data_type).toUpperCase()));
  }
  return columns;
}

const tableTypes = "'MANAGED', 'EXTERNAL', 'BASE TABLE', 'MANAGED_SHALLOW_CLONE', 'EXTERNAL_SHALLOW_CLONE', 'STREAMING_TABLE'";

/** `schema.table` of everything with rows of its own, declared or not. @throws WarehouseFailure */
export async function readTables(warehouse: WarehouseReader): Promise<string[]> {
  return await namesWhere(warehouse, `table_type IN (${tableTypes})`);
}

/** `schema.table` of everything that shows rows but cannot be deleted from. @throws WarehouseFailure */
export async function readViews(warehouse: WarehouseReader): Promise<Set<string>> {
  return new Set(await namesWhere(warehouse, `table_type NOT IN (${tableTypes})`));
}

async function namesWhere(warehouse: WarehouseReader, condition: string): Promise<string[]> {
  const rows = await warehouse.query(
    `SELECT table_schema, table_name FROM ${quoteName(warehouse.catalog)}.information_schema.tables WHERE ${condition} AND table_schema <> 'information_schema'`,
  );
  return rows.map((row) => `${String(row.table_schema)}.${String(row.table_name)}`);
}
