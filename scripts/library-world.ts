import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Checksum, startWarehouse, type Warehouse } from "../local/warehouse/index.ts";

/** The environment of `examples/library`: a warehouse with its three tables, with rows of real people, and the variables for it. */
export interface LibraryWorld {
  warehouse: Warehouse;
  env: Record<string, string>;
  /** What must be the same before and after. */
  fingerprint(): Promise<Record<string, Checksum>>;
  stop(): Promise<void>;
}

const schemaFile = new URL("../examples/library/db/schema.sql", import.meta.url);
const catalog = "library";

export async function startLibraryWorld(): Promise<LibraryWorld> {
  const token = `dapi-${randomBytes(16).toString("hex")}`;
  const grants = (["USE CATALOG", "USE SCHEMA", "SELECT", "MODIFY"] as const).map((privilege) => ({ privilege, on: catalog }));
  const warehouse = await startWarehouse({ catalog, principals: { [token]: { user: "tests@library.example", grants } } });
  await warehouse.createTables(await tablesOf(schemaFile));
  await warehouse.load(realRows());
  return {
    warehouse,
    env: {
      NODE_EXTRA_CA_CERTS: warehouse.certificateAuthority,
      DATABRICKS_HOST: warehouse.host,
      DATABRICKS_WAREHOUSE_ID: warehouse.warehouseId,
      DATABRICKS_CATALOG: catalog,
      DATABRICKS_TOKEN: token,
    },
    fingerprint: () => warehouse.checksum(),
    stop: () => warehouse.stop(),
  };
}

/** The example's own SQL, so that its tables are described once. */
async function tablesOf(file: URL): Promise<Record<string, { columns: Record<string, string> }>> {
  const text = await readFile(file, "utf8");
  const tables = [...text.matchAll(/CREATE TABLE IF NOT EXISTS (\w+\.\w+) \(\n([\s\S]*?)\n\);/g)];
  return Object.fromEntries(
    tables.map(([, name = "", body = ""]) => {
      const columns = body.split("\n").map((line) => /^\s*(\w+) (\w+)/.exec(line) ?? []);
      return [`${catalog}.${name}`, { columns: Object.fromEntries(columns.map(([, column = "", type = ""]) => [column, type])) }];
    }),
  );
}

/** People's rows, of which some only look like test data. */
function realRows(): string {
  const long = "TIMESTAMP '2024-03-01 10:00:00'";
  return `
INSERT INTO ${catalog}.stock.books
  SELECT 'book-' || i, 'Volume ' || i, 'Author ' || (i % 7), 1 + i % 3, ${long} FROM range(60) numbers(i);
INSERT INTO ${catalog}.stock.books VALUES
  ('book-a', 'libraryXtest_1', 'Somebody', 1, ${long}),
  ('book-b', 'Library_Test_ and other stories', 'Somebody', 1, ${long}),
  ('book-c', 'A history of library_test_ prefixes', 'Somebody', 1, now());
INSERT INTO ${catalog}.people.members
  SELECT 'member-' || i, 'Member ' || i, 'member' || i || '@library.example', ${long} FROM range(40) numbers(i);
INSERT INTO ${catalog}.lending.loans
  SELECT 'loan-' || i, 'book-' || (i % 60), 'member-' || (i % 40), ${long}, NULL FROM range(100) numbers(i)`;
}
