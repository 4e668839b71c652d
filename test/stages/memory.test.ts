import { appendFile, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { recordOf } from "../../src/history/record/of-report.ts";
import { folderStore } from "../../src/history/store/folder.ts";
import { recordPath } from "../../src/history/store/layout.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { type Api, json, serve } from "../checks/api.ts";
import { folderForThisTest } from "../harness/folder.ts";
import { type Performed, performIn } from "../harness/stage.ts";
import { branch, branchName, repository, token } from "../history/places.ts";
import { type Receiver, startReceiver } from "../notifications/receiver.ts";
import { newRun, smoke as smokeReport } from "../notifications/setting.ts";

/** What a run knows of earlier ones: baselines, alerts and rollbacks. Each runner is a new folder; only the history is shared. */

let api: Api;
let receiver: Receiver;
let status: number;

beforeEach(async () => {
  status = 200;
  api = await serve((_, response) => json(response, status, {}));
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

interface Run {
  workspace?: string;
  store?: object | string;
  smoke?: object;
  deployment?: string;
  rolledBack?: string;
  env?: Record<string, string>;
}

async function smoke({
  workspace,
  store = "workspace",
  smoke = {},
  deployment = "4711",
  rolledBack,
  env,
}: Run): Promise<Performed> {
  const config = {
    environments: {
      production: {
        access: "read-only",
        api: { url: api.url, endpoints: [{ path: "/health" }], samples: 10 },
        alerts: { terminal: true, webhook: { url: "${HOOK}", secret: "${HOOK_SECRET}" } },
        ...(rolledBack ? { rollback: { terminal: true, command: `echo $ENV_ACTIONS_DEPLOYMENT >> ${rolledBack}` } } : {}),
      },
    },
    history: { store },
    stages: {
      smoke: {
        ...{ requestsPerSecond: 1_000, apiP95: "30s" },
        baseline: { criteria: { p50: "<= +9999%" }, minimumSamples: 10, runs: 2, ...smoke },
      },
    },
  };
  return await performIn(workspace ?? (await folderForThisTest()), {
    ...{ stage: "smoke", config, deployment },
    env: { HOOK: `${receiver.url}/hook`, HOOK_SECRET: "whsec-0123456789abcdef", PATH: process.env.PATH, ...env },
  });
}

const comparison = ({ check }: Performed) => check("baseline.api.health");
const told = ({ report }: Performed) => report.alerts?.map(({ event, outcome }) => `${event} ${outcome}`) ?? [];

test("runs on fresh runners know each other by a shared folder", async () => {
  const [folder, elsewhere] = [await folderForThisTest(), await folderForThisTest()];
  const rolledBack = join(elsewhere, "rolled-back");
  const fresh = () => smoke({ store: { folder }, rolledBack });

  expect(comparison(await fresh())).toMatchObject({ verdict: "degraded", observed: "10 samples now, 0 in 0 earlier runs" });
  for (const runs of [1, 2, 2]) expect(comparison(await fresh())).toMatchObject({ verdict: "passed", earlier: { runs } });

  status = 500;
  const failed = await fresh();
  expect([told(failed), failed.report.rollback?.outcome]).toEqual([["failed sent"], "fired"]);
  const again = await fresh();
  expect([told(again), again.report.rollback?.outcome]).toEqual([["failed repeated"], "already-fired"]);
  expect(await readFile(rolledBack, "utf8")).toBe("4711\n");

  status = 200;
  expect(told(await fresh())).toEqual(["recovered sent"]);
  expect(told(await fresh())).toEqual([]);
  expect(receiver.received).toHaveLength(2);
  const { records, unreadable } = await folderStore(folder, folder).all();
  expect([records.length, unreadable]).toEqual([8, []]);
  expect(records.map(({ rollback }) => rollback?.outcome).filter(Boolean)).toEqual(["fired", "already-fired"]);
});

test("runs on fresh runners know each other by a branch", async () => {
  const world = await branch();
  const env = { GITHUB_API_URL: world.github.url, GITHUB_REPOSITORY: repository, GITHUB_TOKEN: token };
  const fresh = () => smoke({ store: { branch: branchName }, env });
  expect(comparison(await fresh())).toMatchObject({ verdict: "degraded" });
  expect(comparison(await fresh())).toMatchObject({ verdict: "passed", earlier: { runs: 1 } });
  status = 500;
  expect([told(await fresh()), told(await fresh())]).toEqual([["failed sent"], ["failed repeated"]]);
  const { records } = await (await world.open()).all();
  expect(records.map(({ verdict }) => verdict)).toEqual(["degraded", "passed", "failed", "failed"]);
  await world.close();
});

test("a run that was not recorded repeats its alert, and says so", async () => {
  const [folder, workspace] = [await folderForThisTest(), await folderForThisTest()];
  await writeFile(join(folder, "records"), "a file where the records would be");
  status = 500;
  const { warnings } = await smoke({ workspace, store: { folder } });
  expect(warnings.join("\n")).toMatch(
    /EA8101: the history could not be written to .*So the alerts of this run may be sent again/,
  );
});

/** A record of this environment, as a run leaves it. */
function left(verdict: "passed" | "failed", samples?: number[]): HistoryRecord {
  const latency = samples && { count: samples.length, p50: 1, p95: 1, max: 1 };
  const check = { id: "api.health", title: "GET /health", verdict, durationMs: 1, ...(latency ? { latency } : {}) };
  const baseline = new Map(samples ? [["api.health", samples]] : []);
  return recordOf({ ...smokeReport(verdict), ...newRun(), checks: [check] }, { baseline });
}

const few = Array<number>(10).fill(5);

test("runs that failed since don't hide the passing ones, up to a bound", async () => {
  const folder = await folderForThisTest();
  const store = folderStore(folder, folder);
  for (let run = 0; run < 3; run++) await store.add(left("passed", few));
  for (let run = 0; run < 100; run++) await store.add(left("failed"));
  expect(comparison(await smoke({ store: { folder } }))).toMatchObject({ verdict: "passed", earlier: { runs: 2 } });
  for (let run = 0; run < 400; run++) await store.add(left("failed"));
  expect(comparison(await smoke({ store: { folder } }))).toMatchObject({
    verdict: "degraded",
    message: expect.stringContaining(`It needs more passing runs: 0 of the last 400 in the folder ${folder}`),
  });
});

test("joined records can still be compared with, if no newer ones are there", async () => {
  const folder = await folderForThisTest();
  const store = folderStore(folder, folder);
  const at = Date.parse("2026-01-05T00:00:00Z");
  for (let run = 0; run < 12; run++) await store.add({ ...left("passed", few), runId: `${at + run}_0123abcd` });
  expect(await store.compact?.({ now: Date.now(), joinBefore: Date.now(), removeBefore: 0 })).toMatchObject({ joined: 12 });
  const run = await smoke({ store: { folder }, smoke: { runs: 20 } });
  expect(comparison(run)).toMatchObject({ verdict: "passed", earlier: { runs: 10 } });
});

test("applications of one repository share a history, and nothing else", async () => {
  const folder = await folderForThisTest();
  const store = folderStore(folder, folder);
  for (let run = 0; run < 3; run++) await store.add({ ...left("passed", few), project: "apps/other/env-actions.yml" });
  const open = { webhook: { sent: {}, open: true } };
  await store.add({ ...left("failed"), project: "apps/other/env-actions.yml", alerts: open });
  const run = await smoke({ store: { folder } });
  expect(comparison(run)).toMatchObject({ verdict: "degraded" });
  expect(told(run)).toEqual([]);
});

describe("a record that can't be read", () => {
  const damaged = { truncated: '{"schemaVersion":1,"stage":"sm', "of a newer version": '{"schemaVersion":2,"stage":"smoke"}' };

  async function damage(folder: string, text: string): Promise<string> {
    const path = recordPath({ ...newRun(), stage: "smoke", environment: "production" });
    await mkdir(join(folder, path, ".."), { recursive: true });
    await writeFile(join(folder, path), text);
    return path;
  }

  test.each(Object.entries(damaged))("%s: is named, and the others are compared with", async (_, text) => {
    const folder = await folderForThisTest();
    for (let run = 0; run < 2; run++) await folderStore(folder, folder).add(left("passed", few));
    const path = await damage(folder, text);
    const run = await smoke({ store: { folder } });
    expect(comparison(run)).toMatchObject({ verdict: "passed", earlier: { runs: 2 } });
    expect(run.warnings).toEqual([expect.stringContaining(path)]);
    status = 500;
    const failed = await smoke({ store: { folder } });
    expect(failed.report.alerts).toMatchObject([{ outcome: "sent", problem: expect.stringContaining(path) }]);
  });

  test.each(Object.entries(damaged))("%s: is an error if the others are too few", async (_, text) => {
    const folder = await folderForThisTest();
    await folderStore(folder, folder).add(left("passed", few.slice(1)));
    const path = await damage(folder, text);
    expect(comparison(await smoke({ store: { folder } }))).toMatchObject({
      verdict: "error",
      message: expect.stringContaining(path),
    });
  });

  test("neither can a history that is not there", async () => {
    const folder = join(await folderForThisTest(), "not-mounted");
    const run = await smoke({ store: { folder } });
    expect(comparison(run)).toMatchObject({
      verdict: "error",
      message: expect.stringMatching(/EA8101: the folder .*not-mounted does not exist/),
    });
    expect(run.report.verdict).toBe("error");
  });
});

describe("without a history", () => {
  test("there is no baseline, alerts are repeated, and a rollback is remembered in the workspace", async () => {
    const workspace = await folderForThisTest();
    const rolledBack = join(await folderForThisTest(), "rolled-back");
    const run = () => smoke({ workspace, store: "none", rolledBack });
    await run();
    expect(comparison(await run())).toMatchObject({
      verdict: "degraded",
      message: expect.stringContaining("No earlier runs are kept, because history.store is none"),
    });
    status = 500;
    const [first, second] = [await run(), await run()];
    for (const one of [first, second])
      expect(one.report.alerts).toMatchObject([
        { outcome: "sent", problem: expect.stringMatching(/^the next run sends it again, .*because history\.store is none$/) },
      ]);
    expect(first.report.rollback?.why).toMatch(/; only this workspace remembers it, because history\.store is none$/);
    expect(second.report.rollback?.outcome).toBe("already-fired");
    expect(await readFile(rolledBack, "utf8")).toBe("4711\n");
  });
});

describe("files of an older version", () => {
  const old = join(import.meta.dirname, "..", "fixtures", "memory-before");

  /** A workspace as the version before the history left it: two passes, then a failure with alert and rollback a minute ago. */
  async function upgraded(): Promise<string> {
    const workspace = await folderForThisTest();
    const records = join(workspace, ".env-actions");
    await cp(old, records, { recursive: true });
    const alerts = await readFile(join(records, "alerts.json"), "utf8");
    await writeFile(
      join(records, "alerts.json"),
      alerts.replace("2026-11-30T22:07:38.809Z", new Date(Date.now() - 60_000).toISOString()),
    );
    return workspace;
  }

  const files = ["alerts.json", "rollbacks.json", "baseline/production.json"];
  const contents = (workspace: string) =>
    Promise.all(files.map((file) => readFile(join(workspace, ".env-actions", file), "utf8")));

  test("are used by the first run, and stay as they are", async () => {
    const workspace = await upgraded();
    const before = await contents(workspace);
    const rolledBack = join(workspace, "rolled-back");
    expect(comparison(await smoke({ workspace }))).toMatchObject({ verdict: "passed", earlier: { runs: 2 } });
    status = 500;
    const failed = await smoke({ workspace: await upgraded(), rolledBack });
    expect(told(failed)).toEqual(["failed repeated"]);
    expect(failed.report.rollback?.outcome).toBe("already-fired");
    await expect(readFile(rolledBack)).rejects.toThrow("ENOENT");
    expect(await contents(workspace)).toEqual(before);
  });

  test("a failure that they know is followed by one recovery", async () => {
    const workspace = await upgraded();
    expect(told(await smoke({ workspace }))).toEqual(["recovered sent"]);
    expect(told(await smoke({ workspace }))).toEqual([]);
    status = 500;
    expect(told(await smoke({ workspace }))).toEqual(["failed sent"]);
  });

  test("are read until the history has enough", async () => {
    const workspace = await upgraded();
    await smoke({ workspace });
    const third = await smoke({ workspace, smoke: { runs: 3 } });
    expect(comparison(third)).toMatchObject({ verdict: "passed", earlier: { runs: 3 } });
    for (const file of ["alerts.json", "baseline/production.json"]) await appendFile(join(workspace, ".env-actions", file), "{");
    expect(comparison(await smoke({ workspace }))).toMatchObject({ verdict: "passed", earlier: { runs: 2 } });
    expect(comparison(await smoke({ workspace, smoke: { runs: 4 } }))).toMatchObject({ verdict: "error" });
    status = 500;
    expect((await smoke({ workspace })).report.alerts).toMatchObject([{ outcome: "sent" }]);
    expect((await smoke({ workspace })).report.alerts?.[0]).not.toHaveProperty("problem");
  });
});
