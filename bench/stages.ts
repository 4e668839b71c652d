import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { DBSQLClient } from "@databricks/sql";
import { Redis } from "ioredis";
import { type ClassroomWorld, startClassroomWorld } from "../examples/classroom/world.ts";
import { load } from "./machine.ts";
import { median, report as reportRow } from "./result.ts";

/**
 * Compares the duration of each stage between this build and the build of another commit, in turns in one world: `node
 * bench/stages.ts COMMIT`. Whole processes, a tiny project, 48 tables with production's rows. The tests create 75 rows and 50
 * keys in a few milliseconds, so the suite is measured and not the tests. LATENCY sets the milliseconds per statement (default
 * 0), ROUNDS the number of rounds (default 9). Exit status 1 when a stage of this build is slower than both bounds allow.
 */

const rounds = Number(process.env.ROUNDS ?? 9);
const latencyMs = Number(process.env.LATENCY ?? 0);
/** May be slower by the larger of these. */
const bounds = { share: 0.05, ms: 150 };
const runDeadlineMs = 120_000;
const [commit] = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));

const stages: [name: string, args: string[]][] = [
  ["preflight", ["preflight"]],
  ["integration", ["integration"]],
  ["e2e", ["e2e"]],
  ["smoke", ["smoke", "--environment", "production", "--deployment", "bench"]],
  ["cleanup", ["cleanup", "--scope", "expired", "--execute"]],
];

interface Build {
  name: string;
  /** Path of dist/index.js. */
  entry: string;
  workspace: string;
  env: Record<string, string>;
  taken: Map<string, number[]>;
}

const configuration = `version: 1
defaultEnvironment: sandbox
environments:
  sandbox:
    access: test-data
    databricks:
      host: \${DATABRICKS_HOST}
      warehouse: \${DATABRICKS_WAREHOUSE_ID}
      token: \${DATABRICKS_TOKEN}
      expect: { host: localhost }
    redis: { url: "\${REDIS_URL}", expect: { host: 127.0.0.1 } }
    api: { url: "http://127.0.0.1:\${APP_PORT}", samples: 3, endpoints: [{ path: /health }] }
    servers:
      app: { command: node app.mjs, port: "\${APP_PORT}", ready: { url: "http://127.0.0.1:\${APP_PORT}/health" }, stages: [preflight, integration, e2e] }
  production:
    access: read-only
    promotedFrom: sandbox
    databricks:
      host: \${PRODUCTION_DATABRICKS_HOST}
      warehouse: \${PRODUCTION_DATABRICKS_WAREHOUSE_ID}
      token: \${PRODUCTION_DATABRICKS_TOKEN}
    redis: { url: "\${PRODUCTION_REDIS_URL}" }
stages:
  preflight: { sqlP95: 10s, apiP95: 10s }
  smoke: { sqlP95: 10s, apiP95: 10s }
  integration: { command: node tests.mjs, reports: [report.xml] }
  e2e: { command: node tests.mjs, reports: [e2e.json], requiredProjects: [chrome] }
`;

const application = `import { createServer } from "node:http";
const server = createServer((_, answer) => answer.writeHead(200, { "content-type": "application/json" }).end('{"status":"healthy"}'));
server.listen(Number(process.env.APP_PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`;

const tests = `import { writeFileSync } from "node:fs";
const answer = await fetch("http://127.0.0.1:" + process.env.MAKER_PORT + "/" + process.env.ENV_ACTIONS_PREFIX);
if (!answer.ok) throw new Error(await answer.text());
writeFileSync("report.xml", '<testsuites><testsuite name="s" tests="1"><testcase name="makes data" time="0.01"/></testsuite></testsuites>');
const test = { projectName: "chrome", status: "expected", expectedStatus: "passed", results: [{ status: "passed", duration: 10, retry: 0, errors: [], attachments: [] }] };
const suites = [{ title: "s", file: "s.ts", specs: [{ title: "makes data", file: "s.ts", line: 1, column: 1, ok: true, tests: [test] }] }];
writeFileSync("e2e.json", JSON.stringify({ config: {}, suites, errors: [], stats: { expected: 1, unexpected: 0, flaky: 0, skipped: 0, duration: 10 } }));
`;

async function main(): Promise<void> {
  if (!commit) throw new Error("usage: node bench/stages.ts COMMIT, the commit to compare with");
  const folder = mkdtempSync(join(tmpdir(), "bench-stages-"));
  const world = await startClassroomWorld();
  const maker = await startMaker(world);
  try {
    const port = String((maker.server.address() as AddressInfo).port);
    const here = join(import.meta.dirname, "..", "dist");
    const builds = [
      lay(folder, "this build", (dist) => cpSync(here, dist, { recursive: true }), world, port),
      lay(folder, commit, (dist) => extract(commit, dist), world, port),
    ];
    world.warehouse.faults.latencyMs = latencyMs;
    for (let round = 0; round <= rounds; round++)
      // In turns, and each goes first equally often.
      for (const [stage, args] of stages)
        for (const build of round % 2 === 0 ? builds : builds.toReversed()) {
          const ms = await run(build, args);
          // The first round reads everything from disk for the later ones.
          if (round > 0) build.taken.set(stage, [...(build.taken.get(stage) ?? []), ms]);
        }
    report(builds);
  } finally {
    world.warehouse.faults.latencyMs = 0;
    await maker.stop();
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function lay(folder: string, name: string, put: (dist: string) => void, world: ClassroomWorld, makerPort: string): Build {
  const workspace = join(folder, name.replaceAll(" ", "-"), "project");
  const dist = join(workspace, "..", "dist");
  mkdirSync(workspace, { recursive: true });
  put(dist);
  for (const [file, content] of [
    ["c.yml", configuration],
    ["app.mjs", application],
    ["tests.mjs", tests],
  ] as const)
    writeFileSync(join(workspace, file), content);
  const env = {
    ...world.env,
    PATH: process.env.PATH ?? "",
    APP_PORT: world.env.CLASSROOM_BACKEND_PORT ?? "",
    MAKER_PORT: makerPort,
  };
  return { name, entry: join(dist, "index.js"), workspace, env, taken: new Map() };
}

function extract(ref: string, dist: string): void {
  mkdirSync(dist, { recursive: true });
  const archive = execFileSync("git", ["archive", ref, "dist"], {
    cwd: join(import.meta.dirname, ".."),
    maxBuffer: 256 * 1024 * 1024,
  });
  execFileSync("tar", ["-x", "--strip-components=1", "-C", dist], { input: archive });
}

/**
 * @returns milliseconds of the whole process
 * @throws Error if the stage doesn't pass, because then something else was measured
 */
async function run({ entry, workspace, env, name }: Build, args: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, [entry, ...args, "--config", "c.yml", "--json"], {
    cwd: workspace,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: runDeadlineMs,
  });
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  const ms = performance.now() - started;
  if (status !== 0) throw new Error(`${name}: ${args.join(" ")} ended with ${status}: ${err}${out.slice(0, 2_000)}`);
  return ms;
}

/** What the tests create: rows through the driver, as an application does, and keys. */
async function startMaker(world: ClassroomWorld): Promise<{ server: Server; stop(): Promise<void> }> {
  const client = new DBSQLClient({ logger: { log: () => undefined } });
  const [host = "", port] = (world.env.DATABRICKS_HOST ?? "").split(":");
  await client.connect({
    host,
    port: Number(port),
    path: `/sql/1.0/warehouses/${world.env.DATABRICKS_WAREHOUSE_ID}`,
    token: world.env.DATABRICKS_TOKEN ?? "",
    telemetryEnabled: false,
    customCaCert: await readFile(world.warehouse.certificateAuthority),
  });
  const session = await client.openSession({ initialCatalog: "classwaves" });
  const redis = new Redis(world.redisUrl);
  const make = async (prefix: string) => {
    const now = new Date().toISOString();
    const ids = (from: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}_${from}${index}`);
    const insert = async (table: string, columns: string, rows: string[]) => {
      const operation = await session.executeStatement(`INSERT INTO ${table} (${columns}) VALUES ${rows.join(", ")}`);
      await operation.finished();
      await operation.close();
    };
    await insert(
      "sessions.classroom_sessions",
      "id, title, created_at",
      ids("s", 5).map((id) => `('${id}', 'Fractions', '${now}')`),
    );
    await insert(
      "sessions.student_groups",
      "id, session_id, name, created_at",
      ids("g", 20).map((id, index) => `('${id}', '${prefix}_s${index % 5}', 'Group', '${now}')`),
    );
    await insert(
      "sessions.student_group_members",
      "id, session_id, group_id, created_at",
      ids("m", 50).map((_, index) => `(uuid(), '${prefix}_s${index % 5}', '${prefix}_g${index % 20}', '${now}')`),
    );
    await redis.mset(Object.fromEntries(ids("k", 50).map((id) => [`cw:test:${id}`, "x"])));
  };
  const server = createServer((request, answer) => {
    make((request.url ?? "").slice(1)).then(
      () => answer.end("made"),
      (error: unknown) => answer.writeHead(500).end(String(error)),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server,
    async stop() {
      server.close();
      redis.disconnect();
      await session.close();
      await client.close();
    },
  };
}

function report(builds: readonly Build[]): void {
  const [ours, other] = builds;
  if (!ours || !other) return;
  console.log(
    `node ${process.version}, load ${load()}, ${latencyMs} ms a statement, medians of ${rounds}, in turns, whole processes\n`,
  );
  console.log(`${"".padEnd(14)}${ours.name.padStart(12)}${other.name.padStart(12)}  difference`);
  let slower = false;
  for (const [stage] of stages) {
    const [mine, theirs] = [median(ours.taken.get(stage) ?? []), median(other.taken.get(stage) ?? [])];
    const over = mine - theirs > Math.max(bounds.ms, theirs * bounds.share);
    slower ||= over;
    reportRow({
      name: `${stage}, ${latencyMs} ms a statement`,
      unit: "ms",
      peer: `the build of ${other.name}`,
      bounds: { value: theirs + Math.max(bounds.ms, theirs * bounds.share) },
      points: [{ value: mine, peer: theirs }],
    });
    const difference = `${mine >= theirs ? "+" : ""}${(mine - theirs).toFixed(0)} ms, ${((mine / theirs - 1) * 100).toFixed(1)} %`;
    console.log(
      `${stage.padEnd(14)}${`${mine.toFixed(0)} ms`.padStart(12)}${`${theirs.toFixed(0)} ms`.padStart(12)}  ${difference}${over ? "  over the bound" : ""}`,
    );
  }
  process.exitCode = slower ? 1 : 0;
}

await main();
