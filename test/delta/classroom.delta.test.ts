import { afterAll, beforeAll, expect, it } from "vitest";
import { readSchema } from "../../examples/classroom/warehouse/schema.ts";
import { seedClassroom } from "../../examples/classroom/warehouse/seed.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { dependencyLevels } from "../../src/cleanup/tables/catalog.ts";
import { executeUndo, planUndo } from "../../src/cleanup/undo/restore-rows.ts";
import { resolveTables } from "../../src/config/classwaves.ts";
import { environmentSchema, type Table } from "../../src/config/schema.ts";
import { testDataSchema } from "../../src/config/test-data-schema.ts";
import { openForTestData, type TestDataWarehouse } from "../../src/warehouse/access.ts";
import { requestFor } from "../cleanup/test-stores.ts";
import { referee } from "./referee.ts";

// All 48 tables of ClassWaves with their real types and production rows: a cleanup and its undo, statement by statement on Delta too.
let local: Warehouse;
let warehouse: TestDataWarehouse;
const signal = new AbortController().signal;
const testData = testDataSchema.parse({});
const tables = resolveTables(testData);
const now = Date.UTC(2026, 5, 1, 12);
const made = now - 6 * 3_600_000;
const prefix = `integration_test_${made}_1a2b3c4d`;

beforeAll(async () => {
  const user = { user: "runner@school.example", grants: [], admin: true };
  local = await startWarehouse({ principals: { token: user }, ...(await referee()) });
  const schema = await readSchema();
  const ours = Object.entries(schema).flatMap(([name, { columns }]) => testRows(name, columns));
  await seedClassroom({
    createTables: (definitions) => local.createTables(definitions),
    load: (sql) => local.load([sql, ...ours].join(";\n")),
  });
  warehouse = await openForTestData(
    {
      ...{ host: local.host, path: local.path, token: "token", catalog: "classwaves", startTimeoutMs: 5_000 },
      certificateAuthority: local.certificateAuthority,
      runId: "0000000000000_00000000",
    },
    { signal },
  );
});
afterAll(async () => {
  await warehouse.close();
  await local.stop();
});

/** Three test rows like those that the table has, in DuckDB's dialect. */
function testRows(name: string, columns: Record<string, string>): string[] {
  const table: Table | undefined = tables[name.split(".").slice(1).join(".")];
  if (!table || table.match.length + Object.keys(table.parents).length === 0) return [];
  const values = new Map<string, string>();
  const mark = (column: string) => {
    if (columns[column] === "string") values.set(column, `'${prefix}_' || i`);
  };
  if (columns[table.key] === "string") values.set(table.key, "'made-by-the-server-' || i");
  for (const rule of table.match) if (rule.prefix) mark(rule.column);
  for (const column of Object.keys(table.parents)) mark(column);
  if (table.time !== undefined && columns[table.time] === "timestamp")
    values.set(table.time, `TIMESTAMPTZ '${new Date(made).toISOString()}'`);
  const list = Object.keys(columns).map((column) =>
    values.has(column) ? `${values.get(column)} AS "${column}"` : `"${column}"`,
  );
  return [`INSERT INTO ${name} SELECT ${list.join(", ")} FROM (SELECT *, row_number() OVER () AS i FROM ${name} LIMIT 3)`];
}

it("a cleanup deletes the test rows of all tables, and undo brings every one back", async () => {
  const environment = environmentSchema.parse({
    access: "test-data",
    databricks: {
      ...{ host: local.host, warehouse: local.warehouseId, token: "token", catalog: "classwaves" },
      expect: { host: local.host, principal: "runner@school.example" },
    },
  });
  const ports = {
    ...{ warehouse, environment, signal },
    onStep: () => undefined,
    onRemaining: () => undefined,
    audit: async () => undefined,
  };
  const before = await local.checksum();
  const request = requestFor(tables, { scope: "expired", now, testData });
  const cleanup = await executeCleanup(await prove(ports), await planCleanup(ports, request));
  expect(cleanup).toMatchObject({ leftOver: 0, problems: [] });
  const changed = Object.entries(await local.checksum()).filter(([table, { hash }]) => before[table]?.hash !== hash);
  expect(changed.length).toBeGreaterThan(35);

  const report = { runId: "0000000000000_00000000", environment: { name: "local", access: "test-data" as const }, cleanup };
  const plan = await planUndo(warehouse, { report, tables, protectedTables: testData.protectedTables });
  const order = new Map(dependencyLevels(tables).flatMap((level, index) => level.map((name) => [name, index] as const)));
  const undone = await executeUndo(ports, plan, order);
  expect(undone.tables.flatMap(({ table, problem }) => (problem ? [`${table}: ${problem}`] : []))).toEqual([]);
  const after = await local.checksum();
  expect(Object.keys(before).filter((table) => before[table]?.hash !== after[table]?.hash)).toEqual([]);
});
