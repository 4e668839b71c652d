import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import type { StageReport } from "../../src/model/report.ts";
import { type Api, json, serve } from "../checks/api.ts";
import { folderForThisTest } from "../harness/folder.ts";
import { freePort } from "../harness/free-port.ts";
import { performIn } from "../harness/stage.ts";
import { junit } from "./suite.ts";

/**
 * Every subset of what an environment can have, with and without the preset: nothing is ticked that nobody looked at. What was looked
 * at is not taken from the code, but from what a warehouse, a Redis, an API and a process were really asked.
 */

const parts = ["databricks", "redis", "api", "servers"] as const;
type Part = (typeof parts)[number];
const subsets = Array.from({ length: 2 ** parts.length }, (_, bits) => parts.filter((_, index) => bits & (1 << index)));

const token = "dapi-of-the-tests";
let warehouse: Warehouse;
let redis: RunningRedis;
let proxy: Server;
/** What the proxy before Redis was sent. */
let sentToRedis = "";

beforeAll(async () => {
  const principals = { [token]: { user: "tests", grants: [{ privilege: "ALL PRIVILEGES", on: "classwaves" } as const] } };
  [warehouse, redis] = await Promise.all([startWarehouse({ principals }), startRedis()]);
  const texts = "id teacher_id school_id title description teacher_notes goal subject".split(" ").map((name) => [name, "string"]);
  const columns = { ...Object.fromEntries(texts), created_at: "timestamp" };
  await warehouse.createTables({ "classwaves.sessions.classroom_sessions": { columns } });
  proxy = createServer((client) => {
    const server = connect(redis.port, "127.0.0.1");
    client.on("data", (data) => {
      sentToRedis += data.toString("latin1");
    });
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) socket.on("error", () => undefined);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
});
afterAll(async () => {
  proxy.close();
  await Promise.all([warehouse.stop(), redis.stop()]);
});

/** How often each was asked, by the stand-ins' own count. `rows` and `keys`: whether test data was searched. */
interface Asked extends Record<Part | "tests", number> {
  rows: number;
  keys: number;
}

interface World {
  workspace: string;
  api: Api;
  config: object;
  env: Record<string, string>;
}

async function world(configured: readonly Part[], preset: "classwaves" | "none"): Promise<World> {
  const api = await serve((_, response) => json(response, 200, {}));
  const port = await freePort();
  const all: Record<Part, object> = {
    databricks: {
      host: warehouse.host,
      warehouse: warehouse.warehouseId,
      token: "${DATABRICKS_TOKEN}",
      catalog: "classwaves",
      certificateAuthority: warehouse.certificateAuthority,
      expect: { host: "localhost" },
    },
    redis: { url: "${REDIS_URL}", expect: { host: "127.0.0.1" } },
    api: { url: api.url, endpoints: [{ path: "/health" }], samples: 1 },
    servers: { web: { command: `echo started >> started.txt; exec node web.mjs ${port}`, port, ready: { tcp: port } } },
  };
  const limits = { sqlP95: "30s", apiP95: "30s", redisHitRate: "0%" };
  const config = {
    preset,
    environments: { here: { access: "test-data", ...Object.fromEntries(configured.map((part) => [part, all[part]])) } },
    ...(preset === "none"
      ? {
          testData: {
            tables: { "sessions.classroom_sessions": { match: [{ column: "id", prefix: true }], time: "created_at" } },
          },
        }
      : {}),
    stages: {
      preflight: limits,
      integration: { command: "node tests.mjs", reports: ["r.xml"] },
      e2e: false,
      smoke: { ...limits, follows: "nothing" },
    },
  };
  const workspace = await folderForThisTest({
    "web.mjs":
      'import { createServer } from "node:http"; createServer((q, r) => r.end("ok")).listen(process.argv[2], "127.0.0.1");',
    "tests.mjs": `import { appendFileSync, writeFileSync } from "node:fs"; appendFileSync("tested.txt", "tested\\n"); writeFileSync("r.xml", \`${junit()}\`);`,
  });
  const { port: proxyPort } = proxy.address() as AddressInfo;
  const url = new URL(redis.url);
  url.port = String(proxyPort);
  return { workspace, api, config, env: { PATH: process.env.PATH ?? "", DATABRICKS_TOKEN: token, REDIS_URL: url.href } };
}

const linesOf = (file: string) =>
  readFile(file, "utf8").then(
    (text) => text.split("\n").length - 1,
    () => 0,
  );

async function asked({ workspace, api }: World): Promise<Asked> {
  const { statements } = warehouse;
  return {
    databricks: statements.length,
    rows: statements.filter(({ sql }) => /FROM\s+\S*classroom_sessions/i.test(sql)).length,
    redis: sentToRedis.length,
    keys: sentToRedis.match(/\r\nscan\r\n/gi)?.length ?? 0,
    api: api.seen.length,
    servers: await linesOf(join(workspace, "started.txt")),
    tests: await linesOf(join(workspace, "tested.txt")),
  };
}

/** Runs a stage. @returns its report, and what it asked */
async function look(at: World, stage: "preflight" | "integration" | "smoke" | "cleanup") {
  const before = await asked(at);
  const { report } = await performIn(at.workspace, { stage, config: at.config, env: at.env, deployment: "" });
  const after = await asked(at);
  const during = Object.fromEntries(
    Object.entries(after).map(([what, times]) => [what, times - before[what as keyof Asked]]),
  ) as unknown as Asked;
  return { report, during };
}

/** What must have been asked, if a check with this id says that something is right. */
function evidenceFor(id: string, configured: readonly Part[]): (keyof Asked)[] {
  const data = (["rows", "keys"] as const).filter((_, index) => configured.includes(index === 0 ? "databricks" : "redis"));
  const stores = (["databricks", "redis"] as const).filter((part) => configured.includes(part));
  if (id.startsWith("databricks.")) return ["databricks"];
  if (id.startsWith("redis.")) return ["redis"];
  if (id.startsWith("api.")) return ["api"];
  if (id.startsWith("tests.")) return ["tests"];
  if (id === "application") return ["servers"];
  if (id === "identity" || id === "test-data.books") return stores;
  if (id.startsWith("test-data.")) return data;
  throw new Error(`a check that no part of the environment accounts for: ${id}`);
}

function expectTicksOfLooks(report: StageReport, during: Asked, configured: readonly Part[]): void {
  for (const part of parts) if (!configured.includes(part)) expect(during[part], `${report.stage} asked ${part}`).toBe(0);
  for (const { id, verdict } of report.checks) {
    if (verdict !== "passed") continue;
    const needed = evidenceFor(id, configured);
    expect(needed, `${report.stage}: ${id} passed, and nothing is there`).not.toEqual([]);
    for (const what of needed)
      expect(during[what], `${report.stage}: ${id} passed, and ${what} was not asked`).toBeGreaterThan(0);
  }
}

const cases = subsets.flatMap((configured) =>
  (["classwaves", "none"] as const).map((preset) => [configured.join(", ") || "nothing", preset, configured] as const),
);

test.each(cases)("an environment with %s, preset %s", async (_, preset, configured) => {
  const at = await world(configured, preset);
  const preflight = await look(at, "preflight");
  expectTicksOfLooks(preflight.report, preflight.during, configured);
  // Each part that is configured is looked at, and an environment without any never passes.
  for (const part of configured) expect(preflight.during[part]).toBeGreaterThan(0);
  expect(["passed", "degraded"].includes(preflight.report.verdict), JSON.stringify(preflight.report.checks)).toBe(
    configured.length > 0,
  );

  const smoke = await look(at, "smoke");
  expectTicksOfLooks(smoke.report, smoke.during, configured);
  expect(["passed", "degraded"].includes(smoke.report.verdict)).toBe(configured.length > 0);

  const cleanup = await look(at, "cleanup");
  expectTicksOfLooks(cleanup.report, cleanup.during, configured);
  const hasData = configured.includes("databricks") || configured.includes("redis");
  expect(cleanup.report.verdict, JSON.stringify(cleanup.report.checks)).toMatch(hasData ? /passed|degraded/ : /degraded/);

  // Without anything in the environment, preflight opens no gate.
  if (configured.length === 0) return;
  const integration = await look(at, "integration");
  expectTicksOfLooks(integration.report, integration.during, configured);
  expect(["passed", "degraded"]).toContain(integration.report.verdict);
  expect(integration.report.checks.find(({ id }) => id === "identity")?.verdict).toBe(hasData ? "passed" : "skipped");
});

test("a warehouse without a declared table is not clean: nobody looked for rows", async () => {
  const at = await world(["databricks"], "none");
  const config = { ...at.config, testData: { tables: {} } };
  for (const stage of ["preflight", "integration", "cleanup"] as const) {
    const { report, during } = await look({ ...at, config }, stage);
    expect(during.rows).toBe(0);
    for (const { id, verdict } of report.checks)
      if (/^test-data\.(?!books)/.test(id)) expect(["degraded", "skipped"], `${stage}: ${id}`).toContain(verdict);
  }
});
