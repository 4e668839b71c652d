import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

/**
 * Builds the documentation's site: `npm run docs`. VitePress is installed separately in `site/`, because nothing else needs its
 * 100 MB. Exit status 77: it cannot be installed here.
 */

const root = join(import.meta.dirname, "..");
const site = join(root, "site");
const built = join(root, ".cache", "site");
const installDeadlineMs = 180_000;

/** @returns why VitePress cannot be installed; undefined if it is installed */
function install(): string | undefined {
  const lock = readFileSync(join(site, "package-lock.json"), "utf8");
  const stamp = join(site, "node_modules", ".lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return undefined;
  // On Windows, npm is a .cmd file, which only a shell can start.
  const { status, stderr, error } = spawnSync("npm", ["ci", "--ignore-scripts", "--loglevel=error"], {
    cwd: site,
    encoding: "utf8",
    shell: process.platform === "win32",
    timeout: installDeadlineMs,
  });
  if (status !== 0) return `npm ci in site/ failed: ${error?.message ?? stderr.trim().split("\n").at(-1)}`;
  writeFileSync(stamp, lock);
  return undefined;
}

function main(): void {
  const missing = install();
  if (missing !== undefined) {
    console.log(`VitePress cannot be installed here: ${missing}`);
    process.exitCode = 77;
    return;
  }
  const vitepress = join(site, "node_modules", "vitepress", "bin", "vitepress.js");
  const { status } = spawnSync(process.execPath, [vitepress, "build", site], { cwd: root, stdio: "inherit" });
  if (status === 0) console.log(`the site is in ${relative(process.cwd(), built)}`);
  process.exitCode = status ?? 1;
}

main();
