import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TableDefinition } from "../../local/warehouse/index.ts";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { judgeCleanup } from "../../src/cleanup/execute/verdict.ts";
import { parseLedger } from "../../src/cleanup/ledger/ledger.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import type { CleanupResult, TouchedRow } from "../../src/model/test-data.ts";
import { WarehouseFailure } from "../../src/warehouse/failure.ts";
import { type Catalog, requestFor, runId, runStarted, startTestStores, type TestStores, table } from "./test-stores.ts";

// Ownership, case by case, in a school with real teachers: rows that were once deleted although they were real, and similar
// cases.

const minute = 60_000;
const hour = 60 * minute;
const mine = `integration_test_${runId}`;
const cell = `integration_test_${runStarted}_ffffffff`;
const lostAt = runStarted - 10 * hour;
const lost = `integration_test_${lostAt}_0a0b0c0d`;
const longAgo = Date.UTC(2024, 2, 1);
const during = runStarted + 6 * minute;
const iso = (time: number) => new Date(time).toISOString();

const tables = {
  "users.schools": table({
    match: [
      { column: "id", prefix: true },
      { column: "domain", equals: "testschool.edu" },
    ],
    time: "made",
  }),
  "users.teachers": table({
    match: [
      { column: "name", prefix: true },
      { column: "email", suffix: "@testschool.edu" },
    ],
    parents: { school_id: { belongsTo: "users.schools" } },
    time: "made",
  }),
  "sessions.lessons": table({
    match: [{ column: "title", prefix: true }],
    parents: { teacher_id: { belongsTo: "users.teachers" } },
    time: "made",
  }),
  "sessions.groups": table({ parents: { lesson_id: { partOf: "sessions.lessons" } }, time: "made" }),
};
const timed = { made: "timestamp" };
const definitions: Record<string, TableDefinition> = {
  "users.schools": { columns: { id: "string", domain: "string", ...timed } },
  "users.teachers": { columns: { id: "string", name: "string", email: "string", school_id: "string", ...timed } },
  "sessions.lessons": { columns: { id: "string", title: "string", teacher_id: "string", ...timed } },
  "sessions.groups": { columns: { id: "string", lesson_id: "string", ...timed } },
};

let stores: TestStores;
let count = 0;
beforeAll(async () => {
  stores = await startTestStores();
});
afterAll(() => stores.stop());

/** A row, and when it was really written; `made` is its time column, the same time if absent. */
type Row = Record<string, string | null> & { id: string };
interface Written {
  table: string;
  at: number;
  row: Row;
}

function row(of: string, at: number, values: Record<string, string | null>): Written {
  return { table: of, at, row: { id: "", made: iso(at), ...values } };
}

interface Case {
  rows: Written[];
  /** Table, id (or another column's value), column and value that a test sets during its run. */
  moves?: [table: string, id: string, column: string, to: string, at: number, by?: string][];
  request?: Parameters<typeof requestFor>[1];
  /** Replaces the school's own declarations. */
  tables?: Record<string, ReturnType<typeof table>>;
  definitions?: Record<string, TableDefinition>;
  historyGone?: boolean;
  withStart?: boolean;
}

interface Seen {
  left: Record<string, string[]>;
  result: CleanupResult;
  touched: TouchedRow[];
  verdict: string;
}

async function cleanUp(one: Case): Promise<Seen> {
  const all = { ...definitions, ...one.definitions };
  const { faults } = stores.warehouse;
  faults.clock = longAgo - hour;
  const catalog = await stores.catalog(`whose${count++}`, all);
  const versions = new Map(Object.keys(all).map((name) => [name, 0]));
  const changed = (name: string) => versions.set(name, (versions.get(name) ?? 0) + 1);
  let atStart = new Map(versions);
  const writes = one.rows.map(({ table: of, at, row: values }) => ({
    at,
    run: () => catalog.insert(of, [values]).then(() => changed(of)),
  }));
  const moves = (one.moves ?? []).map(([of, id, column, to, at, by = "id"]) => ({
    at,
    run: () => catalog.update(of, [column, to], [by, id]).then(() => changed(of)),
  }));
  const start = {
    at: runStarted + 3 * minute,
    run: async () => {
      atStart = new Map(versions);
    },
  };
  for (const { at, run } of [...writes, ...moves, start].toSorted((a, b) => a.at - b.at)) {
    faults.clock = at;
    await run();
  }
  faults.clock = undefined;
  const { testData, ...request } = one.request ?? {};
  const asked = requestFor(one.tables ?? tables, {
    ...request,
    ...(one.withStart ? { start: { takenAt: start.at, versions: atStart, hadKey: () => undefined } } : {}),
    ...(testData ? { testData } : {}),
  });
  const ports = catalog.ports(one.historyGone ? { warehouse: withoutHistory(catalog.warehouse) } : {});
  const plan = await planCleanup(ports, asked);
  const result = await executeCleanup(await prove(ports), plan);
  const left: Record<string, string[]> = {};
  for (const name of Object.keys(all)) left[name] = (await catalog.rows(name)).map(({ id }) => String(id)).sort();
  await catalog.close();
  return { left, result, touched: plan.rows?.touched ?? [], verdict: judgeCleanup(result, 1).verdict };
}

function withoutHistory(warehouse: Catalog["warehouse"]): Catalog["warehouse"] {
  const query: Catalog["warehouse"]["query"] = async (sql, parameters) => {
    if (/ AS OF |^DESCRIBE HISTORY/.test(sql)) throw new WarehouseFailure("statement", "[DELTA_VERSION_NOT_FOUND]");
    return await warehouse.query(sql, parameters);
  };
  return { ...warehouse, query };
}

/** A real teacher with a lesson and its group, all from `at`. */
function realTeacher(at: number, made: string | null = iso(at)): Written[] {
  return [
    row("users.schools", at, { id: "real-school", domain: "lincoln.example", made }),
    row("users.teachers", at, { id: "real-teacher", name: "Ann", email: "ann@lincoln.example", school_id: "real-school", made }),
    row("sessions.lessons", at, { id: "real-lesson", title: "Maths", teacher_id: "real-teacher", made }),
    row("sessions.groups", at, { id: "real-group", lesson_id: "real-lesson", made }),
  ];
}

/** A run's school, with a teacher and a lesson whose ids come from the server. */
function testSchool(prefix: string, at: number): Written[] {
  return [
    row("users.schools", at, { id: `${prefix}_school`, domain: "a.example" }),
    row("users.teachers", at + minute, { id: "test-teacher", name: "Bob", email: null, school_id: `${prefix}_school` }),
    row("sessions.lessons", at + 2 * minute, { id: "test-lesson", title: "Maths", teacher_id: "test-teacher" }),
    row("sessions.groups", at + 3 * minute, { id: "test-group", lesson_id: "test-lesson" }),
  ];
}

const real = {
  "users.schools": "real-school",
  "users.teachers": "real-teacher",
  "sessions.lessons": "real-lesson",
  "sessions.groups": "real-group",
};
const expired = { scope: "expired" as const };
const ledger = (...lines: [table: string, id: string][]) =>
  parseLedger(lines.map(([of, id]) => `${JSON.stringify({ table: of, id })}\n`).join(""));

describe("a real teacher that a test moved to its test school", () => {
  const movedBy = (prefix: string, at: number): Case["moves"] => [
    ["users.teachers", "real-teacher", "school_id", `${prefix}_school`, at],
  ];
  test.each<[string, Case, string]>([
    [
      "of 2024, by a lost run",
      { rows: [...realTeacher(longAgo), ...testSchool(lost, lostAt)], moves: movedBy(lost, lostAt + hour), request: expired },
      lost,
    ],
    [
      "of 2024, by this run",
      { rows: [...realTeacher(longAgo), ...testSchool(mine, during)], moves: movedBy(mine, during + minute) },
      mine,
    ],
    [
      "of 2024, seen by hand in scope all",
      {
        rows: [...realTeacher(longAgo), ...testSchool(lost, lostAt)],
        moves: movedBy(lost, lostAt + hour),
        request: { scope: "all" },
      },
      lost,
    ],
    [
      "two minutes older than the lost run",
      {
        rows: [...realTeacher(lostAt - 2 * minute), ...testSchool(lost, lostAt)],
        moves: movedBy(lost, lostAt + hour),
        request: expired,
      },
      lost,
    ],
    [
      "two minutes older than this run",
      { rows: [...realTeacher(runStarted - 2 * minute), ...testSchool(mine, during)], moves: movedBy(mine, during + minute) },
      mine,
    ],
    [
      "without a time",
      { rows: [...realTeacher(longAgo, null), ...testSchool(mine, during)], moves: movedBy(mine, during + minute) },
      mine,
    ],
    [
      "without a time, by a lost run",
      {
        rows: [...realTeacher(longAgo, null), ...testSchool(lost, lostAt)],
        moves: movedBy(lost, lostAt + hour),
        request: expired,
      },
      lost,
    ],
  ])("%s: stays with all it has, is named, and the school that it points at stays", async (_, one, prefix) => {
    const { left, touched, verdict, result } = await cleanUp(one);
    for (const [name, id] of Object.entries(real)) expect(left[name], name).toContain(id);
    expect(left["users.schools"]).toContain(`${prefix}_school`);
    expect([left["users.teachers"], left["sessions.lessons"], left["sessions.groups"]].flat()).toEqual([
      "real-teacher",
      "real-lesson",
      "real-group",
    ]);
    expect(touched).toEqual([
      {
        table: "users.teachers",
        key: { column: "id", value: "real-teacher" },
        column: "school_id",
        now: `${prefix}_school`,
        before: "real-school",
        version: expect.any(Number),
      },
    ]);
    expect(result.kept).toEqual([
      expect.objectContaining({ table: "users.schools", rows: 1, why: expect.stringContaining("env-actions repair") }),
    ]);
    expect(verdict).toBe("failed");
  });

  test("if neither time nor history decides, both are kept, and the cleanup doesn't pass", async () => {
    const { left, verdict, result, touched } = await cleanUp({
      rows: [...realTeacher(longAgo, null), ...testSchool(mine, during)],
      moves: movedBy(mine, during + minute),
      historyGone: true,
    });
    for (const [name, id] of Object.entries(real)) expect(left[name], name).toContain(id);
    expect(left["users.schools"]).toContain(`${mine}_school`);
    expect(touched).toEqual([]);
    expect(result.kept?.map(({ table: of, samples }) => [of, samples])).toContainEqual(["users.teachers", ["real-teacher"]]);
    expect(verdict).toBe("degraded");
  });

  test("created during another stage of the run is kept too", async () => {
    const { left, verdict } = await cleanUp({
      rows: [...realTeacher(runStarted + minute), ...testSchool(mine, during)],
      moves: movedBy(mine, during + minute),
      withStart: true,
    });
    for (const [name, id] of Object.entries(real)) expect(left[name], name).toContain(id);
    expect(verdict).not.toBe("passed");
  });

  test("that nobody moved: rows that only depend on the school are deleted, in both scopes", async () => {
    for (const [prefix, at, request] of [
      [mine, during, {}],
      [lost, lostAt, expired],
    ] as const) {
      const { left, verdict, result } = await cleanUp({ rows: [...realTeacher(longAgo), ...testSchool(prefix, at)], request });
      expect(Object.values(left).flat().sort()).toEqual(Object.values(real).sort());
      expect([verdict, result.kept]).toEqual(["passed", undefined]);
    }
  });
});

describe("a real group that is part of a lesson, and that a test moved to its own", () => {
  const moved = (made: string | null, at = longAgo, id: string | null = "real-group"): Written[] => [
    ...realTeacher(longAgo).slice(0, 3),
    row("sessions.groups", at, { id, lesson_id: "real-lesson", made }),
    ...testSchool(lost, lostAt),
  ];
  const move: Case["moves"] = [["sessions.groups", "real-group", "lesson_id", "test-lesson", lostAt + hour]];
  const byLesson: Case["moves"] = [["sessions.groups", "real-lesson", "lesson_id", "test-lesson", lostAt + hour, "lesson_id"]];
  const near = lostAt - 2 * minute;

  test.each<[string, Case]>([
    ["without a time, by the table's history", { rows: moved(null), moves: move }],
    [
      "created within the clocks' tolerance before the run, by the table's history",
      { rows: moved(iso(near), near), moves: move },
    ],
    ["without a key and a time, by its other columns", { rows: moved(null, longAgo, null), moves: byLesson }],
    ["without a key, created within the tolerance", { rows: moved(iso(near), near, null), moves: byLesson }],
    ["by its time alone", { rows: moved(iso(longAgo)), moves: move, historyGone: true }],
  ])("is known to be older %s: it stays, and so does the lesson", async (_, one) => {
    const { left, verdict } = await cleanUp({ ...one, request: expired });
    expect(left["sessions.groups"]).toContain(one.moves === move ? "real-group" : "null");
    expect(left["sessions.lessons"]).toContain("test-lesson");
    expect(verdict).not.toBe("passed");
  });

  test("is deleted with the lesson if nothing decides: that is the meaning of partOf", async () => {
    const { left } = await cleanUp({
      rows: [...moved(null), row("sessions.lessons", during, { id: "my-lesson", title: `${mine} lesson` })],
      moves: [["sessions.groups", "real-group", "lesson_id", "my-lesson", during + minute]],
      historyGone: true,
    });
    expect(left["sessions.groups"]).toEqual(["test-group"]);
  });

  test("the tests' own rows are deleted, even without key and time, whatever equal real rows exist", async () => {
    const group = (at: number, lesson_id: string) => row("sessions.groups", at, { id: null, lesson_id, made: null });
    const { left, verdict } = await cleanUp({
      rows: [
        ...realTeacher(longAgo).slice(0, 3),
        group(longAgo, "real-lesson"),
        row("sessions.lessons", during, { id: "my-lesson", title: `${mine} lesson` }),
        group(during, "my-lesson"),
      ],
      withStart: true,
    });
    expect([left["sessions.groups"], left["sessions.lessons"], verdict]).toEqual([["null"], ["real-lesson"], "passed"]);
  });

  test("is kept in the second search too, if only the ledger names its lesson", async () => {
    const { left, verdict } = await cleanUp({
      rows: [
        row("sessions.groups", longAgo, { id: "real-group", lesson_id: "gone-lesson", made: null }),
        row("sessions.lessons", during, { id: "my-lesson", title: `${mine} lesson` }),
      ],
      request: { ledger: ledger(["sessions.lessons", "gone-lesson"]) },
      historyGone: true,
    });
    expect([left["sessions.groups"], left["sessions.lessons"], verdict]).toEqual([["real-group"], [], "degraded"]);
  });
});

describe("a wrong line in the ledger", () => {
  const wrong = { ledger: ledger(["users.teachers", "real-teacher"]) };
  const untimed = { ...tables, "users.teachers": table({ ...written("users.teachers"), time: undefined }) };
  test.each<[string, Case]>([
    ["if the table has no time column", { rows: realTeacher(longAgo), tables: untimed, request: wrong }],
    ["if its time is NULL", { rows: realTeacher(longAgo, null), request: wrong }],
    [
      "if a DATE equals the run's day",
      { rows: realTeacher(runStarted - 3 * hour, "2026-06-01"), definitions: dated("date"), request: wrong },
    ],
    [
      "if a time without a zone may be of the run",
      { rows: realTeacher(runStarted - 3 * hour, "2026-06-01 09:00:00"), definitions: dated("string"), request: wrong },
    ],
    ["if it is two minutes older than the run", { rows: realTeacher(runStarted - 2 * minute), request: wrong }],
    [
      "in a table of another name",
      {
        rows: realTeacher(longAgo),
        request: { ledger: ledger(["users.schools", "real-teacher"], ["sessions.lessons", "real-school"]) },
      },
    ],
  ])("%s: deletes no real row", async (_, one) => {
    for (const changes of [{}, { withStart: true }, { historyGone: true }]) {
      const { left, verdict } = await cleanUp({ ...one, ...changes });
      expect(Object.values(left).flat().sort()).toEqual(Object.values(real).sort());
      if (one.request?.ledger === wrong.ledger) expect(verdict).not.toBe("passed");
    }
  });

  test("with a shared key deletes nobody else's row: both are kept and named", async () => {
    const two = [
      row("users.teachers", longAgo, { id: "teacher-1", name: "Ann" }),
      row("users.teachers", during, { id: "teacher-1", name: "Bob" }),
    ];
    for (const changes of [{}, { withStart: true }, { historyGone: true }]) {
      const { left, verdict } = await cleanUp({
        rows: two,
        request: { ledger: ledger(["users.teachers", "teacher-1"]) },
        ...changes,
      });
      expect(left["users.teachers"]).toEqual(["teacher-1", "teacher-1"]);
      expect(verdict).not.toBe("passed");
    }
    // Even if the other row has nothing to do with test data and is only found when the plan is counted.
    const shown = [row("users.teachers", during, { id: "teacher-1", name: "Ann" })];
    shown.push(row("users.teachers", during, { id: "teacher-1", name: `${mine} Bob` }));
    const { left, result, verdict } = await cleanUp({ rows: shown });
    expect(left["users.teachers"]).toEqual(["teacher-1", "teacher-1"]);
    expect(result.kept).toEqual([
      expect.objectContaining({ samples: ["teacher-1"], why: expect.stringContaining("not unique") }),
    ]);
    expect(verdict).toBe("degraded");
  });

  test("with a shared key, exact times tell the row that shows itself from somebody else's", async () => {
    const two = [
      row("users.teachers", longAgo, { id: "teacher-1", name: "Ann" }),
      row("users.teachers", during, { id: "teacher-1", name: `${mine} Bob` }),
    ];
    const { left, result, verdict } = await cleanUp({ rows: two });
    expect(left["users.teachers"]).toEqual(["teacher-1"]);
    expect(result.tables).toEqual([expect.objectContaining({ table: "users.teachers", planned: 1, deleted: 1, left: 0 })]);
    expect(verdict).toBe("passed");
  });

  test("and a right one deletes its row, which the history proves to be the run's", async () => {
    const made = [row("users.teachers", during, { id: "tracked", name: "Bob", made: null })];
    const request = { ledger: ledger(["users.teachers", "tracked"]) };
    for (const changes of [{}, { withStart: true }])
      expect(await cleanUp({ rows: [...realTeacher(longAgo), ...made], request, ...changes })).toMatchObject({
        left: { "users.teachers": ["real-teacher"] },
        verdict: "passed",
      });
  });
});

describe("scope expired", () => {
  const shown = (made: string | null) => [
    row("users.schools", runStarted, { id: "integration_test_school", domain: "a.example", made }),
  ];
  const at = runStarted + 10 * minute;
  test.each<[string, string | null, string, Case["request"], boolean]>([
    ["a minute old by the clock of a machine at UTC−8", "2026-06-01 04:09:00", "string", {}, false],
    ["the same, with its zone configured", "2026-06-01 04:09:00", "string", { testData: { timeZone: "-08:00" } }, false],
    [
      "old enough in the summer of its zone",
      "2026-06-01 03:00:00",
      "string",
      { testData: { timeZone: "America/Los_Angeles" } },
      true,
    ],
    ["an hour newer in its winter", "2026-06-01 03:00:00", "string", { testData: { timeZone: "-08:00" } }, false],
    ["without a zone, old in any zone", "2026-05-31 01:10:00", "string", {}, true],
    ["of today", "2026-06-01", "date", {}, false],
    ["of the day before, in a known zone", "2026-05-31", "date", { testData: { timeZone: "UTC" } }, true],
    ["of no time", null, "timestamp", {}, false],
    ["of a certainly old time", iso(at - 3 * hour), "timestamp", {}, true],
  ])("a row %s goes only if it is surely old", async (_, made, type, request, goes) => {
    const { left, verdict, result } = await cleanUp({
      rows: shown(made),
      definitions: dated(type),
      request: { ...expired, now: at, ...request },
    });
    expect(left["users.schools"]).toEqual(goes ? [] : ["integration_test_school"]);
    const isYoung = request?.testData?.timeZone !== undefined && /0[34]:0/.test(made ?? "");
    expect(verdict).toBe(goes || isYoung ? "passed" : "degraded");
    // What is already declared is not suggested.
    const cure = made === null ? "is NULL or not a time: let the application set it" : "has no zone: declare timeZone for";
    if (!goes && !isYoung) expect(result.kept?.[0]?.why).toContain(`users.schools.made ${cure}`);
  });

  const sandbox = [
    row("users.schools", longAgo, { id: "sandbox-school", domain: "testschool.edu" }),
    row("users.teachers", longAgo, {
      id: "sandbox-teacher",
      name: "Kim",
      email: "kim@testschool.edu",
      school_id: "sandbox-school",
    }),
  ];
  test("keeps fixed accounts that only match by domain, unless the configuration lists the domain", async () => {
    expect((await cleanUp({ rows: sandbox, request: expired })).left).toMatchObject({
      "users.schools": ["sandbox-school"],
      "users.teachers": ["sandbox-teacher"],
    });
    const sweep = { ...expired, testData: { sweep: ["testschool.edu", "@testschool.edu"] } };
    expect((await cleanUp({ rows: sandbox, request: sweep })).left).toMatchObject({ "users.schools": [], "users.teachers": [] });
  });

  test.each<[string, Case["request"]]>([
    ["a sweep", { ...expired, testData: { sweep: ["testschool.edu", "@testschool.edu"] } }],
    ["everything", { scope: "all" }],
    ["a ledger that names them", { ledger: ledger(["users.schools", "sandbox-school"], ["users.teachers", "sandbox-teacher"]) }],
  ])("fixed rows that testData.keep lists stay in %s, with what depends on them", async (_, request) => {
    const keep = { "users.schools": ["testschool.edu"], "users.teachers": ["sandbox-teacher"] };
    const rows = [
      ...sandbox,
      row("sessions.lessons", during, { id: "lesson-of-kim", title: "Art", teacher_id: "sandbox-teacher" }),
    ];
    const { left, result } = await cleanUp({ rows, request: { ...request, testData: { ...request?.testData, keep } } });
    expect(Object.values(left).flat().sort()).toEqual(["lesson-of-kim", "sandbox-school", "sandbox-teacher"]);
    expect(result.notes.join()).toContain("testData.keep lists them");
  });

  test("keeps what a running run uses, and what that depends on", async () => {
    const rows = [
      ...testSchool(lost, lostAt),
      row("sessions.lessons", during, { id: "live", title: `${cell} lesson`, teacher_id: "test-teacher" }),
    ];
    const { left, verdict } = await cleanUp({ rows, request: expired });
    expect(left["sessions.lessons"]).toEqual(["live"]);
    expect(verdict).toBe("passed");
  });
});

describe("scope run", () => {
  test("leaves another cell's rows, even those that depend on ours", async () => {
    const rows = [
      ...testSchool(mine, during),
      row("sessions.lessons", during, { id: "theirs", title: `${cell} lesson`, teacher_id: "test-teacher" }),
    ];
    expect((await cleanUp({ rows })).left).toEqual({
      "users.schools": [],
      "users.teachers": [],
      "sessions.lessons": ["theirs"],
      "sessions.groups": [],
    });
  });

  test.each<[string, Case]>([
    ["by its time", { rows: [row("users.teachers", longAgo, { id: "real", name: "Ann" })] }],
    ["by history", { rows: [row("users.teachers", longAgo, { id: "real", name: "Ann", made: null })] }],
  ])("a real teacher that a test renamed is older than the run %s: kept, and named", async (_, one) => {
    const { left, touched, verdict } = await cleanUp({
      ...one,
      moves: [["users.teachers", "real", "name", `${mine} Ann`, during]],
    });
    expect(left["users.teachers"]).toEqual(["real"]);
    expect(touched).toEqual([
      {
        table: "users.teachers",
        key: { column: "id", value: "real" },
        column: "name",
        now: `${mine} Ann`,
        before: "Ann",
        version: expect.any(Number),
      },
    ]);
    expect(verdict).toBe("failed");
  });

  test("keeps and names a real row that points at an id of the run whose row is long gone", async () => {
    const { left, touched, verdict } = await cleanUp({
      rows: realTeacher(longAgo),
      moves: [["users.teachers", "real-teacher", "school_id", `${mine}_gone`, during]],
    });
    expect(Object.values(left).flat().sort()).toEqual(Object.values(real).sort());
    expect([touched.map(({ now }) => now), verdict]).toEqual([[`${mine}_gone`], "failed"]);
  });

  test("asks the histories in parallel, and not at all if nothing needs proof", async () => {
    const asked = (from: number) =>
      stores.warehouse.statements.slice(from).filter(({ sql }) => / AS OF |DESCRIBE HISTORY/.test(sql));
    const before = stores.warehouse.statements.length;
    const own = [row("sessions.lessons", runStarted + 6 * minute, { id: "lesson", title: `${mine} lesson` })];
    const groups = [row("sessions.groups", during, { id: "group", lesson_id: "lesson" })];
    await cleanUp({ rows: [...own, ...groups] });
    // The version of a delete is read for undo.
    expect(asked(before).filter(({ sql }) => !/LIMIT 20$/.test(sql))).toEqual([]);
  });
});

/** The declaration as written. */
function written(name: keyof typeof tables) {
  const { parents, ...rest } = tables[name];
  return {
    ...rest,
    parents: Object.fromEntries(
      Object.entries(parents).map(([column, { table: of, kind }]) => [
        column,
        kind === "part-of" ? { partOf: of } : { belongsTo: of },
      ]),
    ),
  };
}

function dated(type: string): Record<string, TableDefinition> {
  return Object.fromEntries(
    Object.entries(definitions).map(([name, { columns }]) => [name, { columns: { ...columns, made: type } }]),
  );
}
