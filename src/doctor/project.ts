import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { group, text } from "../config/path.ts";
import type { RepositoryFiles } from "./files.ts";
import type { Place } from "./rule.ts";
import { YamlFile } from "./yaml-file.ts";

/** What the rules know about the project beside its workflows and its configuration. */
export interface Project {
  /** Absolute. */
  root: string;
  cwd: string;
  /** By folder, absolute. A folder without a package.json has none. */
  packages: ReadonlyMap<string, Package>;
  /** The texts of settings of test tools, by absolute path. */
  toolSettings: ReadonlyMap<string, string>;
  /** What was searched for in the tests, and found. `undefined` if nothing was searched. */
  tests: TestSearch | undefined;
  /** The host of the remote repository; `undefined` if the folder doesn't say. */
  remoteHost: string | undefined;
  /** Whether the packages themselves are in the repository, as with zero-installs of Yarn. */
  hasPackages: boolean;
  /** The names of the lock files in each folder that was read, by its absolute path; empty for a folder without one. */
  lockFiles: ReadonlyMap<string, readonly string[]>;
  /** The commit of env-actions that the project's lock file names. */
  lockedCommit: string | undefined;
  /** Where act's settings are, if the project runs its workflows with it. */
  act: Place | undefined;
}

export interface Package {
  file: YamlFile;
  scripts: Readonly<Record<string, string>>;
}

export interface TestSearch {
  files: number;
  /** Whether every test file was searched. */
  complete: boolean;
  found: ReadonlySet<string>;
}

/** Settings of test tools that can say where a report goes. */
const settingsFile =
  /^(?:(?:jest|vitest|vite|playwright|cypress|wdio|karma)[\w.-]*\.(?:[cm]?[jt]s|json)|\.mocharc\.\w+|\.?pytest\.(?:ini|toml)|pyproject\.toml|tox\.ini|setup\.cfg|conftest\.py|bunfig\.toml)$/;

/** Files of tests and their helpers, by their path. */
const testPath = /(?:test|spec|e2e|cypress|features|fixtures|helper|support|seed|factor)/i;
const codeFile = /\.(?:[cm]?[jt]sx?|py|rb|go|java|kt|cs|php|rs|feature|sh|sql)$/;
const mostTestFiles = 5_000;

export async function readProject(
  files: RepositoryFiles,
  folders: readonly string[],
  needles: readonly string[],
  installFolders: readonly string[],
): Promise<Project> {
  const packages = new Map<string, Package>();
  const toolSettings = new Map<string, string>();
  const places = new Set(folders.flatMap((folder) => withParents(resolve(files.cwd, folder), files.root)));
  let hasPackages = false;
  for (const folder of places) {
    const found = await readPackage(files, folder);
    if (found) packages.set(folder, found);
    for (const path of await files.in(folder)) {
      hasPackages ||= /^\.pnp\.c?js$/.test(basename(path));
      if (!settingsFile.test(path.slice(dirname(path).length + 1))) continue;
      const content = await files.text(path);
      if (content !== undefined) toolSettings.set(path, content);
    }
  }
  for (const folder of installFolders) {
    const found = packages.has(folder) ? undefined : await readPackage(files, folder);
    if (found) packages.set(folder, found);
  }
  const act = join(files.root, ".actrc");
  return {
    root: files.root,
    cwd: files.cwd,
    packages,
    toolSettings,
    hasPackages,
    tests: needles.length > 0 ? await searchTests(files, needles) : undefined,
    remoteHost: await remoteHostOf(files),
    lockFiles: await lockFilesOf(files, installFolders),
    lockedCommit: await lockedCommitOf(files, withParents(files.cwd, files.root)),
    act: (await files.text(act)) === undefined ? undefined : { file: files.nameOf(act), line: 1, column: 1 },
  };
}

function withParents(folder: string, root: string): string[] {
  const all = [folder];
  for (let path = folder; path !== root && dirname(path) !== path && path.startsWith(root); ) {
    path = dirname(path);
    all.push(path);
  }
  return all;
}

/** JSON is YAML, so its values have places too. */
async function readPackage(files: RepositoryFiles, folder: string): Promise<Package | undefined> {
  const path = join(folder, "package.json");
  const content = await files.text(path);
  if (content === undefined) return undefined;
  const file = new YamlFile({ name: files.nameOf(path), path: files.pathOf(path), text: content });
  const scripts = Object.entries(group(file.at(["scripts"]))).filter(
    (entry): entry is [string, string] => text(entry[1]) !== undefined,
  );
  return { file, scripts: Object.fromEntries(scripts) };
}

async function searchTests(files: RepositoryFiles, needles: readonly string[]): Promise<TestSearch> {
  const below = await files.below(files.cwd);
  let { complete } = below;
  const tests = below.files.filter((path) => testPath.test(files.nameOf(path)) && codeFile.test(path));
  const found = new Set<string>();
  let searched = 0;
  for (const path of tests.slice(0, mostTestFiles)) {
    const content = await files.tried(path);
    if (typeof content !== "string") {
      complete &&= content === undefined;
      continue;
    }
    searched += 1;
    for (const needle of needles) if (content.includes(needle)) found.add(needle);
    // One is enough to know that the tests use it; the rest would only take time.
    if (found.size > 0) break;
  }
  return { files: searched, complete: complete && tests.length <= mostTestFiles, found };
}

const lockFiles = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"];
/** Lock files of large projects are larger than anything that people write. */
const mostLockBytes = 50_000_000;
/** In the lock files of npm, pnpm, yarn and bun, the commit follows the address in one of these forms. */
const locked = /classwaves\/env-actions(?:\.git)?(?:#commit=|#|\/tar\.gz\/|\/tarball\/|\/archive\/)([0-9a-f]{40})\b/;

async function lockedCommitOf(files: RepositoryFiles, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders)
    for (const name of lockFiles) {
      const content = await files.tried(join(folder, name), mostLockBytes);
      const [, commit] = typeof content === "string" ? (locked.exec(content) ?? []) : [];
      if (commit !== undefined) return commit;
    }
  return undefined;
}

/** Of folders that exist, and of those above them in the repository. */
async function lockFilesOf(files: RepositoryFiles, folders: readonly string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const folder of folders)
    for (const path of existsSync(folder) ? withParents(folder, files.gitRoot) : []) {
      if (found.has(path)) continue;
      const names = (await files.in(path)).map((file) => basename(file));
      found.set(
        path,
        lockFiles.filter((name) => names.includes(name)),
      );
    }
  return found;
}

/** The host in the address of `origin`, such as `github.com`. */
async function remoteHostOf(files: RepositoryFiles): Promise<string | undefined> {
  const settings = await files.text(join(files.root, ".git", "config"));
  const [, section] = /\[remote "origin"\]([^[]*)/.exec(settings ?? "") ?? [];
  const [, url] = /^\s*url\s*=\s*(\S+)/m.exec(section ?? "") ?? [];
  const [, host] = /^(?:[a-z+]+:\/\/)?(?:[^@/\s]*@)?([\w.-]+)[:/]/i.exec(url ?? "") ?? [];
  return host?.includes(".") ? host.toLowerCase() : undefined;
}
