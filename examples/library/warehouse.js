import { DBSQLClient } from "@databricks/sql";

/** One session on the SQL warehouse, opened when it is first needed, and anew after a failure. */

const { DATABRICKS_HOST = "", DATABRICKS_TOKEN = "", DATABRICKS_WAREHOUSE_ID = "", DATABRICKS_CATALOG = "library" } = process.env;
// The driver's own logger writes every connection to the console.
const client = new DBSQLClient({ logger: { log: () => undefined } });
let session;

async function open() {
  const [host, port = "443"] = DATABRICKS_HOST.split(":");
  await client.connect({
    host,
    port: Number(port),
    path: `/sql/1.0/warehouses/${DATABRICKS_WAREHOUSE_ID}`,
    token: DATABRICKS_TOKEN,
    telemetryEnabled: false,
  });
  return await client.openSession({ initialCatalog: DATABRICKS_CATALOG });
}

/** Runs one statement, with values for its `:names`. */
export async function query(statement, parameters = {}) {
  session ??= open();
  try {
    const operation = await (await session).executeStatement(statement, {
      namedParameters: parameters,
      useCloudFetch: false,
      useLZ4Compression: false,
    });
    try {
      await operation.finished();
      return await operation.fetchAll();
    } finally {
      await operation.close();
    }
  } catch (error) {
    session = undefined;
    throw error instanceof Error ? error : new Error(`Databricks: ${String(error)}`, { cause: error });
  }
}
