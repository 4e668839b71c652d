import { prefix, track } from "@classwaves/env-actions/testkit";
import { backendUrl } from "./run.ts";

export interface Answer<Body> {
  status: number;
  /** JSON of the type that the caller expects; the test that reads it finds out if it is different. */
  body: Body;
}

export interface SignedIn {
  token: string;
  refreshToken: string;
  teacherId: string;
  schoolId: string;
}

interface Minted {
  tokens: { accessToken: string; refreshToken: string };
}

export interface MadeSession {
  id: string;
  title: string;
  accessCode: string;
  groups: { id: string; name: string; leaderId: string | null; members: { id: string; studentId: string }[] }[];
}

export async function call<Body = unknown>(
  method: string,
  path: string,
  options: { token?: string; body?: unknown } = {},
): Promise<Answer<Body>> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (options.token) headers.authorization = `Bearer ${options.token}`;
  const answer = await fetch(`${backendUrl}/api/v1${path}`, {
    method,
    headers,
    body: options.body === undefined ? undefined : JSON.stringify(options.body),
    signal: AbortSignal.timeout(8_000),
  });
  return { status: answer.status, body: (await answer.json()) as Body };
}

/** A test token for a teacher of this run. @throws Error with the response, if refused */
export async function signIn(name = "teacher", role = "teacher"): Promise<SignedIn> {
  const teacherId = `${prefix}_${name}`;
  const schoolId = `${prefix}_${name}_school`;
  const secretKey = process.env.TEST_TOKEN_SECRET;
  const email = `${name}@testschool.edu`;
  const { status, body } = await call<Minted>("POST", "/auth/generate-test-token", {
    body: { secretKey, teacherId, schoolId, email, role },
  });
  if (status !== 200) throw new Error(`no test token: ${status} ${JSON.stringify(body)}`);
  return { token: body.tokens.accessToken, refreshToken: body.tokens.refreshToken, teacherId, schoolId };
}

/** Creates a session through the API, so the server chooses its ids and only the title shows its owner. */
export async function makeSession({ token }: SignedIn, what: string, groups: object[] = [{ name: "North" }, { name: "South" }]) {
  const { status, body } = await call<{ data: { session: MadeSession } }>("POST", "/sessions", {
    token,
    body: { title: `${prefix} ${what}`, subject: "Science", groups },
  });
  if (status !== 201) throw new Error(`no session: ${status} ${JSON.stringify(body)}`);
  const session = body.data.session;
  track("sessions.classroom_sessions", session.id);
  return session;
}
