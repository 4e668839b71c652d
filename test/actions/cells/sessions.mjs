import { DBSQLClient } from "@databricks/sql";
import { Redis } from "ioredis";

const { DATABRICKS_HOST, DATABRICKS_TOKEN, DATABRICKS_WAREHOUSE_ID, REDIS_URL } = process.env;
const [host, port] = DATABRICKS_HOST.split(":");
const client = new DBSQLClient();
await client.connect({
  host,
  port: Number(port),
  path: `/sql/1.0/warehouses/${DATABRICKS_WAREHOUSE_ID}`,
  token: DATABRICKS_TOKEN,
});
const session = await client.openSession({ initialCatalog: "classwaves" });
const redis = new Redis(REDIS_URL);

async function run(sql, namedParameters) {
  const operation = await session.executeStatement(sql, { namedParameters });
  const rows = await operation.fetchAll();
  await operation.close();
  return rows;
}

export async function insertSession(id) {
  await run("INSERT INTO sessions.classroom_sessions (id, title, created_at) VALUES (:id, 'Fractions', current_timestamp())", {
    id,
  });
}

export async function countRows([a, b]) {
  return (await run("SELECT id FROM sessions.classroom_sessions WHERE id IN (:a, :b)", { a, b })).length;
}

export async function cacheKey(key) {
  await redis.set(key, "42", "EX", 600);
}

export async function readKey(key) {
  return await redis.get(key);
}

export async function closeStore() {
  await session.close();
  await client.close();
  redis.disconnect();
}
