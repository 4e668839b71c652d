import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Cloud, startCloud } from "../actions/cloud.ts";
import { makeRepository } from "../actions/workspace.ts";

/**
 * A machine that is lost during a run: all its processes are killed at a random moment, between the first statement of the
 * target's proof and the last look at what was deleted. No `finally` runs. A later sweep must find all its data, whose ids come
 * from the server, and nothing else.
 */
const kills = 50;

const entry = join(import.meta.dirname, "../../src/main.ts");
/** Long ago, so that its test data is expired. */
const runId = `${Date.now() - 10 * 3_600_000}_0a1b2c3d`;

/** Lessons are only recognised by title; everything else depends on them, three levels deep. */
const tests = `
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { DBSQLClient } from "@databricks/sql";
import { Redis } from "ioredis";
const { ENV_ACTIONS_PREFIX: prefix, DATABRICKS_HOST, DATABRICKS_TOKEN, DATABRICKS_WAREHOUSE_ID, REDIS_URL } = process.env;
const [host, port] = DATABRICKS_HOST.split(":");
const client = new DBSQLClient({ logger: { log() {} } });
await client.connect({ host, port: Number(port), path: "/sql/1.0/warehouses/" + DATABRICKS_WAREHOUSE_ID, token: DATABRICKS_TOKEN });
const session = await client.openSession({ initialCatalog: "classwaves" });
const redis = new Redis(REDIS_URL);
// As old as the run says it is: rows that are younger than a sweep takes would be kept.
const made = new Date(Number(/\\d{13}/.exec(prefix)[0])).toISOString();
const insert = async (table, row) => {
  const names = Object.keys(row);
  const sql = "INSERT INTO " + table + " (" + names.join(", ") + ", created_at) VALUES (" + names.map((name) => ":" + name).join(", ") + ", :made)";
  const operation = await session.executeStatement(sql, { namedParameters: { ...row, made } });
  await operation.finished();
  await operation.close();
};
for (let lesson = 0; lesson < 3; lesson++) {
  const id = randomUUID();
  await insert("sessions.classroom_sessions", { id, title: prefix + " lesson " + lesson });
  await redis.set("session:" + id + ":access_code", "1234");
  for (let group = 0; group < 2; group++) {
    const group_id = randomUUID();
    await insert("sessions.student_groups", { id: group_id, session_id: id });
    await redis.set("cw:test:" + prefix + "_" + group_id, "x", "EX", 600);
    const participant_id = randomUUID();
    await insert("sessions.participants", { id: participant_id, group_id });
    await insert("analytics.student_metrics", { id: randomUUID(), participant_id });
  }
}
writeFileSync("integration.xml", '<testsuite name="s"><testcase name="t"/></testsuite>');
redis.disconnect();
await session.close();
await client.close();
`;

let cloud: Cloud;
let redis: Redis;
/** A workspace in which preflight has passed; each run begins with a copy. */
let prepared: string;

beforeAll(async () => {
  cloud = await startCloud();
  redis = new Redis(cloud.redis.url);
  await redis.mset("session:production-lesson:access_code", "1", "audit:log", "kept", "cw:production:x", "1");
  await cloud.warehouse.load(
    ["sessions.classroom_sessions", "sessions.student_groups", "sessions.participants"]
      .map((table) => `INSERT INTO classwaves.${table} (id) VALUES ('production-lesson'), ('production-two')`)
      .join("; "),
  );
  prepared = mkdtempSync(join(tmpdir(), "env-actions-killed-"));
  cpSync(join(import.meta.dirname, "../actions/consumer"), prepared, { recursive: true });
  writeFileSync(join(prepared, "making.mjs"), tests);
  const config = join(prepared, ".github/env-actions.yml");
  writeFileSync(
    config,
    readFileSync(config, "utf8").replace("stages:\n", "evidence: { maxAge: 24h }\nstages:\n  preflight: { sweep: true }\n"),
  );
  makeRepository(prepared, {});
  symlinkSync(cloud.variables.MODULES ?? "", join(prepared, "node_modules"));
  expect(await run(prepared, ["preflight"]).ended).toMatchObject({ code: 0 });
}, 60_000);
afterAll(async () => {
  redis?.disconnect();
  await cloud?.stop();
  if (prepared) rmSync(prepared, { recursive: true, force: true });
});

function run(workspace: string, args: readonly string[]) {
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: workspace,
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      HOME: process.env.HOME,
      ENV_ACTIONS_RUN_ID: runId,
      ...cloud.variables,
      ...cloud.secrets,
    },
  });
  let [out, log] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  return {
    child,
    ended: new Promise<{ code: number | null; out: string; log: string }>((resolve) =>
      child.once("close", (code) => resolve({ code, out, log })),
    ),
  };
}

/** Every process with this run's identity: the suite, the tests' shell, and the tests. */
function killAll(): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    try {
      if (readFileSync(`/proc/${pid}/environ`, "utf8").includes(`ENV_ACTIONS_RUN_ID=${runId}`))
        process.kill(Number(pid), "SIGKILL");
    } catch (error) {
      // It has already ended, or isn't a process that we could have started.
      if (!["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(String((error as NodeJS.ErrnoException).code))) throw error;
    }
  }
}

/** Statements sent before the kill may still be executed. */
async function quiet(): Promise<void> {
  await vi.waitFor(() => expect(cloud.warehouse.statements.filter(({ ok, error }) => !ok && error === undefined)).toEqual([]), {
    timeout: 20_000,
    interval: 10,
  });
}

async function world() {
  return { tables: await cloud.warehouse.checksum(), keys: (await redis.keys("*")).sort() };
}

test.skipIf(process.platform !== "linux")(
  `killed at ${kills} random moments, a sweep finds everything and nothing else`,
  async () => {
    const before = await world();
    const whole = mkdtempSync(join(tmpdir(), "env-actions-killed-"));
    const { statements } = cloud.warehouse;
    const earlier = statements.length;
    cpSync(prepared, whole, { recursive: true, verbatimSymlinks: true });
    const args = ["integration", "--command", "node making.mjs"];
    const uncut = await run(whole, args).ended;
    const sent = statements.length - earlier;
    rmSync(whole, { recursive: true });
    expect(uncut, uncut.log).toMatchObject({ code: 0 });
    expect(await world()).toEqual(before);

    let leftSomething = 0;
    for (let kill = 0; kill < kills; kill++) {
      const workspace = mkdtempSync(join(tmpdir(), "env-actions-killed-"));
      cpSync(prepared, workspace, { recursive: true, verbatimSymlinks: true });
      // The moments are spread over the whole run: one in each part of it, after a number of statements and a random delay.
      const at = statements.length + Math.ceil(((kill + Math.random()) / kills) * sent);
      const cut = run(workspace, args);
      const over = cut.ended.then((ended) => {
        // Runs differ by a statement or two, so the last moments may come after the end; then it must have ended well.
        expect(ended, ended.log).toMatchObject({ code: 0 });
        return "over" as const;
      });
      const reached = vi.waitFor(() => expect(statements.length).toBeGreaterThanOrEqual(at), { timeout: 120_000, interval: 1 });
      over.catch(() => undefined);
      reached.catch(() => undefined);
      if ((await Promise.race([reached, over])) === "over") {
        expect(await world()).toEqual(before);
        rmSync(workspace, { recursive: true });
        continue;
      }
      await delay(Math.random() * 20);
      killAll();
      await cut.ended;
      // Also processes that were being started at that moment.
      killAll();
      await quiet();
      const between = await world();
      if (JSON.stringify(between) !== JSON.stringify(before)) leftSomething++;

      // With the scheduled sweep, or with the next run's preflight if so configured.
      const sweep = kill % 2 === 0 ? ["cleanup", "--scope", "expired", "--execute", "--json"] : ["preflight", "--json"];
      const swept = await run(workspace, sweep).ended;
      expect(swept, swept.log).toMatchObject({ code: 0 });
      expect(JSON.parse(swept.out)).toMatchObject({ cleanup: { leftOver: 0, problems: [] } });
      expect(await world()).toEqual(before);
      rmSync(workspace, { recursive: true });
    }
    // Otherwise it was killed too early or too late to prove anything.
    expect(leftSomething).toBeGreaterThan(0);
  },
  1_500_000,
);
