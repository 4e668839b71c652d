import { randomBytes, randomUUID } from "node:crypto";
import { type Request, Router } from "express";
import type { Cache } from "../cache.ts";
import { ApiError, invalid, notFound } from "../errors.ts";
import { fieldsOf, optionalText, text } from "../fields.ts";
import { identify } from "../identity.ts";
import type { Settings } from "../settings.ts";
import { type Identity, issueTokens, sameText, verifyToken } from "../tokens.ts";

const roles = ["teacher", "admin", "super_admin"] as const;
const longestCredential = 4_000;
const daySeconds = 24 * 3600;
const weekSeconds = 7 * daySeconds;

export function authRoutes(settings: Settings, cache: Cache): Router {
  const { jwtSecret, production, quirks, testTokenSecret } = settings;
  /** Each sign-in is stored, as in the real ClassWaves: the record of the owner outlives the token. */
  const signIn = async (identity: Identity) => {
    const { teacherId, role, sessionId } = identity;
    await Promise.all([
      cache.setFields(`secure_session:${teacherId}:${sessionId}`, { teacherId, role, createdAt: `${Date.now()}` }, daySeconds),
      cache.set(`tokens:${teacherId}:${sessionId}`, randomUUID(), weekSeconds),
    ]);
    return {
      success: true,
      tokens: issueTokens(jwtSecret, identity),
      sessionId,
      teacher: teacherOf(identity),
      school: { id: identity.schoolId, name: "Test School", domain: "testschool.edu" },
    };
  };
  const mintIsOn = testTokenSecret !== undefined && (!production || quirks.has("token-route-on"));

  const routes = Router();
  routes.post("/generate-test-token", async (request, response) => {
    if (!mintIsOn) throw notFound("route");
    const fields = fieldsOf(request.body ?? {});
    if (!sameText(text(fields, "secretKey", longestCredential), testTokenSecret))
      throw new ApiError(401, "INVALID_SECRET", "wrong secret key");
    response.json(await signIn(testIdentity(fields)));
  });

  routes.post("/refresh", (request, response) => {
    const identity = verifyToken(jwtSecret, "refresh", text(fieldsOf(request.body ?? {}), "refreshToken", longestCredential));
    if (!identity) throw new ApiError(401, "INVALID_REFRESH_TOKEN", "invalid or expired refresh token");
    response.json({ success: true, tokens: issueTokens(jwtSecret, identity) });
  });

  routes.get("/me", (request, response) => {
    response.json({ success: true, teacher: teacherOf(identify(request, jwtSecret)) });
  });

  routes.post("/google", async (request, response) => {
    if (quirks.has("dangerous-oauth")) {
      response.json(await signIn(testIdentity({})));
      return;
    }
    exchangeCode(request);
  });

  routes.get("/health", async (_request, response) => {
    const redis = await cache.ping().then(
      () => "healthy",
      () => "unhealthy",
    );
    const status = redis === "unhealthy" ? "unhealthy" : quirks.has("degraded-auth") ? "degraded" : "healthy";
    response.status({ healthy: 200, degraded: 206, unhealthy: 503 }[status]).json({
      success: status !== "unhealthy",
      status,
      checks: { redis, tokens: "healthy", googleOAuth: status === "degraded" ? "degraded" : "healthy" },
      timestamp: new Date().toISOString(),
    });
  });
  return routes;
}

/** Google cannot be reached from this example, so every code is invalid. */
function exchangeCode(request: Request): never {
  const fields = fieldsOf(request.body ?? {});
  text(fields, "code", longestCredential);
  text(fields, "codeVerifier");
  throw new ApiError(401, "GOOGLE_AUTH_FAILED", "Google did not accept the code");
}

function testIdentity(fields: Record<string, unknown>): Identity {
  const role = roles.find((known) => known === (fields.role ?? "teacher"));
  if (!role) throw invalid(`role must be one of ${roles.join(", ")}`);
  const email = optionalText(fields, "email") ?? "test.teacher@testschool.edu";
  return {
    teacherId: optionalText(fields, "teacherId") ?? `teacher_test_${Date.now()}_${randomBytes(4).toString("hex")}`,
    schoolId: optionalText(fields, "schoolId") ?? "school_test_default",
    email,
    name: email.replace(/@.*/, "").replace(/[._]/g, " "),
    role,
    sessionId: randomUUID(),
  };
}

function teacherOf({ teacherId, email, name, role, schoolId }: Identity) {
  return { id: teacherId, email, name, role, schoolId };
}
