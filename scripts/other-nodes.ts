import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The oldest versions of Node that our code supports, installed from npm. `node scripts/other-nodes.ts` installs them. `.ci/run`
 * calls this script, and the tests only use existing ones. Exit status 77: they are not available here.
 */
const oldest = {
  /** The testkit runs in other people's tests. */
  testkit: "18.20.8",
  /** On older versions, the command line prints an error. */
  commandLine: "22.0.0",
  /** New enough for the testkit, but too old for the command line. */
  between: "20.20.2",
};
export type OtherNode = keyof typeof oldest;
export const otherNodes = Object.keys(oldest) as OtherNode[];

const place = join(import.meta.dirname, "..", ".cache", "nodes");
const installDeadlineMs = 180_000;

/** `missing` is the reason that a skipped test reports. */
export type FoundNode = { path: string } | { missing: string };

export function findNode(name: OtherNode): FoundNode {
  const path = programOf(name);
  return existsSync(path) ? { path } : { missing: `node ${oldest[name]} is not there: node scripts/other-nodes.ts installs it` };
}

/** npm has a package of Node for each system and processor. */
function packageFor(): string {
  const system = process.platform === "win32" ? "win" : process.platform;
  return `node-${system}-${process.arch}`;
}

function programOf(name: OtherNode, folder = join(place, oldest[name])): string {
  return join(folder, "node_modules", packageFor(), "bin", process.platform === "win32" ? "node.exe" : "node");
}

/** Installed in a temporary folder and then moved, so that an interruption leaves no incomplete program. */
function install(name: OtherNode): FoundNode {
  mkdirSync(place, { recursive: true });
  const workshop = mkdtempSync(join(place, "install-"));
  try {
    writeFileSync(join(workshop, "package.json"), '{"private":true}\n');
    const wanted = `${packageFor()}@${oldest[name]}`;
    // On Windows, npm is a .cmd file, which only a shell can start.
    const { status, stderr, error } = spawnSync("npm", ["install", "--ignore-scripts", "--loglevel=error", wanted], {
      cwd: workshop,
      encoding: "utf8",
      shell: process.platform === "win32",
      timeout: installDeadlineMs,
    });
    if (status !== 0 || !existsSync(programOf(name, workshop)))
      return { missing: `npm could not install ${wanted}: ${error?.message ?? stderr.trim().split("\n").at(-1)}` };
    renameSync(workshop, join(place, oldest[name]));
    return findNode(name);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

function main(): void {
  for (const name of otherNodes) {
    const there = findNode(name);
    const found = "path" in there ? there : install(name);
    console.log("path" in found ? `node ${oldest[name]}: ${found.path}` : found.missing);
    if (!("path" in found)) process.exitCode = 77;
  }
}

if (import.meta.main) main();
