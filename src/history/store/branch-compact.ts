import { randomUUID } from "node:crypto";
import { fileMode, folderMode, type Head, type NewEntry, type TreeEntry, writeBlob, writeTree } from "../../github/git.ts";
import type { BranchFiles } from "./branch-files.ts";
import { type BranchPlace, changeBranch, type Made } from "./branch-writer.ts";
import { endOfDay, endOfMonth, monthFile, monthsFolder, readRecordPath, recordsFolder } from "./layout.ts";
import { addTo, inOrder, readMonth, writeMonth } from "./months.ts";
import type { Compaction, CompactionRules, FoundRecords } from "./store.ts";

/**
 * Joins days into months and removes old months, in one commit. Its trees are made of the listed ones, from below, so that a day costs
 * nothing however many files it has. If a writer comes between, all of it is made again from what is there then.
 */
export async function compactBranch(place: BranchPlace, files: BranchFiles, rules: CompactionRules): Promise<Compaction> {
  const { api, repository } = place;
  /** Trees and files that were written for an attempt that lost. */
  const written = new Map<string, Promise<string>>();
  const once = (key: string, write: () => Promise<string>): Promise<string> => {
    const known = written.get(key) ?? write();
    written.set(key, known);
    return known;
  };
  const folder = (entries: readonly TreeEntry[]): Promise<string> => {
    const plain = entries.map(({ path, mode, type, sha }): NewEntry => ({ path, mode, type, sha }));
    return once(JSON.stringify(plain), async () => (await writeTree(api, repository, plain)).sha);
  };
  const file = (content: Buffer): Promise<string> => once(content.toString("base64"), () => writeBlob(api, repository, content));
  let mine: Compaction = { joined: 0, removed: 0 };
  // Two who join the same in the same second would otherwise make the same commit, and both count it.
  const message = `Join records of days into months\n\n${randomUUID()}`;
  return await changeBranch(place, message, async (head, isUnknown): Promise<Made<Compaction>> => {
    if (!head) return { result: { joined: 0, removed: 0 } };
    const listed = await files.list(head);
    const plan = await planOf(head, listed, files, rules);
    if (plan.joined.size === 0 && plan.removed.length === 0) return { result: isUnknown ? mine : { joined: 0, removed: 0 } };
    mine = { joined: plan.joined.size, removed: plan.removedRecords };
    const months = new Map(topOf(listed, monthsFolder).map((entry) => [entry.path, entry]));
    for (const path of plan.removed) months.delete(path);
    for (const [path, content] of plan.months) months.set(path, { path, mode: fileMode, type: "blob", sha: await file(content) });
    const top = new Map(topOf(listed, "").map((entry) => [entry.path, entry]));
    const records = await without(listed, plan.joined, recordsFolder, folder);
    set(top, recordsFolder, records);
    set(top, monthsFolder, months.size === 0 ? undefined : await folder([...months.values()]));
    const entries = [...top.values()];
    return { result: mine, tree: { sha: await folder(entries), top: entries } };
  });
}

function set(top: Map<string, TreeEntry>, path: string, sha: string | undefined): void {
  if (sha === undefined) top.delete(path);
  else top.set(path, { path, mode: folderMode, type: "tree", sha });
}

/** What is directly in a folder, by its name there. */
function topOf(listed: readonly TreeEntry[], folder: string): TreeEntry[] {
  const prefix = folder === "" ? "" : `${folder}/`;
  return listed
    .filter(({ path }) => path.startsWith(prefix) && !path.slice(prefix.length).includes("/"))
    .map((entry) => ({ ...entry, path: entry.path.slice(prefix.length) }));
}

/** The tree of a folder without these files; undefined if nothing is left. Folders that keep all are not touched. */
async function without(
  listed: readonly TreeEntry[],
  gone: ReadonlySet<string>,
  path: string,
  write: (entries: readonly TreeEntry[]) => Promise<string>,
): Promise<string | undefined> {
  const inside = (file: string) => file.startsWith(`${path}/`);
  const lost = new Set([...gone].filter(inside));
  if (lost.size === 0) return listed.find((entry) => entry.path === path)?.sha;
  const below = listed.filter((entry) => inside(entry.path));
  const left: TreeEntry[] = [];
  for (const entry of topOf(below, path)) {
    const full = `${path}/${entry.path}`;
    if (lost.has(full)) continue;
    const sha = entry.type === "tree" ? await without(below, lost, full, write) : entry.sha;
    if (sha !== undefined) left.push({ ...entry, sha });
  }
  return left.length === 0 ? undefined : await write(left);
}

interface Plan {
  /** Paths of records that are in a month then. */
  joined: Set<string>;
  /** New content of months, by their name. */
  months: Map<string, Buffer>;
  /** Names of months. */
  removed: string[];
  removedRecords: number;
}

async function planOf(
  head: Head,
  listed: readonly TreeEntry[],
  files: BranchFiles,
  { joinBefore, removeBefore }: CompactionRules,
): Promise<Plan> {
  const plan: Plan = { joined: new Set(), months: new Map(), removed: [], removedRecords: 0 };
  const closed = new Map<string, TreeEntry[]>();
  for (const entry of listed) {
    const day = readRecordPath(entry.path) && entry.path.slice(recordsFolder.length + 1).slice(0, 10);
    if (!day || endOfDay(day) > joinBefore) continue;
    const month = day.slice(0, 7);
    closed.set(month, [...(closed.get(month) ?? []), entry]);
  }
  const known = topOf(listed, monthsFolder).filter(({ path }) => monthFile.test(path));
  // Together, so that many cost as little as one.
  const wanted = [...closed.values()].flat();
  const contents = new Map((await files.read(head, listed, wanted)).map(({ path, content }) => [path, content]));
  const monthly = async (name: string): Promise<FoundRecords> => {
    const entry = known.find(({ path }) => path === name);
    const [read] = entry ? await files.read(head, listed, [entry]) : [];
    return read ? readMonth(`${monthsFolder}/${name}`, read.content) : { records: [], unreadable: [] };
  };
  for (const [month, entries] of closed) {
    const name = `${month}.jsonl.gz`;
    const before = await monthly(name);
    // A month that can't be read would be lost.
    if (before.unreadable.length > 0) throw new Error(`${before.unreadable[0]?.name}: ${before.unreadable[0]?.why}`);
    const found: FoundRecords = { records: [], unreadable: [] };
    for (const { path } of entries) {
      const count = found.records.length;
      addTo(found, path, (contents.get(path) ?? Buffer.alloc(0)).toString("utf8"));
      // What can't be read stays where people can look at it.
      if (found.records.length > count) plan.joined.add(path);
    }
    if (found.records.length > 0) plan.months.set(name, writeMonth(inOrder([...before.records, ...found.records])));
  }
  for (const name of new Set([...known.map(({ path }) => path), ...plan.months.keys()])) {
    if (endOfMonth(monthFile.exec(name)?.[1] ?? "") > removeBefore) continue;
    const content = plan.months.get(name);
    plan.removedRecords += (content ? readMonth(name, content) : await monthly(name)).records.length;
    plan.months.delete(name);
    plan.removed.push(name);
  }
  return plan;
}
