import { type GitHub, GitHubError } from "./api.ts";
import type { Repository } from "./deployments.ts";
import { readZip, type ZipFile } from "./zip.ts";

/**
 * A branch through GitHub's Git API: nothing is cloned or pushed. Objects are named after their content, so writing one twice is harmless;
 * only moving the branch changes anything for others. All of it may throw GitHubError.
 */

export interface Head {
  commit: string;
  tree: string;
}

export interface TreeEntry {
  path: string;
  mode: string;
  type: string;
  sha: string;
  /** Bytes, of a file. */
  size?: number;
}

export const fileMode = "100644";
export const folderMode = "040000";

/** What env-actions adds to a tree: `content` of a new file, or `sha` of what exists. */
export type NewEntry = { path: string } & ({ content: string } | { sha: string; mode: string; type: string });

/** Nothing of others, and always the same: the commits are a machine's. */
const writer = { name: "github-actions[bot]", email: "41898282+github-actions[bot]@users.noreply.github.com" };

/** @returns undefined if there is no such branch, or if the token may not see it */
export async function readBranch(api: GitHub, repository: Repository, branch: string): Promise<Head | undefined> {
  const answer = await orMissing(api.rest.repos.getBranch({ ...repository, branch }));
  return answer && { commit: answer.data.commit.sha, tree: answer.data.commit.commit.tree.sha };
}

/** @throws GitHubError with status 404 if the token may not see it */
export async function demandRepository(api: GitHub, repository: Repository): Promise<void> {
  await api.rest.repos.get({ ...repository });
}

/** Everything in a tree, with whole paths. Takes one request, and more only if the list is too long for GitHub's answer. */
export async function listTree(api: GitHub, repository: Repository, tree: string): Promise<TreeEntry[]> {
  const { data } = await api.rest.git.getTree({ ...repository, tree_sha: tree, recursive: "1" });
  if (!data.truncated) return data.tree.map(entryOf);
  const found: TreeEntry[] = [];
  for (const entry of await listFolder(api, repository, tree)) {
    found.push(entry);
    if (entry.type !== "tree") continue;
    for (const inner of await listTree(api, repository, entry.sha)) found.push({ ...inner, path: `${entry.path}/${inner.path}` });
  }
  return found;
}

async function listFolder(api: GitHub, repository: Repository, tree: string): Promise<TreeEntry[]> {
  const { data } = await api.rest.git.getTree({ ...repository, tree_sha: tree });
  if (data.truncated) throw new Error("a folder of the branch has more files than GitHub lists");
  return data.tree.map(entryOf);
}

function entryOf({
  path,
  mode,
  type,
  sha,
  size,
}: {
  path: string;
  mode: string;
  type: string;
  sha: string;
  size?: number;
}): TreeEntry {
  return { path, mode, type, sha, ...(size !== undefined && { size }) };
}

/** @returns undefined if the commit has no such file */
export async function readFileAt(
  api: GitHub,
  repository: Repository,
  { commit, path }: { commit: string; path: string },
): Promise<{ sha: string; content: Buffer } | undefined> {
  const answer = await orMissing(api.rest.repos.getContent({ ...repository, path, ref: commit }));
  if (!answer) return undefined;
  const { data } = answer;
  if (Array.isArray(data) || data.type !== "file" || !("content" in data)) throw new Error(`${path} is not a file`);
  return { sha: data.sha, content: Buffer.from(data.content, "base64") };
}

export async function readBlob(api: GitHub, repository: Repository, sha: string): Promise<Buffer> {
  const { data } = await api.rest.git.getBlob({ ...repository, file_sha: sha });
  return Buffer.from(data.content, "base64");
}

export async function writeBlob(api: GitHub, repository: Repository, content: Buffer): Promise<string> {
  const { data } = await api.rest.git.createBlob({ ...repository, content: content.toString("base64"), encoding: "base64" });
  return data.sha;
}

/** @param base the tree to which the entries are added; without one, they are all that the tree has */
export async function writeTree(
  api: GitHub,
  repository: Repository,
  entries: readonly NewEntry[],
  base?: string,
): Promise<{ sha: string; top: TreeEntry[] }> {
  const { data } = await api.rest.git.createTree({
    ...repository,
    tree: entries.map((entry) =>
      "content" in entry
        ? { path: entry.path, mode: fileMode, type: "blob", content: entry.content }
        : { path: entry.path, mode: entry.mode as typeof fileMode, type: entry.type as "blob", sha: entry.sha },
    ),
    ...(base === undefined ? {} : { base_tree: base }),
  });
  return { sha: data.sha, top: data.tree.map(entryOf) };
}

/** @param now milliseconds; given, so that a request that is sent twice makes the same commit */
export async function writeCommit(
  api: GitHub,
  repository: Repository,
  { message, tree, parents, now }: { message: string; tree: string; parents: string[]; now: number },
): Promise<string> {
  const person = { ...writer, date: new Date(now).toISOString() };
  const { data } = await api.rest.git.createCommit({ ...repository, message, tree, parents, author: person, committer: person });
  return data.sha;
}

/**
 * `moved`: the branch has the commit. `refused`: another writer was faster, or a rule of the repository forbids it. `unknown`: there was no
 * answer, and it may have moved.
 */
export type Move = { is: "moved" } | { is: "refused" | "unknown"; error: GitHubError };

/**
 * Moves the branch to a commit whose parent is what was read, or creates it: GitHub refuses both if another writer was faster. So it is a
 * compare-and-swap, and never forced.
 */
export async function moveBranch(
  api: GitHub,
  repository: Repository,
  { branch, commit, create }: { branch: string; commit: string; create: boolean },
): Promise<Move> {
  try {
    if (create) await api.rest.git.createRef({ ...repository, ref: `refs/heads/${branch}`, sha: commit });
    else await api.rest.git.updateRef({ ...repository, ref: `heads/${branch}`, sha: commit, force: false });
    return { is: "moved" };
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    if (error.status === 409 || error.status === 422) return { is: "refused", error };
    if (error.status === undefined || error.status >= 500) return { is: "unknown", error };
    throw error;
  }
}

/** Every file of a commit, by its path. GitHub counts this as one request. */
export async function readArchive(api: GitHub, repository: Repository, commit: string): Promise<Map<string, Buffer>> {
  const { data } = await api.rest.repos.downloadZipballArchive({ ...repository, ref: commit });
  if (!(data instanceof ArrayBuffer)) throw new Error("the archive of the branch could not be read: expected a ZIP archive");
  return new Map(
    readZip(Buffer.from(data), archiveLimits).map(({ name, content }: ZipFile) => [name.slice(name.indexOf("/") + 1), content]),
  );
}

/** ZIP without its 64-bit form has no more files. */
export const archiveLimits = { files: 65_534, bytes: 1024 * 1024 * 1024 };

async function orMissing<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof GitHubError && error.status === 404) return undefined;
    throw error;
  }
}
