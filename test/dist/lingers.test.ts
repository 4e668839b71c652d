import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ClassroomWorld, startClassroomWorld } from "../../examples/classroom/world.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { listen } from "../harness/port.ts";
import { bundle, distNode } from "../harness/process.ts";

/** A job pays for every second that a process stays after its work is done, waiting for a timer or an open connection. */

const folder = folderForEachTest();
let world: ClassroomWorld;
beforeAll(async () => {
  world = await startClassroomWorld();
}, 120_000);
afterAll(() => world.stop());

/** Generous, because other work may keep the machine busy. Drivers' timers are 2 s and longer. */
const lingerMs = 1_500;

const configuration = `version: 1
defaultEnvironment: sandbox
environments:
  sandbox:
    access: test-data
    databricks: { host: "\${DATABRICKS_HOST}", warehouse: "\${DATABRICKS_WAREHOUSE_ID}", token: "\${DATABRICKS_TOKEN}", expect: { host: localhost } }
    redis: { url: "\${REDIS_URL}", expect: { host: 127.0.0.1 } }
    api: { url: "http://127.0.0.1:\${APP_PORT}", samples: 1, endpoints: [{ path: /health }] }
    servers:
      app: { command: node app.mjs, port: "\${APP_PORT}", ready: { url: "http://127.0.0.1:\${APP_PORT}/health" }, stages: [preflight, integration, e2e] }
  production:
    access: read-only
    promotedFrom: sandbox
    databricks: { host: "\${PRODUCTION_DATABRICKS_HOST}", warehouse: "\${PRODUCTION_DATABRICKS_WAREHOUSE_ID}", token: "\${PRODUCTION_DATABRICKS_TOKEN}" }
    redis: { url: "\${PRODUCTION_REDIS_URL}" }
stages:
  preflight: { sqlP95: 30s, apiP95: 30s }
  smoke: { sqlP95: 30s, apiP95: 30s }
  integration: { command: node tests.mjs, reports: [report.xml] }
  e2e: { command: node tests.mjs, reports: [report.xml] }
`;

/** Keeps every connection open, longer than any stage may. */
const application = `import { createServer } from "node:http";
const server = createServer((_, answer) => answer.writeHead(200, { "content-type": "application/json" }).end("{}"));
server.keepAliveTimeout = 60_000;
server.listen(Number(process.env.APP_PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`;

const suite = `import { writeFileSync } from "node:fs";
writeFileSync("report.xml", '<testsuites><testsuite name="s" tests="1"><testcase name="passes" time="0.01"/></testsuite></testsuites>');
`;

test("no stage's process lives longer than its stage", { timeout: 180_000 }, async () => {
  const workspace = folder.path;
  mkdirSync(workspace, { recursive: true });
  for (const [name, content] of Object.entries({ "c.yml": configuration, "app.mjs": application, "tests.mjs": suite }))
    writeFileSync(join(workspace, name), content);
  const stages = [
    ["preflight"],
    ["integration"],
    ["e2e"],
    ["smoke", "--environment", "production", "--deployment", "here"],
    ["cleanup", "--scope", "expired", "--execute"],
  ];
  for (const args of stages) {
    const { status, output, silentMs } = await performed(workspace, args);
    // It did its work, whatever it found.
    expect([0, 1], output).toContain(status);
    expect([args[0], silentMs < lingerMs], `${silentMs} ms`).toEqual([args[0], true]);
  }
});

test("a server that never closes its connections keeps no process alive", { timeout: 60_000 }, async () => {
  const silent = createServer((socket) => void socket.on("error", () => undefined));
  const port = await listen(silent);
  try {
    writeFileSync(
      join(folder.path, "c.yml"),
      `version: 1
environments:
  local:
    access: test-data
    databricks: { host: "localhost:${port}", warehouse: w, token: "\${DATABRICKS_TOKEN}", expect: { host: localhost } }
    websocket: { url: "http://127.0.0.1:${port}", namespaces: ["/sessions"], plain: [{ path: /plain }] }
stages:
  preflight: { budget: 1s }
`,
    );
    const { status, output, silentMs } = await performed(folder.path, ["preflight"]);
    expect(status, output).toBe(3);
    expect(silentMs).toBeLessThan(lingerMs);
  } finally {
    silent.close();
  }
});

/** @returns how long the process lived after its last output, which is its verdict and the path of the report */
async function performed(
  workspace: string,
  args: readonly string[],
): Promise<{ status: number | null; output: string; silentMs: number }> {
  const child = spawn(distNode, [bundle, ...args, "--config", "c.yml"], {
    cwd: workspace,
    env: { ...world.env, PATH: process.env.PATH ?? "", APP_PORT: world.env.CLASSROOM_BACKEND_PORT ?? "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let last = performance.now();
  child.stdout.on("data", () => {
    last = performance.now();
  });
  const ended = once(child, "exit").then(() => performance.now());
  const [output, errors, at] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status: child.exitCode, output: output + errors, silentMs: Math.round(at - last) };
}
