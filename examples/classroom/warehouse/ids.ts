import { createHash } from "node:crypto";

/**
 * The ids of the production rows, once as DuckDB expressions over a row's number and once for Redis, whose keys contain the same
 * ids. They depend only on the number, so every start creates the same rows.
 */

/** The number of rows in tables that others refer to. */
export const population = {
  schools: 203,
  teachers: 222,
  students: 700,
  sessions: 640,
  groups: 1_500,
  members: 4_500,
  participants: 1_800,
};

const firstSchoolMs = 1_724_000_000_000;
const firstTeacherMs = 1_725_000_000_000;

const sqlUuid = (text: string) => `regexp_replace(md5(${text}), '^(.{8})(.{4}).(.{3}).(.{3})(.{12})$', '\\1-\\2-4\\3-a\\4-\\5')`;

/** Each takes a DuckDB expression for the row's number, from 0. */
export const sqlId = {
  school: (n: string) => `'school_' || (${firstSchoolMs} + (${n}) * 86400000) || '_' || left(md5('school ' || (${n})), 8)`,
  teacher: (n: string) => `'teacher_' || (${firstTeacherMs} + (${n}) * 3600000) || '_' || left(md5('teacher ' || (${n})), 8)`,
  student: (n: string) => sqlUuid(`'student ' || (${n})`),
  session: (n: string) => sqlUuid(`'session ' || (${n})`),
  participant: (n: string) => sqlUuid(`'participant ' || (${n})`),
  /** Every second group is named after its session, as parts of the application do. */
  group: (n: string) =>
    `CASE WHEN (${n}) % 2 = 0 THEN ${sqlUuid(`'group ' || (${n})`)}
     ELSE ${sqlUuid(`'session ' || ((${n}) % ${population.sessions})`)} || '_group_' || ((${n}) // ${population.sessions} + 1) END`,
  /** Any other id: one per table and row. */
  other: (table: string, n: string) => sqlUuid(`'${table} ' || (${n})`),
};

export const id = {
  school: (n: number) => `school_${firstSchoolMs + n * 86_400_000}_${md5(`school ${n}`).slice(0, 8)}`,
  teacher: (n: number) => `teacher_${firstTeacherMs + n * 3_600_000}_${md5(`teacher ${n}`).slice(0, 8)}`,
  session: (n: number) => uuid(`session ${n}`),
  group: (n: number) =>
    n % 2 === 0
      ? uuid(`group ${n}`)
      : `${uuid(`session ${n % population.sessions}`)}_group_${Math.floor(n / population.sessions) + 1}`,
};

function uuid(text: string): string {
  return md5(text).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
