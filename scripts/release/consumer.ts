import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { actionNames } from "../../src/action/interface.ts";
import { archivesOf, checkSums, unpack } from "./assets.ts";
import type { Commits } from "./commits.ts";
import { type Git, gitIn } from "./git.ts";
import { treeId } from "./tree-id.ts";
import type { Version } from "./version.ts";

/** What somebody finds who has nothing but the release's files. */

export interface Downloaded {
  /** A folder with the files of the release, and nothing else. */
  files: string;
  version: Version;
  commits: Commits;
  /** A clone that has the commits. */
  repository: string;
  /** An empty folder, or none. */
  scratch: string;
}

/**
 * Compares the files with their checksums, and the archives with the commits; then looks for what each action refers to.
 * It runs no code of the release.
 * @returns digest by file
 */
export function checkDownload({ files, version, commits, repository, scratch }: Downloaded): Map<string, string> {
  const sums = checkSums(files, version);
  const trees = treesOf(gitIn(repository), commits);
  mkdirSync(scratch, { recursive: true });
  for (const archive of archivesOf(version)) {
    const folder = unpack(files, archive, version, join(scratch, archive.file));
    const expected = trees[archive.line];
    const got = treeId(folder);
    if (got !== expected) throw new Error(`${archive.file}: expected the tree ${expected} of the release's commit, got ${got}`);
    checkTree(folder, version, archive.line === "portable" ? commits.main : undefined);
  }
  return sums;
}

function treesOf(git: Git, commits: Commits): Commits {
  const [main = "", portable = ""] = git(["rev-parse", `${commits.main}^{tree}`, `${commits.portable}^{tree}`]).split("\n");
  return { main, portable };
}

/**
 * Each `uses:` of the unpacked actions leads to an action, and each file that a runner starts exists.
 * @param portableSha the commit that the actions of the portable form name
 * @throws Error that names every mistake
 */
export function checkTree(folder: string, version: Version, portableSha?: string): void {
  const actions = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /(?:^|[\\/])action\.yml$/.test(path))
    .map((path) => path.replaceAll("\\", "/"));
  const expected = [
    "action.yml",
    "actions/core/action.yml",
    ...actionNames.flatMap((name) => [name, `actions/${name}`].map(file)),
  ];
  const mistakes = [
    ...expected.filter((path) => !actions.includes(path)).map((path) => `${path} is missing`),
    ...actions.flatMap((path) => mistakesIn(folder, path, portableSha)),
  ];
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version?: string };
  if (manifest.version !== version.text) mistakes.push(`package.json: expected version ${version.text}, got ${manifest.version}`);
  if (mistakes.length > 0) throw new Error(`${folder} can't be used:\n${mistakes.join("\n")}`);
}

const file = (action: string) => `${action}/action.yml`;

function mistakesIn(folder: string, path: string, portableSha: string | undefined): string[] {
  const text = readFileSync(join(folder, path), "utf8");
  const place = join(folder, path, "..");
  const values = (key: string) =>
    [...text.matchAll(new RegExp(`^\\s*(?:- )?${key}: *["']?([^"'\\s#]+)`, "gm"))].map(([, value = ""]) => value);
  const started = ["main", "pre", "post"].flatMap(values);
  const used = values("uses");
  const lost = started
    .filter((target) => !existsSync(join(place, target)) || relative(folder, join(place, target)).startsWith(".."))
    .map((target) => `${path}: starts ${target}, which does not exist`);
  const nowhere = used
    .filter((target) => !leadsToAction(folder, target, portableSha))
    .map((target) => `${path}: uses ${target}, which leads to no action of this release`);
  const idle = started.length + used.length === 0 ? [`${path}: starts nothing`] : [];
  return [...lost, ...nowhere, ...idle];
}

function leadsToAction(folder: string, target: string, portableSha: string | undefined): boolean {
  const found =
    portableSha === undefined
      ? /^\$\/([\w/-]+)$/.exec(target)
      : new RegExp(`^classwaves/env-actions/([\\w/-]+)@${portableSha}$`).exec(target);
  return found !== null && existsSync(join(folder, found[1] ?? "", "action.yml"));
}

/** Starts the program of the release where nothing of this repository is near. @throws Error if it names another version */
export function startProgram(files: string, version: Version, scratch: string): void {
  for (const archive of archivesOf(version)) {
    const out = join(scratch, `start-${archive.file}`);
    rmSync(out, { recursive: true, force: true });
    const folder = unpack(files, archive, version, out);
    const { PATH } = process.env;
    const printed = execFileSync(process.execPath, [join(folder, "dist", "index.js"), "--version"], {
      cwd: out,
      env: { PATH },
      encoding: "utf8",
    });
    if (printed.trim() !== version.text)
      throw new Error(`${archive.file}: its program says version ${printed.trim()}, expected ${version.text}`);
  }
}

/** Fetches the commits of tags. @throws Error if one is missing */
export function fetchCommits(git: Git, remote: string, commits: Commits): void {
  git(["fetch", "--quiet", "--no-tags", remote, commits.main, commits.portable]);
}
