import { dirname } from "node:path";
import { takeLock } from "./lock-file.ts";
import { makeOwnDirectory, readOwn, writeOwn } from "./plain-file.ts";
import { redacted } from "./redaction/redactor.ts";
import type { z } from "./zod.ts";

/** A small JSON file that keeps state between runs; on a runner, the cache carries it over. */
export interface StateFile<State> {
  /** The content; undefined if the file doesn't exist. @throws Error if it cannot be understood */
  read(): Promise<State | undefined>;
  /** Atomic and on disk when it resolves: readers see the old state or the new one. */
  write(state: State): Promise<void>;
}

/**
 * Runs `work` while no other process can use the state file.
 * @throws Error when the lock cannot be taken in time, and whatever `work` throws
 */
export async function withStateFile<State, Result>(
  options: { path: string; schema: z.ZodType<State>; lockWithinMs: number; redact: (text: string) => string },
  work: (file: StateFile<State>) => Promise<Result>,
): Promise<Result> {
  const { path, schema, lockWithinMs, redact } = options;
  await makeOwnDirectory(dirname(path));
  const unlock = await takeLock(`${path}.lock`, lockWithinMs);
  try {
    return await work({
      read: () => readState(path, schema),
      write: (state) => writeOwn(path, `${JSON.stringify(redacted(state, redact), undefined, 2)}\n`, { sync: true }),
    });
  } finally {
    await unlock();
  }
}

async function readState<State>(path: string, schema: z.ZodType<State>): Promise<State | undefined> {
  let text: string;
  try {
    text = (await readOwn(path)).toString("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${path} cannot be read: it is not JSON of env-actions`, { cause: error });
  }
}
