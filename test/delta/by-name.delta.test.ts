import { afterAll, beforeAll, expect, it } from "vitest";
import { findDelta } from "../../scripts/delta.ts";
import { restoreStatement } from "../../src/warehouse/writes.ts";
import { type Spark, startSpark } from "./spark.ts";
import { sparkCatalog } from "./spark-warehouse.ts";

// Why undo inserts by name: Delta inserts `SELECT *` by position, so after a change of the columns, values come back in the wrong
// ones, and nothing fails. Undo's own statement is held against that one.
let spark: Spark;

beforeAll(async () => {
  const found = findDelta();
  if ("missing" in found) throw new Error(found.missing);
  spark = await startSpark(found);
  await spark.run("CREATE SCHEMA IF NOT EXISTS names");
}, 300_000);
afterAll(() => spark.stop());

const properties = "TBLPROPERTIES (delta.columnMapping.mode = 'name')";

it.each<[change: string, statements: string[], byPosition: (string | null)[], before: Record<string, string | undefined>]>([
  ["moved", ["ALTER COLUMN given AFTER family"], ["Doe", "Ann"], { given: "given", family: "family" }],
  [
    "dropped, and another added",
    ["DROP COLUMN given", "ADD COLUMN town STRING"],
    // In the order family, town.
    ["Ann", "Doe"],
    { family: "family", town: undefined },
  ],
])("a column was %s: by position values are swapped, by name they are right", async (_change, statements, byPosition, before) => {
  const table = "names.people";
  const then = { id: "r1", given: "Ann", family: "Doe" };
  const columns = ["id", ...Object.keys(before)];
  const start = async () => {
    await spark.run(`DROP TABLE IF EXISTS ${table}`);
    await spark.run(`CREATE TABLE ${table} (id STRING, given STRING, family STRING) USING delta ${properties}`);
    await spark.run(`INSERT INTO ${table} VALUES ('r1', 'Ann', 'Doe'), ('r2', 'Bob', 'Roe')`);
    await spark.run(`DELETE FROM ${table} WHERE id IN ('r1')`);
    for (const statement of statements) await spark.run(`ALTER TABLE ${table} ${statement}`);
  };
  const restored = async () => (await spark.run(`SELECT ${columns.join(", ")} FROM ${table} WHERE id = 'r1'`)).rows[0];

  await start();
  await spark.run(`INSERT INTO ${table} SELECT * FROM ${table} VERSION AS OF 1 WHERE id IN ('r1')`);
  expect(await restored()).toEqual(["r1", ...byPosition]);

  await start();
  const statement = restoreStatement(sparkCatalog, {
    table,
    version: 1,
    key: "id",
    nameless: false,
    byKey: true,
    ofSomeTime: false,
    conditionNow: "`id` IN ('r1')",
    condition: "`id` IN ('r1')",
    parameters: {},
    columns: [
      { name: "id", before: "id", type: "STRING" },
      ...Object.entries(before).map(([name, was]) => ({ name, before: was, type: "STRING" })),
    ],
  });
  await spark.run(statement);
  const value = (was: string | undefined) => (was === undefined ? null : then[was as keyof typeof then]);
  expect(await restored()).toEqual(["r1", ...Object.values(before).map(value)]);
});
