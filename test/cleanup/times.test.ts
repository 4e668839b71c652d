import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { TableDefinition } from "../../local/warehouse/index.ts";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { judgeCleanup } from "../../src/cleanup/execute/verdict.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { executeUndo, planUndo } from "../../src/cleanup/undo/restore-rows.ts";
import type { Table } from "../../src/config/schema.ts";
import type { CleanupResult } from "../../src/model/test-data.ts";
import type { TestDataWarehouse } from "../../src/warehouse/access.ts";
import { type Catalog, requestFor, runId, runStarted, startTestStores, type TestStores, table } from "./test-stores.ts";

// Rows are counted, deleted and looked for again within the times that were read with them. Whatever times rows have, and whoever
// changes them meanwhile: no real row goes, nothing that stays is called gone, and undo restores what was deleted.
let stores: TestStores;
let school: Catalog;
let count = 0;

const minute = 60_000;
const mine = `integration_test_${runId}`;
const iso = (time: number) => new Date(time).toISOString();
const during = iso(runStarted + 6 * minute);
const longAgo = "2024-03-01T00:00:00.000Z";
const lessons = "sessions.lessons";
const notes = "sessions.notes";
const tables: Record<string, Table> = {
  [lessons]: table({ match: [{ column: "title", prefix: true }], time: "made" }),
  [notes]: table({ parents: { lesson_id: { partOf: lessons } }, time: "made" }),
};
const byId = { ...tables, [lessons]: table({ match: [{ column: "id", prefix: true }], time: "made" }) };
const definitions: Record<string, TableDefinition> = {
  [lessons]: { columns: { id: "string", title: "string", made: "timestamp" } },
  [notes]: { columns: { id: "string", lesson_id: "string", made: "timestamp" } },
};

beforeAll(async () => {
  stores = await startTestStores();
});
afterAll(() => stores.stop());
afterEach(() => school.close());

type Rows = Record<string, string | null>[];

async function open(rows: Record<string, Rows>): Promise<void> {
  school = await stores.catalog(`times${count++}`, definitions);
  for (const [name, list] of Object.entries(rows)) if (list.length > 0) await school.insert(name, list);
}

/** @param meanwhile between the search and the first delete */
async function cleanUp(meanwhile?: () => Promise<void>, declared = tables): Promise<CleanupResult> {
  let first = true;
  const warehouse: TestDataWarehouse = {
    ...school.warehouse,
    async deleteRows(deletion) {
      if (first) await meanwhile?.();
      first = false;
      return await school.warehouse.deleteRows(deletion);
    },
  };
  const ports = school.ports({ warehouse });
  return await executeCleanup(await prove(ports), await planCleanup(ports, requestFor(declared)));
}

async function undo(cleanup: CleanupResult) {
  const report = { runId, environment: { name: "sandbox", access: "test-data" as const }, cleanup };
  const plan = await planUndo(school.warehouse, { report, tables, protectedTables: [] });
  const { environment } = school.ports();
  return await executeUndo({ warehouse: school.warehouse, environment, audit: async () => undefined }, plan, new Map());
}

const all = async (name: string) => (await school.rows(name)).map((row) => JSON.stringify(row)).sort();
const ids = async (name: string) => (await school.rows(name)).map((row) => String(row.id)).sort();

describe("a real row has the key of a test row, from another time", () => {
  const two = [
    { id: "lesson-1", title: "Maths", made: longAgo },
    { id: "lesson-1", title: `${mine} maths`, made: during },
  ];

  it("what depends on the key may be the real row's, and stays", async () => {
    await open({ [lessons]: two, [notes]: [{ id: "real", lesson_id: "lesson-1", made: during }] });
    const result = await cleanUp();
    expect(await ids(notes)).toEqual(["real"]);
    expect(await ids(lessons)).toEqual(["lesson-1", "lesson-1"]);
    expect(result.kept).toContainEqual(expect.objectContaining({ table: lessons, why: expect.stringContaining("not unique") }));
    expect(judgeCleanup(result, 1).verdict).toBe("degraded");
  });

  it("so it does where the test row stays itself", async () => {
    const pointing = [
      { id: "old", lesson_id: "lesson-1", made: longAgo },
      { id: "new", lesson_id: "lesson-1", made: during },
    ];
    await open({ [lessons]: two, [notes]: pointing });
    await cleanUp();
    expect(await ids(notes)).toEqual(["new", "old"]);
    expect(await ids(lessons)).toEqual(["lesson-1", "lesson-1"]);
  });

  it("Redis keys with it may be the real row's, and stay", async () => {
    await open({ [lessons]: two });
    await stores.keys.set("session:lesson-1:code", "1");
    const result = await cleanUp();
    expect(await stores.keys.exists("session:lesson-1:code")).toBe(1);
    await stores.keys.flushall();
    expect(await ids(lessons)).toEqual(["lesson-1", "lesson-1"]);
    expect(judgeCleanup(result, 1).verdict).toBe("degraded");
  });

  it("undo restores the test row beside it, once", async () => {
    await open({ [lessons]: two });
    const before = await all(lessons);
    const result = await cleanUp();
    expect(await ids(lessons)).toEqual(["lesson-1"]);
    expect((await undo(result)).tables).toEqual([{ table: lessons, deleted: 1, restorable: 1, present: 0, restored: 1 }]);
    expect(await all(lessons)).toEqual(before);
    expect((await undo(result)).tables).toEqual([{ table: lessons, deleted: 1, restorable: 0, present: 1 }]);
    expect(await all(lessons)).toEqual(before);
  });
});

describe("a test row's time changes between the search and the delete", () => {
  const rows = {
    [lessons]: [{ id: "lesson-1", title: `${mine} maths`, made: during }],
    [notes]: [
      { id: "a", lesson_id: "lesson-1", made: during },
      { id: "b", lesson_id: "lesson-1", made: during },
    ],
  };

  it.each([
    ["later", iso(runStarted + 8 * minute)],
    ["NULL", null],
  ])("%s: it is found and deleted in the next round", async (_, made) => {
    await open(rows);
    const result = await cleanUp(() =>
      school.run((name) => `UPDATE ${name} SET made = CAST(:made AS TIMESTAMP) WHERE id = 'a'`, notes, { made }),
    );
    expect(await ids(notes)).toEqual([]);
    expect(result).toMatchObject({ leftOver: 0, deletedRows: 3 });
    expect(result.tables.find((one) => one.table === notes)).toMatchObject({ planned: 2, deleted: 2, left: 0 });
    expect(result.tables.find((one) => one.table === notes)?.problem).toBeUndefined();
    expect(judgeCleanup(result, 1).verdict).toBe("passed");
  });

  it("long before the run: it stays, and the cleanup does not pass", async () => {
    await open(rows);
    const result = await cleanUp(() => school.update(notes, ["made", longAgo], ["id", "a"]));
    expect(await ids(notes)).toEqual(["a"]);
    expect(result.touched).toContainEqual(expect.objectContaining({ table: notes, key: { column: "id", value: "a" } }));
    expect(judgeCleanup(result, 1).verdict).toBe("failed");
  });
});

describe("times at the ends of what there is", () => {
  it.each([
    ["before 1970, in microseconds", "1969-12-31T23:59:59.999999Z"],
    ["a microsecond before a millisecond", "2026-06-01T12:06:00.000999Z"],
    ["in the year 9999", "9999-12-31T23:59:59.999999Z"],
    ["in the year 1", "0001-01-01T00:00:00.000001Z"],
    ["later than JavaScript's last date", "+290000-01-01T00:00:00Z"],
  ])("%s", async (_, made) => {
    await open({ [lessons]: [{ id: "real", title: "Maths", made: during }] });
    const insert = (name: string) =>
      made.startsWith("+")
        ? `INSERT INTO ${name} SELECT '${mine} a', 'A', timestamp_millis(9000000000000000)`
        : `INSERT INTO ${name} VALUES ('${mine} a', 'A', CAST('${made}' AS TIMESTAMP))`;
    await school.run(insert, lessons);
    const result = await cleanUp(undefined, byId);
    expect(await ids(lessons)).toEqual(["real"]);
    expect(result).toMatchObject({ leftOver: 0, deletedRows: 1, problems: [] });
    expect((await undo(result)).tables).toEqual([{ table: lessons, deleted: 1, restorable: 1, present: 0, restored: 1 }]);
    expect(await ids(lessons)).toEqual([`${mine} a`, "real"]);
  });
});

describe("a report that somebody changed", () => {
  const range = { column: "made", from: runStarted, to: runStarted + 10 * minute };
  it.each([
    ["a range that ends before it begins", { ...range, from: range.to, to: range.from }],
    ["a range of another column", { ...range, column: "title" }],
    ["a column that is a statement", { ...range, column: "made` IS NULL OR true OR `made" }],
    ["a range that no number holds", { ...range, to: 1e300 }],
    ["a part of a millisecond", { ...range, from: range.to - 0.5, to: range.to - 0.25 }],
  ])("%s restores nothing, and says so", async (_, forged) => {
    await open({ [lessons]: [{ id: "one", title: `${mine} maths`, made: during }] });
    const result = await cleanUp();
    const deletions = result.tables[0]?.deletions?.map((deletion) => ({ ...deletion, during: forged }));
    const undone = await undo({ ...result, tables: result.tables.map((one) => ({ ...one, deletions })) as typeof result.tables });
    expect(undone.tables).toEqual([expect.objectContaining({ table: lessons, problem: expect.any(String) })]);
    expect(undone.tables[0]?.restored).toBeUndefined();
    expect(await ids(lessons)).toEqual([]);
  });

  it("without a range, as older versions wrote it, restores the same rows", async () => {
    await open({ [lessons]: [{ id: "one", title: `${mine} maths`, made: during }] });
    const result = await cleanUp();
    const deletions = result.tables[0]?.deletions?.map(({ rows, version, selection }) => ({ rows, version, selection }));
    const undone = await undo({ ...result, tables: result.tables.map((one) => ({ ...one, deletions })) as typeof result.tables });
    expect(undone.tables).toEqual([{ table: lessons, deleted: 1, restorable: 1, present: 0, restored: 1 }]);
  });

  it("after the time's column was renamed, the rows come back", async () => {
    await open({ [lessons]: [{ id: "one", title: `${mine} maths`, made: during }] });
    const result = await cleanUp();
    await school.run((name) => `ALTER TABLE ${name} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')`, lessons);
    await school.run((name) => `ALTER TABLE ${name} RENAME COLUMN made TO created`, lessons);
    expect((await undo(result)).tables).toEqual([{ table: lessons, deleted: 1, restorable: 1, present: 0, restored: 1 }]);
    expect((await school.rows(lessons)).map(({ id, created }) => [id, new Date(String(created)).toISOString()])).toEqual([
      ["one", during],
    ]);
  });
});
