import { join } from "node:path";
import { readSchema } from "../../examples/classroom/warehouse/schema.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";

/** What the consumer in `consumer/` lives in: a warehouse with ClassWaves' tables and one production row, and an empty Redis. */
export interface Cloud {
  warehouse: Warehouse;
  redis: RunningRedis;
  variables: Record<string, string>;
  secrets: { DATABRICKS_TOKEN: string; REDIS_URL: string };
  stop(): Promise<void>;
}

/** The only table that has rows before a run, and that may have some after it. */
export const productionTable = "users.schools";

export async function startCloud(): Promise<Cloud> {
  const token = "dapi-consumer-0123456789";
  const [warehouse, redis] = await Promise.all([
    startWarehouse({ principals: { [token]: { user: "tests@example.com", grants: [], admin: true } } }),
    startRedis(),
  ]);
  await warehouse.createTables(await readSchema());
  await warehouse.load(`INSERT INTO classwaves.${productionTable} (id) VALUES ('a-real-school')`);
  return {
    warehouse,
    redis,
    variables: {
      DATABRICKS_HOST: warehouse.host,
      DATABRICKS_WAREHOUSE_ID: warehouse.warehouseId,
      DATABRICKS_CA: warehouse.certificateAuthority,
      NODE_EXTRA_CA_CERTS: warehouse.certificateAuthority,
      MODULES: join(import.meta.dirname, "../../node_modules"),
    },
    secrets: { DATABRICKS_TOKEN: token, REDIS_URL: redis.url },
    async stop() {
      await Promise.all([redis.stop(), warehouse.stop()]);
    },
  };
}

/** The tables that have rows. */
export async function tablesWithRows(warehouse: Warehouse): Promise<string[]> {
  const tables = Object.entries(await warehouse.checksum());
  return tables.filter(([, { rows }]) => Number(rows) > 0).map(([table]) => table);
}
