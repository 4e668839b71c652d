import type { SessionDetail, Store } from "./store.ts";

/**
 * Silently replaces a missing database, as in the real ClassWaves: everything seems to work, but nothing is stored. Only the
 * missing server time shows it.
 */
export function memoryStore(): Store {
  const sessions = new Map<string, SessionDetail>();
  return {
    serverTime: async () => null,
    createSession: async (session) => void sessions.set(session.id, session),
    listSessions: async (teacherId) =>
      [...sessions.values()]
        .filter((session) => session.teacherId === teacherId)
        .reverse()
        .slice(0, 50),
    findSession: async (id) => sessions.get(id),
    async archiveSession(id) {
      const session = sessions.get(id);
      if (session) session.status = "archived";
    },
    async addParticipant(sessionId, participant) {
      const session = sessions.get(sessionId);
      const group = session?.groups.find(({ id }) => id === participant.groupId);
      group?.members.push({ id: participant.membershipId, studentId: participant.studentId });
      if (session) session.totalStudents++;
    },
    figures: async () => ({ activeSessions: 0, totalSessions: sessions.size, groups: 0, students: 0, teachers: 0 }),
    close: async () => undefined,
  };
}
