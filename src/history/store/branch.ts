import { randomUUID } from "node:crypto";
import { type GitHub, type GitHubOptions, gitHub } from "../../github/api.ts";
import { repositoryOf } from "../../github/deployments.ts";
import { demandRepository, type Head, type NewEntry, readBranch, readFileAt, writeTree } from "../../github/git.ts";
import { errorText } from "../../lib/error-text.ts";
import type { HistoryRecord } from "../../model/history.ts";
import { compactBranch } from "./branch-compact.ts";
import { BranchFiles } from "./branch-files.ts";
import { type BranchPlace, changeBranch } from "./branch-writer.ts";
import { claimPath, monthFile, monthsFolder, nameOf, readRecordPath, recordPath } from "./layout.ts";
import { addTo, inOrder, readMonth } from "./months.ts";
import { type Claim, type FoundRecords, HistoryFailure, type HistoryStore, type HistorySubject } from "./store.ts";

/**
 * A branch of its own in the repository, through GitHub's API. Requests, if nobody else writes: 5 for a record (and for up to 200 at once), 2
 * for all records, and for the newest ones 2 and one for each that is read, at most 10 more.
 */

export interface BranchOptions {
  /** `owner/name` */
  repository: string;
  branch: string;
  token: string;
  env: Readonly<Record<string, string | undefined>>;
  cancel?: AbortSignal | undefined;
  firstPauseMs?: number;
  withinMs?: number;
}

/** An archive takes longer than an answer. */
const archiveAttemptMs = 120_000;
/** GitHub limits the size of one request. */
const mostAtOnce = 200;
/** From so many records on, one list is cheaper than to ask for each. */
const asksForEach = 3;

const readme = `# History of env-actions

This branch has the records of earlier runs: verdicts, durations and counts. env-actions writes it through GitHub's API.
It has no code, and nothing has to be merged. If you delete it, the history begins anew.
`;

export function branchStore(options: BranchOptions): HistoryStore {
  const place = `the branch ${options.branch} of ${options.repository}`;
  const records = new Branch(options);
  /** @throws HistoryFailure */
  const guarded = async <Result>(what: string, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      const code = error instanceof HistoryFailure ? error.code : "EA8103";
      throw new HistoryFailure(code, `${what} ${place}: ${errorText(error)}`, error);
    }
  };
  return {
    place,
    add: (record) => guarded("the history could not be written to", async () => void (await records.add([record]))),
    addAll: (all) => guarded("the history could not be written to", () => records.addAll(all)),
    recent: (of, most) => guarded("the history could not be read from", () => records.recent(of, most)),
    all: () => guarded("the history could not be read from", () => records.all()),
    claim: (key, claim) => guarded("nothing could be claimed on", () => records.claim(key, claim)),
    compact: (rules) =>
      guarded("records could not be joined on", async () => {
        const { files, ...at } = await records.place();
        return await compactBranch(at, files, rules);
      }),
  };
}

class Branch {
  readonly #options: BranchOptions;
  #place: Promise<BranchPlace & { files: BranchFiles }> | undefined;

  constructor(options: BranchOptions) {
    this.#options = options;
  }

  place(): Promise<BranchPlace & { files: BranchFiles }> {
    this.#place ??= this.#connected();
    return this.#place;
  }

  async #connected(): Promise<BranchPlace & { files: BranchFiles }> {
    const { token, env, branch, cancel, firstPauseMs, withinMs } = this.#options;
    const repository = repositoryOf(this.#options.repository);
    const options: GitHubOptions = { ...(cancel && { cancel }), ...(firstPauseMs !== undefined && { firstPauseMs }) };
    const api = await gitHub(token, env, options);
    const archives = (): Promise<GitHub> =>
      gitHub(token, env, { ...options, attemptMs: archiveAttemptMs, deadlineMs: 2 * archiveAttemptMs });
    return { api, repository, branch, cancel, firstPauseMs, withinMs, files: new BranchFiles(api, archives, repository) };
  }

  async addAll(records: readonly HistoryRecord[]): Promise<number> {
    let added = 0;
    for (let start = 0; start < records.length; start += mostAtOnce)
      added += await this.add(records.slice(start, start + mostAtOnce));
    return added;
  }

  /** @returns how many were not there */
  async add(records: readonly HistoryRecord[]): Promise<number> {
    const wanted = new Map(records.map((record) => [recordPath(nameOf(record)), `${JSON.stringify(record)}\n`]));
    const entries = [...wanted].map(([path, content]) => ({ path, content }));
    const what = entries.length === 1 ? "Add the record of a run" : "Add records of runs";
    const { api, repository, files, ...rest } = await this.place();
    let mine = 0;
    let attempt = 0;
    return await changeBranch({ api, repository, ...rest }, what, async (head, isUnknown) => {
      if (!head) {
        mine = entries.length;
        return { result: mine, tree: await writeTree(api, repository, [{ path: "README.md", content: readme }, ...entries]) };
      }
      const few = entries.length <= asksForEach;
      attempt += 1;
      // Nobody else writes this path: if it appeared since, then with the same content, and the tree stays the same.
      if (few && attempt > 1 && !isUnknown) {
        mine = entries.length;
        return { result: mine, tree: await writeTree(api, repository, entries, head.tree) };
      }
      // Written before it is known whether it is there: it seldom is, and then a second wait is saved.
      const [missing, early] = await Promise.all([
        this.#missing(head, entries, few, files),
        few ? writeTree(api, repository, entries, head.tree) : undefined,
      ]);
      // After a lost answer, what is there is this process's own.
      if (missing.length === 0) return { result: isUnknown ? mine : 0 };
      mine = missing.length;
      const tree = early && missing.length === entries.length ? early : await writeTree(api, repository, missing, head.tree);
      return { result: mine, tree };
    });
  }

  async #missing<Entry extends NewEntry>(
    head: Head,
    entries: readonly Entry[],
    few: boolean,
    files: BranchFiles,
  ): Promise<Entry[]> {
    if (!few) {
      const there = new Set((await files.list(head)).map(({ path }) => path));
      return entries.filter(({ path }) => !there.has(path));
    }
    const { api, repository } = await this.place();
    const found = await Promise.all(entries.map(({ path }) => readFileAt(api, repository, { commit: head.commit, path })));
    return entries.filter((_, index) => found[index] === undefined);
  }

  async recent({ environment, stage }: HistorySubject, most: number): Promise<FoundRecords> {
    const found: FoundRecords = { records: [], unreadable: [] };
    const head = await this.#head();
    if (!head) return found;
    const { files } = await this.place();
    const listed = await files.list(head);
    const wanted = listed
      .flatMap((entry) => {
        const name = readRecordPath(entry.path);
        return name?.environment === environment && name.stage === stage ? [{ ...entry, runId: name.runId }] : [];
      })
      .sort((a, b) => (a.runId < b.runId ? 1 : -1));
    // Some may be unreadable, and then older ones take their place.
    for (let next = 0; next < wanted.length && found.records.length < most; ) {
      const some = wanted.slice(next, next + most - found.records.length);
      next += some.length;
      for (const { path, content } of await files.read(head, listed, some)) addTo(found, path, content.toString("utf8"));
    }
    const months = listed.filter(({ path }) => monthOf(path) !== undefined).sort((a, b) => (a.path < b.path ? 1 : -1));
    for (const month of months) {
      if (inOrder(found.records).length >= most) break;
      for (const { path, content } of await files.read(head, listed, [month])) {
        const read = readMonth(path, content);
        found.records.push(...read.records.filter((record) => record.stage === stage && record.environment.name === environment));
        found.unreadable.push(...read.unreadable);
      }
    }
    return { ...found, records: inOrder(found.records).slice(-most) };
  }

  async all(): Promise<FoundRecords> {
    const found: FoundRecords = { records: [], unreadable: [] };
    const head = await this.#head();
    if (!head) return found;
    const { files } = await this.place();
    const archive = await files.archive(head);
    for (const path of [...archive.keys()].sort()) {
      const content = archive.get(path) ?? Buffer.alloc(0);
      if (monthOf(path) !== undefined) {
        const read = readMonth(path, content);
        for (const record of read.records) found.records.push(record);
        found.unreadable.push(...read.unreadable);
      } else if (readRecordPath(path)) addTo(found, path, content.toString("utf8"));
    }
    return { ...found, records: inOrder(found.records) };
  }

  async claim(key: string, claim: Claim): Promise<{ claimed: true } | { claimed: false; by: Claim }> {
    const { api, repository, files: _, ...rest } = await this.place();
    const path = claimPath(key);
    // Two that claim the same at the same moment would otherwise make the same commit, and both get it. It also tells whose the claim is
    // after a lost answer.
    const nonce = randomUUID();
    const entry = { path, content: `${JSON.stringify({ ...claim, nonce })}\n` };
    return await changeBranch<{ claimed: true } | { claimed: false; by: Claim }>(
      { api, repository, ...rest },
      "Add a claim",
      async (head) => {
        const there = head && (await readFileAt(api, repository, { commit: head.commit, path }));
        if (there) {
          const { nonce: whose, ...by } = JSON.parse(there.content.toString("utf8")) as Claim & { nonce?: string };
          return { result: whose === nonce ? { claimed: true } : { claimed: false, by } };
        }
        const entries = head ? [entry] : [{ path: "README.md", content: readme }, entry];
        return { result: { claimed: true }, tree: await writeTree(api, repository, entries, head?.tree) };
      },
    );
  }

  /** @returns undefined for an empty history. @throws GitHubError if the token may not see the repository */
  async #head(): Promise<Head | undefined> {
    const { api, repository, branch } = await this.place();
    const head = await readBranch(api, repository, branch);
    if (!head) await demandRepository(api, repository);
    return head;
  }
}

function monthOf(path: string): string | undefined {
  return path.startsWith(`${monthsFolder}/`) ? monthFile.exec(path.slice(monthsFolder.length + 1))?.[1] : undefined;
}
