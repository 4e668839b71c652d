import { type ChildProcess, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { loadavg, setPriority } from "node:os";
import { createInterface } from "node:readline";

/** Moments of the processors since the machine started, in the kernel's ticks; `undefined` where the system does not tell. */
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
 * Begins to watch how much of this machine's processors its host gives to others: what is slow then says nothing about what is measured.
 * @returns when called, their share so far, 0 to 1; 0 where the system does not tell
 */
export function watchHost(): () => number {
  const before = ticks();
  return () => {
    const now = ticks();
    return before && now && now.all > before.all ? (now.stolen - before.stolen) / (now.all - before.all) : 0;
  };
}

/**
 * A server that has a machine of its own in a workspace, or somebody who watches: it gets a processor as soon as it wants one.
 * @returns false where it gets none: latencies hold this machine's own delays then
 */
export function prefer(pid: number): boolean {
  try {
    // Of the real-time kind: by a better nice value alone others keep the processor for whole milliseconds.
    execFileSync("chrt", ["--all-tasks", "--rr", "--pid", "1", String(pid)], { stdio: "ignore" });
    return true;
  } catch {
    // No util-linux here, or no right to do so.
  }
  try {
    setPriority(pid, -10);
  } catch {
    // Nor to this.
  }
  return false;
}

export function load(): string {
  return (loadavg()[0] ?? Number.NaN).toFixed(2);
}

/** @returns the port that the process says it listens on */
export async function portOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("the server's output is not read");
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /listening on port (\d+)/.exec(line)?.[1];
    if (port) return port;
  }
  throw new Error("a server ended before it listened");
}
