import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { descendants, listeners, listensAmong, portsOf, runningProcesses } from "../lib/linux-proc.ts";

/**
 * The one variable added to the given environment. A process that leaves its group (a daemon) still carries it, and so is still
 * known as ours. Runs may stand inside runs, so it is a list.
 */
const markVariable = "ENV_ACTIONS_PROCESS";

/** Nothing but that variable: the action keeps the mark for its post step in another, which must not end itself. */
function carrying(mark: string): RegExp {
  return new RegExp(`(?:^|\\0)${markVariable}=[^\\0]*${mark}`);
}

/** How long after SIGKILL the kernel may take to bury them. */
const burialMs = 2_000;

export const defaultGraceMs = 5_000;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A shell command with everything that it started. */
export interface ProcessTree {
  streams: readonly Readable[];
  /** Resolves when the command itself ended; what it started may live on. Never rejects. */
  exited: Promise<Exit>;
  /** False only when somebody else is seen to listen there; where the system does not tell, it is true. */
  listensOn(port: number): boolean;
  /** Every port where any of it is seen to listen, ascending; empty where the system does not tell. */
  ports(): number[];
  /**
   * Ends all of it: SIGTERM, after the grace SIGKILL. `ended`: nothing had to be killed. `left`: something lives on that even
   * SIGKILL did not end. Where Windows has no SIGTERM, everything is killed at once.
   */
  end(graceMs: number): Promise<"ended" | "killed" | "left">;
}

interface System {
  /** What can be told apart and signalled: processes, or `-pid` for a group whose members are not known. */
  living(pid: number, mark: string): number[];
  signal(pid: number, targets: number[], signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** False when there was nobody to signal. */
function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    // ESRCH: it is gone. EPERM: it belongs to somebody else now (sudo), or on macOS only zombies are left of the group.
    if (isErrno(error, "ESRCH", "EPERM")) return false;
    throw error;
  }
}

const posix: System = {
  living: (pid, mark) => {
    if (process.platform === "linux") return runningProcesses(pid, carrying(mark));
    return signalProcess(-pid, 0) ? [-pid] : [];
  },
  async signal(pid, targets, signal) {
    // One by one: a server that hears SIGTERM twice may take the second for impatience. SIGKILL goes to the group as well, which
    // leaves no moment to fork in.
    for (const target of targets) signalProcess(target, signal);
    if (signal === "SIGKILL") signalProcess(-pid, signal);
  },
};

const windows: System = {
  living: (pid) => (signalProcess(pid, 0) ? [pid] : []),
  async signal(pid) {
    try {
      await promisify(execFile)("taskkill", ["/pid", String(pid), "/t", "/f"]);
    } catch (error) {
      // 128: no such process, so it ended by itself.
      if (!(error instanceof Error && "code" in error && error.code === 128)) throw error;
    }
  },
};

const system = process.platform === "win32" ? windows : posix;

/** Groups outlive us, because they are detached: whatever ends this process, they go first. */
const guarded = new Set<number>();

function guard(pid: number): void {
  if (process.platform === "win32") return;
  if (guarded.size === 0) process.on("exit", killGuarded);
  guarded.add(pid);
}

function unguard(pid: number): void {
  guarded.delete(pid);
  if (guarded.size === 0) process.off("exit", killGuarded);
}

function killGuarded(): void {
  for (const pid of guarded) signalProcess(-pid, "SIGKILL");
}

/** Resolves once the shell runs. Throws the system's error when there is no shell. */
export async function spawnTree(command: string, cwd: string, env: Record<string, string>): Promise<ProcessTree> {
  const mark = randomUUID();
  const marks = [env[markVariable], mark].filter(Boolean).join(",");
  const child = spawn(command, {
    shell: true,
    cwd,
    env: { ...env, [markVariable]: marks },
    detached: process.platform !== "win32",
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  const exited = exitOf(child);
  await once(child, "spawn");
  const { pid } = child;
  if (pid === undefined) throw new Error(`the command could not be started, the system gave no process id: ${command}`);
  guard(pid);

  return {
    streams: [child.stdout, child.stderr].filter((stream) => stream !== null),
    exited,
    listensOn(port) {
      // The short way first, because a server waits for this answer: looking at every process takes tens of milliseconds.
      if (listensAmong(descendants(pid), port)) return true;
      const others = listeners(port);
      return others.length === 0 || system.living(pid, mark).some((one) => others.includes(one));
    },
    ports: () => portsOf(system.living(pid, mark)),
    async end(graceMs) {
      const outcome = await endAll(
        () => system.living(pid, mark),
        (unheard, signal) => system.signal(pid, unheard, signal),
        graceMs,
      );
      if (outcome !== "left") unguard(pid);
      return outcome;
    },
  };
}

/** Asks them to end, and after the grace ends them. */
async function endAll(
  living: () => number[],
  send: (targets: number[], signal: "SIGTERM" | "SIGKILL") => Promise<void>,
  graceMs: number,
): Promise<"ended" | "killed" | "left"> {
  const waitUntilGone = async (withinMs: number, signal: "SIGTERM" | "SIGKILL"): Promise<boolean> => {
    const deadline = performance.now() + withinMs;
    const signalled = new Set<number>();
    for (let pause = 5; ; pause = Math.min(pause * 2, 50)) {
      const still = living();
      if (still.length === 0) return true;
      if (performance.now() >= deadline) return false;
      // Each process hears it once, also one that was forked since the last look.
      const unheard = still.filter((one) => !signalled.has(one));
      if (unheard.length > 0) await send(unheard, signal);
      for (const one of unheard) signalled.add(one);
      await delay(pause);
    }
  };
  if (await waitUntilGone(graceMs, "SIGTERM")) return "ended";
  return (await waitUntilGone(burialMs, "SIGKILL")) ? "killed" : "left";
}

/** The environment with a mark of its own, by which whatever is started with it is found again, also by another process. */
export function withProcessMark(env: NodeJS.ProcessEnv, mark: string): NodeJS.ProcessEnv {
  return { ...env, [markVariable]: [env[markVariable], mark].filter(Boolean).join(",") };
}

/**
 * Ends what was started with that mark by a process that is gone, which could not end it any more.
 * @returns `none` where nothing of it runs; `unknown` where the system does not tell
 */
export async function endMarkedProcesses(
  mark: string,
  graceMs = defaultGraceMs,
): Promise<"none" | "ended" | "killed" | "left" | "unknown"> {
  if (process.platform !== "linux") return "unknown";
  const living = () => runningProcesses(undefined, carrying(mark));
  if (living().length === 0) return "none";
  const send = async (targets: number[], signal: "SIGTERM" | "SIGKILL") => {
    for (const target of targets) signalProcess(target, signal);
  };
  return await endAll(living, send, graceMs);
}

function exitOf(child: ChildProcess): Promise<Exit> {
  const { promise, resolve } = Promise.withResolvers<Exit>();
  child.once("exit", (code, signal) => resolve({ code, signal }));
  return promise;
}
