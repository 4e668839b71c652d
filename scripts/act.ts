import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * nektos/act runs workflows without GitHub. `node scripts/act.ts` installs it, building it if Go is available. `.ci/run` calls
 * this script, and the tests only use an existing act. Exit status 77: act is not available here.
 */
const version = "v0.2.89";
const folder = join(import.meta.dirname, "..", ".cache", "act");
const cached = join(folder, version, "act");
const buildDeadlineMs = 900_000;

/** `missing` is the reason that a skipped test reports. */
export type FoundAct = { path: string } | { missing: string };

/** Looks for act in `ACT`, the PATH and our cache. */
export function findAct(): FoundAct {
  const named = process.env.ACT;
  if (named) return existsSync(named) ? { path: named } : { missing: `ACT names ${named}, which does not exist` };
  const path = onThePath("act") ?? (existsSync(cached) ? cached : undefined);
  return path ? { path } : { missing: "act is neither on the PATH nor built: node scripts/act.ts builds it, where there is go" };
}

function onThePath(program: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}

/** Built in a temporary folder and then moved, so that an interrupted build leaves no incomplete program. */
function build(go: string): FoundAct {
  mkdirSync(folder, { recursive: true });
  const workshop = mkdtempSync(join(folder, "build-"));
  try {
    const env = { ...process.env, GOBIN: workshop };
    const { status, stderr } = spawnSync(go, ["install", `github.com/nektos/act@${version}`], {
      env,
      encoding: "utf8",
      timeout: buildDeadlineMs,
    });
    if (status !== 0) return { missing: `go install of act ${version} failed: ${stderr.trim().split("\n").at(-1)}` };
    mkdirSync(join(cached, ".."), { recursive: true });
    renameSync(join(workshop, "act"), cached);
    return { path: cached };
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

function main(): void {
  const go = onThePath("go");
  const there = findAct();
  const found = "path" in there ? there : go ? build(go) : { missing: "act is not there, and there is no go to build it" };
  console.log("path" in found ? `act: ${found.path}` : found.missing);
  if (!("path" in found)) process.exitCode = 77;
}

if (import.meta.main) main();
