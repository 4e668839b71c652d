import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { folderStore } from "../../src/history/store/folder.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import type { StageReport } from "../../src/model/report.ts";
import { many } from "../compare/records.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { listen } from "../harness/port.ts";
import { performIn } from "../harness/stage.ts";

// Smoke of a real server beside the records of another environment: a slower one fails, and one of which too little is known doesn't pass.
const workspace = folderForEachTest();
let port: number;
const server = createServer((_, response) => void response.end("{}"));

beforeEach(async () => {
  port = await listen(server);
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

async function smoke(
  records: readonly HistoryRecord[],
  compare: object = {},
  { paths = ["/health"], more = {} } = {},
): Promise<StageReport> {
  const store = folderStore(join(workspace.path, ".env-actions", "history"), workspace.path);
  for (const one of records) await store.add(one);
  const api = { url: `http://127.0.0.1:${port}`, endpoints: paths.map((path) => ({ path })), samples: 5 };
  const settings = { with: "production", ...compare };
  const config = {
    environments: { staging: { access: "read-only", api }, production: { access: "read-only" } },
    stages: { smoke: { requestsPerSecond: 1_000, apiP95: "30s", compare: settings, ...more } },
  };
  const { report } = await performIn(workspace.path, { stage: "smoke", config, environment: "staging" });
  return report;
}

const comparison = ({ checks }: StageReport, id = "compare.api.health") => checks.find((check) => check.id === id);

it("fails if it is slower than the other by more than the limit, and passes below", async () => {
  const records = [...many(17, { environment: "staging", middle: 130 }), ...many(20, { environment: "production" })];
  const slower = await smoke(records);
  expect(slower.verdict).toBe("failed");
  expect(comparison(slower)).toMatchObject({
    verdict: "failed",
    title: "GET /health beside production",
    expected: "≤ +20 % of production",
    observed: expect.stringMatching(/^slower: ×1\.\d\d \(1\.\d\d to 1\.\d\d\), 18 runs beside 20 of production$/),
    message: expect.stringMatching(/^GET \/health is slower in staging than in production, by about \d\d %\.$/),
  });
  expect(comparison(await smoke([], { latency: "<= +50%" }))).toMatchObject({
    verdict: "passed",
    expected: "≤ +50 % of production",
  });
  expect(comparison(await smoke([], { verdict: "degraded" }))).toMatchObject({ verdict: "degraded" });
});

it("an equally fast environment passes, and says how far it is seen", async () => {
  const records = [...many(19, { environment: "staging" }), ...many(20, { environment: "production" })];
  expect(comparison(await smoke(records, { runs: 20 }))).toMatchObject({
    verdict: "passed",
    observed: expect.stringMatching(/^no difference seen: /),
  });
});

it.each([
  [
    "few runs of its own",
    [...many(2, { environment: "staging", middle: 300 }), ...many(10, { environment: "production" })],
    /at least six/,
  ],
  [
    "few runs of the other",
    [...many(9, { environment: "staging", middle: 300 }), ...many(3, { environment: "production" })],
    /at least six/,
  ],
  ["no run of the other", many(9, { environment: "staging" }), /no measured run of production/],
])("%s don't pass, however slow or fast", async (_, records, why) => {
  const report = await smoke(records);
  expect(comparison(report)).toMatchObject({ verdict: "degraded", message: expect.stringMatching(why) });
  expect(report.verdict).toBe("degraded");
});

it("a check that the other never measures is left out, and without a history it is unknown", async () => {
  const records = [...many(9, { environment: "staging" }), ...many(10, { environment: "production" })];
  const report = await smoke(records, {}, { paths: ["/health", "/other"] });
  expect(comparison(report, "compare.api.other")).toMatchObject({
    verdict: "skipped",
    message: expect.stringContaining("No run of production"),
  });
});

it("a comparison of a check that doesn't count doesn't count, either", async () => {
  const records = [...many(9, { environment: "staging", middle: 130 }), ...many(10, { environment: "production" })];
  const score = { pass: "90%", weights: [{ check: "api.health", dryRun: true }] };
  const report = await smoke(records, {}, { paths: ["/health", "/other"], more: { score } });
  expect(comparison(report)).toMatchObject({ verdict: "failed", dryRun: true });
  expect(report.verdict).not.toBe("failed");
});
