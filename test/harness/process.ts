import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const repository = join(import.meta.dirname, "..", "..");

/** What people start: from the sources, so that no build is needed. */
export const sources = join(repository, "src", "main.ts");
/** The same, in one bundle that `test/global-setup.ts` makes of them: for tests that start it often. */
export const freshBundle = process.env.FRESH_BUNDLE ?? sources;
/** What people start: as published. `DIST` names the folder of another version. */
export const bundle = join(process.env.DIST ?? join(repository, "dist"), "index.js");
/** The Node that starts the bundle. `DIST_NODE` names another one than that of the tests, such as the oldest that we promise. */
export const distNode = process.env.DIST_NODE ?? process.execPath;

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Start {
  args?: readonly string[];
  cwd?: string;
  /** Beside what every program needs: nothing else of this process's environment is handed on. */
  env?: Record<string, string>;
  /** Then it is killed. */
  deadlineMs?: number;
  during?: (child: ChildProcess) => void;
}

/** Starts env-actions in a process of its own, and waits for its end. */
export async function run(entry: string, { args = [], cwd, env = {}, deadlineMs, during }: Start = {}): Promise<Ended> {
  const { PATH = "", HOME = "", NODE_COMPILE_CACHE = "" } = process.env;
  const child = spawn(entry === bundle ? distNode : process.execPath, [entry, ...args], {
    cwd,
    env: { PATH, HOME, NODE_COMPILE_CACHE, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: deadlineMs,
    killSignal: "SIGKILL",
  });
  during?.(child);
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { status, stdout, stderr };
}

/** The runner's own files, which are there before a step starts. */
export const runnerFiles = { output: "", state: "", summary: "" };

/** The environment that a runner gives a step. @param inputs as a workflow names them */
export function runnerEnvironment(workspace: string, inputs: Record<string, string>): Record<string, string> {
  return {
    GITHUB_ACTIONS: "true",
    GITHUB_WORKSPACE: workspace,
    GITHUB_SHA: "a".repeat(40),
    GITHUB_REPOSITORY: "classwaves/app",
    GITHUB_RUN_ID: "1",
    GITHUB_OUTPUT: join(workspace, "output"),
    GITHUB_STATE: join(workspace, "state"),
    GITHUB_STEP_SUMMARY: join(workspace, "summary"),
    ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
  };
}
