import { at, countOf, type Draft, divided, idOf, mondayOf, nowOf, type Scale } from "./draft.ts";
import { around, between, chance, chosen, draw, oneOf, weighted } from "./random.ts";
import { familyName, givenName, hoursBehindUtc, inBoth, mailName, plain, sentence, speaksSpanish, topic } from "./vocabulary.ts";

/** ClassWaves' schools, teachers, students, lessons and groups: what all its other tables are about. */

export const schools = "users.schools";
export const teachers = "users.teachers";
export const students = "users.students";
export const sessions = "sessions.classroom_sessions";
export const groups = "sessions.student_groups";
export const members = "sessions.student_group_members";
export const participants = "sessions.participants";

/** Numbers that several tables agree about. */
export function figuresOf({ seed }: Scale) {
  return {
    teachers: (school: string) => countOf(seed, "teachers", school, 4, 12),
    students: (school: string) => countOf(seed, "students", school, 60, 180),
    lessons: (teacher: string) => countOf(seed, "lessons", teacher, 5, 15),
    /** Where a teacher's class begins in the list of the school's students. */
    roster: (teacher: string) => countOf(seed, "roster", teacher, 0, 9_999),
    /** A student of a teacher's class. */
    student: (school: string, teacher: string, number: string) =>
      idOf(
        seed,
        students,
        school,
        `(${countOf(seed, "roster", teacher, 0, 9_999)} + ${number}) % ${countOf(seed, "students", school, 60, 180)}`,
      ),
  };
}

export function peopleOf(scale: Scale): Draft[] {
  return [schoolsOf(scale), teachersOf(scale), studentsOf(scale), sessionsOf(scale), groupsOf(scale), membersOf(scale)];
}

function schoolsOf(scale: Scale): Draft {
  const now = nowOf(scale);
  const place = "place";
  return {
    table: schools,
    rows: scale.schools,
    steps: [
      {
        tier: weighted("tier", [
          ["'basic'", 45],
          ["'pro'", 40],
          ["'enterprise'", 15],
        ]),
        is_spanish: speaksSpanish("row_id"),
      },
      {
        domain: `concat(${inBoth("is_spanish", (words) => oneOf(place, words.places.map(plain)))}, '-', substring(k, 14, 5), '.example')`,
        state: weighted("state", [
          ["'active'", 84],
          ["'trial'", 11],
          ["'past_due'", 3],
          ["'cancelled'", 2],
        ]),
      },
    ],
    at: `(${now} - 86400 * ${between("age", 220, 900)} - ${between("second", 0, 30_000)})`,
    values: {
      name: inBoth("is_spanish", (words) => `concat(${oneOf(place, words.places)}, ' ', ${oneOf("kind", words.schoolKinds)})`),
      domain: "domain",
      google_workspace_id: "concat('C0', substring(k, 19, 7))",
      admin_email: "concat('office@', domain)",
      subscription_tier: "tier",
      subscription_status: "state",
      max_teachers: "CASE tier WHEN 'basic' THEN 15 WHEN 'pro' THEN 50 ELSE 200 END",
      current_teachers: figuresOf(scale).teachers("row_id"),
      stripe_customer_id: "CASE WHEN state = 'trial' THEN CAST(NULL AS STRING) ELSE concat('cus_', substring(k, 3, 14)) END",
      subscription_start_date: at("at_s"),
      subscription_end_date: at("at_s + 86400 * 1095"),
      trial_ends_at: `CASE WHEN state = 'trial' THEN ${at(`${now} + 86400 * 14`)} ELSE ${at("at_s + 86400 * 30")} END`,
      ferpa_agreement: "TRUE",
      coppa_compliant: chance("coppa", 97),
      data_retention_days: weighted("retention", [
        ["365", 50],
        ["730", 35],
        ["1095", 15],
      ]),
    },
  };
}

function teachersOf(scale: Scale): Draft {
  const now = nowOf(scale);
  const figures = figuresOf(scale);
  return {
    table: teachers,
    each: {
      parent: schools,
      most: 12,
      times: figures.teachers("p.id"),
      carry: { school_id: "p.id", domain: "p.domain", school_s: "unix_timestamp(p.created_at)" },
    },
    steps: [{ is_spanish: speaksSpanish("school_id"), subject_number: `${draw("subject")} % 6` }],
    at: `(school_s + 86400 * ${between("joined", 0, 180)})`,
    values: {
      school_id: "school_id",
      google_id: `concat('1', CAST(${between("google", 1_000_000_000, 2_000_000_000)} AS STRING), substring(CAST(1000000 + h1 AS STRING), 1, 6))`,
      email: `concat(${inBoth("is_spanish", (words) => mailName("given", "family", words))}, '.', substring(k, 27, 5), '@', domain)`,
      name: inBoth("is_spanish", (words) => `concat(${givenName("given", words)}, ' ', ${familyName("family", words)})`),
      picture: "concat('https://images.example/teachers/', substring(k, 5, 12), '.png')",
      role: "CASE WHEN n = 0 THEN 'admin' ELSE 'teacher' END",
      status: weighted("status", [
        ["'active'", 93],
        ["'pending'", 5],
        ["'suspended'", 2],
      ]),
      access_level: weighted("access", [
        ["'full'", 80],
        ["'basic'", 20],
      ]),
      max_concurrent_sessions: "3",
      current_sessions: "0",
      grade: oneOf("grade", ["6", "7", "8", "9", "10", "11", "12"]),
      subject: inBoth("is_spanish", (words) => chosen("subject_number", words.subjects)),
      timezone: inBoth("is_spanish", (words) => `'${words.timeZone}'`),
      features_enabled: `'["transcripts","guidance"]'`,
      last_login: at(`${now} - ${between("login", 3_600, 1_209_600)}`),
      login_count: around("logins", 5, 240),
      total_sessions_created: figures.lessons("row_id"),
    },
  };
}

function studentsOf(scale: Scale): Draft {
  const figures = figuresOf(scale);
  return {
    table: students,
    each: {
      parent: schools,
      most: 180,
      times: figures.students("p.id"),
      carry: { school_id: "p.id", domain: "p.domain", school_s: "unix_timestamp(p.created_at)" },
    },
    steps: [
      {
        is_spanish: speaksSpanish("school_id"),
        has_account: chance("account", 55),
        consented: chance("consent", 88),
        grade: `(6 + n % 7)`,
      },
      {
        given: inBoth("is_spanish", (words) => givenName("given", words)),
        family: inBoth("is_spanish", (words) => familyName("family", words)),
      },
    ],
    at: `(school_s + 86400 * ${between("enrolled", 1, 200)})`,
    values: {
      school_id: "school_id",
      display_name: "concat(given, ' ', substring(family, 1, 1), '.')",
      given_name: "given",
      family_name: "family",
      preferred_name: `CASE WHEN ${chance("preferred", 15)} THEN substring(given, 1, 3) END`,
      email: "CASE WHEN has_account THEN concat('s', substring(k, 1, 12), '@', domain) END",
      google_id: "CASE WHEN has_account THEN concat('2', CAST(100000000000 + hash52 % 900000000000 AS STRING)) END",
      status: weighted("status", [
        ["'active'", 95],
        ["'inactive'", 5],
      ]),
      grade_level: "CAST(grade AS STRING)",
      has_parental_consent: "consented",
      consent_date: `CASE WHEN consented THEN ${at(`at_s + 86400 * ${between("consent day", 0, 20)}`)} END`,
      parent_email: "concat('family.', substring(k, 15, 10), '@people.example')",
      data_sharing_consent: chance("sharing", 80),
      audio_recording_consent: `(consented AND ${chance("audio", 90)})`,
      email_consent: chance("mail", 70),
      coppa_compliant: "TRUE",
      teacher_verified_age: "(grade >= 7)",
    },
  };
}

/** 14 weeks of five days with six lessons, from twelve weeks before the day's week. No teacher has two lessons at once. */
function sessionsOf(scale: Scale): Draft {
  const now = nowOf(scale);
  const slots = 14 * 5 * 6;
  const { spanish, english } = hoursBehindUtc;
  return {
    table: sessions,
    each: {
      parent: teachers,
      most: 15,
      times: figuresOf(scale).lessons("p.id"),
      carry: {
        teacher_id: "p.id",
        school_id: "p.school_id",
        slot: `((${countOf(scale.seed, "slot", "p.id", 0, slots - 1)} + r.id * 53) % ${slots})`,
        own_subject: "p.subject",
      },
    },
    steps: [
      {
        is_spanish: speaksSpanish("school_id"),
        subject_number: `${draw("subject")} % 6`,
        planned: weighted("minutes", [
          ["45", 55],
          ["30", 20],
          ["50", 15],
          ["40", 10],
        ]),
        pupils: around("pupils", 8, 32),
        size: weighted("size", [
          ["4", 60],
          ["3", 25],
          ["5", 15],
        ]),
      },
      {
        start_s: `(${mondayOf(scale)} + (${divided("slot", 30)} - 12) * 604800 + (slot % 5) * 86400 + (8 + ${divided("slot", 5)} % 6 + CASE WHEN is_spanish THEN ${spanish} ELSE ${english} END) * 3600 + ${between("late", 0, 2)} * 300)`,
        all_groups: divided("pupils + size - 1", "size"),
      },
      { end_s: `(start_s + planned * 60 - ${between("early", 0, 240)})`, begun_s: `(start_s + ${between("delay", 0, 180)})` },
      {
        state: `CASE WHEN end_s <= ${now} THEN ${weighted("state", [
          ["'ended'", 90],
          ["'archived'", 10],
        ])} WHEN start_s <= ${now} THEN 'active' ELSE 'created' END`,
      },
      { has_begun: "(state <> 'created')", has_ended: "(state IN ('ended', 'archived'))" },
    ],
    at: `(least(start_s, ${now}) - 3600 * ${between("planned ahead", 2, 120)})`,
    values: {
      title: inBoth("is_spanish", (words) => `concat(own_subject, ': ', ${topic("topic", "subject_number", words)})`),
      description: inBoth("is_spanish", (words) => sentence("description", words)),
      goal: inBoth("is_spanish", (words) => sentence("goal", words)),
      subject: "own_subject",
      status: "state",
      scheduled_start: at("start_s"),
      actual_start: `CASE WHEN has_begun THEN ${at("begun_s")} END`,
      actual_end: `CASE WHEN has_ended THEN ${at("end_s")} END`,
      planned_duration_minutes: "planned",
      actual_duration_minutes: `CASE WHEN has_ended THEN ${divided("end_s - begun_s", 60)} END`,
      max_students: "36",
      target_group_size: "size",
      auto_group_enabled: chance("auto", 60),
      teacher_id: "teacher_id",
      school_id: "school_id",
      recording_enabled: chance("recording", 40),
      transcription_enabled: "TRUE",
      ai_analysis_enabled: chance("analysis", 90),
      ferpa_compliant: "TRUE",
      coppa_compliant: "TRUE",
      recording_consent_obtained: "TRUE",
      data_retention_date: at("start_s + 86400 * 365"),
      total_groups: "all_groups",
      total_students: "pupils",
      updated_at: `CASE WHEN has_ended THEN ${at("end_s")} WHEN has_begun THEN ${at("begun_s")} ELSE ${at("at_s")} END`,
      access_code: "upper(substring(k, 25, 6))",
      end_reason: `CASE WHEN has_ended THEN ${weighted("reason", [
        ["'teacher_ended'", 85],
        ["'timeout'", 15],
      ])} END`,
      teacher_notes: `CASE WHEN has_ended AND ${chance("notes", 30)} THEN ${inBoth("is_spanish", (words) => sentence("notes", words))} END`,
      engagement_score: `CASE WHEN has_ended THEN ${around("engagement", 4_500, 9_900)} / 100 END`,
      participation_rate: `CASE WHEN has_ended THEN ${around("participation", 5_500, 10_000)} / 100 END`,
    },
  };
}

function groupsOf(_: Scale): Draft {
  const figures = figuresOf(_);
  return {
    table: groups,
    each: {
      parent: sessions,
      most: 12,
      times: "p.total_groups",
      carry: {
        session_id: "p.id",
        school_id: "p.school_id",
        teacher_id: "p.teacher_id",
        pupils: "p.total_students",
        all_groups: "p.total_groups",
        size: "p.target_group_size",
        state: "p.status",
        created: "unix_timestamp(p.created_at)",
        begun: "p.actual_start",
        ended: "p.actual_end",
      },
    },
    at: "(created + 60)",
    values: {
      session_id: "session_id",
      name: inBoth(speaksSpanish("school_id"), (words) => `concat('${words.group} ', CAST(n + 1 AS STRING))`),
      group_number: "n + 1",
      status: "CASE state WHEN 'created' THEN 'created' WHEN 'active' THEN 'active' ELSE 'ended' END",
      max_size: "size + 1",
      current_size: `${divided("pupils - n - 1", "all_groups")} + 1`,
      auto_managed: chance("auto", 60),
      start_time: "begun",
      end_time: "ended",
      total_speaking_time_seconds: `CASE WHEN begun IS NULL THEN 0 ELSE ${around("speaking", 200, 1_500)} END`,
      collaboration_score: `CASE WHEN ended IS NOT NULL THEN ${around("collaboration", 4_000, 9_900)} / 100 END`,
      topic_focus_score: `CASE WHEN ended IS NOT NULL THEN ${around("focus", 4_000, 9_900)} / 100 END`,
      leader_id: figures.student("school_id", "teacher_id", "n"),
      is_ready: "(begun IS NOT NULL)",
      sentiment_arc: weighted("arc", [
        ["'steady'", 50],
        ["'rising'", 35],
        ["'falling'", 15],
      ]),
    },
  };
}

function membersOf(scale: Scale): Draft {
  return {
    table: members,
    each: {
      parent: groups,
      most: 5,
      times: "p.current_size",
      joins: [{ table: sessions, sql: "JOIN {table} s ON s.id = p.session_id" }],
      carry: {
        session_id: "p.session_id",
        group_id: "p.id",
        student_id: figuresOf(scale).student("s.school_id", "s.teacher_id", "(p.group_number - 1 + r.id * s.total_groups)"),
        created: "unix_timestamp(p.created_at)",
      },
    },
    at: "(created + 5)",
    values: { session_id: "session_id", group_id: "group_id", student_id: "student_id" },
  };
}
