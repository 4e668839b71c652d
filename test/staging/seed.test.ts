import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planCleanup, planRows, rowRequest } from "../../src/cleanup/plan/plan-cleanup.ts";
import { resolveTables } from "../../src/config/classwaves.ts";
import { requestFor } from "../cleanup/test-stores.ts";
import { type Copy, catalog, classWavesTables, openCopy } from "./seed-world.ts";

// ClassWaves' 48 tables, filled with one school. What is expected comes from what a school is, never from the seed's own rules.

let copy: Copy;
let first: Awaited<ReturnType<Copy["seed"]>>;
let statements: string[];

beforeAll(async () => {
  copy = await openCopy(await classWavesTables());
  first = await copy.seed({ schools: 1 });
  statements = copy.sent();
}, 120_000);
afterAll(() => copy.close());

const ask = async (sql: string): Promise<Record<string, unknown>[]> => await copy.warehouse.query(sql);
const one = async (sql: string): Promise<Record<string, unknown>> => (await ask(sql))[0] ?? {};

/** Columns that name a row of another table, besides those that ClassWaves' preset of test data declares. */
const alsoParents: readonly (readonly [table: string, column: string, parent: string])[] = [
  ["sessions.student_groups", "leader_id", "users.students"],
  ["sessions.transcriptions", "speaker_id", "users.students"],
  ["ai_insights.intervention_suggestions", "target_student_id", "users.students"],
  ["notifications.notification_queue", "template_id", "notifications.templates"],
  ["compliance.coppa_compliance", "student_id", "users.students"],
  ["compliance.coppa_compliance", "school_id", "users.schools"],
  ["compliance.parental_consents", "student_id", "users.students"],
  ["compliance.parental_consents", "school_id", "users.schools"],
  ["compliance.retention_policies", "school_id", "users.schools"],
  ["compliance.audit_log", "school_id", "users.schools"],
  ["compliance.audit_log", "session_id", "sessions.classroom_sessions"],
  ["compliance.audit_log", "actor_id", "users.teachers"],
  ["communication.messages", "sender_id", "users.teachers"],
];

describe("the rows", () => {
  it("are in all 48 tables, and reported", async () => {
    expect(first.tables).toHaveLength(48);
    const sums = await copy.warehouse.checksum();
    expect(Object.fromEntries(first.tables.map(({ table, rows }) => [table, rows]))).toEqual(
      Object.fromEntries(Object.entries(sums).map(([table, { rows }]) => [table, Number(rows)])),
    );
    expect(first.tables.filter(({ rows }) => rows === 0)).toEqual([]);
  });

  it("are made by one statement for each table, and none passes through the runner", () => {
    const inserts = statements.filter((sql) => sql.includes("INSERT INTO"));
    expect(inserts).toHaveLength(48);
    expect(statements.length).toBeLessThanOrEqual(60);
    // Values travel in texts and parameters; a statement with 2,000 rows of students would be far longer.
    expect(Math.max(...statements.map(({ length }) => length))).toBeLessThan(40_000);
  });

  it("name no row that isn't there", async () => {
    const declared = Object.entries(resolveTables({ preset: "classwaves", tables: {} })).flatMap(([table, { parents }]) =>
      Object.entries(parents).map(([column, { table: parent }]) => [table, column, parent] as const),
    );
    const all = [...declared, ...alsoParents];
    const found = await Promise.all(
      all.map(async ([table, column, parent]) => {
        const { named, orphans } = await one(
          `SELECT count(c."${column}") AS named, count(CASE WHEN c."${column}" IS NOT NULL AND p.id IS NULL THEN 1 END) AS orphans
           FROM ${catalog}.${table} c LEFT JOIN ${catalog}.${parent} p ON p.id = c."${column}"`,
        );
        return { edge: `${table}.${column}`, named: Number(named), orphans: Number(orphans) };
      }),
    );
    expect(found.length).toBeGreaterThan(70);
    expect(found.filter(({ orphans }) => orphans > 0)).toEqual([]);
    // An edge without values proves nothing.
    const empty = found.filter(({ named }) => named === 0).map(({ edge }) => edge);
    expect(empty).toEqual([]);
  });

  it("have keys that no other row of the table has", async () => {
    for (const { table } of first.tables) {
      const key =
        { "analytics.group_analytics": "group_id", "users.analytics_job_metadata": "(job_name, processing_period)" }[table] ??
        "id";
      const { rows, keys } = await one(`SELECT count(*) AS rows, count(DISTINCT ${key}) AS keys FROM ${catalog}.${table}`);
      expect([table, keys]).toEqual([table, rows]);
    }
  });
});

describe("a school", () => {
  it("has as many teachers as it says, and classes of a usual size", async () => {
    const { said, counted } = await one(
      `SELECT any_value(s.current_teachers) AS said, count(*) AS counted FROM ${catalog}.users.schools s JOIN ${catalog}.users.teachers t ON t.school_id = s.id`,
    );
    expect(Number(said)).toBe(Number(counted));
    const { smallest, largest, mean } = await one(
      `SELECT min(total_students) AS smallest, max(total_students) AS largest, avg(total_students) AS mean FROM ${catalog}.sessions.classroom_sessions`,
    );
    expect(Number(smallest)).toBeGreaterThanOrEqual(6);
    expect(Number(largest)).toBeLessThanOrEqual(36);
    expect(Number(mean)).toBeGreaterThan(15);
    expect(Number(mean)).toBeLessThan(25);
  });

  it("has lessons on working days between eight and four, in its own time, and never two of a teacher at once", async () => {
    // Phoenix and Bogota have no daylight saving time.
    const lessons = await ask(
      `SELECT DISTINCT hour(l) AS hour, isodow(l) AS weekday FROM (SELECT s.scheduled_start - CASE t.timezone WHEN 'America/Phoenix' THEN INTERVAL 7 HOURS WHEN 'America/Bogota' THEN INTERVAL 5 HOURS END AS l
       FROM ${catalog}.sessions.classroom_sessions s JOIN ${catalog}.users.teachers t ON t.id = s.teacher_id)`,
    );
    expect(lessons.length).toBeGreaterThan(20);
    for (const { hour, weekday } of lessons) {
      expect(Number(hour)).toBeGreaterThanOrEqual(8);
      expect(Number(hour)).toBeLessThan(16);
      expect(Number(weekday)).toBeLessThanOrEqual(5);
    }
    expect(
      await ask(
        `SELECT a.id FROM ${catalog}.sessions.classroom_sessions a JOIN ${catalog}.sessions.classroom_sessions b ON a.teacher_id = b.teacher_id AND a.id <> b.id
         AND a.scheduled_start <= b.scheduled_start AND b.scheduled_start < a.scheduled_start + to_minutes(a.planned_duration_minutes)`,
      ),
    ).toEqual([]);
  });

  it("has ended the lessons before the day, and not those after it", async () => {
    const states = await ask(
      `SELECT status, min(scheduled_start)::VARCHAR AS earliest, max(scheduled_start)::VARCHAR AS latest, count(*) AS lessons, count(actual_end) AS ended FROM ${catalog}.sessions.classroom_sessions GROUP BY status`,
    );
    const of = new Map(states.map((state) => [String(state.status), state]));
    expect(Number(of.get("ended")?.lessons)).toBeGreaterThan(40);
    expect(Number(of.get("created")?.lessons)).toBeGreaterThan(0);
    expect(String(of.get("ended")?.latest) < "2026-11-25 18").toBe(true);
    expect(String(of.get("created")?.earliest) > "2026-11-25 17").toBe(true);
    expect(of.get("created")?.ended).toEqual(of.get("created") && 0n);
    expect(of.get("ended")?.ended).toEqual(of.get("ended")?.lessons);
  });

  it("divides each class into groups, and nobody is in two", async () => {
    const wrong = await ask(
      `SELECT s.id FROM ${catalog}.sessions.classroom_sessions s
       JOIN (SELECT session_id, count(*) AS groups, sum(current_size) AS seats FROM ${catalog}.sessions.student_groups GROUP BY session_id) g ON g.session_id = s.id
       JOIN (SELECT session_id, count(*) AS members, count(DISTINCT student_id) AS people FROM ${catalog}.sessions.student_group_members GROUP BY session_id) m ON m.session_id = s.id
       WHERE g.groups <> s.total_groups OR g.seats <> s.total_students OR m.members <> s.total_students OR m.people <> s.total_students`,
    );
    expect(wrong).toEqual([]);
    const elsewhere = await ask(
      `SELECT m.id FROM ${catalog}.sessions.student_group_members m JOIN ${catalog}.sessions.classroom_sessions s ON s.id = m.session_id
       JOIN ${catalog}.users.students u ON u.id = m.student_id WHERE u.school_id <> s.school_id`,
    );
    expect(elsewhere).toEqual([]);
  });

  it("speaks in whole sentences, within the lesson, by members of the group", async () => {
    const [texts, outside] = await Promise.all([
      ask(`SELECT content, count(*) AS times FROM ${catalog}.sessions.transcriptions GROUP BY content`),
      ask(
        `SELECT t.id FROM ${catalog}.sessions.transcriptions t JOIN ${catalog}.sessions.classroom_sessions s ON s.id = t.session_id
         LEFT JOIN ${catalog}.sessions.student_group_members m ON m.group_id = t.group_id AND m.student_id = t.speaker_id
         WHERE m.id IS NULL OR t.start_time < s.actual_start OR t.start_time > s.actual_end OR t.end_time < t.start_time`,
      ),
    ]);
    expect(outside).toEqual([]);
    expect(texts.length).toBeGreaterThan(80);
    for (const { content } of texts) expect(String(content)).toMatch(/^\p{Lu}[^.]{10,}\.$/u);
  });
});

it("is left alone by a cleanup of all test data", async () => {
  const declared = resolveTables({ preset: "classwaves", tables: {} });
  const request = requestFor(declared, {
    scope: "all",
    runStarted: Date.parse("2020-01-01"),
    testData: {
      preset: "classwaves",
      prefixes: ["integration_test_", "e2e-session-", "perf_test_", "teacher_test_"],
    },
  });
  const plan = await planCleanup(
    { warehouse: copy.connection, signal: AbortSignal.timeout(60_000), onStep: () => undefined },
    request,
  );
  expect(plan.rows?.blockers).toEqual([]);
  expect(plan.rows?.rows).toBe(0);
  // The same search finds a row that is test data.
  await copy.warehouse.load("INSERT INTO users.schools (id, name) VALUES ('integration_test_1763920000000_1a2b3c4d', 'x')");
  expect((await planRows(copy.connection, rowRequest(request))).rows).toBe(1);
  await copy.warehouse.load("DELETE FROM users.schools WHERE name = 'x'");
});

it("a second seed changes nothing, and another warehouse gets the same rows", async () => {
  const before = await copy.warehouse.checksum();
  copy.sent();
  const second = await copy.seed({ schools: 1 });
  expect(copy.sent().filter((sql) => /INSERT|TRUNCATE/.test(sql))).toEqual([]);
  expect(second.tables.every(({ rows }) => rows === 0)).toBe(true);
  expect(await copy.warehouse.checksum()).toEqual(before);
  // Fewer tables are cheaper, and a table's rows don't depend on what isn't seeded.
  const some = Object.entries(await classWavesTables()).filter(([name]) =>
    /\.(users\.(schools|teachers|students)|sessions)\b/.test(name),
  );
  const other = await openCopy(Object.fromEntries(some));
  try {
    await other.seed({ schools: 1 });
    const sums = await other.warehouse.checksum();
    expect(Object.keys(sums)).toHaveLength(8);
    expect(before).toMatchObject(sums);
  } finally {
    await other.close();
  }
}, 120_000);
