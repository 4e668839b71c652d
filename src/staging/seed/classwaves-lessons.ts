import { afterwards, during, ofSessions } from "./classwaves-figures.ts";
import { figuresOf, groups, members, participants, sessions, students } from "./classwaves-people.ts";
import { at, countOf, type Draft, divided, type Each, type Scale } from "./draft.ts";
import { around, between, chance, oneOf, text, weighted } from "./random.ts";
import { inBoth, sentence, speaksSpanish } from "./vocabulary.ts";

/** What ClassWaves records during lessons, and what it makes of it. */

const ofSession = { table: sessions, sql: "JOIN {table} s ON s.id = p.session_id" };
const ended = "IN ('ended', 'archived')";

export function lessonsOf(scale: Scale): Draft[] {
  return [participantsOf(scale), transcriptsOf(scale), ...ofGroups(scale), ...ofSessions(scale), ...ofParticipants(scale)];
}

function participantsOf({ seed }: Scale): Draft {
  return {
    table: participants,
    each: {
      parent: members,
      most: 1,
      where: `s.status <> 'created' AND ${countOf(seed, "attends", "p.id", 0, 99)} < 93`,
      joins: [ofSession, { table: students, sql: "JOIN {table} u ON u.id = p.student_id" }],
      carry: {
        session_id: "p.session_id",
        group_id: "p.group_id",
        student_id: "p.student_id",
        shown: "u.display_name",
        state: "s.status",
        begun_s: "unix_timestamp(s.actual_start)",
        end_s: "unix_timestamp(s.actual_end)",
      },
    },
    at: `(begun_s + ${between("joins after", 0, 240)})`,
    values: {
      session_id: "session_id",
      group_id: "group_id",
      student_id: "student_id",
      display_name: "shown",
      join_time: at("at_s"),
      leave_time: `CASE WHEN state ${ended} THEN ${at("greatest(at_s, end_s)")} END`,
      is_active: "(state = 'active')",
      device_type: weighted("device", [
        ["'chromebook'", 60],
        ["'tablet'", 25],
        ["'laptop'", 15],
      ]),
      connection_quality: weighted("connection", [
        ["'good'", 80],
        ["'fair'", 15],
        ["'poor'", 5],
      ]),
      can_speak: "TRUE",
      can_hear: "TRUE",
      is_muted: chance("muted", 10),
      total_speaking_time_seconds: around("speaking", 10, 420),
      message_count: between("messages", 0, 6),
      interaction_count: between("interactions", 2, 40),
      updated_at: `CASE WHEN state ${ended} THEN ${at("greatest(at_s, end_s)")} ELSE ${at("at_s")} END`,
    },
  };
}

/** The members of a group speak in turn, between the lesson's start and end. */
function transcriptsOf(scale: Scale): Draft {
  const number = "(p.group_number - 1 + (r.id * 7 + r.id % 3) % p.current_size * s.total_groups)";
  const speaker = figuresOf(scale).student("s.school_id", "s.teacher_id", number);
  return {
    table: "sessions.transcriptions",
    each: {
      parent: groups,
      most: 16,
      times: countOf(scale.seed, "turns", "p.id", 4, 16),
      where: `s.status ${ended}`,
      joins: [ofSession, { table: students, sql: `JOIN {table} u ON u.id = ${speaker}` }],
      carry: {
        session_id: "p.session_id",
        group_id: "p.id",
        school_id: "s.school_id",
        speaker: "u.id",
        shown: "u.display_name",
        begun_s: "unix_timestamp(s.actual_start)",
        step_s: divided("unix_timestamp(s.actual_end) - unix_timestamp(s.actual_start)", 17),
      },
    },
    steps: [{ is_spanish: speaksSpanish("school_id"), tenths: around("length", 15, 240) }],
    at: `(begun_s + 20 + n * step_s + ${between("pause", 0, 20)})`,
    values: {
      session_id: "session_id",
      group_id: "group_id",
      speaker_id: "speaker",
      speaker_type: "'student'",
      speaker_name: "shown",
      content: inBoth("is_spanish", (words) => sentence("content", words)),
      language_code: inBoth("is_spanish", (words) => text(words.language)),
      start_time: at("at_s"),
      end_time: at(`at_s + ${divided("tenths", 10)}`),
      duration_seconds: "tenths / 10",
      confidence_score: `${around("confidence", 7_000, 9_990)} / 10000`,
      is_final: "TRUE",
      sentiment: weighted("sentiment", [
        ["'neutral'", 55],
        ["'positive'", 35],
        ["'negative'", 10],
      ]),
      key_phrases: `concat('["', ${oneOf("phrase", ["evidence", "example", "reason", "result"])}, '"]')`,
      academic_vocabulary_detected: chance("academic", 35),
    },
  };
}

/** For so many of a hundred groups, of lessons that have ended. */
function eachGroup({ seed }: Scale, what: string, percent: number, most = 1): Each {
  return {
    parent: groups,
    most,
    where: `s.status ${ended}${percent < 100 ? ` AND ${countOf(seed, what, "p.id", 0, 99)} < ${percent}` : ""}`,
    joins: [ofSession],
    carry: {
      session_id: "p.session_id",
      group_id: "p.id",
      teacher_id: "s.teacher_id",
      school_id: "s.school_id",
      group_size: "p.current_size",
      group_name: "p.name",
      leader: "p.leader_id",
      own_subject: "s.subject",
      begun_s: "unix_timestamp(s.actual_start)",
      end_s: "unix_timestamp(s.actual_end)",
    },
  };
}

const both = { session_id: "session_id", group_id: "group_id" };

function ofGroups(scale: Scale): Draft[] {
  const table = (name: string, each: Each, values: Draft["values"], when = afterwards): Draft => ({
    table: name,
    each,
    at: when,
    values: { ...both, ...values },
  });
  const category = oneOf("category", ["facilitation", "deepening", "redirection", "collaboration"]);
  return [
    table("ai_insights.analysis_results", eachGroup(scale, "analysis", 40), {
      analysis_type: oneOf("analysis", ["tier1", "tier2"]),
      model_version: "'2026-05'",
      processing_time_ms: around("ms", 400, 4_000),
      confidence_score: `${around("confidence", 6_000, 9_900)} / 10000`,
    }),
    table("ai_insights.group_summaries", eachGroup(scale, "summary", 60), {}),
    table(
      "ai_insights.guidance_events",
      eachGroup(scale, "guidance", 100, 2),
      { teacher_id: "teacher_id", event_type: oneOf("event", ["prompt_shown", "prompt_used", "prompt_dismissed"]) },
      during,
    ),
    table(
      "ai_insights.intervention_suggestions",
      eachGroup(scale, "intervention", 20),
      {
        teacher_id: "teacher_id",
        intervention_type: oneOf("type", ["refocus", "balance_turns", "clarify_task"]),
        target_type: "'student'",
        target_student_id: "leader",
        status: weighted("status", [
          ["'acted'", 55],
          ["'pending'", 20],
          ["'dismissed'", 25],
        ]),
        acted_upon: chance("acted", 55),
      },
      during,
    ),
    table(
      "ai_insights.teacher_guidance_metrics",
      eachGroup(scale, "prompts", 100),
      {
        teacher_id: "teacher_id",
        prompt_id: "concat('prompt-', substring(k, 3, 12))",
        prompt_category: category,
        session_phase: oneOf("phase", ["opening", "development", "closing"]),
        subject_area: "own_subject",
        acknowledged_at: at("at_s + 20"),
        used_at: `CASE WHEN ${chance("used", 45)} THEN ${at("at_s + 60")} END`,
        data_retention_date: "date_add(DATE '1970-01-01', CAST(floor(at_s / 86400) AS INT) + 365)",
      },
      during,
    ),
    table("ai_insights.tier1_analysis", eachGroup(scale, "tier1", 80), {}, during),
    {
      ...table("analytics.group_analytics", eachGroup(scale, "group analytics", 100), {
        analysis_type: "'final'",
        member_count: "group_size",
      }),
      key: ["group_id"],
    },
    table("analytics.group_metrics", eachGroup(scale, "group metrics", 90), {
      configured_name: "group_name",
      configured_size: "group_size",
      members_configured: "group_size",
      members_present: "group_size",
      silent_members_count: `least(group_size, ${between("silent", 0, 1)})`,
      leader_assigned: "TRUE",
      leader_ready_at: at("begun_s"),
    }),
  ];
}

function ofParticipants({ seed }: Scale): Draft[] {
  return [
    {
      table: "audio.recordings",
      each: {
        parent: participants,
        most: 1,
        where: `NOT p.is_active AND ${countOf(seed, "recording", "p.id", 0, 99)} < 8`,
        carry: {
          participant_id: "p.id",
          session_id: "p.session_id",
          group_id: "p.group_id",
          begun_s: "unix_timestamp(p.join_time)",
          end_s: "unix_timestamp(p.leave_time)",
        },
      },
      at: "end_s",
      values: {
        ...both,
        participant_id: "participant_id",
        file_path: "concat('recordings/', session_id, '/', row_id, '.webm')",
        duration_seconds: "end_s - begun_s",
        file_size_bytes: "(end_s - begun_s) * 4000",
        format: "'webm'",
        codec: "'opus'",
        sample_rate: "48000",
        channels: "1",
        is_processed: "TRUE",
        transcription_status: "'completed'",
        processing_attempts: "1",
      },
    },
    {
      table: "analytics.student_metrics",
      each: {
        parent: participants,
        most: 1,
        where: "NOT p.is_active",
        carry: {
          participant_id: "p.id",
          session_id: "p.session_id",
          spoke: "p.total_speaking_time_seconds",
          left_s: "unix_timestamp(p.leave_time)",
        },
      },
      at: "(left_s + 30)",
      values: {
        participant_id: "participant_id",
        session_id: "session_id",
        total_speaking_time_seconds: "spoke",
        speaking_turns_count: divided("spoke", 12),
      },
    },
  ];
}
