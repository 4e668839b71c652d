import { rmSync } from "node:fs";
import { join } from "node:path";
import { archiveSize, largestArchive, layOut } from "../lay-out.ts";
import { type Git, gitIn } from "./git.ts";
import type { Sources } from "./sources.ts";
import { portable } from "./version.ts";

/** The commits of a release, by their full SHAs. */
export interface Commits {
  /** The published tree. */
  main: string;
  /** The same without `$/`, for GitHub Enterprise Server and act: its actions name the first one. */
  portable: string;
}

/**
 * Makes both commits in the clone. They have no parent, and their author and time come from the sources: so the same
 * sources always give the same SHAs, and whoever has them can compare.
 * @param scratch an empty folder
 */
export function makeCommits(sources: Sources, scratch: string): Commits {
  const git = gitIn(sources.repository);
  const committed = join(scratch, "sources");
  const index = { GIT_INDEX_FILE: join(scratch, "sources.index") };
  git(["read-tree", sources.commit], index);
  git(["checkout-index", "--all", `--prefix=${committed}/`], index);

  const main = commitLine(git, sources, committed, scratch, undefined);
  return { main, portable: commitLine(git, sources, committed, scratch, main) };
}

function commitLine(git: Git, sources: Sources, from: string, scratch: string, main: string | undefined): string {
  const name = main === undefined ? sources.version.text : portable(sources.version.text);
  const out = join(scratch, name);
  layOut({ from, out, portableSha: main });
  // GitHub lets a job's token push a workflow only if another branch has the same file. main has the one with `$/`.
  if (main !== undefined) rmSync(join(out, ".github"), { recursive: true });
  const size = archiveSize(out);
  if (size > largestArchive) throw new Error(`the release is ${size} bytes as tar.gz, more than ${largestArchive}`);
  // The index is a separate one, so that the clone's index and files do not change.
  const env = { GIT_INDEX_FILE: join(scratch, `${name}.index`), GIT_WORK_TREE: out };
  // Forced, because the published tree may contain files that this repository ignores, such as *.log.
  git(["-c", "core.autocrlf=false", "add", "--all", "--force", "."], env);
  const tree = git(["write-tree"], env);
  return git(["commit-tree", tree, "-m", `env-actions ${name}\n\nFrom ${sources.commit}`], identity(sources));
}

function identity({ time }: Sources): NodeJS.ProcessEnv {
  const who = { NAME: "env-actions", EMAIL: "noreply@github.com", DATE: `${time} +0000` };
  return Object.fromEntries(
    ["AUTHOR", "COMMITTER"].flatMap((role) => Object.entries(who).map(([what, value]) => [`GIT_${role}_${what}`, value])),
  );
}

/** The commit of the sources that a release's commit names. */
export function sourceOf(git: Git, commit: string): string {
  const found = /^From ([0-9a-f]{40})$/m.exec(git(["show", "-s", "--format=%B", commit]))?.[1];
  if (!found) throw new Error(`${commit} names no commit of its sources: it was not made by a release`);
  return found;
}
