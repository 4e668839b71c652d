import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { UserError } from "../model/user-error.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface Checkout {
  env: Env;
  /** Absolute path of the folder whose commands would run. */
  workspace: string;
  /** Relative to the workspace, or absolute. */
  configFile: string;
  /** The commit of another repository that the workflow allows, as a full SHA. */
  allowed: string | undefined;
}

/**
 * Events that only people with write access can trigger, or that give jobs of a fork no secrets. For all others, the repository's
 * secrets are available and somebody without write access may be the trigger.
 */
const harmless: ReadonlySet<string> = new Set(
  `push pull_request pull_request_review pull_request_review_comment merge_group schedule workflow_dispatch repository_dispatch workflow_call
  deployment deployment_status deployment_protection_rule release registry_package create delete branch_protection_rule`.split(
    /\s+/,
  ),
);

/** The commit that the event is about. Members are absent if the event doesn't say. */
interface Subject {
  repository?: string;
  /** Full SHAs of this commit, and of its test merge into the base. */
  commits: readonly string[];
}

function subjectOf(name: string, { pull_request: pull, workflow_run: run }: Event): Subject {
  if (name === "pull_request_target")
    return { ...named(pull?.head?.repo?.full_name), commits: known(pull?.head?.sha, pull?.merge_commit_sha) };
  // A run that a comment started is on the default branch, whatever commit its jobs looked at.
  const isAboutCommit = name === "workflow_run" && harmless.has(run?.event ?? "");
  return isAboutCommit ? { ...named(run?.head_repository?.full_name), commits: known(run?.head_sha) } : { commits: [] };
}

const named = (repository: string | undefined): Pick<Subject, "repository"> => (repository === undefined ? {} : { repository });
const known = (...commits: readonly (string | null | undefined)[]): string[] =>
  commits.flatMap((commit) => (typeof commit === "string" && commit !== "" ? [commit.toLowerCase()] : []));

interface Event {
  pull_request?: { head?: { sha?: string; repo?: { full_name?: string } | null }; merge_commit_sha?: string | null };
  workflow_run?: { event?: string; head_sha?: string; head_repository?: { full_name?: string } | null };
}

/**
 * Refuses to run commands from another repository's commit with this job's secrets. The base commit (GITHUB_SHA) may always run.
 * The configuration is part of the checkout, so it cannot allow anything. Only the workflow can, by naming the commit.
 * @throws UserError
 */
export async function refuseForeignHead({ env, workspace, configFile, allowed }: Checkout): Promise<void> {
  const name = env.GITHUB_EVENT_NAME ?? "";
  if (env.GITHUB_ACTIONS !== "true" || name === "" || harmless.has(name)) return;
  const { repository: from, commits } = subjectOf(name, await eventOf(env.GITHUB_EVENT_PATH));
  const head = await git(workspace, "rev-parse", "HEAD");
  const isOwn = from !== undefined && from === env.GITHUB_REPOSITORY;
  // Anybody who can push a branch to this repository could read its secrets anyway. But the workspace may have another commit than the
  // event is about.
  if (isOwn && head !== undefined && commits.includes(head)) return;
  if (allowed !== undefined) {
    if (head === allowed.toLowerCase()) return;
    throw new UserError(
      "EA2008",
      `foreign-head: expected the commit ${allowed} in the workspace, got ${head ?? "none that git can name"}: check out exactly the commit that was reviewed`,
    );
  }
  const why =
    head === env.GITHUB_SHA && head !== undefined
      ? await differs(workspace, configFile)
      : otherCommit(head, isOwn ? undefined : from);
  if (why !== undefined) throw new UserError("EA2007", refusal(name, why));
}

function refusal(event: string, why: string): string {
  return `${why}. The event ${event} gives this job secrets, although people without write access can trigger it. Their commands would run with your credentials, so nothing was started. For forks, use the event pull_request, which gives them no secrets, or check out the base. If you have reviewed exactly this commit, name it in the workflow: foreign-head: <full SHA>. See docs/trust.md`;
}

function otherCommit(head: string | undefined, from: string | undefined): string {
  const whose = from === undefined ? "that may come from another repository" : `of ${from}`;
  return head === undefined
    ? `git cannot tell which commit the workspace has, and the event is about a commit ${whose}`
    : `the workspace has commit ${head.slice(0, 12)} checked out, a commit ${whose}`;
}

/** What differs from the checked-out base: somebody else's files may have been copied over it. */
async function differs(workspace: string, configFile: string): Promise<string | undefined> {
  const tracked = await git(workspace, "ls-files", "--error-unmatch", "--", configFile);
  if (tracked === undefined) return `the configuration ${configFile} is not a file of the base commit`;
  const changed = await git(workspace, "status", "--porcelain", "--untracked-files=no");
  if (changed === "") return undefined;
  // Without an answer, changes cannot be excluded.
  if (changed === undefined) return "git cannot tell which files of the base commit were changed in the workspace";
  const [first = ""] = changed.split("\n");
  return `files of the base commit were changed in the workspace (${first.trim()})`;
}

/** A file system that hangs must not block the job. No answer allows nothing. */
const gitWithinMs = 60_000;

/** @returns undefined if git fails, for example outside a repository */
async function git(cwd: string, ...args: string[]): Promise<string | undefined> {
  // In a container, the checkout belongs to another user. And no program from the repository's git configuration may be started.
  const settings = ["-c", "safe.directory=*", "-c", "core.fsmonitor=false"];
  try {
    const { execFile } = await import("node:child_process");
    return (await promisify(execFile)("git", [...settings, ...args], { cwd, timeout: gitWithinMs })).stdout.trim();
  } catch {
    return undefined;
  }
}

/** Without a readable event, no commit is trusted. */
async function eventOf(file: string | undefined): Promise<Event> {
  try {
    const event: unknown = JSON.parse(await readFile(file ?? "", "utf8"));
    return typeof event === "object" && event !== null ? event : {};
  } catch {
    return {};
  }
}
