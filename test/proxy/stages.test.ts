import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Server } from "socket.io";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type Certificates, makeCertificates } from "../../local/warehouse/certificate.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import type { StageReport } from "../../src/model/report.ts";
import { folderForEachTest, writeFiles } from "../harness/folder.ts";
import { listenForThisTest } from "../harness/port.ts";
import { freshBundle, run } from "../harness/process.ts";
import { proxyPort, runWithoutNetwork, whyNoNamespace } from "./network.ts";
import { startProxy } from "./proxy.ts";

/** Whole stages where every direct connection is forbidden: the processes are in a network namespace with one way out, the proxy. */

const why = whyNoNamespace();
if (why !== undefined) process.stderr.write(`\n!!! SKIPPED: stages without direct connections: ${why}\n\n`);

const namespaced = test.skipIf(why !== undefined);
/** Each test starts env-actions several times. */
const timeout = 300_000;
const password = "proxy-password-4711";
const folder = folderForEachTest();
let certificates: Certificates;
let warehouse: Warehouse;

beforeAll(async () => {
  certificates = await makeCertificates([{ dns: "app.internal" }, { dns: "hooks.internal" }, { dns: "localhost" }]);
  const reading = (["USE CATALOG", "USE SCHEMA", "SELECT"] as const).map((privilege) => ({ privilege, on: "classwaves" }));
  warehouse = await startWarehouse({
    principals: {
      "dapi-writer-of-tests": { user: "writer", grants: [...reading, { privilege: "MODIFY", on: "classwaves" }] },
      "dapi-reader-of-smoke": { user: "reader", grants: reading },
    },
  });
  await warehouse.createTables({
    "classwaves.sessions.classroom_sessions": { columns: { id: "string", created_at: "timestamp" } },
  });
});
afterAll(() => warehouse.stop());

/** What the tests see, and what they print. */
const tests = `
import { writeFileSync } from "node:fs";
const names = ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];
writeFileSync("seen-by-tests.json", JSON.stringify(Object.fromEntries(names.map((name) => [name, process.env[name]]))));
console.log("the tests use " + process.env.HTTPS_PROXY);
writeFileSync("report.xml", '<testsuite tests="1"><testcase name="a" classname="b" time="0.1"/></testsuite>');
`;

const configuration = (token: string, access: string) => `
    access: ${access}
    databricks:
      host: "\${DATABRICKS_HOST}"
      warehouse: "\${DATABRICKS_WAREHOUSE_ID}"
      token: ${token}
      catalog: classwaves
      certificateAuthority: "\${WAREHOUSE_CA}"
      expect: { host: localhost }
    api:
      url: https://app.internal
      samples: 2
      endpoints: [{ path: /health, json: [{ path: $.ok, equals: true }] }]
    websocket: { namespaces: [/sessions], plain: [{ path: "/socket.io/?EIO=4&transport=websocket", message: "^0" }] }
    alerts:
      terminal: true
      webhook: { url: "\${HOOK_URL}", secret: "\${HOOK_SECRET}" }
`;

beforeEach(async () => {
  await writeFiles(folder.path, {
    "ca.pem": certificates.authority,
    "tests.mjs": tests,
    "env-actions.yml": `version: 1
environments:
  sandbox:${configuration('"${WRITER}"', "test-data")}
  production:${configuration('"${READER}"', "read-only")}
testData: { preset: none, tables: { sessions.classroom_sessions: { match: [{ column: id, prefix: true }], time: created_at } } }
stages:
  preflight: { sqlP95: 60s, apiP95: 30s }
  integration: { command: node tests.mjs, reports: [report.xml] }
  smoke: { sqlP95: 60s, apiP95: 30s }
`,
  });
});

interface World {
  proxy: Awaited<ReturnType<typeof startProxy>>;
  /** Requests to the API and the receiver of alerts. */
  seen: string[];
  env: Record<string, string>;
}

async function world({ health = 200, inspects }: { health?: number; inspects?: Certificates } = {}): Promise<World> {
  const seen: string[] = [];
  const server = createServer({ cert: certificates.certificate, key: certificates.key }, async (request, response) => {
    if (request.url?.startsWith("/socket.io/")) return;
    const body = await text(request);
    seen.push(`${request.headers.host} ${request.method} ${request.url}${body.includes('"verdict"') ? " with a verdict" : ""}`);
    response.writeHead(request.url === "/health" ? health : 200, { "content-type": "application/json" }).end('{"ok":true}');
  });
  const sockets = new Server(server);
  sockets.of("/sessions").use((_, next) => next(new Error("Authentication token required")));
  onTestFinished(() => void sockets.close());
  const port = await listenForThisTest(server);
  const routes = { "app.internal:443": port, "hooks.internal:443": port, [warehouse.host]: warehouse.port };
  const proxy = await startProxy({ routes, credentials: `runner:${password}`, ...(inspects ? { inspects } : {}) });
  return {
    proxy,
    seen,
    env: {
      HTTPS_PROXY: `http://runner:${password}@127.0.0.1:${proxyPort}`,
      NODE_EXTRA_CA_CERTS: join(folder.path, "ca.pem"),
      DATABRICKS_HOST: warehouse.host,
      DATABRICKS_WAREHOUSE_ID: warehouse.warehouseId,
      WAREHOUSE_CA: warehouse.certificateAuthority,
      WRITER: "dapi-writer-of-tests",
      READER: "dapi-reader-of-smoke",
      HOOK_URL: "https://hooks.internal/hook",
      HOOK_SECRET: "secret-of-the-webhook",
    },
  };
}

async function stage(name: string, { proxy, env }: World, changes: Record<string, string> = {}) {
  const environment = name === "smoke" ? "production" : "sandbox";
  const deployment = name === "smoke" ? ["--deployment", "4711"] : [];
  const program = [freshBundle, name, "--environment", environment, "--config", "env-actions.yml", ...deployment];
  const { path } = folder;
  const { status, stdout, stderr } = await runWithoutNetwork(program, {
    folder: path,
    doors: { [proxyPort]: proxy.port },
    cwd: path,
    env: { ...env, ...changes },
  });
  const report = await readFile(join(path, ".env-actions", "reports", `${name}.json`), "utf8").catch(() => "{}");
  return { status, output: stdout + stderr, report: JSON.parse(report) as Partial<StageReport> };
}

/** Everything on the disk that env-actions wrote. */
async function written(): Promise<string> {
  const entries = await readdir(join(folder.path, ".env-actions"), { recursive: true, withFileTypes: true });
  const files = entries.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), "utf8"));
  return (await Promise.all(files)).join("\n");
}

const toWhom = (log: readonly string[]) => new Set(log);

namespaced(
  "preflight, integration, smoke and alerts pass through the proxy, and show none of its credentials",
  { timeout },
  async () => {
    const here = await world();
    const all = ["CONNECT app.internal:443", `CONNECT ${warehouse.host}`];
    const outputs: string[] = [];
    // These tests make no data, which is a warning.
    for (const name of ["preflight", "integration", "smoke"]) {
      here.proxy.log.length = 0;
      const { status, output, report } = await stage(name, here);
      expect(`${status} ${report.verdict} ${output}`).toMatch(
        name === "integration" ? /^0 degraded[^✘]*created no row/ : /^0 passed/,
      );
      expect(toWhom(here.proxy.log)).toEqual(new Set(name === "integration" ? [`CONNECT ${warehouse.host}`] : all));
      outputs.push(output);
    }
    expect(JSON.parse(await readFile(join(folder.path, "seen-by-tests.json"), "utf8"))).toEqual({
      HTTPS_PROXY: here.env.HTTPS_PROXY,
    });

    const sick = await world({ health: 500 });
    const { status, report } = await stage("smoke", sick);
    expect([status, report.verdict]).toEqual([1, "failed"]);
    expect(report.alerts).toMatchObject([{ channel: "webhook", outcome: "sent" }]);
    expect(sick.seen).toContain("hooks.internal POST /hook with a verdict");
    expect(toWhom(sick.proxy.log)).toEqual(new Set([...all, "CONNECT hooks.internal:443"]));

    const shown = `${outputs.join("\n")}${await written()}`;
    for (const secret of [password, btoa(`runner:${password}`)]) expect(shown).not.toContain(secret);
    expect(shown).toContain("the tests use ***");
  },
);

namespaced("NO_PROXY holds for each: what it names is asked directly, which is forbidden here", { timeout }, async () => {
  const here = await world({ health: 500 });
  const verdictOf = ({ checks = [] }: Partial<StageReport>, id: string) => checks.find((check) => check.id === id)?.verdict;
  const namespace = "websocket.sessions";
  const noApi = await stage("smoke", here, { NO_PROXY: ".internal" });
  expect(toWhom(here.proxy.log)).toEqual(new Set([`CONNECT ${warehouse.host}`]));
  for (const id of ["api.connection", "api.health", namespace]) expect(verdictOf(noApi.report, id)).toBe("error");
  here.proxy.log.length = 0;
  const noHook = await stage("smoke", here, { no_proxy: "hooks.internal", NO_PROXY: "*" });
  expect(toWhom(here.proxy.log)).toEqual(new Set(["CONNECT app.internal:443", `CONNECT ${warehouse.host}`]));
  expect(noHook.report.alerts).toMatchObject([{ channel: "webhook", outcome: "failed" }]);
  here.proxy.log.length = 0;
  const noWarehouse = await stage("smoke", here, { NO_PROXY: "localhost", NODE_USE_ENV_PROXY: "1" });
  expect(toWhom(here.proxy.log)).toEqual(new Set(["CONNECT app.internal:443", "CONNECT hooks.internal:443"]));
  expect(verdictOf(noWarehouse.report, "databricks.certificate")).toBe("error");
});

namespaced(
  "a proxy that looks into TLS: its authority is trusted everywhere if NODE_EXTRA_CA_CERTS names it",
  { timeout },
  async () => {
    const inspects = await makeCertificates([{ dns: "app.internal" }, { dns: "hooks.internal" }, { dns: "localhost" }]);
    await writeFile(join(folder.path, "proxy.pem"), inspects.authority);
    const here = await world({ inspects });
    const authority = join(folder.path, "proxy.pem");
    const { status, report, output } = await stage("preflight", here, { NODE_EXTRA_CA_CERTS: authority });
    expect(`${status} ${report.verdict} ${output}`).toMatch(/^0 passed/);
    const sick = await world({ health: 500, inspects });
    expect((await stage("smoke", sick, { NODE_EXTRA_CA_CERTS: authority })).report.alerts).toMatchObject([{ outcome: "sent" }]);
    const distrusted = await stage("preflight", here);
    expect(distrusted.report.verdict).toBe("failed");
  },
);

test("a variable that names no proxy is a mistake of the configuration, without its credentials", async () => {
  const { status, stderr } = await run(freshBundle, {
    args: ["preflight", "--environment", "sandbox", "--config", "env-actions.yml"],
    cwd: folder.path,
    env: { https_proxy: `socks5://runner:${password}@proxy.example:1080` },
  });
  expect(status).toBe(2);
  expect(stderr).toContain("EA9201: the environment variable https_proxy: expected the address of a proxy");
  expect(stderr).not.toContain(password);
});
