import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { noFaults } from "../../local/warehouse/faults.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import type { Check } from "../../src/index.ts";
import { folderForAllTests } from "../harness/folder.ts";
import { performIn } from "../harness/stage.ts";

// What preflight sees of warehouse and Redis below any application: with the token as a stage has it, and over TLS.

const token = "dapi-of-the-tests";
const dayMs = 86_400_000;
let warehouse: Warehouse;
let redis: RunningRedis;
const workspace = folderForAllTests();

beforeAll(async () => {
  [warehouse, redis] = await Promise.all([
    startWarehouse({ principals: { [token]: { user: "tests", grants: [{ privilege: "ALL PRIVILEGES", on: "classwaves" }] } } }),
    startRedis({ tls: true }),
  ]);
  await warehouse.createTables({ "classwaves.sessions.classroom_sessions": { columns: { id: "string", title: "string" } } });
});
afterEach(() => void Object.assign(warehouse.faults, noFaults()));
afterAll(async () => {
  await Promise.all([warehouse.stop(), redis.stop()]);
});

const preflight = (limits: Record<string, unknown> = {}) => look("preflight", "test-data", { limits });

interface Changes {
  limits?: Record<string, unknown>;
  /** Hosts; `null` where none is expected. */
  expected?: { databricks: string | null; redis: string | null };
}

async function look(
  stage: "preflight" | "smoke",
  access: "test-data" | "read-only",
  { limits = {}, expected = { databricks: "localhost", redis: "localhost" } }: Changes = {},
): Promise<Record<string, Check>> {
  const expecting = (host: string | null) => (host === null ? {} : { expect: { host } });
  const sandbox = {
    access,
    databricks: {
      host: warehouse.host,
      warehouse: warehouse.warehouseId,
      token: "${DATABRICKS_TOKEN}",
      certificateAuthority: warehouse.certificateAuthority,
      ...expecting(expected.databricks),
    },
    redis: { url: "${REDIS_URL}", certificateAuthority: redis.certificateAuthority, ...expecting(expected.redis) },
  };
  const config = {
    environments: { sandbox },
    testData: { preset: "none", tables: { "sessions.classroom_sessions": {} } },
    stages: { [stage]: { sqlP95: "30s", ...limits } },
  };
  const env = { DATABRICKS_TOKEN: token, REDIS_URL: redis.url };
  const { report } = await performIn(workspace.path, { stage, config, env });
  return Object.fromEntries(report.checks.map((check) => [check.id, check]));
}

test("preflight reports warehouse state and size, token lifetime, and both certificates", async () => {
  const checks = await preflight();
  expect(checks["databricks.warehouse"]).toMatchObject({ verdict: "passed", observed: "RUNNING, 2X-Small, 1 cluster" });
  expect(checks["databricks.token"]).toMatchObject({ verdict: "passed", observed: "never expires" });
  for (const id of ["databricks.certificate", "redis.certificate"])
    expect(checks[id]).toMatchObject({
      verdict: "passed",
      observed: expect.stringMatching(/TLS .*certificate valid for \d+ days$/),
    });
});

test.each([
  ["preflight", "read-only"],
  ["smoke", "read-only"],
  ["smoke", "test-data"],
] as const)("%s of a %s environment compares hosts with the expected ones, where any are configured", async (stage, access) => {
  const right = await look(stage, access);
  expect(right["databricks.connect"]?.verdict).toBe("passed");
  expect(right["redis.ping"]?.verdict).toBe("passed");

  const wrong = await look(stage, access, { expected: { databricks: "elsewhere.example", redis: "localhost:1" } });
  expect(wrong).toEqual({
    identity: expect.objectContaining({
      verdict: "failed",
      message: expect.stringMatching(
        /expected elsewhere\.example, got \S+ \(nothing was sent\); .*expected localhost:1, got \S+ \(nothing was sent\)/,
      ),
    }),
  });
});

test("a read-only environment without expected hosts is still checked", async () => {
  const checks = await look("smoke", "read-only", { expected: { databricks: null, redis: null } });
  expect(checks["databricks.connect"]?.verdict).toBe("passed");
  expect(checks["redis.ping"]?.verdict).toBe("passed");
});

test("certificates that expire soon are a warning, for Redis too", async () => {
  const checks = await preflight({ certificateDays: 3_000 });
  for (const id of ["databricks.certificate", "redis.certificate"])
    expect(checks[id]).toMatchObject({ verdict: "degraded", message: expect.stringContaining("expires soon") });
});

test.each([
  [
    "warns when the only token expires soon",
    [6.5],
    "degraded",
    "ends in 6 days",
    "Renew DATABRICKS_TOKEN: when it expires, every stage stops.",
  ],
  [
    "warns when one of several tokens expires soon",
    [6.5, 90, -1],
    "degraded",
    "the first of the user's 3 tokens to end does so in 6 days",
    "If that is",
  ],
  [
    "passes when all tokens last longer",
    [7.5, 90],
    "passed",
    "the first of the user's 2 tokens to end does so in 7 days",
    undefined,
  ],
  ["ignores expired tokens, because the one in use is not expired", [-5, 30.5], "passed", "ends in 30 days", undefined],
] as const)("%s", async (_, days, verdict, observed, message) => {
  warehouse.faults.tokenEnds = days.map((day) => (day === -1 ? -1 : Date.now() + day * dayMs));
  const { "databricks.token": found } = await preflight();
  expect(found).toMatchObject({ verdict, observed });
  // The first of those that have not expired, whatever the verdict.
  const [first] = days.filter((day) => day > 0).sort((a, b) => a - b);
  const [end] = found?.expires ?? [];
  if (first === undefined) expect(end).toBeUndefined();
  else {
    expect(end).toMatchObject({ what: "token", name: "databricks.token" });
    expect(Math.abs(Date.parse(end?.at ?? "") - Date.now() - first * dayMs)).toBeLessThan(60_000);
  }
  if (message === undefined) expect(found?.message).toBeUndefined();
  else expect(found?.message).toContain(message);
});

test("the token check is skipped when the workspace does not list tokens", async () => {
  warehouse.faults.tokenEnds = "refused";
  expect((await preflight())["databricks.token"]).toMatchObject({
    verdict: "skipped",
    message: "Its expiry is unknown: the request to /api/2.0/token/list was refused (HTTP 403).",
  });
  warehouse.faults.tokenEnds = [];
  expect((await preflight())["databricks.token"]?.verdict).toBe("skipped");
});
