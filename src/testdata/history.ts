import type { WarehouseReader } from "../warehouse/access.ts";
import { qualifiedName } from "../warehouse/statements.ts";

/** One version, as the table's own history tells of it. */
export interface HistoryEntry {
  version: number;
  operation: string;
  parameters: Readonly<Record<string, unknown>>;
  metrics: Readonly<Record<string, unknown>>;
}

/** Newest first. @throws WarehouseFailure */
export async function historyOf(warehouse: WarehouseReader, table: string, limit: number): Promise<HistoryEntry[]> {
  const rows = await warehouse.query(`DESCRIBE HISTORY ${qualifiedName(warehouse.catalog, table)} LIMIT ${limit}`);
  return rows.map((row) => ({
    version: Number(row.version),
    operation: String(row.operation),
    parameters: mapOf(row.operationParameters),
    metrics: mapOf(row.operationMetrics),
  }));
}

/** Other runs may delete from the same table at the same time: ours is among the latest. */
const versionsLookedAt = 20;

/** The version that a delete of so many rows made, by the table's own account. @throws WarehouseFailure */
export async function versionOfDelete(warehouse: WarehouseReader, table: string, deleted: number): Promise<number | undefined> {
  return (await deletesOf(warehouse, table, deleted, versionsLookedAt))[0];
}

/** Versions that a delete of exactly so many rows made, newest first. @throws WarehouseFailure */
export async function deletesOf(warehouse: WarehouseReader, table: string, deleted: number, limit: number): Promise<number[]> {
  const history = await historyOf(warehouse, table, limit);
  return history
    .filter(({ operation, metrics }) => operation === "DELETE" && Number(metrics.numDeletedRows) === deleted)
    .map(({ version }) => version);
}

/** Delta's parameters and metrics are maps of texts, which reach us as objects or as JSON. */
function mapOf(told: unknown): Record<string, unknown> {
  const known: unknown = typeof told === "string" ? JSON.parse(told) : told;
  return typeof known === "object" && known !== null ? { ...known } : {};
}

/** What Delta says of a version that VACUUM or the log's retention took away. */
export const historyIsGone =
  /DELTA_VERSION_NOT_FOUND|time travel|DELTA_FILE_NOT_FOUND|FILE_NOT_EXIST|_delta_log|no longer (exists|available)|VACUUM/i;
