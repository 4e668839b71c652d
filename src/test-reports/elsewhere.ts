import { existsSync } from "node:fs";
import { glob, lstat, readdir } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";

/** Where a run may have written the report that nobody finds: beside the expected place, or in the folder of an outer project. */

/** The kernel's file times may lag behind our clock by a tick. */
const clockLagMs = 20;
const mostFolders = 200;
const mostShown = 5;
const deepest = 3;
const outermost = 4;

const looksLikeReport = /\.(?:xml|json|jsonl|ndjson|trx|tap|ctrf)$/i;
const skipped = new Set(["node_modules", ".git", ".env-actions", ".venv", "venv", "__pycache__"]);

/**
 * Files that this run wrote and that look like reports.
 * @returns paths relative to `cwd`
 */
export async function writtenElsewhere(cwd: string, globs: readonly string[], startedAt: number): Promise<string[]> {
  const found = new Set<string>();
  const see = async (path: string) => {
    if (found.size < mostShown && (await isOfRun(path, startedAt))) found.add(relative(cwd, path).split(sep).join("/"));
  };
  // npm runs a script in the folder of the nearest package.json, which may be an outer one.
  for (const folder of outerFolders(cwd))
    for (const pattern of globs.filter((one) => !one.includes("**") && !one.includes("..") && !one.startsWith("/")))
      for await (const match of glob(pattern, { cwd: folder })) await see(resolve(folder, match));
  for (const path of await filesIn(cwd)) await see(path);
  return [...found];
}

/** Those of the git repository; without one, those that npm could run a script in. */
function outerFolders(cwd: string): string[] {
  const folders: string[] = [];
  let folder = cwd;
  while (!existsSync(join(folder, ".git")) && folder !== dirname(folder)) {
    folder = dirname(folder);
    folders.push(folder);
  }
  const isRepository = existsSync(join(folder, ".git"));
  return folders.filter((outer) => isRepository || existsSync(join(outer, "package.json"))).slice(0, outermost);
}

/** Level by level, and only so many folders: a report is near to where the tests run. */
async function filesIn(cwd: string): Promise<string[]> {
  const files: string[] = [];
  let waiting = [cwd];
  let seen = 0;
  for (let level = 0; level < deepest; level++) {
    const next: string[] = [];
    for (const folder of waiting) {
      if (++seen > mostFolders) return files;
      for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
        if (entry.isDirectory() && !skipped.has(entry.name)) next.push(join(folder, entry.name));
        else if (entry.isFile() && looksLikeReport.test(entry.name)) files.push(join(folder, entry.name));
      }
    }
    waiting = next;
  }
  return files;
}

async function isOfRun(path: string, startedAt: number): Promise<boolean> {
  // Only a hint for a message: a file that is gone by now is none.
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isFile()) return false;
  return found.mtimeMs + (found.mtimeMs % 1_000 === 0 ? 1_000 : clockLagMs) >= startedAt;
}
