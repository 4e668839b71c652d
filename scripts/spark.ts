import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

/**
 * Spark's own parser, which shows what a statement means to a warehouse. `node scripts/spark.ts` installs pyspark from Python's
 * registry for the long tests; Java must be installed already. Exit status 77: it is not available here.
 */
const version = "4.3.0";
const folder = join(import.meta.dirname, "..", ".cache", "pyspark");
const installDeadlineMs = 900_000;

/** A Python with pyspark; `missing` is the reason that a skipped test reports. */
export type FoundSpark = { python: string } | { missing: string };

/** @param wanted pyspark's version @param script what installs it */
export function findSpark(wanted = version, script = "scripts/spark.ts"): FoundSpark {
  const python = join(folder, wanted, "bin", "python");
  if (!existsSync(python)) return { missing: `pyspark ${wanted} is not installed: node ${script} does it` };
  return runs("java", ["-version"]) ? { python } : { missing: "there is no java, which Spark needs" };
}

function runs(program: string, words: string[]): boolean {
  return spawnSync(program, words, { stdio: "ignore", timeout: 60_000 }).status === 0;
}

/** Installed in a temporary folder and then moved, so that an interruption leaves no incomplete installation. */
export function installSpark(wanted: string): FoundSpark {
  const there = findSpark(wanted);
  if ("python" in there) return there;
  if (!runs("java", ["-version"])) return { missing: "there is no java, which Spark needs" };
  mkdirSync(folder, { recursive: true });
  const workshop = mkdtempSync(join(folder, "install-"));
  try {
    // A venv contains its own path, so after the move we only use its python, which finds the rest beside it.
    if (!runs("python3", ["-m", "venv", workshop])) return { missing: "there is no python3 with venv" };
    const words = ["-m", "pip", "install", "--quiet", "--timeout", "15", `pyspark==${wanted}`];
    const options = { encoding: "utf8", timeout: installDeadlineMs } as const;
    const { status, stderr } = spawnSync(join(workshop, "bin", "python"), words, options);
    if (status !== 0) return { missing: `pyspark ${wanted} could not be installed: ${stderr.trim().split("\n").at(-1)}` };
    renameSync(workshop, join(folder, wanted));
    return findSpark(wanted);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

function main(): void {
  const found = installSpark(version);
  console.log("python" in found ? `pyspark ${version}: ${found.python}` : found.missing);
  if (!("python" in found)) process.exitCode = 77;
}

if (import.meta.main) main();
