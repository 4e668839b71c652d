import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Quirk } from "../../examples/classroom/backend/quirks.ts";
import { id } from "../../examples/classroom/warehouse/ids.ts";
import { type ClassroomWorld, startClassroomWorld } from "../../examples/classroom/world.ts";
import { readTools } from "../../scripts/tools.ts";
import type { StageReport, Verdict } from "../../src/model/report.ts";
import { folderForAllTests } from "../harness/folder.ts";
import { performIn } from "../harness/stage.ts";

// The example's backend as a real process, in every way in which ClassWaves has been seen to misbehave while it looked well.
const root = join(import.meta.dirname, "..", "..");
const backend = join(root, "examples", "classroom", "backend", "main.ts");
const origin = "https://app.classwaves.example";

let world: ClassroomWorld;
const workspace = folderForAllTests();
let server: ChildProcess | undefined;

beforeAll(async () => {
  world = await startClassroomWorld({ redisServer: readTools(root).redisServer });
});
afterEach(async () => {
  if (server?.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, "exit");
  server.kill("SIGKILL");
  await ended;
});
afterAll(() => world.stop());

async function startBackend(quirk: Quirk | undefined, environment: string): Promise<string> {
  const { NODE_EXTRA_CA_CERTS, ...env } = world.env;
  const started = spawn(process.execPath, [backend], {
    env: {
      ...process.env,
      ...env,
      ...(NODE_EXTRA_CA_CERTS ? { NODE_EXTRA_CA_CERTS } : {}),
      PORT: "0",
      NODE_ENV: environment,
      ALLOWED_ORIGIN: origin,
      CLASSROOM_QUIRKS: quirk ?? "",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  server = started;
  for await (const line of createInterface({ input: started.stdout })) {
    const port = /listening on port (\d+)/.exec(line)?.[1];
    if (port) return `http://localhost:${port}`;
  }
  throw new Error("the backend ended before it listened");
}

async function smoke(quirk: Quirk | undefined, headers: Record<string, string> = { Origin: origin }): Promise<StageReport> {
  const url = await startBackend(quirk, "production");
  const config = {
    environments: {
      production: {
        access: "read-only",
        token: "${PRODUCTION_READER_TOKEN}",
        databricks: {
          host: "${PRODUCTION_DATABRICKS_HOST}",
          warehouse: "${PRODUCTION_DATABRICKS_WAREHOUSE_ID}",
          token: "${PRODUCTION_DATABRICKS_TOKEN}",
          certificateAuthority: "${NODE_EXTRA_CA_CERTS}",
        },
        api: {
          url,
          headers,
          samples: 5,
          endpoints: [
            { path: "/api/v1/health", json: [{ path: "$.services.databricks", equals: "healthy" }] },
            {
              path: "/api/v1/health/databricks",
              json: [
                { path: "$.data.serverTime", notNull: true },
                { path: "$.data.serverTime", changes: true },
              ],
            },
            { path: "/api/v1/health/detailed" },
            { path: "/api/v1/auth/health" },
          ],
        },
        analytics: [
          {
            path: "/api/v1/analytics/dashboard/summary",
            signIn: true,
            json: [
              { path: "$.data.calculatedAt", youngerThan: "5m" },
              { path: "$.data.calculatedAt", changes: true },
              {
                path: "$.data.totalSessions",
                equalsSql: `SELECT count(*) FROM sessions.classroom_sessions WHERE school_id = '${id.school(0)}'`,
              },
            ],
          },
          {
            path: "/api/v1/analytics/dashboard/realtime",
            signIn: true,
            json: [{ path: "$.data.calculatedAt", changes: true }],
          },
        ],
        auth: { enabled: false },
        oauth: {},
        websocket: {},
      },
    },
    // Generous, so that a busy machine is no finding; the smoothing limiter is slower still.
    stages: { smoke: { apiP95: "1500ms", sqlP95: "30s", websocketConnect: "10s" } },
  };
  const { report } = await performIn(workspace.path, { stage: "smoke", config, env: world.env });
  return report;
}

/** Everything that did not pass. */
const found = (report: StageReport): Record<string, [Verdict, string]> =>
  Object.fromEntries(
    report.checks
      .filter((check) => check.verdict !== "passed")
      .map((check) => [check.id, [check.verdict, `${check.observed}: ${check.message}`]]),
  );

describe("smoke on an application", () => {
  it("that is healthy passes every check", async () => {
    expect(found(await smoke(undefined))).toEqual({});
  });

  it.each<[Quirk, Verdict, Record<string, [Verdict, RegExp]>]>([
    [
      "silent-mock",
      "failed",
      {
        "api.api-v1-health-databricks": ["failed", /serverTime is null: .*this may be a mock/],
        analytics: ["failed", /may be hard-coded|figure is not that of the warehouse/],
      },
    ],
    ["cold-cache", "failed", { "api.api-v1-health-detailed": ["failed", /503: .*The body says success: true.*cache is cold/] }],
    ["degraded-auth", "degraded", { "api.api-v1-auth-health": ["degraded", /206.*reports that it is degraded/] }],
    ["dangerous-oauth", "failed", { "oauth.route": ["failed", /empty sign-in was accepted.*lets everybody in/] }],
    ["token-route-on", "failed", { "auth.mint-off": ["failed", /generate-test-token is enabled here/] }],
    ["hard-coded-analytics", "failed", { analytics: ["failed", /hard-coded/] }],
    [
      "hard-coded-figures",
      "failed",
      {
        "analytics.api-v1-analytics-dashboard-summary.data-totalsessions": [
          "failed",
          /totalSessions is 42: The figure is not that of the warehouse/,
        ],
      },
    ],
    [
      "rate-limited",
      "error",
      {
        api: ["error", /429, rate limited: .*health and latency are unknown/],
        analytics: ["error", /429, rate limited/],
        auth: ["error", /could not be told. Rate limited/],
        oauth: ["error", /429, rate limited/],
      },
    ],
    [
      "smoothing",
      "degraded",
      {
        api: ["degraded", /delayed by nearly the same.*a rate limiter delays requests/],
        analytics: ["degraded", /a rate limiter delays requests/],
      },
    ],
  ])(
    "with the quirk %s is %s, and the cause is named",
    async (quirk, verdict, expected) => {
      const report = await smoke(quirk);
      const seen = found(report);
      for (const [id, [itsVerdict, message]] of Object.entries(seen)) {
        // By its own id, or by its group's.
        const wanted = expected[id] ?? expected[id.split(".")[0] ?? ""];
        expect
          .soft([id, itsVerdict, message])
          .toEqual([id, wanted?.[0], expect.stringMatching(wanted?.[1] ?? /^nothing was to be found here$/)]);
      }
      for (const id of Object.keys(expected))
        expect
          .soft(
            Object.keys(seen).some((one) => one.startsWith(id)),
            `${id} was found`,
          )
          .toBe(true);
      expect(report.verdict).toBe(verdict);
      // The smoothing limiter delays each answer by two seconds, more than once over on a busy machine.
    },
    60_000,
  );

  it("that needs a listed Origin fails and names the missing setting", async () => {
    const report = await smoke(undefined, {});
    expect(report.verdict).toBe("failed");
    expect(report.checks.find(({ id }) => id === "api.api-v1-health")).toMatchObject({
      verdict: "failed",
      observed: "HTTP 500",
      message: expect.stringContaining("requires an allowed Origin header: set api.headers"),
    });
  });
});
