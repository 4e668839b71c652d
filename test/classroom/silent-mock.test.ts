import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningServer, startServer } from "../../examples/classroom/backend/server.ts";
import { readSettings } from "../../examples/classroom/backend/settings.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import type { Check } from "../../src/index.ts";
import { json, serve } from "../checks/api.ts";
import { folderForAllTests } from "../harness/folder.ts";
import { performIn } from "../harness/stage.ts";

/**
 * Without credentials ClassWaves falls into a mock, says nothing, and its health page stays green. A configuration that names the API
 * and the warehouse must find that without a word about what the API answers.
 */

const token = "dapi-of-the-tests";
const workspace = folderForAllTests();
let warehouse: Warehouse;
let redis: RunningRedis;
let mock: RunningServer;

beforeAll(async () => {
  const principals = { [token]: { user: "tests", grants: [{ privilege: "ALL PRIVILEGES", on: "classwaves" } as const] } };
  [warehouse, redis] = await Promise.all([startWarehouse({ principals }), startRedis()]);
  await warehouse.createTables({ "classwaves.sessions.classroom_sessions": { columns: { id: "string", title: "string" } } });
  const common = {
    PORT: "0",
    NODE_ENV: "production",
    ALLOWED_ORIGIN: "https://app.classwaves.example",
    REDIS_URL: redis.url,
    JWT_SECRET: "the-jwt-secret",
    TEST_TOKEN_SECRET: "s",
  };
  mock = await startServer(readSettings(common));
});
afterAll(async () => {
  await mock.close();
  await Promise.all([warehouse.stop(), redis.stop()]);
});

async function preflight(url: string, preset: object, api: object = {}): Promise<Check[]> {
  const databricks = {
    host: warehouse.host,
    warehouse: warehouse.warehouseId,
    token: "${DATABRICKS_TOKEN}",
    catalog: "classwaves",
    certificateAuthority: warehouse.certificateAuthority,
    expect: { host: "localhost" },
  };
  const headers = { Origin: "https://app.classwaves.example" };
  const config = {
    ...preset,
    environments: {
      sandbox: { access: "test-data", databricks, api: { url, headers, samples: 3, ...api } },
    },
    stages: { preflight: { sqlP95: "30s", apiP95: "30s" } },
  };
  const { report } = await performIn(workspace.path, { stage: "preflight", config, env: { DATABRICKS_TOKEN: token } });
  return report.checks.filter(({ id }) => id.startsWith("api.") && id !== "api.connection");
}

const health = expect.objectContaining({ title: "GET /api/v1/health", verdict: "passed" });

test.each([
  ["nothing", {}],
  ["preset: classwaves", { preset: "classwaves" }],
])("a file with %s, an API and a warehouse finds the silent mock", async (_, preset) => {
  expect(await preflight(`http://localhost:${mock.port}`, preset)).toEqual([
    health,
    expect.objectContaining({
      title: "GET /api/v1/health/databricks",
      verdict: "failed",
      observed: "$.data.serverTime is null",
      expected: "a value, not null",
    }),
  ]);
});

test("so does one that only lists the route", async () => {
  const [found] = await preflight(`http://localhost:${mock.port}`, {}, { endpoints: [{ path: "/api/v1/health/databricks" }] });
  expect(found).toMatchObject({ verdict: "failed", observed: "$.data.serverTime is null" });
});

const answering = (serverTime: () => string) =>
  serve((_, response) => json(response, 200, { success: true, data: { status: "healthy", serverTime: serverTime() } }));

test("a time that stands still is no proof, and one that goes on is", async () => {
  const still = await answering(() => "2026-11-30T10:00:00.000Z");
  expect(await preflight(still.url, {})).toEqual([
    health,
    expect.objectContaining({
      verdict: "failed",
      observed: '$.data.serverTime stays "2026-11-30T10:00:00.000Z"',
      expected: "a value that changes",
    }),
  ]);
  let now = Date.now();
  const real = await answering(() => new Date(now++).toISOString());
  expect(await preflight(real.url, {})).toEqual([health, expect.objectContaining({ verdict: "passed" })]);
});

test("without the preset nothing of it is asked", async () => {
  const endpoints = [{ path: "/api/v1/health/databricks" }];
  expect(await preflight(`http://localhost:${mock.port}`, { preset: "none" }, { endpoints })).toEqual([
    expect.objectContaining({ title: "GET /api/v1/health/databricks", verdict: "passed" }),
  ]);
});
