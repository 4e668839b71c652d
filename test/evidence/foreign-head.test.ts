import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refuseForeignHead } from "../../src/evidence/foreign-head.ts";
import { UserError } from "../../src/model/user-error.ts";
import { freshBundle } from "../harness/process.ts";

/** A stranger's commit must not run with the repository's secrets. */

const repository = "classwaves/app";
let folder: string;
let workspace: string;
let base: string;
let foreign: string;

const git = (...args: string[]) => execFileSync("git", args, { cwd: workspace, encoding: "utf8" }).trim();

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "env-actions-head-")));
  workspace = folder;
  git("init", "--quiet", "--initial-branch=main");
  git("config", "user.email", "a@b.example");
  git("config", "user.name", "a");
  writeFileSync(join(workspace, "c.yml"), "version: 1\n");
  git("add", ".");
  git("commit", "--quiet", "-m", "base");
  base = git("rev-parse", "HEAD");
  git("switch", "--quiet", "-c", "fork");
  writeFileSync(join(workspace, "c.yml"), "version: 1\n# mine\n");
  git("commit", "--quiet", "-am", "fork");
  foreign = git("rev-parse", "HEAD");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  workspace = folder;
  git("switch", "--quiet", "--force", "main");
});

const events = {
  fork: () => ({ pull_request: { head: { sha: foreign, repo: { full_name: "mallory/app" } } } }),
  own: () => ({ pull_request: { head: { sha: foreign, repo: { full_name: repository } } } }),
  "own, merged": () => ({
    pull_request: { head: { sha: base, repo: { full_name: repository } }, merge_commit_sha: foreign },
  }),
  "own, about another commit": () => ({
    pull_request: { head: { sha: base, repo: { full_name: repository } }, merge_commit_sha: null },
  }),
  "own, without a commit": () => ({ pull_request: { head: { repo: { full_name: repository } } } }),
  "deleted fork": () => ({ pull_request: { head: { repo: null } } }),
  "run of a fork": () => run("pull_request", "mallory/app", foreign),
  "own run": () => run("push", repository, foreign),
  "own run of a pull request": () => run("pull_request", repository, foreign),
  "own run about another commit": () => run("pull_request", repository, base),
  // GitHub says that it is of the default branch, whatever its jobs checked out.
  "own run that a comment started": () => run("issue_comment", repository, base),
  "own run that a comment started, on this commit": () => run("issue_comment", repository, foreign),
  "own run of an unknown event": () => run(undefined, repository, foreign),
  comment: () => ({ issue: { pull_request: { url: "https://api.github.com/repos/classwaves/app/pulls/1" } } }),
} as const;

function run(event: string | undefined, full_name: string, head_sha: string) {
  return { workflow_run: { ...(event === undefined ? {} : { event }), head_sha, head_repository: { full_name } } };
}

const checkout = (name: string, event: keyof typeof events | undefined, allowed?: string) => {
  const file = join(folder, ".git", "event.json");
  if (event) writeFileSync(file, JSON.stringify(events[event]()));
  const env = {
    GITHUB_ACTIONS: "true",
    GITHUB_EVENT_NAME: name,
    GITHUB_REPOSITORY: repository,
    GITHUB_SHA: base,
    ...(event ? { GITHUB_EVENT_PATH: file } : {}),
  };
  return { env, workspace, configFile: "c.yml", allowed };
};

const outcome = async (one: ReturnType<typeof checkout>): Promise<string> => {
  const error = await refuseForeignHead(one).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return "runs";
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).message;
};

describe("with the head checked out", () => {
  test.each([
    [
      "pull_request_target",
      "fork",
      /^the workspace has commit [0-9a-f]{12} checked out, a commit of mallory\/app\..*nothing was started/,
    ],
    ["pull_request_target", "deleted fork", /that may come from another repository/],
    ["pull_request_target", undefined, /that may come from another repository/],
    ["pull_request_target", "own", /^runs$/],
    ["pull_request_target", "own, merged", /^runs$/],
    ["pull_request_target", "own, about another commit", /that may come from another repository/],
    ["pull_request_target", "own, without a commit", /that may come from another repository/],
    ["workflow_run", "run of a fork", /of mallory\/app/],
    ["workflow_run", "own run", /^runs$/],
    ["workflow_run", "own run of a pull request", /^runs$/],
    ["workflow_run", "own run about another commit", /that may come from another repository/],
    ["workflow_run", "own run that a comment started", /that may come from another repository/],
    ["workflow_run", "own run that a comment started, on this commit", /that may come from another repository/],
    ["workflow_run", "own run of an unknown event", /that may come from another repository/],
    ["issue_comment", "comment", /that may come from another repository.*foreign-head: <full SHA>/],
    ["discussion_comment", undefined, /that may come from another repository/],
    // These give a fork no secrets, or only people with write access can trigger them.
    ["pull_request", "fork", /^runs$/],
    ["merge_group", undefined, /^runs$/],
    ["push", undefined, /^runs$/],
    ["workflow_dispatch", undefined, /^runs$/],
    ["schedule", undefined, /^runs$/],
  ] as const)("%s, %s", async (name, event, expected) => {
    git("switch", "--quiet", "fork");
    expect(await outcome(checkout(name, event))).toMatch(expected);
  });

  test("only the workflow can allow a commit, exactly the reviewed one; the checked-out file cannot", async () => {
    git("switch", "--quiet", "fork");
    expect(await outcome(checkout("pull_request_target", "fork", foreign))).toBe("runs");
    expect(await outcome(checkout("pull_request_target", "fork", foreign.toUpperCase()))).toBe("runs");
    // Pushed after the review.
    git("commit", "--quiet", "--allow-empty", "-m", "more");
    expect(await outcome(checkout("pull_request_target", "fork", foreign))).toMatch(
      /^foreign-head: expected the commit .*: check out exactly the commit that was reviewed$/,
    );
    git("reset", "--quiet", "--hard", foreign);
  });
});

describe("with the base checked out", () => {
  test("the base runs", async () => {
    expect(await outcome(checkout("pull_request_target", "fork"))).toBe("runs");
    expect(await outcome(checkout("issue_comment", "comment"))).toBe("runs");
    expect(await outcome(checkout("workflow_run", "own run that a comment started"))).toBe("runs");
  });

  test("files of the head copied over the base don't run", async () => {
    git("checkout", "--quiet", "fork", "--", "c.yml");
    expect(await outcome(checkout("pull_request_target", "fork"))).toMatch(/files of the base commit were changed.*c\.yml/);
  });

  test("an unpacked folder next to the base doesn't run", async () => {
    writeFileSync(join(workspace, "theirs.yml"), "version: 1\n");
    const one = { ...checkout("workflow_run", "run of a fork"), configFile: "theirs.yml" };
    expect(await outcome(one)).toMatch(/theirs\.yml is not a file of the base commit/);
    rmSync(join(workspace, "theirs.yml"));
  });

  test("a folder without git doesn't run", async () => {
    const bare = mkdtempSync(join(tmpdir(), "env-actions-no-git-"));
    expect(await outcome({ ...checkout("workflow_run", "run of a fork"), workspace: bare })).toMatch(/git cannot tell/);
    rmSync(bare, { recursive: true });
  });
});

test.each([["preflight"], ["tables"], ["undo", "r.json"]])(
  "%s in a job ends with 2 before the configuration is read",
  (...argv) => {
    git("switch", "--quiet", "fork");
    const entry = freshBundle;
    const { env } = checkout("pull_request_target", "fork");
    const ran = spawnSync(process.execPath, [entry, ...argv, "--config", "c.yml"], {
      cwd: workspace,
      env: { PATH: process.env.PATH, ...env },
      encoding: "utf8",
    });
    expect(ran.stderr).toMatch(/^env-actions: EA2007: the workspace has commit .* of mallory\/app/);
    expect(ran.status).toBe(2);
  },
);
