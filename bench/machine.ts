import { type ChildProcess, execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, setPriority, totalmem } from "node:os";
import { createInterface } from "node:readline";

/** CPU time since the machine started, in kernel ticks; `undefined` if the system doesn't report it. */
interface Ticks {
  all: number;
  stolen: number;
}

function ticks(): Ticks | undefined {
  let line: string | undefined;
  try {
    [line] = readFileSync("/proc/stat", "utf8").split("\n");
  } catch {
    return undefined;
  }
  const figures = line?.split(/ +/).slice(1, 9).map(Number) ?? [];
  return figures.length < 8 ? undefined : { all: figures.reduce((sum, figure) => sum + figure, 0), stolen: figures[7] ?? 0 };
}

/**
 * Starts to measure how much CPU time the host takes from this machine. Measurements taken while it is high are worthless.
 * @returns a function for the share so far, 0 to 1; 0 if the system doesn't report it
 */
export function watchHost(): () => number {
  const before = ticks();
  return () => {
    const now = ticks();
    return before && now && now.all > before.all ? (now.stolen - before.stolen) / (now.all - before.all) : 0;
  };
}

/**
 * For a process that would have a machine of its own in a workspace, or that takes measurements: it gets a CPU as soon as it
 * needs one.
 * @returns false if this isn't possible; then latencies include this machine's own delays
 */
export function prefer(pid: number): boolean {
  try {
    // Real-time scheduling: with only a better nice value, other processes keep the CPU for whole milliseconds.
    execFileSync("chrt", ["--all-tasks", "--rr", "--pid", "1", String(pid)], { stdio: "ignore" });
    return true;
  } catch {
    // util-linux is missing, or the permission is.
  }
  try {
    setPriority(pid, -10);
  } catch {
    // The same.
  }
  return false;
}

export function load(): string {
  return (loadavg()[0] ?? Number.NaN).toFixed(2);
}

/** Processor, cores, memory, system and node, as words. */
export function machine(): string {
  const [model, cores] = [cpus()[0]?.model.trim() ?? "unknown processor", cpus().length];
  return `${model}, ${cores} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB memory, ${process.platform}, node ${process.version}`;
}

export interface ProcessCost {
  /** CPU time of the whole process, in milliseconds. Other load on the machine hardly changes it. */
  ms: number;
  /** The most memory at any time. Only of node. */
  megabytes: number;
}

/** Prints the most memory of the process to its file 3 when it ends. */
const memoryReporter = `data:text/javascript,${encodeURIComponent('import{writeSync}from"node:fs";process.on("exit",()=>writeSync(3,String(process.resourceUsage().maxRSS)))')}`;

/**
 * Runs a program to its end, and throws its output away. `node` is this node.
 * @throws Error if it fails, because then something else was measured
 */
export function costOf(program: string, args: readonly string[], cwd: string): ProcessCost {
  const command = program === "node" ? [process.execPath, "--import", memoryReporter, ...args] : [program, ...args];
  // Bash measures CPU time in milliseconds; node knows it of itself only.
  const timed = ["-c", 'TIMEFORMAT="%U %S"; time "$@" >/dev/null', "bash", ...command];
  const { status, signal, output } = spawnSync("bash", timed, {
    cwd,
    encoding: "utf8",
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  const [, , errors = "", memory = ""] = output ?? [];
  const [user, system] = (errors ?? "").trim().split("\n").at(-1)?.split(" ").map(Number) ?? [];
  if (status !== 0 || user === undefined || system === undefined)
    throw new Error(`${program} ${args.join(" ")} ended with ${status ?? signal}: ${errors}`);
  return { ms: 1_000 * (user + system), megabytes: Number(memory) / 1_024 };
}

/** @returns the port from the process's output */
export async function portOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("the server's output is not read");
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /listening on port (\d+)/.exec(line)?.[1];
    if (port) return port;
  }
  throw new Error("a server ended before it listened");
}
