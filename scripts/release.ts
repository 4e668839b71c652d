import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { archiveSize, largestArchive, layOut } from "./lay-out.ts";

/**
 * Publishes the committed state as a release: `node scripts/release.ts --version 1.2.3`. It makes two commits: the
 * published tree, and its portable form, which refers to the first. One atomic push sends both:
 *
 *   branch v1, tag v1.2.3                      the published tree
 *   branch v1-portable, tag v1.2.3-portable    the same without `$/`, for GitHub Enterprise Server and act
 *
 * It never forces a push. Branches only move forward, and an existing tag makes the whole push fail, so pinned versions never change.
 */

export interface Release {
  /** A clone of this repository with dist built. */
  repository: string;
  /** `1.2.3` */
  version: string;
  remote: string;
}

/** @throws Error if the version is invalid or exists already, or if the tree is larger than allowed */
export function release({ repository, version, remote }: Release): void {
  const major = /^([1-9]\d*)\.\d+\.\d+$/.exec(version)?.[1];
  if (!major) throw new Error(`${version} is not a version such as 1.2.3`);
  const scratch = mkdtempSync(join(tmpdir(), "env-actions-release-"));
  const git = gitIn(repository);
  try {
    const source = git(["rev-parse", "HEAD"]);
    const lines = [{ suffix: "" }, { suffix: "-portable" }];
    const refs: string[] = [];
    let published: string | undefined;
    for (const { suffix } of lines) {
      const out = join(scratch, `tree${suffix}`);
      layOut({ from: repository, out, version, portableSha: suffix === "" ? undefined : published });
      const size = archiveSize(out);
      if (size > largestArchive) throw new Error(`the release is ${size} bytes as tar.gz, more than ${largestArchive}`);
      const branch = `v${major}${suffix}`;
      const parent = git(["ls-remote", remote, `refs/heads/${branch}`]).split("\t")[0];
      if (parent) git(["fetch", "--quiet", remote, parent]);
      const commit = commitTree(
        git,
        out,
        join(scratch, `index${suffix}`),
        `env-actions ${version}${suffix}\n\nFrom ${source}`,
        parent,
      );
      published ??= commit;
      refs.push(`${commit}:refs/heads/${branch}`, `${commit}:refs/tags/v${version}${suffix}`);
    }
    git(["push", "--atomic", remote, ...refs]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

type Git = (args: readonly string[], env?: NodeJS.ProcessEnv) => string;

function gitIn(repository: string): Git {
  return (args, env = {}) =>
    execFileSync("git", args, { cwd: repository, env: { ...process.env, ...env }, encoding: "utf8", stdio: "pipe" }).trim();
}

/** Commits a folder with a separate index, so that the clone's index and files do not change. */
function commitTree(git: Git, directory: string, index: string, message: string, parent: string | undefined): string {
  const env = { GIT_INDEX_FILE: index, GIT_WORK_TREE: directory };
  // Forced, because the published tree may contain files that this repository ignores, such as *.log.
  git(["add", "--all", "--force", "."], env);
  const tree = git(["write-tree"], env);
  return git(["commit-tree", tree, ...(parent ? ["-p", parent] : []), "-m", message]);
}

function main(): void {
  const { values } = parseArgs({ options: { version: { type: "string" }, remote: { type: "string", default: "origin" } } });
  if (!values.version) throw new Error("usage: node scripts/release.ts --version 1.2.3 [--remote origin]");
  release({ repository: join(import.meta.dirname, ".."), version: values.version, remote: values.remote });
  console.log(`published ${values.version}`);
}

if (import.meta.main) main();
