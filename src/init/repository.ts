import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, relative, resolve, sep } from "node:path";

/** What `init` may know of a repository: the names of its files, and their texts. It can neither write nor run anything. */
export interface Repository {
  /** Paths with `/`, relative to the root; without dependencies, build results and what git keeps. */
  readonly files: readonly string[];
  /** The folder that is set up, relative to the root; empty for the root. */
  readonly folder: string;
  /** Whether the root is that of a git repository: GitHub reads workflows nowhere else. */
  readonly hasGit: boolean;
  /** The text of a file; undefined if it is missing, too large, or no text. */
  read(path: string): string | undefined;
}

/** A path in the folder that is set up, relative to the root. */
export function inFolder({ folder }: Pick<Repository, "folder">, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** The first of these files that the folder has; then the first that the root has. */
export function nearestFile(repository: Repository, names: readonly string[]): string | undefined {
  const here = names.map((name) => inFolder(repository, name)).find((path) => repository.files.includes(path));
  return here ?? names.find((name) => repository.files.includes(name));
}

/** Files of the folder that is set up, relative to that folder. */
export function filesOfFolder({ files, folder }: Repository): string[] {
  if (folder === "") return [...files];
  return files.flatMap((file) => (file.startsWith(`${folder}/`) ? [file.slice(folder.length + 1)] : []));
}

/** For tests, and wherever files come from somewhere else than a disk. */
export function repositoryOf(texts: Readonly<Record<string, string>>, folder = "", hasGit = true): Repository {
  return {
    files: Object.keys(texts).sort(),
    folder,
    hasGit,
    read: (path) => (Object.hasOwn(texts, path) ? texts[path] : undefined),
  };
}

const skipped = new Set(
  "node_modules .git .hg .cache .next .nuxt .turbo .venv venv __pycache__ dist build out target coverage vendor .env-actions".split(
    " ",
  ),
);
const mostFiles = 5_000;
const deepest = 7;
const mostBytes = 400_000;

/** Of a project that can be installed, built or tested by itself; and what `init` wrote for one. */
const manifests = [
  ...["package.json", "pyproject.toml", "requirements.txt", "setup.py", "setup.cfg", "Pipfile", "go.mod"],
  ...["pom.xml", "build.gradle", "build.gradle.kts", "Cargo.toml", "composer.json", "Gemfile"],
  ".github/env-actions.yml",
];

/**
 * The folder that is set up: of `start` and the folders around it, the first one with a manifest, and otherwise the root of the git
 * repository. A folder of a project is no project.
 */
function projectFolder(start: string, gitRoot: string | undefined): string {
  // Outside of a repository, a manifest in one of these belongs to something else.
  const shared = new Set([homedir(), tmpdir()]);
  for (let folder = start; ; folder = dirname(folder)) {
    if (gitRoot === undefined && folder !== start && shared.has(folder)) return start;
    if (manifests.some((name) => existsSync(join(folder, name)))) return folder;
    if (folder === gitRoot || dirname(folder) === folder) return gitRoot ?? start;
  }
}

/** Reads the names of the files now, and their texts when they are asked for. */
export function openRepository(cwd: string): { root: string; repository: Repository } {
  const found = gitRootOf(resolve(cwd));
  const start = projectFolder(resolve(cwd), found);
  const root = found ?? start;
  const folder = relative(root, start).split(sep).join("/");
  const files = [
    ...new Set([
      ...namesIn(root),
      ...walk(root, ".github", 2),
      // The folder's own files; at the root this is everything.
      ...walk(root, folder, deepest),
    ]),
  ];
  return {
    root,
    repository: { files: files.sort(), folder, hasGit: found !== undefined, read: (path) => textOf(join(root, path)) },
  };
}

/** In a worktree and in a submodule, `.git` is a file. */
function gitRootOf(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

function namesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []));
}

/** Folders are read level by level, so that of too many files the outer ones are known. */
function walk(root: string, from: string, levels: number): string[] {
  const found: string[] = [];
  let waiting = [from];
  for (let level = 0; level < levels && found.length < mostFiles; level++) {
    const next: string[] = [];
    for (const folder of waiting) {
      for (const entry of entriesOf(join(root, folder))) {
        const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
        if (entry.isFile()) found.push(path);
        else if (entry.isDirectory() && !skipped.has(entry.name)) next.push(path);
      }
    }
    waiting = next;
  }
  return found.slice(0, mostFiles);
}

/** A folder that can't be read has nothing to say. */
function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function textOf(file: string): string | undefined {
  try {
    if (statSync(file).size > mostBytes && !/(?:lock|lock\.json|lock\.yaml|shrinkwrap\.json)$/.test(file)) return undefined;
    const text = readFileSync(file, "utf8");
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
