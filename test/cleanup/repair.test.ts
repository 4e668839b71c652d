import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { noFaults } from "../../local/warehouse/faults.ts";
import type { AuditRecord } from "../../src/audit/chain.ts";
import { describePlan } from "../../src/cleanup/plan/describe-plan.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import type { TouchedRow } from "../../src/model/test-data.ts";
import { WarehouseFailure } from "../../src/warehouse/failure.ts";
import { cell, definitions, mySchool, otherSchool, plan, repair, reportOf, tables } from "./repair-world.ts";
import { type Catalog, requestFor, runId, runStarted, startTestStores, type TestStores, table } from "./test-stores.ts";

// Repair writes to real rows: it must write exactly the old values, nowhere else, and never just because a report says so.
let stores: TestStores;
let school: Catalog;
let count = 0;

beforeAll(async () => {
  stores = await startTestStores();
});
afterAll(() => stores.stop());
afterEach(async () => {
  Object.assign(stores.warehouse.faults, noFaults());
  await school.close();
});

async function open(): Promise<void> {
  school = await stores.catalog(`repair${count++}`, definitions("string"));
  await school.insert(
    "users.schools",
    ["north", "south", mySchool, otherSchool].map((id) => ({ id, name: id })),
  );
  await school.insert(
    "users.teachers",
    ["1", "2", "3"].map((id) => ({ id, school_id: id === "3" ? null : "north", second_id: "south", note: id })),
  );
}

async function set(ids: string[], value: string | null, column = "school_id"): Promise<void> {
  const list = ids.map((id) => `'${id}'`).join(", ");
  await school.run((name) => `UPDATE ${name} SET ${column} = :value WHERE id IN (${list})`, "users.teachers", { value });
}

const teachers = async () =>
  (await school.rows("users.teachers")).map((row) => `${row.id} ${row.school_id} ${row.second_id} ${row.note}`).sort();
const states = ({ rows }: { rows: { state: string }[] }) => rows.map(({ state }) => state);
const updates = () => stores.warehouse.statements.filter(({ sql }) => sql.includes(`UPDATE \`${school.name}\``));

describe("repair", () => {
  it("restores old values, in one update for all equal moves, and not twice", async () => {
    await open();
    const before = await teachers();
    await set(["1", "2", "3"], mySchool);
    await set(["1"], otherSchool, "second_id");
    const report = await reportOf(school, [cell("1"), cell("2"), cell("3"), cell("1", otherSchool, "second_id")]);

    const shown = await plan(school, report);
    expect(states(shown.result)).toEqual(Array(4).fill("repairable"));
    expect(shown.result.digest).toMatch(/^[0-9a-f]{64}$/);
    expect((await plan(school, report)).result.digest).toBe(shown.result.digest);
    expect(updates()).toEqual([]);

    const told: AuditRecord[] = [];
    const result = await repair(school, report, { audit: async (note) => void told.push(note) });
    expect(states(result)).toEqual(Array(4).fill("repaired"));
    expect(await teachers()).toEqual(before);
    expect(updates()).toHaveLength(3);
    expect(told.map(({ details, counts }) => [details.what, details.column, counts.planned, counts.repaired]).sort()).toEqual([
      ["repair", "school_id", 1, 1],
      ["repair", "school_id", 2, 2],
      ["repair", "second_id", 1, 1],
    ]);
    expect(JSON.stringify(told)).not.toMatch(/north|south/);

    const again = await repair(school, report);
    expect(states(again)).toEqual(Array(4).fill("already"));
    expect(updates()).toHaveLength(3);
  });

  it("restores the title of a real row that a test renamed", async () => {
    await open();
    await school.run((name) => `UPDATE ${name} SET name = '${mySchool}' WHERE id = 'north'`, "users.schools");
    const renamed = { table: "users.schools", key: { column: "id", value: "north" }, column: "name", now: mySchool };
    const report = await reportOf(school, [renamed]);
    expect(report.cleanup?.touched).toEqual([{ ...renamed, before: "north", version: 1 }]);
    expect(states(await repair(school, report))).toEqual(["repaired"]);
    expect(await school.rows("users.schools")).toContainEqual({ id: "north", name: "north" });
  });

  it("moves a teacher back to a school that a test renamed", async () => {
    await open();
    await school.run((name) => `UPDATE ${name} SET name = '${mySchool}' WHERE id = 'north'`, "users.schools");
    await set(["1"], mySchool);
    const renamed = { table: "users.schools", key: { column: "id", value: "north" }, column: "name", now: mySchool };
    const report = await reportOf(school, [renamed, cell("1")]);
    expect(report.cleanup?.touched?.map(({ before }) => before)).toEqual(["north", "north"]);
    expect(states(await repair(school, report))).toEqual(["repaired", "repaired"]);
    expect((await teachers())[0]).toBe("1 north south 1");
  });

  // Production goes on while a run waits for its servers: what it writes then is newer than the run and older than the tests.
  it("restores a reference to a production row newer than the run, because the report says when its tests began", async () => {
    const at = (minutes: number) => {
      stores.warehouse.faults.clock = runStarted + minutes * 60_000;
    };
    at(-60);
    school = await stores.catalog(`repair${count++}`, {
      "users.groups": { columns: { id: "string", within: "string", made: "timestamp" } },
    });
    const groups = {
      "users.groups": table({
        match: [{ column: "id", prefix: true }],
        time: "made",
        parents: { within: { belongsTo: "users.groups" } },
      }),
    };
    const group = (id: string, within: string | null, minutes: number) => ({
      id,
      within,
      made: new Date(runStarted + minutes * 60_000).toISOString(),
    });
    at(1);
    await school.insert("users.groups", [group("older", "newer", 1), group("newer", "older", 1)]);
    const versions = new Map([["users.groups", 1]]);
    const mine = `integration_test_${runId}_group`;
    at(5);
    await school.insert("users.groups", [group(mine, null, 5)]);
    await school.run((name) => `UPDATE ${name} SET within = '${mine}' WHERE id = 'older'`, "users.groups");

    const start = { takenAt: runStarted + 2 * 60_000, versions, hadKey: () => undefined };
    const planned = await planCleanup({ ...school.ports(), redis: undefined } as never, requestFor(groups, { start }));
    const cleanup = describePlan(planned, true);
    expect(cleanup).toMatchObject({
      touched: [{ key: { value: "older" }, now: mine, before: "newer" }],
      startVersions: { "users.groups": 1 },
    });
    const report = { runId, environment: { name: "sandbox", access: "test-data" as const }, cleanup };
    expect(states((await plan(school, report, groups)).result)).toEqual(["repairable"]);
    // Without it, "newer" could be the tests' own data, so nothing is written.
    const { startVersions: _, ...untold } = cleanup;
    expect(states((await plan(school, { ...report, cleanup: untold }, groups)).result)).toEqual(["refused"]);
  });

  it("leaves values written since alone, before and after the plan", async () => {
    await open();
    await set(["1", "2"], mySchool);
    const report = await reportOf(school, [cell("1"), cell("2")]);
    await set(["1"], "south");
    const { writeCells } = school.warehouse;
    const warehouse = {
      ...school.warehouse,
      async writeCells(write: Parameters<typeof writeCells>[0]) {
        await set(["2"], "south");
        return await writeCells(write);
      },
    };
    const result = await repair(school, report, { warehouse });
    expect(states(result)).toEqual(["written-since", "written-since"]);
    expect(await teachers()).toEqual(["1 south south 1", "2 south south 2", "3 null south 3"]);
  });

  it("names rows by keys that may contain personal data, without storing the values", async () => {
    await open();
    const declared = {
      ...tables,
      "users.teachers": table({ parents: { school_id: { belongsTo: "users.schools" } }, person: ["id", "school_id"] }),
    };
    await school.insert("users.teachers", [{ id: "mira@north.example", school_id: "north", second_id: null, note: "" }]);
    await set(["mira@north.example"], mySchool);
    const report = await reportOf(school, [cell("mira@north.example")], declared);
    expect(JSON.stringify(report.cleanup?.touched)).not.toMatch(/mira|"north"|integration_test/);
    const shown = await plan(school, report, declared);
    expect(shown.result.rows).toEqual([{ ...report.cleanup?.touched?.[0], state: "repairable" }]);
    expect(shown.cells).toEqual([
      expect.objectContaining({ key: { column: "id", value: "mira@north.example" }, before: "north" }),
    ]);
    expect(states(await repair(school, report))).toEqual(["repaired"]);
    expect(await teachers()).toContain("mira@north.example north null ");
  });

  it("repeats an update that conflicted with another writer, and continues with the rest", async () => {
    await open();
    await set(["1"], mySchool);
    await set(["2"], otherSchool);
    const report = await reportOf(school, [cell("1"), cell("2", otherSchool)]);
    const { writeCells } = school.warehouse;
    const once = async (write: Parameters<typeof writeCells>[0]) => {
      if (write.now === otherSchool) throw new WarehouseFailure("denied", "no MODIFY on users.teachers");
      stores.warehouse.faults.conflictingWrites = 2;
      return await writeCells(write);
    };
    const seen = stores.warehouse.statements.length;
    const result = await repair(school, report, { warehouse: { ...school.warehouse, writeCells: once } });
    expect(result.rows).toEqual([
      expect.objectContaining({ state: "repaired" }),
      expect.objectContaining({ state: "failed", problem: "EA3006: no MODIFY on users.teachers" }),
    ]);
    expect(stores.warehouse.statements.slice(seen).filter(({ sql }) => sql.includes("UPDATE"))).toHaveLength(3);
  });

  it("believes the table, not the lost answer", async () => {
    await open();
    await set(["1"], mySchool);
    const report = await reportOf(school, [cell("1")]);
    const { writeCells } = school.warehouse;
    const lost = async (write: Parameters<typeof writeCells>[0]) => {
      await writeCells(write);
      throw new WarehouseFailure("connection-lost", "socket hang up");
    };
    expect(states(await repair(school, report, { warehouse: { ...school.warehouse, writeCells: lost } }))).toEqual(["repaired"]);
  });

  it("proves the target before it writes", async () => {
    await open();
    await set(["1"], mySchool);
    const report = await reportOf(school, [cell("1")]);
    const elsewhere = {
      ...school.warehouse,
      identity: async () => ({ host: "elsewhere", catalog: "x", principal: "y", serverTime: "" }),
    };
    await expect(repair(school, report, { warehouse: elsewhere })).rejects.toThrow(/Databricks host: expected .*, got elsewhere/);
    expect(updates()).toEqual([]);
  });
});

describe("a forged or outdated report writes nothing:", () => {
  const real: TouchedRow = { ...cell("2", "north"), before: "south", version: 2 };
  const cases: [name: string, forged: (report: TouchedRow) => TouchedRow, problem: RegExp][] = [
    ["a value that never stood there", (row) => ({ ...row, before: "south" }), /history has another old value than the report/],
    ["NULL where a value stood", (row) => ({ ...row, before: null }), /history has another old value than the report/],
    ["a row that points at no test data", () => real, /the current value is not known to be test data/],
    ["a column that points at nothing", (row) => ({ ...row, column: "note", now: "1" }), /declared neither under parents/],
    ["the key", (row) => ({ ...row, column: "id", now: "1" }), /declared neither under parents/],
    [
      "a row named by another column",
      (row) => ({ ...row, key: { column: "note", value: "1" } }),
      /expected id as the key of the table, got note/,
    ],
    ["a table that nobody declared", (row) => ({ ...row, table: "sales.orders" }), /not declared/],
    ["a name of JavaScript's own", (row) => ({ ...row, table: "constructor" }), /not declared/],
    ["a column of that kind", (row) => ({ ...row, column: "toString" }), /declared neither under parents/],
    ["a key that is no text", (row) => ({ ...row, key: { column: "id", value: "\ud800" } }), /well-formed/],
    ["a row that is not there", (row) => ({ ...row, key: { column: "id", value: "' OR 1=1 --" } }), /no longer exists/],
  ];
  it("whatever it names", async () => {
    await open();
    // Somebody moved this one permanently.
    await set(["2"], "south");
    await set(["2"], "north");
    await set(["1"], mySchool);
    const report = await reportOf(school, [cell("1")]);
    const [honest] = report.cleanup?.touched ?? [];
    const before = await teachers();
    for (const [name, forged, problem] of cases) {
      const touched = [forged(honest as TouchedRow)];
      const planned = await plan(school, { ...report, cleanup: { ...(report.cleanup as never as object), touched } as never });
      expect(planned.cells, name).toEqual([]);
      expect(planned.result.rows, name).toEqual([
        expect.objectContaining({ state: "refused", problem: expect.stringMatching(problem) }),
      ]);
    }
    const safe = await plan(school, report, tables, { protectedTables: ["users.*"] });
    expect(safe.result.rows).toEqual([expect.objectContaining({ problem: expect.stringMatching(/protected/) })]);
    await school.insert("users.teachers", [{ id: "1", school_id: mySchool, second_id: null, note: "twin" }]);
    expect((await plan(school, report)).result.rows).toEqual([
      expect.objectContaining({ state: "refused", problem: expect.stringMatching(/2 rows have this key/) }),
    ]);
    expect(updates()).toEqual([]);
    expect(await teachers()).toEqual([...before, `1 ${mySchool} null twin`].sort());
  });

  it("a forged version only makes the search longer", async () => {
    await open();
    await set(["1"], mySchool);
    const report = await reportOf(school, [cell("1")]);
    for (const version of [0, 99, Number.MAX_SAFE_INTEGER]) {
      const touched = [{ ...(report.cleanup?.touched?.[0] as TouchedRow), version }];
      const planned = await plan(school, { ...report, cleanup: { ...(report.cleanup as never as object), touched } as never });
      expect(planned.cells.map(({ before }) => before)).toEqual(["north"]);
    }
  });
});

/** Half a second each. */
const cases = Number(process.env.CASES ?? (process.env.LONG ? 500 : 10));

/** Who writes what: a test writes a test school, others a real one or nothing. */
type Write = { by: "test" | "other"; row: number; column: "school_id" | "second_id"; value: number };
const histories = fc.record({
  keyType: fc.constantFrom("string", "bigint"),
  rows: fc.array(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 })), { minLength: 1, maxLength: 4 }),
  during: fc.array(
    fc.record<Write>({
      by: fc.constantFrom("test", "test", "other"),
      row: fc.nat(),
      column: fc.constantFrom("school_id", "second_id"),
      value: fc.nat({ max: 3 }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  since: fc.array(
    fc.record<Write>({
      by: fc.constant("other"),
      row: fc.nat(),
      column: fc.constantFrom("school_id", "second_id"),
      value: fc.nat({ max: 3 }),
    }),
    { maxLength: 2 },
  ),
});

it("whatever tests and others wrote: exactly the touched cells get their old value, and later writes are kept", async () => {
  await fc.assert(
    fc.asyncProperty(histories, async ({ keyType, rows, during, since }) => {
      school = await stores.catalog(`repair${count++}`, definitions(keyType));
      // Real ids and test ids: names can show what they are, numbers cannot.
      const ids = (test: boolean) =>
        [0, 1, 2].map((index) =>
          keyType === "bigint" ? `${test ? 9 : 1}00719925474099${index}` : `${test ? mySchool : "real"}${index}`,
        );
      const [real, mine] = [[...ids(false), null], ids(true)];
      await school.insert("users.schools", [
        ...ids(false).map((id) => ({ id, name: "Real" })),
        ...mine.map((id) => ({ id, name: mySchool })),
      ]);
      const state = rows.map(([first, second]) => ({ school_id: real[first] ?? null, second_id: real[second] ?? null }));
      await school.insert(
        "users.teachers",
        state.map((row, id) => ({ id: String(id), ...row, note: "" })),
      );
      // What each cell would contain without the tests: the last value from anybody else.
      const without = state.map((row) => ({ ...row }));
      const write = async ({ by, row, column, value }: Write) => {
        const at = row % state.length;
        const to = by === "test" ? (mine[value % mine.length] ?? null) : (real[value] ?? null);
        await school.run(
          (name) =>
            `UPDATE ${name} SET ${column} = ${to === null ? "NULL" : keyType === "bigint" ? "CAST(:to AS BIGINT)" : ":to"} WHERE CAST(id AS STRING) = :id`,
          "users.teachers",
          { id: String(at), ...(to === null ? {} : { to }) },
        );
        (state[at] as Record<string, string | null>)[column] = to;
        if (by === "other") (without[at] as Record<string, string | null>)[column] = to;
      };
      for (const one of during) await write(one);
      const touched = state.flatMap((row, id) =>
        (["school_id", "second_id"] as const).flatMap((column) => {
          const now = row[column];
          return now !== null && mine.includes(now) ? [cell(String(id), now, column)] : [];
        }),
      );
      const report = await reportOf(school, touched);
      expect((report.cleanup?.touched ?? []).map(({ before }) => before)).toEqual(
        touched.map(({ key, column }) => (without[Number(key.value)] as Record<string, string | null>)[column]),
      );
      for (const one of since) await write(one);
      const result = await repair(school, report);
      expect(result.problems.concat(result.rows.flatMap(({ problem }) => problem ?? []))).toEqual([]);
      const texts = async () =>
        (await school.rows("users.teachers")).map((row) => [row.id, row.school_id, row.second_id].map(String).join()).sort();
      const expected = without.map((row, id) => [id, row.school_id, row.second_id].map(String).join()).sort();
      expect(await texts()).toEqual(expected);
      expect((await plan(school, report)).cells).toEqual([]);
      await repair(school, report);
      expect(await texts()).toEqual(expected);
      await school.close();
    }),
    { numRuns: cases, endOnFailure: true },
  );
}, 3_600_000);
