import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { balance } from "../../src/cleanup/books/balance.ts";
import { changeOf } from "../../src/cleanup/books/history.ts";
import { judgeBooks } from "../../src/cleanup/books/judge.ts";
import { readStart, recordStart, type Start, writeStart } from "../../src/cleanup/books/start.ts";
import type { BooksRequest } from "../../src/cleanup/books/table-balance.ts";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import type { Books, TableBooks } from "../../src/model/test-data.ts";
import { rowsWith } from "../harness/deletion.ts";
import { type Catalog, requestFor, runId, startTestStores, type TestStores, table } from "./test-stores.ts";

const signal = new AbortController().signal;
const prefix = `integration_test_${runId}`;
const otherRun = "1780315200000_ffffffff";

describe("the row changes of a version, from Delta's metrics", () => {
  const of = (operation: string, operationMetrics: unknown, operationParameters: unknown = {}) => {
    const { inserted, updated, deleted } = changeOf({
      version: 1,
      userName: "u",
      operation,
      operationMetrics,
      operationParameters,
    });
    return [inserted, updated, deleted];
  };
  it.each<[string, Record<string, string>, Record<string, string>, (number | undefined)[]]>([
    ["WRITE", { numOutputRows: "3" }, { mode: "Append" }, [3, 0, 0]],
    ["WRITE", { numOutputRows: "3" }, { mode: "Overwrite" }, [3, undefined, undefined]],
    ["WRITE", {}, { mode: "Append" }, [undefined, 0, 0]],
    ["COPY INTO", { numOutputRows: "3" }, {}, [3, 0, 0]],
    ["STREAMING UPDATE", { numOutputRows: "3" }, { outputMode: "Append" }, [3, 0, 0]],
    ["STREAMING UPDATE", { numOutputRows: "3" }, { outputMode: "Complete" }, [3, undefined, undefined]],
    ["CREATE TABLE AS SELECT", { numOutputRows: "3" }, {}, [3, 0, 0]],
    ["CREATE OR REPLACE TABLE AS SELECT", { numOutputRows: "3" }, {}, [undefined, undefined, undefined]],
    ["UPDATE", { numUpdatedRows: "2", numCopiedRows: "9" }, {}, [0, 2, 0]],
    ["DELETE", { numDeletedRows: "2" }, {}, [0, 0, 2]],
    // A delete that only dropped files doesn't report rows: unknown, never zero.
    ["DELETE", { numRemovedFiles: "1" }, {}, [0, 0, undefined]],
    [
      "MERGE",
      { numTargetRowsInserted: "1", numTargetRowsUpdated: "2", numTargetRowsDeleted: "3", numOutputRows: "6" },
      {},
      [1, 2, 3],
    ],
    ["TRUNCATE", { numRemovedFiles: "1" }, {}, [undefined, undefined, undefined]],
    ["RESTORE", { numRestoredFiles: "1" }, {}, [undefined, undefined, undefined]],
    ["OPTIMIZE", { numRemovedFiles: "1" }, {}, [0, 0, 0]],
    ["VACUUM END", {}, {}, [0, 0, 0]],
    ["SET TBLPROPERTIES", {}, {}, [0, 0, 0]],
    ["SOMETHING NEW", { numOutputRows: "1" }, {}, [undefined, undefined, undefined]],
  ])("%s %j %j", (operation, metrics, parameters, expected) => {
    expect(of(operation, metrics, parameters)).toEqual(expected);
    // The driver may return maps as JSON.
    expect(of(operation, JSON.stringify(metrics), JSON.stringify(parameters))).toEqual(expected);
  });
});

describe("in a warehouse", () => {
  let stores: TestStores;
  let catalogs = 0;
  let catalog: Catalog;
  let start: Start;
  beforeAll(async () => {
    stores = await startTestStores();
  });
  afterAll(() => stores.stop());

  const columns = {
    id: "string",
    teacher_id: "string",
    title: "string",
    n: "bigint",
    attrs: "map<string,string>",
    at: "timestamp",
  };
  const declared = {
    "school.teachers": table({ match: [{ column: "id", prefix: true }], person: ["title"] }),
    "school.sessions": table({
      match: [{ column: "title", prefix: true }],
      parents: { teacher_id: { belongsTo: "school.teachers" } },
    }),
  };

  /** Tables with two real rows each, and the start of a run. */
  async function begin(): Promise<void> {
    catalog = await stores.catalog(`k${catalogs++}`, {
      "school.teachers": { columns },
      "school.sessions": { columns },
      "school.log": { columns },
    });
    for (const name of ["teachers", "sessions"])
      await sql(
        "production",
        `INSERT INTO $.school.${name} (id, title, attrs) VALUES ('real-1', 'x', map('a', 'b')), ('real-2', NULL, NULL)`,
      );
    start = await recordStart({ warehouse: catalog.warehouse }, { takenAt: Date.now(), maxRead: 1_000, namespaces: [], signal });
  }

  async function sql(token: string, text: string): Promise<void> {
    await catalog.as(token, text.replaceAll("$", catalog.name));
  }

  async function books(changes: Partial<BooksRequest> = {}): Promise<Books> {
    return await balance(
      { warehouse: catalog.warehouse },
      {
        start,
        runId,
        tables: declared,
        principals: ["app@school.example", "runner@school.example"],
        prefixes: ["integration_test_"],
        protectedTables: [],
        protectedKeys: [],
        maxRead: 1_000_000,
        exclusiveRedis: false,
        cleanup: undefined,
        ...changes,
      },
    );
  }

  const n = (number: number) => ({ least: number, most: number });
  const of = ({ tables }: Books, name: string): TableBooks | undefined => tables.find((one) => one.table === name);

  it.each<[string, string[], Partial<TableBooks>]>([
    ["overwritten", ["INSERT OVERWRITE $.school.sessions (id, title) VALUES ('new', 'y')"], { touched: n(2), unexplained: n(1) }],
    ["truncated", ["TRUNCATE TABLE $.school.sessions"], { touched: n(2), unexplained: n(0) }],
    [
      "restored to what it was",
      ["DELETE FROM $.school.sessions WHERE id = 'real-1'", "RESTORE TABLE $.school.sessions TO VERSION AS OF 1"],
      { touched: n(0), unexplained: n(0), made: { least: 0, most: 0 } },
    ],
    [
      "updated without a change",
      ["UPDATE $.school.sessions SET title = 'x' WHERE id = 'real-1'"],
      { touched: n(0), unexplained: n(0) },
    ],
    [
      "left with a row under a real row's key",
      ["INSERT INTO $.school.sessions (id, title) VALUES ('real-1', 'again')"],
      { touched: n(0), unexplained: n(1), samples: ["real-1"] },
    ],
    [
      "changed in its MAP column alone",
      ["UPDATE $.school.sessions SET attrs = map('a', 'c') WHERE id = 'real-1'"],
      { touched: n(1), touchedSamples: ["real-1"] },
    ],
    [
      "changed by a microsecond, and by a number",
      [
        "UPDATE $.school.sessions SET at = TIMESTAMP '2026-01-01 00:00:00.000001' WHERE id = 'real-1'",
        "UPDATE $.school.sessions SET n = 1 WHERE id = 'real-2'",
      ],
      { touched: n(2) },
    ],
  ])("sees a table that was %s", async (_, statements, expected) => {
    await begin();
    for (const statement of statements) await sql("app", statement);
    const told = await books();
    expect(told.problems).toEqual([]);
    expect(of(told, "school.sessions") ?? { touched: n(0), unexplained: n(0), made: n(0) }).toMatchObject(expected);
  });

  it("reports a real row that the cleanup deleted, although the count was right", async () => {
    await begin();
    await sql("app", `INSERT INTO $.school.sessions (id, title) VALUES ('real-1', '${prefix}_a')`);
    // The key is not unique, so a production row is deleted with the test's.
    const values = ["real-1"];
    const rows = await catalog.warehouse.deleteRows(rowsWith("school.sessions", "id", "real-1"));
    const deletions = [{ rows: rows ?? 0, version: 3, selection: [{ column: "id", values }] }];
    const cleanup = { tables: [{ table: "school.sessions", planned: 2, deleted: 2, samples: [], statement: "", deletions }] };
    expect(of(await books({ cleanup }), "school.sessions")).toMatchObject({
      made: n(1),
      deleted: n(2),
      touched: n(1),
      unexplained: n(0),
    });
  });

  it("reads only metrics if rows were only added and the cleanup deleted them, however large the table", async () => {
    await begin();
    await sql("app", `INSERT INTO $.school.sessions (id, title) VALUES ('a', '${prefix}_a'), ('b', '${prefix}_b')`);
    await sql("production", "INSERT INTO $.school.sessions (id, title) VALUES ('p', 'others')");
    const request = requestFor(declared);
    const ports = catalog.ports();
    const cleanup = await executeCleanup(await prove(ports), await planCleanup(ports, request));
    const before = stores.warehouse.statements.length;
    const told = await books({ cleanup, maxRead: 1 });
    expect(told.line).toBe("rows made 2, deleted 2, unexplained 0; real rows touched 0 (3 tables, versions 0–4)");
    const asked = stores.warehouse.statements.slice(before).map((one) => one.sql);
    expect(asked.filter((text) => text.includes("md5"))).toEqual([]);
    expect(asked.join().match(/DESCRIBE HISTORY/g)).toHaveLength(3);
  });

  it.each([
    ["points at what a lost run has left", `teacher_id = 'integration_test_${otherRun}_t'`],
    ["mentions a run in a text", `attrs = map('seen', 'integration_test_${otherRun}_x')`],
  ])("counts a real row that %s and that this run deletes", async (_, set) => {
    await begin();
    await sql("production", `UPDATE $.school.sessions SET ${set} WHERE id = 'real-1'`);
    start = await recordStart({ warehouse: catalog.warehouse }, { takenAt: Date.now(), maxRead: 1_000, namespaces: [], signal });
    await sql("app", "DELETE FROM $.school.sessions WHERE id = 'real-1'");
    expect(of(await books(), "school.sessions")).toMatchObject({ touched: n(1), touchedSamples: ["real-1"] });
  });

  it("counts the additional row if a run changes a real row and adds a copy of the original", async () => {
    await begin();
    await sql("app", "UPDATE $.school.sessions SET title = 'z' WHERE id = 'real-1'");
    await sql("app", "INSERT INTO $.school.sessions (id, title, attrs) VALUES ('real-1', 'x', map('a', 'b'))");
    expect(of(await books(), "school.sessions")).toMatchObject({ made: n(1), unexplained: n(1), touched: n(0) });
  });

  // An earlier stage of the same run left them, so they are not real rows. The last ones were not read, so they may be real.
  it("never calls a row real without reading it, however many a run changes", async () => {
    await begin();
    const ids = JSON.stringify(Array.from({ length: 5_050 }, (_, index) => `${prefix}_${index}`));
    const rows = "SELECT id, 'x' FROM (SELECT explode(from_json(:ids, 'array<string>')) AS id)";
    await catalog.as("app", `INSERT INTO ${catalog.name}.school.log (id, title) ${rows}`, { ids });
    start = await recordStart({ warehouse: catalog.warehouse }, { takenAt: Date.now(), maxRead: 1_000, namespaces: [], signal });
    await sql("app", "UPDATE $.school.log SET title = 'y' WHERE title = 'x'");
    expect(of(await books(), "school.log")).toMatchObject({
      touched: { least: 0, most: 50 },
      why: expect.stringContaining("more than 5,000 of its rows changed"),
    });
  });

  it("reports an upper bound above maxRead", async () => {
    await begin();
    await sql("app", "UPDATE $.school.sessions SET title = 'z' WHERE id = 'real-1'");
    await sql("app", "INSERT INTO $.school.sessions (id, title) VALUES ('new', 'y')");
    const told = of(await books({ maxRead: 3 }), "school.sessions");
    expect(told).toMatchObject({
      unexplained: { least: 0, most: 1 },
      touched: { least: 0, most: 1 },
      why: expect.stringContaining("more than testData.maxRead (3)"),
    });
    // One statement per table shows that there are too many.
    expect(of(await books({ maxRead: 100 }), "school.sessions")).toMatchObject({ unexplained: n(1), touched: n(1) });
  });

  it("reports an upper bound for a shared principal, and exactly zero if nothing is left", async () => {
    await begin();
    await sql("token", "INSERT INTO $.school.sessions (id, title) VALUES ('new', 'y')");
    await sql("token", "UPDATE $.school.teachers SET title = 'z' WHERE id = 'real-1'");
    const told = await books({ principals: [] });
    expect(told).toMatchObject({ unexplained: { least: 0, most: 1 }, touched: { least: 0, most: 1 } });
    expect(told.advice.join()).toContain("testData.principals");
    expect(judgeBooks(told, { unexplained: "fail", testsRan: true, cleanup: undefined, durationMs: 1 }).verdict).toBe("degraded");
    await sql("token", "DELETE FROM $.school.sessions WHERE id = 'new'");
    await sql("token", "UPDATE $.school.teachers SET title = 'x' WHERE id = 'real-1'");
    expect(await books({ principals: [] })).toMatchObject({ unexplained: n(0), touched: n(0) });
  });

  it("recognises rows of a parallel run by their id, and rows that depend on them", async () => {
    await begin();
    await sql("app", `INSERT INTO $.school.teachers (id) VALUES ('integration_test_${otherRun}_t')`);
    await sql(
      "app",
      `INSERT INTO $.school.sessions (id, teacher_id) VALUES ('5c0f', 'integration_test_${otherRun}_t'), ('5c10', 'real-1')`,
    );
    const told = await books();
    expect(of(told, "school.sessions")).toMatchObject({
      unexplained: n(1),
      samples: ["5c10"],
      hangsOn: ["teacher_id = real-1 (school.teachers)"],
    });
    expect(told.unexplained).toEqual(n(1));
  });

  it("counts anybody's rows as possibly this run's if no principals are listed", async () => {
    await begin();
    // The application uses its own principal, not the cleanup's.
    await sql("app", `INSERT INTO $.school.sessions (id, title) VALUES ('a', '${prefix}_a')`);
    await sql("app", "INSERT INTO $.school.log (id, title) VALUES ('l', 'about a')");
    const ports = catalog.ports();
    const cleanup = await executeCleanup(await prove(ports), await planCleanup(ports, requestFor(declared)));
    const told = await books({ principals: [], cleanup });
    expect(of(told, "school.log")).toMatchObject({
      unexplained: { least: 0, most: 1 },
      why: expect.stringContaining("app@school.example"),
    });
    // One was deleted as test data; the other's owner is unknown.
    expect(told.made).toEqual({ least: 1, most: 2 });
  });

  it("counts rows that tests write into a protected table as kept, and reports changes there", async () => {
    await begin();
    await sql("app", `INSERT INTO $.school.log (id, title) VALUES ('l', 'about ${prefix}_a')`);
    const told = await books({ protectedTables: ["school.*"], tables: {} });
    expect(told).toMatchObject({ kept: 1, unexplained: n(0), touched: n(0) });
    expect(told.line).toContain("made 1, deleted 0, kept in protected tables 1, unexplained 0");
    expect(judgeBooks(told, { unexplained: "fail", testsRan: true, cleanup: undefined, durationMs: 1 }).verdict).toBe("passed");
    await sql("app", "DELETE FROM $.school.sessions WHERE id = 'real-1'");
    expect((await books({ protectedTables: ["school.*"], tables: {} })).touched).toEqual(n(1));
  });

  it("suggests a fix: the rows' prefix, or an account that is test data", async () => {
    await begin();
    await sql(
      "app",
      "INSERT INTO $.school.log (id, title) VALUES ('load-probe-1780315200001', 'x'), ('load-probe-1780315200002', 'y')",
    );
    await sql("app", "INSERT INTO $.school.sessions (id, teacher_id, title) VALUES ('5c0f', 'real-1', 'Maths')");
    const { advice } = await books();
    expect(advice.find((one) => one.startsWith("school.log"))).toContain('"load-probe-"');
    expect(advice.find((one) => one.startsWith("school.sessions"))).toContain("auth.roles");
  });

  it.each([
    ["email", "jane_doe"],
    ["refresh_token", "rt_Live"],
  ])("shows no column that may contain personal data or secrets, even of undeclared tables: %s", async (column, start) => {
    await begin();
    await sql("token", `CREATE TABLE $.school.extra AS SELECT '5c0f' AS id, '${start}_000111@x.org' AS ${column}`);
    const told = await books();
    expect(of(told, "school.extra")).toMatchObject({ samples: ["5c0f"] });
    expect(told.advice.join()).toContain("school.extra");
    expect(JSON.stringify(told)).not.toContain(start);
  });

  it("counts rows in a table that the run created, and reports a dropped one as unknown", async () => {
    await begin();
    await sql("token", "CREATE TABLE $.school.extra AS SELECT 'a' AS id");
    await sql("token", "DROP TABLE $.school.log");
    await sql("token", "DROP TABLE $.school.teachers");
    await sql("token", "CREATE TABLE $.school.teachers (id STRING)");
    const told = await books();
    expect(of(told, "school.extra")).toMatchObject({ from: null, made: n(1), unexplained: n(1), touched: n(0) });
    for (const name of ["school.log", "school.teachers"])
      expect(of(told, name)).toMatchObject({ touched: { least: 0, most: null }, why: expect.any(String) });
    expect(judgeBooks(told, { unexplained: "warn", testsRan: true, cleanup: undefined, durationMs: 1 }).verdict).toBe("degraded");
  });

  it("is unknown without a recorded start, and then never passes", async () => {
    await begin();
    const blind = await recordStart(
      { warehouse: { ...catalog.warehouse, query: async () => Promise.reject(new Error("no answer")) } },
      { takenAt: 1, maxRead: 1, namespaces: [], signal },
    );
    const told = await books({ start: blind });
    expect(told).toMatchObject({ unexplained: { least: 0, most: null }, problems: [expect.stringContaining("no answer")] });
    expect(judgeBooks(told, { unexplained: "warn", testsRan: false, cleanup: undefined, durationMs: 1 }).verdict).toBe(
      "degraded",
    );
  });

  it("saves the start for a cleanup in another process", async () => {
    await begin();
    const folder = await mkdtemp(join(tmpdir(), "books-"));
    const file = join(folder, "start", `${runId}.json`);
    const plainly = (text: string) => text;
    // The warehouse's message about an unreadable table is redacted.
    const unread = new Map([["school.odd", "no such host: k3y@h"]]);
    await writeStart(file, { ...start, unread }, { redact: (text) => text.replace("k3y", "***") });
    expect((await readStart(file))?.unread).toEqual(new Map([["school.odd", "no such host: ***@h"]]));
    await writeStart(file, start, { redact: plainly });
    const read = await readStart(file);
    expect(read?.versions).toEqual(start.versions);
    expect(read?.hadKey("any")).toBeUndefined();
    expect(await readStart(join(folder, "none.json"))).toBeUndefined();
    // The next stage of the run keeps what the first one recorded.
    await sql("app", "INSERT INTO $.school.log (id) VALUES ('l')");
    const later = await recordStart({ warehouse: catalog.warehouse }, { takenAt: 9e12, maxRead: 1, namespaces: [], signal });
    await writeStart(file, later, { earlier: read, redact: plainly });
    expect(await readStart(file)).toMatchObject({ takenAt: start.takenAt, versions: start.versions });
    await sql("app", "DELETE FROM $.school.sessions WHERE id = 'real-1'");
    expect((await books({ start: read ?? start })).touched).toEqual(n(1));
    await rm(folder, { recursive: true });
  });

  describe("Redis", () => {
    const keysOf = async (made: () => Promise<unknown>, options: { maxRead?: number; exclusive?: boolean } = {}) => {
      const { maxRead = 1_000, exclusive = false } = options;
      await stores.keys.flushall();
      await stores.keys.mset("production:1", "1", "cw:test:old", "1");
      const taken = await recordStart({ redis: stores.redis }, { takenAt: 1, maxRead, namespaces: ["cw:test:*"], signal });
      await made();
      const told = await balance(
        { redis: stores.redis },
        {
          ...{
            start: taken,
            runId,
            tables: {},
            principals: [],
            prefixes: ["integration_test_"],
            protectedTables: [],
            protectedKeys: ["audit:log", "*:kept:*"],
            maxRead: 1_000,
          },
          ...{ exclusiveRedis: exclusive, cleanup: undefined },
        },
      );
      return { told, taken };
    };
    const make = () =>
      // An application creates ids that look like run ids; they don't prove another run.
      stores.keys.mset(
        ...[
          "session:5c0f",
          "cw:test:new",
          "audit:log",
          "a:kept:b",
          `x:integration_test_${otherRun}`,
          `teacher_${otherRun}`,
          `y:${runId}`,
        ].flatMap((key) => [key, "1"]),
      );

    it("counts new keys, except protected ones and those of other runs", async () => {
      const { told, taken } = await keysOf(make, { exclusive: true });
      expect(told.keys).toMatchObject({ unexplained: n(4), samples: expect.arrayContaining([`y:${runId}`]) });
      expect(told.line).toBe("Redis keys unexplained 4");
      expect([taken.hadKey("production:1"), taken.hadKey("session:5c0f")]).toEqual([true, false]);
    });

    it("doesn't know the owner of keys in a shared Redis", async () => {
      const { told } = await keysOf(make);
      expect(told.keys).toMatchObject({ unexplained: { least: 1, most: 4 }, why: expect.stringContaining("redis.exclusive") });
      expect((await keysOf(async () => undefined)).told.keys?.unexplained).toEqual(n(0));
    });

    it("reads only the namespaces if there are more keys than maxRead", async () => {
      const { told, taken } = await keysOf(make, { maxRead: 1, exclusive: true });
      expect(told.keys).toMatchObject({ unexplained: n(1), samples: ["cw:test:new"], looked: "keys in cw:test:*" });
      expect([taken.hadKey("session:5c0f"), taken.hadKey("cw:test:old"), taken.hadKey("cw:test:new")]).toEqual([
        undefined,
        true,
        false,
      ]);
    });
  });
});
