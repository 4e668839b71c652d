import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Watch } from "../../../local/warehouse/index.ts";
import { newRunId } from "../../../src/cleanup/run-id.ts";
import { dropBranches } from "../../../src/staging/branch/drop.ts";
import { freshBundle } from "../../harness/process.ts";
import { junit } from "../../stages/suite.ts";
import { newestVersions, openBranches, startBranchWorld, type World } from "./world.ts";

// The machine of a run is lost at any moment: the program is killed before or after each of its statements. Whatever it had made by
// then is swept later, and production is as it was.

const kills = 50;
const tables = Array.from({ length: 12 }, (_, index) => `${["users", "sessions", "groups"][index % 3]}.t${index}`);
const hour = 3_600_000;

/** Kills the process at a statement; counts the statements of a run until then. */
class Killer {
  /** The run whose statements count. */
  runId = "";
  /** Before the statement with an even number, after that with an odd one; every statement is two moments. */
  moment = Number.POSITIVE_INFINITY;
  child: ChildProcess | undefined;
  seen = 0;
  #running = new Set<Promise<unknown>>();

  readonly watch: Watch = (execute) => async (session, sql, parameters, signal) => {
    if (this.runId === "" || !sql.includes(this.runId)) return await execute(session, sql, parameters, signal);
    const first = this.seen;
    this.seen += 2;
    if (first === this.moment) await this.#kill();
    const running = execute(session, sql, parameters, signal);
    this.#running.add(running);
    const result = await running.finally(() => this.#running.delete(running));
    if (first + 1 === this.moment) await this.#kill();
    return result;
  };

  /** Statements that a killed process had sent may still run. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #kill(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }
}

const killer = new Killer();
let world: World;
let workspace = "";

beforeAll(async () => {
  world = await startBranchWorld(Object.fromEntries(tables.map((name) => [name, { columns: { id: "string" } }])), killer.watch);
  for (const name of tables) await world.admin.run(`INSERT INTO cw.${name} VALUES ('real')`);
  await world.admin.run("CREATE VIEW cw.sessions.all AS SELECT * FROM users.t0 UNION ALL SELECT * FROM sessions.t1");
  workspace = await mkdtemp(join(tmpdir(), "env-actions-killed-"));
  const { host, warehouseId, certificateAuthority } = world.warehouse;
  await writeFile(
    join(workspace, "c.yml"),
    `version: 1
environments:
  sandbox:
    access: test-data
    databricks: { host: "${host}", warehouse: ${warehouseId}, token: "\${WAREHOUSE_TOKEN}", catalog: cw, certificateAuthority: ${certificateAuthority}, expect: { host: "${host}" } }
stages: { preflight: { sqlP95: 20s }, e2e: false, smoke: false, integration: { command: node tests.mjs, reports: [report.xml] } }
testData: { preset: none, principals: [nobody@school.example], isolation: clone }
`,
  );
  await writeFile(
    join(workspace, "tests.mjs"),
    `import { writeFileSync } from "node:fs"; writeFileSync("report.xml", ${JSON.stringify(junit())});`,
  );
  await mkdir(join(workspace, ".env-actions"), { recursive: true });
});
afterAll(async () => {
  await world.stop();
  await rm(workspace, { recursive: true, force: true });
});

/** @returns its exit status, null if it was killed, and what it said */
async function runUntil(moment: number, stage = "integration"): Promise<{ status: number | null; said: string }> {
  const runId = newRunId();
  Object.assign(killer, { runId, moment, seen: 0 });
  const { PATH = "", HOME = "", NODE_COMPILE_CACHE = "" } = process.env;
  const child = spawn(process.execPath, [freshBundle, stage, "--config", "c.yml"], {
    cwd: workspace,
    env: { PATH, HOME, NODE_COMPILE_CACHE, WAREHOUSE_TOKEN: "runner", ENV_ACTIONS_RUN_ID: runId, GITHUB_SHA: "a".repeat(40) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  killer.child = child;
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  await killer.idle();
  return { status: status as number | null, said: stdout + stderr };
}

test(`killed at ${kills} moments and swept: no branch is left, and production has its versions`, async () => {
  const before = await newestVersions(world);
  const first = await runUntil(Number.POSITIVE_INFINITY, "preflight");
  expect(first.status, first.said).toBe(0);
  const whole = await runUntil(Number.POSITIVE_INFINITY);
  expect(whole.said).toContain("The run had tables of its own");
  expect(await world.branches()).toEqual([]);
  const moments = killer.seen;
  expect(moments).toBeGreaterThan(kills);

  let killed = 0;
  let lost = 0;
  for (let number = 0; number < kills; number++) {
    const known = (await world.branches()).length;
    const { status } = await runUntil(Math.floor((number * moments) / kills));
    if (status === null) killed++;
    lost += (await world.branches()).length - known;
  }
  expect(killed).toBeGreaterThanOrEqual(kills - 5);
  // Otherwise nothing is shown by sweeping.
  expect(lost).toBeGreaterThan(kills / 3);

  const warehouse = await openBranches(world, "runner", newRunId());
  const swept = await dropBranches(
    warehouse,
    { original: "cw", form: { as: "catalog" } },
    { runs: [], expireAfter: 2 * hour, now: Date.now() + 4 * hour },
  );
  await warehouse.close();
  expect(swept.strangers).toEqual([]);
  expect(swept.branches).toHaveLength(lost);
  expect(await world.branches()).toEqual([]);
  expect(await newestVersions(world)).toEqual(before);
  console.info(`${killed} killed at ${moments} moments, ${lost} branches lost, 0 left`);
}, 900_000);
