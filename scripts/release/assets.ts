import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Commits } from "./commits.ts";
import { gitIn } from "./git.ts";
import type { Sources } from "./sources.ts";
import { unzip } from "./unzip.ts";
import { portable, type Version } from "./version.ts";

/** The files of a release. */

export const checksums = "SHA256SUMS";

/** One archive; `line` is the commit that it holds. */
export interface Archive {
  file: string;
  line: keyof Commits;
  format: "tar.gz" | "zip";
}

export function archivesOf({ text }: Version): Archive[] {
  return (["main", "portable"] as const).flatMap((line) =>
    (["tar.gz", "zip"] as const).map((format) => ({ file: `${folderOf(text, line)}.${format}`, line, format })),
  );
}

const folderOf = (version: string, line: keyof Commits) => `env-actions-${line === "portable" ? portable(version) : version}`;

export const sbomOf = ({ text }: Version): string => `env-actions-${text}.spdx.json`;
export const provenanceOf = ({ text }: Version): string => `env-actions-${text}.intoto.jsonl`;

/** Every file that is attached, in this order. */
export function assetNames(version: Version): string[] {
  return [...archivesOf(version).map(({ file }) => file), sbomOf(version), checksums, provenanceOf(version)];
}

/** Writes all but the provenance, which GitHub signs. @param sbom its text */
export function writeAssets(sources: Sources, commits: Commits, sbom: string, out: string): void {
  const git = gitIn(sources.repository);
  mkdirSync(out, { recursive: true });
  for (const { file, line, format } of archivesOf(sources.version)) {
    const prefix = `--prefix=${folderOf(sources.version.text, line)}/`;
    git(["archive", `--format=${format}`, prefix, `--output=${join(out, file)}`, commits[line]]);
  }
  writeFileSync(join(out, sbomOf(sources.version)), sbom);
  const names = assetNames(sources.version).filter((name) => name !== checksums && name !== provenanceOf(sources.version));
  writeFileSync(join(out, checksums), names.map((name) => `${digestOf(join(out, name))}  ${name}\n`).join(""));
}

export function digestOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** @throws Error if a file is missing, is one too many, or differs from its checksum @returns digest by name */
export function checkSums(folder: string, version: Version): Map<string, string> {
  const expected = assetNames(version).sort();
  const found = readdirSync(folder).sort();
  if (found.join() !== expected.join())
    throw new Error(`${folder}: expected the files ${expected.join(", ")}, got ${found.join(", ")}`);
  const sums = readSums(readFileSync(join(folder, checksums), "utf8"));
  const listed = expected.filter((name) => name !== checksums && name !== provenanceOf(version));
  if ([...sums.keys()].sort().join() !== listed.join())
    throw new Error(`${checksums}: expected the files ${listed.join(", ")}, got ${[...sums.keys()].join(", ")}`);
  for (const [name, sum] of sums) {
    const digest = digestOf(join(folder, name));
    if (digest !== sum) throw new Error(`${name}: expected SHA-256 ${sum}, got ${digest}`);
  }
  return sums;
}

function readSums(text: string): Map<string, string> {
  return new Map(
    text
      .split("\n")
      .filter(Boolean)
      .map((line) => {
        const found = /^([0-9a-f]{64}) {2}(\S+)$/.exec(line);
        if (!found) throw new Error(`${checksums}: expected "<SHA-256>  <file>", got "${line}"`);
        return [found[2] ?? "", found[1] ?? ""] as const;
      }),
  );
}

/** Unpacks an archive. @returns the folder of its content */
export function unpack(folder: string, { file, line, format }: Archive, version: Version, out: string): string {
  mkdirSync(out, { recursive: true });
  const archive = join(folder, file);
  if (format === "zip") unzip(archive, out);
  else execFileSync("tar", ["-xzf", archive, "-C", out], { stdio: "pipe" });
  return join(out, folderOf(version.text, line));
}
