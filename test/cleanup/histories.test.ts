import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { noFaults } from "../../local/warehouse/faults.ts";
import { Reading } from "../../src/cleanup/books/balance.ts";
import { historiesSince, type Moment, newestVersions } from "../../src/cleanup/books/history.ts";
import { recordStart } from "../../src/cleanup/books/start.ts";
import { askHistories } from "../../src/cleanup/tables/history.ts";
import { WarehouseFailure } from "../../src/warehouse/failure.ts";
import { rowsWith } from "../harness/deletion.ts";
import { type Catalog, startTestStores, type TestStores } from "./test-stores.ts";

// The histories of all tables are read twice per stage. That must take few statements, and one table's problem must not hide
// another's.
const names = [..."abcdefghijklmn"].map((name) => `school.${name}`);
const signal = new AbortController().signal;
let stores: TestStores;
let catalog: Catalog;
let catalogs = 0;

beforeAll(async () => {
  stores = await startTestStores();
});
afterAll(() => stores.stop());
afterEach(async () => {
  Object.assign(stores.warehouse.faults, noFaults());
  await catalog.close();
});

async function open(): Promise<void> {
  catalog = await stores.catalog(
    `histories${catalogs++}`,
    Object.fromEntries(names.map((name) => [name, { columns: { id: "string" } }])),
  );
}

const add = (table: string, id: string) => catalog.insert(table, [{ id }]);

/** The history statements that the work sends. */
async function sentBy<Result>(work: () => Promise<Result>): Promise<{ result: Result; sent: string[] }> {
  const from = stores.warehouse.statements.length;
  const result = await work();
  const sent = stores.warehouse.statements.slice(from).map(({ sql }) => sql);
  return { result, sent: sent.filter((sql) => sql.includes("DESCRIBE HISTORY")) };
}

const asked = (sent: readonly string[]) => sent.join().match(/DESCRIBE HISTORY/g)?.length;
const versions = (answer: unknown) => (Array.isArray(answer) ? answer.map(({ version }) => Number(version)) : answer);

describe("the histories of many tables", () => {
  it.each([
    ["in two statements", true, 2],
    // Like Delta without Databricks: the first attempt is refused, then the tables are asked one by one.
    ["one by one, if a query doesn't support them", false, 2 + names.length],
  ])("are read %s, newest first, with the same content as alone", async (_, inQueries, statements) => {
    await open();
    for (const name of ["school.a", "school.a", "school.h"]) await add(name, "x");
    await catalog.run((table) => `DELETE FROM ${table} WHERE id = 'x'`, "school.a");
    stores.warehouse.faults.historyInQueries = inQueries;
    const { result, sent } = await sentBy(() =>
      askHistories(
        catalog.warehouse,
        names.map((table) => ({ table, limit: 20 })),
        "change",
      ),
    );
    expect(sent).toHaveLength(statements);
    expect([...result.keys()].sort()).toEqual(names);
    expect(versions(result.get("school.a"))).toEqual([3, 2, 1, 0]);
    for (const name of names) {
      const alone = await catalog.warehouse.query(`DESCRIBE HISTORY ${name} LIMIT 20`);
      const columns = Object.keys((result.get(name) as Record<string, unknown>[])[0] ?? {}).filter(
        (column) => column !== "asked",
      );
      const same = (rows: unknown) =>
        (rows as Record<string, unknown>[]).map((row) => columns.map((column) => [column, row[column]]));
      expect(same(result.get(name)), name).toEqual(same(alone));
      for (const column of ["version", "timestamp", "userName", "operation", "operationMetrics"])
        expect(columns).toContain(column);
    }
    // What was refused once is not tried again.
    const again = await sentBy(() => newestVersions(catalog.warehouse, names));
    expect(again.sent).toHaveLength(inQueries ? 2 : names.length);
  });

  it("that cannot be read don't hide others, and have the reason", async () => {
    await open();
    const answers = await askHistories(
      catalog.warehouse,
      ["school.a", "school.not-there", "school.b"].map((table) => ({ table, limit: 3 })),
      "moment",
    );
    expect(versions(answers.get("school.a"))).toEqual([0]);
    expect(versions(answers.get("school.b"))).toEqual([0]);
    expect(answers.get("school.not-there")).toMatchObject({ message: expect.stringContaining("not-there") });
  });

  it("are requested once if the warehouse is gone, because asking for each would only take longer", async () => {
    await open();
    let sent = 0;
    const warehouse = {
      ...catalog.warehouse,
      async query(): Promise<never> {
        sent++;
        throw new WarehouseFailure("unreachable", "nobody is there");
      },
    };
    const answers = await newestVersions(warehouse, names);
    expect(sent).toBe(2);
    expect([...answers.values()].map((answer) => answer instanceof Error && answer.message)).toEqual(
      names.map(() => "nobody is there"),
    );
  });

  it.each([
    ["the list of tables is there", false],
    ["the list of tables is missing too", true],
  ])("keep what was answered in time, and report the rest as unknown: %s", async (_, withoutList) => {
    await open();
    stores.warehouse.faults.slowOperation = { seconds: 60, matching: "`n` LIMIT 1" };
    const ending = new AbortController();
    const listed = Promise.withResolvers<void>();
    const start = await recordStart(
      { warehouse: { ...catalog.warehouse, query: watched } },
      { takenAt: 0, maxRead: 0, namespaces: [], declared: names, signal: ending.signal },
    );
    async function watched(sql: string) {
      if (withoutList && sql.includes("information_schema")) {
        listed.resolve();
        return await new Promise<never>(() => undefined);
      }
      const rows = catalog.warehouse.query(sql);
      if (sql.includes("information_schema")) rows.then(() => listed.resolve(), listed.reject);
      // The other statement never ends.
      if (sql.includes("`a` LIMIT 1")) void Promise.all([rows, listed.promise]).then(() => setImmediate(() => ending.abort()));
      return await rows;
    }
    const known = [...start.versions.keys()];
    expect(known).toContain("school.a");
    expect(known).not.toContain("school.n");
    expect(start.unread.get("school.n")).toMatch(/no answer in time/);
    if (withoutList) expect(start.problem).toMatch(/no answer in time/);
    else expect(start.problem).toBeUndefined();
  });

  it("are read as far back as the start, and only those that need it", async () => {
    await open();
    const moments = new Map<string, Moment>(
      [...(await newestVersions(catalog.warehouse, names))].map(([table, moment]) => [table, moment as Moment]),
    );
    for (let row = 0; row < 25; row++) await add("school.c", String(row));
    const { result, sent } = await sentBy(() => historiesSince(catalog.warehouse, moments));
    expect(result.get("school.c")).toMatchObject({ to: 25, continuous: true });
    expect((result.get("school.c") as { changes: unknown[] }).changes).toHaveLength(25);
    expect(result.get("school.a")).toEqual({ to: 0, changes: [], continuous: true });
    expect(sent.filter((sql) => sql.includes("LIMIT 160"))).toHaveLength(1);
    expect(asked(sent)).toBe(names.length + 1);
  });
});

describe("the start", () => {
  it("is the moment when the stage began to read: what a server writes while it starts comes after it", async () => {
    await open();
    await add("school.a", "before");
    const [row = {}] = await catalog.warehouse.query("SELECT current_timestamp() AS told");
    const asOf = Number(row.told);
    stores.warehouse.faults.clock = asOf + 1;
    for (const table of ["school.a", "school.b", ...Array(9).fill("school.c")]) await add(table, "booting");
    const moments = await newestVersions(catalog.warehouse, names, { asOf });
    expect(moments.get("school.a")).toMatchObject({ version: 1, newest: 2 });
    expect(moments.get("school.b")).toMatchObject({ version: 0, newest: 1 });
    expect(moments.get("school.c")).toMatchObject({ version: 0, newest: 9 });
    expect(moments.get("school.d")).toEqual({ version: 0, at: expect.any(Number) });
    // Ownership is decided by the newest version, so that in doubt a row counts as real.
    const options = { takenAt: 0, maxRead: 0, namespaces: [], asOf, signal };
    const start = await recordStart({ warehouse: catalog.warehouse }, options);
    expect([start.moments.get("school.a")?.version, start.versions.get("school.a")]).toEqual([1, 2]);
    // A table that didn't exist yet is reported as absent.
    expect((await newestVersions(catalog.warehouse, ["school.a"], { asOf: 1 })).size).toBe(0);
  });
});

describe("what is read while a cleanup runs", () => {
  const begin = async () => {
    await open();
    await add("school.a", "mine");
    return await recordStart({ warehouse: catalog.warehouse }, { takenAt: 0, maxRead: 0, namespaces: [], signal });
  };
  const latest = async (reading: Reading) =>
    Object.fromEntries([...(await reading.known()).histories].map(([table, { to }]) => [table, to]));
  const all = (changes: Record<string, number> = {}) =>
    Object.fromEntries(names.map((name) => [name, changes[name] ?? (name === "school.a" ? 1 : 0)]));

  it("is read after the deletions: a statement may finish after its sender was stopped", async () => {
    const start = await begin();
    const { result: reading, sent } = await sentBy(async () => {
      const begun = new Reading(catalog.warehouse, start);
      expect(await latest(begun)).toEqual({});
      return begun;
    });
    expect(sent).toEqual([]);
    await add("school.b", "late");
    await catalog.warehouse.deleteRows(rowsWith("school.a", "id", "mine"));
    reading.deleted();
    expect(await latest(reading)).toEqual(all({ "school.a": 2, "school.b": 1 }));
  });

  it("is read again if rows came back, because their writer may have written others", async () => {
    const start = await begin();
    const reading = new Reading(catalog.warehouse, start);
    reading.deleted();
    await reading.known();
    await add("school.b", "late");
    reading.deleted();
    expect(await latest(reading)).toEqual(all({ "school.b": 1 }));
  });

  it("leaves out what could not be read; the caller reads it again", async () => {
    const start = await begin();
    const failing = { ...catalog.warehouse, query: () => Promise.reject(new WarehouseFailure("connection-lost", "gone")) };
    const reading = new Reading(failing, start);
    reading.planned([], new Map());
    reading.deleted();
    expect(await reading.known()).toEqual({ histories: new Map(), selectedAtStart: new Map() });
  });
});
