import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { readSchema } from "../../examples/classroom/warehouse/schema.ts";
import { type Catalog, startTestStores, type TestStores } from "../cleanup/test-stores.ts";
import { freePort } from "../harness/free-port.ts";
import { bundle, run as runProcess } from "../harness/process.ts";

/**
 * What a user has: a folder with a configuration and tests, the published dist/index.js, and an environment. `DIST` names another dist, so
 * that the same promises can be asked of an older one: `git archive COMMIT dist | tar -x -C FOLDER`, then `DIST=FOLDER/dist`.
 */
export const hourMs = 3_600_000;

export interface Ended {
  status: number | null;
  /** Standard output and standard error. */
  out: string;
  log: string;
}

/** As a terminal starts it, or as the runner does, by its variables. @param deadlineMs it is killed then */
export async function start(
  workspace: string,
  args: readonly string[],
  env: Record<string, string> = {},
  deadlineMs = 110_000,
): Promise<Ended> {
  const { status, stdout, stderr } = await runProcess(bundle, { args, cwd: workspace, env, deadlineMs });
  return { status, out: stdout, log: stderr };
}

/** A folder of these files, by their names; whoever makes it removes it. */
export function newFolder(files: Record<string, string>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "env-actions-promise-")));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** One that is gone after the test. */
export function newWorkspace(files: Record<string, string>): string {
  const workspace = newFolder(files);
  onTestFinished(() => removeFolder(workspace));
  return workspace;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export function readIn(workspace: string, ...path: string[]): string {
  const file = join(workspace, ...path);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** What a stage says to whoever reads its JSON; only members that every version has. */
export interface Said {
  verdict: string;
  reason?: string;
  problems?: string[];
  checks: { id: string; verdict: string; observed?: string; message?: string }[];
}

export interface Told extends Ended {
  said: Said;
  workspace: string;
  env: Record<string, string>;
}

const passingReport = '<testsuite name="suite"><testcase name="works" time="0.01"/></testsuite>';

/** The tests of the project: their work is done by whoever listens, which answers with lines for the ledger. */
/** Has its work done by whoever asked for it, and answers only then. */
const server = `import { createServer } from "node:http";
await fetch(process.env.CONTROL + "/boot", { method: "POST" });
createServer((_, answer) => answer.end("{}")).listen(Number(process.env.PORT), "127.0.0.1");
`;

const tests = `import { appendFileSync, writeFileSync } from "node:fs";
const answer = await fetch(process.env.CONTROL, { method: "POST", body: process.env.ENV_ACTIONS_PREFIX });
const lines = await answer.text();
if (!answer.ok) throw new Error(lines);
if (lines !== "") appendFileSync(process.env.ENV_ACTIONS_LEDGER, lines);
writeFileSync("report.xml", ${JSON.stringify(passingReport)});
`;

/** What the tests do, with the prefix that they were given; `note` writes a line into the ledger. */
export type Work = (prefix: string, note: (line: object) => void) => Promise<void>;

export interface Setting {
  /** Absent: the environment has no warehouse. */
  catalog?: Catalog;
  /** The address that the configuration takes from REDIS_URL. */
  redis?: string;
  testData?: object;
  /** Beside the tests' command. */
  stages?: object;
  env?: Record<string, string>;
  /** What a server of the project's does before it answers; the stage starts it. */
  boot?: () => Promise<void>;
}

export interface World {
  stores: TestStores;
  /** Some of ClassWaves' tables, with some columns of another type; and other tables beside them. */
  tables(names: readonly string[], other?: Record<string, Record<string, string>>): Promise<Catalog>;
  /** Does what somebody did so many hours ago. */
  ago(hours: number, what: () => Promise<void>): Promise<void>;
  /** A stage of its own, in a folder of its own; integration after a preflight that passed. */
  integration(setting: Setting, work: Work): Promise<Told>;
  preflight(setting: Setting): Promise<Told>;
  cleanup(setting: Setting, args?: readonly string[]): Promise<Told>;
  /** What the tests do from now on. */
  tests(work: Work): void;
  stop(): Promise<void>;
}

export async function startWorld(): Promise<World> {
  const stores = await startTestStores();
  const schema = await readSchema();
  const passed = await passedPreflight();
  let work: Work = async () => undefined;
  let boot: () => Promise<void> = async () => undefined;
  const control = createServer((request, response) => {
    const lines: object[] = [];
    text(request)
      .then((prefix) => (request.url === "/boot" ? boot() : work(prefix, (line) => lines.push(line))))
      .then(
        () => response.end(lines.map((line) => `\n${JSON.stringify(line)}\n`).join("")),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  });
  control.listen(0, "127.0.0.1");
  await once(control, "listening");
  let catalogs = 0;

  const run = async (setting: Setting, args: readonly string[]): Promise<Told> => {
    const port = setting.boot ? await freePort() : 0;
    if (setting.boot) boot = setting.boot;
    const files = {
      "config.yml": JSON.stringify(configurationOf(stores, setting, port)),
      "tests.mjs": tests,
      "server.mjs": server,
    };
    const workspace = newWorkspace(files);
    cpSync(join(passed, ".env-actions"), join(workspace, ".env-actions"), { recursive: true });
    return await ask(workspace, args, setting, `http://127.0.0.1:${(control.address() as AddressInfo).port}`);
  };

  return {
    stores,
    async tables(names, other = {}) {
      const own = (name: string) => (names.includes(name) ? schema[`classwaves.${name}`]?.columns : {});
      const all = [...new Set([...names, ...Object.keys(other)])];
      const shapes = all.map((name) => [name, { columns: { ...own(name), ...other[name] } }]);
      const catalog = await stores.catalog(`p${catalogs++}`, Object.fromEntries(shapes));
      onTestFinished(() => catalog.close());
      return catalog;
    },
    async ago(hours, what) {
      stores.warehouse.faults.clock = Date.now() - hours * hourMs;
      try {
        await what();
      } finally {
        stores.warehouse.faults.clock = undefined;
      }
    },
    async integration(setting, doing) {
      work = doing;
      return await run(setting, ["integration"]);
    },
    tests(doing) {
      work = doing;
    },
    preflight: (setting) => run(setting, ["preflight"]),
    cleanup: (setting, args = ["--scope", "expired", "--execute"]) => run(setting, ["cleanup", ...args]),
    async stop() {
      control.close();
      removeFolder(passed);
      await stores.stop();
    },
  };
}

/** @returns its folder, whose records every integration takes for its own: so that each test needs one process less */
async function passedPreflight(): Promise<string> {
  const here = { access: "test-data", variables: ["HOME"] };
  const folder = newFolder({ "config.yml": JSON.stringify({ version: 1, environments: { here } }) });
  const ended = await start(folder, ["preflight", "--config", "config.yml"]);
  if (ended.status !== 0) throw new Error(`preflight ended with ${ended.status}: ${ended.log}${ended.out}`);
  return folder;
}

/** JSON is YAML, too. */
function configurationOf(stores: TestStores, { catalog, redis, testData = {}, stages = {}, boot }: Setting, port = 0): object {
  const { host, warehouseId, certificateAuthority } = stores.warehouse;
  const databricks = {
    ...{ host, warehouse: warehouseId, token: "${DATABRICKS_TOKEN}", catalog: catalog?.name },
    ...{ certificateAuthority, expect: { host: "localhost" } },
  };
  const here = {
    access: "test-data",
    variables: ["HOME"],
    ...(catalog ? { databricks } : {}),
    ...(boot
      ? {
          servers: {
            backend: {
              command: "node server.mjs",
              port,
              ready: { url: `http://127.0.0.1:${port}/` },
              environment: { PORT: String(port) },
            },
          },
        }
      : {}),
    ...(redis === undefined ? {} : { redis: { url: "${REDIS_URL}", expect: { host: "127.0.0.1" } } }),
  };
  return {
    version: 1,
    environments: { here },
    testData,
    stages: { integration: { command: "node tests.mjs", reports: ["report.xml"] }, ...stages },
  };
}

async function ask(workspace: string, args: readonly string[], setting: Setting, control: string): Promise<Told> {
  const env = { CONTROL: control, DATABRICKS_TOKEN: "token", REDIS_URL: setting.redis ?? "", ...setting.env };
  const ended = await start(workspace, [...args, "--config", "config.yml", "--json"], env);
  const said: Said = ended.out.startsWith("{") ? JSON.parse(ended.out) : { verdict: "none", checks: [] };
  return { ...ended, said, workspace, env };
}

/** Another command in the folder of a stage that ended. */
export function afterwards({ workspace, env }: Told, args: readonly string[], more: Record<string, string> = {}): Promise<Ended> {
  return start(workspace, [...args, "--config", "config.yml"], { ...env, ...more });
}
