import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import { commitOf, type Git, GitRefusal, kindOf, type Listed, line, listTree, note, treeOf, withIndex } from "../git.ts";
import { notFound, unprocessable } from "../refusals.ts";
import { addressOf, wrapped } from "./git-objects.ts";
import { inGit } from "./git-refs.ts";

const reads = { permission: "contents", access: "read" } as const;
const writes = { permission: "contents", access: "write" } as const;

export const gitTreeEndpoints: Endpoints = {
  "git/create-tree": { needs: writes, answer: inGit(createTree) },
  "git/get-tree": { needs: reads, answer: inGit(getTree) },
  "repos/get-content": { needs: reads, answer: inGit(getContent) },
};

interface Entry {
  path?: string;
  mode?: string;
  type?: string;
  sha?: string | null;
  content?: string;
}

function createTree(asked: Asked, git: Git): Answer {
  const { tree: entries, base_tree: base } = asked.body as { tree: Entry[]; base_tree?: string };
  if (base !== undefined && kindOf(git, base) !== "tree") return unprocessable("base_tree is not a tree");
  const problem = entries.map((entry) => entryProblem(entry, git)).find((found) => found !== undefined);
  if (problem !== undefined) return unprocessable(problem);
  if (entries.length === 0 && base === undefined) return unprocessable("Invalid tree info");
  try {
    const sha = entries.every(isPlain) && base === undefined ? flatTree(git, entries) : mergedTree(git, entries, base);
    note(git, sha, { kind: "tree" });
    return { status: 201, body: rendered(asked, sha, listTree(git, sha, false)) };
  } catch (error) {
    // Such as a file where another path needs a folder.
    if (error instanceof GitRefusal) return unprocessable("Invalid tree info");
    throw error;
  }
}

const kinds: Readonly<Record<string, string>> = {
  ...{ "100644": "blob", "100755": "blob", "120000": "blob" },
  ...{ "040000": "tree", "160000": "commit" },
};

function entryProblem({ path = "", mode = "", type, sha, content }: Entry, git: Git): string | undefined {
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || part.toLowerCase() === ".git"))
    return "tree.path contains a malformed path component";
  if (sha === undefined && content === undefined) return "Must supply either tree.sha or tree.content";
  if (typeof sha === "string" && content !== undefined) return "Must supply either tree.sha or tree.content, not both";
  if (kinds[mode] === undefined || (type !== undefined && kinds[mode] !== type)) return "tree.mode and tree.type do not fit";
  if (typeof sha === "string" && kindOf(git, sha) !== kinds[mode]) return `tree.sha ${sha} is not a valid ${kinds[mode]}`;
  return undefined;
}

function isPlain({ path, sha }: Entry): boolean {
  return typeof sha === "string" && !path?.includes("/");
}

/** Of things that exist, on one level. */
function flatTree(git: Git, entries: readonly Entry[]): string {
  const lines = entries.map(({ mode, sha, path }) => `${mode} ${kinds[mode ?? ""]} ${sha}\t${path}\0`);
  return line(git(["mktree", "-z"], { input: lines.join("") }));
}

function mergedTree(git: Git, entries: readonly Entry[], base: string | undefined): string {
  return withIndex(git, (indexed, folder) => {
    if (base !== undefined) indexed(["read-tree", base]);
    const blobs = writeBlobs(
      git,
      folder,
      entries.flatMap(({ content }) => content ?? []),
    );
    const lines: string[] = [];
    for (const { path = "", mode = "", sha, content } of entries) {
      if (sha === null) lines.push(`0 ${"0".repeat(40)}\t${path}\0`);
      else if (kinds[mode] !== "tree") lines.push(`${mode} ${sha ?? blobs.get(content ?? "")}\t${path}\0`);
      else {
        for (const { path: old } of base === undefined ? [] : listedBelow(git, base, path))
          lines.push(`0 ${"0".repeat(40)}\t${path}/${old}\0`);
        for (const inner of listTree(git, sha ?? "", true).filter(({ type }) => type !== "tree"))
          lines.push(`${inner.mode} ${inner.sha}\t${path}/${inner.path}\0`);
      }
    }
    if (lines.length > 0) indexed(["update-index", "-z", "--add", "--replace", "--index-info"], { input: lines.join("") });
    return line(indexed(["write-tree"]));
  });
}

/** By their content. */
function writeBlobs(git: Git, folder: string, contents: readonly string[]): Map<string, string> {
  const unique = [...new Set(contents)];
  if (unique.length === 0) return new Map();
  const paths = unique.map((content, index) => {
    const path = join(folder, String(index));
    writeFileSync(path, content);
    return path;
  });
  const written = line(git(["hash-object", "-w", "--no-filters", "--stdin-paths"], { input: `${paths.join("\n")}\n` })).split(
    "\n",
  );
  return new Map(unique.map((content, index) => [content, written[index] ?? ""]));
}

/** Files below a folder, whose tree takes the place of what was there. */
function listedBelow(git: Git, base: string, path: string): Listed[] {
  try {
    return listTree(git, `${base}:${path}`, true).filter(({ type }) => type !== "tree");
  } catch (error) {
    if (error instanceof GitRefusal) return [];
    throw error;
  }
}

/** GitHub's own limit has 100,000 entries and 7 MB. */
const defaultMost = 100_000;

function getTree(asked: Asked, git: Git): Answer {
  const name = asked.path.tree_sha ?? "";
  const kind = kindOf(git, name);
  const sha = kind === "tree" ? name : commitOf(git, name);
  if (sha === undefined) return notFound();
  // Any value of it means yes, also `0` and `false`.
  const recursive = asked.query.has("recursive");
  const listed = listTree(git, sha, recursive);
  const most = recursive ? (asked.repository.mostListed ?? defaultMost) : Number.POSITIVE_INFINITY;
  const body = rendered(asked, kind === "tree" ? sha : treeOf(git, sha), listed.slice(0, most));
  return { status: 200, body: { ...body, truncated: listed.length > most } };
}

function rendered(asked: Asked, sha: string, listed: readonly Listed[]) {
  const address = `${addressOf(asked)}/git`;
  return {
    sha,
    url: `${address}/trees/${sha}`,
    truncated: false,
    tree: listed.map((entry) => ({ ...entry, url: `${address}/${entry.type}s/${entry.sha}` })),
  };
}

/** A file with its content, or the list of a folder. */
function getContent(asked: Asked, git: Git): Answer {
  const path = asked.path.path ?? "";
  const ref = asked.query.get("ref") ?? "HEAD";
  const commit = commitOf(git, ref);
  if (commit === undefined) return { status: 404, body: { message: `No commit found for the ref ${ref}` } };
  const [found] = listTree(git, commit, false, path);
  if (!found) return notFound();
  if (found.type === "tree") {
    const inner = listTree(git, found.sha, false).map((entry) =>
      described(asked, ref, { ...entry, path: `${path}/${entry.path}` }),
    );
    return { status: 200, body: inner };
  }
  const content = git(["cat-file", "blob", found.sha]);
  // GitHub leaves out what is larger than a megabyte.
  const shown = content.length <= 1024 * 1024;
  const more = shown ? { encoding: "base64", content: wrapped(content) } : { encoding: "none", content: "" };
  return { status: 200, body: { ...described(asked, ref, found), ...more } };
}

function described(asked: Asked, ref: string, { path, sha, size = 0, type }: Listed): object {
  const address = addressOf(asked);
  const self = `${address}/contents/${path}?ref=${encodeURIComponent(ref)}`;
  const git_url = `${address}/git/${type}s/${sha}`;
  return {
    ...{ name: path.split("/").at(-1), path, sha, size, type: type === "tree" ? "dir" : "file", url: self, git_url },
    ...{ html_url: null, download_url: null, _links: { self, git: git_url, html: null } },
  };
}
