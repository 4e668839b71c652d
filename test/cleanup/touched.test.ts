import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planRows, rowRequest } from "../../src/cleanup/plan/plan-cleanup.ts";
import { withBefore } from "../../src/cleanup/touched/old-values.ts";
import { searchContext, touchedRowsWithOldValues } from "../../src/cleanup/touched/touched-rows.ts";
import type { Table } from "../../src/config/schema.ts";
import type { TouchedRow } from "../../src/model/test-data.ts";
import { type Catalog, requestFor, runId, startTestStores, type TestStores, table } from "./test-stores.ts";

// The old value is written back, so it must be the last one written by anybody other than a test.
let stores: TestStores;
let school: Catalog;
let count = 0;

const mine = `integration_test_${runId}_school`;
const other = `integration_test_${runId}_other`;
const tables: Record<string, Table> = {
  "users.schools": table({
    match: [
      { column: "id", prefix: true },
      { column: "name", prefix: true },
    ],
  }),
  "users.teachers": table({ parents: { school_id: { belongsTo: "users.schools" }, second_id: { belongsTo: "users.schools" } } }),
};

beforeAll(async () => {
  stores = await startTestStores();
});
afterAll(() => stores.stop());

async function open(keyType = "string"): Promise<void> {
  school = await stores.catalog(`touched${count++}`, {
    "users.schools": { columns: { id: "string", name: "string" } },
    "users.teachers": { columns: { id: keyType, school_id: "string", second_id: "string", note: "string" } },
  });
  await school.insert(
    "users.schools",
    ["north", "south", mine, other].map((id) => ({ id, name: id })),
  );
  await school.insert("users.teachers", [
    { id: "1", school_id: "north", second_id: "south", note: "" },
    { id: "2", school_id: null, second_id: "north", note: "" },
  ]);
}

async function set(id: string, column: string, value: string | null): Promise<void> {
  await school.run((name) => `UPDATE ${name} SET ${column} = :value WHERE CAST(id AS STRING) = :id`, "users.teachers", {
    value,
    id,
  });
}

const cell = (id: string, column = "school_id", now = mine): TouchedRow => ({
  table: "users.teachers",
  key: { column: "id", value: id },
  column,
  now,
});

async function find(cells: TouchedRow[], start?: number, keep: Record<string, string[]> = {}): Promise<TouchedRow[]> {
  const request = requestFor(tables);
  const rows = await planRows(school.warehouse, rowRequest(request));
  const versions = new Map(start === undefined ? [] : [["users.teachers", start]]);
  return await touchedRowsWithOldValues(
    school.warehouse,
    { ...rows, touched: cells },
    { tables, prefixes: request.testData.prefixes, keep, start: { takenAt: 0, versions, hadKey: () => undefined } },
  );
}

/** Version 1 has the inserted rows; each line adds one version. */
const histories: [name: string, changes: [id: string, column: string, value: string | null][], expected: Partial<TouchedRow>][] =
  [
    ["a row that was moved", [["1", "school_id", mine]], { before: "north", version: 1 }],
    [
      "a row that pointed at nothing",
      [["2", "school_id", mine]],
      { key: { column: "id", value: "2" }, before: null, version: 1 },
    ],
    [
      "a row that was moved from one test school to another",
      [
        ["1", "school_id", other],
        ["1", "school_id", mine],
      ],
      { before: "north", version: 1 },
    ],
    [
      "a row that others had moved just before",
      [
        ["1", "school_id", "south"],
        ["1", "school_id", mine],
        ["2", "note", "theirs"],
      ],
      { before: "south", version: 2 },
    ],
    [
      "a row that others had put right, and a test moved again",
      [
        ["1", "school_id", mine],
        ["1", "school_id", "south"],
        ["1", "school_id", mine],
      ],
      { before: "south", version: 3 },
    ],
    [
      "a row that was set to nothing in between",
      [
        ["1", "school_id", null],
        ["1", "school_id", mine],
      ],
      { before: null, version: 2 },
    ],
  ];

describe("the old value", () => {
  it.each(histories)("%s", async (_, changes, expected) => {
    await open();
    for (const [id, column, value] of changes) await set(id, column, value);
    expect(await find([cell(expected.key?.value ?? "1")])).toEqual([{ ...cell("1"), ...expected }]);
    // Knowing the start of the run changes how the value is found, not which one.
    expect(await find([cell(expected.key?.value ?? "1")], 1)).toEqual([{ ...cell("1"), ...expected }]);
    await school.close();
  });

  it("is found for several cells, with number keys, in two statements", async () => {
    await open("bigint");
    await set("1", "school_id", mine);
    await set("1", "second_id", other);
    await set("2", "school_id", mine);
    const rows = await planRows(school.warehouse, rowRequest(requestFor(tables)));
    const seen = stores.warehouse.statements.length;
    const touched = [cell("1"), cell("1", "second_id", other), cell("2"), cell("2")];
    const found = await touchedRowsWithOldValues(
      school.warehouse,
      { ...rows, touched },
      { tables, prefixes: ["integration_test_"], keep: {} },
    );
    expect(found.map(({ key, column, before }) => [key.value, column, before])).toEqual([
      ["1", "school_id", "north"],
      ["1", "second_id", "south"],
      ["2", "school_id", null],
    ]);
    // The history, the versions, and whether the old schools still exist.
    expect(stores.warehouse.statements.length - seen).toBe(3);
    await school.close();
  });

  it("is found behind a hundred changes of other rows, and appends cost nothing", async () => {
    await open();
    await set("1", "school_id", mine);
    for (let round = 0; round < 90; round++) await set("2", "note", String(round));
    for (let round = 0; round < 10; round++) await school.insert("users.teachers", [{ id: `new${round}`, school_id: "north" }]);
    const seen = stores.warehouse.statements.length;
    expect(await find([cell("1")])).toEqual([{ ...cell("1"), before: "north", version: 1 }]);
    const versions = new Set(
      stores.warehouse.statements
        .slice(seen)
        .flatMap(({ sql }) => [...sql.matchAll(/VERSION AS OF (\d+)/g)].map(([, at]) => Number(at))),
    );
    expect(versions.size).toBeLessThan(85);
    await school.close();
  });

  it("skips schools with neutral ids: one that is gone, and one of another run's tests", async () => {
    await open();
    await school.insert("users.schools", [{ id: "0b8e", name: "Gone" }]);
    await school.insert("users.schools", [{ id: "0b8f", name: "integration_test_of another run" }]);
    await set("1", "school_id", "0b8e");
    await set("1", "school_id", "0b8f");
    await set("1", "school_id", mine);
    await school.run((name) => `DELETE FROM ${name} WHERE id = '0b8e'`, "users.schools");
    expect(await find([cell("1")])).toEqual([{ ...cell("1"), before: "north", version: 1 }]);
    await school.close();
  });

  it("may be a test school in testData.keep, which exists for all runs", async () => {
    await open();
    await school.insert("users.schools", [
      { id: "integration_test_fixed", name: "Fixed" },
      { id: "fixed-too", name: "integration_test_named" },
    ]);
    await set("1", "school_id", "integration_test_fixed");
    await set("1", "school_id", mine);
    await set("1", "second_id", "fixed-too");
    await set("1", "second_id", mine);
    const cells = [cell("1"), cell("1", "second_id")];
    const stood = async (keep: Record<string, string[]>) => (await find(cells, undefined, keep)).map((row) => row.before);
    expect(await stood({})).toEqual(["north", "south"]);
    expect(await stood({ "users.schools": ["integration_test_fixed", "integration_test_named"] })).toEqual([
      "integration_test_fixed",
      "fixed-too",
    ]);
    // Its id begins like test data, and its name marks it as fixed.
    expect(await stood({ "users.schools": ["Fixed"] })).toEqual(["integration_test_fixed", "south"]);
    await school.close();
  });

  it("may be what the row was created with, even if that school is gone or never existed", async () => {
    await open();
    await set("1", "school_id", mine);
    await set("1", "second_id", mine);
    await school.run((name) => `DELETE FROM ${name} WHERE id = 'north'`, "users.schools");
    await school.insert("users.teachers", [{ id: "3", school_id: "elsewhere" }]);
    await set("3", "school_id", mine);
    expect((await find([cell("1"), cell("1", "second_id"), cell("3")])).map(({ before }) => before)).toEqual([
      "north",
      "south",
      "elsewhere",
    ]);
    await school.close();
  });

  it("is found if the row was deleted and written again", async () => {
    await open();
    await school.run((name) => `DELETE FROM ${name} WHERE id = '1'`, "users.teachers");
    await school.insert("users.teachers", [{ id: "1", school_id: mine, second_id: "south", note: "" }]);
    expect(await find([cell("1")])).toEqual([{ ...cell("1"), before: "north", version: 1 }]);
    await school.close();
  });
});

describe("the old value is unknown, with the reason,", () => {
  const cases: [name: string, prepare: () => Promise<void>, touched: TouchedRow, why: RegExp][] = [
    [
      "where the row always pointed there",
      () => school.insert("users.teachers", [{ id: "3", school_id: mine }]),
      cell("3"),
      /no older version/,
    ],
    [
      "where its key is another row's too",
      async () => {
        await school.insert("users.teachers", [{ id: "1", school_id: "north" }]);
        await set("1", "school_id", mine);
      },
      cell("1"),
      /2 rows have this key/,
    ],
    ["where the row is gone", async () => undefined, cell("nobody"), /the row no longer exists/],
    ["where somebody wrote it meanwhile", () => set("1", "school_id", "south"), cell("1"), /written again/],
    [
      "where the table's history is gone",
      async () => {
        await set("1", "school_id", mine);
        await stores.warehouse.load(`INSERT INTO ${school.name}.users.teachers VALUES ('late', NULL, NULL, NULL)`);
        await set("2", "note", "since");
      },
      cell("1"),
      /history is too short: version 2 no longer exists/,
    ],
    ["where the table has gone", async () => undefined, { ...cell("1"), table: "users.nowhere" }, /could not be read/],
  ];
  it.each(cases)("%s", async (_, prepare, touched, why) => {
    await open();
    await prepare();
    const [found, ...others] = await find([touched]);
    expect(others).toEqual([]);
    expect(found).toEqual({ ...touched, why: expect.stringMatching(why) });
    await school.close();
  });
});

it("if the time limit is reached", async () => {
  await open();
  await set("1", "school_id", mine);
  const context = searchContext({
    tables,
    catalog: new Map(),
    ids: new Map(),
    prefixes: [],
    keep: {},
    real: new Set(),
    guesses: () => [],
    limitMs: 0,
  });
  expect(await withBefore(school.warehouse, [cell("1")], context)).toEqual([
    { ...cell("1"), why: expect.stringContaining("`env-actions repair` searches longer") },
  ]);
  await school.close();
});
