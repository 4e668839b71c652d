import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import type { Comparison } from "../../src/cli/compare.ts";
import type { Fact } from "../../src/compare/facts.ts";
import { folderStore } from "../../src/history/store/folder.ts";
import { many } from "../compare/records.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { listen } from "../harness/port.ts";
import { freshBundle, run } from "../harness/process.ts";

// Two environments that differ in known ways, compared by the command as a person types it.
const workspace = folderForEachTest();
const hostile = "x\u001b[31m\n::error::boom";
let warehouse: Warehouse;
let redis: [RunningRedis, RunningRedis];
let apis: [Server, Server];
let ports: [number, number];
/** Methods and paths that the two APIs got. */
const requests: string[] = [];
/** How production's API answers after so many requests. */
let failsAfter = Number.POSITIVE_INFINITY;

const reading = (catalog: string) =>
  (["USE CATALOG", "USE SCHEMA", "SELECT"] as const).map((privilege) => ({ privilege, on: catalog }));

function api(version: string): Server {
  return createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const isOver = version === "2.0.1" && requests.length > failsAfter;
    response.writeHead(isOver ? 503 : 200).end(JSON.stringify({ data: { version, commit: hostile } }));
  });
}

beforeAll(async () => {
  [warehouse, ...redis] = await Promise.all([
    startWarehouse({
      principals: {
        "staging-token": { user: "staging@school.example", grants: [...reading("staging"), ...reading("production")] },
        "production-token": { user: "reader@school.example", grants: reading("production") },
        "blind-token": { user: "blind@school.example", grants: [{ privilege: "USE CATALOG", on: "staging" }] },
      },
    }),
    startRedis({ config: ["maxmemory 64mb", "maxmemory-policy allkeys-lru"] }),
    startRedis({ config: ["maxmemory 64mb", "maxmemory-policy noeviction"] }),
  ]);
  const columns = { id: "string" } as const;
  await warehouse.createTables({
    "staging.users.teachers": { columns },
    "staging.users.empty": { columns },
    "staging.users.scratch": { columns },
    "production.users.teachers": { columns },
    "production.users.empty": { columns },
    "production.users.schools": { columns },
  });
  await warehouse.load("INSERT INTO staging.users.teachers VALUES ('secret-a'), ('secret-b')");
  await warehouse.load("INSERT INTO production.users.teachers VALUES ('secret-a'), ('secret-b'), ('secret-c')");
  await warehouse.load("INSERT INTO production.users.empty VALUES ('secret-d')");
  apis = [api("2.1.0"), api("2.0.1")];
  ports = [await listen(apis[0]), await listen(apis[1])];
});
afterAll(async () => {
  for (const server of apis) {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
  await Promise.all([warehouse.stop(), ...redis.map((one) => one.stop())]);
});
beforeEach(() => {
  requests.length = 0;
  failsAfter = Number.POSITIVE_INFINITY;
});

const ofStaging = () => ({ STAGING_TOKEN: "staging-token", STAGING_REDIS: redis[0].url });
const ofBoth = () => ({ ...ofStaging(), PRODUCTION_TOKEN: "production-token", PRODUCTION_REDIS: redis[1].readOnlyUrl });

async function compare(args: readonly string[], env: Record<string, string> = ofBoth()) {
  const side = (name: "staging" | "production", index: 0 | 1, more: object, endpoints: string[]) => ({
    databricks: {
      host: warehouse.host,
      warehouse: warehouse.warehouseId,
      token: `\${${name.toUpperCase()}_TOKEN}`,
      catalog: name,
      certificateAuthority: warehouse.certificateAuthority,
    },
    redis: { url: `\${${name.toUpperCase()}_REDIS}` },
    api: { url: `http://127.0.0.1:${ports[index]}`, endpoints: endpoints.map((path) => ({ path })) },
    ...more,
  });
  const expect = { host: "localhost" };
  const staging = side("staging", 0, { access: "test-data" }, ["/health", "/new"]);
  const environments = {
    staging: {
      ...staging,
      databricks: { ...staging.databricks, expect },
      redis: { ...staging.redis, expect: { host: "127.0.0.1" } },
    },
    production: side("production", 1, { access: "read-only" }, ["/health"]),
  };
  await writeFile(
    join(workspace.path, "c.yml"),
    JSON.stringify({ version: 1, preset: "none", environments, stages: { smoke: { requestsPerSecond: 1_000 } } }),
  );
  return await run(freshBundle, {
    args: ["compare", ...args, "--config", "c.yml"],
    cwd: workspace.path,
    env,
    deadlineMs: 60_000,
  });
}

const parsed = (text: string): Comparison => JSON.parse(text);
const fact = (found: Comparison, group: Fact["group"], name: string) =>
  found.facts.find((one) => one.group === group && one.name === name);
const remember = async (middle: number) => {
  const store = folderStore(join(workspace.path, ".env-actions", "history"), workspace.path);
  for (const one of [
    ...many(8, { environment: "staging", middle, check: { title: `GET ${hostile}` } }),
    ...many(8, { environment: "production" }),
  ])
    await store.add(one);
};

it("says what differs, what is equal and what is only in one, and reads nothing but counts", async () => {
  await remember(130);
  const seen = warehouse.statements.length;
  const { status, stdout, stderr } = await compare(["staging", "production", "--json", "--sizes", "--measure"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const found = parsed(stdout);
  expect(found).toMatchObject({ schemaVersion: 1, a: "staging", b: "production", wrong: [] });
  expect(found.latency.checks).toMatchObject([{ check: "api.health", word: "slower", runsA: 8, runsB: 8, samplesA: 160 }]);
  expect(found.latency.turns).toMatchObject([{ route: "GET /health", comparison: { turns: 60, ratio: expect.any(Number) } }]);
  expect(fact(found, "warehouse", "version")).toMatchObject({ result: "equal", a: { is: "2026.30" } });
  expect(fact(found, "warehouse", "channel")).toMatchObject({ result: "equal", a: { is: "CHANNEL_NAME_CURRENT" } });
  expect(fact(found, "redis", "eviction")).toMatchObject({
    result: "different",
    a: { is: "allkeys-lru" },
    b: { is: "noeviction" },
  });
  expect(fact(found, "redis", "version")).toMatchObject({ result: "equal" });
  expect(fact(found, "api", "version")).toMatchObject({ result: "different", a: { is: "2.1.0" }, b: { is: "2.0.1" } });
  // What looks like no commit isn't shown.
  expect(fact(found, "api", "commit")).toBeUndefined();
  expect(fact(found, "certificates", "databricks")).toMatchObject({
    result: "equal",
    a: { is: expect.stringMatching(/^ends on \d{4}-/) },
  });
  expect(fact(found, "configuration", "GET /new")).toMatchObject({ result: "only in the first" });
  expect(found.shape).toMatchObject({
    tables: [
      { table: "users.empty", a: { is: 0 }, b: { is: 1 }, result: "different", sizeA: { is: 0 } },
      { table: "users.schools", a: { absent: true }, b: { is: 0 }, result: "only in the second" },
      { table: "users.scratch", a: { is: 0 }, b: { absent: true }, result: "only in the first" },
      { table: "users.teachers", a: { is: 2 }, b: { is: 3 }, result: "different" },
    ],
  });
  expect(found.structure).toMatchObject({ verdict: "different", from: "now", differences: 2 });
  expect(stdout).not.toContain("secret-");
  for (const { sql } of warehouse.statements.slice(seen))
    expect(sql).toMatch(/^(?:\/\*.*?\*\/ )?(?:SELECT|DESCRIBE|SHOW|WITH)\b/);
  expect(new Set(requests)).toEqual(new Set(["GET /health", "GET /new"]));
});

it("people see only what is unequal, and names of others can't colour the terminal or command a runner", async () => {
  await remember(130);
  const { status, stdout } = await compare(["staging", "production"]);
  expect(status).toBe(0);
  expect(stdout).toContain("staging is slower, ×1.3");
  expect(stdout).toContain("  ≠ eviction: staging allkeys-lru, production noeviction");
  expect(stdout).toContain("  ≠ GET /new: only in staging");
  expect(stdout).toContain("  ≠ only in production: users.schools");
  expect(stdout).toContain("  ≠ empty in staging, and not in production: users.empty");
  expect(stdout).toMatch(/Structure of the catalogs\n {2}≠ \d+ differences/);
  expect(stdout).not.toContain("\u001b");
  expect(stdout).not.toMatch(/^::/m);
});

it("what can't be asked is unknown with its reason, and never equal", async () => {
  const { status, stdout } = await compare(["staging", "production", "--json"], {
    ...ofBoth(),
    STAGING_TOKEN: "blind-token",
  });
  expect(status).toBe(0);
  const found = parsed(stdout);
  const tables = "tables" in found.shape ? found.shape.tables : [];
  expect(tables.filter(({ result }) => result === "equal")).toEqual([]);
  expect("verdict" in found.structure ? found.structure.verdict : "unknown").not.toBe("equal");
});

it("without the variables of one environment, the history is compared all the same", async () => {
  await remember(100);
  const { status, stdout } = await compare(["staging", "production", "--json", "--measure"], ofStaging());
  expect(status).toBe(0);
  const found = parsed(stdout);
  expect(found.latency.checks).toMatchObject([{ word: "no difference seen", visible: expect.any(Number) }]);
  expect(found.latency.turns).toEqual({ unknown: "variables of production are not set here" });
  expect(found.facts.filter(({ result }) => result === "equal")).toEqual([]);
  expect(found.shape).toEqual({ unknown: ["production: variables of production are not set here"] });
  expect(found.structure).toEqual({ unknown: "variables of production are not set here" });
});

it("an API that breaks while it is measured is named, and what was measured is no verdict on it", async () => {
  failsAfter = 20;
  const { stdout } = await compare(["staging", "production", "--json", "--measure"]);
  expect(parsed(stdout).latency.turns).toMatchObject([{ unknown: "production: answered HTTP 503" }]);
});

it.each([
  [["staging"], 'EA1102: compare: expected two environments, got "staging" alone'],
  [["staging", "staging"], 'EA8140: compare: "staging" is named twice'],
  [["stagin", "production"], 'EA8141: compare: c.yml has no environment "stagin"; did you mean "staging"?'],
  [["staging", "constructor"], 'EA8141: compare: c.yml has no environment "constructor"; known: staging, production'],
  [["staging", "production", "third"], 'EA1102: unexpected argument "third"'],
])("%j is an error that says what to write", async (args, says) => {
  const { status, stderr } = await compare(args);
  expect(status).toBe(2);
  expect(stderr).toContain(says);
});
