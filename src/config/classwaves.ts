import { once } from "../lib/once.ts";
import { isBookkeeping, matchRulesOf, mayHoldPerson, mayHoldSecret, parentKindOf, timeColumnOf } from "./columns.ts";
import type { Table, TestDataConfig } from "./schema.ts";
import type { Parent, ParentKind } from "./test-data-schema.ts";

/**
 * ClassWaves' 48 tables with the columns that matter for test data: the key first, then owners, columns that may hold personal
 * data, and the creation time. columns.ts says what each column's name means.
 */
const columnsOf: Readonly<Record<string, string>> = {
  "admin.districts": "id name superintendent_name contact_email contact_phone created_at",
  "admin.schema_migrations": "id error_message executed_at",
  "admin.school_settings": "id school_id setting_value description created_at",
  "ai_insights.analysis_results": "id session_id group_id result_data created_at",
  "ai_insights.educational_insights": "id session_id title description recommendations created_at",
  "ai_insights.group_summaries": "id session_id group_id summary_json created_at",
  "ai_insights.guidance_events": "id teacher_id session_id group_id payload created_at",
  "ai_insights.intervention_suggestions": "id teacher_id session_id group_id reason suggested_action created_at",
  "ai_insights.schema_migrations": "id error_message executed_at",
  "ai_insights.session_guidance_analytics": "id teacher_id school_id session_id teacher_feedback_text created_at",
  "ai_insights.session_summaries": "id session_id summary_json created_at",
  "ai_insights.teacher_guidance_metrics":
    "id teacher_id session_id group_id prompt_message prompt_context feedback_text context_reason context_prior_topic context_current_topic context_transition_idea context_supporting_lines bridging_prompt on_track_summary created_at",
  "ai_insights.teacher_prompt_effectiveness": "id created_at",
  "ai_insights.tier1_analysis": "id session_id group_id insights created_at",
  "ai_insights.tier2_analysis": "id session_id insights created_at",
  "analytics.dashboard_metrics_hourly": "id school_id created_at",
  "analytics.educational_metrics": "id session_id created_at",
  "analytics.group_analytics": "group_id session_id created_at",
  "analytics.group_metrics": "id session_id group_id configured_name created_at",
  "analytics.session_analytics": "id session_id analytics_data error_message created_at",
  "analytics.session_analytics_cache": "id teacher_id school_id session_id created_at",
  "analytics.session_events": "id teacher_id session_id payload created_at",
  "analytics.session_metrics": "id session_id created_at",
  "analytics.student_metrics": "id session_id participant_id created_at",
  "analytics.teacher_analytics_summary": "id teacher_id school_id created_at",
  "audio.recordings": "id session_id group_id participant_id file_path last_error created_at",
  "communication.messages": "id session_id subject content metadata created_at",
  "compliance.audit_log": "id school_id session_id description ip_address user_agent created_at",
  "compliance.coppa_compliance": "id school_id student_id created_at",
  "compliance.parental_consents": "id school_id student_id parent_name parent_email ip_address user_agent created_at",
  "compliance.retention_policies": "id school_id created_at",
  "notifications.notification_queue": "id user_id recipient_address subject content template_data failure_reason created_at",
  "notifications.templates": "id name description subject_template created_at",
  "operational.api_metrics": "id school_id user_id ip_address user_agent timestamp",
  "operational.background_jobs": "id parameters result error_message created_at",
  "operational.system_events": "id school_id session_id user_id message error_details created_at",
  "sessions.classroom_sessions": "id teacher_id school_id title description teacher_notes goal subject created_at",
  "sessions.participants": "id session_id group_id student_id anonymous_id display_name browser_info created_at",
  "sessions.student_group_members": "id session_id group_id student_id created_at",
  "sessions.student_groups": "id session_id name created_at",
  "sessions.transcriptions": "id session_id group_id speaker_name content key_phrases created_at",
  "users.analytics_job_metadata": "job_name error_message created_at",
  "users.dashboard_metrics_hourly": "id school_id calculated_at",
  "users.schools": "id name admin_email domain created_at",
  "users.session_analytics_cache":
    "id teacher_id school_id session_id key_insights intervention_recommendations leader_ready_events intervention_events cached_at",
  "users.students": "id school_id display_name email google_id parent_email given_name family_name preferred_name created_at",
  "users.teacher_analytics_summary": "id teacher_id school_id calculated_at",
  "users.teachers": "id school_id google_id email name picture subject created_at",
};

/**
 * The table that each column refers to; columns.ts decides between part-of and belongs-to. Columns that only mention somebody are
 * left out on purpose (`merelyMentions`).
 */
const owners: Readonly<Record<string, string>> = {
  session_id: "sessions.classroom_sessions",
  group_id: "sessions.student_groups",
  participant_id: "sessions.participants",
  teacher_id: "users.teachers",
  student_id: "users.students",
  school_id: "users.schools",
  // Only teachers sign in. Students take part without an account.
  user_id: "users.teachers",
};

/** Exceptions to the rules for names: a participant can move to another group during the lesson. */
const otherKinds: Readonly<Record<string, ParentKind>> = { "sessions.participants.group_id": "belongs-to" };

/**
 * Legal evidence (compliance) and output of jobs. We list these tables, so that they are not reported as undeclared, but never
 * delete from them.
 */
const kept = /^compliance\.|\.(analytics_job_metadata|teacher_prompt_effectiveness)$/;

/** The Playwright projects of ClassWaves: with and without a signed-in teacher. */
export const classWavesProjects = ["authenticated-*", "unauthenticated-*"] as const;

/** Protection that every configuration with ClassWaves' preset must keep. */
export const presetProtection = { protectedTables: ["compliance.*"], protectedKeys: ["audit:log"] } as const;

/** Prefixes of keys that ClassWaves writes for all users, in production too. */
export const applicationKeys = [
  "session:",
  "secure_session:",
  "tokens:",
  "teacher_sessions:",
  "teacher_devices:",
  "websocket_connections:",
  "guidance:",
  "cw:production:",
] as const;

const classWavesTables = once(
  (): Readonly<Record<string, Table>> =>
    Object.fromEntries(Object.entries(columnsOf).map(([table, columns]) => [table, tableOf(table, columns.split(" "))])),
);

function tableOf(table: string, columns: string[]): Table {
  const time = timeColumnOf(columns);
  const deletable = !kept.test(table) && !isBookkeeping(table);
  return {
    key: columns[0] ?? "id",
    match: deletable ? columns.flatMap(matchRulesOf) : [],
    parents: deletable ? parentsOf(table, columns) : {},
    person: columns.filter(mayHoldPerson),
    ...(time ? { time } : {}),
  };
}

function parentsOf(table: string, columns: string[]): Record<string, Parent> {
  return Object.fromEntries(
    Object.entries(owners).flatMap(([column, parent]) =>
      columns.includes(column)
        ? [[column, { table: parent, kind: otherKinds[`${table}.${column}`] ?? parentKindOf(table, column) }]]
        : [],
    ),
  );
}

/** All tables that may hold test data: the preset's tables, with the file's tables added or replacing them. */
export function resolveTables(testData: Pick<TestDataConfig, "preset" | "tables">): Record<string, Table> {
  const own = Object.entries(testData.tables).map(([name, table]) => [name, withSecretsMasked(table)]);
  return { ...(testData.preset === "classwaves" ? classWavesTables() : {}), ...Object.fromEntries(own) };
}

/** Masks columns whose name suggests a secret. Reports name rows by these columns, and tests may change them. */
function withSecretsMasked(table: Table): Table {
  const shown = [table.key, ...table.match.map(({ column }) => column), ...Object.keys(table.parents)];
  const secret = shown.filter((column) => mayHoldSecret(column) && !table.person.includes(column));
  return secret.length === 0 ? table : { ...table, person: [...table.person, ...new Set(secret)] };
}
