import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitOf, judgedCommitOf } from "../../src/evidence/evidence.ts";
import { judgeGate } from "../../src/gate/judge.ts";
import { e2e, usual } from "../gate/attacks/question.ts";
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

test("on `pull_request_target` a test of the base says nothing about the head, and doesn't open the gate", async () => {
  const [base = "", head = ""] = repository(2);
  git("checkout", "--quiet", base);
  const env = { ...runner(base, head), GITHUB_EVENT_NAME: "pull_request_target" };
  const judged = async () => {
    const commit = await commitOf(env, folder.path);
    const question = { ...usual(), stages: ["e2e"] as const, evidence: [e2e("passed", { commit })] };
    return { commit, ...judgeGate({ ...question, commit: await judgedCommitOf(env, folder.path) }) };
  };
  const ofBase = await judged();
  expect(ofBase.commit).toEqual({ sha: base });
  expect(ofBase.outcome).toBe("error");
  expect(ofBase.stages[0]?.why).toContain(
    `expected evidence for commit ${head.slice(0, 12)}, got evidence for ${base.slice(0, 12)}`,
  );
  git("checkout", "--quiet", head);
  expect(await judged()).toMatchObject({ commit: { sha: base, headSha: head }, outcome: "passed" });
});

test("without a repository in the workspace, nothing shows that the head was tested on `pull_request_target`", async () => {
  const [base, head] = ["a".repeat(40), "b".repeat(40)];
  const env = { ...runner(base, head), GITHUB_EVENT_NAME: "pull_request_target" };
  expect(await commitOf(env, folder.path)).toEqual({ sha: base });
  expect(await judgedCommitOf(env, folder.path)).toEqual({ sha: base, headSha: head });
  expect(await judgedCommitOf({ ...env, GITHUB_EVENT_NAME: "pull_request" }, folder.path)).toEqual({ sha: base, headSha: head });
});
