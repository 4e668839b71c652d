import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { newRunId } from "../../src/cleanup/run-id.ts";
import { json, serve } from "../checks/api.ts";
import { junit, type Ran, runSuite } from "./suite.ts";

/**
 * Stages on a real Redis: the keys that the suite's own sign-ins leave there, and a Redis that takes no deletions. The API stands for
 * ClassWaves': each sign-in writes keys that carry its session and nothing else of the run.
 */

/** The rules of the user for all keys that docs/redis.md shows. */
const documented = /^ACL SETUSER env-actions-all reset on >PASSWORD (.+)$/m.exec(
  readFileSync(join(import.meta.dirname, "../../docs/redis.md"), "utf8"),
)?.[1];

let server: RunningRedis;
let replica: RunningRedis;
let client: Redis;
beforeAll(async () => {
  server = await startRedis({
    users: {
      looking: "on >pw ~* &* -@all +@read +@connection +info +scan +acl|whoami +acl|getuser",
      blind: "on >pw ~* -@all +ping +scan +pttl +unlink",
      documented: `on >pw ${documented}`,
    },
  });
  replica = await startRedis({ config: [`replicaof 127.0.0.1 ${server.port}`] });
  client = new Redis(server.url);
});
afterEach(() => client.flushall());
afterAll(async () => {
  client.disconnect();
  await Promise.all([server.stop(), replica.stop()]);
});

const others = ["tokens:11111111-1111-4111-8111-111111111111", "secure_session:of-somebody-else", "cw:production:settings"];

interface Api {
  url: string;
  /** Sessions of the sign-ins, in order. */
  sessions: string[];
}

async function signingIn({ names = true, lifeSeconds = 900 } = {}): Promise<Api> {
  const sessions: string[] = [];
  await client.mset(others.flatMap((key) => [key, "1"]));
  const { url } = await serve(async (request, response) => {
    if (request.method !== "POST") return json(response, 200, { success: true });
    let text = "";
    for await (const chunk of request) text += chunk;
    if ((JSON.parse(text) as { secretKey?: string }).secretKey !== "the-shared-secret") return json(response, 401, {});
    const sessionId = randomUUID();
    sessions.push(sessionId);
    await client.mset(`tokens:${sessionId}`, "1", `cw:test:secure_session:${sessionId}`, "1", `user_sessions_${sessionId}`, "1");
    json(response, 200, {
      tokens: { accessToken: `token-${sessionId}`, expiresIn: lifeSeconds },
      ...(names ? { sessionId } : {}),
    });
  });
  return { url, sessions };
}

const inside = ({ url }: Api, roles = "{ teacher: {}, admin: {} }") =>
  `redis: { url: "\${REDIS_URL}", expect: { host: 127.0.0.1 } }\napi: { url: "${url}", samples: 1 }\nauth: { secret: "\${MINT_SECRET}", roles: ${roles} }`;
const settings = "command: node tests.mjs\nreports: [r.xml]";
const env = () => ({ REDIS_URL: server.url, MINT_SECRET: "the-shared-secret" });
const passing = `import { writeFileSync } from "node:fs"; writeFileSync("r.xml", ${JSON.stringify(junit())});`;
const keys = async () => (await client.keys("*")).sort();
const remembered = ({ workspace }: Ran) => readdir(join(workspace, ".env-actions", "sign-ins"));

describe("the keys of the suite's own sign-ins", () => {
  test("are deleted after the tests, also those of renewals, and no other keys are", async () => {
    const api = await signingIn({ lifeSeconds: 2 });
    const tests = `import { readFileSync } from "node:fs";
      const seen = new Set();
      while (seen.size < 2) {
        seen.add(JSON.parse(readFileSync(process.env.ENV_ACTIONS_TOKENS, "utf8")).teacher.token);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      ${passing}`;
    const ran = await runSuite("integration", { inside: inside(api), settings, files: { "tests.mjs": tests } }, env());
    expect(ran.report.verdict).toBe("passed");
    expect(api.sessions.length).toBeGreaterThan(2);
    expect(await keys()).toEqual([...others].sort());
    expect(ran.report.cleanup).toMatchObject({ deletedKeys: 3 * api.sessions.length, leftOver: 0, notes: [expect.anything()] });
    expect(await remembered(ran)).toEqual([]);
  });

  test("are deleted after preflight", async () => {
    const api = await signingIn();
    const ran = await runSuite("preflight", { inside: inside(api), settings: "budget: 1m", files: {} }, env());
    expect(api.sessions).toHaveLength(1);
    // Whoever knows it may use the session as long as it lives.
    expect(ran.secrets).toEqual(expect.arrayContaining(api.sessions));
    expect(await keys()).toEqual([...others].sort());
    expect(ran.check("auth.sign-ins")).toMatchObject({ verdict: "passed", observed: "3 keys of 1 sign-in deleted, 0 left" });
    expect(await remembered(ran)).toEqual([]);
  });

  test.each(["preflight", "integration"] as const)("are deleted after %s by the documented user", async (stage) => {
    const api = await signingIn();
    const ran = await runSuite(
      stage,
      {
        inside: inside(api),
        ...(stage === "preflight" ? { settings: "sweep: true" } : { settings }),
        files: { "tests.mjs": passing },
      },
      { ...env(), REDIS_URL: `redis://documented:pw@127.0.0.1:${server.port}` },
    );
    expect(ran.check(stage === "preflight" ? "redis.writable" : "identity")).toMatchObject({ verdict: "passed" });
    expect(ran.check(stage === "preflight" ? "auth.sign-ins" : "test-data.cleanup")).toMatchObject({ verdict: "passed" });
    expect(ran.report.checks.filter(({ verdict }) => verdict === "error")).toEqual([]);
    expect(await keys()).toEqual([...others].sort());
  });

  test("are deleted when the stage was cut short", async () => {
    const api = await signingIn();
    const tests = "setInterval(() => undefined, 1000);";
    const ran = await runSuite(
      "integration",
      { inside: inside(api), settings, files: { "tests.mjs": tests }, budgetMs: 1_500 },
      env(),
    );
    expect(ran.report.verdict).not.toBe("passed");
    expect(api.sessions).toHaveLength(2);
    expect(await keys()).toEqual([...others].sort());
  });

  test("of a killed stage are deleted by the cleanup of its run, despite a torn line and files of other runs", async () => {
    const { url } = await signingIn();
    const [mine, theirs] = [randomUUID(), randomUUID()];
    await client.mset(`tokens:${mine}`, "1", `tokens:${theirs}`, "1");
    const runId = newRunId();
    const note = (sessionId: string) => `${JSON.stringify({ route: "/mint", sessionId })}\n{"route":"/mint","sess`;
    const files = {
      [`.env-actions/sign-ins/${runId}.integration.jsonl`]: note(mine),
      [`.env-actions/sign-ins/${newRunId()}.integration.jsonl`]: note(theirs),
    };
    const overrides = { scope: "run", execute: true } as const;
    const ran = await runSuite(
      "cleanup",
      { inside: inside({ url, sessions: [] }), settings: "budget: 1m", files, overrides, runId },
      env(),
    );
    expect(ran.report).toMatchObject({ verdict: "passed", cleanup: { deletedKeys: 1, leftOver: 0 } });
    expect(ran.report.cleanup?.notes.join()).toContain(`1 line of ${runId}.integration.jsonl cannot be read`);
    expect(await keys()).toEqual([...others, `tokens:${theirs}`].sort());
    expect(await remembered(ran)).toHaveLength(1);
    expect(ran.secrets).toContain(mine);
  });

  test("stay when the answer names no session, and the report says so", async () => {
    const api = await signingIn({ names: false });
    const ran = await runSuite(
      "integration",
      { inside: inside(api, "{ teacher: {} }"), settings, files: { "tests.mjs": passing } },
      env(),
    );
    expect(ran.report.cleanup?.notes).toContainEqual(
      expect.stringMatching(
        /^the answers of \S+ name no sessionId by which keys could be found \(a UUID, or another id that is made once\): what 1 sign-in of env-actions wrote to Redis stays until it expires$/,
      ),
    );
    const looked = await runSuite("preflight", { inside: inside(api), settings: "budget: 1m", files: {} }, env());
    expect(looked.check("auth.sign-ins")).toMatchObject({
      verdict: "skipped",
      message: expect.stringContaining("name no sessionId"),
    });
  });
});

describe("a Redis that takes no deletions", () => {
  const at = (url: string) => ({ ...env(), REDIS_URL: url });
  const redisOnly = 'redis: { url: "${REDIS_URL}", expect: { host: 127.0.0.1 } }';
  const unable: [string, () => string, RegExp][] = [
    ["a replica", () => replica.url, /is a read-only replica: set redis.url to the address of its master, 127\.0\.0\.1:\d+/],
    [
      "a user that may only read",
      () => `redis://looking:pw@127.0.0.1:${server.port}`,
      /user looking may not delete keys.*\+unlink/,
    ],
  ];

  test.each(unable)("%s: preflight fails with the fix", async (_, url, says) => {
    const ran = await runSuite("preflight", { inside: redisOnly, settings: "sweep: true", files: {} }, at(url()));
    expect(ran.report.verdict).toBe("failed");
    expect(ran.check("redis.writable")).toMatchObject({ verdict: "failed", message: expect.stringMatching(says) });
  });

  test.each(unable)("%s: no test is started", async (_, url, says) => {
    const ran = await runSuite("integration", { inside: redisOnly, settings, files: { "tests.mjs": passing } }, at(url()));
    expect(ran.report).toMatchObject({ verdict: "failed", commands: [] });
    expect(ran.check("identity")).toMatchObject({ verdict: "failed", message: expect.stringMatching(says) });
  });

  test("a Redis that does not report its permissions is no failure", async () => {
    const url = `redis://blind:pw@127.0.0.1:${server.port}`;
    const looked = await runSuite("preflight", { inside: redisOnly, settings: "budget: 1m", files: {} }, at(url));
    expect(looked.check("redis.writable")).toMatchObject({
      verdict: "skipped",
      message: expect.stringContaining("does not show this user's rules"),
    });
    const ran = await runSuite("integration", { inside: redisOnly, settings, files: { "tests.mjs": passing } }, at(url));
    // Its tests make nothing, which the books say.
    expect(ran.report).toMatchObject({ verdict: "degraded", reason: expect.stringContaining("no row and no key") });
    expect(ran.check("identity")?.verdict).toBe("passed");
  });
});
