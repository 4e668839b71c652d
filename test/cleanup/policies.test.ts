import { afterAll, beforeAll, expect, it } from "vitest";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { executeUndo, planUndo } from "../../src/cleanup/undo/restore-rows.ts";
import type { Table } from "../../src/config/schema.ts";
import { type Catalog, requestFor, runId, startTestStores, type TestStores, table } from "./test-stores.ts";

// Row filters and column masks show a principal less than a table has. What is hidden must not count as gone.
let stores: TestStores;
let count = 0;

beforeAll(async () => {
  stores = await startTestStores();
});
afterAll(() => stores.stop());

const mine = `integration_test_${runId}`;
const tables: Record<string, Table> = {
  "school.lessons": table({ match: [{ column: "title", prefix: true }] }),
  "school.notes": table({ parents: { lesson_id: { partOf: "school.lessons" } } }),
};

async function open(...statements: string[]): Promise<Catalog> {
  const school = await stores.catalog(`policies${count++}`, {
    "school.lessons": { columns: { id: "string", title: "string", email: "string" } },
    "school.notes": { columns: { id: "string", lesson_id: "string" } },
  });
  await school.insert("school.lessons", [
    { id: "one", title: `${mine} maths`, email: "a@x.example" },
    { id: "hidden", title: `${mine} art`, email: "b@y.example" },
    { id: "real", title: "Maths", email: "c@x.example" },
  ]);
  await school.insert("school.notes", [{ id: "note", lesson_id: "one" }]);
  const sql = (text: string) => school.run(() => text.replaceAll("$", school.name), "school.lessons");
  await sql("CREATE FUNCTION $.school.shown(id STRING) RETURNS BOOLEAN RETURN id <> 'hidden'");
  await sql("CREATE FUNCTION $.school.masked(value STRING) RETURNS STRING RETURN '***'");
  for (const statement of statements) await sql(statement);
  return school;
}

async function cleanUp(school: Catalog) {
  const ports = school.ports();
  return await executeCleanup(await prove(ports), await planCleanup(ports, requestFor(tables)));
}

it("a table with a row filter may have more test data than is seen: what is left is unknown", async () => {
  const school = await open("ALTER TABLE $.school.lessons SET ROW FILTER $.school.shown ON (id)");
  const result = await cleanUp(school);
  expect(result).toMatchObject({ leftOver: null, deletedRows: 0 });
  expect(result.problems).toEqual([expect.stringMatching(/school\.lessons could not be read: it has a row filter/)]);
  await school.close();
});

it("a mask on a column that is compared makes its rows unknown", async () => {
  const school = await open("ALTER TABLE $.school.lessons ALTER COLUMN title SET MASK $.school.masked");
  const result = await cleanUp(school);
  expect(result).toMatchObject({ leftOver: null, deletedRows: 0 });
  expect(result.problems).toEqual([expect.stringMatching(/its column title has a mask/)]);
  await school.close();
});

it("undo does not restore rows through a mask: it would write what the mask shows", async () => {
  const school = await open();
  const cleanup = await cleanUp(school);
  expect(cleanup).toMatchObject({ deletedRows: 3, leftOver: 0 });
  await school.run(
    () => `ALTER TABLE ${school.name}.school.lessons ALTER COLUMN email SET MASK ${school.name}.school.masked`,
    "school.lessons",
  );
  const report = { runId, environment: { name: "sandbox", access: "test-data" as const }, cleanup };
  const plan = await planUndo(school.warehouse, { report, tables, protectedTables: [] });
  const { environment } = school.ports();
  const undone = await executeUndo(
    { warehouse: school.warehouse, environment, audit: async () => undefined },
    plan,
    new Map([
      ["school.lessons", 0],
      ["school.notes", 1],
    ]),
  );
  expect(undone.tables.find((one) => one.table === "school.lessons")).toMatchObject({
    restorable: 0,
    problem: expect.stringContaining("a row filter or a mask"),
  });
  expect(undone.tables.find((one) => one.table === "school.notes")).toMatchObject({ restored: 1 });
  await school.close();
});
