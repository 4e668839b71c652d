import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { secretKeeper } from "../../src/app/secret-keeper.ts";
import { checkRunner, measured } from "../../src/checks/run-check.ts";
import { baselineSchema } from "../../src/config/baseline-schema.ts";
import { recordOf } from "../../src/history/record/of-report.ts";
import { folderStore } from "../../src/history/store/folder.ts";
import type { Check, StageReport } from "../../src/model/report.ts";
import type { StageContext } from "../../src/stages/context.ts";
import { compareWithEarlierRuns } from "../../src/stages/earlier-runs.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { listen } from "../harness/port.ts";
import { performIn } from "../harness/stage.ts";
import { newRun, smoke as smokeReport } from "../notifications/setting.ts";

// Smoke on a real server, run after run in one workspace: what is kept, and what a later run is held to.
const workspace = folderForEachTest();
let port: number;
let delayMs = 0;
let status = 200;
const server = createServer(
  (request, response) => void delay(delayMs).then(() => response.writeHead(request.url === "/broken" ? 500 : status).end("{}")),
);

beforeEach(async () => {
  [delayMs, status] = [0, 200];
  port = await listen(server);
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

const records = () => join(workspace.path, ".env-actions");
const history = () => folderStore(join(records(), "history"), workspace.path);

async function smoke(
  baseline: object | null = { criteria: { p95: "<= +10%" }, minimumSamples: 10, runs: 2 },
  { paths = ["/health"], score, samples = 10 }: { paths?: string[]; score?: object; samples?: number | "default" } = {},
): Promise<StageReport> {
  const endpoints = paths.map((path) => ({ path }));
  const api = { url: `http://127.0.0.1:${port}`, endpoints, ...(samples === "default" ? {} : { samples }) };
  const config = {
    environments: { production: { access: "read-only", api } },
    stages: {
      smoke: { requestsPerSecond: 1_000, apiP95: "30s", ...(baseline ? { baseline } : {}), ...(score ? { score } : {}) },
    },
  };
  const { report } = await performIn(workspace.path, { stage: "smoke", config });
  return report;
}

/** The record of a run that passed with this check. */
async function leave(check: Check, baseline: ReadonlyMap<string, readonly number[]>): Promise<void> {
  await history().add(recordOf({ ...smokeReport("passed"), ...newRun(), checks: [check] }, { baseline }));
}

const comparison = (report: StageReport) => report.checks.find(({ id }) => id === "baseline.api.health");
/** The samples of each run that later runs may be compared with, oldest first. */
const runsKept = async (): Promise<{ stage: string; samples: Record<string, number[]> }[]> => {
  const { records } = await history().all();
  const runs = records.map(({ stage, checks }) => ({
    stage,
    samples: Object.fromEntries(checks.flatMap(({ id, latency }) => (latency?.isBaseline ? [[id, latency.samples ?? []]] : []))),
  }));
  return runs.filter(({ samples }) => Object.keys(samples).length > 0);
};

it("the first run has no baseline, the second is compared, and a slower run never becomes the baseline", async () => {
  expect(comparison(await smoke())).toMatchObject({
    verdict: "degraded",
    message: expect.stringContaining("Not enough data"),
  });
  expect(await runsKept()).toEqual([
    expect.objectContaining({ stage: "smoke", samples: { "api.health": expect.arrayContaining([expect.any(Number)]) } }),
  ]);
  expect((await runsKept())[0]?.samples["api.health"]).toHaveLength(10);

  // Ten times what a busy machine might add.
  delayMs = 250;
  const slower = await smoke();
  expect(slower.verdict).toBe("failed");
  expect(comparison(slower)).toMatchObject({
    verdict: "failed",
    message: expect.stringMatching(/^GET \/health is slower than in earlier runs/),
  });
  expect(await runsKept()).toHaveLength(1);
});

it("the default number of samples is enough for the default minimum", async () => {
  const byDefault = () => smoke({ criteria: { p50: "<= +9999%" } }, { samples: "default" });
  await byDefault();
  expect(comparison(await byDefault())).toMatchObject({ verdict: "passed" });
});

it("a check with a fixed number of samples needs only that many for a comparison", async () => {
  const wanted = baselineSchema.parse({ criteria: { p50: "<= +9999%" }, minimumSamples: 30 });
  const signal = new AbortController().signal;
  const context = {
    stage: "smoke",
    runId: "1763917800000_9f3c1a7e",
    environment: { name: "production" },
    records: records(),
    config: { stages: { preflight: {}, smoke: { baseline: wanted } }, history: { store: "workspace" } },
    signal,
    history: async () => history(),
    baseline: new Map(),
    check: checkRunner({ rules: [], signal }),
    onProgress: () => undefined,
    secrets: secretKeeper(() => undefined),
  } as unknown as StageContext;
  const found = async (fixedCount: boolean) => {
    const { latency, samples } = measured(Array(20).fill(1), { fixedCount });
    const check: Check = { id: "redis.ping", title: "Redis PING", verdict: "passed", latency, durationMs: 1 };
    const finished = { checks: [check], samples: new Map([[check.id, samples]]) };
    const compared = await compareWithEarlierRuns(context, finished);
    await leave(check, context.baseline);
    return compared.map(({ verdict }) => verdict);
  };
  expect(await found(true)).toEqual(["degraded"]);
  expect(await found(true)).toEqual(["passed"]);
  expect(await found(false)).toEqual(["degraded"]);
});

it("is compared with the configured number of runs; each passing run is kept, compared or not", async () => {
  const tolerant = { criteria: { p50: "<= +9999%" }, runs: 2, minimumSamples: 5 };
  for (let run = 0; run < 3; run++) expect((await smoke(tolerant)).verdict).toMatch(/passed|degraded/);
  expect(comparison(await smoke(tolerant))).toMatchObject({ verdict: "passed", earlier: { runs: 2 } });
  expect(comparison(await smoke(null))).toBeUndefined();
  expect(await runsKept()).toHaveLength(5);
});

it("does not keep a failed run", async () => {
  status = 500;
  expect((await smoke()).verdict).toBe("failed");
  expect(await runsKept()).toEqual([]);
});

it("keeps a passed run although a dry-run check failed, and no run with a failed check that counts", async () => {
  const score = (...dry: string[]) => ({ pass: "90%", weights: dry.map((check) => ({ check, dryRun: true })) });
  const paths = ["/health", "/broken"];
  expect((await smoke(undefined, { paths, score: score("api.other") })).verdict).toBe("failed");
  expect(await runsKept()).toEqual([]);
  expect((await smoke(undefined, { paths, score: score("api.broken") })).verdict).toMatch(/passed|degraded/);
  expect(await runsKept()).toEqual([expect.objectContaining({ samples: { "api.health": expect.any(Array) } })]);
});

it("keeps the passed checks of a run that passed by its score", async () => {
  const paths = ["/health", "/broken"];
  const tolerant = { pass: "60%", warning: "50%", weights: [{ check: "api.broken", weight: 0.1 }] };
  expect((await smoke(undefined, { paths, score: tolerant })).verdict).toMatch(/passed|degraded/);
  expect(await runsKept()).toEqual([expect.objectContaining({ samples: { "api.health": expect.any(Array) } })]);
});

it("keeps first runs that fail only because there is no earlier run, and no other failed runs", async () => {
  const score = { pass: "100%", warning: "95%", weights: [{ check: "baseline.api.health", key: true }] };
  expect((await smoke(undefined, { score })).verdict).toBe("failed");
  expect(await runsKept()).toHaveLength(1);
  expect((await smoke(undefined, { paths: ["/health", "/broken"], score })).verdict).toBe("failed");
  expect(await runsKept()).toHaveLength(1);
});

it("an unreadable baseline file of an older version is an error and stays unchanged", async () => {
  const file = join(records(), "baseline", "production.json");
  await mkdir(join(records(), "baseline"), { recursive: true });
  await writeFile(file, '{"schemaVersion":1,"runs":[{"half');
  expect(comparison(await smoke())).toMatchObject({
    verdict: "error",
    message: expect.stringContaining("production.json is not what env-actions wrote. Delete it to begin anew."),
  });
  expect(await readFile(file, "utf8")).toBe('{"schemaVersion":1,"runs":[{"half');
});
