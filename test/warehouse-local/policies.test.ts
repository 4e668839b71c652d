import { afterAll, beforeAll, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { connect, type TestClient } from "./client.ts";

let warehouse: Warehouse;
let client: TestClient;
let reader: TestClient;

beforeAll(async () => {
  warehouse = await startWarehouse({
    principals: {
      token: { user: "admin@school.test", groups: ["staff"], grants: [], admin: true },
      reader: {
        user: "reader@school.test",
        grants: [
          { privilege: "USE CATALOG", on: "classwaves" },
          { privilege: "USE SCHEMA", on: "classwaves" },
          { privilege: "SELECT", on: "classwaves" },
          { privilege: "MODIFY", on: "classwaves" },
        ],
      },
    },
  });
  const place = { initialCatalog: "classwaves", initialSchema: "default" };
  client = await connect(warehouse, "token", place);
  reader = await connect(warehouse, "reader", place);
  await client.rows("CREATE TABLE pupils (id STRING, email STRING, school STRING)");
  await client.rows("INSERT INTO pupils VALUES ('a', 'a@x.test', 'x'), ('b', 'b@y.test', 'y'), ('c', 'c@x.test', 'x')");
  await client.rows("CREATE FUNCTION only_x(id STRING) RETURNS BOOLEAN RETURN is_account_group_member('staff') OR id = 'x'");
  await client.rows(
    "CREATE FUNCTION hidden(value STRING, school STRING) RETURNS STRING RETURN CASE WHEN is_account_group_member('staff') THEN value ELSE concat(school, ':***') END",
  );
});

afterAll(async () => {
  await Promise.all([client.close(), reader.close()]);
  await warehouse.stop();
});

it("a row filter hides rows, also from DELETE, and is listed", async () => {
  expect((await reader.failure("ALTER TABLE pupils SET ROW FILTER only_x ON (school)")).sqlState).toBe("42501");
  await client.rows("ALTER TABLE pupils SET ROW FILTER only_x ON (school)");
  expect(await client.rows("SELECT count(*) AS n FROM pupils")).toEqual([{ n: 3n }]);
  expect(await reader.rows("SELECT id FROM pupils ORDER BY id")).toEqual([{ id: "a" }, { id: "c" }]);
  expect(await reader.rows("SELECT p.id FROM pupils AS p WHERE p.school = 'y'")).toEqual([]);
  expect(await reader.rows("DELETE FROM pupils WHERE id IN ('b', 'c')")).toEqual([{ num_affected_rows: 1n }]);
  expect(await client.rows("SELECT id FROM pupils ORDER BY id")).toEqual([{ id: "a" }, { id: "b" }]);
  expect(await client.rows("SELECT * FROM information_schema.row_filters")).toEqual([
    {
      catalog_name: "classwaves",
      schema_name: "default",
      table_name: "pupils",
      filter_catalog: "classwaves",
      filter_schema: "default",
      filter_name: "only_x",
      filter_col_usage: "school",
    },
  ]);
});

it("a column mask changes what is read, and both are in DESCRIBE … AS JSON", async () => {
  await client.rows("ALTER TABLE pupils ALTER COLUMN email SET MASK hidden USING COLUMNS (school)");
  expect(await client.rows("SELECT email FROM pupils WHERE id = 'a'")).toEqual([{ email: "a@x.test" }]);
  expect(await reader.rows("SELECT * FROM pupils")).toEqual([{ id: "a", email: "x:***", school: "x" }]);
  expect(await reader.rows("SELECT id FROM pupils WHERE email = 'a@x.test'")).toEqual([]);
  const [{ json_metadata: json = "" } = {}] = await client.rows("DESCRIBE TABLE EXTENDED pupils AS JSON");
  const place = { catalog_name: "classwaves", schema_name: "default" };
  expect(JSON.parse(String(json))).toMatchObject({
    row_filter: { function_name: { ...place, function_name: "only_x" }, column_names: ["school"] },
    column_masks: [
      { column_name: "email", function_name: { ...place, function_name: "hidden" }, using_column_names: ["school"] },
    ],
  });
  expect(await client.rows("SELECT column_name, mask_name, mask_col_usage FROM information_schema.column_masks")).toEqual([
    { column_name: "email", mask_name: "hidden", mask_col_usage: "school" },
  ]);
});

it("refuses what Databricks refuses with them, and what is not emulated", async () => {
  for (const [statement, errorClass] of [
    ["SELECT * FROM pupils VERSION AS OF 1", "ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED.TIME_TRAVEL"],
    ["DESCRIBE HISTORY pupils", "ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED.DESCRIBE_HISTORY"],
    ["CREATE TABLE copied CLONE pupils", "ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED.CLONE"],
    ["CREATE TABLE copied SHALLOW CLONE pupils", "ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED.CLONE"],
    ["DELETE FROM pupils WHERE email = 'a@x.test'", "UNSUPPORTED_FEATURE.LOCAL_WAREHOUSE"],
    ["ALTER TABLE pupils ALTER COLUMN email TYPE STRING", "UNSUPPORTED_FEATURE.LOCAL_WAREHOUSE"],
    [
      "MERGE INTO pupils USING (SELECT 'a' AS k) s ON pupils.id = s.k WHEN MATCHED THEN DELETE",
      "UNSUPPORTED_FEATURE.LOCAL_WAREHOUSE",
    ],
  ] as const)
    expect(await client.failure(statement)).toMatchObject({
      sqlState: "0A000",
      message: expect.stringContaining(`[${errorClass}]`),
    });
  for (const [statement, sqlState] of [
    ["ALTER TABLE pupils SET ROW FILTER nothing ON (school)", "42883"],
    ["ALTER TABLE pupils SET ROW FILTER only_x ON (nothing)", "42703"],
    ["ALTER TABLE pupils SET ROW FILTER only_x ON (id, school)", "42605"],
    ["CREATE FUNCTION only_x(id STRING) RETURNS BOOLEAN RETURN true", "42723"],
    ["SELECT only_x('x')", "0A000"],
  ] as const)
    expect(await client.failure(statement)).toMatchObject({ sqlState });
});

it("names the policy that stands in the way", async () => {
  await client.rows("CREATE TABLE filtered AS SELECT 'x' AS school");
  await client.rows("CREATE TABLE masked AS SELECT 'a' AS email, 'x' AS school");
  await client.rows("ALTER TABLE filtered SET ROW FILTER only_x ON (school)");
  await client.rows("ALTER TABLE masked ALTER COLUMN email SET MASK hidden USING COLUMNS (school)");
  for (const [table, errorClass] of [
    ["filtered", "ROW_LEVEL_SECURITY_FEATURE_NOT_SUPPORTED.TIME_TRAVEL"],
    ["masked", "COLUMN_MASKS_FEATURE_NOT_SUPPORTED.TIME_TRAVEL"],
  ]) {
    expect((await client.failure(`SELECT * FROM ${table} VERSION AS OF 0`)).message).toContain(`[${errorClass}]`);
    expect(await client.rows(`DESCRIBE HISTORY ${table}`)).toHaveLength(1);
  }
  await client.rows("CREATE TABLE checked (school STRING, CONSTRAINT some CHECK (school <> ''))");
  expect((await client.failure("ALTER TABLE checked SET ROW FILTER only_x ON (school)")).message).toContain(
    "[ROW_LEVEL_SECURITY_FEATURE_NOT_SUPPORTED.CHECK_CONSTRAINT]",
  );
  await client.rows("DROP TABLE masked");
});

it("drops both, and then history and time travel are back", async () => {
  await client.rows("ALTER TABLE pupils DROP ROW FILTER");
  await client.rows("ALTER TABLE pupils ALTER COLUMN email DROP MASK");
  await client.rows("DROP FUNCTION hidden");
  await client.rows("DROP FUNCTION IF EXISTS hidden");
  expect(await reader.rows("SELECT count(*) AS n FROM pupils VERSION AS OF 1")).toEqual([{ n: 3n }]);
  expect((await client.rows("DESCRIBE HISTORY pupils")).map(({ operation }) => operation)).toEqual([
    "DELETE",
    "WRITE",
    "CREATE TABLE",
  ]);
});
