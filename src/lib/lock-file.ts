import { randomUUID } from "node:crypto";
import { linkSync, rmSync, writeFileSync } from "node:fs";
import { readFile, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { pidNamespace, startOf } from "./linux-proc.ts";

/**
 * Identifies a process. `start` and `place` distinguish it from a later process with the same pid, here or in another container.
 */
export interface ProcessName {
  pid: number;
  start: string;
  place: string;
}

/** The process that holds a lock. */
interface Holder extends ProcessName {
  /** Unique for each time the lock is taken. */
  taking: string;
}

/** A process on another machine cannot be checked. Locks are held for one write only, so an older one has lost its holder. */
const foreignLockMs = 60_000;
const longestPauseMs = 20;

const place = `${hostname()} ${process.platform === "linux" ? pidNamespace() : ""}`;
let ownStart: string | undefined;

/**
 * Takes a lock between processes: a file that only one process can create and that names its holder. A lock whose holder has died
 * is taken over.
 * @returns a function that releases the lock
 * @throws Error when the lock cannot be taken in time; the message names the holder
 */
export async function takeLock(path: string, withinMs: number): Promise<() => Promise<void>> {
  return await take(path, performance.now() + withinMs);
}

async function take(path: string, deadline: number): Promise<() => Promise<void>> {
  for (;;) {
    if (made(path)) return async () => rmSync(path, { force: true });
    const holder = await readHolder(path);
    if (holder !== undefined && (await hasDied(path, holder))) await clear(path, holder, deadline);
    else if (performance.now() >= deadline)
      throw new Error(
        `${path} is locked by ${holder?.pid ? `process ${holder.pid}` : "an unknown process"}, and was not released in time`,
      );
    // A random delay, so that waiting processes don't all retry at the same time.
    else await delay(1 + Math.random() * longestPauseMs);
  }
}

/** Errors of file systems without hard links, such as exFAT. */
const noLinks = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/** At once, as a file of a few bytes. Created with a link, not a write, so the lock names its holder from the first moment, even if its creator is killed. */
function made(path: string): boolean {
  const holder: Holder = { ...thisProcess(), taking: randomUUID() };
  const text = JSON.stringify(holder);
  const draft = `${path}.${holder.taking}`;
  try {
    writeFileSync(draft, text, { flag: "wx" });
    linkOrWrite(draft, path, text);
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    // Leaves out the draft's random name, so that the same cause always gives the same message.
    throw new Error(`${path} could not be created: ${code ?? message}`, { cause: error });
  } finally {
    rmSync(draft, { force: true });
  }
}

function linkOrWrite(draft: string, path: string, text: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!noLinks.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    writeFileSync(path, text, { flag: "wx" });
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const { pid, start, place, taking } = JSON.parse(await readFile(path, "utf8")) as Partial<Holder>;
    return { pid: Number(pid), start: String(start), place: String(place), taking: String(taking) };
  } catch (error) {
    // Half written, or not a lock of ours: no holder is known, so its age decides.
    if (error instanceof SyntaxError) return { pid: 0, start: "", place: "", taking: "" };
    // Released just now.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function hasDied(path: string, holder: Holder): Promise<boolean> {
  const lives = isAlive(holder);
  return lives === undefined ? Date.now() - ((await modified(path)) ?? Date.now()) > foreignLockMs : !lives;
}

export function thisProcess(): ProcessName {
  ownStart ??= startOf(process.pid) ?? "";
  return { pid: process.pid, start: ownStart, place };
}

/** The pid alone is not enough: a process in another container can have the same. */
export function isThisProcess({ pid, start, place: where }: ProcessName): boolean {
  const own = thisProcess();
  return pid === own.pid && start === own.start && where === own.place;
}

/** Whether the process still runs. Undefined if we cannot know: it is on another machine or in another container. */
export function isAlive(named: ProcessName): boolean | undefined {
  if (named.place !== place) return undefined;
  const start = process.platform === "linux" ? startOf(named.pid) : undefined;
  if (start !== undefined) return start === named.start;
  const there = answers(named.pid);
  // The process belongs to another user, and /proc may hide it. Treat it like one on another machine.
  if (there === "denied") return undefined;
  // A zombie still answers to signals.
  return process.platform !== "linux" && there;
}

function answers(pid: number): boolean | "denied" {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EPERM" ? "denied" : code !== "ESRCH";
  }
}

async function modified(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** One process at a time. Otherwise the slower of two would remove the lock that the faster one has just taken. */
async function clear(path: string, dead: Holder, deadline: number): Promise<void> {
  const done = await take(`${path}.clearing`, deadline);
  try {
    if ((await readHolder(path))?.taking === dead.taking) await rm(path, { force: true });
  } finally {
    await done();
  }
}
