import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findDelta } from "../../scripts/delta.ts";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { parseLedger } from "../../src/cleanup/ledger/ledger.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { environmentSchema, type Table } from "../../src/config/schema.ts";
import { tableSchema, testDataSchema } from "../../src/config/test-data-schema.ts";
import { type Spark, startSpark } from "./spark.ts";
import { sparkCatalog, sparkWarehouse } from "./spark-warehouse.ts";

// Writers that meet on one table: Delta refuses one of them and commits nothing of it. The count must stay right, nothing may be
// lost, and nothing that was as planned may be called otherwise.
let spark: Spark;
const started = 1_780_000_000_000;
/** All kinds together: a hundred times. */
const times = Number(process.env.TIMES ?? 17);
let schemas = 0;

beforeAll(async () => {
  const found = findDelta();
  if ("missing" in found) throw new Error(found.missing);
  spark = await startSpark(found);
}, 300_000);
afterAll(() => spark.stop());

const runOf = (index: number) => `${started + index}_0000000${index}`;
const rowsOf = (run: string, rows: number) =>
  `SELECT concat('integration_test_${run}_', id) AS id, 'x' AS title FROM range(0, ${rows})`;

const environment = environmentSchema.parse({
  access: "test-data",
  databricks: { host: "spark", warehouse: "w", token: "t", catalog: sparkCatalog, expect: { host: "spark", principal: "spark" } },
});

async function cleanUp(table: string, runId: string) {
  const tables: Record<string, Table> = { [table]: tableSchema.parse({ match: [{ column: "id", prefix: true }] }) };
  const ports = {
    warehouse: sparkWarehouse(spark, [table]),
    environment,
    signal: new AbortController().signal,
    onStep: () => undefined,
    onRemaining: () => undefined,
    audit: async () => undefined,
  };
  const plan = await planCleanup(ports, {
    scope: "run",
    runId,
    runStarted: Number(runId.split("_")[0]),
    testData: testDataSchema.parse({ prefixes: ["integration_test_"], preset: "none" }),
    tables,
    ledger: parseLedger(""),
    now: started + 600_000,
  });
  return await executeCleanup(await prove(ports), plan);
}

/** One file with the rows of two runs and real rows, so that writers meet. */
async function made(properties: string): Promise<string> {
  const schema = `c${schemas++}`;
  await spark.run(`CREATE SCHEMA ${schema}`);
  const rows = [rowsOf(runOf(1), 40), rowsOf(runOf(2), 30), "SELECT concat('real-', id) AS id, 'x' AS title FROM range(0, 100)"];
  await spark.run(
    `CREATE TABLE ${schema}.lessons USING delta ${properties} AS SELECT /*+ COALESCE(1) */ * FROM (${rows.join(" UNION ALL ")})`,
  );
  return `${schema}.lessons`;
}

async function left(table: string): Promise<{ test: number; real: number }> {
  const { rows } = await spark.run(
    `SELECT count_if(startswith(id, 'integration_test_')), count_if(startswith(id, 'real-')) FROM ${table}`,
  );
  return { test: Number(rows[0]?.[0]), real: Number(rows[0]?.[1]) };
}

describe.each([
  ["files that are rewritten", ""],
  ["deletion vectors", "TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')"],
])("with %s", (_, properties) => {
  it.each(Array.from({ length: times }, (_, index) => index + 1))("two cleanups, time %i", async () => {
    const table = await made(properties);
    const results = await Promise.all([cleanUp(table, runOf(1)), cleanUp(table, runOf(2))]);
    expect(results.map(({ deletedRows, leftOver, problems }) => ({ deletedRows, leftOver, problems }))).toEqual([
      { deletedRows: 40, leftOver: 0, problems: [] },
      { deletedRows: 30, leftOver: 0, problems: [] },
    ]);
    expect(results.flatMap(({ tables }) => tables.flatMap(({ problem }) => problem ?? []))).toEqual([]);
    expect(await left(table)).toEqual({ test: 0, real: 100 });
  });

  it.each(Array.from({ length: times }, (_, index) => index + 1))(
    "a cleanup and an application that writes, time %i",
    async () => {
      const table = await made(properties);
      const writes = async () => {
        for (let row = 0; row < 5; row++) await spark.run(`INSERT INTO ${table} VALUES ('real-late-${row}', 'x')`);
      };
      const [result] = await Promise.all([cleanUp(table, runOf(1)), writes()]);
      expect(result).toMatchObject({ deletedRows: 40, leftOver: 0, problems: [] });
      expect(result.tables.flatMap(({ problem }) => problem ?? [])).toEqual([]);
      expect(await left(table)).toEqual({ test: 30, real: 105 });
    },
  );

  it.each(Array.from({ length: times }, (_, index) => index + 1))("a cleanup and OPTIMIZE, time %i", async () => {
    const table = await made(properties);
    await spark.run(`INSERT INTO ${table} VALUES ('real-more', 'x')`);
    // OPTIMIZE may be the one that is refused; its user repeats it.
    const optimized = spark.run(`OPTIMIZE ${table}`).catch(() => undefined);
    const [result] = await Promise.all([cleanUp(table, runOf(1)), optimized]);
    expect(result).toMatchObject({ deletedRows: 40, leftOver: 0, problems: [] });
    expect(result.tables.flatMap(({ problem }) => problem ?? [])).toEqual([]);
    expect(await left(table)).toEqual({ test: 30, real: 101 });
  });
});
