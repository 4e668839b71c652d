import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startClassroomWorld } from "../examples/classroom/world.ts";
import { performStage } from "../src/index.ts";
import { portOf, watchHost } from "./machine.ts";

/**
 * Records latencies of the example's backend as smoke measures them, for simulations: `node bench/record-latencies.ts >
 * test/fixtures/latency-traces.json`. Uses every route that needs no sign-in, in as many runs as necessary. Runs during which the
 * host takes CPU time away are left out.
 *
 * `node bench/record-latencies.ts runs` keeps many shorter runs apart, each with a backend of its own, whatever the machine does
 * meanwhile, because the differences between runs are wanted: `test/fixtures/latency-runs-busy.json` beside much else, and, under
 * `chrt --rr 1`, `latency-runs.json`.
 */

const apart = process.argv[2] === "runs";

const routes = [
  ...["/api/v1/ready", "/api/v1/health", "/api/v1/health/databricks"],
  ...["/api/v1/auth/health", "/api/v1/analytics/health", "/metrics"],
];
/** The backend allows a thousand requests per address. */
const samples = apart ? 60 : 150;
const runs = apart ? 24 : 2;
const mostStolen = apart ? 1 : 0.02;
const attempts = apart ? 24 : 20;

/** @returns route → milliseconds, from one run of smoke; `undefined` if the host took too much CPU time */
async function record(url: string): Promise<Record<string, number[]> | undefined> {
  const workspace = mkdtempSync(join(tmpdir(), "env-actions-latencies-"));
  try {
    const endpoints = routes.map((path) => ({ path, status: [200, 206, 503], degradedStatus: [206, 503] }));
    const here = { access: "read-only", api: { url, endpoints, samples } };
    const config = { version: 1, environments: { here }, stages: { smoke: { apiP95: "10s" } } };
    writeFileSync(join(workspace, "config.yml"), JSON.stringify(config));
    const taken = watchHost();
    const { report } = await performStage({
      stage: "smoke",
      workspace,
      configFile: "config.yml",
      environment: "here",
      deployment: "1",
      env: {},
      cancel: AbortSignal.timeout(120_000),
      onProgress: () => undefined,
      onSecret: () => undefined,
    });
    const stolen = taken();
    console.error(`${report.verdict} in ${report.durationMs} ms: ${report.reason}; the host took ${(stolen * 100).toFixed(1)} %`);
    if (stolen > mostStolen) return undefined;
    const folder = join(workspace, ".env-actions/history/records");
    const [name = ""] = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((one) => one.endsWith(".json"));
    const kept: { checks: { id: string; latency?: { isBaseline?: true; samples?: number[] } }[] } = JSON.parse(
      readFileSync(join(folder, name), "utf8"),
    );
    const ids = new Map(report.checks.map((check) => [check.id, check.title.replace(/^GET /, "")]));
    return Object.fromEntries(
      kept.checks.flatMap(({ id, latency }) => (latency?.isBaseline ? [[ids.get(id) ?? id, latency.samples ?? []]] : [])),
    );
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

/** A new backend for each run, because it counts requests per client. */
async function recordAnew(env: Record<string, string>): Promise<Record<string, number[]> | undefined> {
  const backend = spawn(process.execPath, [join(import.meta.dirname, "..", "examples", "classroom", "backend", "main.ts")], {
    env: { ...process.env, ...env, PORT: "0", NODE_ENV: "test" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    return await record(`http://localhost:${await portOf(backend)}`);
  } finally {
    const ended = once(backend, "exit");
    backend.kill("SIGKILL");
    await ended;
  }
}

const world = await startClassroomWorld();
try {
  const recorded: Record<string, number[]>[] = [];
  for (let attempt = 0; attempt < attempts && recorded.length < runs; attempt++) {
    const run = await recordAnew(world.env);
    if (run) recorded.push(run);
  }
  if (recorded.length < runs) throw new Error("the host left too few runs");
  const ofRoute = (route: string) => recorded.map((run) => run[route] ?? []);
  const written = (route: string) =>
    apart
      ? `[\n${ofRoute(route)
          .map((run) => `    ${JSON.stringify(run.map(hundredths))}`)
          .join(",\n")}\n  ]`
      : JSON.stringify(ofRoute(route).flat());
  console.log(`{\n${routes.map((route) => `  ${JSON.stringify(route)}: ${written(route)}`).join(",\n")}\n}`);
} finally {
  await world.stop();
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
