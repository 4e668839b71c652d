import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import type { Warehouse } from "../../local/warehouse/index.ts";
import { checkEndpoint } from "../../src/checks/api/check.ts";
import {
  type ApiPorts,
  get,
  postJson,
  postNothing,
  type RouteGuard,
  whyNotSent,
  wrongSecret,
} from "../../src/checks/api/client.ts";
import { checkAuth, mintToken } from "../../src/checks/auth/check.ts";
import { checkOauth } from "../../src/checks/oauth/check.ts";
import type { MayWrite } from "../../src/checks/run-check.ts";
import { checkSqlSample } from "../../src/checks/sql/check.ts";
import { checkNamespace } from "../../src/checks/websocket/check.ts";
import { newRunId } from "../../src/cleanup/run-id.ts";
import { environmentSchema } from "../../src/config/schema.ts";
import { routeTo } from "../../src/redis/address.ts";
import { openRedisReader } from "../../src/redis/connection.ts";
import type { CommandWords } from "../../src/redis/resp.ts";
import { Wire } from "../../src/redis/wire.ts";
import { openReader, type WarehouseReader } from "../../src/warehouse/access.ts";
import { endpoint } from "../checks/api.ts";
import { runOnce } from "../checks/run-once.ts";
import { freshBundle } from "../harness/process.ts";
import { disguisedWrites } from "../warehouse/disguised-writes.ts";
import { settingsFor, startSchool } from "../warehouse/harness.ts";

/**
 * Write attempts through every path that a read-only environment has. Every credential here may write, so that only the client stops
 * them. The proof is what the servers saw in the end; the last test shows that this proof can fail.
 */

const entry = freshBundle;
const never = new AbortController().signal;

let warehouse: Warehouse;
let reader: WarehouseReader;
let redis: RunningRedis;
let keys: Redis;
let monitor: Redis;
let api: Server;
let url: string;
let elsewhere: Server;
let workspace: string;
/** What the servers were told. */
const requests: string[] = [];
const requestsElsewhere: string[] = [];
const commands: string[] = [];
let before: unknown;

beforeAll(async () => {
  [warehouse, redis, workspace] = await Promise.all([
    startSchool(),
    startRedis(),
    mkdtemp(join(tmpdir(), "env-actions-read-only-")),
  ]);
  api = createServer((request, response) => {
    request.resume().on("end", () => {
      requests.push(`${request.method} ${request.url} ${request.headers["content-length"] ?? 0}`);
      const [, status, target = ""] = /^\/to\/(\d+)\/(.*)$/.exec(request.url ?? "") ?? [];
      if (status) response.writeHead(Number(status), { location: Buffer.from(target, "base64url").toString() }).end();
      else response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  }).listen(0, "127.0.0.1");
  elsewhere = createServer((request, response) => {
    requestsElsewhere.push(`${request.method} ${request.url}`);
    response.end();
  }).listen(0, "127.0.0.1");
  await Promise.all([once(api, "listening"), once(elsewhere, "listening")]);
  url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  reader = await openReader(settingsFor(warehouse), { signal: never });
  keys = new Redis(redis.url);
  await keys.mset({ "session:1": "a", "session:2": "b" });
  monitor = await keys.monitor();
  monitor.on("monitor", (_time: string, words: string[]) => commands.push(words.join(" ").toLowerCase()));
  await keys.config("RESETSTAT");
  before = await warehouse.checksum();
});
afterAll(async () => {
  monitor.disconnect();
  keys.disconnect();
  api.close();
  elsewhere.close();
  await reader.close();
  await Promise.all([warehouse.stop(), redis.stop(), rm(workspace, { recursive: true, force: true })]);
});

/** A route that leads to another by a redirect; not to be read in its path. */
function leadingTo(target: string, status: number): string {
  return `/to/${status}/${Buffer.from(target).toString("base64url")}`;
}

async function refused(path: string, work: () => unknown): Promise<void> {
  const outcome = await Promise.resolve()
    .then(work)
    .then(
      (result) => `it was sent: ${JSON.stringify(result)}`,
      (error: unknown) => String(error instanceof Error ? error.message : error),
    );
  expect(outcome, path).toMatch(/refused before sending|may not be sent|leads to another host/);
}

function ports(changes: Partial<ApiPorts> = {}): ApiPorts {
  const { writes, emptyPosts } = readOnly().api;
  return { url, headers: {}, signal: never, readOnly: { writes, emptyPosts }, ...changes };
}

/** The defaults of the configuration. */
function readOnly() {
  const {
    api: guard,
    oauth,
    auth,
  } = environmentSchema.parse({ access: "read-only", api: { url }, oauth: {}, auth: { enabled: false } });
  if (!guard || !oauth || !auth) throw new Error("the schema has left something out");
  return { api: guard, oauth, auth };
}

// The reasons are the statements' own: each base form must be refused in whatever clothes.
const baseForms = [
  "DELETE FROM sessions.classroom_sessions",
  "INSERT INTO sessions.classroom_sessions (id) VALUES ('x')",
  "INSERT OVERWRITE sessions.classroom_sessions SELECT 1",
  "UPDATE sessions.classroom_sessions SET title = 'x'",
  "MERGE INTO sessions.classroom_sessions USING u ON true WHEN MATCHED THEN DELETE",
  "TRUNCATE TABLE sessions.classroom_sessions",
  "DROP TABLE sessions.classroom_sessions",
  "CREATE TABLE sessions.x AS SELECT 1",
  "ALTER TABLE sessions.classroom_sessions DROP COLUMN id",
  "RESTORE TABLE sessions.classroom_sessions TO VERSION AS OF 0",
  "COPY INTO sessions.classroom_sessions FROM '/x' FILEFORMAT = CSV",
  "GRANT ALL PRIVILEGES ON CATALOG classwaves TO me",
  "EXECUTE IMMEDIATE 'DELETE FROM sessions.classroom_sessions'",
  "CALL main.default.remove_all()",
  "SELECT main.default.remove_all()",
  "SELECT http_request(conn => 'c', method => 'POST', path => '/')",
  "SELECT * FROM remote_query('c', query => 'DELETE FROM t')",
  "SELECT ai_query('m', 'x')",
];
const blank = fc.constantFrom(" ", "\n", "\t", "\r\n", " /* x */ ", "/**/", " -- x\n", "  ", "\u00a0", "\u2003", "\f");
/** The same statement in other letters and with other blanks; what stands in quotes stays. */
const dressed = (form: string) =>
  fc
    .tuple(fc.infiniteStream(fc.boolean()), fc.infiniteStream(blank), fc.constantFrom("", ";", " ;;", "\n"))
    .map(([capitals, blanks, end]) =>
      form
        .split(/('[^']*')/)
        .map((part) =>
          part.startsWith("'")
            ? part
            : [...part]
                .map((letter) => (capitals.next().value ? letter.toUpperCase() : letter.toLowerCase()))
                .join("")
                .replaceAll(" ", () => blanks.next().value),
        )
        .join("")
        .concat(end),
    );
const wrapped = (statement: fc.Arbitrary<string>) =>
  fc
    .tuple(
      statement,
      fc.constantFrom<(sql: string) => string>(
        (sql) => sql,
        (sql) => `/* SELECT */ ${sql}`,
        (sql) => `-- SELECT 1\n${sql}`,
        (sql) => `SELECT 1; ${sql}`,
        (sql) => `SELECT ';' ;\n${sql} --'`,
        (sql) => `WITH x AS (SELECT 1) ${sql}`,
        (sql) => `WITH x AS (${sql}) SELECT * FROM x`,
        (sql) => `SELECT * FROM (${sql})`,
        (sql) => `EXPLAIN ${sql}`,
        (sql) => `DESCRIBE QUERY ${sql}`,
        (sql) => `BEGIN ${sql}; END`,
        (sql) => `SELECT 1 UNION ALL ${sql}`,
        (sql) => `(((${sql})))`,
      ),
    )
    .map(([sql, wrap]) => wrap(sql));

describe("SQL", () => {
  test("the reader refuses every known disguise of a write", async () => {
    expect(disguisedWrites.length).toBeGreaterThan(300);
    for (const statement of disguisedWrites) await refused("reader.query", () => reader.query(statement));
  });

  test.each(baseForms)("the reader refuses every generated variant of: %s", async (form) => {
    await fc.assert(
      fc.asyncProperty(wrapped(dressed(form)), (sql) => refused("reader.query, generated", () => reader.query(sql))),
      { numRuns: 40 },
    );
  });

  test("configured SQL samples that write are refused", async () => {
    for (const query of baseForms) {
      const check = await checkSqlSample(runOnce, () => Promise.resolve(reader), { name: "x", query, minimumRows: 0 });
      expect(check).toMatchObject({ verdict: "error", message: expect.stringContaining("refused before sending") });
    }
  });
});

describe("Redis", () => {
  test("a reading connection refuses every command that writes, runs scripts or administers, in any spelling", async () => {
    const { address, signIn } = await routeTo({ url: redis.url });
    const wire = await Wire.open(address, signIn, "reading", never);
    const open = await openRedisReader(redis.url, never);
    const flags = (await open.commandFlags()) ?? new Map<string, string[]>();
    await open.close();
    const told = /^(?:auth|hello|select|ping|info|scan|pttl|command(?:\|.*)?|acl\|whoami|acl\|getuser|cluster\|nodes)$/;
    const others = [...flags.keys()].filter((name) => !told.test(name));
    expect(others.length).toBeGreaterThan(280);
    for (const name of others) {
      const [command = "", subcommand] = name.toUpperCase().split("|");
      const words: CommandWords = [command, ...(subcommand ? [subcommand] : []), "session:1", "1"];
      await refused("redis wire", () => wire.send([words]));
      await refused("redis wire, in a pipeline", () => wire.send([["PING"], words]));
    }
    for (const name of ["set", "Set", " SET", "SET ", "SET\r\nSET", "PING\r\nFLUSHALL", "ſET", "*1\r\n$8\r\nFLUSHALL"])
      await refused("redis wire", () => wire.send([[name, "session:1", "1"]]));
    await wire.close();
  });
});

const writing = "/api/v1/health/redis";
const spellings = [
  writing,
  "/health/redis",
  "/health/redis/",
  "/HEALTH/Redis",
  "/health//redis",
  "//health/redis".slice(1),
  "/health/./redis",
  "/health/x/../redis",
  "/health/%2e%2e/health/redis",
  "/health/redi%73",
  "/health%2fredis",
  "/health%2Fredis",
  "/health/redi%2573",
  "/health%252fredis",
  "/health\\redis",
  "/health/redis;a=b",
  "/health;a=b/redis",
  "/health/redis?x=1",
  "/health/redis#x",
  "/health/redis%20",
  "/health/redis%00",
  "/health/redis%3Fx",
  "/health/redis%23x",
  "/a/b/c/health/redis",
  // As Rails, and Spring of old, read a route: the ending only says in what form the answer is wanted.
  "/health/redis.json",
  "/health/redis.JSON",
  "/health/redis%2ejson/",
  "/health/redis.xml;a=b",
  // Letters that a server may take for others: in another width, or one that a comparison without case folds.
  "/health/rediſ",
  "/health/ｒｅｄｉｓ",
  "/ｈealth／redis",
  "/health/%ef%bd%92edis",
  "/health/%25ef%25bd%2592edis",
  "/health/%u0072edis",
];

describe("HTTP", () => {
  test.each(spellings)("a route that writes is not requested as %s", async (path) => {
    await refused("GET of a writing route", () => get(ports(), path));
    const check = await checkEndpoint(runOnce, ports(), endpoint({ path }), { samples: 1, apiP95: 1_000 }, "api");
    expect(check).toMatchObject({ verdict: "error", message: expect.stringContaining("refused before sending") });
  });

  test.each(spellings)("a route that writes is not opened as a WebSocket at %s", async (path) => {
    const check = await checkNamespace(runOnce, { ...ports(), path }, "/sessions", 1_000, undefined);
    expect(check).toMatchObject({ verdict: "error", message: expect.stringContaining("refused before sending") });
  });

  test("methods other than GET, HEAD and OPTIONS are refused on every route", () => {
    const { writes, emptyPosts } = readOnly().api;
    for (const method of [
      "POST",
      "PUT",
      "PATCH",
      "DELETE",
      "LINK",
      "UNLINK",
      "COPY",
      "MOVE",
      "MKCOL",
      "PROPPATCH",
      "LOCK",
      "PURGE",
      "CONNECT",
      "TRACE",
      "get",
      "Get",
      "",
      "FOO",
    ])
      for (const path of ["/", "/api/v1/health", "/api/v1/sessions/1"])
        expect(
          whyNotSent({ writes, emptyPosts }, new URL(path, url), { method, headers: {} }),
          `${method} ${path}`,
        ).toBeDefined();
    for (const method of ["GET", "HEAD", "OPTIONS"]) {
      const sent = (body?: string) =>
        whyNotSent({ writes, emptyPosts }, new URL("/api/v1/health", url), { method, headers: {}, body });
      expect(sent()).toBeUndefined();
      expect(sent("{}")).toBeDefined();
    }
  });

  test.each([
    "/api/v1/sessions",
    "/api/v1/auth/google/",
    "/api/v1/auth/google?x=1",
    "/api/v1/auth/refresh",
    "/health/redis",
    "/",
  ])("a POST to %s is refused, with or without a body", async (path) => {
    await refused("POST of nothing", () => postNothing(ports(), path));
    for (const body of [{ title: "x" }, { secretKey: "x" }, { _method: "DELETE" }])
      await refused("POST", () => postJson(ports(), path, body));
  });

  test("routes that allow an empty POST refuse a POST with a body", async () => {
    for (const path of readOnly().api.emptyPosts)
      for (const body of [{ a: 1 }, { code: "x" }, { role: "teacher" }, []])
        await refused("POST", () => postJson(ports(), path, body));
  });

  test("only the route that must be off gets a wrong secret, and nothing else", async () => {
    const { writes, emptyPosts } = readOnly().api;
    const [mustBeOff = "", other = ""] = emptyPosts;
    const sent = (path: string, body: object, guard: Partial<RouteGuard> = { mustBeOff }) =>
      whyNotSent({ writes, emptyPosts, ...guard }, new URL(path, url), {
        ...{ method: "POST", headers: {} },
        body: JSON.stringify(body),
      });
    expect(sent(mustBeOff, wrongSecret(undefined))).toBeUndefined();
    expect(sent(other, wrongSecret(undefined))).toContain("may write");
    expect(sent(mustBeOff, wrongSecret(undefined), {})).toContain("may write");
    expect(sent(mustBeOff, wrongSecret(undefined), { mustBeOff, emptyPosts: [] })).toContain("not listed");
    for (const body of [
      { ...wrongSecret(undefined), role: "admin" },
      { ...wrongSecret(undefined), a: 1 },
      { secretKey: "right" },
    ])
      expect(sent(mustBeOff, body), JSON.stringify(body)).toContain("may write");
  });

  test.each(["X-HTTP-Method-Override", "x-method-override", "X-HTTP-Method", "X-Original-URL", "x-rewrite-url"])(
    "the header %s, which can change the method or route, is refused",
    async (name) => {
      for (const value of ["DELETE", "POST", writing])
        await refused("header", () => get(ports({ headers: { [name]: value } }), "/api/v1/health"));
    },
  );

  test.each([
    "?_method=DELETE",
    "?_METHOD=PUT",
    "?x=1&_method=POST",
    "?http_method=DELETE",
    "?%5fmethod=DELETE",
    "?X-HTTP-Method-Override=DELETE",
    "?x_http_method_override=DELETE",
    "?X-Method-Override=DELETE",
    "?httpMethodOverride=DELETE",
    "?X-HTTP-Method=DELETE",
    "?_method[]=PUT",
    "?_Method%5B%5D=PUT",
    "?_method[0]=PUT",
    "?[_method]=PUT",
    "?x=1;_method=DELETE",
    "?;_method=DELETE",
    "?a=1%26_method=DELETE",
    "?x=1%3B_method=DELETE",
    "?%255fmethod=DELETE",
    "?+_method=DELETE",
    "?_method%00=DELETE",
    "?.method=DELETE",
    "?_method",
    "?x-rewrite-url=/health/redis",
  ])("the parameter %s, which can change the method or route, is refused", async (query) => {
    await refused("parameter", () => get(ports(), `/api/v1/sessions/1${query}`));
  });

  test.each(["?payment_method=card", "?methods=all", "?x=_method", "?since=2026-01-01&sort[name]=asc", "?q=a+b;c=d"])(
    "other parameters are allowed: %s",
    (query) => {
      const { writes, emptyPosts } = readOnly().api;
      const address = new URL(`/api/v1/sessions${query}`, url);
      expect(whyNotSent({ writes, emptyPosts }, address, { method: "GET", headers: {} })).toBeUndefined();
    },
  );

  test("another host or scheme is refused", async () => {
    const { port } = elsewhere.address() as AddressInfo;
    for (const path of [
      `//127.0.0.1:${port}/x`,
      `http://127.0.0.1:${port}/x`,
      `\\\\127.0.0.1:${port}/x`,
      `https://127.0.0.1/x`,
      "ftp://127.0.0.1/x",
    ])
      await refused("another host", () => get(ports(), path));
  });

  test("sign-in checks mint no token and use no other route", async () => {
    const { auth, oauth } = readOnly();
    const secret = { reveal: () => "secret" } as NonNullable<typeof auth.secret>;
    await refused("minting", () => mintToken(ports(), { ...auth, enabled: true, secret }));
    for (const path of ["/api/v1/sessions", "/health/redis", "/api/v1/auth/refresh"]) {
      for (const check of [
        await checkOauth(runOnce, ports(), { ...oauth, path }),
        ...(await checkAuth(runOnce, ports(), { ...auth, mint: path }, undefined)),
      ]) {
        expect(check).toMatchObject({ verdict: "error", message: expect.stringContaining("refused before sending") });
      }
    }
  });

  test("a redirect is reported and not followed", async () => {
    const { port } = elsewhere.address() as AddressInfo;
    const targets = [
      writing,
      "/health/redis",
      `${url}/health/redis`,
      `//127.0.0.1:${port}/x`,
      `http://127.0.0.1:${port}/x`,
      "/api/v1/health",
    ];
    for (const status of [301, 302, 303, 307, 308])
      for (const target of targets) {
        const path = leadingTo(target, status);
        const check = await checkEndpoint(runOnce, ports(), endpoint({ path }), { samples: 1, apiP95: 1_000 }, "api");
        expect(check).toMatchObject({ verdict: "failed", observed: `HTTP ${status}` });
      }
  });
});

interface Ran {
  exit: number | null;
  output: string;
}

/** One call of the real command line in an environment that may not write, with credentials that could. */
async function run(
  args: readonly string[],
  { mayWrite, ...environment }: { mayWrite?: MayWrite; [key: string]: unknown },
): Promise<Ran> {
  const directory = await mkdtemp(join(workspace, "run-"));
  const production = {
    access: "read-only",
    databricks: {
      host: warehouse.host,
      warehouse: warehouse.warehouseId,
      token: "${TOKEN}",
      certificateAuthority: warehouse.certificateAuthority,
      mayWrite,
    },
    redis: { url: "${REDIS_URL}", mayWrite },
    ...environment,
  };
  await writeFile(join(directory, "c.yml"), JSON.stringify({ version: 1, environments: { production } }));
  const { GITHUB_ACTIONS: _runner, ...env } = process.env;
  const child = spawn(process.execPath, [entry, ...args, "--config", "c.yml"], {
    cwd: directory,
    env: {
      ...env,
      NODE_COMPILE_CACHE: join(workspace, "compiled"),
      TOKEN: "writer",
      SECRET: "a secret that mints",
      REDIS_URL: redis.url,
      ENV_ACTIONS_RUN_ID: newRunId(),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exit = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { exit, output };
}

const smoke = ["smoke", "--deployment", "1", "--json"];

/** The report on standard output. */
function checksOf({ output }: Ran): Record<string, { verdict: string; message?: string; observed?: string }> {
  const report = JSON.parse(output.slice(output.indexOf("{\n"), output.lastIndexOf("}") + 1)) as {
    checks: { id: string; verdict: string; message?: string; observed?: string }[];
  };
  return Object.fromEntries(report.checks.map((check) => [check.id, check]));
}

describe("the stages as real processes", () => {
  test("smoke with disguised writes as samples, redirects as endpoints, and credentials that could write", async () => {
    const statements = disguisedWrites.filter((query) => query !== "" && !query.includes("${"));
    expect(statements.length).toBeGreaterThan(300);
    const sql = statements.map((query, index) => ({ name: `s${index}`, query, minimumRows: 0 }));
    const endpoints = [301, 302, 307, 308].map((status) => ({ path: leadingTo(writing, status) }));
    const ran = await run(smoke, {
      sql,
      api: { url, samples: 1, endpoints },
      oauth: { path: "/api/v1/sessions" },
      auth: { enabled: false, mint: "/api/v1/sessions" },
    });
    const checks = checksOf(ran);
    for (const { name, query } of sql)
      expect(checks[`sql.${name}`], query).toMatchObject({
        verdict: "error",
        message: expect.stringContaining("refused before sending"),
      });
    for (const id of ["oauth.route", "auth.mint-off"]) expect(checks[id]?.message).toContain("refused before sending");
    expect(Object.values(checks).filter(({ observed }) => /^HTTP 30/.test(observed ?? ""))).toHaveLength(endpoints.length);
    // That the credentials could have is a finding of its own.
    expect(checks["databricks.read-only"]).toMatchObject({ verdict: "failed", observed: expect.stringContaining("MODIFY") });
    expect(checks["redis.read-only"]).toMatchObject({ verdict: "failed", observed: "+@all" });
    expect(ran.exit).toBe(1);
  });

  test("smoke with headers that change requests, and with excepted credentials", async () => {
    const mayWrite = { until: "2999-12-31", reason: "the reader is being made" };
    const ran = await run(smoke, {
      mayWrite,
      api: { url, samples: 1, headers: { "X-HTTP-Method-Override": "DELETE" } },
      oauth: {},
    });
    const checks = checksOf(ran);
    for (const id of ["api.api-v1-health", "oauth.route"]) expect(checks[id]?.message).toContain("refused before sending");
    for (const id of ["databricks.read-only", "redis.read-only"])
      expect(checks[id]).toMatchObject({ verdict: "degraded", message: expect.stringContaining(mayWrite.reason) });
  });

  test("preflight with minted tokens", async () => {
    const ran = await run(["preflight", "--json"], { api: { url, samples: 1 }, auth: { secret: "${SECRET}" } });
    const checks = checksOf(ran);
    for (const id of ["auth.mint", "auth.wrong-secret"])
      expect(checks[id]).toMatchObject({ verdict: "error", message: expect.stringContaining("refused before sending") });
  });

  test("a configuration with a route that writes is an error with its position", async () => {
    const ran = await run(smoke, {
      api: { url, endpoints: [{ path: "/api/v1/Health/Redis/" }] },
      analytics: [{ path: "/health/redis?x=1" }],
      servers: { backend: { command: "true", ready: { url: `${url}/health/redis` } } },
      websocket: { path: "/health/redis", plain: [{ path: "/health/redis" }] },
      oauth: { discovery: `${url}/health/redis` },
    });
    expect(ran.output.match(/this route writes/g)).toHaveLength(6);
    expect(ran.exit).toBe(2);
  });
});

/** All that Redis has been told until now has reached us when it has told us of this. */
async function seenByRedis(): Promise<string[]> {
  const mark = `echo ${newRunId()}`;
  const told = new Promise<void>((resolve) =>
    monitor.on("monitor", (_time: string, words: string[]) => words.join(" ") === mark && resolve()),
  );
  await keys.call("echo", mark.slice(5));
  await told;
  return commands.filter((command) => !command.startsWith("echo "));
}

const writes = /\b(?:DELETE|INSERT|UPDATE|MERGE|TRUNCATE|DROP|CREATE|ALTER|RESTORE|COPY|GRANT|EXECUTE|CALL|BEGIN|SET)\b/i;
const readsOfRedis = /^(?:auth|hello|select|ping|info|scan|command|acl whoami|acl getuser|pttl)(?: |$)/;

describe("what the servers saw", () => {
  test("the warehouse saw only reading statements, and no table changed", async () => {
    const told = warehouse.statements.map(({ sql }) => sql.replace(/^\/\*.*?\*\/ /, ""));
    expect(told.length).toBeGreaterThan(10);
    expect(told.filter((sql) => !/^SELECT /.test(sql) || writes.test(sql.replaceAll(/'[^']*'|`[^`]*`/g, "")))).toEqual([]);
    expect(await warehouse.checksum()).toEqual(before);
  });

  test("Redis saw only reading commands, and no key changed", async () => {
    const told = await seenByRedis();
    expect(told.filter((command) => command === "command").length).toBeGreaterThan(0);
    expect(told.filter((command) => !readsOfRedis.test(command))).toEqual([]);
    // A monitor is not told of what administrators do; the statistics are.
    const counted = [...(await keys.info("commandstats")).matchAll(/^cmdstat_(\S+?):/gm)].map(([, name = ""]) => name);
    expect(counted).toContain("acl|getuser");
    const ours = ["echo", "config|resetstat", "monitor"];
    expect(counted.filter((name) => !ours.includes(name) && !readsOfRedis.test(name.replace("|", " ")))).toEqual([]);
    expect(await keys.mget("session:1", "session:2")).toEqual(["a", "b"]);
    expect(await keys.dbsize()).toBe(2);
  });

  test("the API saw only requests that read, and no other host was asked", () => {
    expect(requests.length).toBeGreaterThan(20);
    expect(requests.filter((request) => !/^GET \/(?:to\/|api\/v1\/health(?:\/databricks)?(?: |$))/.test(request))).toEqual([]);
    expect(requestsElsewhere).toEqual([]);
  });

  test("without the guard the same requests arrive, so these tests can fail", async () => {
    const { readOnly: _guard, ...open } = ports();
    const seen = requests.length;
    await get(open, writing);
    await postJson(open, "/api/v1/sessions", { title: "x" });
    expect(requests.slice(seen)).toEqual([`GET ${writing} 0`, "POST /api/v1/sessions 13"]);
    await keys.set("session:3", "c");
    expect((await seenByRedis()).filter((command) => !readsOfRedis.test(command))).toContain("set session:3 c");
  });
});
