import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Writes the files (path → content) and commits them, as a repository whose workflow is to run. @returns the commit's SHA. */
export function makeRepository(directory: string, files: Record<string, string>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  git(directory, "init", "--quiet", "--initial-branch=main");
  git(directory, "remote", "add", "origin", "https://github.com/classwaves/consumer.git");
  git(directory, "add", "--all");
  git(directory, "commit", "--quiet", "--message", "A consumer of the actions");
  return git(directory, "rev-parse", "HEAD");
}

/** Nothing of this machine's git configuration takes part. */
export function git(directory: string, ...args: string[]): string {
  const who = {
    GIT_AUTHOR_NAME: "Test",
    GIT_AUTHOR_EMAIL: "test@example.com",
    GIT_COMMITTER_NAME: "Test",
    GIT_COMMITTER_EMAIL: "test@example.com",
  };
  const env = { PATH: process.env.PATH, ...who, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  return execFileSync("git", args, { cwd: directory, env, encoding: "utf8", stdio: "pipe" }).trim();
}
