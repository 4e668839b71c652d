import { jsonAt } from "../../config/assertion.ts";
import { isWorthHiding } from "../../lib/redaction/values.ts";

/** A sign-in by the suite itself, as far as the answer shows. */
export interface SignInMade {
  /** The route that was called. */
  route: string;
  /** The session id in the application's keys. */
  sessionId?: string;
  /** No answer, but the request may have arrived, so the sign-in may exist. */
  unanswered?: true;
}

/** Records a sign-in before it is used. */
export type OnSignIn = (made: SignInMade) => Promise<void>;

const places = ["$.sessionId", "$.data.sessionId", "$.session.id", "$.tokens.sessionId"];

/** The session id in an answer. */
export function sessionIn(answer: unknown): string | undefined {
  for (const place of places) {
    const id = jsonAt(answer, place);
    if (typeof id === "string" && id !== "") return id;
  }
  return undefined;
}

/** The access token in an answer, which makes it a sign-in. */
export function accessTokenIn(answer: unknown): string | undefined {
  const token = jsonAt(answer, "$.tokens.accessToken") ?? jsonAt(answer, "$.accessToken");
  return typeof token === "string" && token !== "" ? token : undefined;
}

/** The refresh token in an answer. */
export function refreshTokenIn(answer: unknown): string | undefined {
  const token = jsonAt(answer, "$.tokens.refreshToken") ?? jsonAt(answer, "$.refreshToken");
  return typeof token === "string" && token !== "" ? token : undefined;
}

/** A shorter id can be guessed, so it cannot protect anything, and it also occurs in other texts. */
const shortestSessionId = 16;

/**
 * The secret part of a session id; knowing it may be enough to use the session. Many APIs begin it with the test's name, which is
 * printed everywhere.
 */
export function secretOfSession(id: string): string | undefined {
  const own = id.replace(/^.*\d{13}_[0-9a-f]{8}[^A-Za-z0-9]*/s, "");
  return own.length >= shortestSessionId && isWorthHiding(own) ? own : undefined;
}

/** Everything that lets somebody else use the sign-in. @param cookies as set by the answer */
export function secretsIn(answer: unknown, cookies: readonly string[]): string[] {
  const values = cookies.map((cookie) => /^[^=;]*=([^;]*)/.exec(cookie)?.[1]?.trim() ?? "");
  const ids = [sessionIn(answer) ?? "", ...values].map(secretOfSession);
  return [accessTokenIn(answer), refreshTokenIn(answer), ...ids].filter((secret) => secret !== undefined);
}
