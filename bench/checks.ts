import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { startClassroomWorld } from "../examples/classroom/world.ts";
import type { StageName, StageReport } from "../src/index.ts";
import { load, portOf, watchHost } from "./machine.ts";
import { median, type Row, report } from "./result.ts";

/**
 * Measures what the checks cost: `REDIS_SERVER=… node bench/checks.ts`. Compares preflight with every check to its slowest check.
 * Runs smoke with ten routes and twenty samples each, and counts the server's requests in the busiest second. Each run is a
 * process of dist, as on a runner, so loading the drivers is included. If the host takes CPU time away during a run, the run is
 * shown and repeated. Exit status 1 when over a bound, 2 when too few runs were undisturbed.
 */

const root = join(import.meta.dirname, "..");
const bounds = { besideSlowestMs: 150, smokeMs: 5_000 };
const runs = 5;
/** The largest share of CPU time that the host may take in a valid run, and how many runs to try for each valid one. */
const mostStolen = 0.02;
const attempts = 6;
const requestsPerSecond = 60;
const runDeadlineMs = 60_000;

const entry = join(root, "dist", "index.js");

interface Performed {
  report: StageReport;
  /** The share of CPU time that the host took meanwhile. */
  stolen: number;
}

async function perform(
  folder: string,
  stage: StageName,
  config: unknown,
  env: Record<string, string>,
  more: readonly string[] = [],
): Promise<Performed> {
  writeFileSync(join(folder, "config.yml"), JSON.stringify(config));
  const taken = watchHost();
  const child = spawn(process.execPath, [entry, stage, "--config", "config.yml", "--json", ...more], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: runDeadlineMs,
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  const stolen = taken();
  if (out === "") throw new Error(`there is no report: ${err}`);
  return { report: JSON.parse(out) as StageReport, stolen };
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** @returns milliseconds; `undefined` if too few runs were undisturbed */
async function preflightBesideSlowest(folder: string): Promise<number | undefined> {
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
    for (let run = 0; run < runs * attempts && beside.length < runs; run++) {
      const { report, stolen } = await perform(folder, "preflight", { version: 1, environments: { sandbox } }, world.env);
      const slowest = report.checks.reduce((a, b) => (b.durationMs > a.durationMs ? b : a));
      console.log(
        `preflight ${report.verdict}: ${report.durationMs} ms, ${report.checks.length} checks, slowest ${slowest.id} ${slowest.durationMs} ms${hostTook(stolen)} (${report.reason})`,
      );
      if (stolen <= mostStolen) beside.push(report.durationMs - slowest.durationMs);
    }
    if (beside.length < runs) return undefined;
    return median(beside);
  } finally {
    await Promise.all([end(backend), world.stop()]);
  }
}

function hostTook(stolen: number): string {
  return stolen > mostStolen ? `, but the host took ${Math.round(stolen * 100)} % of the processors' time` : "";
}

/** Answers immediately, and prints when each request arrived. */
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
    const { report, stolen } = await perform(folder, "smoke", config, {}, ["--deployment", "1"]);
    const seen = (await (await fetch(`${url}/seen`)).json()) as number[];
    const busiest = Math.max(...seen.map((at, index) => seen.slice(index).filter((other) => other < at + 1_000).length));
    console.log(
      `smoke ${report.verdict}: ${report.durationMs} ms, the server was asked ${seen.length} times, ${busiest} in the busiest second${hostTook(stolen)}`,
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
  console.log(
    `preflight beside its slowest check: ${beside ?? "unknown"} ms (median of ${runs}; bound ${bounds.besideSlowestMs}); load ${load()}`,
  );
  const rows: Row[] = [
    { name: "smoke, ten routes", unit: "ms", bounds: { value: bounds.smokeMs }, points: [{ value: smoke.durationMs }] },
    {
      name: "smoke, the busiest second",
      unit: "requests",
      bounds: { value: requestsPerSecond },
      points: [{ value: smoke.busiest }],
    },
  ];
  if (beside !== undefined)
    rows.push({
      name: "preflight, beside its slowest check",
      unit: "ms",
      bounds: { value: bounds.besideSlowestMs },
      points: [{ value: beside }],
    });
  const isRight = rows.map(report).every(Boolean);
  process.exitCode = isRight ? (beside === undefined ? 2 : 0) : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
