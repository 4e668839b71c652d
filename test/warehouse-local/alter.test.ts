import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { connect, type Row, schema, type TestClient } from "./client.ts";

// What real Spark 4.2 with Delta 4.4 answered to the same statements.
let warehouse: Warehouse;
let client: TestClient;
let count = 0;
let table = "";

beforeAll(async () => {
  warehouse = await startWarehouse({
    principals: {
      token: { user: "admin@school.test", grants: [], admin: true },
      reader: {
        user: "reader@school.test",
        grants: [
          { privilege: "USE CATALOG", on: "classwaves" },
          { privilege: "USE SCHEMA", on: "classwaves" },
          { privilege: "SELECT", on: "classwaves" },
        ],
      },
    },
  });
  await warehouse.createTables(schema);
  client = await connect(warehouse, "token");
});

afterAll(async () => {
  await client.close();
  await warehouse.stop();
});

beforeEach(async () => {
  table = `t${count++}`;
  await client.rows(
    `CREATE TABLE ${table} (id STRING, a STRING, n INT, d DECIMAL(5,2)) USING DELTA TBLPROPERTIES ('delta.columnMapping.mode' = 'name')`,
  );
  await client.rows(`INSERT INTO ${table} VALUES ('x', 'A', 1, 1.5), ('y', 'B', 2, 2.5)`);
});

const alter = (action: string): Promise<Row[]> => client.rows(`ALTER TABLE ${table} ${action}`);
const refused = (action: string): Promise<{ sqlState: string; message: string }> =>
  client.failure(`ALTER TABLE ${table} ${action}`);
const names = async (version?: number): Promise<string[]> =>
  Object.keys((await client.rows(`SELECT * FROM ${table}${version === undefined ? "" : ` VERSION AS OF ${version}`}`))[0] ?? {});
const last = async (): Promise<Row | undefined> => (await client.rows(`DESCRIBE HISTORY ${table} LIMIT 1`))[0];

describe("ALTER TABLE", () => {
  it("adds columns, at the end, first or after another, and leaves older versions as they were", async () => {
    await alter("ADD COLUMN e STRING COMMENT 'hi'");
    expect(await last()).toMatchObject({
      version: 2n,
      operation: "ADD COLUMNS",
      operationParameters: { columns: '[{"column":{"name":"e","type":"string","nullable":true,"metadata":{"comment":"hi"}}}]' },
    });
    await alter("ADD COLUMNS (g INT FIRST, h BIGINT AFTER a)");
    expect((await last())?.operationParameters).toEqual({
      columns:
        '[{"column":{"name":"g","type":"integer","nullable":true,"metadata":{}},"position":"FIRST"},{"column":{"name":"h","type":"long","nullable":true,"metadata":{}},"position":"AFTER a"}]',
    });
    expect(await names()).toEqual(["g", "id", "a", "h", "n", "d", "e"]);
    expect(await names(2)).toEqual(["id", "a", "n", "d", "e"]);
    expect(await client.rows(`SELECT * FROM ${table} VERSION AS OF 1 ORDER BY id`)).toEqual([
      { id: "x", a: "A", n: 1, d: "1.50" },
      { id: "y", a: "B", n: 2, d: "2.50" },
    ]);
    expect(await client.rows(`SELECT * FROM ${table} VERSION AS OF 0`)).toEqual([]);
    expect(await client.rows(`SELECT * FROM ${table} WHERE id = 'x'`)).toEqual([
      { g: null, id: "x", a: "A", h: null, n: 1, d: "1.50", e: null },
    ]);
  });

  it("treats a dropped column and a new one of its name as two", async () => {
    await client.rows(`DELETE FROM ${table} WHERE id = 'x'`);
    await alter("DROP COLUMN a");
    expect(await last()).toMatchObject({ operation: "DROP COLUMNS", operationParameters: { columns: '["a"]' } });
    await alter("ADD COLUMN a INT");
    await client.rows(`INSERT INTO ${table} (id, a) VALUES ('z', 7)`);
    expect(await client.rows(`SELECT id, a FROM ${table} ORDER BY id`)).toEqual([
      { id: "y", a: null },
      { id: "z", a: 7 },
    ]);
    expect(await client.rows(`SELECT id, a FROM ${table} VERSION AS OF 1 ORDER BY id`)).toEqual([
      { id: "x", a: "A" },
      { id: "y", a: "B" },
    ]);
    expect(await client.rows(`SELECT id, a FROM ${table} VERSION AS OF 2`)).toEqual([{ id: "y", a: "B" }]);
    expect(await names(3)).toEqual(["id", "n", "d"]);
    expect(await client.rows(`SELECT id, a FROM ${table} VERSION AS OF 4`)).toEqual([{ id: "y", a: null }]);
  });

  it("renames and moves columns", async () => {
    await alter("RENAME COLUMN a TO b");
    expect(await last()).toMatchObject({
      operation: "RENAME COLUMN",
      operationParameters: { oldColumnPath: "a", newColumnPath: "b" },
    });
    await alter("ALTER COLUMN b AFTER n");
    expect(await last()).toMatchObject({
      operation: "CHANGE COLUMN",
      operationParameters: { column: '{"name":"b","type":"string","nullable":true,"metadata":{}}', position: "AFTER n" },
    });
    await alter("ALTER COLUMN d FIRST");
    expect([await names(1), await names(2), await names(3), await names()]).toEqual([
      ["id", "a", "n", "d"],
      ["id", "b", "n", "d"],
      ["id", "n", "b", "d"],
      ["d", "id", "n", "b"],
    ]);
    // By position, values would go into the wrong columns: this is what Delta does.
    await client.rows(`INSERT INTO ${table} (id, n, b) SELECT id, n, a FROM ${table} VERSION AS OF 1`);
    expect(await client.rows(`SELECT count(DISTINCT b) AS n FROM ${table}`)).toEqual([{ n: 2n }]);
  });

  it("widens types, if the table allows it, and nothing else", async () => {
    expect(await refused("ALTER COLUMN n TYPE BIGINT")).toMatchObject({
      sqlState: "0AKDC",
      message: expect.stringContaining(
        "[DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP] ALTER TABLE CHANGE COLUMN is not supported for changing column n from INT to BIGINT",
      ),
    });
    await alter("SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true')");
    await alter("ALTER COLUMN n TYPE BIGINT");
    await alter("ALTER COLUMN d TYPE DECIMAL(10,4)");
    expect(await client.rows(`SELECT n, d FROM ${table} WHERE id = 'x'`)).toEqual([{ n: 1n, d: "1.5000" }]);
    expect(await client.rows(`SELECT n FROM ${table} VERSION AS OF 1 WHERE id = 'x'`)).toEqual([{ n: 1 }]);
    expect((await client.rows(`DESCRIBE TABLE ${table}`)).map((row) => row.data_type)).toEqual([
      "string",
      "string",
      "bigint",
      "decimal(10,4)",
    ]);
    for (const change of ["n TYPE STRING", "n TYPE DOUBLE"])
      expect(await refused(`ALTER COLUMN ${change}`)).toMatchObject({ sqlState: "0AKDC" });
    for (const change of ["n TYPE INT", "d TYPE DECIMAL(4,1)", "d TYPE DECIMAL(10,6)", "a TYPE INT"])
      expect(await refused(`ALTER COLUMN ${change}`)).toMatchObject({
        sqlState: "0A000",
        message: expect.stringContaining("[NOT_SUPPORTED_CHANGE_COLUMN]"),
      });
  });

  it("keeps and shows properties", async () => {
    await alter("SET TBLPROPERTIES ('my.p' = '1', other = 'x')");
    expect(await last()).toMatchObject({
      operation: "SET TBLPROPERTIES",
      operationParameters: { properties: '{"my.p":"1","other":"x"}' },
    });
    await alter("UNSET TBLPROPERTIES IF EXISTS ('other', 'nothing')");
    expect(await client.rows(`SHOW TBLPROPERTIES ${table}`)).toEqual([
      { key: "delta.columnMapping.mode", value: "name" },
      { key: "my.p", value: "1" },
    ]);
    expect(await client.rows(`DESCRIBE DETAIL ${table}`)).toMatchObject([
      { properties: { "delta.columnMapping.mode": "name", "my.p": "1" } },
    ]);
    expect(await client.rows(`DESCRIBE EXTENDED ${table}`)).toContainEqual({
      col_name: "Table Properties",
      data_type: "[delta.columnMapping.mode=name,my.p=1]",
      comment: "",
    });
    expect(await refused("SET TBLPROPERTIES ('delta.nonsense' = '2')")).toMatchObject({ sqlState: "F0000" });
  });

  it("adds a CHECK that all rows keep, and holds every write to it", async () => {
    expect(await refused("ADD CONSTRAINT big CHECK (n > 1)")).toMatchObject({
      sqlState: "23512",
      message: expect.stringContaining(
        `[DELTA_NEW_CHECK_CONSTRAINT_VIOLATION] 1 rows in classwaves.sessions.${table} violate the new CHECK constraint (n > 1)`,
      ),
    });
    await alter("ADD CONSTRAINT short CHECK (length(a) < 3)");
    expect(await last()).toMatchObject({
      operation: "ADD CONSTRAINT",
      operationParameters: { name: "short", expr: "length ( a ) < 3" },
    });
    const before = await warehouse.checksum();
    for (const [statement, value] of [
      [`INSERT INTO ${table} (id, a) VALUES ('p', 'ok'), ('q', 'long')`, "long"],
      [`INSERT INTO ${table} (id) VALUES ('p')`, "null"],
      [`UPDATE ${table} SET a = 'longer' WHERE id = 'x'`, "longer"],
      [`INSERT OVERWRITE ${table} (id, a) VALUES ('p', 'long')`, "long"],
    ] as const)
      expect(await client.failure(statement)).toMatchObject({
        sqlState: "23001",
        message: expect.stringContaining(
          `[DELTA_VIOLATE_CONSTRAINT_WITH_VALUES] CHECK constraint short (length ( a ) < 3) violated by row with values:\n - a : ${value}`,
        ),
      });
    expect(await warehouse.checksum()).toEqual(before);
    expect(await refused("ADD CONSTRAINT short CHECK (n < 9)")).toMatchObject({ sqlState: "42710" });
    expect(await refused("DROP COLUMN a")).toMatchObject({ sqlState: "42K09" });
    expect(await refused("RENAME COLUMN a TO b")).toMatchObject({ sqlState: "42K09" });
    await alter("DROP CONSTRAINT short");
    expect(await last()).toMatchObject({
      operation: "DROP CONSTRAINT",
      operationParameters: { name: "short", expr: "length ( a ) < 3", existed: "true" },
    });
    expect(await refused("DROP CONSTRAINT short")).toMatchObject({ sqlState: "42704" });
    await alter("DROP CONSTRAINT IF EXISTS short");
    await client.rows(`INSERT INTO ${table} (id) VALUES ('p')`);
  });

  it("sets and drops NOT NULL", async () => {
    await alter("ALTER COLUMN id SET NOT NULL");
    expect(await client.failure(`INSERT INTO ${table} VALUES (NULL, 'A', 1, 1)`)).toMatchObject({
      sqlState: "23502",
      message: expect.stringContaining("[DELTA_NOT_NULL_CONSTRAINT_VIOLATED] NOT NULL constraint violated for column: id."),
    });
    await alter("ALTER COLUMN id DROP NOT NULL");
    await client.rows(`INSERT INTO ${table} VALUES (NULL, 'A', 1, 1)`);
    expect(await refused("ALTER COLUMN id SET NOT NULL")).toMatchObject({ sqlState: "23512" });
    expect(await last()).toMatchObject({ version: 4n, operation: "WRITE" });
  });

  it("refuses what Delta refuses", async () => {
    await client.rows("CREATE TABLE IF NOT EXISTS plain (id STRING, a STRING)");
    for (const [statement, sqlState, errorClass] of [
      ["ALTER TABLE plain DROP COLUMN a", "0AKDC", "DELTA_UNSUPPORTED_DROP_COLUMN"],
      ["ALTER TABLE plain RENAME COLUMN a TO b", "0AKDC", "DELTA_UNSUPPORTED_RENAME_COLUMN"],
      ["ALTER TABLE nowhere ADD COLUMN a INT", "42P01", "TABLE_OR_VIEW_NOT_FOUND"],
      [`ALTER TABLE ${table} ADD COLUMN N INT`, "42710", "FIELD_ALREADY_EXISTS"],
      [`ALTER TABLE ${table} RENAME COLUMN n TO ID`, "42710", "FIELD_ALREADY_EXISTS"],
      [`ALTER TABLE ${table} ADD COLUMN z INT AFTER nothing`, "42704", "FIELD_NOT_FOUND"],
      [`ALTER TABLE ${table} ADD COLUMN z INT NOT NULL`, "0AKDC", "DELTA_OPERATION_NOT_ALLOWED"],
      [`ALTER TABLE ${table} DROP COLUMN nothing`, "42703", "UNRESOLVED_COLUMN"],
      [`ALTER TABLE ${table} ALTER COLUMN nothing FIRST`, "42703", "UNRESOLVED_COLUMN"],
      [`ALTER TABLE ${table} DROP COLUMNS (id, a, n, d)`, "0AKDC", "DELTA_DROP_COLUMN_ON_SINGLE_FIELD_SCHEMA"],
      [`ALTER TABLE ${table} SET LOCATION 'other'`, "0A000", "UNSUPPORTED_FEATURE"],
    ] as const)
      expect(await client.failure(statement)).toMatchObject({ sqlState, message: expect.stringContaining(`[${errorClass}`) });
    await alter("DROP COLUMN IF EXISTS nothing");
    expect(await last()).toMatchObject({ version: 1n });
  });

  it("takes MODIFY", async () => {
    const reader = await connect(warehouse, "reader");
    expect(await reader.failure(`ALTER TABLE ${table} ADD COLUMN z INT`)).toMatchObject({ sqlState: "42501" });
    await reader.close();
  });

  it("restores a version from before an ALTER with its columns", async () => {
    await alter("DROP COLUMN a");
    await client.rows(`UPDATE ${table} SET n = 9`);
    await client.rows(`RESTORE TABLE ${table} TO VERSION AS OF 1`);
    expect(await client.rows(`SELECT * FROM ${table} WHERE id = 'x'`)).toEqual([{ id: "x", a: "A", n: 1, d: "1.50" }]);
    expect(await client.rows(`SELECT * FROM ${table} VERSION AS OF 3 WHERE id = 'x'`)).toEqual([{ id: "x", n: 9, d: "1.50" }]);
    await client.rows(`DROP TABLE ${table}`);
    await client.rows(`CREATE TABLE ${table} (id STRING)`);
    expect(await client.rows(`DESCRIBE HISTORY ${table}`)).toHaveLength(1);
  });

  it("adds and comments columns of types with others in them", async () => {
    await alter("ADD COLUMN m MAP<STRING, INT>");
    await alter("ADD COLUMN s STRUCT<a: ARRAY<BIGINT>> AFTER id");
    await alter("ALTER COLUMN m COMMENT 'settings'");
    expect(JSON.stringify((await last())?.operationParameters)).toContain("valueContainsNull");
    expect(await client.rows(`SELECT s, m FROM ${table} WHERE id = 'x'`)).toEqual([{ s: null, m: null }]);
  });
});
