import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { runningProcesses } from "../../src/lib/linux-proc.ts";
import { portState } from "../../src/processes/probes.ts";
import { ServerFailed, type ServerOptions, type ServerSpec } from "../../src/processes/server.ts";

const script = join(import.meta.dirname, "misbehaving-server.mjs");

export function commandFor(kind: string, port: number): string {
  return `"${process.execPath}" "${script}" ${kind} ${port}`;
}

/** A test's own folder, environment and output. `mark` is in the environment of everything that it starts. */
export interface Bench extends AsyncDisposable {
  directory: string;
  env: Record<string, string>;
  lines: string[];
  /** For servers and for commands. */
  options: Omit<ServerOptions, "onLine"> & { onLine: (line: string) => void };
  spec(kind: string, port: number, changes?: Partial<ServerSpec>): ServerSpec;
  /** Processes that still have the mark. */
  left(): number[];
}

export async function bench(): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), "process-"));
  const mark = `bench-${crypto.randomUUID()}`;
  const env = { PATH: process.env.PATH ?? "", TEST_BENCH: mark };
  const lines: string[] = [];
  return {
    directory,
    env,
    lines,
    options: { signal: new AbortController().signal, onLine: (line) => lines.push(line), graceMs: 2_000 },
    spec: (kind, port, changes) => ({
      name: kind,
      command: commandFor(kind, port),
      cwd: directory,
      env,
      ready: { url: `http://localhost:${port}/`, timeoutMs: 15_000 },
      logFile: join(directory, `${kind}.log`),
      ...changes,
    }),
    left: () => runningProcesses(undefined, new RegExp(mark)),
    async [Symbol.asyncDispose]() {
      for (const pid of runningProcesses(undefined, new RegExp(mark))) process.kill(pid, "SIGKILL");
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export async function expectNothingLeft(at: Bench, port: number): Promise<void> {
  expect(at.left()).toEqual([]);
  expect(await portState(port)).toBe("free");
}

export async function failureOf(start: Promise<unknown>): Promise<ServerFailed> {
  const error = await start.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ServerFailed)) throw new Error(`expected ServerFailed, got ${String(error)}`);
  return error;
}
