import type { ColumnPolicy } from "./model.ts";

/** What is known of ClassWaves' 48 tables and their names don't say. */

const keep = (reason: string): ColumnPolicy => ({ how: "keep", reason });
const madeUp = (kind: "sentence" | "text" | "word"): ColumnPolicy => ({ how: "synthetic", kind });

/** Two of these tables exist in no other schema. */
const markers = ["sessions.classroom_sessions", "sessions.student_group_members", "ai_insights.guidance_events"];

export function isClassWaves(tables: Iterable<string>): boolean {
  const known = new Set(tables);
  return markers.filter((table) => known.has(table)).length >= 2;
}

/** Ids of students, participants, leaders and speakers refer to each other across tables. */
export const classWavesDomains: Readonly<Record<string, string>> = {
  classroom_session: "session",
  student_group: "group",
  student: "member",
  participant: "member",
  leader: "member",
  speaker: "member",
  anonymous: "member",
  student_group_member: "membership",
  user: "teacher",
  created_by: "teacher",
};

export const omittedTables: Readonly<Record<string, string>> = {
  "compliance.audit_log": "evidence of what people did; it is never copied",
};

/** By `schema.table.column`. */
export const classWavesColumns: Readonly<Record<string, { policy: ColumnPolicy; why?: string }>> = {
  "users.teachers.subject": { policy: keep("a school subject") },
  "sessions.classroom_sessions.subject": { policy: keep("a school subject") },
  "sessions.classroom_sessions.description": { policy: madeUp("text") },
  "sessions.classroom_sessions.access_code": {
    policy: { how: "surrogate", domain: "access_code" },
    why: "codes must stay different, and open nothing in production",
  },
  "sessions.student_groups.name": { policy: madeUp("sentence"), why: "students name their groups" },
  "sessions.transcriptions.content": { policy: madeUp("text"), why: "what students said" },
  "sessions.transcriptions.key_phrases": { policy: { how: "null" }, why: "what students said" },
  "sessions.participants.anonymous_id": { policy: { how: "surrogate", domain: "member" } },
  "sessions.participants.browser_info": { policy: { how: "null" }, why: "a browser identifies its user" },
  "analytics.group_metrics.configured_name": { policy: madeUp("sentence"), why: "students name their groups" },
  "users.schools.google_workspace_id": { policy: { how: "surrogate", domain: "google_workspace" } },
  "users.schools.stripe_customer_id": { policy: { how: "null" }, why: "it leads to payments" },
  "users.teachers.features_enabled": { policy: keep("names of features") },
  "users.teachers.access_level": { policy: keep("one of a few words") },
  "users.teachers.google_id": { policy: { how: "surrogate", domain: "google_account" } },
  "users.students.google_id": { policy: { how: "surrogate", domain: "google_account" } },
  "admin.districts.state": { policy: keep("a state has many districts") },
  "admin.districts.region": { policy: { how: "null" }, why: "a small region identifies a district" },
};
