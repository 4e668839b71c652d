import type { WarehouseSettings } from "../settings.ts";
import { DatabricksConnection, type Parameters, type Row } from "./databricks.ts";
import type { Group, Session, SessionDetail, Store } from "./store.ts";

export function databricksStore(settings: WarehouseSettings): Store {
  const connection = new DatabricksConnection(settings);
  const table = (name: string) => `${settings.catalog}.${name}`;

  /** One statement for all rows. Columns that the rows leave out get `constants`, which are SQL. */
  async function insert(name: string, constants: Record<string, string>, rows: Parameters[]): Promise<void> {
    const [first] = rows;
    if (!first) return;
    const columns = Object.keys(first);
    const tuples = rows.map(
      (_, at) => `(${[...columns.map((column) => `:${column}_${at}`), ...Object.values(constants)].join(", ")})`,
    );
    const parameters = Object.fromEntries(
      rows.flatMap((row, at) => columns.map((column) => [`${column}_${at}`, row[column] ?? null])),
    );
    await connection.query(
      `INSERT INTO ${table(name)} (${[...columns, ...Object.keys(constants)].join(", ")}) VALUES ${tuples.join(", ")}`,
      parameters,
    );
  }

  return {
    async serverTime() {
      const [row] = await connection.query("SELECT current_timestamp() AS server_time");
      return row?.server_time instanceof Date ? row.server_time.toISOString() : null;
    },

    async createSession(session) {
      await insert("sessions.classroom_sessions", timestamps, [sessionRow(session)]);
      await insert(
        "sessions.student_groups",
        { ...timestamps, status: "'created'", auto_managed: "false", is_ready: "false" },
        session.groups.map((group) => groupRow(session.id, group)),
      );
      await insert(
        "sessions.student_group_members",
        { created_at: timestamps.created_at },
        session.groups.flatMap((group) => group.members.map((member) => membershipRow(session.id, group.id, member))),
      );
    },

    async listSessions(teacherId) {
      const rows = await connection.query(
        `SELECT ${sessionColumns} FROM ${table("sessions.classroom_sessions")} WHERE teacher_id = :teacher ORDER BY created_at DESC LIMIT 50`,
        { teacher: teacherId },
      );
      return rows.map(asSession);
    },

    async findSession(id) {
      const [[row], groups, members] = await Promise.all([
        connection.query(`SELECT ${sessionColumns} FROM ${table("sessions.classroom_sessions")} WHERE id = :id`, { id }),
        connection.query(
          `SELECT id, name, group_number, leader_id FROM ${table("sessions.student_groups")} WHERE session_id = :id ORDER BY group_number`,
          { id },
        ),
        connection.query(
          `SELECT id, group_id, student_id FROM ${table("sessions.student_group_members")} WHERE session_id = :id ORDER BY created_at, id`,
          { id },
        ),
      ]);
      return row && { ...asSession(row), groups: groups.map((group) => asGroup(group, members)) };
    },

    async archiveSession(id) {
      await connection.query(
        `UPDATE ${table("sessions.classroom_sessions")} SET status = 'archived', updated_at = current_timestamp() WHERE id = :id`,
        { id },
      );
    },

    async addParticipant(sessionId, { id, groupId, studentId, membershipId, displayName }) {
      await Promise.all([
        insert("sessions.participants", { ...timestamps, join_time: "current_timestamp()", is_active: "true" }, [
          { id, session_id: sessionId, group_id: groupId, student_id: studentId, display_name: displayName },
        ]),
        insert("sessions.student_group_members", { created_at: timestamps.created_at }, [
          membershipRow(sessionId, groupId, { id: membershipId, studentId }),
        ]),
      ]);
    },

    async figures(schoolId) {
      const sessionsOf = `FROM ${table("sessions.classroom_sessions")} WHERE school_id = :school`;
      const [row] = await connection.query(
        `SELECT (SELECT count(*) ${sessionsOf}) AS total,
                (SELECT count(*) ${sessionsOf} AND status = 'active') AS active,
                (SELECT count(*) FROM ${table("sessions.student_groups")} WHERE session_id IN (SELECT id ${sessionsOf})) AS groups_made,
                (SELECT count(*) FROM ${table("users.students")} WHERE school_id = :school) AS students,
                (SELECT count(*) FROM ${table("users.teachers")} WHERE school_id = :school) AS teachers`,
        { school: schoolId },
      );
      return {
        activeSessions: Number(row?.active),
        totalSessions: Number(row?.total),
        groups: Number(row?.groups_made),
        students: Number(row?.students),
        teachers: Number(row?.teachers),
      };
    },

    close: () => connection.close(),
  };
}

const timestamps = { created_at: "current_timestamp()", updated_at: "current_timestamp()" };

const sessionColumns = "id, title, subject, status, teacher_id, school_id, access_code, total_groups, total_students";

function sessionRow(session: Session): Parameters {
  return {
    id: session.id,
    title: session.title,
    subject: session.subject,
    status: session.status,
    teacher_id: session.teacherId,
    school_id: session.schoolId,
    access_code: session.accessCode,
    total_groups: session.totalGroups,
    total_students: session.totalStudents,
  };
}

function groupRow(sessionId: string, group: Group): Parameters {
  return {
    id: group.id,
    session_id: sessionId,
    name: group.name,
    group_number: group.number,
    leader_id: group.leaderId,
    current_size: group.members.length,
  };
}

function membershipRow(sessionId: string, groupId: string, member: { id: string; studentId: string }): Parameters {
  return { id: member.id, session_id: sessionId, group_id: groupId, student_id: member.studentId };
}

function asSession(row: Row): Session {
  return {
    id: String(row.id),
    title: String(row.title),
    subject: String(row.subject ?? ""),
    status: String(row.status),
    teacherId: String(row.teacher_id),
    schoolId: String(row.school_id),
    accessCode: String(row.access_code ?? ""),
    totalGroups: Number(row.total_groups ?? 0),
    totalStudents: Number(row.total_students ?? 0),
  };
}

function asGroup(row: Row, members: Row[]): SessionDetail["groups"][number] {
  return {
    id: String(row.id),
    name: String(row.name),
    number: Number(row.group_number),
    leaderId: row.leader_id === null ? null : String(row.leader_id),
    members: members
      .filter((member) => member.group_id === row.id)
      .map((member) => ({ id: String(member.id), studentId: String(member.student_id) })),
  };
}
