import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A user's project with the testkit installed; its tests run as separate processes. */

const repository = join(import.meta.dirname, "..", "..");
export const runId = "1763920000000_1a2b3c4d";
export const prefix = `integration_test_${runId}`;

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Project {
  folder: string;
  /** The path of the ledger, which does not exist yet. */
  ledger: string;
  /** The environment variables that env-actions sets in a run. */
  identity: Record<string, string>;
  write(files: Record<string, string>): void;
  start(
    command: string,
    args: readonly string[],
    env?: NodeJS.ProcessEnv,
    options?: { uid?: number },
  ): ChildProcessWithoutNullStreams;
  run(command: string, args: readonly string[], env?: NodeJS.ProcessEnv, options?: { uid?: number }): Promise<Ended>;
  /** @param code an ES module, or CommonJS if it calls `require` */
  node(code: string, env?: NodeJS.ProcessEnv, options?: { uid?: number }): Promise<Ended>;
  remove(): void;
}

/** @param packages packages of this repository that the project has installed too */
export function makeProject(packages: readonly string[] = []): Project {
  const folder = mkdtempSync(join(tmpdir(), "testkit-"));
  const write = (files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  };
  const install = (name: string, from: string) => {
    mkdirSync(dirname(join(folder, "node_modules", name)), { recursive: true });
    symlinkSync(from, join(folder, "node_modules", name));
  };
  install("@classwaves/env-actions", repository);
  install("env-actions", repository);
  for (const name of packages) install(name, join(repository, "node_modules", name));
  write({ "package.json": '{"name":"project","private":true}' });

  const ledger = join(folder, "ledger.jsonl");
  const start: Project["start"] = (command, args, env = {}, options = {}) =>
    spawn(command, args, { cwd: folder, env: { ...withoutRun(process.env), ...env }, ...options });
  const run: Project["run"] = (...given) => ended(start(...given));
  return {
    folder,
    ledger,
    identity: { ENV_ACTIONS_RUN_ID: runId, ENV_ACTIONS_PREFIX: prefix, ENV_ACTIONS_LEDGER: ledger },
    write,
    start,
    run,
    node: (code, env, options) => {
      const type = code.includes("require(") ? "commonjs" : "module";
      return run(process.execPath, [`--input-type=${type}`, "--eval", code], env, options);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, stdout, stderr };
}

/** Without the variables of a run, because env-actions may itself run these tests. */
function withoutRun(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("ENV_ACTIONS_")));
}
