import { afterAll, beforeAll, expect, it } from "vitest";
import { findDelta } from "../../scripts/delta.ts";
import { Binder, conditionOf, emptySelection, select } from "../../src/cleanup/tables/selection.ts";
import { deleteStatement } from "../../src/warehouse/writes.ts";
import { type Spark, startSpark } from "./spark.ts";
import { sparkCatalog } from "./spark-warehouse.ts";

// Keys of every type: the condition that counts and the one that deletes select exactly the rows with these values, and no row
// that only a collation, a padding or a rounding makes equal.
let spark: Spark;

beforeAll(async () => {
  const found = findDelta();
  if ("missing" in found) throw new Error(found.missing);
  // Delta alone stores collations only without this check; Databricks stores them.
  spark = await startSpark(found, { "spark.databricks.delta.schema.typeCheck.enabled": "false" });
  await spark.run("CREATE SCHEMA IF NOT EXISTS keys");
}, 300_000);
afterAll(() => spark.stop());

it.each<[type: string, rows: string[], values: string[], deleted: number]>([
  ["STRING", ["'a'", "'A'", "'a '", "'b'", "NULL"], ["a"], 1],
  ["STRING", ["'it''s'", "'back\\\\slash'", "'名前'", "concat('$', '{x}')"], ["it's", "back\\slash", "名前", "${x}"], 4],
  ["STRING COLLATE UTF8_LCASE", ["'a'", "'A'", "'b'"], ["a"], 1],
  ["CHAR(5)", ["'a'", "'ab'"], ["a    "], 1],
  ["VARCHAR(5)", ["'a'", "'a '", "'b'"], ["a"], 1],
  ["INT", ["5", "50", "-5"], ["5"], 1],
  ["BIGINT", ["9007199254740993", "9007199254740992"], ["9007199254740993"], 1],
  ["BIGINT", ["5", "7"], ["05", "7", "x"], 1],
  ["DECIMAL(20,4)", ["1.5", "15"], ["1.5000"], 1],
  ["DOUBLE", ["1.5", "1.25"], ["1.5"], 1],
  ["DATE", ["DATE '2026-01-01'", "DATE '2026-01-02'"], ["2026-01-01"], 1],
  ["TIMESTAMP", ["TIMESTAMP '2026-01-01 10:00:00.123456'", "TIMESTAMP '2026-01-01 10:00:00'"], ["2026-01-01 10:00:00.123456"], 1],
  ["TIMESTAMP_NTZ", ["TIMESTAMP_NTZ '2026-01-01 10:00:00'", "TIMESTAMP_NTZ '2026-01-01 11:00:00'"], ["2026-01-01 10:00:00"], 1],
  ["BINARY", ["X'61'", "X'62'"], ["a"], 1],
  ["BOOLEAN", ["true", "false"], ["true"], 1],
])("%s: %j", async (type, rows, values, deleted) => {
  await spark.run("DROP TABLE IF EXISTS keys.t");
  await spark.run(`CREATE TABLE keys.t (id ${type}, n INT) USING delta`);
  await spark.run(`INSERT INTO keys.t VALUES ${rows.map((row, index) => `(${row}, ${index})`).join(", ")}`);
  const described = (await spark.run("DESCRIBE TABLE keys.t")).rows;
  const told = String(described.find(([column]) => column === "id")?.[1]).toUpperCase();
  const selection = emptySelection(new Map([["id", told]]));
  select(selection, "id", values);
  const binder = new Binder();
  const condition = conditionOf(selection, binder);
  const counted = await spark.run(`SELECT count(*) FROM keys.t WHERE ${condition}`, binder.parameters);
  expect(counted.rows[0]?.[0]).toBe(deleted);
  const { statement, parameters } = deleteStatement(sparkCatalog, {
    table: "keys.t",
    columns: [{ column: "id", type: told, values }],
  });
  expect((await spark.run(statement, parameters)).rows[0]?.[0]).toBe(deleted);
  expect((await spark.run("SELECT count(*) FROM keys.t")).rows[0]?.[0]).toBe(rows.length - deleted);
});
