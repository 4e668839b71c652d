import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gitIn } from "./git.ts";
import { howToPrepare, notesOf, type Version } from "./version.ts";

/** What a release is made of. */
export interface Sources {
  repository: string;
  version: Version;
  /** The full SHA. */
  commit: string;
  /** Of the commit, in seconds. */
  time: number;
  /** What the changelog says about the version. */
  notes: string;
}

/**
 * The committed state of a clone.
 * @throws Error if a file is changed, or a place names another version
 */
export function readSources(repository: string, version: Version): Sources {
  const git = gitIn(repository);
  const changed = git(["status", "--porcelain"]);
  if (changed !== "")
    throw new Error(`only committed files are released, and these are changed. Commit them, or restore them:\n${changed}`);
  const read = (path: string) => readFileSync(join(repository, path), "utf8");
  const named = [
    { path: "package.json", text: versionIn(read("package.json")) },
    { path: "package-lock.json", text: versionIn(read("package-lock.json")) },
    { path: "src/lib/version.ts", text: /version = "(.*)"/.exec(read("src/lib/version.ts"))?.[1] },
  ];
  for (const { path, text } of named)
    if (text !== version.text)
      throw new Error(`${path}: expected version ${version.text}, got ${text}. ${howToPrepare(version.text)}`);
  const notes = notesOf(read("CHANGELOG.md"), version);
  const [commit = "", time = ""] = git(["show", "-s", "--format=%H %ct", "HEAD"]).split(" ");
  return { repository, version, commit, time: Number(time), notes };
}

function versionIn(manifest: string): string | undefined {
  return (JSON.parse(manifest) as { version?: string }).version;
}
