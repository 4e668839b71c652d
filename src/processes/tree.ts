import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { commandOf, descendants, listeners, listensAmong, portsOf, runningProcesses } from "../lib/linux-proc.ts";
import { readOwnCode } from "../lib/own-code.ts";
import { markVariable } from "./own-environment.ts";

/**
 * Exactly this variable: the action passes the mark to its post step in another variable, and the post step must not stop itself.
 */
function carrying(mark: string): RegExp {
  return new RegExp(`(?:^|\\0)${markVariable}=[^\\0]*${mark}`);
}

/** How long the kernel may take to remove processes after SIGKILL. */
const burialMs = 2_000;

export const defaultGraceMs = 5_000;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A shell command with everything it started. */
export interface ProcessTree {
  streams: readonly Readable[];
  /** Resolves when the command itself exits; processes it started may still run. Never rejects. */
  exited: Promise<Exit>;
  /** False only if another process is seen to listen there. True if the system doesn't say. */
  listensOn(port: number): boolean;
  /** All ports on which the tree is seen to listen, ascending; empty if the system doesn't say. */
  ports(): number[];
  /**
   * Stops everything: SIGTERM, then SIGKILL after the grace period. `ended`: nothing was killed. `left`: something survived
   * SIGKILL. Windows has no SIGTERM, so there everything is killed at once.
   */
  end(graceMs: number): Promise<"ended" | "killed" | "left">;
}

interface System {
  /** What can be signalled: processes, or `-pid` for a group whose members are unknown. */
  living(pid: number, mark: string): number[];
  signal(pid: number, targets: number[], signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** False if there was no process to signal. */
function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    // ESRCH: it is gone. EPERM: it now belongs to another user (sudo), or on macOS only zombies are left in the group.
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
    // One by one, because a server may treat a second SIGTERM as a request to exit immediately. SIGKILL also goes to the group,
    // so that nothing can fork in between.
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
      // 128: no such process, so it has exited.
      if (!(error instanceof Error && "code" in error && error.code === 128)) throw error;
    }
  },
};

const system = process.platform === "win32" ? windows : posix;

/** Groups are detached and would outlive us, so they are killed when this process ends for any reason. */
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

/**
 * Resolves once the shell runs. Throws the system's error if there is no shell.
 * @param keepsInput whether its standard input stays open until its end, and this process's; nothing is written to it
 */
export async function spawnTree(
  command: string,
  cwd: string,
  env: Record<string, string>,
  keepsInput = false,
): Promise<ProcessTree> {
  await readOwnCode();
  const mark = randomUUID();
  const marks = [env[markVariable], mark].filter(Boolean).join(",");
  const child = spawn(command, {
    shell: true,
    cwd,
    env: { ...env, [markVariable]: marks },
    detached: process.platform !== "win32",
    stdio: [keepsInput ? "pipe" : "ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  const exited = exitOf(child);
  child.stdin?.on("error", () => undefined);
  await once(child, "spawn");
  const { pid } = child;
  if (pid === undefined) throw new Error(`the command could not be started, the system gave no process id: ${command}`);
  guard(pid);

  return {
    streams: [child.stdout, child.stderr].filter((stream) => stream !== null),
    exited,
    listensOn(port) {
      // The fast check first, because a server waits for this answer: looking at every process takes tens of milliseconds.
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
      // Not before: what ends with its input would otherwise get no signal.
      child.stdin?.destroy();
      if (outcome !== "left") unguard(pid);
      return outcome;
    },
  };
}

/** Sends SIGTERM, and SIGKILL after the grace period. */
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
      // Each process gets one signal, including those forked since the last look.
      const unheard = still.filter((one) => !signalled.has(one));
      if (unheard.length > 0) await send(unheard, signal);
      for (const one of unheard) signalled.add(one);
      await delay(pause);
    }
  };
  if (await waitUntilGone(graceMs, "SIGTERM")) return "ended";
  return (await waitUntilGone(burialMs, "SIGKILL")) ? "killed" : "left";
}

/**
 * Stops processes with this mark whose parent process is gone and could not stop them itself.
 * @returns `none` if none of them runs; `unknown` if the system doesn't say
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

/** The answer is only for a message, which must not wait long. */
const askingMs = 3_000;

/**
 * Describes the process on a port, for a message: `pid 4711 (node server.js)`, or `another process` if the system doesn't say.
 * Never throws: the message is that the port is taken, and this is only a hint.
 */
export async function holderOf(port: number): Promise<string> {
  const holders = (await ask(port)).map(({ pid, command }) => `pid ${pid} (${command || "command unknown"})`);
  return holders.length > 0 ? holders.join(", ") : "another process";
}

export interface Holder {
  pid: number;
  /** Empty if unknown. */
  command: string;
}

async function ask(port: number): Promise<Holder[]> {
  if (process.platform === "linux") return listeners(port).map((pid) => ({ pid, command: commandOf(pid) }));
  if (process.platform === "darwin") return parseLsof(await outputOf("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"]));
  if (process.platform !== "win32") return [];
  const pids = parseNetstat(await outputOf("netstat", ["-ano", "-p", "TCP"]), port);
  return Promise.all(
    pids.map(async (pid) => ({
      pid,
      command: parseTasklist(await outputOf("tasklist", ["/fi", `PID eq ${pid}`, "/fo", "csv", "/nh"])),
    })),
  );
}

/** Empty if the program is missing, finds nothing (lsof then exits with 1), or takes too long. */
async function outputOf(program: string, args: string[]): Promise<string> {
  const run = promisify(execFile)(program, args, { timeout: askingMs, windowsHide: true });
  return run.then(
    ({ stdout }) => stdout,
    () => "",
  );
}

/** `lsof -Fpc`: a line `p<pid>` starts each process, and `c<command>` belongs to it. */
export function parseLsof(output: string): Holder[] {
  const holders: Holder[] = [];
  for (const line of output.split("\n")) {
    const last = holders.at(-1);
    if (/^p\d+$/.test(line)) holders.push({ pid: Number(line.slice(1)), command: "" });
    else if (line.startsWith("c") && last) last.command = line.slice(1);
  }
  return holders;
}

/**
 * `netstat -ano`: `TCP 0.0.0.0:3000 0.0.0.0:0 LISTENING 4711`. The state is localised, so the empty remote address decides.
 */
export function parseNetstat(output: string, port: number): number[] {
  const pids = output.split("\n").flatMap((line) => {
    const [protocol, local, remote, , pid] = line.trim().split(/\s+/);
    const listens = protocol === "TCP" && local?.endsWith(`:${port}`) && remote?.endsWith(":0");
    return listens && pid ? [Number(pid)] : [];
  });
  return [...new Set(pids)];
}

/** `tasklist /fo csv /nh`: `"node.exe","4711","Console","1","40,000 K"`. */
export function parseTasklist(output: string): string {
  return /^"([^"]+)","\d+"/m.exec(output)?.[1] ?? "";
}
