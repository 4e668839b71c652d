import { population, sqlId } from "./ids.ts";
import type { TableShape } from "./schema.ts";

/** Smaller tables are extended to this size, so that there is something to lose. */
const rowsOf: Record<string, number> = {
  "users.schools": population.schools,
  "users.teachers": population.teachers,
  "users.students": population.students,
  "sessions.classroom_sessions": population.sessions,
  "sessions.student_groups": population.groups,
  "sessions.student_group_members": population.members,
  "sessions.participants": population.participants,
  "sessions.transcriptions": 2_400,
  "ai_insights.guidance_events": 900,
};
const fewestRows = 12;

/**
 * An INSERT in DuckDB's dialect that fills one table; `i` is the row's number.
 * @param name `catalog.schema.table`
 */
export function productionRows(name: string, { rows, columns }: TableShape): string {
  const table = name.slice(name.indexOf(".") + 1);
  const values = Object.entries(columns).map(([column, type]) => `${value(table, columns, column, type)} AS "${column}"`);
  const count = Math.max(rows, rowsOf[table] ?? fewestRows);
  return `INSERT INTO ${name} BY NAME SELECT ${values.join(", ")} FROM range(${count}) AS numbers(i)`;
}

function value(table: string, columns: TableShape["columns"], column: string, type: string): string {
  return reference(table, columns, column) ?? wording(table, column) ?? ofType(column, type);
}

/**
 * The numbers of the rows that a row depends on. Row i depends on group i, the group on a session, the session on a teacher, the
 * teacher on a school, each modulo their number. So all tables agree about who belongs to whom.
 */
function reference(table: string, columns: TableShape["columns"], column: string): string | undefined {
  const group = table === "sessions.student_groups" ? "i" : `i % ${population.groups}`;
  const hangsOnGroup = "group_id" in columns || table === "sessions.student_groups";
  const session = hangsOnGroup ? `(${group}) % ${population.sessions}` : `i % ${population.sessions}`;
  const hangsOnSession = "session_id" in columns || table === "sessions.classroom_sessions";
  const teacher = hangsOnSession ? `(${session}) % ${population.teachers}` : `i % ${population.teachers}`;
  const hangsOnTeacher = hangsOnSession || "teacher_id" in columns || table === "users.teachers";
  const school = hangsOnTeacher ? `(${teacher}) % ${population.schools}` : `i % ${population.schools}`;
  const student = sqlId.student(`i % ${population.students}`);

  switch (column) {
    case "id":
      return ownId(table);
    case "group_id":
      return sqlId.group(group);
    case "session_id":
    case "resource_id":
    case "applies_to_id":
      return sqlId.session(session);
    case "teacher_id":
    case "user_id":
    case "actor_id":
    case "sender_id":
    case "created_by":
      return sqlId.teacher(teacher);
    case "school_id":
      return sqlId.school(school);
    case "participant_id":
      return sqlId.participant(`i % ${population.participants}`);
    // The first member of a group is row i of the members, so the same student is its leader.
    case "leader_id":
    case "student_id":
    case "speaker_id":
    case "recipient_id":
    case "target_student_id":
      return student;
    case "affected_student_ids":
      return `'["' || ${student} || '"]'`;
    case "template_id":
      return sqlId.other("notifications.templates", `i % ${fewestRows}`);
    default:
      return undefined;
  }
}

function ownId(table: string): string {
  const own: Record<string, string> = {
    "users.schools": sqlId.school("i"),
    "users.teachers": sqlId.teacher("i"),
    "users.students": sqlId.student("i"),
    "sessions.classroom_sessions": sqlId.session("i"),
    "sessions.student_groups": sqlId.group("i"),
    "sessions.participants": sqlId.participant("i"),
    "sessions.student_group_members": `${sqlId.group(`i % ${population.groups}`)} || '_member_' || (i // ${population.groups} + 1)`,
  };
  return own[table] ?? sqlId.other(table, "i");
}

const given = oneOf(
  "Ada",
  "Bo",
  "Chidi",
  "Dana",
  "Emre",
  "Farah",
  "Goran",
  "Hana",
  "Ines",
  "Jonas",
  "Kofi",
  "Leila",
  "Mika",
  "Noor",
);
const family = oneOf(
  "Ashdown",
  "Brook",
  "Castell",
  "Dunmore",
  "Eastman",
  "Farrow",
  "Garrick",
  "Holm",
  "Ivers",
  "Jarrow",
  "Kestrel",
);
const person = `${given} || ' ' || ${family} || ' ' || i`;
const subject = oneOf("Science", "Mathematics", "History", "English", "Geography", "Art");
const status: Record<string, string> = {
  "sessions.classroom_sessions": oneOf("ended", "ended", "archived", "created", "active"),
  "sessions.student_groups": oneOf("ready", "active", "created"),
  "users.teachers": "'active'",
  "users.students": "'active'",
};

/** Texts that a reader would miss or that code looks at; the people are invented. */
function wording(table: string, column: string): string | undefined {
  const own: Record<string, string> = {
    "users.schools.name": `${family} || ' School ' || i`,
    "users.schools.domain": "'school-' || i || '.example.org'",
    "users.teachers.role": oneOf("teacher", "teacher", "teacher", "admin"),
    "sessions.student_groups.name": `'Group ' || (i // ${population.sessions} + 1)`,
    "sessions.classroom_sessions.title": `${subject} || ': ' || ${oneOf("fractions", "rivers", "poems", "light", "maps")} || ' ' || i`,
    "sessions.transcriptions.content": "'I think that ' || (i % 9 + 2) || ' of them would be enough'",
    "sessions.transcriptions.speaker_name": person,
  };
  const common: Record<string, string> = {
    status: status[table] ?? oneOf("completed", "pending"),
    subject,
    subject_area: subject,
    name: person,
    display_name: person,
    parent_name: person,
    superintendent_name: person,
    given_name: given,
    family_name: family,
    email: `'person-' || i || '@school-' || (i % ${population.schools}) || '.example.org'`,
    admin_email: "'office@school-' || i || '.example.org'",
    contact_email: "'office@district-' || i || '.example.org'",
    parent_email: "'parent-' || i || '@example.org'",
    recipient_address: "'person-' || i || '@example.org'",
    access_code: "CAST(100000 + i * 733 % 900000 AS VARCHAR)",
    language_code: "'en'",
    timezone: "'Europe/London'",
    ip_address: "'192.0.2.' || (i % 250 + 1)",
    event_type: oneOf("created", "started", "joined", "ended", "viewed"),
    actor_type: "'teacher'",
    resource_type: "'session'",
    compliance_basis: "'FERPA'",
    severity: oneOf("info", "info", "warning"),
    payload: `'{"n":' || i || '}'`,
    result_data: `'{"score":' || (i % 100) || '}'`,
    summary_json: `'{"points":' || (i % 7) || '}'`,
    error_message: "NULL",
    last_error: "NULL",
    failure_reason: "NULL",
    deleted_at: "NULL",
    failed_at: "NULL",
    revoked_at: "NULL",
    deletion_requested_at: "NULL",
    deletion_completed_at: "NULL",
  };
  return own[`${table}.${column}`] ?? common[column];
}

/** 1 September 2025, 08:00 UTC, in seconds; other times are within sixty days of it. */
const schoolYearStart = 1_756_713_600;
const instant = (offset: number) => `to_timestamp(${schoolYearStart + offset} + i * 607 % 5184000)`;

function ofType(column: string, type: string): string {
  const decimal = /^decimal\((\d+),(\d+)\)$/.exec(type);
  if (decimal) return decimal[2] === "4" ? "i * 37 % 100 / 100.0" : "i * 37 % 1000 / 10.0";
  switch (type) {
    case "string":
      return `'${column.replaceAll("_", " ")} ' || (i % 50)`;
    case "int":
    case "bigint":
      return "i * 37 % 100";
    case "double":
      return "i * 37 % 1000 / 1000.0";
    case "boolean":
      return "i % 3 <> 0";
    case "date":
      return "DATE '2025-09-01' + CAST(i % 60 AS INTEGER)";
    case "timestamp":
      return instant(/end|expires|completed|processed|leave|updated/.test(column) ? 2_700 : 0);
    case "array<string>":
      return "['first name', 'title ' || (i % 5)]";
    case "map<string,string>":
      return "MAP {'source': 'classroom', 'batch': CAST(i % 9 AS VARCHAR)}";
    case "map<string,struct<generated:int,used:int,effectiveness:double>>":
      return "MAP {'opening': {'generated': i % 9, 'used': i % 5, 'effectiveness': i % 10 / 10.0}}";
    case "array<struct<speaker:string,quote:string,timestamp:timestamp>>":
      return `[{'speaker': ${given}, 'quote': 'because it is lighter', 'timestamp': ${instant(60)}}]`;
    default:
      // A new type in schema.json must not become a column of NULLs.
      throw new Error(`no production value is known for the type ${type}`);
  }
}

function oneOf(...values: string[]): string {
  return `(['${values.join("', '")}'])[i % ${values.length} + 1]`;
}
