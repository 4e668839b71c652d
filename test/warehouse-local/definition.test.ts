import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Warehouse } from "../../local/warehouse/index.ts";
import { ownWarehouse, type TestClient } from "./client.ts";

// What real Spark 4.2 with Delta 4.4 answered to the same statements.
let warehouse: Warehouse;
let client: TestClient;
let count = 0;
let table = "";

const own = ownWarehouse();
beforeAll(() => {
  ({ warehouse, client } = own);
});

beforeEach(() => {
  table = `t${count++}`;
});

const allowed = "TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')";

describe("DEFAULT", () => {
  it("fills columns without a value, and DEFAULT in VALUES and SET", async () => {
    await client.rows(
      `CREATE TABLE ${table} (id STRING, n INT DEFAULT 7, x STRING DEFAULT 'q' COMMENT 'hi') USING DELTA ${allowed}`,
    );
    await client.rows(`INSERT INTO ${table} (id) VALUES ('a')`);
    await client.rows(`INSERT INTO ${table} VALUES ('b', DEFAULT, default)`);
    await client.rows(`INSERT INTO ${table} BY NAME SELECT 'c' AS id`);
    await client.rows(`INSERT INTO ${table} BY NAME SELECT 'd' AS id, NULL AS n`);
    expect(await client.rows(`SELECT * FROM ${table} ORDER BY id`)).toEqual([
      { id: "a", n: 7, x: "q" },
      { id: "b", n: 7, x: "q" },
      { id: "c", n: 7, x: "q" },
      { id: "d", n: null, x: "q" },
    ]);
    expect(await client.rows(`UPDATE ${table} SET n = DEFAULT WHERE id = 'd'`)).toEqual([{ num_affected_rows: 1n }]);
    expect(await client.rows(`SELECT n FROM ${table} WHERE id = 'd'`)).toEqual([{ n: 7 }]);
    expect(
      await client.rows(
        `SELECT column_name, column_default FROM information_schema.columns WHERE table_name = '${table}' ORDER BY ordinal_position`,
      ),
    ).toEqual([
      { column_name: "id", column_default: null },
      { column_name: "n", column_default: "7" },
      { column_name: "x", column_default: "'q'" },
    ]);
  });

  it("is set and dropped by ALTER for later rows", async () => {
    await client.rows(`CREATE TABLE ${table} (id STRING) ${allowed}`);
    await client.rows(`INSERT INTO ${table} VALUES ('a')`);
    expect(await client.failure(`ALTER TABLE ${table} ADD COLUMN k INT DEFAULT 3`)).toMatchObject({
      sqlState: "0AKDC",
      message: expect.stringContaining("[WRONG_COLUMN_DEFAULTS_FOR_DELTA_ALTER_TABLE_ADD_COLUMN_NOT_SUPPORTED]"),
    });
    await client.rows(`ALTER TABLE ${table} ADD COLUMN k INT`);
    await client.rows(`ALTER TABLE ${table} ALTER COLUMN k SET DEFAULT 3`);
    expect((await client.rows(`DESCRIBE HISTORY ${table} LIMIT 1`))[0]).toMatchObject({
      operation: "CHANGE COLUMN",
      operationParameters: { column: '{"name":"k","type":"integer","nullable":true,"metadata":{"CURRENT_DEFAULT":"3"}}' },
    });
    await client.rows(`INSERT INTO ${table} (id) VALUES ('b')`);
    await client.rows(`ALTER TABLE ${table} ALTER COLUMN k DROP DEFAULT`);
    await client.rows(`INSERT INTO ${table} (id) VALUES ('c')`);
    expect(await client.rows(`SELECT * FROM ${table} ORDER BY id`)).toEqual([
      { id: "a", k: null },
      { id: "b", k: 3 },
      { id: "c", k: null },
    ]);
  });
});

describe("GENERATED ALWAYS AS", () => {
  beforeEach(() => client.rows(`CREATE TABLE ${table} (ts TIMESTAMP, d DATE GENERATED ALWAYS AS (CAST(ts AS DATE)), id STRING)`));

  it("computes the value, and refuses one that differs", async () => {
    await client.rows(`INSERT INTO ${table} (ts, id) VALUES (TIMESTAMP '2026-01-02 03:00:00', 'a')`);
    await client.rows(`INSERT INTO ${table} VALUES (TIMESTAMP '2026-01-02 03:00:00', DATE '2026-01-02', 'b')`);
    await client.rows(`INSERT INTO ${table} BY NAME SELECT 'c' AS id`);
    for (const values of ["DATE '2026-01-03'", "NULL"])
      expect(await client.failure(`INSERT INTO ${table} VALUES (TIMESTAMP '2026-01-02 03:00:00', ${values}, 'x')`)).toMatchObject(
        {
          sqlState: "23001",
          message: expect.stringContaining(
            "[DELTA_VIOLATE_CONSTRAINT_WITH_VALUES] CHECK constraint Generated Column (d <=> CAST(ts AS DATE)) violated by row with values:\n - d : ",
          ),
        },
      );
    expect((await client.failure(`INSERT INTO ${table} (d, id) VALUES (DATE '2026-01-02', 'x')`)).sqlState).toBe("23001");
    expect((await client.failure(`UPDATE ${table} SET d = DATE '2000-01-01'`)).sqlState).toBe("23001");
    expect(await client.rows(`SELECT CAST(d AS STRING) AS d, id FROM ${table} ORDER BY id`)).toEqual([
      { d: "2026-01-02", id: "a" },
      { d: "2026-01-02", id: "b" },
      { d: null, id: "c" },
    ]);
    await client.rows(`UPDATE ${table} SET ts = TIMESTAMP '2026-05-05 00:00:00' WHERE id <> 'a'`);
    expect(await client.rows(`SELECT CAST(d AS STRING) AS d FROM ${table} ORDER BY id`)).toEqual([
      { d: "2026-01-02" },
      { d: "2026-05-05" },
      { d: "2026-05-05" },
    ]);
  });

  it("protects the columns that it uses", async () => {
    await client.rows(`ALTER TABLE ${table} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')`);
    for (const action of ["DROP COLUMN ts", "RENAME COLUMN ts TO q"])
      expect(await client.failure(`ALTER TABLE ${table} ${action}`)).toMatchObject({
        sqlState: "42K09",
        message: expect.stringContaining("[DELTA_GENERATED_COLUMNS_DEPENDENT_COLUMN_CHANGE]"),
      });
    await client.rows(`ALTER TABLE ${table} DROP COLUMN d`);
  });
});

describe("IDENTITY", () => {
  const create = (mode: string): Promise<unknown> =>
    client.rows(`CREATE TABLE ${table} (n BIGINT GENERATED ${mode} AS IDENTITY (START WITH 10 INCREMENT BY 5), id STRING)`);

  it("ALWAYS: numbers the rows, and takes no values, so that an undo is refused", async () => {
    await create("ALWAYS");
    await client.rows(`INSERT INTO ${table} (id) VALUES ('a'), ('b')`);
    await client.rows(`DELETE FROM ${table} WHERE id = 'a'`);
    for (const insert of [
      `VALUES (99, 'c')`,
      `VALUES (DEFAULT, 'c')`,
      `(n, id) VALUES (100, 'd')`,
      `BY NAME SELECT 7 AS n, 'e' AS id`,
      `SELECT * FROM ${table} VERSION AS OF 1 WHERE id IN ('a')`,
    ])
      expect(await client.failure(`INSERT INTO ${table} ${insert}`)).toMatchObject({
        sqlState: "42808",
        message: expect.stringContaining(
          "[DELTA_IDENTITY_COLUMNS_EXPLICIT_INSERT_NOT_SUPPORTED] Providing values for GENERATED ALWAYS AS IDENTITY column n is not supported.",
        ),
      });
    expect(await client.failure(`UPDATE ${table} SET n = 5`)).toMatchObject({ sqlState: "42808" });
    await client.rows(`INSERT INTO ${table} BY NAME SELECT 'f' AS id`);
    expect(await client.rows(`SELECT * FROM ${table} ORDER BY n`)).toEqual([
      { n: 15n, id: "b" },
      { n: 20n, id: "f" },
    ]);
  });

  it("BY DEFAULT: takes values", async () => {
    await create("BY DEFAULT");
    await client.rows(`INSERT INTO ${table} (id) VALUES ('a'), ('b')`);
    await client.rows(`INSERT INTO ${table} VALUES (99, 'c')`);
    await client.rows(`INSERT INTO ${table} (id) VALUES ('d')`);
    expect(await client.rows(`SELECT * FROM ${table} ORDER BY n`)).toEqual([
      { n: 10n, id: "a" },
      { n: 15n, id: "b" },
      { n: 20n, id: "d" },
      { n: 99n, id: "c" },
    ]);
  });
});

it("keeps CHECK constraints of CREATE TABLE", async () => {
  await client.rows(`CREATE TABLE ${table} (id STRING, n INT, CONSTRAINT pos CHECK (n > 0))`);
  await client.rows(`CREATE TABLE ${table}p (id STRING, n INT) TBLPROPERTIES ('delta.constraints.pos' = 'n > 0')`);
  for (const name of [table, `${table}p`]) {
    expect(await client.failure(`INSERT INTO ${name} VALUES ('a', 0)`)).toMatchObject({
      sqlState: "23001",
      message: expect.stringContaining("CHECK constraint pos (n > 0) violated by row with values:\n - n : 0"),
    });
    expect(await client.rows(`SHOW TBLPROPERTIES ${name}`)).toEqual([{ key: "delta.constraints.pos", value: "n > 0" }]);
  }
});

it("takes the same in createTables", async () => {
  await warehouse.createTables({
    "classwaves.made.all": {
      columns: {
        id: { type: "string", nullable: false },
        n: { type: "bigint", identity: { always: true, startWith: 5 } },
        level: { type: "int", default: "1", comment: "how far" },
        twice: { type: "int", generatedAs: "level * 2" },
        note: "string",
      },
      constraints: { low: "level < 10" },
      properties: { "delta.columnMapping.mode": "name" },
    },
  });
  await client.rows("INSERT INTO made.all (id) VALUES ('a')");
  await client.rows("INSERT INTO made.all (id, level) VALUES ('b', 4)");
  expect(await client.rows("SELECT * FROM made.all ORDER BY id")).toEqual([
    { id: "a", n: 5n, level: 1, twice: 2, note: null },
    { id: "b", n: 6n, level: 4, twice: 8, note: null },
  ]);
  expect((await client.failure("INSERT INTO made.all (id, level) VALUES ('c', 40)")).sqlState).toBe("23001");
  await client.rows("ALTER TABLE made.all DROP COLUMN note");
});

it.each([
  ["a INT, b INT DEFAULT a + 1", "42623", "INVALID_DEFAULT_VALUE.NOT_CONSTANT"],
  ["a INT, b STRING GENERATED ALWAYS AS (uuid())", "42621", "UNSUPPORTED_EXPRESSION_GENERATED_COLUMN"],
  ["a INT, b INT GENERATED ALWAYS AS (zz + 1)", "42703", "UNRESOLVED_COLUMN.WITH_SUGGESTION"],
  [
    "a INT, b INT GENERATED ALWAYS AS (a + 1), c INT GENERATED ALWAYS AS (b + 1)",
    "42621",
    "UNSUPPORTED_EXPRESSION_GENERATED_COLUMN",
  ],
  ["n INT GENERATED ALWAYS AS IDENTITY", "428H2", "DELTA_IDENTITY_COLUMNS_UNSUPPORTED_DATA_TYPE"],
  ["n BIGINT GENERATED ALWAYS AS IDENTITY DEFAULT 3", "42623", "IDENTITY_COLUMN_WITH_DEFAULT_VALUE"],
  ["n BIGINT GENERATED ALWAYS AS IDENTITY (INCREMENT BY 0)", "42611", "IDENTITY_COLUMNS_ILLEGAL_STEP"],
])("refuses CREATE TABLE (%s)", async (columns, sqlState, errorClass) => {
  const failure = await client.failure(`CREATE TABLE refused (${columns}) ${allowed}`);
  expect(failure).toMatchObject({ sqlState, message: expect.stringContaining(`[${errorClass}]`) });
});

it("refuses DEFAULT without the table's feature", async () => {
  expect(await client.failure("CREATE TABLE refused (a INT DEFAULT 1)")).toMatchObject({
    sqlState: "0AKDE",
    message: expect.stringContaining("[WRONG_COLUMN_DEFAULTS_FOR_DELTA_FEATURE_NOT_ENABLED]"),
  });
});
