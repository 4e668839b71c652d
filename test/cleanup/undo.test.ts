import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { noFaults } from "../../local/warehouse/faults.ts";
import type { AuditRecord } from "../../src/audit/chain.ts";
import { executeCleanup, prove, type WritingPorts } from "../../src/cleanup/execute/execute.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { executeUndo, planUndo, type UndoResult } from "../../src/cleanup/undo/restore-rows.ts";
import type { Table, TestDataConfig } from "../../src/config/schema.ts";
import type { CleanupResult, Deletion } from "../../src/model/test-data.ts";
import type { TestDataWarehouse } from "../../src/warehouse/access.ts";
import { isRefereed } from "../delta/referee.ts";
import { rowsWith } from "../harness/deletion.ts";
import { type Catalog, requestFor, runId, runStarted, startTestStores, type TestStores, table } from "./test-stores.ts";

// Undo is the last resort: it must report what it cannot do, and restore exactly what was lost.
let stores: TestStores;
let school: Catalog;
let count = 0;

const mine = `integration_test_${runId}`;
const during = new Date(runStarted + 60_000).toISOString();
const tables: Record<string, Table> = {
  "sessions.lessons": table({ match: [{ column: "title", prefix: true }], time: "created_at", person: ["title"] }),
  "sessions.groups": table({ parents: { lesson_id: { partOf: "sessions.lessons" } }, time: "created_at" }),
};

beforeAll(async () => {
  stores = await startTestStores();
});
afterAll(() => stores.stop());
afterEach(async () => {
  Object.assign(stores.warehouse.faults, noFaults());
  await school.close();
});

async function open(lessons: Record<string, string | null>[], groups: Record<string, string | null>[]): Promise<void> {
  school = await stores.catalog(`undo${count++}`, {
    "sessions.lessons": { columns: { id: "string", title: "string", created_at: "timestamp" } },
    "sessions.groups": { columns: { id: "string", lesson_id: "string", created_at: "timestamp" } },
  });
  await school.insert("sessions.lessons", lessons);
  if (groups.length > 0) await school.insert("sessions.groups", groups);
}

const usual = [
  { id: "one", title: `${mine} maths`, created_at: during },
  { id: "two", title: `${mine} art`, created_at: during },
  { id: "production", title: "Maths", created_at: during },
];

async function cleanUp(
  declared = tables,
  changes: Partial<WritingPorts> = {},
  testData: Partial<TestDataConfig> = {},
): Promise<CleanupResult> {
  const ports = school.ports(changes);
  return await executeCleanup(await prove(ports), await planCleanup(ports, requestFor(declared, { testData })));
}

const told: AuditRecord[] = [];

async function undo(
  cleanup: CleanupResult,
  { protectedTables = [] as string[], dryRun = false, declared = tables } = {},
): Promise<UndoResult> {
  const report = { runId, environment: { name: "sandbox", access: "test-data" as const }, cleanup };
  const plan = await planUndo(school.warehouse, { report, tables: declared, protectedTables });
  if (dryRun) return plan.result;
  const audit = async (note: AuditRecord) => void told.push(note);
  const { environment } = school.ports();
  return await executeUndo({ warehouse: school.warehouse, environment, audit }, plan, new Map());
}

const all = async (name: string) => (await school.rows(name)).map((row) => `${row.id} ${row.title ?? row.lesson_id}`).sort();

/** The report, with the first delete of a table changed. */
function changed(cleanup: CleanupResult, change: Partial<Deletion>): CleanupResult {
  return {
    ...cleanup,
    tables: cleanup.tables.map((one) => ({
      ...one,
      deletions: one.deletions?.map((deletion) => ({ ...deletion, ...change })) ?? [],
    })),
  };
}

describe("undo", () => {
  it("only shows what would be restored, unless told to execute", async () => {
    await open(usual, [{ id: "group", lesson_id: "one", created_at: during }]);
    const cleanup = await cleanUp();
    const seen = stores.warehouse.statements.length;
    const shown = await undo(cleanup, { dryRun: true });
    expect(shown.tables.map(({ table, restorable }) => [table, restorable]).sort()).toEqual([
      ["sessions.groups", 1],
      ["sessions.lessons", 2],
    ]);
    expect(stores.warehouse.statements.slice(seen).filter(({ sql }) => sql.includes("INSERT"))).toEqual([]);
    expect(await all("sessions.lessons")).toEqual(["production Maths"]);
  });

  it("restores everything, and records it in the audit log without values", async () => {
    await open(usual, [{ id: "group", lesson_id: "one", created_at: during }]);
    const before = [await all("sessions.lessons"), await all("sessions.groups")];
    const cleanup = await cleanUp();
    told.length = 0;
    await undo(cleanup);
    expect([await all("sessions.lessons"), await all("sessions.groups")]).toEqual(before);
    expect(told.map(({ action, details, counts }) => [action, details.what, details.table, counts.restored]).sort()).toEqual([
      ["statement", "restore", "sessions.groups", 1],
      ["statement", "restore", "sessions.lessons", 2],
    ]);
    expect(JSON.stringify(told)).not.toMatch(/maths|art|group"/);
  });

  // It waits for a moment that a slow referee passes.
  it.skipIf(isRefereed)("restores what a cleanup deleted before it was cancelled", async () => {
    await open(usual, [{ id: "group", lesson_id: "one", created_at: during }]);
    const stopped = new AbortController();
    const ports = await school.reopened(stopped.signal);
    let isRead = false;
    const query: TestDataWarehouse["query"] = async (sql, parameters) => {
      const rows = await ports.warehouse.query(sql, parameters);
      isRead ||= /DESCRIBE HISTORY .* LIMIT 20$/.test(sql) && sql.includes(`\`${school.name}\`.\`sessions\`.\`groups\``);
      return rows;
    };
    const deleteRows: TestDataWarehouse["deleteRows"] = async (deletion) => {
      if (deletion.table !== "sessions.lessons") return await ports.warehouse.deleteRows(deletion);
      // The answer itself: that the server has sent it isn't enough.
      await vi.waitFor(() => expect(isRead).toBe(true), { timeout: 5_000 });
      stopped.abort(new Error("cancelled"));
      return await ports.warehouse.deleteRows(deletion);
    };
    const plan = await planCleanup(ports, requestFor(tables));
    const cleanup = await executeCleanup(await prove({ ...ports, warehouse: { ...ports.warehouse, query, deleteRows } }), plan);
    await ports.warehouse.close();
    expect(cleanup).toMatchObject({ deletedRows: 1, leftOver: null });
    expect(await all("sessions.groups")).toEqual([]);

    await undo(cleanup);
    expect(await all("sessions.groups")).toEqual(["group one"]);
  });

  it("restores what several statements deleted, some of equally many rows", async () => {
    // An apostrophe needs a parameter, and a statement has at most 200 of them.
    const lessons = Array.from({ length: 401 }, (_, at) => ({
      id: `it's ${String(at).padStart(3, "0")}`,
      title: at === 400 ? "Maths" : `${mine} ${at}`,
      created_at: during,
    }));
    await open(lessons.slice(0, 50), []);
    for (let from = 50; from < lessons.length; from += 50)
      await school.insert("sessions.lessons", lessons.slice(from, from + 50));
    const before = await all("sessions.lessons");
    const seen = stores.warehouse.statements.length;
    const cleanup = await cleanUp(tables, {}, { maxShare: 1 });
    expect(cleanup).toMatchObject({ deletedRows: 400, leftOver: 0, problems: [] });
    expect(stores.warehouse.statements.slice(seen).filter(({ sql }) => sql.includes("DELETE FROM"))).toHaveLength(2);
    const [{ deletions = [], deleted, problem } = {}] = cleanup.tables;
    expect([deleted, problem, deletions.map(({ rows }) => rows)]).toEqual([400, undefined, [200, 200]]);
    expect(new Set(deletions.map(({ version }) => version)).size).toBe(2);
    expect(await all("sessions.lessons")).toEqual(["it's 400 Maths"]);
    expect((await undo(cleanup)).tables).toEqual([expect.objectContaining({ restorable: 400, restored: 400 })]);
    expect(await all("sessions.lessons")).toEqual(before);
  });

  it.each(["bigint", "decimal(20,4)", "timestamp"])("restores rows found by keys of type %s", async (type) => {
    school = await stores.catalog(`undo${count++}`, {
      "sessions.lessons": { columns: { id: type, title: "string", number: "int" } },
      "sessions.groups": { columns: { id: type, lesson_id: type } },
      "analytics.notes": { columns: { lesson_id: type } },
    });
    const key = (n: number) => (type === "timestamp" ? `TIMESTAMP '2026-05-0${n} 10:00:00.123456'` : `900719925474099${n}.5`);
    await stores.warehouse.load(`INSERT INTO ${school.name}.sessions.lessons SELECT ${key(1)}, '${mine} maths', 7;
      INSERT INTO ${school.name}.sessions.lessons SELECT ${key(2)}, 'Maths', 8;
      INSERT INTO ${school.name}.sessions.lessons SELECT NULL, '${mine} nameless', 8;
      INSERT INTO ${school.name}.sessions.groups SELECT ${key(3)}, ${key(1)};
      INSERT INTO ${school.name}.sessions.groups SELECT ${key(4)}, ${key(2)};
      INSERT INTO ${school.name}.analytics.notes SELECT ${key(2)};`);
    const byNumber: Record<string, Table> = {
      "sessions.lessons": table({
        match: [
          { column: "title", prefix: true },
          { column: "number", prefix: true },
        ],
        person: ["id"],
      }),
      "sessions.groups": table({ parents: { lesson_id: { partOf: "sessions.lessons" } }, person: ["lesson_id"] }),
    };
    const rows = async () => [await school.rows("sessions.lessons"), await school.rows("sessions.groups")];
    const before = await rows();
    const cleanup = await cleanUp(byNumber);
    expect(cleanup).toMatchObject({ deletedRows: 3, leftOver: 0, problems: [] });
    expect((await rows()).map((left) => left.length)).toEqual([1, 1]);

    const undone = await undo(cleanup, { declared: byNumber });
    expect(undone.tables.flatMap(({ problem }) => problem ?? [])).toEqual([]);
    const texts = (found: Record<string, unknown>[][]) =>
      found.map((some) => some.map((row) => Object.values(row).join()).sort());
    expect(texts(await rows())).toEqual(texts(before));
  });

  it.each([
    ["at the same time", during],
    ["at another time", "2031-01-01T00:00:00Z"],
    ["without a time", null],
  ])("keeps rows that others wrote in the meantime, even under a deleted key, %s", async (_when, created_at) => {
    await open(usual, []);
    const cleanup = await cleanUp();
    await school.insert("sessions.lessons", [
      { id: "one", title: "theirs", created_at },
      { id: "three", title: "theirs, too", created_at },
    ]);
    const result = await undo(cleanup);
    expect(result.tables).toEqual([
      expect.objectContaining({ table: "sessions.lessons", restorable: 1, present: 1, restored: 1 }),
    ]);
    expect(await all("sessions.lessons")).toEqual(["one theirs", "production Maths", `three theirs, too`, `two ${mine} art`]);
  });

  it("restores rows without a key as often as they existed, and never twice", async () => {
    const nameless = { id: null, title: `${mine} nameless`, created_at: during };
    await open([nameless, nameless, { ...nameless, title: "Nameless" }], []);
    const before = await all("sessions.lessons");
    const cleanup = await cleanUp();
    // They are selected by a column that may contain personal data, whose values stay in the warehouse.
    expect(JSON.stringify(cleanup.tables.map((one) => one.deletions))).not.toContain("nameless");
    expect((await undo(cleanup)).tables).toEqual([expect.objectContaining({ deleted: 2, restorable: 2, restored: 2 })]);
    expect(await all("sessions.lessons")).toEqual(before);
    expect((await undo(cleanup)).tables).toEqual([expect.objectContaining({ restorable: 0, present: 2 })]);
    expect(await all("sessions.lessons")).toEqual(before);
  });

  describe.each([
    ["three of a lesson", ["a", "b", "c"]],
    ["one of a lesson", ["a"]],
  ])("of a table whose declared key is not unique, with %s", (_, members) => {
    const declared: Record<string, Table> = {
      "sessions.lessons": table({ match: [{ column: "title", prefix: true }], time: "created_at" }),
      "sessions.members": table({ key: "lesson_id", parents: { lesson_id: { partOf: "sessions.lessons" } } }),
    };
    const rows = [...members.map((who) => ({ lesson_id: "one", who })), ...["x", "y"].map((who) => ({ lesson_id: "real", who }))];
    const written = { lesson_id: "one", who: "written since" };
    const who = async () => (await school.rows("sessions.members")).map((row) => `${row.lesson_id} ${row.who}`).sort();

    it("restores every row next to one written since, and never twice", async () => {
      school = await stores.catalog(`undo${count++}`, {
        "sessions.lessons": { columns: { id: "string", title: "string", created_at: "timestamp" } },
        "sessions.members": { columns: { lesson_id: "string", who: "string" } },
      });
      await school.insert("sessions.lessons", usual);
      await school.insert("sessions.members", rows);
      const before = await who();
      const cleanup = await cleanUp(declared);
      await school.insert("sessions.members", [written]);
      const ofMembers = ({ tables }: UndoResult) => tables.find((one) => one.table === "sessions.members");
      const all = members.length;
      expect(ofMembers(await undo(cleanup, { declared, dryRun: true }))).toMatchObject({ restorable: all, present: 0 });
      expect(ofMembers(await undo(cleanup, { declared }))).toMatchObject({ restored: all });
      expect(await who()).toEqual([...before, "one written since"].sort());
      expect(ofMembers(await undo(cleanup, { declared }))).toMatchObject({ restorable: 0, present: all });
      expect(await who()).toEqual([...before, "one written since"].sort());
    });
  });

  it("restores rows in a table without the key column", async () => {
    const declared: Record<string, Table> = {
      "sessions.lessons": table({ match: [{ column: "title", prefix: true }], time: "created_at" }),
      "sessions.notes": table({ parents: { lesson_id: { partOf: "sessions.lessons" } } }),
    };
    school = await stores.catalog(`undo${count++}`, {
      "sessions.lessons": { columns: { id: "string", title: "string", created_at: "timestamp" } },
      "sessions.notes": { columns: { lesson_id: "string", text: "string" } },
    });
    await school.insert("sessions.lessons", usual);
    const note = { lesson_id: "one", text: "so" };
    await school.insert("sessions.notes", [note, note, { lesson_id: "real", text: "so" }]);
    const before = await school.rows("sessions.notes");
    const cleanup = await cleanUp(declared);
    const undone = (await undo(cleanup, { declared })).tables.find((one) => one.table === "sessions.notes");
    expect(undone).toEqual({ table: "sessions.notes", deleted: 2, restorable: 2, present: 0, restored: 2 });
    expect(await school.rows("sessions.notes")).toEqual(expect.arrayContaining(before));
    expect((await undo(cleanup, { declared })).tables).toContainEqual(
      expect.objectContaining({ table: "sessions.notes", restorable: 0, present: 2 }),
    );
  });

  describe("of rows that reappeared and were deleted again", () => {
    const note = { id: null, title: `${mine} note`, created_at: during };
    it.each([
      ["with a key", usual],
      ["without one, twice the same", [note, note, { ...note, title: "Note" }]],
    ])("restores each once, and shows the number before: rows %s", async (_, rows) => {
      await open(rows, []);
      const before = await all("sessions.lessons");
      stores.warehouse.faults.reappearingRows = 1;
      const cleanup = await cleanUp();
      expect(cleanup.tables[0]?.deletions).toHaveLength(2);
      const shown = { table: "sessions.lessons", deleted: 3, restorable: 2, present: 0 };
      const planned = await undo(cleanup, { dryRun: true });
      expect(planned).toMatchObject({ tables: [shown], notes: [expect.stringMatching(/^sessions\.lessons: 1 of the deleted/)] });
      expect((await undo(cleanup)).tables).toEqual([{ ...shown, restored: 2 }]);
      expect(await all("sessions.lessons")).toEqual(before);
      expect((await undo(cleanup)).tables).toEqual([{ ...shown, restorable: 0, present: 2 }]);
      expect(await all("sessions.lessons")).toEqual(before);
    });

    it("restores the latest content", async () => {
      await open(usual, []);
      const anew = { id: "one", title: `${mine} maths, anew`, created_at: during };
      let first = true;
      const { deleteRows } = school.warehouse;
      const warehouse: TestDataWarehouse = {
        ...school.warehouse,
        async deleteRows(...asked) {
          const rows = await deleteRows(...asked);
          if (first) await school.insert("sessions.lessons", [anew]);
          first = false;
          return rows;
        },
      };
      const cleanup = await cleanUp(tables, { warehouse });
      expect((await undo(cleanup)).tables).toEqual([
        { table: "sessions.lessons", deleted: 3, restorable: 2, present: 0, restored: 2 },
      ]);
      expect(await all("sessions.lessons")).toEqual([`one ${anew.title}`, "production Maths", `two ${mine} art`]);
    });
  });

  describe("with incomplete knowledge of what was deleted", () => {
    /** The first delete is answered like this, and a row reappears afterwards, which the second round deletes. */
    async function cleanUpAfter(answer: (rows: number | undefined) => number | undefined): Promise<CleanupResult> {
      let first = true;
      const { deleteRows } = school.warehouse;
      const warehouse: TestDataWarehouse = {
        ...school.warehouse,
        async deleteRows(...asked) {
          const rows = await deleteRows(...asked);
          if (!first) return rows;
          first = false;
          await school.insert("sessions.lessons", [{ id: "late", title: `${mine} late`, created_at: during }]);
          return answer(rows);
        },
      };
      return await cleanUp(tables, { warehouse });
    }
    const lost = () => undefined;
    const broken = () => {
      throw new Error("socket hang up");
    };

    it.each([
      ["a lost count", lost],
      ["a broken connection", broken],
    ])("says so after %s, whatever a later round deletes", async (_, answer) => {
      await open(usual, []);
      const cleanup = await cleanUpAfter(answer);
      expect(await all("sessions.lessons")).toEqual(["production Maths"]);
      expect(cleanup.tables).toEqual([expect.objectContaining({ deletions: [expect.objectContaining({ rows: 1 })] })]);
      // Three rows were deleted; only one is known.
      expect(cleanup.tables[0]).not.toHaveProperty("deleted");
      expect(cleanup).toMatchObject({ deletedRows: 1, leftOver: 0 });
      expect((await undo(cleanup)).tables).toEqual([
        expect.objectContaining({ restored: 1, problem: expect.stringContaining("could not report how many rows it deleted") }),
      ]);
      expect(await all("sessions.lessons")).toEqual([`late ${mine} late`, "production Maths"]);
    });

    it("says so if the version of one of the deletes was not found", async () => {
      await open(usual, []);
      const cleanup = await cleanUpAfter((rows) => rows);
      const newest = cleanup.tables.map((one) => ({ ...one, deletions: one.deletions?.slice(1) ?? [] }));
      expect((await undo({ ...cleanup, tables: newest }, { dryRun: true })).tables).toEqual([
        expect.objectContaining({
          deleted: 3,
          restorable: 1,
          problem: expect.stringContaining("names the version of only 1 of them"),
        }),
      ]);
    });
  });

  it("has nothing to do after a cleanup that was not executed", async () => {
    await open(usual, []);
    const cleanup = await cleanUp(tables, {}, { maxRows: 1 });
    expect(await all("sessions.lessons")).toHaveLength(3);
    expect(cleanup).toMatchObject({ problems: expect.arrayContaining(["nothing was deleted"]), keys: { deleted: 0 } });
    expect(cleanup.tables).toEqual([expect.objectContaining({ planned: 2, deleted: 0 })]);
    expect((await undo(cleanup)).tables).toEqual([]);
  });

  it("finds the right version if the report has that of another run's delete", async () => {
    await open(
      [...usual, { id: "other", title: "x", created_at: during }, { id: "another", title: "x", created_at: during }],
      [],
    );
    const before = await all("sessions.lessons");
    const cleanup = await cleanUp();
    const own = cleanup.tables[0]?.deletions?.[0]?.version ?? 0;
    await school.warehouse.deleteRows(rowsWith("sessions.lessons", "title", "x"));
    await undo(changed(cleanup, { version: own + 1 }));
    expect(await all("sessions.lessons")).toEqual(before.filter((row) => !row.endsWith(" x")));
  });

  it.each([
    [
      "says when the history no longer reaches back",
      (cleanup: CleanupResult) => changed(cleanup, { version: 500, rows: 77 }),
      {},
      /no longer/,
    ],
    [
      "says when the report does not know the version",
      (cleanup: CleanupResult) => ({ ...cleanup, tables: cleanup.tables.map(({ deletions: _, ...rest }) => rest) }),
      {},
      /does not name the version/,
    ],
    ["never writes to a protected table", (cleanup: CleanupResult) => cleanup, { protectedTables: ["sessions.*"] }, /protected/],
  ])("%s", async (_, change, options, message) => {
    await open(usual, []);
    const cleanup = await cleanUp();
    const seen = stores.warehouse.statements.length;
    const result = await undo(change(cleanup), options);
    expect(result.tables).toEqual([expect.objectContaining({ problem: expect.stringMatching(message) })]);
    expect(result.tables[0]?.restored).toBeUndefined();
    expect(stores.warehouse.statements.slice(seen).filter(({ sql }) => sql.includes("INSERT"))).toEqual([]);
  });

  it("reports that VACUUM removed the older rows", async () => {
    await open(usual, []);
    const cleanup = await cleanUp();
    // Loading without history makes older versions unreadable.
    await stores.warehouse.load(`INSERT INTO ${school.name}.sessions.lessons VALUES ('late', 'late', now())`);
    const result = await undo(cleanup);
    expect(result.tables).toEqual([
      expect.objectContaining({ restorable: 0, problem: expect.stringContaining("no longer has the deleted rows") }),
    ]);
    expect(await all("sessions.lessons")).toEqual(["late late", "production Maths"]);
  });

  it("is sent once: it reports a lost answer, and the next plan shows what happened", async () => {
    await open(usual, []);
    const before = await all("sessions.lessons");
    const cleanup = await cleanUp();
    const plan = {
      report: { runId, environment: { name: "sandbox", access: "test-data" as const }, cleanup },
      tables,
      protectedTables: [],
    };
    const planned = await planUndo(school.warehouse, plan);
    const { environment } = school.ports();
    const warehouse = {
      ...school.warehouse,
      restoreRows: (rows: Parameters<typeof school.warehouse.restoreRows>[0]) => {
        stores.warehouse.faults.dropSockets.push({ when: "after", times: 1, rpc: "ExecuteStatement" });
        return school.warehouse.restoreRows(rows);
      },
    };
    const result = await executeUndo({ warehouse, environment, audit: async () => undefined }, planned, new Map());
    expect(result.tables).toEqual([
      expect.objectContaining({ problem: expect.stringContaining("run undo again without --execute") }),
    ]);
    expect(await all("sessions.lessons")).toEqual(before);
    expect(
      stores.warehouse.statements.filter(({ sql }) => /(?<!EXPLAIN )INSERT/.test(sql) && sql.includes(`\`${school.name}\``)),
    ).toHaveLength(1);
    expect((await undo(cleanup, { dryRun: true })).tables).toEqual([expect.objectContaining({ restorable: 0, present: 2 })]);
  });
});

it("a table named like a member of every object doesn't count as declared", async () => {
  await open([{ id: "1", title: "Maths", created_at: during }], []);
  const forged = { table: "toString", planned: 1, deleted: 1, samples: [], deletions: [{ version: 1, rows: 1, selection: [] }] };
  const cleanup = { ...({} as CleanupResult), deletedKeys: 0, tables: [{ ...forged, statement: "" }] };
  const report = { runId, environment: { name: "x", access: "test-data" as const }, cleanup };
  const { result } = await planUndo(school.warehouse, { report, tables, protectedTables: [] });
  expect(result.tables).toMatchObject([{ problem: "the table is no longer declared in testData.tables" }]);
});
