import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { sizeText, whyReadsAll } from "../../src/cleanup/plan/reading.ts";
import type { Table } from "../../src/config/schema.ts";
import { testDataSchema } from "../../src/config/test-data-schema.ts";
import { type Catalog, requestFor, runId, startTestStores, type TestStores, table } from "./test-stores.ts";

// On a table with thousands of files the price of a search is what it reads. A plan that is shown says so, and a limit holds.
let stores: TestStores;
let school: Catalog;

const mine = `integration_test_${runId}`;
const tables: Record<string, Table> = {
  "school.lessons": table({ match: [{ column: "id", prefix: true }] }),
  "school.notes": table({ parents: { lesson_id: { partOf: "school.lessons" } } }),
  "school.users": table({ match: [{ column: "name", prefix: true }] }),
  "school.marks": table({ parents: { user_id: { partOf: "school.users" } } }),
};

beforeAll(async () => {
  stores = await startTestStores();
  school = await stores.catalog("reading", {
    "school.lessons": { columns: { id: "string" } },
    "school.notes": { columns: { id: "string", lesson_id: "string" } },
    "school.users": { columns: { id: "string", name: "string" } },
    "school.marks": { columns: { id: "string", user_id: "string" } },
  });
  await school.insert("school.lessons", [{ id: `${mine}_a` }]);
  await school.insert("school.notes", [{ id: "5d41402a", lesson_id: `${mine}_a` }]);
  await school.insert("school.users", [{ id: "7d793037", name: `${mine} Ana` }]);
  for (const id of ["1", "2", "3"]) await school.insert("school.marks", [{ id, user_id: "7d793037" }]);
});
afterAll(async () => {
  await school.close();
  await stores.stop();
});

const planned = async (testData = {}, showsReading = true) =>
  (await planCleanup(school.ports(), requestFor(tables, { showsReading, testData }))).rows;

describe("what a search reads", () => {
  it("is said in a plan that is shown, with the tables that must be read completely", async () => {
    const plan = await planned();
    expect(plan?.notes).toEqual([
      "the 4 searched tables have 6 files (6.0 kB), of which 5 (5.0 kB) must be read completely",
      "school.marks: all 3 files (3.0 kB) are read: user_id is compared with 1 value without a prefix",
    ]);
    expect(plan?.blockers).toEqual([]);
  });

  it("is not asked for before a cleanup that deletes, unless there is a limit", async () => {
    const seen = stores.warehouse.statements.length;
    expect((await planned({}, false))?.notes).toEqual([]);
    expect(stores.warehouse.statements.slice(seen).filter(({ sql }) => sql.includes("DESCRIBE DETAIL"))).toEqual([]);
  });

  it("above the limit refuses the plan, whether it is shown or not", async () => {
    const { maxReadSize } = testDataSchema.parse({ maxReadSize: "4.5kB" });
    expect((await planned({ maxReadSize }, false))?.blockers).toEqual([
      "3 tables must be read completely, 5.0 kB together, more than testData.maxReadSize (4.5 kB); the largest is school.marks. Let the ids of test rows begin with a prefix, or raise testData.maxReadSize",
    ]);
    expect((await planned({ maxReadSize: 5_000 }, false))?.blockers).toEqual([]);
  });

  it.each([
    ["STRING", undefined],
    ["VARCHAR(36)", "ref is compared as text"],
    ["STRING COLLATE UTF8_LCASE", "ref is compared as text"],
    ["BIGINT", "ref is compared as text"],
  ])("a column of type %s is read completely: %s", (type, why) => {
    const types = new Map([["ref", type]]);
    const answered = { values: new Map([["ref", new Set(["integration_test_1"])]]), types };
    expect(whyReadsAll({ rules: [], types, answered }, undefined, ["integration_test_"])).toBe(why);
  });

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [123_456_789, "123 MB"],
    [2.5e12, "2.5 TB"],
  ])("%i bytes are %s", (bytes, text) => {
    expect(sizeText(bytes)).toBe(text);
  });
});
