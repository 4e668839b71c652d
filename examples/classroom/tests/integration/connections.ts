import { Redis } from "ioredis";
import { afterAll } from "vitest";
import { DatabricksConnection, type Parameters } from "../../backend/data/databricks.ts";
import { readSettings } from "../../backend/settings.ts";

const settings = readSettings(process.env);

export interface WarehouseUnderTest {
  catalog: string;
  query: DatabricksConnection["query"];
  /** @param table `schema.table` */
  insert(table: string, row: Parameters): Promise<void>;
  /** How many rows of `schema.table` have this value in this column. */
  count(table: string, column: string, value: string): Promise<number>;
}

/** Connects directly to the backend's warehouse. Closed when the test file ends. */
export function connectWarehouse(): WarehouseUnderTest {
  const warehouse = settings.warehouse;
  if (!warehouse) throw new Error("the integration tests need DATABRICKS_HOST, DATABRICKS_TOKEN and DATABRICKS_WAREHOUSE_ID");
  const connection = new DatabricksConnection(warehouse);
  afterAll(() => connection.close());
  const { catalog } = warehouse;
  return {
    catalog,
    query: (statement, parameters) => connection.query(statement, parameters),
    async insert(table, row) {
      const columns = Object.keys(row);
      const values = columns.map((column) => `:${column}`).join(", ");
      await connection.query(`INSERT INTO ${catalog}.${table} (${columns.join(", ")}) VALUES (${values})`, row);
    },
    async count(table, column, value) {
      const [row] = await connection.query(`SELECT count(*) AS n FROM ${catalog}.${table} WHERE ${column} = :value`, { value });
      return Number(row?.n);
    },
  };
}

/** Connects directly to the backend's Redis. Closed when the test file ends. */
export function connectRedis(): Redis {
  const redis = new Redis(settings.redisUrl, { maxRetriesPerRequest: 1 });
  afterAll(() => redis.disconnect());
  return redis;
}
