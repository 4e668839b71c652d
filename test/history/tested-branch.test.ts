import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { testedBranch } from "../../src/history/record/branch.ts";
import { folderForThisTest } from "../harness/folder.ts";

/** Which branch a record is of. It could break if a commit of others is taken for one of the default branch. */

const [ours, theirs] = ["a".repeat(40), "b".repeat(40)];
const repository = { default_branch: "main", full_name: "classwaves/app" };
const head = (name: string | null) => ({ head: { repo: name === null ? null : { full_name: name } } });

test.each<[string, { event: object; ref?: string; headRef?: string; sha?: string }, object]>([
  ["a push to main", { event: { repository }, ref: "refs/heads/main" }, { branch: "main", isDefaultBranch: true }],
  ["a push to a branch", { event: { repository }, ref: "refs/heads/roster" }, { branch: "roster" }],
  ["a tag", { event: { repository }, ref: "refs/tags/main" }, {}],
  [
    "another commit than main's, such as on workflow_run",
    { event: { repository }, ref: "refs/heads/main", sha: theirs },
    { branch: "main" },
  ],
  [
    "a pull request of a branch",
    { event: { repository, pull_request: head("classwaves/app") }, ref: "refs/pull/7/merge", headRef: "roster" },
    { branch: "roster" },
  ],
  [
    "a fork's branch that is called main",
    { event: { repository, pull_request: head("stranger/app") }, ref: "refs/pull/7/merge", headRef: "main" },
    { branch: "main", isFork: true },
  ],
  [
    "a fork that was deleted",
    { event: { repository, pull_request: head(null) }, ref: "refs/heads/main", headRef: "main" },
    { branch: "main", isFork: true },
  ],
])("%s", async (_, { event, ref, headRef, sha = ours }, expected) => {
  const file = join(await folderForThisTest(), "event.json");
  await writeFile(file, JSON.stringify(event));
  const env = { GITHUB_ACTIONS: "true", GITHUB_EVENT_PATH: file, GITHUB_REF: ref, GITHUB_HEAD_REF: headRef, GITHUB_SHA: ours };
  expect(await testedBranch(env, { sha })).toEqual(expected);
  expect(await testedBranch({ ...env, GITHUB_ACTIONS: undefined }, { sha })).toEqual({});
});
