import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startClassroomWorld } from "../examples/classroom/world.ts";
import { performStage, type StageName, type StageReport } from "../src/index.ts";

/**
 * What looking costs: `REDIS_SERVER=… node bench/checks.ts`. Preflight with every check on, beside its slowest check; smoke of ten
 * routes with twenty samples each, and how often the server was asked in the busiest second. Exit status 1 when over a bound. The
 * first preflight loads the drivers (150 to 400 ms, on a runner while the servers start) and is shown, but does not count.
 */

const root = join(import.meta.dirname, "..");
const bounds = { besideSlowestMs: 150, smokeMs: 5_000 };
const runs = 5;
const requestsPerSecond = 60;
const runDeadlineMs = 60_000;

async function perform(
  folder: string,
  stage: StageName,
  environment: string,
  config: unknown,
  env: Record<string, string>,
): Promise<StageReport> {
  writeFileSync(join(folder, "config.yml"), JSON.stringify(config));
  const { report } = await performStage({
    stage,
    workspace: folder,
    configFile: "config.yml",
    environment,
    deployment: "1",
    env,
    cancel: AbortSignal.timeout(runDeadlineMs),
    onProgress: () => undefined,
    onSecret: () => undefined,
  });
  return report;
}

/** @returns the port that the process says it listens on */
async function portOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("the server's output is not read");
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /listening on port (\d+)/.exec(line)?.[1];
    if (port) return port;
  }
  throw new Error("a server ended before it listened");
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function preflightBesideSlowest(folder: string): Promise<number> {
  const world = await startClassroomWorld();
  const backend = spawn(process.execPath, [join(root, "examples", "classroom", "backend", "main.ts")], {
    env: { ...process.env, ...world.env, PORT: "0", NODE_ENV: "test" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const url = `http://localhost:${await portOf(backend)}`;
    const sandbox = {
      access: "test-data",
      variables: ["DATABRICKS_HOST", "DATABRICKS_TOKEN", "REDIS_URL", "TEST_TOKEN_SECRET"],
      databricks: {
        host: "${DATABRICKS_HOST}",
        warehouse: "${DATABRICKS_WAREHOUSE_ID}",
        token: "${DATABRICKS_TOKEN}",
        certificateAuthority: "${NODE_EXTRA_CA_CERTS}",
        expect: { host: "localhost" },
      },
      redis: { url: "${REDIS_URL}", expect: { host: "127.0.0.1" } },
      api: {
        url,
        endpoints: [{ path: "/api/v1/health" }, { path: "/api/v1/health/databricks" }, { path: "/api/v1/auth/health" }],
      },
      websocket: {},
      auth: { secret: "${TEST_TOKEN_SECRET}", refresh: "/api/v1/auth/refresh" },
      oauth: {},
    };
    const beside: number[] = [];
    for (let run = 0; run <= runs; run++) {
      const report = await perform(folder, "preflight", "sandbox", { version: 1, environments: { sandbox } }, world.env);
      const slowest = report.checks.reduce((a, b) => (b.durationMs > a.durationMs ? b : a));
      console.log(
        `preflight ${report.verdict}: ${report.durationMs} ms, ${report.checks.length} checks, slowest ${slowest.id} ${slowest.durationMs} ms (${report.reason})`,
      );
      if (run > 0) beside.push(report.durationMs - slowest.durationMs);
    }
    return median(beside);
  } finally {
    await Promise.all([end(backend), world.stop()]);
  }
}

/** Answers at once, and prints when it was asked. */
const countingServer = `
  const seen = [];
  const server = require("http").createServer((request, response) => {
    if (request.url === "/seen") return response.end(JSON.stringify(seen));
    seen.push(performance.now());
    response.end("{}");
  }).listen(0, "127.0.0.1", () => console.log("listening on port " + server.address().port));`;

async function smokeOfTen(folder: string): Promise<{ durationMs: number; busiest: number }> {
  const server = spawn(process.execPath, ["-e", countingServer], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const url = `http://127.0.0.1:${await portOf(server)}`;
    const endpoints = Array.from({ length: 10 }, (_, index) => ({ path: `/route/${index}` }));
    const production = { access: "read-only", api: { url, endpoints, samples: 20 } };
    const stages = { smoke: { requestsPerSecond } };
    const config = { version: 1, environments: { production }, stages };
    const report = await perform(folder, "smoke", "production", config, {});
    const seen = (await (await fetch(`${url}/seen`)).json()) as number[];
    const busiest = Math.max(...seen.map((at, index) => seen.slice(index).filter((other) => other < at + 1_000).length));
    console.log(
      `smoke ${report.verdict}: ${report.durationMs} ms, the server was asked ${seen.length} times, ${busiest} in the busiest second`,
    );
    return { durationMs: report.durationMs, busiest };
  } finally {
    await end(server);
  }
}

const folder = mkdtempSync(join(tmpdir(), "env-actions-checks-"));
try {
  const smoke = await smokeOfTen(folder);
  const beside = await preflightBesideSlowest(folder);
  console.log(`preflight beside its slowest check: ${beside} ms (median of ${runs}; bound ${bounds.besideSlowestMs})`);
  console.log(
    `load of the machine: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
  );
  const over = beside > bounds.besideSlowestMs || smoke.durationMs > bounds.smokeMs || smoke.busiest > requestsPerSecond;
  if (over) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
