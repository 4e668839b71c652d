import type { WarehouseReader } from "../warehouse/access.ts";
import { qualifiedName } from "../warehouse/statements.ts";

/** Other runs may delete from the same table at the same time: ours is among the latest. */
const versionsLookedAt = 20;

/** The version that a delete of so many rows made, by the table's own account. @throws WarehouseFailure */
export async function versionOfDelete(warehouse: WarehouseReader, table: string, deleted: number): Promise<number | undefined> {
  return (await deletesOf(warehouse, table, deleted, versionsLookedAt))[0];
}

/** Versions that a delete of exactly so many rows made, newest first. @throws WarehouseFailure */
export async function deletesOf(warehouse: WarehouseReader, table: string, deleted: number, limit: number): Promise<number[]> {
  const history = await warehouse.query(`DESCRIBE HISTORY ${qualifiedName(warehouse.catalog, table)} LIMIT ${limit}`);
  return history
    .filter((row) => row.operation === "DELETE" && deletedRows(row.operationMetrics) === deleted)
    .map((row) => Number(row.version));
}

/** Delta's metrics are a map of texts, which reaches us as an object or as JSON. */
function deletedRows(metrics: unknown): number {
  const known = (typeof metrics === "string" ? JSON.parse(metrics) : metrics) as Record<string, unknown> | null | undefined;
  return Number(known?.numDeletedRows);
}
