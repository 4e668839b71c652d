import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Warehouse } from "../../local/warehouse/index.ts";
import { connect, ownWarehouse, type TestClient } from "./client.ts";

let warehouse: Warehouse;
let client: TestClient;
let count = 0;
let table = "";
let view = "";

const own = ownWarehouse({
  reader: {
    user: "reader@school.test",
    grants: [
      { privilege: "USE CATALOG", on: "classwaves" },
      { privilege: "USE SCHEMA", on: "classwaves.default" },
      { privilege: "SELECT", on: "classwaves.default.shared" },
    ],
  },
});
beforeAll(() => {
  ({ warehouse, client } = own);
});

beforeEach(async () => {
  table = `t${count++}`;
  view = `v${table}`;
  await client.rows(`CREATE TABLE ${table} (id STRING, n INT)`);
  await client.rows(`INSERT INTO ${table} VALUES ('a', 1), ('b', 2), ('c', 3)`);
});

describe("views", () => {
  it("show the rows of their query, and are listed as views", async () => {
    await client.rows(`CREATE VIEW ${view} COMMENT 'big' AS SELECT id, n FROM ${table} WHERE n > 1`);
    expect(await client.rows(`SELECT * FROM ${view} ORDER BY id`)).toEqual([
      { id: "b", n: 2 },
      { id: "c", n: 3 },
    ]);
    await client.rows(`ALTER TABLE ${table} ADD COLUMN z INT FIRST`);
    await client.rows(`INSERT INTO ${table} VALUES (0, 'd', 4)`);
    expect(await client.rows(`SELECT x.id FROM ${view} AS x WHERE x.n = 4`)).toEqual([{ id: "d" }]);
    expect(
      await client.rows(
        `SELECT table_type, is_insertable_into FROM information_schema.tables WHERE table_name IN ('${table}', '${view}') ORDER BY 1`,
      ),
    ).toEqual([
      { table_type: "MANAGED", is_insertable_into: "YES" },
      { table_type: "VIEW", is_insertable_into: "NO" },
    ]);
    expect(await client.rows(`SELECT view_definition FROM information_schema.views WHERE table_name = '${view}'`)).toEqual([
      { view_definition: `SELECT id, n FROM ${table} WHERE n > 1` },
    ]);
    expect(await client.rows(`SHOW VIEWS LIKE '${view}'`)).toEqual([
      { namespace: "default", viewName: view, isTemporary: false },
    ]);
    expect(await client.rows(`DESCRIBE TABLE ${view}`)).toMatchObject([{ col_name: "id" }, { col_name: "n", data_type: "int" }]);
    expect(Object.keys(await warehouse.checksum())).not.toContain(`default.${view}`);
  });

  it("are replaced, named by columns, and dropped", async () => {
    await client.rows(`CREATE VIEW ${view} AS SELECT 1 AS a`);
    await client.rows(`CREATE VIEW IF NOT EXISTS ${view} AS SELECT 2 AS b`);
    expect((await client.failure(`CREATE VIEW ${view} AS SELECT 2 AS b`)).sqlState).toBe("42P07");
    await client.rows(`CREATE OR REPLACE VIEW ${view} (q) AS SELECT n FROM ${table} WHERE id = 'a'`);
    expect(await client.rows(`SELECT * FROM ${view}`)).toEqual([{ q: 1 }]);
    expect(await client.failure(`CREATE OR REPLACE VIEW ${view} AS SELECT q FROM ${view}`)).toMatchObject({ sqlState: "42K0H" });
    expect(await client.rows(`SELECT * FROM ${view}`)).toEqual([{ q: 1 }]);
    expect((await client.failure(`DROP VIEW ${table}`)).sqlState).toBe("42809");
    await client.rows(`DROP VIEW ${view}`);
    await client.rows(`DROP VIEW IF EXISTS ${view}`);
    expect((await client.failure(`SELECT * FROM ${view}`)).sqlState).toBe("42P01");
  });

  it("cannot be changed, and have no history", async () => {
    await client.rows(`CREATE VIEW ${view} AS SELECT id, n FROM ${table}`);
    for (const statement of [
      `INSERT INTO ${view} VALUES ('x', 1)`,
      `DELETE FROM ${view} WHERE id = 'a'`,
      `UPDATE ${view} SET n = 1`,
      `TRUNCATE TABLE ${view}`,
      `ALTER TABLE ${view} ADD COLUMN x INT`,
      `DESCRIBE HISTORY ${view}`,
      `SELECT * FROM ${view} VERSION AS OF 0`,
      `RESTORE TABLE ${view} TO VERSION AS OF 0`,
      `CREATE OR REPLACE TABLE ${view} (a INT)`,
    ])
      expect(await client.failure(statement)).toMatchObject({
        sqlState: "42809",
        message: expect.stringContaining("[EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE]"),
      });
    expect(await client.rows(`SELECT count(*) AS n FROM ${view}`)).toEqual([{ n: 3n }]);
  });

  it("can be read by who may not read their tables, with the names of where they were made", async () => {
    await client.rows(`CREATE VIEW shared AS SELECT id FROM ${table} WHERE n = 1`);
    const reader = await connect(warehouse, "reader", { initialCatalog: "classwaves", initialSchema: "information_schema" });
    expect(await reader.rows("SELECT * FROM classwaves.default.shared")).toEqual([{ id: "a" }]);
    expect((await reader.failure(`SELECT * FROM classwaves.default.${table}`)).sqlState).toBe("42501");
    await reader.close();
  });
});

describe("copies", () => {
  it("LIKE: the definition without the rows", async () => {
    await client.rows(
      `CREATE TABLE ${table}d (id STRING NOT NULL, n INT) TBLPROPERTIES ('delta.constraints.pos' = 'n > 0', 'my.p' = '1')`,
    );
    await client.rows(`INSERT INTO ${table}d VALUES ('a', 1)`);
    await client.rows(`CREATE TABLE ${table}l LIKE ${table}d`);
    expect(await client.rows(`SELECT * FROM ${table}l`)).toEqual([]);
    expect(await client.rows(`SHOW TBLPROPERTIES ${table}l`)).toHaveLength(2);
    expect((await client.failure(`INSERT INTO ${table}l VALUES ('a', 0)`)).sqlState).toBe("23001");
    expect(await client.rows(`DESCRIBE HISTORY ${table}l`)).toMatchObject([{ version: 0n, operation: "CREATE TABLE" }]);
  });

  it("CLONE: definition and rows of a version, and a history of its own", async () => {
    await client.rows(`DELETE FROM ${table} WHERE id = 'a'`);
    await client.rows(`ALTER TABLE ${table} ADD COLUMN z INT`);
    expect(await client.rows(`CREATE TABLE ${table}s SHALLOW CLONE ${table} VERSION AS OF 1`)).toMatchObject([
      { source_num_of_files: 1n, num_copied_files: 0n },
    ]);
    await client.rows(`CREATE TABLE ${table}c CLONE ${table}`);
    expect(await client.rows(`SELECT * FROM ${table}s WHERE id = 'a'`)).toEqual([{ id: "a", n: 1 }]);
    expect(await client.rows(`SELECT * FROM ${table}c WHERE id = 'b'`)).toEqual([{ id: "b", n: 2, z: null }]);
    expect(await client.rows(`DESCRIBE HISTORY ${table}s`)).toMatchObject([
      {
        version: 0n,
        operation: "CLONE",
        operationParameters: { source: `classwaves.default.${table}`, sourceVersion: "1", isShallow: "true" },
      },
    ]);
    await client.rows(`DELETE FROM ${table}c`);
    expect(await client.rows(`SELECT count(*) AS n FROM ${table}`)).toEqual([{ n: 2n }]);
    expect((await client.failure(`CREATE TABLE ${table}c DEEP CLONE ${table}`)).sqlState).toBe("42P07");
    await client.rows(`CREATE OR REPLACE TABLE ${table}c DEEP CLONE ${table}`);
    expect(await client.rows(`SELECT count(*) AS n FROM ${table}c`)).toEqual([{ n: 2n }]);
  });
});

it("DESCRIBE TABLE EXTENDED … AS JSON", async () => {
  await client.rows(`CREATE TABLE ${table}j (id STRING NOT NULL COMMENT 'key', d DECIMAL(5,2), m MAP<STRING, ARRAY<INT>>)`);
  const [{ json_metadata: json = "" } = {}] = await client.rows(`DESCRIBE TABLE EXTENDED ${table}j AS JSON`);
  expect(JSON.parse(String(json))).toMatchObject({
    table_name: `${table}j`,
    catalog_name: "classwaves",
    schema_name: "default",
    type: "MANAGED",
    provider: "delta",
    columns: [
      { name: "id", type: { name: "string" }, nullable: false, comment: "key" },
      { name: "d", type: { name: "decimal", precision: 5, scale: 2 }, nullable: true },
      {
        name: "m",
        type: { name: "map", key_type: { name: "string" }, value_type: { name: "array", element_type: { name: "int" } } },
      },
    ],
  });
  expect(await client.failure(`DESCRIBE TABLE ${table}j AS JSON`)).toMatchObject({
    sqlState: "0A000",
    message: expect.stringContaining("[DESCRIBE_JSON_NOT_EXTENDED]"),
  });
});
