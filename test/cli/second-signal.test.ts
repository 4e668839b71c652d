import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { AuditedRunReport } from "../../src/audit/report.ts";
import { type Cloud, productionTable, startCloud } from "../actions/cloud.ts";
import { git, makeRepository } from "../actions/workspace.ts";
import { freshBundle } from "../harness/process.ts";

/**
 * Somebody interrupts a stage while its tests have rows in a shared environment, and again while these are being deleted. What is
 * said then is compared with what the warehouse and Redis really hold.
 */

const sessions = "sessions.classroom_sessions";
const transcriptions = "sessions.transcriptions";

let cloud: Cloud;
let redis: Redis;
/** In which preflight has passed: each test begins with a copy. */
let prepared: string;
let workspace: string;

beforeAll(async () => {
  cloud = await startCloud();
  redis = new Redis(cloud.redis.url);
  prepared = mkdtempSync(join(tmpdir(), "env-actions-second-signal-"));
  cpSync(join(import.meta.dirname, "../actions/consumer"), prepared, { recursive: true });
  writeFileSync(join(prepared, "hang.mjs"), hangingTests);
  makeRepository(prepared, {});
  symlinkSync(cloud.variables.MODULES ?? "", join(prepared, "node_modules"));
  workspace = prepared;
  const preflight = start(["preflight"]);
  expect(await preflight.ended, preflight.log()).toBe(0);
});
afterAll(async () => {
  redis?.disconnect();
  await cloud?.stop();
  rmSync(prepared, { recursive: true, force: true });
});
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), "env-actions-second-signal-"));
  cpSync(prepared, workspace, { recursive: true, verbatimSymlinks: true });
});
const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
  Object.assign(cloud.warehouse.faults, { slowOperation: undefined, latencyMs: 0 });
  rmSync(workspace, { recursive: true, force: true });
});

const hangingTests = `
import { cache, storeSession } from "./store.mjs";
for (const name of ["a", "b", "c"]) await storeSession(name);
await cache("code", "42");
setInterval(() => {}, 1000);
`;

interface Started {
  process: ChildProcess;
  ended: Promise<number | string | null>;
  log(): string;
}

function start(args: readonly string[], runner: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [freshBundle, ...args], {
    cwd: workspace,
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      HOME: process.env.HOME,
      ...cloud.variables,
      ...cloud.secrets,
      ...runner,
    },
  });
  running.push(child);
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (log += text));
  return {
    process: child,
    ended: new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal))),
    log: () => log,
  };
}

/** Starts the stage, and waits until its tests have made rows and a key, and somebody else rows that hang on them. */
async function startHangingTests(args: readonly string[], runner: Record<string, string> = {}): Promise<Started> {
  const integration = start(args, runner);
  await vi.waitFor(async () => expect(await redis.dbsize(), integration.log()).toBe(1), { timeout: 30_000, interval: 20 });
  // The newest: preflight has one, too.
  const runId = readdirSync(join(workspace, ".env-actions/runs")).sort().at(-1)?.replace(".json", "");
  await cloud.warehouse.load(
    `INSERT INTO classwaves.${transcriptions} (id, session_id) SELECT id || suffix, id FROM classwaves.${sessions}, (VALUES ('-1'), ('-2')) AS t (suffix) WHERE id LIKE '%${runId}%'`,
  );
  expect(await there()).toEqual({ [sessions]: 3, [transcriptions]: 6, keys: 1 });
  return integration;
}

/** Rows and keys of test data that are really there. */
async function there(): Promise<Record<string, number>> {
  const tables = Object.entries(await cloud.warehouse.checksum()).map(([table, { rows }]) => [table, Number(rows)] as const);
  const withRows = tables.filter(([table, rows]) => rows > 0 && table !== productionTable);
  return { ...Object.fromEntries(withRows), keys: await redis.dbsize() };
}

/** `sessions.transcriptions   6 rows` and `Redis   1 key`, as it was said. */
function said(log: string): Record<string, number> {
  const lines = log.matchAll(/^\s+(\S+)\s+(\d+) (?:rows?|keys?)$/gm);
  return Object.fromEntries([...lines].map(([, name = "", number]) => [name === "Redis" ? "keys" : name, Number(number)]));
}

function deletes(): number {
  return cloud.warehouse.statements.filter(({ sql }) => /\bDELETE FROM\b/.test(sql)).length;
}

/** Makes every delete slow, sends the first signal, and waits until a delete is under way. */
async function interruptUntilDeleting(step: Started, seconds = 2): Promise<void> {
  const before = deletes();
  cloud.warehouse.faults.slowOperation = { seconds, matching: "DELETE FROM" };
  step.process.kill("SIGINT");
  await vi.waitFor(() => expect(deletes(), step.log()).toBeGreaterThan(before), { timeout: 30_000, interval: 10 });
}

test("in the terminal, a second signal exits with 130 and lists per table what may be left and how to delete it", async () => {
  const stage = await startHangingTests(["integration", "--command", "node hang.mjs"]);
  // All are under way at once. None ends while this test looks, so that what the next cleanup deletes is certain.
  await interruptUntilDeleting(stage, 600);
  stage.process.kill("SIGINT");
  expect(await stage.ended, stage.log()).toBe(130);

  const log = stage.log();
  const told = said(log.slice(log.indexOf("again: exiting now")));
  // Keys go first, because they are found by the rows.
  expect(told).toEqual({ [transcriptions]: 6, [sessions]: 3 });
  for (const [name, number] of Object.entries(await there())) expect(told[name] ?? 0, name).toBeGreaterThanOrEqual(number);
  expect(log).toContain("a statement that is still running may finish on the server; then less remains");

  const [, command = ""] = /`env-actions (cleanup [^`]+)` deletes the rest/.exec(log) ?? [];
  cloud.warehouse.faults.slowOperation = undefined;
  const cleanup = start(command.split(" "));
  expect(await cleanup.ended, cleanup.log()).toBe(0);
  expect(await there()).toEqual({ keys: 0 });

  const report = start(["audit", "report", "--json"]);
  expect(await report.ended, report.log()).toBe(0);
  const { runs } = JSON.parse(report.log()) as { runs: AuditedRunReport[] };
  // Of preflight, of integration, and of the cleanup, whose lines say whose data it deleted.
  expect(runs).toHaveLength(3);
  expect(runs.at(-1)?.verdicts).toMatchObject([{ stage: "cleanup", verdict: "passed" }]);
  const interrupted = runs.find((run) => run.interrupted.length > 0);
  expect(interrupted).toMatchObject({
    environments: ["sandbox"],
    interrupted: [{ signal: "SIGINT", known: true, rows: { [transcriptions]: 6, [sessions]: 3 }, keys: 0 }],
    planned: [
      { stage: "integration", scope: "run", execute: true, rows: { [transcriptions]: 6, [sessions]: 3 }, keys: 1 },
      { stage: "cleanup", scope: "run", execute: true },
    ],
    verified: [{ stage: "cleanup", leftOver: 0 }],
  });
  expect(interrupted?.deleted.find(({ table }) => table === sessions)).toMatchObject({ planned: 3, done: 3 });
});

test("in the terminal, a second signal before a plan exists says that nothing is known", async () => {
  const stage = await startHangingTests(["integration", "--command", "node hang.mjs"]);
  cloud.warehouse.faults.latencyMs = 1_000;
  stage.process.kill("SIGINT");
  await vi.waitFor(() => expect(stage.log()).toContain("press it again to exit immediately"), { timeout: 10_000, interval: 10 });
  stage.process.kill("SIGINT");
  expect(await stage.ended, stage.log()).toBe(130);
  expect(stage.log()).toContain("whether integration created test data");
  cloud.warehouse.faults.latencyMs = 0;
  const cleanup = start(["cleanup", "--scope", "run", "--execute"]);
  expect(await cleanup.ended, cleanup.log()).toBe(0);
  expect(await there()).toEqual({ keys: 0 });
});

test("on a runner, SIGTERM after SIGINT logs what is left, and cleanup continues until the kill", async () => {
  const file = (name: string) => {
    writeFileSync(join(workspace, name), "");
    return join(workspace, name);
  };
  const stage = await startHangingTests([], {
    GITHUB_ACTIONS: "true",
    GITHUB_WORKSPACE: workspace,
    GITHUB_SHA: git(workspace, "rev-parse", "HEAD"),
    GITHUB_STATE: file("state"),
    GITHUB_OUTPUT: file("output"),
    GITHUB_STEP_SUMMARY: file("summary"),
    ENV_ACTIONS_RUN_ID: "",
    INPUT_STAGE: "integration",
    INPUT_COMMAND: "node hang.mjs",
  });
  await interruptUntilDeleting(stage);
  stage.process.kill("SIGTERM");
  await vi.waitFor(() => expect(stage.log()).toContain("may not be deleted yet"), { timeout: 3_500, interval: 10 });
  expect(await there(), "it is said while the delete is still under way").toMatchObject({ [sessions]: 3 });
  expect(await stage.ended).not.toBe(0);
  const log = stage.log();
  expect(said(log.slice(log.indexOf("SIGTERM:"), log.indexOf("post step")))).toEqual({
    [transcriptions]: 6,
    [sessions]: 3,
  });
  expect(await there(), log).toEqual({ keys: 0 });
  const audit = readFileSync(join(workspace, ".env-actions/audit.jsonl"), "utf8");
  expect(audit).toMatch(/"signal":"SIGTERM","what":"interrupted"/);
});
