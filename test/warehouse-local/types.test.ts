import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { connect, type TestClient } from "./client.ts";

// What real Spark 4.2 answered to the same statements.
let warehouse: Warehouse;
let client: TestClient;

beforeAll(async () => {
  warehouse = await startWarehouse({ principals: { token: { user: "admin@school.test", grants: [], admin: true } } });
  client = await connect(warehouse, "token", { initialCatalog: "classwaves", initialSchema: "default" });
  await client.rows("CREATE TABLE mp (id STRING, m MAP<STRING, STRING>, v VARIANT, am ARRAY<MAP<STRING, INT>>)");
  await client.rows(`INSERT INTO mp SELECT 'x', map('a', 'b'), parse_json('{ "a" : [1, "q"] }'), array(map('a', 1))`);
});

afterAll(async () => {
  await client.close();
  await warehouse.stop();
});

describe("set operations", () => {
  it.each([
    ["SELECT * FROM mp EXCEPT ALL SELECT * FROM mp", "MAP", 'column `m` is "MAP<STRING, STRING>"'],
    ["SELECT m FROM mp EXCEPT SELECT m FROM mp", "MAP", "`m`"],
    ["SELECT id, v FROM mp INTERSECT SELECT id, v FROM mp", "VARIANT", 'column `v` is "VARIANT"'],
    ["SELECT am FROM mp UNION SELECT am FROM mp", "MAP", 'column `am` is "ARRAY<MAP<STRING, INT>>"'],
    ["SELECT DISTINCT m FROM mp", "MAP", "`m`"],
    ["SELECT DISTINCT v FROM mp", "VARIANT", "`v`"],
    ["SELECT DISTINCT map('a', 1) AS x", "MAP", '`x` is "MAP<STRING, INT>"'],
    ["WITH a AS (SELECT * FROM mp) SELECT count(*) FROM (SELECT * FROM a EXCEPT SELECT * FROM a)", "MAP", "`m`"],
    ["WITH a AS (SELECT m FROM mp) SELECT * FROM (WITH b AS (SELECT * FROM a) SELECT DISTINCT * FROM b)", "MAP", "`m`"],
    ["SELECT 1 AS one WHERE EXISTS (SELECT m FROM mp EXCEPT SELECT m FROM mp)", "MAP", "`m`"],
    ["INSERT INTO mp SELECT * FROM mp VERSION AS OF 1 EXCEPT ALL SELECT * FROM mp", "MAP", "`m`"],
    ["CREATE TABLE copied AS SELECT DISTINCT * FROM mp", "MAP", "`m`"],
    ["DELETE FROM mp WHERE id IN (SELECT id FROM (SELECT DISTINCT id, m FROM mp))", "MAP", "`m`"],
  ])("refuses %s", async (sql, type, message) => {
    expect(await client.failure(sql)).toMatchObject({
      sqlState: "0A000",
      message: expect.stringMatching(
        new RegExp(`\\[UNSUPPORTED_FEATURE.SET_OPERATION_ON_${type}_TYPE\\] .*${message.replace(/[()]/g, "\\$&")}`),
      ),
    });
  });

  it.each([
    ["SELECT m FROM mp UNION ALL SELECT m FROM mp", 2],
    ["SELECT id, count(*) FROM mp GROUP BY id, m", 1],
    ["SELECT m FROM mp GROUP BY m", 1],
    ["SELECT DISTINCT id FROM mp", 1],
    ["SELECT id FROM mp EXCEPT SELECT id FROM mp", 0],
    ["SELECT o.* FROM mp VERSION AS OF 1 AS o WHERE NOT EXISTS (SELECT 1 FROM mp AS n WHERE n.id = o.id)", 0],
  ])("runs %s", async (sql, rows) => {
    expect(await client.rows(sql)).toHaveLength(rows);
  });

  it("refuses to group by a VARIANT", async () => {
    for (const key of ["v", "1", "id, v"])
      expect(await client.failure(`SELECT v FROM mp GROUP BY ${key}`)).toMatchObject({
        sqlState: "42822",
        message: expect.stringContaining('[GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE] The expression "v" cannot be used'),
      });
  });
});

it("to_json leaves out fields that are NULL", async () => {
  expect(
    await client.rows(
      "SELECT to_json(named_struct('a', CAST(NULL AS STRING), 'b', 1, 'c', named_struct('d', NULL, 'e', 'x'))) AS j",
    ),
  ).toEqual([{ j: '{"b":1,"c":{"e":"x"}}' }]);
});

describe("VARIANT", () => {
  it("holds JSON, and is sent as JSON", async () => {
    expect(await client.rows("SELECT v, to_json(v) AS j, CAST(v AS STRING) AS s FROM mp WHERE id = 'x'")).toEqual([
      { v: '{"a":[1,"q"]}', j: '{"a":[1,"q"]}', s: '{"a":[1,"q"]}' },
    ]);
    expect(
      await client.rows("SELECT parse_json(NULL) AS n, try_parse_json('{bad') AS b, CAST(parse_json('\"t\"') AS STRING) AS t"),
    ).toEqual([{ n: null, b: null, t: "t" }]);
    expect((await client.rows("DESCRIBE TABLE mp"))[2]).toMatchObject({ col_name: "v", data_type: "variant" });
    expect(await client.failure("SELECT parse_json('{bad')")).toMatchObject({ sqlState: "22023" });
  });

  it("takes a text as a text, and survives a deletion and its undo", async () => {
    await client.rows("INSERT INTO mp (id, v) VALUES ('q', '{}'), ('none', NULL)");
    const before = await client.rows("SELECT id, v FROM mp ORDER BY id");
    expect(before).toEqual([
      { id: "none", v: null },
      { id: "q", v: '"{}"' },
      { id: "x", v: '{"a":[1,"q"]}' },
    ]);
    await client.rows("DELETE FROM mp");
    await client.rows("INSERT INTO mp BY NAME SELECT * FROM mp VERSION AS OF 2");
    expect(await client.rows("SELECT id, v FROM mp ORDER BY id")).toEqual(before);
  });
});
