import { jsonAt } from "../../config/assertion.ts";
import { isWorthHiding } from "../../lib/redaction/values.ts";

/** A sign-in that the suite itself made, as far as the answer tells. */
export interface SignInMade {
  /** The route that was asked. */
  route: string;
  /** What the application's own keys carry. */
  sessionId?: string;
  /** No answer came, and the request may have arrived: whether the sign-in was made is not known. */
  unanswered?: true;
}

/** Hears of every sign-in, and remembers it before anything else is done with it. */
export type OnSignIn = (made: SignInMade) => Promise<void>;

const places = ["$.sessionId", "$.data.sessionId", "$.session.id", "$.tokens.sessionId"];

/** The session that an answer names. */
export function sessionIn(answer: unknown): string | undefined {
  for (const place of places) {
    const id = jsonAt(answer, place);
    if (typeof id === "string" && id !== "") return id;
  }
  return undefined;
}

/** The access token that an answer hands over: then it is a sign-in. */
export function accessTokenIn(answer: unknown): string | undefined {
  const token = jsonAt(answer, "$.tokens.accessToken") ?? jsonAt(answer, "$.accessToken");
  return typeof token === "string" && token !== "" ? token : undefined;
}

/** The refresh token that an answer hands over. */
export function refreshTokenIn(answer: unknown): string | undefined {
  const token = jsonAt(answer, "$.tokens.refreshToken") ?? jsonAt(answer, "$.refreshToken");
  return typeof token === "string" && token !== "" ? token : undefined;
}

/** A shorter id can be guessed, so that nothing may be open to whoever knows it; and it stands in other texts as well. */
const shortestSessionId = 16;

/**
 * What is secret of a session's id, which may be all that is needed to use the session. Many APIs begin it with the name that a test
 * gave: that is printed everywhere.
 */
export function secretOfSession(id: string): string | undefined {
  const own = id.replace(/^.*\d{13}_[0-9a-f]{8}[^A-Za-z0-9]*/s, "");
  return own.length >= shortestSessionId && isWorthHiding(own) ? own : undefined;
}

/** All by which somebody else could use the sign-in. @param cookies as the answer sets them */
export function secretsIn(answer: unknown, cookies: readonly string[]): string[] {
  const values = cookies.map((cookie) => /^[^=;]*=([^;]*)/.exec(cookie)?.[1]?.trim() ?? "");
  const ids = [sessionIn(answer) ?? "", ...values].map(secretOfSession);
  return [accessTokenIn(answer), refreshTokenIn(answer), ...ids].filter((secret) => secret !== undefined);
}
