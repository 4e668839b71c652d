import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Begun } from "../../src/app/run-stage.ts";
import { freshBundle } from "../harness/process.ts";
import { type Cloud, productionTable, startCloud, tablesWithRows } from "./cloud.ts";
import { git, makeRepository } from "./workspace.ts";

/**
 * A job that is cancelled, or whose step is killed, while its tests have rows in a shared environment: the one moment in which test
 * data is lost sight of. The runner's part (files, variables, signals, the post step) is played as the runner does it.
 */

let cloud: Cloud;
let redis: Redis;
let workspace: string;

beforeAll(async () => {
  cloud = await startCloud();
  redis = new Redis(cloud.redis.url);
});
afterAll(async () => {
  redis?.disconnect();
  await cloud?.stop();
});
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), "env-actions-cut-short-"));
  cpSync(join(import.meta.dirname, "consumer"), workspace, { recursive: true });
  writeFileSync(join(workspace, "hang.mjs"), hangingTests);
  makeRepository(workspace, {});
  symlinkSync(cloud.variables.MODULES ?? "", join(workspace, "node_modules"));
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

const hangingTests = `
import { cache, storeSession } from "./store.mjs";
await storeSession("session");
await cache("code", "42");
// Whoever is not ended goes on.
for (;;) {
  await storeSession("another session");
  await new Promise((resolve) => setTimeout(resolve, 200));
}
`;

/** The tests of this workspace that still run. */
function hanging(): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("hang.mjs") && readlinkSync(`/proc/${pid}/cwd`) === workspace;
    } catch {
      // No process, or one that ended meanwhile.
      return false;
    }
  });
}

interface Step {
  process: ChildProcess;
  /** Resolves to the exit status, or the signal's name. */
  ended: Promise<number | string | null>;
  /** What it saved for its post step, as the variables that the runner makes of it. */
  state(): Record<string, string>;
  summary(): string;
  log(): string;
}

function start(inputs: Record<string, string>, state: Record<string, string> = {}): Step {
  const place = mkdtempSync(join(workspace, "runner-"));
  const files = {
    GITHUB_STATE: join(place, "state"),
    GITHUB_OUTPUT: join(place, "output"),
    GITHUB_STEP_SUMMARY: join(place, "summary"),
  };
  for (const path of Object.values(files)) writeFileSync(path, "");
  const child = spawn(process.execPath, [freshBundle], {
    cwd: workspace,
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      HOME: process.env.HOME,
      GITHUB_ACTIONS: "true",
      GITHUB_WORKSPACE: workspace,
      GITHUB_SHA: git(workspace, "rev-parse", "HEAD"),
      GITHUB_REPOSITORY: "classwaves/consumer",
      GITHUB_RUN_ID: "1",
      ...files,
      ...cloud.variables,
      ...cloud.secrets,
      ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
      ...Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value])),
    },
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (log += text));
  return {
    process: child,
    ended: new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal))),
    state: () => parseState(readFileSync(files.GITHUB_STATE, "utf8")),
    summary: () => readFileSync(files.GITHUB_STEP_SUMMARY, "utf8"),
    log: () => log,
  };
}

/** `NAME<<delimiter`, the value, the delimiter. */
function parseState(text: string): Record<string, string> {
  const entries = [...text.matchAll(/^(\w+)<<(\S+)\n([\s\S]*?)\n\2$/gm)];
  return Object.fromEntries(entries.map(([, name, , value]) => [name, value]));
}

/** Starts the integration stage and waits until its tests have stored a row and a key. */
async function startHangingTests(): Promise<Step> {
  const preflight = start({ stage: "preflight" });
  expect(await preflight.ended, preflight.log()).toBe(0);
  const integration = start({ stage: "integration", command: "node hang.mjs" });
  await vi.waitFor(async () => expect(await redis.dbsize(), integration.log()).toBe(1), { timeout: 30_000, interval: 50 });
  expect(await tablesWithRows(cloud.warehouse)).toContain("sessions.classroom_sessions");
  return integration;
}

async function expectNothingLeft(log: string): Promise<void> {
  expect(await tablesWithRows(cloud.warehouse), log).toEqual([productionTable]);
  expect(await redis.dbsize(), log).toBe(0);
}

test("a cancelled stage deletes its test data and reports that it was cancelled", async () => {
  const step = await startHangingTests();
  step.process.kill("SIGINT");
  expect(await step.ended).not.toBe(0);
  expect(step.log()).toContain("SIGINT");
  await expectNothingLeft(step.log());
});

test("the post step of a killed stage deletes its test data", async () => {
  const step = await startHangingTests();
  step.process.kill("SIGKILL");
  expect(await step.ended).toBe("SIGKILL");
  expect(hanging()).not.toEqual([]);
  // A later step may have removed the configuration, and have left an older report.
  rmSync(join(workspace, ".github"), { recursive: true });
  const report = join(workspace, ".env-actions/reports/integration.json");
  writeFileSync(report, JSON.stringify({ stage: "integration", verdict: "passed" }));
  const post = start({}, step.state());
  expect(await post.ended, post.log()).toBe(0);
  expect(JSON.parse(readFileSync(report, "utf8"))).toMatchObject({
    verdict: "error",
    reason: expect.stringMatching(/^Cut short: integration, begun at \S+, was killed/),
    runId: (JSON.parse(step.state().BEGUN ?? "") as Begun).runId,
    commands: [{ command: "integration-tests.log (cut short)" }],
    cleanup: { scope: "run", leftOver: 0, problems: [] },
  });
  expect(post.summary()).toMatch(/Integration on sandbox: error[\s\S]*Cut short/);
  expect(readdirSync(join(workspace, ".env-actions/reports")).join()).not.toContain("cleanup");
  expect(post.log()).toContain("Processes that integration started were still running, and were stopped.");
  expect(hanging()).toEqual([]);
  await expectNothingLeft(post.log());
});

test("the post step of a finished stage does nothing", async () => {
  const preflight = start({ stage: "preflight" });
  await preflight.ended;
  const before = cloud.warehouse.statements.length;
  const post = start({}, preflight.state());
  expect(await post.ended, post.log()).toBe(0);
  expect(cloud.warehouse.statements.length).toBe(before);
});
