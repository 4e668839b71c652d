import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseVersion, type Version } from "./version.ts";

/**
 * Prepares the next release: `node scripts/release/set-version.ts 1.2.3` writes the version to package.json and the lock file, and
 * makes a version of what the changelog has under "Unreleased". From package.json, scripts/generate.ts writes src/lib/version.ts.
 */

/** @returns the text with the version in the first place that has one */
export function withVersion(manifest: string, { text }: Version, places: number): string {
  let left = places;
  return manifest.replace(/^( {2,6}"version": ")[^"]*(")/gm, (found, before: string, after: string) =>
    left-- > 0 ? `${before}${text}${after}` : found,
  );
}

/** @param day `2026-11-30` @throws Error if nothing is under "Unreleased" */
export function withHeading(changelog: string, { text }: Version, day: string): string {
  const heading = /^## Unreleased\n+(?!\n|## )/m;
  if (!heading.test(changelog)) throw new Error('CHANGELOG.md has no entries under "## Unreleased"');
  return changelog.replace(heading, `## Unreleased\n\n## ${text} (${day})\n\n`);
}

function main(): void {
  const [given] = process.argv.slice(2);
  if (!given) throw new Error("usage: node scripts/release/set-version.ts 1.2.3");
  const version = parseVersion(given);
  const repository = join(import.meta.dirname, "..", "..");
  const edit = (path: string, change: (text: string) => string) => {
    const file = join(repository, path);
    writeFileSync(file, change(readFileSync(file, "utf8")));
  };
  edit("CHANGELOG.md", (text) => withHeading(text, version, new Date().toISOString().slice(0, 10)));
  edit("package.json", (text) => withVersion(text, version, 1));
  // The lock file has the version a second time, for the root package.
  edit("package-lock.json", (text) => withVersion(text, version, 2));
  execFileSync(process.execPath, [join(repository, "scripts", "generate.ts")], { stdio: "inherit" });
  console.log(`Now run npm run build, and commit: the workflow Release publishes ${version.text} from main.`);
}

if (import.meta.main) main();
