import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ownWarehouse, type TestClient } from "./client.ts";

// What real Spark 4.2 with Delta 4.4 answered to the same statements.
let client: TestClient;
let count = 0;
let table = "";

const own = ownWarehouse();
beforeAll(() => {
  ({ client } = own);
});

beforeEach(async () => {
  table = `t${count++}`;
});

describe("INSERT BY NAME", () => {
  beforeEach(() => client.rows(`CREATE TABLE ${table} (id STRING, a STRING, n INT)`));

  it("matches columns by name, and fills the others with NULL", async () => {
    await client.rows(`INSERT INTO ${table} BY NAME SELECT 1 AS n, 'x' AS ID, 'A' AS a`);
    await client.rows(`INSERT INTO ${table} BY NAME SELECT 'y' AS id`);
    expect(await client.rows(`SELECT * FROM ${table} ORDER BY id`)).toEqual([
      { id: "x", a: "A", n: 1 },
      { id: "y", a: null, n: null },
    ]);
    expect(await client.rows(`INSERT INTO ${table} BY NAME SELECT * FROM ${table} VERSION AS OF 1`)).toMatchObject([
      { num_affected_rows: 1n },
    ]);
    await client.rows(`INSERT OVERWRITE ${table} BY NAME SELECT 'o' AS id`);
    expect(await client.rows(`SELECT * FROM ${table}`)).toEqual([{ id: "o", a: null, n: null }]);
  });

  it("puts values back into their columns after these were moved", async () => {
    await client.rows(`INSERT INTO ${table} VALUES ('x', 'A', 1), ('y', 'B', 2)`);
    await client.rows(`DELETE FROM ${table} WHERE id = 'x'`);
    await client.rows(`ALTER TABLE ${table} ALTER COLUMN a FIRST`);
    await client.rows(`ALTER TABLE ${table} ADD COLUMN extra STRING FIRST`);
    await client.rows(`INSERT INTO ${table} BY NAME SELECT \`id\`, \`a\`, \`n\` FROM ${table} VERSION AS OF 1 WHERE id IN ('x')`);
    expect(await client.rows(`SELECT * FROM ${table} WHERE id = 'x'`)).toEqual([{ extra: null, a: "A", id: "x", n: 1 }]);
  });

  it.each([
    ["SELECT 'y' AS id, 1 AS zz", "42KDG", "DELTA_METADATA_MISMATCH"],
    ["VALUES ('y')", "42KDG", "DELTA_METADATA_MISMATCH"],
    ["SELECT 'y' AS id, 1 AS zz, 2 AS n, 3 AS a", "21S01", "INSERT_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS"],
    ["SELECT 'y' AS id, 'z' AS id", "42711", "DELTA_DUPLICATE_COLUMNS_FOUND.READ_SCHEMA"],
    ["SELECT 'y' AS id, 'many' AS n", "22018", "CAST_INVALID_INPUT"],
    ["(id) SELECT 'y' AS id", "42601", "PARSE_SYNTAX_ERROR"],
  ])("refuses %s", async (query, sqlState, errorClass) => {
    const failure = await client.failure(`INSERT INTO ${table} BY NAME ${query}`);
    expect(failure).toMatchObject({ sqlState, message: expect.stringContaining(`[${errorClass}]`) });
    expect(await client.rows(`DESCRIBE HISTORY ${table}`)).toHaveLength(1);
  });
});

it("refuses an INSERT without a column that is NOT NULL", async () => {
  await client.rows(`CREATE TABLE ${table} (id STRING NOT NULL, a STRING)`);
  for (const statement of [`INSERT INTO ${table} (a) VALUES ('x')`, `INSERT INTO ${table} BY NAME SELECT 'x' AS a`])
    expect(await client.failure(statement)).toMatchObject({
      sqlState: "42802",
      message: expect.stringContaining("[DELTA_INSERT_COLUMN_MISMATCH] Column id is not specified in INSERT"),
    });
});
