import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { noFaults } from "../../local/warehouse/faults.ts";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { WrongTarget } from "../../src/cleanup/execute/proof.ts";
import { judgeCleanup, judgeLeftovers } from "../../src/cleanup/execute/verdict.ts";
import { parseLedger } from "../../src/cleanup/ledger/ledger.ts";
import { describePlan } from "../../src/cleanup/plan/describe-plan.ts";
import { type CleanupRequest, planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import type { Environment, Table } from "../../src/config/schema.ts";
import type { CleanupResult } from "../../src/model/test-data.ts";
import { rowsWith } from "../harness/deletion.ts";
import { type Catalog, requestFor, runId, runStarted, startTestStores, type TestStores, table } from "./test-stores.ts";

// What can go wrong between a plan and "0 left". Each catalog is a small school: sessions, and groups that depend on them.
let stores: TestStores;
let school: Catalog;
let count = 0;

const mine = `integration_test_${runId}`;
const old = new Date(runStarted - 86_400_000).toISOString();
const during = new Date(runStarted + 60_000).toISOString();

const tables: Record<string, Table> = {
  "sessions.lessons": table({ match: [{ column: "title", prefix: true }], time: "created_at" }),
  "sessions.groups": table({ parents: { lesson_id: { partOf: "sessions.lessons" } }, time: "created_at" }),
};

beforeAll(async () => {
  stores = await startTestStores();
});
afterAll(() => stores.stop());
afterEach(async () => {
  Object.assign(stores.warehouse.faults, noFaults());
  await stores.keys.flushall();
  await school.close();
});

/** A session of this run with a server-made id, its group, another run's session, and a production session with a group. */
async function open(extra: Record<string, Record<string, string>> = {}): Promise<void> {
  const columns = { columns: { id: "string", title: "string", created_at: "timestamp" } };
  const groups = { columns: { id: "string", lesson_id: "string", created_at: "timestamp" } };
  const more = Object.entries(extra).map(([name, written]) => [name, { columns: written }]);
  school = await stores.catalog(`school${count++}`, {
    "sessions.lessons": columns,
    "sessions.groups": groups,
    ...Object.fromEntries(more),
  });
  await school.insert("sessions.lessons", [
    { id: "uuid-of-mine", title: `${mine} maths`, created_at: during },
    { id: "uuid-of-other", title: `integration_test_${runStarted}_ffffffff maths`, created_at: during },
    { id: "production-lesson", title: "Maths", created_at: old },
  ]);
  await school.insert("sessions.groups", [
    { id: "group-of-mine", lesson_id: "uuid-of-mine", created_at: during },
    { id: "group-of-production", lesson_id: "production-lesson", created_at: old },
  ]);
}

async function ids(name: string): Promise<string[]> {
  return (await school.rows(name)).map((row) => String(row.id)).sort();
}

const kept = { lessons: ["production-lesson", "uuid-of-other"], groups: ["group-of-production"] };
const untouched = { lessons: ["production-lesson", "uuid-of-mine", "uuid-of-other"], groups: ["group-of-mine", ...kept.groups] };

async function state(): Promise<typeof kept> {
  return { lessons: await ids("sessions.lessons"), groups: await ids("sessions.groups") };
}

async function cleanUp(request: CleanupRequest): Promise<CleanupResult> {
  return await executeCleanup(await prove(school.ports()), await planCleanup(school.ports(), request));
}

function deletesSeen(): string[] {
  return stores.warehouse.statements
    .map((statement) => statement.sql)
    .filter((sql) => sql.includes("DELETE FROM") && sql.includes(`\`${school.name}\``));
}

describe("a plan", () => {
  it("has the same digest for the same data, and a different one for different data", async () => {
    await open();
    const digest = async () => (await planCleanup(school.ports(), requestFor(tables))).digest;
    const first = await digest();
    expect(await digest()).toBe(first);
    await school.insert("sessions.groups", [{ id: "one more", lesson_id: "uuid-of-mine", created_at: during }]);
    const second = await digest();
    expect(second).not.toBe(first);
    await stores.keys.set("session:uuid-of-mine:code", "1");
    expect(await digest()).not.toBe(second);
  });

  it.each([
    ["maxRows", { maxRows: 1 }],
    ["maxShare", { maxShare: 0.2 }],
  ])("over %s is not executed, and nothing is sent", async (limit, testData) => {
    await open();
    await school.insert(
      "sessions.lessons",
      Array.from({ length: 60 }, (_, index) => ({ id: `mine-${index}`, title: `${mine} ${index}`, created_at: during })),
    );
    await school.insert(
      "sessions.lessons",
      Array.from({ length: 60 }, (_, index) => ({ id: `theirs-${index}`, title: "Maths", created_at: old })),
    );
    await stores.keys.set("session:uuid-of-mine:code", "1");
    const result = await cleanUp(requestFor(tables, { testData }));
    expect(result).toMatchObject({ deletedRows: 0, deletedKeys: 0, leftOver: 63 });
    expect(result.problems.join()).toContain(limit);
    expect(deletesSeen()).toEqual([]);
    expect(await stores.keys.exists("session:uuid-of-mine:code")).toBe(1);
    expect(judgeCleanup(result, 1).verdict).toBe("failed");
  });

  const load = (id: string, count: number, title: string, madeAt = "NULL") =>
    stores.warehouse.load(
      `INSERT INTO ${school.name}.sessions.lessons (id, title, created_at) SELECT '${id}-' || i, ${title} || i, ${madeAt} FROM range(${count}) AS t(i)`,
    );
  const timed = (time: number) => `'integration_test_${time}_0a0b0c0d '`;

  it("based on part of a table is refused: kept rows must not hide rows to delete", async () => {
    await open();
    await load("ageless", 20_001, "'integration_test_without_time '");
    await load("expired", 3, timed(runStarted - 86_400_000));
    const request = requestFor(tables, { scope: "expired" });
    expect(judgeLeftovers(describePlan(await planCleanup(school.ports(), request), true)).verdict).toBe("error");
    const result = await cleanUp(request);
    expect(result).toMatchObject({ deletedRows: 0, leftOver: null });
    expect(result.problems.join()).toMatch(/sessions\.lessons has more than 20000 rows .*testData\.maxRows \(20000\)/);
    expect(judgeCleanup(result, 1).verdict).toBe("error");
    expect(deletesSeen()).toEqual([]);

    // The fix that the message names.
    const cured = await cleanUp(requestFor(tables, { scope: "expired", testData: { maxRows: 20_100 } }));
    expect(cured).toMatchObject({ deletedRows: 3, leftOver: 0, problems: [] });
  });

  it("for expired data finds it behind any number of recent rows, whatever shows their age", async () => {
    await open();
    const before = stores.warehouse.statements.length;
    await load("young", 20_001, timed(runStarted));
    await load("integration_test_young", 20_001, "'integration_test_untimed '", `to_timestamp(${runStarted / 1000})`);
    await load(`integration_test_${runStarted}_0a0b0c0d`, 20_001, "'integration_test_untimed '");
    await load("expired", 3, timed(runStarted - 86_400_000), `to_timestamp(${runStarted / 1000 - 86_400})`);
    // Created by an old run that still runs, so not certainly expired.
    await load("long-run", 1, timed(runStarted - 86_400_000), `to_timestamp(${runStarted / 1000})`);
    await load("expired-too", 2, "'integration_test_untimed '", `to_timestamp(${runStarted / 1000 - 86_400})`);
    const result = await cleanUp(requestFor(tables, { scope: "expired", testData: { maxShare: 1 } }));
    expect(result).toMatchObject({ deletedRows: 5, leftOver: 0, problems: [] });
    expect(await school.warehouse.query("SELECT count(*) AS rows FROM sessions.lessons")).toEqual([
      { rows: BigInt(3 + 3 * 20_001 + 1) },
    ]);
    // Searched and deleted in as few statements as if nothing were recent.
    expect(stores.warehouse.statements.length - before).toBeLessThan(20);
  });

  it("is verified as carefully: a table read only in part is unknown, not clean", async () => {
    await open();
    const plan = await planCleanup(school.ports(), requestFor(tables, { scope: "expired", now: runStarted + 86_400_000 }));
    expect(plan.rows?.rows).toBe(3);
    await load("ageless", 20_001, "'integration_test_without_time '");
    const result = await executeCleanup(await prove(school.ports()), plan);
    expect(result.leftOver).toBeNull();
    expect(judgeCleanup(result, 1).verdict).toBe("error");
  });

  it("deletes dependent rows first, tracked or not, because a later sweep has no ledger", async () => {
    await open();
    const ledger = parseLedger('{"table":"sessions.groups","id":"group-of-mine"}\n');
    const { rows } = await planCleanup(school.ports(), requestFor(tables, { ledger }));
    expect(rows?.batches.map((wave) => wave.map(({ table }) => table))).toEqual([["sessions.groups"], ["sessions.lessons"]]);
  });

  it("deletes a row before all its parents if one of them is only in the ledger, or has no row", async () => {
    await open({
      "sessions.teams": { id: "string", title: "string" },
      "sessions.seats": { id: "string", team_id: "string", lesson_id: "string" },
    });
    const rooms = {
      "sessions.lessons": tables["sessions.lessons"] as Table,
      "sessions.teams": table({ match: [{ column: "title", prefix: true }] }),
      "sessions.seats": table({ parents: { team_id: { partOf: "sessions.teams" }, lesson_id: { partOf: "sessions.lessons" } } }),
    };
    const batches = async () => {
      const ledger = parseLedger('{"table":"sessions.teams","id":"team"}\n');
      const { rows } = await planCleanup(school.ports(), requestFor(rooms, { ledger }));
      return rows?.batches.map((wave) => wave.map(({ table }) => table).sort());
    };
    await school.insert("sessions.seats", [{ id: "seat", team_id: "team", lesson_id: "uuid-of-mine" }]);
    expect(await batches()).toEqual([["sessions.seats"], ["sessions.lessons"]]);
    await school.insert("sessions.teams", [{ id: "team", title: null }]);
    expect(await batches()).toEqual([["sessions.seats"], ["sessions.lessons", "sessions.teams"]]);
    // If a sweep finds the team, it finds the seat too, so no extra batch is needed.
    await school.warehouse.deleteRows(rowsWith("sessions.teams", "id", "team"));
    await school.insert("sessions.teams", [{ id: "team", title: `${mine} team` }]);
    expect(await batches()).toEqual([["sessions.lessons", "sessions.seats"], ["sessions.teams"]]);
  });

  it("deletes a row that came back before all its parents if one of them is gone for good", async () => {
    await open({
      "sessions.teams": { id: "string", title: "string" },
      "sessions.seats": { id: "string", team_id: "string", lesson_id: "string" },
    });
    const rooms = {
      "sessions.lessons": tables["sessions.lessons"] as Table,
      "sessions.teams": table({ match: [{ column: "title", prefix: true }] }),
      "sessions.seats": table({ parents: { team_id: { partOf: "sessions.teams" }, lesson_id: { partOf: "sessions.lessons" } } }),
    };
    await school.insert("sessions.teams", [{ id: "team", title: `${mine} team` }]);
    const first = await planCleanup(school.ports(), requestFor(rooms));
    await school.warehouse.deleteRows(rowsWith("sessions.teams", "id", "team"));
    await school.insert("sessions.seats", [{ id: "late", team_id: "team", lesson_id: "uuid-of-mine" }]);
    const { rows } = await planCleanup(school.ports(), requestFor(rooms), first);
    expect(rows?.batches.map((wave) => wave.map(({ table }) => table))).toEqual([["sessions.seats"], ["sessions.lessons"]]);
  });

  it("deletes rows that depend on each other before all their parents, however late those are found", async () => {
    const self = { id: "string", title: "string", up: "string", lesson_id: "string" };
    await open({ "sessions.courses": self, "sessions.teams": self });
    const nested = {
      "sessions.courses": table({ match: [{ column: "title", prefix: true }], parents: { up: { partOf: "sessions.courses" } } }),
      "sessions.teams": table({ parents: { up: { partOf: "sessions.teams" }, lesson_id: { partOf: "sessions.courses" } } }),
    };
    const row = (id: string, more: object) => ({ id, title: null, up: null, lesson_id: null, ...more });
    await school.insert("sessions.courses", [
      row("course", { title: `${mine} course` }),
      row("part", { up: "course" }),
      row("part-of-part", { up: "part" }),
    ]);
    await school.insert("sessions.teams", [
      row("tracked", { up: "twin", lesson_id: "part-of-part" }),
      row("twin", { up: "tracked" }),
    ]);
    const ledger = parseLedger('{"table":"sessions.teams","id":"tracked"}\n');
    const { rows } = await planCleanup(school.ports(), requestFor(nested, { ledger }));
    expect(rows?.batches.map((wave) => wave.map((one) => [one.table, one.rows]))).toEqual([
      [["sessions.teams", 2]],
      [["sessions.courses", 3]],
    ]);
  });

  it("needs no order if an id identifies itself: a sweep finds dependents without the row", async () => {
    await open({ "sessions.seats": { id: "string", lesson_id: "string" } });
    const byId = {
      "sessions.lessons": table({ match: [{ column: "id", prefix: true }] }),
      "sessions.seats": table({
        match: [{ column: "id", prefix: true }],
        parents: { lesson_id: { partOf: "sessions.lessons" } },
      }),
    };
    await school.insert("sessions.lessons", [{ id: `${mine}_lesson`, title: null, created_at: null }]);
    await school.insert("sessions.seats", [{ id: "integration_test_seat", lesson_id: `${mine}_lesson` }]);
    const { rows } = await planCleanup(school.ports(), requestFor(byId));
    expect(rows?.batches.map((wave) => wave.map(({ table }) => table))).toEqual([["sessions.lessons", "sessions.seats"]]);
    await school.warehouse.deleteRows(rowsWith("sessions.lessons", "id", `${mine}_lesson`));
    const later = requestFor(byId, { scope: "expired", now: runStarted + 86_400_000 });
    expect(await cleanUp(later)).toMatchObject({ deletedRows: 1, leftOver: 0 });
    expect(await ids("sessions.seats")).toEqual([]);
  });

  it("reports missing tables and columns, and still finds the rest", async () => {
    await open();
    const changed = {
      ...tables,
      "sessions.gone": table({ match: [{ column: "id", prefix: true }] }),
      "sessions.groups": table({
        match: [{ column: "label", prefix: true }],
        parents: { lesson_id: { partOf: "sessions.lessons" } },
        time: "made",
      }),
    };
    const plan = await planCleanup(school.ports(), requestFor(changed));
    expect(plan.rows?.notes.join("; ")).toMatch(
      /no column made.*1 table of the preset does not exist, or this principal may not see it: sessions\.gone/,
    );
    expect(plan.problems).toEqual([expect.stringContaining("sessions.groups has no column label")]);
    expect(plan.rows?.rows).toBe(2);
  });

  it("finds rows that point at test data in a missing or hidden table", async () => {
    await open();
    const hidden = { ...tables, "sessions.gone": table({ match: [{ column: "id", prefix: true }] }) };
    const pointing = {
      ...hidden,
      "sessions.groups": table({ parents: { lesson_id: { partOf: "sessions.gone" } }, time: "created_at" }),
    };
    await school.insert("sessions.groups", [{ id: "orphan", lesson_id: `${mine}_lesson`, created_at: during }]);
    const result = await cleanUp(requestFor(pointing));
    expect(result).toMatchObject({ deletedRows: 2, leftOver: 0, problems: [] });
    expect(await ids("sessions.groups")).toEqual(["group-of-mine", "group-of-production"]);
  });

  it("reports a missing parent key, because dependent rows cannot be found", async () => {
    await open();
    const changed = { ...tables, "sessions.lessons": table({ ...tables["sessions.lessons"], key: "lesson" }) };
    const plan = await planCleanup(school.ports(), requestFor(changed));
    expect(plan.problems).toEqual([expect.stringContaining("sessions.lessons has no column lesson")]);
  });
});

describe("data that is not the run's", () => {
  it("cannot be claimed by the ledger: an older row and its dependents are refused", async () => {
    await open();
    const ledger = parseLedger('{"table":"sessions.lessons","id":"production-lesson"}\n');
    await stores.keys.set("session:production-lesson:code", "1");
    const result = await cleanUp(requestFor(tables, { ledger }));
    expect(await state()).toEqual(kept);
    expect(await stores.keys.exists("session:production-lesson:code")).toBe(1);
    expect(result).toMatchObject({ deletedRows: 2, leftOver: 0 });
    expect(result.problems).toEqual([expect.stringMatching(/production-lesson is kept.*older than the run/)]);
  });

  it("is recognised even by a date: the day of the run counts, the day before doesn't", async () => {
    const day = (time: number) => new Date(time).toISOString().slice(0, 10);
    await open({ "sessions.days": { id: "string", lesson_id: "string", day: "date" } });
    await school.insert("sessions.days", [
      { id: "of-the-run", lesson_id: "uuid-of-mine", day: day(runStarted) },
      { id: "of-long-ago", lesson_id: "uuid-of-mine", day: day(runStarted - 3 * 86_400_000) },
    ]);
    const declared = {
      ...tables,
      "sessions.days": table({ parents: { lesson_id: { partOf: "sessions.lessons" } }, time: "day" }),
    };
    const result = await cleanUp(requestFor(declared));
    expect(await ids("sessions.days")).toEqual(["of-long-ago"]);
    // The lesson that it points at is kept too, so the reference stays valid.
    expect(await ids("sessions.lessons")).toContain("uuid-of-mine");
    expect(result.touched).toEqual([
      expect.objectContaining({ key: { column: "id", value: "of-long-ago" }, column: "lesson_id", now: "uuid-of-mine" }),
    ]);
    expect(judgeCleanup(result, 1).verdict).toBe("failed");
  });

  it.each([
    ["without a zone", "2026-06-01 11:30:00", true],
    ["of another zone", "2026-06-01T13:30:00.123456+02", true],
    ["a date only", "2026-06-01", true],
    ["that is none", "12", true],
    ["without a zone, hours ago", "2026-06-01 06:00:00.5", true],
    ["without a zone that is old in any", "2026-05-31 06:00:00.5", false],
  ])("is recognised by a time as text, %s, in any time zone", async (_, written, young) => {
    await open({ "sessions.days": { id: "string", written: "string" } });
    await school.insert("sessions.days", [{ id: "integration_test_day", written }]);
    // Together with tables that have another kind of time, asked in the same statement.
    const declared = { ...tables, "sessions.days": table({ match: [{ column: "id", prefix: true }], time: "written" }) };
    const zone = process.env.TZ;
    // Nine hours ahead: a time without a zone would look that much older.
    process.env.TZ = "Asia/Tokyo";
    try {
      await cleanUp(requestFor(declared, { scope: "expired", now: runStarted }));
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
    expect(await ids("sessions.days")).toEqual(young ? ["integration_test_day"] : []);
  });

  it("keeps the Redis keys with its id, whatever the ledger claims; deleted rows' keys are deleted", async () => {
    await open();
    // Two wrong lines, as seen in practice: a production key, and the id of a real row under the wrong table.
    const real = [
      "cw:production:settings",
      ...["session", "teacher_sessions", "cw:x"].map((name) => `${name}:production-lesson`),
    ];
    const mine = ["session:uuid-of-mine:code", "cw:a:group-of-mine"];
    await stores.keys.mset(...[...real, ...mine].flatMap((key) => [key, "1"]));
    const ledger = parseLedger(
      [
        { key: "cw:production:settings" },
        { table: "sessions.groups", id: "production-lesson" },
        { table: "sessions.groups", id: "group-of-mine" },
      ]
        .map((line) => JSON.stringify(line))
        .join("\n"),
    );
    const ports = school.ports();
    const plan = await planCleanup(ports, requestFor(tables, { ledger }));
    // The application writes once more during the deletes, so no row that shows the id is left for the next round.
    const warehouse = Object.create(ports.warehouse as object, {
      deleteRows: {
        value: async (...words: Parameters<NonNullable<typeof ports.warehouse>["deleteRows"]>) => {
          await stores.keys.set("late:uuid-of-mine", "1");
          return await ports.warehouse?.deleteRows(...words);
        },
      },
    });
    const result = await executeCleanup(await prove({ ...ports, warehouse }), plan);
    expect((await stores.keys.keys("*")).sort()).toEqual(real.sort());
    expect(result).toMatchObject({ deletedRows: 2, deletedKeys: 3, leftOver: 0 });
    expect(result.problems.join()).toContain("cw:production:settings");
    expect(result.notes.join()).toMatch(/sessions\.groups: 1 row that the ledger names was not found/);
    expect(judgeCleanup(result, 0).verdict).toBe("failed");
  });

  it("in protected tables is kept, however the table is declared or spelled", async () => {
    await open({ "compliance.audit_log": { id: "string", lesson_id: "string" } });
    await school.insert("compliance.audit_log", [{ id: `${mine}_entry`, lesson_id: "uuid-of-mine" }]);
    const declared = {
      ...tables,
      "compliance.audit_log": table({
        match: [{ column: "id", prefix: true }],
        parents: { lesson_id: { partOf: "sessions.lessons" } },
      }),
    };
    const result = await cleanUp(requestFor(declared, { testData: { protectedTables: ["Compliance.*"] } }));
    expect(await ids("compliance.audit_log")).toEqual([`${mine}_entry`]);
    expect(result.notes.join()).toContain("compliance.audit_log is protected: 1 row about");
    expect(result).toMatchObject({ leftOver: 0, problems: [] });
    expect(deletesSeen().join()).not.toContain("audit_log");
  });

  it("in undeclared tables is reported, by every column that points at test data", async () => {
    await open({
      "analytics.notes": { id: "string", lesson_id: "string" },
      "sessions.seats": { id: "string", lesson_id: "string" },
    });
    await school.insert("analytics.notes", [{ id: "note", lesson_id: "uuid-of-mine" }]);
    const twice = { ...tables, "sessions.seats": table({ parents: { lesson_id: { partOf: "sessions.groups" } } }) };
    const result = await cleanUp(requestFor(twice));
    expect(result.problems).toEqual([expect.stringContaining("1 row of analytics.notes depends on test data")]);
    expect(judgeCleanup(result, 1).verdict).toBe("failed");
  });

  it("in a view is deleted with the rows of the view's table", async () => {
    await open({ "analytics.active": { id: "string", lesson_id: "string" } });
    await school.insert("analytics.active", [{ id: "shown", lesson_id: "uuid-of-mine" }]);
    // The local warehouse has no views; this is a table that is reported as one.
    const query: Catalog["warehouse"]["query"] = async (sql, parameters) =>
      sql.includes("information_schema.tables")
        ? [{ table_schema: "analytics", table_name: "active" }]
        : await school.warehouse.query(sql, parameters);
    const ports = school.ports({ warehouse: { ...school.warehouse, query } });
    const plan = await planCleanup(ports, requestFor(tables));
    expect(judgeCleanup(describePlan(plan, true), 1)).toMatchObject({ verdict: "passed" });
    expect(await executeCleanup(await prove(ports), plan)).toMatchObject({ deletedRows: 2, leftOver: 0, problems: [] });
  });

  describe("in a declared view", () => {
    /** The local warehouse has no views; this is a table that is reported as one. */
    const withView = async (declared: Table, own: boolean) => {
      await open({ "analytics.active": { id: "string", lesson_id: "string" } });
      await school.insert("analytics.active", [{ id: "shown", lesson_id: "uuid-of-mine" }]);
      const query: Catalog["warehouse"]["query"] = async (sql, parameters) =>
        sql.includes("information_schema.tables")
          ? [{ table_schema: "analytics", table_name: "active" }]
          : await school.warehouse.query(sql, parameters);
      const ports = school.ports({ warehouse: { ...school.warehouse, query } });
      const views = { "analytics.active": declared };
      const request = requestFor({ ...tables, ...views }, { testData: { tables: own ? views : {} } });
      return await executeCleanup(await prove(ports), await planCleanup(ports, request));
    };
    const hanging = table({ parents: { lesson_id: { partOf: "sessions.lessons" } } });

    it("is refused before anything is deleted, like a missing table", async () => {
      const result = await withView(hanging, true);
      expect(result).toMatchObject({ deletedRows: 0, leftOver: 2 });
      expect(result.problems.join()).toMatch(/testData\.tables names analytics\.active, but that is a view.*declare the table/);
      expect(judgeCleanup(result, 1).verdict).toBe("failed");
      expect(deletesSeen()).toEqual([]);
    });

    it("is a problem if the preset declares it, and stops nothing else", async () => {
      const result = await withView(hanging, false);
      expect(result).toMatchObject({ deletedRows: 2, leftOver: 0 });
      expect(result.problems).toEqual([
        expect.stringMatching(/analytics\.active.*is a view, so its rows cannot be deleted here/),
      ]);
      expect(judgeCleanup(result, 1).verdict).toBe("failed");
    });

    it("without any rule is kept, and reported as not ours", async () => {
      expect(await withView(table({}), true)).toMatchObject({ deletedRows: 2, leftOver: 0, problems: [] });
    });
  });

  it("in undeclared tables is no longer a problem once it is gone", async () => {
    await open({ "analytics.notes": { id: "string", lesson_id: "string" } });
    await school.insert("analytics.notes", [{ id: "note", lesson_id: "uuid-of-mine" }]);
    const plan = await planCleanup(school.ports(), requestFor(tables));
    expect(plan.problems).toHaveLength(1);
    await school.warehouse.deleteRows(rowsWith("analytics.notes", "id", "note"));
    expect((await executeCleanup(await prove(school.ports()), plan)).problems).toEqual([]);
  });

  // The second is also a member of every object.
  it.each(["sessions.nowhere", "toString"])("in a table that only the ledger names is reported: %s", async (table) => {
    await open();
    const result = await cleanUp(requestFor(tables, { ledger: parseLedger(`${JSON.stringify({ table, id: "x" })}\n`) }));
    expect(result.problems).toEqual([expect.stringContaining(`the ledger names 1 row of ${table}`)]);
  });

  it("in a store that isn't configured is reported if the ledger names it", async () => {
    await open();
    const ledger = parseLedger('{"table":"sessions.groups","id":"group-of-mine"}\n{"key":"tracked:key"}\n');
    const { signal, onStep } = school.ports();
    const [rows, keys] = [{ warehouse: school.warehouse }, { redis: stores.redis }];
    const problems = async (ports: object) =>
      (await planCleanup({ ...ports, signal, onStep }, requestFor(tables, { ledger }))).problems;
    expect(await problems({ ...rows, ...keys })).toEqual([]);
    expect(await problems(rows)).toEqual([
      "the ledger names 1 key, but this environment has no redis: what the ledger names is kept",
    ]);
    expect(await problems(keys)).toEqual([
      "the ledger names 1 row, but this environment has no databricks: what the ledger names is kept",
    ]);
  });

  it("a row that another run creates again, under a deleted key", async () => {
    await open();
    const row = { id: "fixed-id", title: "integration_test_fixture" };
    await school.insert("sessions.lessons", [{ ...row, created_at: old }]);
    await school.insert("sessions.groups", [{ id: "of-old", lesson_id: "fixed-id", created_at: old }]);
    const now = new Date(runStarted).toISOString();
    const deleteRows: Catalog["warehouse"]["deleteRows"] = async (deletion) => {
      const gone = await school.warehouse.deleteRows(deletion);
      const name = deletion.table;
      if (name === "sessions.lessons" && (await ids(name)).includes("fixed-id") === false) {
        await school.insert("sessions.lessons", [{ ...row, created_at: now }]);
        await school.insert("sessions.groups", [{ id: "of-new", lesson_id: "fixed-id", created_at: now }]);
      }
      return gone;
    };
    const ports = school.ports({ warehouse: { ...school.warehouse, deleteRows } });
    const request = requestFor(tables, { scope: "expired", now: runStarted + 600_000 });
    const result = await executeCleanup(await prove(ports), await planCleanup(ports, request));
    expect((await ids("sessions.lessons")).includes("fixed-id")).toBe(true);
    expect((await ids("sessions.groups")).includes("of-new")).toBe(true);
    expect(result).toMatchObject({ deletedRows: 2, leftOver: 0, problems: [] });
  });

  it("another run's, at the same time", async () => {
    await open();
    const other = requestFor(tables, { runId: `${runStarted}_ffffffff` });
    await school.insert("sessions.groups", [{ id: "group-of-other", lesson_id: "uuid-of-other", created_at: during }]);
    const results = await Promise.all([cleanUp(requestFor(tables)), cleanUp(other)]);
    for (const result of results) {
      expect(result).toMatchObject({ plannedRows: 2, deletedRows: 2, leftOver: 0, problems: [] });
      expect(result.tables.map((one) => one.problem)).toEqual([undefined, undefined]);
    }
    expect(await state()).toEqual({ lessons: ["production-lesson"], groups: ["group-of-production"] });
  });
});

describe("the wrong target", () => {
  const warehouse = (changes: object) => (right: Environment) => ({ ...right, databricks: { ...right.databricks, ...changes } });
  const redis = (changes: object) => (right: Environment) => ({ ...right, redis: { ...right.redis, ...changes } });

  it.each([
    ["host", warehouse({ expect: { host: "prod.cloud.databricks.com" } }), /Databricks host/],
    ["host, of which ours is a part", warehouse({ expect: { host: "prod-localhost" } }), /Databricks host/],
    ["catalog", warehouse({ catalog: "production" }), /Databricks catalog/],
    ["principal", warehouse({ expect: { host: "localhost", principal: "else@school.example" } }), /Databricks principal/],
    ["Redis host", redis({ expect: { host: "redis.production" } }), /Redis host/],
    ["Redis port", redis({ expect: { host: "127.0.0.1:1" } }), /Redis host/],
    ["Redis database", redis({ expect: { host: "127.0.0.1", database: 7 } }), /Redis database/],
    ["access", (right: Environment) => ({ ...right, access: "read-only" as const }), /read-only/],
    ["missing expectation", warehouse({ expect: undefined }), /databricks.expect is missing/],
    ["missing expectation of Redis", redis({ expect: undefined }), /redis.expect is missing/],
  ])("is recognised by its %s before anything is written", async (_, change, message) => {
    await open();
    await stores.keys.set("session:uuid-of-mine:code", "1");
    const ports = school.ports({ environment: change(school.ports().environment) as Environment });
    const plan = await planCleanup(ports, requestFor(tables));
    const failure: unknown = await prove(ports)
      .then((proven) => executeCleanup(proven, plan))
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WrongTarget);
    expect((failure as Error).message).toMatch(message);
    expect(deletesSeen()).toEqual([]);
    expect(await state()).toEqual(untouched);
    expect(await stores.keys.dbsize()).toBe(1);
  });
});

describe("a deletion that goes wrong", () => {
  it("deletes rows that come back", async () => {
    await open();
    stores.warehouse.faults.reappearingRows = 1;
    const result = await cleanUp(requestFor(tables));
    expect(result.leftOver).toBe(0);
    expect(deletesSeen()).toHaveLength(3);
    expect(await state()).toEqual(kept);
  });

  it("reports rows that keep coming back as left over, never 0", async () => {
    await open();
    stores.warehouse.faults.reappearingRows = 1000;
    const result = await cleanUp(requestFor(tables));
    expect(result.leftOver).toBeGreaterThan(0);
    expect(judgeCleanup(result, 1).verdict).toBe("failed");
  });

  it("reports a wrong count, and the second search decides", async () => {
    await open();
    stores.warehouse.faults.wrongDeleteCount = 1;
    const result = await cleanUp(requestFor(tables));
    expect(result.leftOver).toBe(0);
    for (const one of result.tables) {
      expect(one).toMatchObject({ left: 0, problem: expect.any(String) });
      expect(one.deleted).toBeUndefined();
    }
    expect(judgeCleanup(result, 1).verdict).toBe("degraded");
  });

  it("reports an unknown count after a lost answer, and the second search decides", async () => {
    await open();
    const plan = await planCleanup(school.ports(), requestFor({ "sessions.lessons": tables["sessions.lessons"] as Table }));
    await school.warehouse.identity();
    const ports = school.ports({
      onStep: (text) => {
        if (text.startsWith("deleting from"))
          stores.warehouse.faults.dropSockets.push({ when: "after", times: 1, rpc: "ExecuteStatement" });
      },
    });
    const result = await executeCleanup(await prove(ports), plan);
    expect(result).toMatchObject({
      leftOver: 0,
      tables: [{ planned: 1, left: 0, problem: expect.stringContaining("did not report how many rows it deleted") }],
    });
    expect(result.tables[0]?.deleted).toBeUndefined();
  });

  it("continues after a table that cannot be deleted from, and reports its rows as left over", async () => {
    await open({ "sessions.rooms": { id: "string" } });
    await school.insert("sessions.rooms", [{ id: `${mine}_room` }]);
    const withRooms = { ...tables, "sessions.rooms": table({ match: [{ column: "id", prefix: true }] }) };
    const ports = school.ports();
    const plan = await planCleanup(ports, requestFor(withRooms));
    const result = await executeCleanup(await prove({ ...ports, warehouse: failingToDeleteFrom("sessions.groups") }), plan);
    expect(await ids("sessions.rooms")).toEqual([]);
    expect(await ids("sessions.groups")).toEqual(untouched.groups);
    expect(result).toMatchObject({ deletedRows: 1, leftOver: 2 });
    expect(result.tables).toContainEqual(
      expect.objectContaining({ table: "sessions.groups", left: 1, problem: expect.stringContaining("not_there") }),
    );
    expect(judgeCleanup(result, 1).verdict).toBe("failed");
  });

  /** For the same run, a day later: what is left must be found without a ledger. */
  const sweep = (swept = tables) => cleanUp(requestFor(swept, { scope: "expired", now: runStarted + 86_400_000 }));
  const failingToDeleteFrom = (failing: string, times = 100): Catalog["warehouse"] => {
    let failed = 0;
    return {
      ...school.warehouse,
      deleteRows: (deletion) => {
        const fails = deletion.table === failing && failed++ < times;
        return school.warehouse.deleteRows({ ...deletion, ...(fails ? { table: "sessions.not_there" } : {}) });
      },
    };
  };

  describe("keeps rows that lead to others until those are gone:", () => {
    it("if they cannot be deleted", async () => {
      await open();
      const ports = school.ports({ warehouse: failingToDeleteFrom("sessions.groups") });
      const result = await executeCleanup(await prove(ports), await planCleanup(ports, requestFor(tables)));
      expect(await state()).toEqual(untouched);
      expect(result).toMatchObject({ deletedRows: 0, leftOver: 2 });
      expect(result.tables).toContainEqual(
        expect.objectContaining({ table: "sessions.lessons", left: 1, problem: expect.stringContaining("kept: ") }),
      );
      // With the other run's lesson, which is a day old by then as well.
      expect(await sweep()).toMatchObject({ deletedRows: 2 + 1, leftOver: 0, problems: [] });
      expect(await state()).toEqual({ lessons: ["production-lesson"], groups: kept.groups });
    });

    it("if that fails once, they are deleted in the next round", async () => {
      await open();
      const ports = school.ports({ warehouse: failingToDeleteFrom("sessions.groups", 1) });
      const result = await executeCleanup(await prove(ports), await planCleanup(ports, requestFor(tables)));
      expect(await state()).toEqual(kept);
      expect(result).toMatchObject({ deletedRows: 2, leftOver: 0, problems: [] });
      expect(result.tables.find(({ table }) => table === "sessions.lessons")?.problem).toBeUndefined();
    });

    it("if they cannot be read", async () => {
      await open({ "sessions.seats": { id: "string", group_id: "string" } });
      await school.insert("sessions.seats", [{ id: "seat-of-mine", group_id: "group-of-mine" }]);
      const withSeats = { ...tables, "sessions.seats": table({ parents: { group_id: { partOf: "sessions.groups" } } }) };
      const query: Catalog["warehouse"]["query"] = (sql, parameters) =>
        school.warehouse.query(sql.replaceAll("`seats`", "`not_there`"), parameters);
      const ports = school.ports({ warehouse: { ...school.warehouse, query } });
      const result = await executeCleanup(await prove(ports), await planCleanup(ports, requestFor(withSeats)));
      expect(result).toMatchObject({ deletedRows: 0, leftOver: null });
      expect(judgeCleanup(result, 1).verdict).toBe("error");
      expect(await state()).toEqual(untouched);
      // Once it can be read.
      expect(await sweep(withSeats)).toMatchObject({ deletedRows: 3 + 1, leftOver: 0, problems: [] });
      expect(await ids("sessions.seats")).toEqual([]);
    });

    it("if their table is undeclared", async () => {
      await open({ "analytics.notes": { id: "string", lesson_id: "string" } });
      await school.insert("analytics.notes", [{ id: "note", lesson_id: "uuid-of-mine" }]);
      const result = await cleanUp(requestFor(tables));
      expect(result.problems).toEqual([expect.stringContaining("1 row of analytics.notes depends on test data")]);
      expect(judgeCleanup(result, 1).verdict).toBe("failed");
      expect(await state()).toEqual({ ...untouched, groups: kept.groups });
      // After somebody followed the problem's advice.
      const withNotes = { ...tables, "analytics.notes": table({ parents: { lesson_id: { partOf: "sessions.lessons" } } }) };
      expect(await sweep(withNotes)).toMatchObject({ leftOver: 0, problems: [] });
      expect(await ids("analytics.notes")).toEqual([]);
    });

    it("but not those whose ids identify themselves in any column", async () => {
      await open({
        "sessions.rooms": { id: "string" },
        "sessions.desks": { id: "string", room_id: "string" },
        "analytics.notes": { id: "string", room_id: "string" },
      });
      await school.insert("sessions.rooms", [{ id: `${mine}_room` }]);
      await school.insert("analytics.notes", [{ id: "note", room_id: `${mine}_room` }]);
      const withRooms = { ...tables, "sessions.rooms": table({ match: [{ column: "id", prefix: true }] }) };
      const undeclared = { ...withRooms, "sessions.desks": table({ parents: { room_id: { partOf: "sessions.rooms" } } }) };
      const result = await cleanUp(requestFor(undeclared));
      expect(result.problems).toEqual([expect.stringContaining("1 row of analytics.notes depends on test data")]);
      expect(judgeCleanup(result, 1).verdict).toBe("failed");
      expect(await ids("sessions.rooms")).toEqual([]);
      const withNotes = { ...withRooms, "analytics.notes": table({ parents: { room_id: { partOf: "sessions.rooms" } } }) };
      expect(await sweep(withNotes)).toMatchObject({ leftOver: 0, problems: [] });
      expect(await ids("analytics.notes")).toEqual([]);
    });
  });

  describe("if Redis keys cannot be deleted", () => {
    /** A Redis that fails this many deletions. */
    const failing = (times: number) => {
      let failed = 0;
      const unlink = async (keys: readonly string[]) => {
        if (failed++ < times) throw new Error("UNLINK was refused");
        return await stores.redis.unlink(keys);
      };
      return Object.create(stores.redis, { unlink: { value: unlink } }) as TestStores["redis"];
    };
    const cleanUpWith = async (redis: TestStores["redis"]) => {
      const ports = school.ports({ redis });
      return await executeCleanup(await prove(ports), await planCleanup(ports, requestFor(tables)));
    };
    it("keeps the rows that lead to the keys, and the rows that lead to those; a later sweep finds all", async () => {
      await open();
      await stores.keys.set("group:group-of-mine:state", "1");
      const result = await cleanUpWith(failing(100));
      expect(await state()).toEqual(untouched);
      expect(result).toMatchObject({ deletedRows: 0, leftOver: 3, keys: { left: 1, problem: "UNLINK was refused" } });
      for (const one of result.tables) expect(one).toMatchObject({ left: 1, problem: expect.stringContaining("kept: ") });
      expect(judgeCleanup(result, 1)).toMatchObject({
        verdict: "failed",
        message: expect.stringContaining("UNLINK was refused"),
      });

      expect(await sweep()).toMatchObject({ deletedKeys: 1, leftOver: 0, problems: [] });
      expect(await stores.keys.dbsize()).toBe(0);
    });

    it("deletes the rows that lead to no key", async () => {
      await open();
      await stores.keys.mset("session:uuid-of-mine:code", "1", `cw:test:${mine}`, "1");
      const result = await cleanUpWith(failing(100));
      expect(await state()).toEqual({ ...untouched, groups: kept.groups });
      expect(result).toMatchObject({ deletedRows: 1, leftOver: 3, keys: { left: 2 } });

      expect(await sweep()).toMatchObject({ deletedKeys: 2, leftOver: 0, problems: [] });
    });

    it("deletes all rows if the keys identify themselves", async () => {
      await open();
      await stores.keys.set(`cw:test:${mine}`, "1");
      const result = await cleanUpWith(failing(100));
      expect(await state()).toEqual(kept);
      expect(result).toMatchObject({ deletedRows: 2, leftOver: 1, keys: { left: 1 } });
      expect(judgeCleanup(result, 1).verdict).toBe("failed");
    });

    it("tries again in the next round, and deletes the rows once the keys are gone", async () => {
      await open();
      await stores.keys.set("session:uuid-of-mine:code", "1");
      const result = await cleanUpWith(failing(1));
      expect(await state()).toEqual(kept);
      expect(result).toMatchObject({ deletedRows: 2, deletedKeys: 1, leftOver: 0, problems: [] });
      expect(result.tables.map(({ problem }) => problem)).toEqual([undefined, undefined]);
      // How many keys the failed attempt deleted is unknown.
      expect(result.keys).toMatchObject({ left: 0, problem: "UNLINK was refused" });
      expect(result.keys.deleted).toBeUndefined();
      expect(judgeCleanup(result, 1)).toMatchObject({
        verdict: "degraded",
        observed: "2 rows and an unknown number of keys deleted, 0 left",
      });
      expect(await stores.keys.dbsize()).toBe(0);
    });
  });

  it("reports unknown if the warehouse is gone at the second search", async () => {
    await open();
    const ports = school.ports();
    const plan = await planCleanup(ports, requestFor(tables));
    const warehouse = { ...school.warehouse, query: () => Promise.reject(new Error("the warehouse is gone")) };
    const result = await executeCleanup(await prove({ ...ports, warehouse }), plan);
    expect(result.leftOver).toBeNull();
    expect(judgeCleanup(result, 1).verdict).toBe("error");
  });
});
