import { testId, trackKey } from "@classwaves/env-actions/testkit";
import { describe, expect, it } from "vitest";
import { call, type MadeSession, makeSession, signIn } from "../api.ts";
import { keyPrefix } from "../run.ts";
import { connectRedis, connectWarehouse } from "./connections.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

interface Listed {
  data: { sessions: MadeSession[] };
}
interface Joined {
  data: { group: { id: string; name: string } };
}

describe("sessions", () => {
  const warehouse = connectWarehouse();
  const redis = connectRedis();

  it("get their ids from the server", async () => {
    const session = await makeSession(await signIn(), "ids", [{ name: "North", memberIds: [testId()] }]);
    expect([session.id, session.groups[0]?.id, session.groups[0]?.members[0]?.id]).toEqual(
      Array(3).fill(expect.stringMatching(uuid)),
    );
  });

  it("are written with their groups and members", async () => {
    const [first, second, third] = [testId(), testId(), testId()];
    const session = await makeSession(await signIn(), "rows", [
      { name: "North", leaderId: first, memberIds: [first, second] },
      { name: "South", memberIds: [third] },
    ]);
    expect(await warehouse.count("sessions.classroom_sessions", "id", session.id)).toBe(1);
    expect(await warehouse.count("sessions.student_groups", "session_id", session.id)).toBe(2);
    expect(await warehouse.count("sessions.student_groups", "leader_id", first ?? "")).toBe(1);
    expect(await warehouse.count("sessions.student_group_members", "session_id", session.id)).toBe(3);
  });

  it("can be read back whole", async () => {
    const teacher = await signIn();
    const made = await makeSession(teacher, "whole", [{ name: "North", memberIds: [testId()] }, {}]);
    const { status, body } = await call<{ data: { session: MadeSession } }>("GET", `/sessions/${made.id}`, {
      token: teacher.token,
    });
    expect(status).toBe(200);
    expect(body.data.session).toEqual(made);
  });

  it("are listed for their teacher, and hidden from others", async () => {
    const [teacher, stranger] = [await signIn("owner"), await signIn("stranger")];
    const session = await makeSession(teacher, "listed");
    const own = await call<Listed>("GET", "/sessions", { token: teacher.token });
    const foreign = await call<Listed>("GET", "/sessions", { token: stranger.token });
    expect(own.body.data.sessions.map(({ id }) => id)).toContain(session.id);
    expect(foreign.body.data.sessions).toEqual([]);
    expect((await call("GET", `/sessions/${session.id}`, { token: stranger.token })).status).toBe(404);
  });

  it("keep titles as they were typed", async () => {
    const session = await makeSession(await signIn(), `O'Brien's "50 %" \\ naïve – 分数 ; -- x`);
    const [row] = await warehouse.query(`SELECT title FROM ${warehouse.catalog}.sessions.classroom_sessions WHERE id = :id`, {
      id: session.id,
    });
    expect(row?.title).toBe(session.title);
  });

  it("are only archived when they are deleted", async () => {
    const teacher = await signIn();
    const session = await makeSession(teacher, "archived");
    expect((await call("DELETE", `/sessions/${session.id}`, { token: teacher.token })).status).toBe(200);
    const [row] = await warehouse.query(`SELECT status FROM ${warehouse.catalog}.sessions.classroom_sessions WHERE id = :id`, {
      id: session.id,
    });
    expect(row?.status).toBe("archived");
  });

  it("leave their access code in Redis twice, for a day at most", async () => {
    const session = await makeSession(await signIn(), "keys");
    for (const key of [`${keyPrefix}session:${session.id}:access_code`, `session:${session.id}:access_code`]) {
      trackKey(key);
      expect(await redis.get(key)).toBe(session.accessCode);
      const seconds = await redis.ttl(key);
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(24 * 3600);
    }
  });

  it("are remembered for their teacher in Redis", async () => {
    const teacher = await signIn("remembered");
    const session = await makeSession(teacher, "remembered");
    expect(await redis.smembers(`teacher_sessions:${teacher.teacherId}`)).toContain(session.id);
  });

  it.each([
    ["no title", { groups: [] }],
    ["a title that is no text", { title: 7 }],
    ["too many groups", { title: "x", groups: Array(21).fill({}) }],
    ["a group that is no object", { title: "x", groups: ["North"] }],
  ])("are refused with %s", async (_what, body) => {
    const { token } = await signIn();
    expect(await call("POST", "/sessions", { token, body })).toMatchObject({ status: 400, body: { error: "VALIDATION_ERROR" } });
  });

  it("are made by nobody who is not signed in", async () => {
    expect((await call("POST", "/sessions", { body: { title: "x" } })).status).toBe(401);
  });
});

describe("joining a session", () => {
  const warehouse = connectWarehouse();

  it("needs its access code", async () => {
    const session = await makeSession(await signIn(), "closed");
    const body = { accessCode: "000000", displayName: "Robin" };
    expect((await call("POST", `/sessions/${session.id}/join`, { body })).status).toBe(403);
    expect(await warehouse.count("sessions.participants", "session_id", session.id)).toBe(0);
  });

  it("adds a participant and a member to the smallest group", async () => {
    const session = await makeSession(await signIn(), "joined", [{ name: "North", memberIds: [testId()] }, { name: "South" }]);
    const body = { accessCode: session.accessCode, displayName: "Robin" };
    const { status, body: answer } = await call<Joined>("POST", `/sessions/${session.id}/join`, { body });
    expect(status).toBe(201);
    expect(answer.data.group.name).toBe("South");
    expect(await warehouse.count("sessions.participants", "session_id", session.id)).toBe(1);
    expect(await warehouse.count("sessions.student_group_members", "group_id", answer.data.group.id)).toBe(1);
  });

  it("is over when the session is archived", async () => {
    const teacher = await signIn();
    const session = await makeSession(teacher, "over");
    await call("DELETE", `/sessions/${session.id}`, { token: teacher.token });
    const body = { accessCode: session.accessCode, displayName: "Robin" };
    expect((await call("POST", `/sessions/${session.id}/join`, { body })).status).toBe(404);
  });
});
