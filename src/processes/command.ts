import { stat } from "node:fs/promises";
import type { CommandReport } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { type CapturedOutput, captureOutput, type OutputOptions, openLog } from "./output.ts";
import { watchSilence } from "./ready.ts";
import { defaultGraceMs, type ProcessTree, spawnTree } from "./tree.ts";

export interface CommandSpec {
  /** Run by the system's shell. */
  command: string;
  cwd: string;
  /** The whole environment of the command. */
  env: Record<string, string>;
  logFile: string;
}

export interface CommandOptions extends OutputOptions {
  /** Aborted at the deadline (with a TimeoutError, as from AbortSignal.timeout) or when the run is cancelled. */
  signal: AbortSignal;
  /** The time between SIGTERM and SIGKILL. */
  graceMs?: number;
  /** Called after every further `quietMs` without output, with the milliseconds since the last line. */
  onQuiet?: (sinceMs: number) => void;
  quietMs?: number;
}

/** On a runner, a log that is silent for longer looks like one that hangs. */
const defaultQuietMs = 60_000;

/**
 * Runs a command to its end, and stops everything it left running. A command that was stopped early has no exit status of its
 * own, even if it answered our SIGTERM with exit 0: `exitCode` is null and `signal` is the one we sent.
 *
 * Never throws for an exit status.
 * @throws UserError if `cwd` doesn't exist
 */
export async function runCommand(
  spec: CommandSpec,
  { onQuiet = () => undefined, quietMs = defaultQuietMs, ...options }: CommandOptions,
): Promise<CommandReport> {
  const startedAt = performance.now();
  if (options.signal.aborted) {
    const tail = ["(not started: the run was cancelled, or its time was already used up)"];
    return { ...cutShort(spec, options.signal, startedAt, tail), signal: null };
  }

  const quiet = watchSilence(quietMs, onQuiet);
  const onLine = (line: string) => {
    quiet.heard();
    options.onLine(line);
  };
  try {
    return await runToEnd(spec, { ...options, onLine }, startedAt);
  } finally {
    quiet.stop();
  }
}

async function runToEnd(
  spec: CommandSpec,
  { signal, graceMs = defaultGraceMs, ...options }: CommandOptions,
  startedAt: number,
): Promise<CommandReport> {
  const { tree, output } = await launch(spec, options);
  const aborted = Promise.withResolvers<"aborted">();
  const abort = () => aborted.resolve("aborted");
  signal.addEventListener("abort", abort, { once: true });
  // The signal may have aborted while the shell started; then no event comes.
  if (signal.aborted) abort();

  const exit = await Promise.race([tree.exited, aborted.promise]);
  signal.removeEventListener("abort", abort);
  await tree.end(graceMs);
  await output.close();

  if (exit === "aborted") return { ...cutShort(spec, signal, startedAt, output.tail()), log: spec.logFile };
  const report: CommandReport = {
    command: spec.command,
    exitCode: exit.code,
    signal: exit.signal,
    timedOut: false,
    durationMs: Math.round(performance.now() - startedAt),
    log: spec.logFile,
  };
  return exit.code === 0 ? report : { ...report, tail: output.tail() };
}

function cutShort(spec: CommandSpec, signal: AbortSignal, startedAt: number, tail: string[]): CommandReport {
  return {
    command: spec.command,
    exitCode: null,
    signal: "SIGTERM",
    timedOut: signal.reason instanceof DOMException && signal.reason.name === "TimeoutError",
    durationMs: Math.round(performance.now() - startedAt),
    tail,
  };
}

export interface Launch {
  /** Run by the system's shell. */
  command: string;
  cwd: string;
  /** The whole environment. The suite adds only one variable, which marks its processes. */
  env: Record<string, string>;
  /** Overwritten; missing folders are created. */
  logFile: string;
  /**
   * Whether its standard input stays open until it is ended: many servers and watchers end when it does. Otherwise it is empty, so
   * that a command which asks something doesn't wait for an answer.
   */
  keepsInput?: boolean;
}

/** Starts a command and captures its output from the first byte. @throws UserError if `cwd` is not a folder */
export async function launch(
  { command, cwd, env, logFile, keepsInput = false }: Launch,
  options: OutputOptions,
): Promise<{ tree: ProcessTree; output: CapturedOutput }> {
  await requireDirectory(cwd);
  const log = await openLog(logFile);
  try {
    const tree = await spawnTree(command, cwd, env, keepsInput);
    return { tree, output: captureOutput(tree.streams, log, options) };
  } catch (error) {
    await log.file.close();
    throw error;
  }
}

async function requireDirectory(path: string): Promise<void> {
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch (error) {
    const missing = error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
    if (!missing) throw error;
  }
  throw new UserError(
    "EA5004",
    `the working directory ${path} does not exist: correct workingDirectory, or create the folder first`,
  );
}
