import { type ChildProcess, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { loadavg, setPriority } from "node:os";
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

/** @returns the port from the process's output */
export async function portOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("the server's output is not read");
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /listening on port (\d+)/.exec(line)?.[1];
    if (port) return port;
  }
  throw new Error("a server ended before it listened");
}
