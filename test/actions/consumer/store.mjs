import { DBSQLClient } from "@databricks/sql";
import { Redis } from "ioredis";

const { ENV_ACTIONS_PREFIX: prefix, DATABRICKS_HOST, DATABRICKS_TOKEN, DATABRICKS_WAREHOUSE_ID, REDIS_URL } = process.env;

/** Stores a session under the run's prefix, and reads it back. @returns how many rows it became. */
export async function storeSession(name) {
  const [host, port] = DATABRICKS_HOST.split(":");
  const client = new DBSQLClient();
  await client.connect({
    host,
    port: Number(port),
    path: `/sql/1.0/warehouses/${DATABRICKS_WAREHOUSE_ID}`,
    token: DATABRICKS_TOKEN,
  });
  const session = await client.openSession({ initialCatalog: "classwaves" });
  const run = async (sql) => {
    const operation = await session.executeStatement(sql, { namedParameters: { id: `${prefix}_${name}` } });
    const rows = await operation.fetchAll();
    await operation.close();
    return rows;
  };
  await run("INSERT INTO sessions.classroom_sessions (id, title) VALUES (:id, 'Fractions')");
  const rows = await run("SELECT title FROM sessions.classroom_sessions WHERE id = :id");
  await session.close();
  await client.close();
  return rows.length;
}

/** Caches a value under the run's prefix. @returns what is then in the cache. */
export async function cache(name, value) {
  const redis = new Redis(REDIS_URL);
  await redis.set(`cw:test:${prefix}_${name}`, value, "EX", 600);
  const cached = await redis.get(`cw:test:${prefix}_${name}`);
  redis.disconnect();
  return cached;
}
