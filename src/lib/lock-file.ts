import { randomUUID } from "node:crypto";
import { link, readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { pidNamespace, startOf } from "./linux-proc.ts";

/** A process. `start` and `place` tell it from a later one with the same number, here or in another container. */
export interface ProcessName {
  pid: number;
  start: string;
  place: string;
}

/** Who holds a lock. */
interface Holder extends ProcessName {
  /** One taking of a lock, and no other. */
  taking: string;
}

/** Nobody can ask a process on another machine. A lock is held for one write, so one as old as this has lost its holder. */
const foreignLockMs = 60_000;
const longestPauseMs = 20;

const place = `${hostname()} ${process.platform === "linux" ? pidNamespace() : ""}`;
let ownStart: string | undefined;

/**
 * Takes a lock that other processes respect: a file that only one can make, and that names its holder. A lock whose holder has died
 * is taken over.
 * @returns gives the lock back
 * @throws Error when the lock cannot be had within the time; its message names the holder
 */
export async function takeLock(path: string, withinMs: number): Promise<() => Promise<void>> {
  return await take(path, performance.now() + withinMs);
}

async function take(path: string, deadline: number): Promise<() => Promise<void>> {
  for (;;) {
    if (await made(path)) return () => rm(path, { force: true });
    const holder = await readHolder(path);
    if (holder !== undefined && (await hasDied(path, holder))) await clear(path, holder, deadline);
    else if (performance.now() >= deadline)
      throw new Error(
        `${path} is locked by ${holder?.pid ? `process ${holder.pid}` : "an unknown process"}, and was not released in time`,
      );
    // By chance, so that many who wait do not all come at once, again and again.
    else await delay(1 + Math.random() * longestPauseMs);
  }
}

/** File systems without links, such as exFAT, say so in one of these ways. */
const noLinks = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/** Linked, not written: so it names its holder from its first moment, whenever the one who makes it is killed. */
async function made(path: string): Promise<boolean> {
  const holder: Holder = { ...thisProcess(), taking: randomUUID() };
  const text = JSON.stringify(holder);
  const draft = `${path}.${holder.taking}`;
  try {
    await writeFile(draft, text, { flag: "wx" });
    await link(draft, path).catch(async (error: NodeJS.ErrnoException) => {
      if (!noLinks.has(error.code ?? "")) throw error;
      await writeFile(path, text, { flag: "wx" });
    });
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    // Without the draft's name, which is another each time: one reason must read as one.
    throw new Error(`${path} could not be created: ${code ?? message}`, { cause: error });
  } finally {
    await rm(draft, { force: true });
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const { pid, start, place, taking } = JSON.parse(await readFile(path, "utf8")) as Partial<Holder>;
    return { pid: Number(pid), start: String(start), place: String(place), taking: String(taking) };
  } catch (error) {
    // Half written, or not ours: nobody can be asked, and its age decides.
    if (error instanceof SyntaxError) return { pid: 0, start: "", place: "", taking: "" };
    // Given back in this moment.
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

/** Not by its number alone: a process in another container may have the same. */
export function isThisProcess({ pid, start, place: where }: ProcessName): boolean {
  const own = thisProcess();
  return pid === own.pid && start === own.start && where === own.place;
}

/** Whether that process still runs; undefined where nobody here can tell: it is on another machine, or in another container. */
export function isAlive(named: ProcessName): boolean | undefined {
  if (named.place !== place) return undefined;
  const start = process.platform === "linux" ? startOf(named.pid) : undefined;
  if (start !== undefined) return start === named.start;
  const there = answers(named.pid);
  // Somebody else's, whom /proc may hide: as good as on another machine.
  if (there === "denied") return undefined;
  // One that has ended and was not fetched yet still answers.
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

/** One at a time: else the slower of two would remove the lock that the faster has already taken anew. */
async function clear(path: string, dead: Holder, deadline: number): Promise<void> {
  const done = await take(`${path}.clearing`, deadline);
  try {
    if ((await readHolder(path))?.taking === dead.taking) await rm(path, { force: true });
  } finally {
    await done();
  }
}
