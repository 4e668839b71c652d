import type { GitHub } from "../../github/api.ts";
import type { Repository } from "../../github/deployments.ts";
import { archiveLimits, type Head, listTree, readArchive, readBlob, type TreeEntry } from "../../github/git.ts";

/** Reads files of the branch with few requests. What was read once is not asked for again, because a name stands for one content. */

/** More are read as one archive. */
const mostBlobs = 10;
/** Unpacked, of an archive from which only some files are wanted. */
const mostArchiveBytes = 64 * 1024 * 1024;
const atOnce = 10;

export interface ReadFile {
  path: string;
  content: Buffer;
}

export class BranchFiles {
  readonly #api: GitHub;
  readonly #archives: () => Promise<GitHub>;
  readonly #repository: Repository;
  readonly #contents = new Map<string, Buffer>();
  #listed: { tree: string; entries: Promise<TreeEntry[]> } | undefined;

  constructor(api: GitHub, archives: () => Promise<GitHub>, repository: Repository) {
    this.#api = api;
    this.#archives = archives;
    this.#repository = repository;
  }

  list({ tree }: Head): Promise<TreeEntry[]> {
    if (this.#listed?.tree === tree) return this.#listed.entries;
    const entries = listTree(this.#api, this.#repository, tree);
    this.#listed = { tree, entries };
    // Asked again the next time.
    entries.catch(() => {
      this.#listed = undefined;
    });
    return entries;
  }

  async archive({ commit }: Head): Promise<Map<string, Buffer>> {
    return await readArchive(await this.#archives(), this.#repository, commit);
  }

  /** @param listed everything that the head has */
  async read(head: Head, listed: readonly TreeEntry[], wanted: readonly TreeEntry[]): Promise<ReadFile[]> {
    const missing = wanted.filter(({ sha }) => !this.#contents.has(sha));
    if (missing.length > mostBlobs && fitsArchive(listed)) await this.#unpack(head, listed);
    else await this.#fetch(missing);
    return wanted.map(({ path, sha }) => ({ path, content: this.#contents.get(sha) ?? Buffer.alloc(0) }));
  }

  async #unpack(head: Head, listed: readonly TreeEntry[]): Promise<void> {
    const archive = await this.archive(head);
    for (const { path, sha } of listed) {
      const content = archive.get(path);
      if (content) this.#contents.set(sha, content);
    }
  }

  async #fetch(missing: readonly TreeEntry[]): Promise<void> {
    for (let start = 0; start < missing.length; start += atOnce)
      await Promise.all(
        missing.slice(start, start + atOnce).map(async ({ sha }) => {
          this.#contents.set(sha, await readBlob(this.#api, this.#repository, sha));
        }),
      );
  }
}

function fitsArchive(listed: readonly TreeEntry[]): boolean {
  const bytes = listed.reduce((sum, { size = 0 }) => sum + size, 0);
  return listed.length <= archiveLimits.files && bytes <= mostArchiveBytes;
}
