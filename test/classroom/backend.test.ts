import { Redis } from "ioredis";
import { io } from "socket.io-client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../../examples/classroom/backend/server.ts";
import { readSettings } from "../../examples/classroom/backend/settings.ts";
import { issueTokens } from "../../examples/classroom/backend/tokens.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";

/**
 * The example's backend has the routes and quirks of the real ClassWaves, and the gate is tested against them. If a quirk were missing,
 * its check would pass without ever having seen the case.
 */
let redis: RunningRedis;
let server: RunningServer | undefined;

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(stop);
afterAll(() => redis.stop());

const secretKey = "the-test-secret";
const jwtSecret = "the-jwt-secret";

/** Starts the server; stops the previous one, if there is one. */
async function start(env: NodeJS.ProcessEnv = {}): Promise<void> {
  await stop();
  const common = { PORT: "0", NODE_ENV: "test", REDIS_URL: redis.url, TEST_TOKEN_SECRET: secretKey, JWT_SECRET: jwtSecret };
  server = await startServer(readSettings({ ...common, ...env }));
}

async function stop(): Promise<void> {
  const running = server;
  server = undefined;
  await running?.close();
}

interface Answer<Json> {
  status: number;
  headers: Headers;
  text: string;
  /** The type is the caller's claim; it is not checked here. */
  json: Json;
}

async function ask<Json = unknown>(
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer<Json>> {
  const answer = await fetch(`http://localhost:${server?.port}${path}`, {
    method,
    headers: { "content-type": "application/json", ...options.headers },
    body: options.body === undefined ? undefined : JSON.stringify(options.body),
  });
  const text = await answer.text();
  const isJson = answer.headers.get("content-type")?.startsWith("application/json");
  return { status: answer.status, headers: answer.headers, text, json: JSON.parse(isJson ? text : "null") as Json };
}

const get = <Json = unknown>(path: string, headers?: Record<string, string>) => ask<Json>("GET", path, { headers });
const post = <Json = unknown>(path: string, body?: unknown, headers?: Record<string, string>) =>
  ask<Json>("POST", path, { body, headers });

interface Session {
  id: string;
  accessCode: string;
  status: string;
  groups: { members: unknown[] }[];
}
type Made = { data: { session: Session } };
type Minted = { tokens: { accessToken: string; refreshToken: string } };

function bearer(role: "teacher" | "admin" = "teacher") {
  const identity = { teacherId: "t-1", email: "t@example.org", name: "T", role, schoolId: "s-1", sessionId: "x" };
  return { authorization: `Bearer ${issueTokens(jwtSecret, identity).accessToken}` };
}

/** Returns `connected`, or the text of `connect_error`. */
async function connect(namespace: string, token?: string): Promise<string> {
  const socket = io(`http://localhost:${server?.port}${namespace}`, {
    auth: token === undefined ? {} : { token },
    transports: ["websocket"],
    reconnection: false,
    forceNew: true,
  });
  try {
    return await new Promise((resolve) => {
      socket.once("connect", () => resolve("connected"));
      socket.once("connect_error", ({ message }) => resolve(message));
    });
  } finally {
    socket.close();
  }
}

describe("the backend without a database", () => {
  it("uses its mock, even in production: it is ready and healthy, and has no server time", async () => {
    for (const env of [{}, { NODE_ENV: "production", ALLOWED_ORIGIN: "https://app.example.org" }]) {
      await start(env);
      const origin = { origin: "https://app.example.org" };
      expect((await get("/api/v1/ready", origin)).status).toBe(200);
      expect(await get("/api/v1/health", origin)).toMatchObject({
        status: 200,
        json: { status: "healthy", services: { api: "healthy", redis: "healthy", databricks: "disabled" } },
      });
      const { json } = await get("/api/v1/health/databricks", origin);
      expect(json).toMatchObject({
        success: true,
        data: { status: "healthy", timings: { total: expect.any(Number) }, serverTime: null },
      });
    }
  });

  it("still keeps sessions", async () => {
    await start();
    const made = await post<Made>("/api/v1/sessions", { title: "kept nowhere", groups: [{ name: "North" }] }, bearer());
    const { accessCode, id } = made.json.data.session;
    expect((await post(`/api/v1/sessions/${id}/join`, { accessCode, displayName: "Robin" })).status).toBe(201);
    expect((await get<Made>(`/api/v1/sessions/${id}`, bearer())).json.data.session.groups[0]?.members).toHaveLength(1);
    expect((await ask("DELETE", `/api/v1/sessions/${id}`, { headers: bearer() })).status).toBe(200);
    expect((await get<Made>(`/api/v1/sessions/${id}`, bearer())).json.data.session.status).toBe("archived");
  });
});

describe("health pages", () => {
  it("answer degraded with 503 if Redis cannot be reached, and so does the auth service", async () => {
    await start({ REDIS_URL: "redis://127.0.0.1:1" });
    expect(await get("/api/v1/health")).toMatchObject({
      status: 503,
      json: { status: "degraded", services: { redis: "unhealthy" } },
    });
    expect((await get("/api/v1/auth/health")).status).toBe(503);
    expect((await get("/api/v1/ready")).status).toBe(200);
  });

  it("show components to administrators only", async () => {
    await start();
    expect((await get("/api/v1/health/components")).status).toBe(401);
    expect((await get("/api/v1/health/components", bearer())).status).toBe(403);
    expect((await get("/api/v1/health/components", bearer("admin"))).status).toBe(200);
  });

  it("write a probe into Redis when the Redis page is requested", async () => {
    await start();
    const watcher = new Redis(redis.url);
    try {
      const before = /cmdstat_set:calls=(\d+)/.exec(await watcher.info("commandstats"))?.[1] ?? "0";
      expect((await get("/api/v1/health/redis")).status).toBe(200);
      const after = /cmdstat_set:calls=(\d+)/.exec(await watcher.info("commandstats"))?.[1] ?? "0";
      expect(Number(after) - Number(before)).toBe(2);
    } finally {
      watcher.disconnect();
    }
  });

  it("show metrics to everybody, and have no key set", async () => {
    await start();
    await get("/api/v1/ready");
    const metrics = await get("/metrics");
    expect(metrics.headers.get("content-type")).toMatch(/^text\/plain/);
    expect(metrics.text).toMatch(/^classroom_http_requests_total\{status="200"\} 1$/m);
    expect((await get("/.well-known/jwks.json")).status).toBe(404);
  });

  it("report analytics as healthy without checking", async () => {
    await start();
    expect(await get("/api/v1/analytics/health")).toMatchObject({ status: 200, json: { data: { status: "healthy" } } });
  });
});

describe("authentication", () => {
  it("mints a token for 15 minutes if the secret is right, and none without it", async () => {
    await start();
    const mint = "/api/v1/auth/generate-test-token";
    expect((await post(mint, {})).status).toBe(400);
    expect((await post(mint)).status).toBe(400);
    expect((await post(mint, { secretKey: "wrong" })).status).toBe(401);
    const { status, json } = await post<Minted>(mint, {
      secretKey,
      teacherId: "e2e-teacher-1",
      role: "admin",
      schoolId: "s",
      email: "a@testschool.edu",
    });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      tokens: { accessToken: expect.any(String), refreshToken: expect.any(String), expiresIn: 900 },
      sessionId: expect.any(String),
      teacher: { id: "e2e-teacher-1", role: "admin", email: "a@testschool.edu" },
      school: { id: "s" },
    });
    expect((await get("/api/v1/auth/me", { authorization: `Bearer ${json.tokens.accessToken}` })).json).toMatchObject({
      teacher: { id: "e2e-teacher-1" },
    });
    const { status: refreshed } = await post("/api/v1/auth/refresh", { refreshToken: json.tokens.refreshToken });
    expect(refreshed).toBe(200);
  });

  it("stores each sign-in under keys that contain its session, but no prefix and no run id", async () => {
    await start();
    const watcher = new Redis(redis.url);
    try {
      const before = new Set(await watcher.keys("*"));
      const { json } = await post<{ sessionId: string }>("/api/v1/auth/generate-test-token", { secretKey });
      const made = (await watcher.keys("*")).filter((key) => !before.has(key));
      expect(made).toHaveLength(4);
      expect(made.filter((key) => key.endsWith(`:${json.sessionId}`))).toHaveLength(4);
      for (const key of made) expect(await watcher.ttl(key)).toBeGreaterThan(0);
    } finally {
      watcher.disconnect();
    }
  });

  it("does not have the route that older documents name", async () => {
    await start();
    expect((await post("/api/auth/test-login", { secretKey })).status).toBe(404);
  });

  it("mints no token in production, and none anywhere without a configured secret", async () => {
    await start({ NODE_ENV: "production", ALLOWED_ORIGIN: "https://app.example.org" });
    expect((await post("/api/v1/auth/generate-test-token", { secretKey }, { origin: "https://app.example.org" })).status).toBe(
      404,
    );
    await start({ TEST_TOKEN_SECRET: "" });
    expect((await post("/api/v1/auth/generate-test-token", { secretKey: "" })).status).toBe(404);
  });

  it("refuses an empty Google sign-in with VALIDATION_ERROR", async () => {
    await start();
    expect(await post("/api/v1/auth/google", {})).toMatchObject({ status: 400, json: { error: "VALIDATION_ERROR" } });
    expect((await post("/api/v1/auth/google", { code: "x", codeVerifier: "y" })).status).toBe(401);
  });
});

describe("admission", () => {
  it("answers 500 in production to a request without a listed Origin", async () => {
    await start({ NODE_ENV: "production", ALLOWED_ORIGIN: "https://app.example.org,https://admin.example.org" });
    expect((await get("/api/v1/health")).status).toBe(500);
    expect((await get("/metrics", { origin: "https://evil.example.org" })).status).toBe(500);
    const listed = await get("/api/v1/health", { origin: "https://admin.example.org" });
    expect([listed.status, listed.headers.get("access-control-allow-origin")]).toEqual([200, "https://admin.example.org"]);
  });

  it("answers 429 with Retry-After after 1000 requests", async () => {
    await start();
    for (let batch = 0; batch < 20; batch++) await Promise.all(Array.from({ length: 50 }, () => get("/api/v1/ready")));
    const refused = await get("/api/v1/ready");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});

describe("sockets", () => {
  it.each([
    ["/sessions", undefined, "Authentication token required"],
    ["/guidance", undefined, "Authentication token required"],
    ["/nowhere", undefined, "Invalid namespace"],
    ["/sessions", "a.b.c", "Invalid authentication token"],
  ])("at %s with the token %s are refused: %s", async (namespace, token, outcome) => {
    await start();
    expect(await connect(namespace, token)).toBe(outcome);
  });

  it.each(["/sessions", "/guidance"])("at %s with a valid token connect", async (namespace) => {
    await start();
    expect(await connect(namespace, bearer().authorization.replace("Bearer ", ""))).toBe("connected");
  });
});

describe("quirks", () => {
  it("silent-mock: with credentials but without a database, all pages are healthy", async () => {
    await start({
      DATABRICKS_HOST: "localhost:1",
      DATABRICKS_TOKEN: "t",
      DATABRICKS_WAREHOUSE_ID: "w",
      CLASSROOM_QUIRKS: "silent-mock",
    });
    expect(await get("/api/v1/health")).toMatchObject({ status: 200, json: { services: { databricks: "healthy" } } });
    expect((await get("/api/v1/health/databricks")).json).toMatchObject({ data: { status: "healthy", serverTime: null } });
  });

  it("rate-limited: the API answers the first request with 429; other routes work", async () => {
    await start({ CLASSROOM_QUIRKS: "rate-limited" });
    const refused = await get("/api/v1/health");
    expect([refused.status, refused.headers.has("retry-after")]).toEqual([429, true]);
    expect((await get("/metrics")).status).toBe(200);
  });

  it("smoothing: a second request to the API is answered after a request to another route that came later", async () => {
    await start({ CLASSROOM_QUIRKS: "smoothing" });
    await get("/api/v1/ready");
    const arrived: string[] = [];
    const smoothed = get("/api/v1/ready").then(({ status }) => arrived.push(`api ${status}`));
    await get("/metrics").then(({ status }) => arrived.push(`metrics ${status}`));
    await smoothed;
    expect(arrived).toEqual(["metrics 200", "api 200"]);
  });

  it("cold-cache: the status is 503, though the body says success", async () => {
    await start({ CLASSROOM_QUIRKS: "cold-cache" });
    expect(await get("/api/v1/health/detailed")).toMatchObject({ status: 503, json: { success: true } });
  });

  it("degraded-auth: the status is 206", async () => {
    await start({ CLASSROOM_QUIRKS: "degraded-auth" });
    expect(await get("/api/v1/auth/health")).toMatchObject({ status: 206, json: { status: "degraded" } });
  });

  it("dangerous-oauth: an empty sign-in gets valid tokens", async () => {
    await start({ CLASSROOM_QUIRKS: "dangerous-oauth" });
    const { status, json } = await post<Minted>("/api/v1/auth/google", {});
    expect(status).toBe(200);
    expect((await get("/api/v1/auth/me", { authorization: `Bearer ${json.tokens.accessToken}` })).status).toBe(200);
  });

  it("token-route-on: tokens are minted in production", async () => {
    await start({ NODE_ENV: "production", ALLOWED_ORIGIN: "https://app.example.org", CLASSROOM_QUIRKS: "token-route-on" });
    expect((await post("/api/v1/auth/generate-test-token", { secretKey }, { origin: "https://app.example.org" })).status).toBe(
      200,
    );
  });

  it("hard-coded-analytics: the figures are constant and have no time", async () => {
    await start({ CLASSROOM_QUIRKS: "hard-coded-analytics" });
    const { json } = await get("/api/v1/analytics/dashboard/summary", bearer());
    expect(json).toMatchObject({ data: { totalSessions: 42, calculatedAt: null } });
  });

  it("that are not configured have no effect", async () => {
    await start();
    expect((await get("/api/v1/health/detailed")).status).toBe(200);
    expect((await get("/api/v1/auth/health")).status).toBe(200);
    expect((await get("/api/v1/analytics/dashboard/summary", bearer())).json).toMatchObject({ data: { totalSessions: 0 } });
  });

  it("with an unknown name are refused, with the list of names", () => {
    expect(() => readSettings({ CLASSROOM_QUIRKS: "cold-cache, colt-cache" })).toThrow(
      /no such quirk: colt-cache; known are silent-mock/,
    );
  });
});
