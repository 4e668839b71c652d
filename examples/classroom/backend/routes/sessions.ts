import { randomInt, randomUUID } from "node:crypto";
import { type Request, Router } from "express";
import type { Cache } from "../cache.ts";
import type { Group, Participant, SessionDetail, Store } from "../data/store.ts";
import { ApiError, invalid, notFound } from "../errors.ts";
import { fieldsOf, list, optionalText, text } from "../fields.ts";
import { identify } from "../identity.ts";
import type { Realtime } from "../realtime.ts";
import type { Identity } from "../tokens.ts";

const mostGroups = 20;
/** A statement takes at most 256 parameters, and a membership needs four. */
const mostMembers = 60;
const daySeconds = 24 * 3600;
const promptSeconds = 30 * 60;

export function sessionRoutes(jwtSecret: string, store: Store, cache: Cache, realtime: Realtime): Router {
  async function ownSession(request: Request): Promise<SessionDetail> {
    const { teacherId } = identify(request, jwtSecret);
    const session = await store.findSession(request.params.id ?? "");
    if (session?.teacherId !== teacherId) throw notFound("session");
    return session;
  }

  const routes = Router();
  routes.post("/", async (request, response) => {
    const session = newSession(fieldsOf(request.body), identify(request, jwtSecret));
    await store.createSession(session);
    await Promise.all([
      cache.set(`session:${session.id}:access_code`, session.accessCode, daySeconds),
      cache.setFields(`session:${session.id}:state`, { status: session.status, groups: `${session.totalGroups}` }, daySeconds),
      cache.addToSet(`teacher_sessions:${session.teacherId}`, session.id, daySeconds),
    ]);
    realtime.tell("/sessions", session.teacherId, "session:created", { sessionId: session.id, title: session.title });
    for (const group of session.groups)
      realtime.tell("/sessions", session.teacherId, "group:created", { sessionId: session.id, group });
    response.status(201).json({ success: true, data: { session } });
  });

  routes.get("/", async (request, response) => {
    const sessions = await store.listSessions(identify(request, jwtSecret).teacherId);
    response.json({ success: true, data: { sessions } });
  });

  routes.get("/:id", async (request, response) => {
    response.json({ success: true, data: { session: await ownSession(request) } });
  });

  routes.delete("/:id", async (request, response) => {
    const { id } = await ownSession(request);
    await store.archiveSession(id);
    response.json({ success: true, data: { id, status: "archived" } });
  });

  routes.post("/:id/join", async (request, response) => {
    const fields = fieldsOf(request.body);
    const accessCode = text(fields, "accessCode");
    const displayName = text(fields, "displayName");
    const session = await store.findSession(request.params.id ?? "");
    if (!session || session.status === "archived") throw notFound("session");
    const expected = (await cache.get(`session:${session.id}:access_code`)) ?? session.accessCode;
    if (accessCode !== expected) throw new ApiError(403, "INVALID_ACCESS_CODE", "wrong access code");

    const group = groupToJoin(session.groups, optionalText(fields, "groupId"));
    const participant: Participant = {
      id: randomUUID(),
      studentId: randomUUID(),
      membershipId: randomUUID(),
      groupId: group.id,
      displayName,
    };
    await store.addParticipant(session.id, participant);
    await cache.set(`guidance:autoprompt:${session.id}:${group.id}`, "scheduled", promptSeconds);
    const told = { sessionId: session.id, groupId: group.id, member: { id: participant.membershipId, displayName } };
    realtime.tell("/sessions", session.teacherId, "member:joined", told);
    realtime.tell("/guidance", session.teacherId, "prompt:scheduled", { sessionId: session.id, groupId: group.id });
    response.status(201).json({ success: true, data: { participant, group: { id: group.id, name: group.name } } });
  });
  return routes;
}

/** Ids come from the server, never from the caller, so only the title and the owner can show that a class is test data. */
function newSession(fields: Record<string, unknown>, { teacherId, schoolId }: Identity): SessionDetail {
  const groups = list(fields, "groups", mostGroups).map(newGroup);
  const members = groups.flatMap((group) => group.members);
  if (members.length > mostMembers) throw invalid(`at most ${mostMembers} members in all`);
  return {
    id: randomUUID(),
    title: text(fields, "title"),
    subject: optionalText(fields, "subject") ?? "General",
    status: "active",
    teacherId,
    schoolId,
    accessCode: `${randomInt(100_000, 1_000_000)}`,
    totalGroups: groups.length,
    totalStudents: members.length,
    groups,
  };
}

function newGroup(value: unknown, at: number): Group {
  const fields = fieldsOf(value);
  const members = list(fields, "memberIds", mostMembers).map((studentId) => {
    if (typeof studentId !== "string" || studentId === "") throw invalid("memberIds must be ids of students");
    return { id: randomUUID(), studentId };
  });
  return {
    id: randomUUID(),
    name: optionalText(fields, "name") ?? `Group ${at + 1}`,
    number: at + 1,
    leaderId: optionalText(fields, "leaderId") ?? null,
    members,
  };
}

/** The requested group, or the smallest. */
function groupToJoin(groups: Group[], wanted: string | undefined): Group {
  const candidates = wanted === undefined ? groups : groups.filter(({ id }) => id === wanted);
  const smallest = candidates.reduce<Group | undefined>(
    (best, group) => (best && best.members.length <= group.members.length ? best : group),
    undefined,
  );
  if (!smallest)
    throw wanted === undefined ? new ApiError(409, "NO_GROUPS", "this session has no groups yet") : notFound("group");
  return smallest;
}
