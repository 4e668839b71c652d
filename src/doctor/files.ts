import { isUtf8 } from "node:buffer";
import { type Dirent, existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { NotAPlainFile, readPlain } from "../lib/plain-file.ts";
import type { NotLookedAt } from "./rule.ts";

/** Reads files of an unreviewed repository, within limits and without following a link out of it. */

/** GitHub refuses far smaller workflows. */
export const mostBytes = 1_000_000;
const mostEntries = 20_000;
const deepestFolder = 15;

/** Folders with code of others, or made by tools. */
const leftOut = new Set(["node_modules", "dist", "build", "out", "coverage", "vendor", "target", "venv", "__pycache__"]);

export class RepositoryFiles {
  /** Absolute; the folder that has `.github/workflows`. */
  readonly root: string;
  /** Absolute; the root of the whole repository, above `root` if that is a folder where GitHub doesn't look. */
  readonly gitRoot: string;
  /** Absolute; where the command was started. */
  readonly cwd: string;
  readonly #notLookedAt: (told: NotLookedAt) => void;

  constructor(cwd: string, notLookedAt: (told: NotLookedAt) => void) {
    this.cwd = cwd;
    this.root = rootAbove(cwd);
    this.#notLookedAt = notLookedAt;
    const whole = gitRootAbove(cwd);
    this.gitRoot = whole ?? this.root;
    if (whole !== undefined && whole !== this.root)
      notLookedAt({
        what: posix(relative(cwd, whole)),
        why: "GitHub reads workflows only in this root of the repository. Those in this folder were checked as if they were there",
      });
  }

  /** As the user can open it. */
  nameOf(path: string): string {
    return posix(relative(this.cwd, path)) || ".";
  }

  /** Relative to the repository. */
  pathOf(path: string): string {
    return posix(relative(this.root, path));
  }

  /** @returns `undefined` if the file doesn't exist, or can't be read; the caller is told so */
  async text(path: string): Promise<string | undefined> {
    const found = await this.tried(path);
    if (typeof found === "string" || found === undefined) return found;
    this.#notLookedAt({ what: this.nameOf(path), why: found.why, failed: true });
    return undefined;
  }

  /** Like `text`, but the caller decides what a file means that can't be read. */
  async tried(path: string, most = mostBytes): Promise<string | { why: string } | undefined> {
    try {
      const bytes = await readPlain(path, { root: this.root, linkedFolders: true, hardLinks: true }, most + 1);
      if (bytes.length > most) return { why: `it has more than ${most} bytes` };
      return isUtf8(bytes) ? new TextDecoder().decode(bytes) : { why: "it is not UTF-8" };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      const why = `it cannot be read (${code ?? "unknown reason"})`;
      return { why: error instanceof NotAPlainFile ? "it is a link, or not a regular file" : why };
    }
  }

  /** The files directly in a folder, sorted; absent folders have none. */
  async in(folder: string): Promise<string[]> {
    return (await this.#entries(folder)).filter((entry) => !entry.isDirectory()).map(({ name }) => join(folder, name));
  }

  /** All regular files below a folder, without what tools made. @returns whether these are all */
  async below(folder: string): Promise<{ files: string[]; complete: boolean }> {
    const files: string[] = [];
    let complete = true;
    const visit = async (path: string, depth: number): Promise<void> => {
      if (depth > deepestFolder || files.length > mostEntries) {
        complete = false;
        return;
      }
      for (const entry of await this.#entries(path)) {
        if (entry.isFile()) files.push(join(path, entry.name));
        else if (entry.isDirectory() && !leftOut.has(entry.name) && !entry.name.startsWith("."))
          await visit(join(path, entry.name), depth + 1);
      }
    };
    await visit(folder, 0);
    return { files, complete };
  }

  async #entries(folder: string): Promise<Dirent[]> {
    try {
      const entries = await readdir(folder, { withFileTypes: true });
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ENOTDIR")
        this.#notLookedAt({
          what: this.nameOf(folder),
          why: `the folder cannot be read (${code ?? "unknown reason"})`,
          failed: true,
        });
      return [];
    }
  }
}

/** GitHub looks for workflows in the root of the repository only. */
function rootAbove(cwd: string): string {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git")) || existsSync(join(folder, ".github", "workflows"))) return folder;
    if (dirname(folder) === folder) return resolve(cwd);
  }
}

function gitRootAbove(cwd: string): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

export function posix(path: string): string {
  return path.split(sep).join("/");
}
