import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { type ClassroomWorld, type Fingerprint, startClassroomWorld } from "../../examples/classroom/world.ts";
import type { SeenStatement } from "../../local/warehouse/index.ts";
import { readTools } from "../../scripts/tools.ts";
import type { Check, StageReport } from "../../src/model/report.ts";
import { freshBundle } from "../harness/process.ts";

const root = join(import.meta.dirname, "..", "..");
const classroom = join(root, "examples", "classroom");

export interface Ran {
  exitCode: number | null;
  /** What a person saw. */
  output: string;
  reports: Partial<Record<StageReport["stage"], StageReport>>;
  check(id: string): Check | undefined;
}

export interface Scenario {
  world: ClassroomWorld;
  /** Its own copy of the configuration's folder, so that scenarios do not share `.env-actions`. */
  workspace: string;
  before: Fingerprint;
  /** What was sent to the warehouse since this scenario began. */
  statements(): SeenStatement[];
  run(
    args: readonly string[],
    env?: Record<string, string>,
    during?: (output: string, interrupt: () => void) => void,
  ): Promise<Ran>;
  /** What is left: rows or keys that production did not have, changed tables, ports still taken. Empty = nothing. */
  traces(): Promise<string[]>;
  stop(): Promise<void>;
}

export function startWorld(): Promise<ClassroomWorld> {
  return startClassroomWorld({ redisServer: readTools(root).redisServer });
}

/**
 * The small ClassWaves, and env-actions started on it as in a terminal.
 * @param shared the world of scenarios that leave it as they found it; absent: one of its own, which ends with the scenario
 */
export async function startScenario(shared?: ClassroomWorld): Promise<Scenario> {
  const tools = readTools(root);
  const [world, workspace] = await Promise.all([shared ?? startWorld(), copyOfClassroom()]);
  const before = await world.fingerprint();
  const seen = world.warehouse.statements.length;
  const ports = ["CLASSROOM_BACKEND_PORT", "CLASSROOM_FRONTEND_PORT", "CLASSROOM_PRODUCTION_PORT"].map((name) =>
    Number(world.env[name]),
  );
  return {
    world,
    workspace,
    before,
    statements: () => world.warehouse.statements.slice(seen),
    run: (args, env = {}, during = () => undefined) =>
      runTerminal(workspace, args, { ...world.env, CHROME_PATH: tools.chrome, ...env }, during),
    async traces() {
      const after = await world.fingerprint().catch(() => undefined);
      const taken = (await Promise.all(ports.map(isTaken))).flatMap((answers, index) =>
        answers ? [`port ${ports[index]} is taken`] : [],
      );
      if (!after) return ["the world cannot be looked at", ...taken];
      const changed = Object.keys(after.tables).filter(
        (table) => JSON.stringify(after.tables[table]) !== JSON.stringify(before.tables[table]),
      );
      return [
        ...changed.map((table) => `${table} changed`),
        ...after.strangeKeys.map((key) => `key ${key}`),
        ...(after.keys === before.keys ? [] : ["production's keys changed"]),
        ...taken,
      ];
    },
    async stop() {
      if (!shared) await world.stop();
      await rm(workspace, { recursive: true, force: true });
    },
  };
}

/** Inside the repository, because its code finds its libraries in the repository's node_modules. */
async function copyOfClassroom(): Promise<string> {
  const workspace = await mkdtemp(join(root, "examples", ".classroom-"));
  await cp(classroom, workspace, {
    recursive: true,
    filter: (source) => !/node_modules|\.env-actions|reports$|test-results/.test(source.slice(classroom.length)),
  });
  // These are about the gate, not about latency: few requests, which the pace lets through at once, and as late as a busy machine is.
  const config = join(workspace, ".github", "env-actions.yml");
  const text = await readFile(config, "utf8");
  const late = "{ apiP95: 20s, sqlP95: 20s, websocketConnect: 20s }";
  await writeFile(
    config,
    text
      .replaceAll("    api:\n", "    api:\n      samples: 3\n")
      .replace(/^stages:\n/m, `stages:\n  preflight: ${late}\n  smoke: ${late}\n`),
  );
  return workspace;
}

async function runTerminal(
  workspace: string,
  args: readonly string[],
  env: Record<string, string>,
  during: (output: string, interrupt: () => void) => void,
): Promise<Ran> {
  const { GITHUB_ACTIONS: _runner, ...own } = process.env;
  const child = spawn(process.execPath, [freshBundle, ...args], {
    cwd: workspace,
    env: { ...own, ...env, PATH: `${join(root, "node_modules", ".bin")}:${own.PATH ?? ""}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      during(output, () => child.kill("SIGINT"));
    });
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const reports: Ran["reports"] = {};
  for (const stage of ["preflight", "integration", "e2e", "smoke", "cleanup"] as const) {
    const text = await readFile(join(workspace, ".env-actions", "reports", `${stage}.json`), "utf8").catch(() => undefined);
    if (text !== undefined) reports[stage] = JSON.parse(text) as StageReport;
  }
  return {
    exitCode,
    output,
    reports,
    check: (id) =>
      Object.values(reports)
        .flatMap((report) => report.checks)
        .find((check) => check.id === id),
  };
}

async function isTaken(port: number): Promise<boolean> {
  const socket = connect(port, "localhost");
  const answers = await new Promise<boolean>((resolve) =>
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false)),
  );
  socket.destroy();
  return answers;
}
