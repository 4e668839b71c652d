import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorText } from "../../lib/error-text.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import { takeLock } from "../../lib/lock-file.ts";
import { makePlainDirectory, readPlain, writeOwn } from "../../lib/plain-file.ts";
import type { HistoryRecord } from "../../model/history.ts";
import {
  claimPath,
  claimsFolder,
  dayName,
  endOfDay,
  endOfMonth,
  monthFile,
  monthName,
  monthsFolder,
  nameOf,
  readRecordName,
  recordPath,
  recordsFolder,
} from "./layout.ts";
import { addTo, inOrder, readMonth, writeMonth } from "./months.ts";
import {
  type Claim,
  type Compaction,
  type CompactionRules,
  type FoundRecords,
  HistoryFailure,
  type HistoryStore,
  type HistorySubject,
} from "./store.ts";

/** A share on the network takes milliseconds for each file. */
const atOnce = 8;

/** One process at a time joins records. It takes seconds. */
const lockWithinMs = 30_000;

/**
 * A folder of the workspace, or one that all jobs reach. Each record is a file that appears whole under its name.
 * @param folder absolute
 * @param root an existing folder in which it is, below which nothing may be a link
 */
export function folderStore(folder: string, root: string): HistoryStore {
  const place = `the folder ${folder}`;
  const files = new Files(folder, root);
  /** @throws HistoryFailure */
  const guarded = async <Result>(what: string, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      throw new HistoryFailure("EA8101", `${what} ${place}: ${errorText(error)}`, error);
    }
  };
  return {
    place,
    add: (record) => guarded("the history could not be written to", () => files.add(record)),
    recent: (of, most) => guarded("the history could not be read from", () => files.recent(of, most)),
    all: () => guarded("the history could not be read from", () => files.all()),
    claim: (key, claim) => guarded("nothing could be claimed in", () => files.claim(key, claim)),
    compact: (rules) => guarded("records could not be joined in", () => files.compact(rules)),
  };
}

class Files {
  readonly #folder: string;
  readonly #root: string;

  constructor(folder: string, root: string) {
    this.#folder = folder;
    this.#root = root;
  }

  async add(record: HistoryRecord): Promise<void> {
    const path = join(this.#folder, recordPath(nameOf(record)));
    if ((await this.#read(path)) !== undefined) return;
    await writeOwn(path, `${JSON.stringify(record)}\n`, { root: this.#root });
  }

  async recent({ environment, stage }: HistorySubject, most: number): Promise<FoundRecords> {
    const found: FoundRecords = { records: [], unreadable: [] };
    for (const day of (await this.#days()).reverse()) {
      const names = (await this.#namesIn(found, join(recordsFolder, day))).filter((name) => {
        const read = readRecordName(name);
        return read?.environment === environment && read.stage === stage;
      });
      const paths = names.reverse().map((name) => join(recordsFolder, day, name));
      // No more than are needed, but for those that turn out to be unreadable.
      for (let at = 0; at < paths.length && found.records.length < most; ) {
        const next = paths.slice(at, at + most - found.records.length);
        at += next.length;
        await this.#addFiles(found, next);
      }
      if (found.records.length >= most) break;
    }
    if (found.records.length < most) {
      for (const month of (await this.#months()).reverse()) {
        const read = await this.#month(month);
        const wanted = read.records.filter((record) => record.stage === stage && record.environment.name === environment);
        found.records.push(...wanted);
        found.unreadable.push(...read.unreadable);
        if (inOrder(found.records).length >= most) break;
      }
    }
    return { ...found, records: inOrder(found.records).slice(-most) };
  }

  async all(): Promise<FoundRecords> {
    const found: FoundRecords = { records: [], unreadable: [] };
    // In this order, whoever joins records at the same time hides none.
    for (const day of await this.#days())
      for (const name of await this.#namesIn(found, join(recordsFolder, day)))
        if (readRecordName(name)) await this.#addFile(found, join(recordsFolder, day, name));
        else if (/^[^.].*\.json$/.test(name))
          found.unreadable.push({ name: join(recordsFolder, day, name), why: "it is not called as a record is" });
    for (const month of await this.#months()) {
      const read = await this.#month(month);
      for (const record of read.records) found.records.push(record);
      found.unreadable.push(...read.unreadable);
    }
    return { ...found, records: inOrder(found.records) };
  }

  async claim(key: string, claim: Claim): Promise<{ claimed: true } | { claimed: false; by: Claim }> {
    await makePlainDirectory(this.#root, join(this.#folder, claimsFolder));
    const path = join(this.#folder, claimPath(key));
    const unlock = await takeLock(`${path}.lock`, lockWithinMs);
    try {
      const text = await this.#read(path);
      if (text !== undefined) return { claimed: false, by: JSON.parse(text) as Claim };
      await writeOwn(path, `${JSON.stringify(claim)}\n`, { root: this.#root, sync: true });
      return { claimed: true };
    } finally {
      await unlock();
    }
  }

  async compact({ joinBefore, removeBefore }: CompactionRules): Promise<Compaction> {
    await makePlainDirectory(this.#root, this.#folder);
    const unlock = await takeLock(join(this.#folder, "compaction.lock"), lockWithinMs);
    try {
      const closed = (await this.#days()).filter((day) => endOfDay(day) <= joinBefore);
      let joined = 0;
      for (const month of new Set(closed.map((day) => day.slice(0, 7))))
        joined += await this.#join(
          month,
          closed.filter((day) => day.startsWith(month)),
        );
      let removed = 0;
      for (const month of await this.#months()) {
        if (endOfMonth(month) > removeBefore) continue;
        removed += (await this.#month(month)).records.length;
        await rm(join(this.#folder, monthsFolder, `${month}.jsonl.gz`), { force: true });
      }
      return { joined, removed };
    } finally {
      await unlock();
    }
  }

  /** Writes the month with its records before it removes them, so that each is in one of both at any moment. */
  async #join(month: string, days: readonly string[]): Promise<number> {
    const known = await this.#month(month);
    // A month that can't be read would be lost.
    if (known.unreadable.length > 0) throw new Error(`${known.unreadable[0]?.name}: ${known.unreadable[0]?.why}`);
    const found: FoundRecords = { records: [], unreadable: [] };
    const read: string[] = [];
    for (const day of days)
      for (const name of await this.#names(join(recordsFolder, day))) {
        if (!readRecordName(name)) continue;
        const [before, path] = [found.records.length, join(recordsFolder, day, name)];
        await this.#addFile(found, path);
        // What can't be read stays where people can look at it.
        if (found.records.length > before) read.push(path);
      }
    if (read.length === 0) return 0;
    await writeOwn(join(this.#folder, monthsFolder, `${month}.jsonl.gz`), writeMonth([...known.records, ...found.records]), {
      root: this.#root,
      sync: true,
    });
    for (const path of read) await rm(join(this.#folder, path), { force: true });
    return read.length;
  }

  /** `2026-11/30`, oldest first. */
  async #days(): Promise<string[]> {
    const months = (await this.#names(recordsFolder)).filter((name) => monthName.test(name));
    const days: string[] = [];
    for (const month of months)
      for (const day of await this.#names(join(recordsFolder, month))) if (dayName.test(day)) days.push(`${month}/${day}`);
    return days;
  }

  /** `2026-11`, oldest first. */
  async #months(): Promise<string[]> {
    return (await this.#names(monthsFolder)).flatMap((name) => monthFile.exec(name)?.[1] ?? []);
  }

  async #month(month: string): Promise<FoundRecords> {
    const name = join(monthsFolder, `${month}.jsonl.gz`);
    const content = await this.#bytes(join(this.#folder, name));
    return content === undefined ? { records: [], unreadable: [] } : readMonth(name, content);
  }

  /** In this order. */
  async #addFiles(found: FoundRecords, paths: readonly string[]): Promise<void> {
    const read = await inParallel(atOnce, paths, async (path) => {
      const one: FoundRecords = { records: [], unreadable: [] };
      await this.#addFile(one, path);
      return one;
    });
    found.records.push(...read.flatMap(({ records }) => records));
    found.unreadable.push(...read.flatMap(({ unreadable }) => unreadable));
  }

  async #addFile(found: FoundRecords, path: string): Promise<void> {
    try {
      const text = await this.#read(join(this.#folder, path));
      // Another process may have joined it with others since.
      if (text !== undefined) addTo(found, path, text);
    } catch (error) {
      // One file that is a link, or that this user may not read, must not hide the others.
      found.unreadable.push({ name: path, why: errorText(error) });
    }
  }

  /** As `#names`; what is no folder is noted. */
  async #namesIn(found: FoundRecords, folder: string): Promise<string[]> {
    try {
      return await this.#names(folder);
    } catch (error) {
      found.unreadable.push({ name: folder, why: errorText(error) });
      return [];
    }
  }

  /** Sorted; none if the folder doesn't exist. */
  async #names(folder: string): Promise<string[]> {
    const path = join(this.#folder, folder);
    try {
      if (!(await lstat(path)).isDirectory()) throw new Error(`${path} is a link, or not a folder`);
      return (await readdir(path)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  async #read(path: string): Promise<string | undefined> {
    return (await this.#bytes(path))?.toString("utf8");
  }

  async #bytes(path: string): Promise<Buffer | undefined> {
    try {
      return await readPlain(path, { root: this.#root });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }
}
