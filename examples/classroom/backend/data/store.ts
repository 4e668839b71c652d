/** The application's data about classes, for any database. */
export interface Store {
  /** ISO 8601, from the database's clock; `null` means that there is no database behind this store. */
  serverTime(): Promise<string | null>;
  createSession(session: SessionDetail): Promise<void>;
  /** Newest first, at most 50. */
  listSessions(teacherId: string): Promise<Session[]>;
  findSession(id: string): Promise<SessionDetail | undefined>;
  /** Only marks it as archived; nothing is deleted. */
  archiveSession(id: string): Promise<void>;
  addParticipant(sessionId: string, participant: Participant): Promise<void>;
  /** Figures for one school. */
  figures(schoolId: string): Promise<Figures>;
  close(): Promise<void>;
}

export interface Session {
  id: string;
  title: string;
  subject: string;
  status: string;
  teacherId: string;
  schoolId: string;
  accessCode: string;
  totalGroups: number;
  totalStudents: number;
}

export interface Group {
  id: string;
  name: string;
  number: number;
  leaderId: string | null;
  members: Member[];
}

export interface Member {
  id: string;
  studentId: string;
}

export interface SessionDetail extends Session {
  groups: Group[];
}

export interface Participant {
  id: string;
  groupId: string;
  studentId: string;
  membershipId: string;
  displayName: string;
}

export interface Figures {
  activeSessions: number;
  totalSessions: number;
  groups: number;
  students: number;
  teachers: number;
}
