import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** The user that a request or socket acts for. */
export interface Identity {
  teacherId: string;
  email: string;
  name: string;
  role: "teacher" | "admin" | "super_admin";
  schoolId: string;
  /** The sign-in session, not a class session. */
  sessionId: string;
}

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  tokenType: "Bearer";
  /** Seconds. */
  expiresIn: number;
  refreshExpiresIn: number;
}

type Kind = "access" | "refresh";
interface Claims extends Identity {
  kind: Kind;
  /** Makes two tokens from the same second differ. */
  jti: string;
  /** Seconds since 1970. */
  exp: number;
}

const accessSeconds = 15 * 60;
const refreshSeconds = 7 * 24 * 3600;

export function issueTokens(secret: string, identity: Identity): Tokens {
  return {
    accessToken: sign(secret, "access", accessSeconds, identity),
    refreshToken: sign(secret, "refresh", refreshSeconds, identity),
    tokenType: "Bearer",
    expiresIn: accessSeconds,
    refreshExpiresIn: refreshSeconds,
  };
}

/** @returns `undefined` for a token that is forged, expired, or of the other kind */
export function verifyToken(secret: string, kind: Kind, token: string): Identity | undefined {
  const [header, payload, signature, ...rest] = token.split(".");
  if (!header || !payload || !signature || rest.length > 0) return undefined;
  if (!sameText(signature, signatureOf(secret, `${header}.${payload}`))) return undefined;
  // The signature is ours, so the content has our structure.
  const { kind: actual, exp, jti: _, ...identity } = JSON.parse(Buffer.from(payload, "base64url").toString()) as Claims;
  return actual === kind && exp * 1000 > Date.now() ? identity : undefined;
}

/** Takes the same time however many characters match. */
export function sameText(one: string, other: string): boolean {
  const digest = (text: string) => createHmac("sha256", "compare").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

function sign(secret: string, kind: Kind, seconds: number, identity: Identity): string {
  const claims: Claims = { ...identity, kind, jti: randomUUID(), exp: Math.floor(Date.now() / 1000) + seconds };
  const body = [{ alg: "HS256", typ: "JWT" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${body}.${signatureOf(secret, body)}`;
}

function signatureOf(secret: string, text: string): string {
  return createHmac("sha256", secret).update(text).digest("base64url");
}
