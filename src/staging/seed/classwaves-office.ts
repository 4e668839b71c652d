import { schools, students, teachers } from "./classwaves-people.ts";
import { at, type Draft, mondayOf, nowOf, type Scale } from "./draft.ts";
import { around, between, chance, hashOf, oneOf, uuidOf, weighted } from "./random.ts";
import { fullName, plain } from "./vocabulary.ts";

/** ClassWaves' tables about districts, consents, notifications and operation. */
export function officeOf(scale: Scale): Draft[] {
  return [...districts(scale), ...ofSchools(scale), ...ofTeachers(scale), ...ofStudents(scale), ...operation(scale)];
}

const states = ["Arizona", "Colorado", "Nevada", "New Mexico", "Utah"];

function districts(scale: Scale): Draft[] {
  const count = Math.max(1, Math.ceil(scale.schools / 10));
  return [
    {
      table: "admin.districts",
      rows: count,
      values: {
        name: `concat(${oneOf("state", states)}, ' Unified District ', CAST(n + 1 AS STRING))`,
        state: oneOf("state", states),
        region: oneOf("region", ["north", "south", "east", "west"]),
        superintendent_name: fullName("superintendent"),
        contact_email: `concat('district-', CAST(n + 1 AS STRING), '@', ${oneOf("state", states.map(plain))}, '.example')`,
        website: "concat('https://district-', CAST(n + 1 AS STRING), '.example')",
        school_count: around("schools", 6, 14),
        teacher_count: around("teachers", 40, 120),
        student_count: around("students", 600, 1_800),
        subscription_tier: oneOf("tier", ["pro", "enterprise"]),
        contract_details: "map('term', 'annual', 'currency', 'USD')",
      },
    },
    ...["admin", "ai_insights"].map(
      (schema): Draft => ({
        table: `${schema}.schema_migrations`,
        rows: 8,
        at: `(${nowOf(scale)} - 86400 * (240 - n * 30))`,
        values: {
          migration_name: "concat('step_', CAST(n + 1 AS STRING))",
          migration_file: "concat('00', CAST(n + 1 AS STRING), '_step.sql')",
          sql_hash: "sha2(k, 256)",
          executed_at: at("at_s"),
          status: "'completed'",
        },
      }),
    ),
  ];
}

function ofSchools(scale: Scale): Draft[] {
  const school = { school_id: "p.id", created: "unix_timestamp(p.created_at)" };
  const hourly = (table: string): Draft => ({
    table,
    each: { parent: schools, most: 40, carry: school },
    // The last five days of lessons before the day's week, eight hours each.
    at: `(${mondayOf(scale)} - 604800 + CAST(floor(n / 8) AS BIGINT) * 86400 + (15 + n % 8) * 3600)`,
    values: {
      school_id: "school_id",
      metric_hour: at("at_s"),
      sessions_active: between("active", 0, 5),
      sessions_completed: between("completed", 0, 5),
      teachers_active: between("teachers", 0, 8),
      students_active: around("students", 0, 120),
      calculation_method: "'hourly'",
      calculated_at: at("at_s + 3600"),
      created_at: at("at_s + 3600"),
    },
  });
  return [
    {
      table: "admin.school_settings",
      each: { parent: schools, most: 4, carry: school },
      at: "(created + 600)",
      values: {
        school_id: "school_id",
        setting_key: "element_at(array('default_group_size', 'recording', 'language', 'retention_days'), CAST(n AS INT) + 1)",
        setting_value: "element_at(array('4', 'off', 'en', '365'), CAST(n AS INT) + 1)",
        setting_type: "element_at(array('number', 'boolean', 'string', 'number'), CAST(n AS INT) + 1)",
        is_editable: "TRUE",
      },
    },
    hourly("analytics.dashboard_metrics_hourly"),
    hourly("users.dashboard_metrics_hourly"),
    {
      table: "compliance.retention_policies",
      each: { parent: schools, most: 3, carry: school },
      at: "(created + 900)",
      values: {
        school_id: "school_id",
        policy_type: "element_at(array('transcripts', 'audio', 'analytics'), CAST(n AS INT) + 1)",
        retention_days: "CASE n WHEN 1 THEN 30 ELSE 365 END",
        delete_after_days: "CASE n WHEN 1 THEN 30 ELSE 365 END",
        archive_after_days: "CASE n WHEN 1 THEN 14 ELSE 180 END",
        legal_basis: "'ferpa'",
        auto_delete_enabled: "TRUE",
      },
    },
  ];
}

function ofTeachers(scale: Scale): Draft[] {
  const teacher = { teacher_id: "p.id", school_id: "p.school_id", mail: "p.email" };
  const template = uuidOf(scale.seed, hashOf(scale.seed, "notifications.templates", ["n % 6"]));
  const summary = (table: string): Draft => ({
    table,
    each: { parent: teachers, most: 5, carry: teacher },
    at: `(${mondayOf(scale)} - 604800 + n * 86400 + 84600)`,
    values: {
      teacher_id: "teacher_id",
      school_id: "school_id",
      summary_date: "date_add(DATE '1970-01-01', CAST(floor(at_s / 86400) AS INT))",
      total_sessions: between("sessions", 0, 5),
      calculation_method: "'daily'",
      source_tables: `'["sessions.classroom_sessions"]'`,
      improvement_trend: weighted("trend", [
        ["'stable'", 60],
        ["'up'", 30],
        ["'down'", 10],
      ]),
      calculated_at: at("at_s"),
    },
  });
  return [
    summary("analytics.teacher_analytics_summary"),
    summary("users.teacher_analytics_summary"),
    {
      table: "notifications.notification_queue",
      each: { parent: teachers, most: 3, carry: teacher },
      values: {
        user_id: "teacher_id",
        recipient_address: "mail",
        template_id: template,
        channel: "'email'",
        notification_type: oneOf("type", ["weekly_summary", "session_reminder", "consent_missing"]),
        status: weighted("status", [
          ["'sent'", 90],
          ["'queued'", 7],
          ["'failed'", 3],
        ]),
        template_data: "map('week', CAST(n + 1 AS STRING))",
        sent_at: at("at_s + 30"),
        max_retries: "3",
      },
    },
    {
      table: "operational.api_metrics",
      each: { parent: teachers, most: 8, carry: teacher },
      values: {
        user_id: "teacher_id",
        school_id: "school_id",
        endpoint: oneOf("endpoint", [
          "/api/v1/sessions",
          "/api/v1/roster/overview",
          "/api/v1/analytics/dashboard/summary",
          "/api/v1/auth/refresh",
        ]),
        method: weighted("method", [
          ["'GET'", 80],
          ["'POST'", 20],
        ]),
        status_code: weighted("status", [
          ["200", 95],
          ["401", 3],
          ["500", 2],
        ]),
        response_time_ms: around("ms", 20, 900),
      },
    },
  ];
}

function ofStudents(_: Scale): Draft[] {
  const student = {
    student_id: "p.id",
    school_id: "p.school_id",
    family: "p.family_name",
    mail: "p.parent_email",
    consented: "p.has_parental_consent",
    grade: "p.grade_level",
    created: "unix_timestamp(p.created_at)",
  };
  return [
    {
      table: "compliance.coppa_compliance",
      each: { parent: students, most: 1, carry: student },
      at: "(created + 300)",
      values: {
        student_id: "student_id",
        school_id: "school_id",
        birth_year: `2020 - CAST(grade AS INT) - ${between("age", 0, 1)}`,
        is_under_13: "(CAST(grade AS INT) <= 7)",
        age_verification_method: "'school'",
        data_collection_limited: "TRUE",
        no_behavioral_targeting: "TRUE",
        no_third_party_sharing: "TRUE",
        delete_after_days: "365",
      },
    },
    {
      table: "compliance.parental_consents",
      each: { parent: students, most: 1, where: "p.has_parental_consent", carry: student },
      at: "(created + 86400)",
      values: {
        student_id: "student_id",
        school_id: "school_id",
        consent_type: "'classroom_use'",
        consent_given: "consented",
        consent_date: at("at_s"),
        parent_name: "concat('Family ', family)",
        parent_email: "mail",
        relationship: weighted("relationship", [
          ["'mother'", 48],
          ["'father'", 44],
          ["'guardian'", 8],
        ]),
        verification_method: "'email'",
        verified_at: at("at_s + 7200"),
        consent_text_version: "'2026-08'",
      },
    },
  ];
}

function operation(scale: Scale): Draft[] {
  return [
    {
      table: "notifications.templates",
      rows: 6,
      values: {
        name: "element_at(array('weekly_summary', 'session_reminder', 'consent_missing', 'welcome', 'password_changed', 'report_ready'), CAST(n AS INT) + 1)",
        channel: "'email'",
        category: "element_at(array('summary', 'reminder', 'consent', 'account', 'account', 'summary'), CAST(n AS INT) + 1)",
        subject_template: "'ClassWaves: {{title}}'",
        body_template: "'Hello {{name}}, {{body}}'",
        variables: "array('title', 'name', 'body')",
        is_active: "TRUE",
        version: "1",
        created_by: "'system'",
      },
    },
    {
      table: "operational.background_jobs",
      rows: Math.max(6, scale.schools * 3),
      values: {
        job_type: oneOf("job", ["hourly_metrics", "teacher_summary", "retention"]),
        status: weighted("status", [
          ["'completed'", 94],
          ["'failed'", 3],
          ["'queued'", 3],
        ]),
        scheduled_at: at("at_s"),
        started_at: at("at_s + 2"),
        completed_at: at(`at_s + 2 + ${between("took", 1, 90)}`),
      },
    },
    {
      table: "ai_insights.teacher_prompt_effectiveness",
      rows: 36,
      at: `(${mondayOf(scale)} - 3600)`,
      values: {
        prompt_category: "element_at(array('facilitation', 'deepening', 'redirection', 'collaboration'), CAST(n % 4 AS INT) + 1)",
        session_phase: "element_at(array('opening', 'development', 'closing'), CAST(floor(n / 4) % 3 AS INT) + 1)",
        priority_level: "element_at(array('low', 'medium', 'high'), CAST(floor(n / 12) AS INT) + 1)",
        subject_area: oneOf("subject", ["Science", "Mathematics", "History"]),
        calculation_period_start: at(`${mondayOf(scale)} - 604800`),
        calculation_period_end: at(String(mondayOf(scale))),
        confidence_interval_lower: "0.35",
        confidence_interval_upper: "0.85",
      },
    },
    {
      table: "users.analytics_job_metadata",
      key: ["job_name", "processing_period"],
      rows: 14,
      at: `(${mondayOf(scale)} - 604800 + CAST(floor(n / 2) AS BIGINT) * 86400)`,
      values: {
        job_name: "element_at(array('hourly_metrics', 'teacher_summary'), CAST(n % 2 AS INT) + 1)",
        processing_period: at("at_s"),
        last_run: at("at_s + 3600"),
        status: `CASE WHEN ${chance("ok", 96)} THEN 'completed' ELSE 'failed' END`,
      },
    },
  ];
}
