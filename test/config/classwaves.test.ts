import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { resolveTables } from "../../src/config/classwaves.ts";
import type { Table } from "../../src/config/schema.ts";

/**
 * Compares the preset with the real tables. A missing table leaves test data behind; an extra rule or owner deletes a school's
 * real rows.
 */

const schemaFile = new URL("../../examples/classroom/schema.json", import.meta.url);
const real: Record<string, { columns: Record<string, string> }> = JSON.parse(await readFile(schemaFile, "utf8"));
const columnsOf = new Map(
  Object.entries(real).map(([name, { columns }]) => [name.replace(/^classwaves\./, ""), Object.keys(columns)]),
);
const preset = resolveTables({ preset: "classwaves", tables: {} });

const owners: Record<string, string> = {
  session_id: "sessions.classroom_sessions",
  group_id: "sessions.student_groups",
  participant_id: "sessions.participants",
  teacher_id: "users.teachers",
  student_id: "users.students",
  school_id: "users.schools",
  user_id: "users.teachers",
};

/** These can change: a test can point a real row at a test row. Only the age of the row shows that it existed before. */
const movable = [
  "users.teachers.school_id",
  "users.students.school_id",
  "sessions.classroom_sessions.teacher_id",
  "sessions.classroom_sessions.school_id",
  "sessions.participants.student_id",
  "sessions.participants.group_id",
  "sessions.student_group_members.student_id",
  "notifications.notification_queue.user_id",
  "operational.system_events.school_id",
];
/** These never change: they are written with the row, or computed for it. */
const fixed = [
  "sessions.student_groups.session_id",
  "sessions.transcriptions.group_id",
  "sessions.student_group_members.group_id",
  "analytics.student_metrics.participant_id",
  "users.teacher_analytics_summary.teacher_id",
  "users.dashboard_metrics_hourly.school_id",
  "admin.school_settings.school_id",
];

/** Known tables from which nothing is deleted. */
const kept = [
  "admin.schema_migrations",
  "ai_insights.schema_migrations",
  "ai_insights.teacher_prompt_effectiveness",
  "compliance.audit_log",
  "compliance.coppa_compliance",
  "compliance.parental_consents",
  "compliance.retention_policies",
  "users.analytics_job_metadata",
];

test("the preset has exactly the 48 tables", () => {
  expect(columnsOf.size).toBe(48);
  expect(Object.keys(preset).sort()).toEqual([...columnsOf.keys()].sort());
});

test.each(Object.entries(preset))("%s has a key, and all its columns exist", (name, table) => {
  const named = [
    table.key,
    ...(table.time ? [table.time] : []),
    ...table.match.map(({ column }) => column),
    ...Object.keys(table.parents),
    ...table.person,
  ];
  expect(columnsOf.get(name)).toEqual(expect.arrayContaining(named));
});

test.each(Object.entries(preset).filter(([name]) => !kept.includes(name)))(
  "%s has every owner that it has a column for",
  (name, table) => {
    const expected = (columnsOf.get(name) ?? []).filter((column) => owners[column]).map((column) => [column, owners[column]]);
    expect(Object.fromEntries(Object.entries(table.parents).map(([column, parent]) => [column, parent.table]))).toEqual(
      Object.fromEntries(expected),
    );
  },
);

test("rows that can be moved belong to their owner; rows that cannot are part of it", () => {
  const kinds = new Map(
    Object.entries(preset).flatMap(([name, { parents }]) =>
      Object.entries(parents).map(([column, { kind }]): [string, string] => [`${name}.${column}`, kind]),
    ),
  );
  expect(movable.map((column) => kinds.get(column))).toEqual(movable.map(() => "belongs-to"));
  expect(fixed.map((column) => kinds.get(column))).toEqual(fixed.map(() => "part-of"));
});

test("every table has a time column that shows the age of test data", () => {
  const timeless = Object.entries(preset).filter(([, table]) => table.time === undefined);
  expect(timeless.map(([name]) => name)).toEqual([]);
  expect(preset["users.session_analytics_cache"]?.time).toBe("cached_at");
  expect(preset["operational.api_metrics"]?.time).toBe("timestamp");
});

test("legal evidence and tables that jobs write are never deleted from", () => {
  const untouched = Object.entries(preset).filter(
    ([, { match, parents }]) => match.length === 0 && Object.keys(parents).length === 0,
  );
  expect(untouched.map(([name]) => name).sort()).toEqual(kept);
});

test("a column that only mentions a person is no owner: a real group led by a test student is kept", () => {
  const mentions =
    /^(leader|speaker|sender|recipient|target_student|applies_to|actor|resource|template|prompt|computation)_id$|^created_by$/;
  const followed = Object.values(preset).flatMap(({ parents }) => Object.keys(parents));
  expect(followed.filter((column) => mentions.test(column))).toEqual([]);
  expect(preset["sessions.student_groups"]?.parents).toEqual({
    session_id: { table: "sessions.classroom_sessions", kind: "part-of" },
  });
});

/** Returns whether a row is test data by its own values and the preset's rules. */
function isTestData(table: Table | undefined, row: Record<string, string>): boolean {
  const prefixes = ["integration_test_", "e2e_test_"];
  return (table?.match ?? []).some(({ column, prefix, suffix, equals }) => {
    const value = row[column] ?? "";
    return (
      (prefix && prefixes.some((p) => value.startsWith(p))) || (suffix && value.endsWith(suffix)) || (equals && value === equals)
    );
  });
}

test.each([
  ["users.teachers", { id: "integration_test_1_ab", email: "a@real.example" }, true],
  ["users.teachers", { id: "teacher_1_ab", email: "anna@testschool.edu" }, true],
  ["users.teachers", { id: "teacher_1_ab", email: "anna@test.edu" }, true],
  ["users.teachers", { id: "teacher_1_ab", email: "anna@contest.edu" }, false],
  ["users.teachers", { id: "teacher_1_ab", email: "anna@nottestschool.edu" }, false],
  ["users.teachers", { id: "teacher_1_ab", email: "anna@test.edu.example" }, false],
  ["users.teachers", { id: "teacher_1_ab", name: "Terry Test", email: "terry@latest.example" }, false],
  ["users.schools", { id: "school_1_ab", domain: "testschool.edu" }, true],
  ["users.schools", { id: "school_1_ab", domain: "contest.edu", admin_email: "anna@test.edu" }, false],
  ["sessions.classroom_sessions", { id: "7b1c6c0e", title: "e2e_test_1_ab fractions" }, true],
  ["sessions.classroom_sessions", { id: "7b1c6c0e", title: "Integration test of what we learned" }, false],
  ["sessions.classroom_sessions", { id: "integrationXtestX1" }, false],
  ["compliance.audit_log", { id: "integration_test_1_ab" }, false],
])("a row of %s with %o is test data: %s", (table, row, expected) => {
  expect(isTestData(preset[table], row)).toBe(expected);
});

test("personal data is masked: names, addresses and content", () => {
  const telling = /(^|_)(name|email|phone|content|ip_address)$/;
  const harmless = new Set(["metric_name", "job_name", "migration_name"]);
  for (const [name, columns] of columnsOf) {
    const persons = columns.filter((column) => telling.test(column) && !harmless.has(column));
    expect(preset[name]?.person, name).toEqual(expect.arrayContaining(persons));
  }
});

test("a table of the file replaces the preset's, is added to the preset, or is alone without a preset", () => {
  const own: Table = { key: "uid", match: [], parents: {}, person: [] };
  expect(resolveTables({ preset: "classwaves", tables: { "users.teachers": own } })["users.teachers"]).toEqual(own);
  expect(Object.keys(resolveTables({ preset: "classwaves", tables: { "a.b": own } }))).toHaveLength(49);
  expect(resolveTables({ preset: "none", tables: { "a.b": own } })).toEqual({ "a.b": own });
  const named = (key: string) => resolveTables({ preset: "none", tables: { "a.b": { ...own, key } } })["a.b"]?.person;
  expect(["refresh_token", "api_key", "setting_key", "token_id"].map(named)).toEqual([
    [...own.person, "refresh_token"],
    [...own.person, "api_key"],
    own.person,
    own.person,
  ]);
});
