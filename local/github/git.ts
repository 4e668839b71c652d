import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Repository } from "./repository.ts";

/** Git's own commands on the bare repository behind the API. They run one after the other, so that each request is atomic. */

export class GitRefusal extends Error {}

/** What a command of git prints. */
export type Git = (args: readonly string[], more?: { input?: string | Buffer; env?: Record<string, string> }) => Buffer;

/** @returns undefined for a repository without one: it is then empty, as on GitHub before the first push */
export function gitOf({ git: folder }: Repository): Git | undefined {
  if (folder === undefined) return undefined;
  const git = repositories.get(folder) ?? gitIn(folder);
  repositories.set(folder, git);
  return git;
}

const repositories = new Map<string, Git>();

function gitIn(folder: string): Git {
  return (args, { input, env } = {}) => {
    try {
      return execFileSync("git", args, {
        cwd: folder,
        input: input ?? "",
        maxBuffer: 1024 * 1024 * 1024,
        stdio: ["pipe", "pipe", "pipe"],
        env: { ...process.env, ...noSettings, ...env },
      });
    } catch (error) {
      throw new GitRefusal(String((error as { stderr?: Buffer }).stderr ?? error), { cause: error });
    }
  };
}

/** Whatever the machine's user has set. */
const noSettings = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", GIT_DIR: "." };

export function line(output: Buffer): string {
  return output.toString("utf8").trim();
}

const isSha = /^[0-9a-f]{40}$/;

/** What was asked once: an object never changes. By its repository's own function. */
const known = new WeakMap<Git, Map<string, string>>();

function remembered(git: Git, key: string, ask: () => string | undefined): string | undefined {
  const answers = known.get(git) ?? new Map<string, string>();
  known.set(git, answers);
  const answer = answers.get(key) ?? ask();
  if (answer !== undefined) answers.set(key, answer);
  return answer;
}

/** What was just written need not be asked for. */
export function note(git: Git, sha: string, facts: { kind: string; tree?: string; parents?: string }): void {
  for (const [name, value] of Object.entries(facts)) remembered(git, `${sha} ${name}`, () => value);
}

export function treeOf(git: Git, commit: string): string {
  return remembered(git, `${commit} tree`, () => line(git(["rev-parse", `${commit}^{tree}`]))) ?? "";
}

/** Separated by spaces. */
export function parentsOf(git: Git, commit: string): string {
  return remembered(git, `${commit} parents`, () => line(git(["show", "-s", "--format=%P", commit]))) ?? "";
}

/** The commit of a branch, a tag or a SHA. @returns undefined if there is none */
export function commitOf(git: Git, ref: string): string | undefined {
  if (isSha.test(ref) && kindOf(git, ref) === "commit") return ref;
  for (const name of [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref}`, ref])
    try {
      return line(git(["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`]));
    } catch (error) {
      if (!(error instanceof GitRefusal)) throw error;
    }
  return undefined;
}

/** `blob`, `tree`, `commit` or `tag`. @returns undefined if there is no such object */
export function kindOf(git: Git, sha: string): string | undefined {
  if (!isSha.test(sha)) return undefined;
  return remembered(git, `${sha} kind`, () => {
    const answer = line(git(["cat-file", "--batch-check=%(objecttype)"], { input: `${sha}\n` }));
    return answer.endsWith("missing") ? undefined : answer;
  });
}

export interface Listed {
  mode: string;
  type: string;
  sha: string;
  size: number | undefined;
  path: string;
}

/** @param path one entry alone */
export function listTree(git: Git, tree: string, recursive: boolean, path?: string): Listed[] {
  const only = path === undefined ? [] : ["--", `:(literal)${path}`];
  const text = git(["ls-tree", "-z", "-l", ...(recursive ? ["-r", "-t"] : []), tree, ...only]).toString("utf8");
  return text
    .split("\0")
    .filter((entry) => entry !== "")
    .map((entry) => {
      const [, mode = "", type = "", sha = "", size = "", path = ""] =
        /^(\d+) (\w+) ([0-9a-f]+) +(-|\d+)\t(.*)$/s.exec(entry) ?? [];
      return { mode, type, sha, path, size: size === "-" ? undefined : Number(size) };
    });
}

/** Something to do with an index of its own, in a folder for its files. */
export function withIndex<Result>(git: Git, work: (git: Git, folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), "github-index-"));
  try {
    return work((args, more = {}) => git(args, { ...more, env: { ...more.env, GIT_INDEX_FILE: join(folder, "index") } }), folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
