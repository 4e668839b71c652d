import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { freePort } from "../harness/free-port.ts";

const runDeadlineMs = 180_000;

export interface WorkflowRun {
  act: string;
  /** A git repository with the workflow. */
  workspace: string;
  /** `.github/workflows/<name>` in it. */
  workflow: string;
  /** `owner/name@ref` → the folder that stands for it. */
  repositories: Record<string, string>;
  env?: Record<string, string>;
  /** `secrets.X` in the workflow; act masks them in the log, as GitHub does. */
  secrets?: Record<string, string>;
  /** What GitHub would say of the event; a push without anything to say if left out. */
  event?: { name: "push" | "pull_request"; payload: object };
  /** Gets act itself when it has started. */
  during?: (child: ChildProcess) => void;
  /** An empty folder for act's own files and the artifacts; the caller removes it. */
  scratch: string;
}

export interface Finished {
  exitCode: number | null;
  output: string;
}

/** Runs the workflow in host mode: no Docker, the node on our PATH. */
export async function runWorkflow(workflowRun: WorkflowRun): Promise<Finished> {
  const { act, workspace, workflow, repositories, env = {}, secrets = {}, scratch } = workflowRun;
  const { event = { name: "push", payload: {} }, during } = workflowRun;
  const folder = (name: string) => join(scratch, name);
  // In a file, not in the arguments, which every process may read. JSON is YAML.
  const given = (name: string, values: object) => {
    const file = folder(`${name}.yml`);
    writeFileSync(file, JSON.stringify(values));
    return file;
  };
  const artifacts = folder("artifacts");
  // act's artifact server fails on a run that has no folder yet, where GitHub answers with an empty list.
  mkdirSync(join(artifacts, "1"), { recursive: true });
  const { PATH = "", HOME = scratch } = process.env;
  const args = [
    [
      event.name,
      "--eventpath",
      given("event", event.payload),
      "--workflows",
      join(".github", "workflows", workflow),
      "--platform",
      "ubuntu-latest=-self-hosted",
    ],
    ["--artifact-server-path", artifacts],
    ["--artifact-server-addr", "127.0.0.1", "--artifact-server-port", String(await freePort())],
    ["--action-cache-path", folder("actions"), "--no-cache-server", "--action-offline-mode", "--pull=false"],
    ["--env-file", given("env", env), "--secret-file", given("secrets", secrets)],
    ["--var-file", given("vars", {}), "--input-file", given("inputs", {})],
    Object.entries(repositories).flatMap(([name, place]) => ["--local-repository", `${name}=${place}`]),
  ].flat();
  return await run(act, args, {
    cwd: workspace,
    // Only what a runner would have: nothing of this shell may help the action.
    env: {
      PATH: `${join(process.execPath, "..")}${delimiter}${PATH}`,
      HOME,
      XDG_CONFIG_HOME: folder("config"),
    },
    deadlineMs: runDeadlineMs,
    ...(during ? { during } : {}),
  });
}

interface RunOptions {
  cwd?: string;
  env: NodeJS.ProcessEnv;
  deadlineMs: number;
  during?: (child: ChildProcess) => void;
}

async function run(program: string, args: readonly string[], { cwd, env, deadlineMs, during }: RunOptions): Promise<Finished> {
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  during?.(child);
  const deadline = setTimeout(() => {
    output += `\nstopped: not finished after ${deadlineMs / 1000} s\n`;
    stopGroup(child);
  }, deadlineMs);
  try {
    return await new Promise<Finished>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exitCode) => resolve({ exitCode, output }));
    });
  } finally {
    clearTimeout(deadline);
  }
}

/** act's steps are its children, and must go with it. */
function stopGroup(child: ChildProcess): void {
  if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
}
