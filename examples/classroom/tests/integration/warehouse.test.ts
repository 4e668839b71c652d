import { randomUUID } from "node:crypto";
import { prefix, testId, track } from "@classwaves/env-actions/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import { type MadeSession, makeSession, signIn } from "../api.ts";
import { connectWarehouse } from "./connections.ts";

/**
 * Rows written without the API: first rows whose own id identifies them as test data, then rows that only depend on a session of
 * ours.
 */
describe("rows of the warehouse", () => {
  const warehouse = connectWarehouse();
  let session: MadeSession;
  let groupId: string;

  beforeAll(async () => {
    session = await makeSession(await signIn(), "with children");
    groupId = session.groups[0]?.id ?? "";
  });

  it("hold a school, its teacher and its student", async () => {
    const school = testId();
    await warehouse.insert("users.schools", { id: school, name: `${prefix} School`, domain: "testschool.edu", max_teachers: 5 });
    await warehouse.insert("users.teachers", {
      id: testId(),
      school_id: school,
      email: "a@testschool.edu",
      name: "A. Teacher",
    });
    await warehouse.insert("users.students", { id: testId(), school_id: school, display_name: "Student One" });
    expect(await warehouse.count("users.teachers", "school_id", school)).toBe(1);
    expect(await warehouse.count("users.students", "school_id", school)).toBe(1);
  });

  it("hold a teacher whom only the e-mail shows", async () => {
    const id = randomUUID();
    await warehouse.insert("users.teachers", { id, email: `${id}@testschool.edu`, name: "Only By Mail" });
    track("users.teachers", id);
    expect(await warehouse.count("users.teachers", "id", id)).toBe(1);
  });

  it("hold groups named after their session, and members named after their group", async () => {
    const own = testId();
    await warehouse.insert("sessions.classroom_sessions", {
      id: own,
      title: "Fractions",
      status: "active",
      school_id: testId(),
    });
    for (const number of [1, 2]) {
      const group = `${own}_group_${number}`;
      await warehouse.insert("sessions.student_groups", { id: group, session_id: own, name: `G${number}`, group_number: number });
      await warehouse.insert("sessions.student_group_members", { id: `${group}_member_1`, session_id: own, group_id: group });
    }
    expect(await warehouse.count("sessions.student_group_members", "session_id", own)).toBe(2);
  });

  it("hold what was said, by session and group", async () => {
    const said = { session_id: session.id, group_id: groupId, speaker_name: "Robin", is_final: true };
    for (const content of ["half of a half", "is a quarter"]) {
      await warehouse.insert("sessions.transcriptions", { id: randomUUID(), ...said, content });
    }
    expect(await warehouse.count("sessions.transcriptions", "group_id", groupId)).toBe(2);
  });

  it.each([
    ["sessions.participants", { group_id: "group", display_name: "Robin", is_active: true }],
    ["ai_insights.guidance_events", { group_id: "group", event_type: "prompt", payload: "{}" }],
    ["ai_insights.analysis_results", { group_id: "group", analysis_type: "tier1", result_data: "{}" }],
    ["ai_insights.session_summaries", { summary_json: "{}" }],
    ["analytics.session_events", { event_type: "started", payload: "{}" }],
    ["analytics.session_analytics_cache", { session_status: "active", planned_groups: 2 }],
    ["users.session_analytics_cache", { session_status: "active", planned_groups: 2 }],
    ["audio.recordings", { group_id: "group", format: "webm", channels: 1 }],
    ["communication.messages", { sender_type: "teacher", content: "Well done" }],
  ] as const)("hold a child of a session in %s", async (table, columns) => {
    const row = Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, value === "group" ? groupId : value]));
    await warehouse.insert(table, { id: randomUUID(), session_id: session.id, ...row });
    expect(await warehouse.count(table, "session_id", session.id)).toBe(1);
  });

  it("hold metrics of a group that have no id of their own", async () => {
    await warehouse.insert("analytics.group_analytics", { group_id: groupId, session_id: session.id, member_count: 3 });
    expect(await warehouse.count("analytics.group_analytics", "group_id", groupId)).toBe(1);
  });

  it("hold what a participant did, below the participant", async () => {
    const participant = randomUUID();
    await warehouse.insert("sessions.participants", { id: participant, group_id: groupId, display_name: "Kim" });
    await warehouse.insert("analytics.student_metrics", {
      id: randomUUID(),
      participant_id: participant,
      questions_asked_count: 2,
    });
    track("sessions.participants", participant);
    expect(await warehouse.count("analytics.student_metrics", "participant_id", participant)).toBe(1);
  });

  it("hold a notification of a teacher of ours", async () => {
    const user = testId();
    await warehouse.insert("notifications.notification_queue", {
      id: randomUUID(),
      user_id: user,
      status: "queued",
      retry_count: 0,
    });
    expect(await warehouse.count("notifications.notification_queue", "user_id", user)).toBe(1);
  });
});
