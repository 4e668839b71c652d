import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { secretKeeper } from "../../src/app/secret-keeper.ts";
import { checkRunner, measured } from "../../src/checks/run-check.ts";
import { baselineSchema } from "../../src/config/baseline-schema.ts";
import type { Check, StageReport } from "../../src/model/report.ts";
import type { StageContext } from "../../src/stages/context.ts";
import { compareWithEarlierRuns } from "../../src/stages/earlier-runs.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { listen } from "../harness/port.ts";
import { performIn } from "../harness/stage.ts";

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

const kept = () => join(workspace.path, ".env-actions", "baseline", "production.json");

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

const comparison = (report: StageReport) => report.checks.find(({ id }) => id === "baseline.api.health");
const runsKept = async (): Promise<{ stage: string; samples: Record<string, number[]> }[]> =>
  JSON.parse(await readFile(kept(), "utf8")).runs;

it("the first run has no baseline, the second is compared, and a slower run never becomes the baseline", async () => {
  expect(comparison(await smoke())).toMatchObject({
    verdict: "degraded",
    message: expect.stringContaining("Not enough data"),
  });
  expect(await runsKept()).toEqual([
    expect.objectContaining({ stage: "smoke", samples: { "api.health": expect.arrayContaining([expect.any(Number)]) } }),
  ]);

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
    records: join(workspace.path, ".env-actions"),
    config: { stages: { preflight: {}, smoke: { baseline: wanted } } },
    signal,
    check: checkRunner({ rules: [], signal }),
    onProgress: () => undefined,
    secrets: secretKeeper(() => undefined),
  } as unknown as StageContext;
  const found = async (fixedCount: boolean) => {
    const { latency, samples } = measured(Array(20).fill(1), { fixedCount });
    const check: Check = { id: "redis.ping", title: "Redis PING", verdict: "passed", latency, durationMs: 1 };
    const finished = { checks: [check], samples: new Map([[check.id, samples]]) };
    return (await compareWithEarlierRuns(context, finished)).map(({ verdict }) => verdict);
  };
  expect(await found(true)).toEqual(["degraded"]);
  expect(await found(true)).toEqual(["passed"]);
  expect(await found(false)).toEqual(["degraded"]);
});

it("keeps only the configured number of runs, compared or not", async () => {
  for (let run = 0; run < 3; run++)
    expect((await smoke({ criteria: { p50: "<= +9999%" }, runs: 2, minimumSamples: 5 })).verdict).toMatch(/passed|degraded/);
  expect(await runsKept()).toHaveLength(2);
  expect(comparison(await smoke(null))).toBeUndefined();
  expect(await runsKept()).toHaveLength(3);
});

it("does not keep a failed run", async () => {
  status = 500;
  expect((await smoke()).verdict).toBe("failed");
  await expect(readFile(kept())).rejects.toThrow("ENOENT");
});

it("keeps a passed run although a dry-run check failed, and no run with a failed check that counts", async () => {
  const score = (...dry: string[]) => ({ pass: "90%", weights: dry.map((check) => ({ check, dryRun: true })) });
  const paths = ["/health", "/broken"];
  expect((await smoke(undefined, { paths, score: score("api.other") })).verdict).toBe("failed");
  await expect(readFile(kept())).rejects.toThrow("ENOENT");
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

it("an unreadable baseline file is an error and stays unchanged", async () => {
  await mkdir(join(workspace.path, ".env-actions", "baseline"), { recursive: true });
  await writeFile(kept(), '{"schemaVersion":1,"runs":[{"half');
  expect(comparison(await smoke())).toMatchObject({
    verdict: "error",
    message: expect.stringContaining("production.json is not what env-actions wrote. Delete it to begin anew."),
  });
  expect(await readFile(kept(), "utf8")).toBe('{"schemaVersion":1,"runs":[{"half');
});
