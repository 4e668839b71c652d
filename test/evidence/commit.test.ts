import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitOf } from "../../src/evidence/evidence.ts";
import { folderForEachTest } from "../harness/folder.ts";

// Evidence is about the files that were tested, and GITHUB_SHA only says which event started the workflow.

const folder = folderForEachTest();

function git(...args: string[]): string {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"];
  return execFileSync("git", [...identity, ...args], { cwd: folder.path, encoding: "utf8" }).trim();
}

/** @returns the commits in order */
function repository(commits: number): string[] {
  git("init", "--quiet", "--initial-branch=main");
  return Array.from({ length: commits }, (_, at) => {
    writeFileSync(join(folder.path, "file"), String(at));
    git("add", "file");
    git("commit", "--quiet", "-m", String(at));
    return git("rev-parse", "HEAD");
  });
}

function runner(sha: string | undefined, head?: string): Record<string, string> {
  const event = join(folder.path, "event.json");
  writeFileSync(event, JSON.stringify(head === undefined ? {} : { pull_request: { head: { sha: head } } }));
  return { GITHUB_ACTIONS: "true", GITHUB_SHA: sha ?? "", GITHUB_EVENT_PATH: event };
}

test("on a runner it is the commit of the event, with the head of a pull request", async () => {
  const [first = "", second = ""] = repository(2);
  expect(await commitOf(runner(second), folder.path)).toEqual({ sha: second });
  expect(await commitOf(runner(second, first), folder.path)).toEqual({ sha: second, headSha: first });
  // Checked out by `ref: ${{ github.event.pull_request.head.sha }}`.
  git("checkout", "--quiet", first);
  expect(await commitOf(runner(second, first), folder.path)).toEqual({ sha: second, headSha: first });
});

test("another commit in the workspace is the one that is tested", async () => {
  const [first = "", second = "", third = ""] = repository(3);
  git("checkout", "--quiet", third);
  expect(await commitOf(runner(second), folder.path)).toEqual({ sha: third });
  expect(await commitOf(runner(second, first), folder.path)).toEqual({ sha: third });
});

test("a workspace without a repository has the commit of the event, and in a terminal none", async () => {
  const sha = "a".repeat(40);
  expect(await commitOf(runner(sha), folder.path)).toEqual({ sha });
  expect(await commitOf({}, folder.path)).toEqual({ sha: "unversioned" });
});
