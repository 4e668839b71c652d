import { sessions } from "./classwaves-people.ts";
import { at, countOf, type Draft, divided, type Each, type Scale } from "./draft.ts";
import { around, between, draw, oneOf, weighted } from "./random.ts";
import { inBoth, sentence, speaksSpanish } from "./vocabulary.ts";

/** What ClassWaves keeps about whole lessons. */

const ended = "IN ('ended', 'archived')";

/** Seconds since 1970: while the lesson runs, and soon after it. */
export const during = `(begun_s + ${draw("during")} % greatest(end_s - begun_s, 1))`;
export const afterwards = `(end_s + ${between("afterwards", 5, 900)})`;

/** For so many of a hundred lessons that have ended. */
function eachSession({ seed }: Scale, what: string, percent: number, most = 1): Each {
  return {
    parent: sessions,
    most,
    where: `p.status ${ended}${percent < 100 ? ` AND ${countOf(seed, what, "p.id", 0, 99)} < ${percent}` : ""}`,
    carry: {
      session_id: "p.id",
      teacher_id: "p.teacher_id",
      school_id: "p.school_id",
      state: "p.status",
      own_subject: "p.subject",
      planned: "p.planned_duration_minutes",
      lasted: "p.actual_duration_minutes",
      pupils: "p.total_students",
      all_groups: "p.total_groups",
      size: "p.target_group_size",
      begun_s: "unix_timestamp(p.actual_start)",
      end_s: "unix_timestamp(p.actual_end)",
      scheduled: "p.scheduled_start",
    },
  };
}

export function ofSessions(scale: Scale): Draft[] {
  const table = (name: string, each: Each, values: Draft["values"], when = afterwards): Draft => ({
    table: name,
    each,
    at: when,
    values: { session_id: "session_id", ...values },
  });
  const owners = { teacher_id: "teacher_id", school_id: "school_id" };
  const day = "date_add(DATE '1970-01-01', CAST(floor(begun_s / 86400) AS INT))";
  const ready = {
    ready_groups_at_start: divided("all_groups", 2),
    ready_groups_at_5m: "all_groups - 1",
    ready_groups_at_10m: "all_groups",
  };
  return [
    table("ai_insights.educational_insights", eachSession(scale, "insight", 50), {
      insight_type: oneOf("type", ["strength", "gap", "next_step"]),
      applies_to_type: "'session'",
      applies_to_id: "session_id",
    }),
    table("ai_insights.session_guidance_analytics", eachSession(scale, "guidance", 70), {
      ...owners,
      session_date: day,
      subject_area: "own_subject",
      session_duration_minutes: "lasted",
      total_groups: "all_groups",
      total_students: "pupils",
    }),
    table("ai_insights.session_summaries", eachSession(scale, "summary", 80), {}),
    table("ai_insights.tier2_analysis", eachSession(scale, "tier2", 90), {}),
    table("analytics.educational_metrics", eachSession(scale, "education", 100, 2), {
      metric_type: "'engagement'",
      metric_name: "element_at(array('talk_balance', 'question_depth'), CAST(n AS INT) + 1)",
      metric_value: `${around("value", 2_000, 9_500)} / 10000`,
      aggregation_level: "'session'",
    }),
    table("analytics.session_analytics", eachSession(scale, "analytics", 100), {
      analysis_type: "'final'",
      status: weighted("status", [
        ["'completed'", 97],
        ["'failed'", 3],
      ]),
      computation_id: "concat('c-', substring(k, 7, 12))",
      started_at: at("at_s - 4"),
      computed_at: at("at_s"),
    }),
    table("analytics.session_analytics_cache", eachSession(scale, "cache", 60), {
      ...owners,
      ...ready,
      session_date: day,
      session_status: "state",
      planned_groups: "all_groups",
      actual_groups: "all_groups",
      planned_duration_minutes: "planned",
      actual_duration_minutes: "lasted",
      total_students: "pupils",
      active_students: `pupils - ${between("away", 0, 2)}`,
      cache_key: "concat('session:', session_id)",
    }),
    table("users.session_analytics_cache", eachSession(scale, "own cache", 60), {
      ...owners,
      session_date: day,
      session_status: "state",
      session_duration_minutes: "lasted",
      total_participants: "pupils",
      planned_groups: "all_groups",
      actual_groups: "all_groups",
      groups_ready_at_start: divided("all_groups", 2),
      groups_ready_at_5min: "all_groups - 1",
      groups_ready_at_10min: "all_groups",
      cache_freshness: "'fresh'",
    }),
    table(
      "analytics.session_events",
      eachSession(scale, "events", 100, 4),
      {
        teacher_id: "teacher_id",
        event_type: "element_at(array('configured', 'started', 'leader_ready', 'ended'), CAST(n AS INT) + 1)",
        event_time: at("at_s"),
      },
      "CASE n WHEN 0 THEN begun_s - 600 WHEN 1 THEN begun_s WHEN 2 THEN begun_s + 120 ELSE end_s END",
    ),
    table("analytics.session_metrics", eachSession(scale, "metrics", 95), {
      ...ready,
      total_students: "pupils",
      active_students: `pupils - ${between("away", 0, 2)}`,
      planned_groups: "all_groups",
      planned_group_size: "size",
      planned_members: "pupils",
      planned_leaders: "all_groups",
      planned_duration_minutes: "planned",
      planned_scheduled_start: "scheduled",
      configured_at: at("begun_s - 600"),
      started_at: at("begun_s"),
      average_group_size: "size",
    }),
    table(
      "communication.messages",
      eachSession(scale, "messages", 100, 2),
      {
        sender_id: "teacher_id",
        sender_type: "'teacher'",
        recipient_type: "'session'",
        message_type: oneOf("type", ["announcement", "hint"]),
        subject: "own_subject",
        content: inBoth(speaksSpanish("school_id"), (words) => sentence("content", words)),
        read_at: at("at_s + 40"),
      },
      during,
    ),
    table(
      "compliance.audit_log",
      eachSession(scale, "audit", 100, 3),
      {
        actor_id: "teacher_id",
        actor_type: "'teacher'",
        school_id: "school_id",
        resource_type: "'session'",
        resource_id: "session_id",
        event_type: "element_at(array('session_created', 'session_started', 'session_ended'), CAST(n AS INT) + 1)",
        event_category: "'session'",
        compliance_basis: "'legitimate_interest'",
        description: "element_at(array('Lesson planned', 'Lesson started', 'Lesson ended'), CAST(n AS INT) + 1)",
      },
      "CASE n WHEN 0 THEN begun_s - 3600 WHEN 1 THEN begun_s ELSE end_s END",
    ),
    table(
      "operational.system_events",
      eachSession(scale, "system", 30),
      {
        school_id: "school_id",
        user_id: "teacher_id",
        component: oneOf("component", ["websocket", "transcription", "analysis"]),
        severity: weighted("severity", [
          ["'info'", 85],
          ["'warning'", 13],
          ["'error'", 2],
        ]),
        event_type: oneOf("event", ["reconnected", "slow_response", "queue_drained"]),
        message: oneOf("message", ["Connection resumed", "Response took longer than usual", "Queue is empty again"]),
      },
      during,
    ),
  ];
}
