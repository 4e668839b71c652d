import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findDelta } from "../../scripts/delta.ts";
import { failureOf, isVersionGone, type WarehouseFailure } from "../../src/warehouse/failure.ts";
import { type Spark, SparkError, startSpark } from "./spark.ts";

// What Delta itself says when versions are gone and writers meet, and what the suite understands of it. A version that is gone must
// not look like a mistake in a statement, and a conflict must not look like a failed delete.
let spark: Spark;

beforeAll(async () => {
  const found = findDelta();
  if ("missing" in found) throw new Error(found.missing);
  spark = await startSpark(found);
  await spark.run("CREATE SCHEMA IF NOT EXISTS gone");
}, 300_000);
afterAll(() => spark.stop());

/** As the driver reports it: the message and the state of the operation. */
async function understood(sql: string): Promise<WarehouseFailure> {
  try {
    await spark.run(sql);
  } catch (error) {
    if (!(error instanceof SparkError)) throw error;
    const { message, sqlState } = error.failure;
    return await failureOf({ message, response: { errorMessage: message, ...(sqlState ? { sqlState } : {}) } });
  }
  throw new Error(`it ran: ${sql}`);
}

async function table(name: string): Promise<string> {
  await spark.run(`CREATE TABLE gone.${name} (id STRING, n INT) USING delta`);
  await spark.run(`INSERT INTO gone.${name} SELECT concat('r', id), id FROM range(0, 100, 1, 1)`);
  await spark.run(`DELETE FROM gone.${name} WHERE id IN ('r1', 'r2')`);
  return `gone.${name}`;
}

it("a table that only allows appends", async () => {
  await spark.run("CREATE TABLE gone.appended (id STRING) USING delta TBLPROPERTIES (delta.appendOnly = true)");
  await spark.run("INSERT INTO gone.appended VALUES ('a')");
  expect(await understood("DELETE FROM gone.appended WHERE id IN ('a')")).toMatchObject({ code: "EA3015", kind: "statement" });
});

it("a version whose files VACUUM removed", async () => {
  const name = await table("vacuumed");
  await spark.run(`VACUUM ${name} RETAIN 0 HOURS`);
  const failure = await understood(`SELECT id FROM ${name} VERSION AS OF 1`);
  expect(failure).toMatchObject({ kind: "statement", condition: "FAILED_READ_FILE.FILE_NOT_EXIST" });
  expect(isVersionGone(failure)).toBe(true);
});

it("a version that there never was", async () => {
  const name = await table("young");
  const failure = await understood(`SELECT id FROM ${name} VERSION AS OF 99`);
  expect(failure).toMatchObject({ kind: "statement", condition: "DELTA_VERSION_NOT_FOUND", sqlState: "22003" });
  expect(isVersionGone(failure)).toBe(true);
});

it("a version whose log is gone", async () => {
  const name = await table("forgotten");
  for (let row = 0; row < 10; row++) await spark.run(`INSERT INTO ${name} VALUES ('x${row}', ${row})`);
  const location = String((await spark.run(`DESCRIBE DETAIL ${name}`)).rows[0]?.[4]).replace(/^file:/, "");
  const log = join(location, "_delta_log");
  for (const file of readdirSync(log)) if (/^\.?0{19}[01]\.(?:json|crc)/.test(file)) rmSync(join(log, file));
  expect(isVersionGone(await understood(`SELECT id FROM ${name} VERSION AS OF 0`))).toBe(true);
});

it("a moment before the first version", async () => {
  const name = await table("timed");
  const failure = await understood(`SELECT id FROM ${name} TIMESTAMP AS OF '2001-01-01'`);
  expect(failure.condition).toBe("DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION");
  expect(isVersionGone(failure)).toBe(true);
});

// The gate must not depend on a race.
it("a conflict of two writers", async () => {
  const name = await table("contested");
  const outcomes: WarehouseFailure[] = [];
  for (let attempt = 0; attempt < 20 && outcomes.length === 0; attempt++) {
    const ids = [3, 4].map((id) => `DELETE FROM ${name} WHERE id = 'r${id + attempt * 2}'`);
    const results = await Promise.allSettled(ids.map((sql) => understood(sql)));
    for (const result of results) if (result.status === "fulfilled") outcomes.push(result.value);
  }
  expect(outcomes[0]).toMatchObject({ kind: "conflict", sqlState: "2D521" });
});

it.each([
  ["SELECT * FROM gone.nothing", "TABLE_OR_VIEW_NOT_FOUND"],
  ["SELECT nothing FROM gone.vacuumed", "UNRESOLVED_COLUMN.WITH_SUGGESTION"],
  ["SELECT * FROM (", "PARSE_SYNTAX_ERROR"],
])("a mistake in a statement is no gone version: %s", async (sql, condition) => {
  const failure = await understood(sql);
  expect(failure.kind).toBe("statement");
  expect(failure.condition).toBe(condition);
  expect(isVersionGone(failure)).toBe(false);
});
