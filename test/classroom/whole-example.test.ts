import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisChecksum, seededKeys, seedRedis } from "../../examples/classroom/redis/seed.ts";
import { seedClassroom } from "../../examples/classroom/warehouse/seed.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";

/**
 * The example as the gate sees it: separate processes, the unmodified driver over TLS, a real Redis, and the example's integration
 * tests. What they leave behind, and what they report if something is broken, is the gate's input.
 */
const example = fileURLToPath(new URL("../../examples/classroom", import.meta.url));
const prefix = "integration_test_1758000000000_0a1b2c3d";

// Processes take seconds to start if other tests run at the same time.

let warehouse: Warehouse;
let redis: RunningRedis;
let client: Redis;
let directory: string;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  const privileges = ["USE CATALOG", "USE SCHEMA", "SELECT", "MODIFY"] as const;
  const grants = privileges.map((privilege) => ({ privilege, on: "classwaves" }));
  [warehouse, redis, directory] = await Promise.all([
    startWarehouse({ principals: { "a-writer": { user: "ci@example.org", grants } } }),
    startRedis(),
    mkdtemp(join(tmpdir(), "classroom-test-")),
  ]);
  client = new Redis(redis.url);
  await Promise.all([seedClassroom(warehouse), seedRedis(client)]);
  environment = {
    ...process.env,
    NODE_ENV: "test",
    DATABRICKS_HOST: warehouse.host,
    DATABRICKS_TOKEN: "a-writer",
    DATABRICKS_WAREHOUSE_ID: warehouse.warehouseId,
    DATABRICKS_CATALOG: "classwaves",
    NODE_EXTRA_CA_CERTS: warehouse.certificateAuthority,
    REDIS_URL: redis.url,
    TEST_TOKEN_SECRET: "the-test-secret",
    ENV_ACTIONS_PREFIX: prefix,
    ENV_ACTIONS_LEDGER: join(directory, "ledger.jsonl"),
  };
});
afterAll(async () => {
  client.disconnect();
  await Promise.all([warehouse.stop(), redis.stop(), rm(directory, { recursive: true })]);
});

/** Starts one of the example's servers on a free port, and waits for the line that names the port. */
async function startProcess(program: string, env: NodeJS.ProcessEnv = {}): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [join(example, program)], {
    env: { ...environment, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface(child.stdout)) {
    const [, port] = /listening on port (\d+)/.exec(line) ?? [];
    if (port) return { child, url: `http://localhost:${port}` };
  }
  throw new Error(`${program} ended before it listened`);
}

/** Returns exit code and signal. */
async function stopProcess(child: ChildProcess): Promise<unknown[]> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  return exited;
}

async function run(command: string, env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, { shell: true, cwd: example, env: { ...environment, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

interface JestReport {
  numTotalTests: number;
  numPassedTests: number;
  numFailedTests: number;
  testResults: { name: string; status: string; message: string; assertionResults: unknown[] }[];
}

describe("the example's integration tests", () => {
  let backend: { child: ChildProcess; url: string };
  let wholeSuite = 0;
  beforeAll(async () => {
    backend = await startProcess("backend/main.ts");
  });
  afterAll(() => stopProcess(backend.child));

  /** @param filter what the paths of the test files must contain. */
  async function runSuite(filter: string, env: NodeJS.ProcessEnv = {}) {
    const reports = join(directory, "reports");
    const { code, output } = await run(
      `vitest run ${filter} --outputFile.json='${reports}/integration.json' --outputFile.junit='${reports}/integration.xml'`,
      { BACKEND_URL: backend.url, E2E_BACKEND_URL: backend.url, ...env },
    );
    const json = JSON.parse(await readFile(join(reports, "integration.json"), "utf8")) as JestReport;
    return { code, output, json, xml: await readFile(join(reports, "integration.xml"), "utf8") };
  }

  it("pass, write two reports, leave test data in many tables and keys, and change nothing else", async () => {
    const before = await warehouse.checksum();
    const keysBefore = await redisChecksum(client);
    const { code, output, json, xml } = await runSuite("tests/integration");
    expect(code, output).toBe(0);
    expect(json.numTotalTests).toBeGreaterThan(40);
    expect(json.numPassedTests).toBe(json.numTotalTests);
    wholeSuite = json.numTotalTests;
    expect(xml).toContain(`tests="${json.numTotalTests}"`);

    const after = await warehouse.checksum();
    const grown = Object.keys(after).filter((table) => (after[table]?.rows ?? 0) > (before[table]?.rows ?? 0));
    expect(grown.length).toBeGreaterThanOrEqual(15);
    expect(grown.filter((table) => table.startsWith("compliance."))).toEqual([]);
    expect(Object.keys(after).filter((table) => after[table]?.hash !== before[table]?.hash)).toEqual(grown);
    expect(await client.dbsize()).toBeGreaterThan(seededKeys.length + 40);
    expect(await redisChecksum(client)).toBe(keysBefore);
  });

  it("record in the ledger the ids that the server chose; the title of each such session contains its run", async () => {
    const lines = (await readFile(environment.ENV_ACTIONS_LEDGER ?? "", "utf8")).split("\n").filter((line) => line !== "");
    const entries = lines.map((line) => JSON.parse(line) as { table?: string; id?: string; key?: string });
    const sessions = entries.filter(({ table }) => table === "sessions.classroom_sessions");
    expect(sessions.length).toBeGreaterThan(5);
    const ids = sessions.map(({ id }) => `'${id}'`).join(", ");
    const [row] = await warehouse.query(
      `SELECT count(*) AS n FROM classwaves.sessions.classroom_sessions WHERE id IN (${ids}) AND starts_with(title, '${prefix}')`,
    );
    expect(Number(row?.n)).toBe(sessions.length);
    expect(entries.filter(({ key }) => key !== undefined).length).toBeGreaterThan(0);
  });

  it("fail on request, by a failing test and a suite that cannot be loaded", async () => {
    const { code, json } = await runSuite("breakages", { CLASSROOM_BREAK: "failing-test,crashed-suite" });
    expect(code).not.toBe(0);
    // More than the gate accepts.
    expect(json.numFailedTests / (wholeSuite + json.numFailedTests)).toBeGreaterThan(0.05);
    const crashed = json.testResults.find(({ name }) => name.endsWith("crashed.test.ts"));
    expect(crashed).toMatchObject({
      status: "failed",
      assertionResults: [],
      message: expect.stringContaining("crashes on purpose"),
    });
  });
});

describe("the backend's process", () => {
  it("shows the database's clock, which advances", async () => {
    const { child, url } = await startProcess("backend/main.ts");
    const serverTime = async () => {
      const answer = (await (await fetch(`${url}/api/v1/health/databricks`)).json()) as { data: { serverTime: string } };
      return answer.data.serverTime;
    };
    const first = await serverTime();
    expect(first).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(await serverTime()).not.toBe(first);
    await stopProcess(child);
  });

  it("ends with 0 on SIGTERM, even with connected clients, and frees its port", async () => {
    const { child, url } = await startProcess("backend/main.ts");
    await fetch(`${url}/api/v1/health`);
    const idle = await fetch(`${url}/socket.io/?EIO=4&transport=polling`);
    expect(idle.status).toBe(200);
    expect(await stopProcess(child)).toEqual([0, null]);
    await expect(fetch(`${url}/api/v1/ready`)).rejects.toThrow("fetch failed");
  });

  it.each([
    ["CLASSROOM_BREAK", "backend-dies", /dies on purpose/],
    ["CLASSROOM_QUIRKS", "no-such-quirk", /no such quirk: no-such-quirk/],
    ["PORT", "http", /PORT is not a port number: http/],
  ])("ends with an error for %s=%s, with the reason", async (name, value, message) => {
    const { code, output } = await run(`"${process.execPath}" backend/main.ts`, { PORT: "0", [name]: value });
    expect(code).toBe(1);
    expect(output).toMatch(message);
  });

  it("dies after a while if configured", async () => {
    const { child } = await startProcess("backend/main.ts", { CLASSROOM_BREAK: "backend-dies-after:0" });
    expect(await once(child, "exit")).toEqual([1, null]);
  });
});

describe("the frontend's process", () => {
  it("serves the page and the backend's address, and ends with 0 on SIGTERM", async () => {
    const { child, url } = await startProcess("frontend/main.ts", { BACKEND_URL: "http://localhost:1234" });
    expect(await (await fetch(url)).text()).toContain("<title>Classroom</title>");
    expect(await (await fetch(`${url}/config.json`)).json()).toEqual({ backendUrl: "http://localhost:1234" });
    expect((await fetch(`${url}/socket.io.js`)).headers.get("content-type")).toMatch(/javascript/);
    expect((await fetch(`${url}/../main.ts`)).status).toBe(404);
    expect(await stopProcess(child)).toEqual([0, null]);
  });
});
