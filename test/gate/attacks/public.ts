import { createHash } from "node:crypto";
import { type LocalGitHub, rateLimitExceeded, serverError } from "../../../local/github/index.ts";
import type { Verdict } from "../../../src/model/report.ts";
import { commit, e2e, endedBy, project, type Row, type Runner, results } from "./question.ts";

// What anybody may write beside a gate, and what its token may not: comments, commit statuses, inputs and permissions.

type Public = NonNullable<Runner["github"]>;

const job = { permissions: { issues: "write", statuses: "write" } } as const;
const ofFork = { permissions: { issues: "read", statuses: "read" } } as const;
const b = "packages/b/.github/env-actions.yml";
const e2eOfB = (verdict: Verdict) => e2e(verdict, { project: b });
const both = { comment: "true", statuses: "true" };
const stateOf = (github: LocalGitHub) => github.repositories.get("classwaves/app") ?? fail("the repository is unknown");
const written = (github: LocalGitHub) => github.requests.filter(({ method }) => method !== "GET");

function fail(why: string): never {
  throw new Error(why);
}

function shows(github: LocalGitHub, state: string): void {
  const newest = stateOf(github).statuses.findLast(({ context }) => context === "env-actions / e2e");
  if (newest?.state !== state) fail(`expected the status of e2e ${state}, got ${newest?.state}`);
}

function silent(github: LocalGitHub): void {
  const [first] = written(github);
  if (first) fail(`expected no write, got ${first.method} ${first.path}`);
}

/** Somebody with write access sets what the gate's own statuses look like. */
function forgeStatus(github: LocalGitHub): void {
  stateOf(github).statuses.push({
    ...{ id: 1, sha: commit.headSha, context: "env-actions / e2e", state: "success", description: "passed" },
    ...{ targetUrl: null, creator: "somebody", createdAt: 0 },
  });
}

/** The mark of this gate's comment is no secret: it is a hash of its workflow, job and inputs. */
const mark = (workflow: string) => {
  const hash = createHash("sha256").update([workflow, "gate", "", project].join("\n")).digest("hex");
  return `<!-- env-actions gate ${hash.slice(0, 16)} -->\n# ✅ Gate passed`;
};

function comment(author: string, body: string) {
  return (github: LocalGitHub) =>
    void stateOf(github).comments.push({ id: 1, issue: 12, author, body, createdAt: 0, updatedAt: 0 });
}

/** The first comment is as it was, and the gate has one of its own. */
function keeps(body: string) {
  return (github: LocalGitHub) => {
    const [first, ...others] = stateOf(github).comments;
    if (first?.body !== body) fail("somebody else's comment was edited");
    if (others.length !== 1 || !others[0]?.body.includes("Gate failed")) fail("the gate's own comment is missing");
  };
}

function row(what: string, question: Row[1], outcome: Row[2], says: RegExp, github: Public, more: Runner = {}): Row {
  return [what, question, outcome, says, { ...more, inputs: { ...both, "github-token": "job", ...more.inputs }, github }];
}

const refused = (what: string, inputs: Record<string, string>, says: RegExp, more: Runner = {}): Row => [
  what,
  {},
  "refused",
  says,
  { ...more, inputs },
];

export const pages: Row[] = [
  row("a forged status says that e2e passed", endedBy(e2e("failed")), "failed", /failed in job e2e/, {
    token: job,
    before: forgeStatus,
    after: (github) => shows(github, "failure"),
  }),
  row("a forged status, and e2e was skipped", { ...endedBy(), jobs: results("skipped") }, "failed", /job e2e was skipped/, {
    token: job,
    before: forgeStatus,
    after: (github) => shows(github, "failure"),
  }),
  row("a person forged the gate's comment, with its mark", endedBy(e2e("failed")), "failed", /failed in job e2e/, {
    token: job,
    before: comment("somebody", mark("Quality gate")),
    after: keeps(mark("Quality gate")),
  }),
  row("two gates on one pull request: the other's comment stays", endedBy(e2e("failed")), "failed", /failed in job e2e/, {
    token: job,
    before: comment("github-actions[bot]", mark("Nightly")),
    after: keeps(mark("Nightly")),
  }),
  row("the comment of an earlier run says passed", endedBy(e2e("failed")), "failed", /comment on pull request 12: edited/, {
    token: job,
    before: comment("github-actions[bot]", mark("Quality gate")),
    after: (github) => {
      const { comments } = stateOf(github);
      if (comments.length !== 1 || !comments[0]?.body.includes("Gate failed")) fail("the old comment was left");
    },
  }),
  row("GitHub loses one edit, and the old comment says passed", endedBy(e2e("failed")), "failed", /pull request 12: edited/, {
    token: job,
    before: (github) => {
      comment("github-actions[bot]", mark("Quality gate"))(github);
      github.faults.refuse.push({ answer: serverError(502), operation: "issues/update-comment", times: 1 });
    },
    after: (github) => stateOf(github).comments[0]?.body.includes("Gate failed") || fail("the old comment was left"),
  }),
  row(
    "GitHub loses the first status, and the others say what an earlier run did",
    endedBy(e2e("failed")),
    "failed",
    /The commit statuses could not be written: .*502/,
    {
      token: job,
      before: (github) => {
        forgeStatus(github);
        github.faults.refuse.push({ answer: serverError(502), operation: "repos/create-commit-status", times: 1 });
      },
      after: (github) => shows(github, "failure"),
    },
  ),
  row("two projects: the other's status stays", { ...endedBy(e2eOfB("failed")), project: b }, "failed", /failed in job e2e/, {
    token: job,
    before: forgeStatus,
    after: (github) => {
      shows(github, "success");
      const own = stateOf(github).statuses.find(({ context }) => context === `env-actions / e2e (${b})`);
      if (own?.state !== "failure") fail(`expected a status of its own, got ${own?.state}`);
    },
  }),
  row("GitHub's rate limit is used up", {}, "passed", /could not be written: .*rate limit/, {
    token: job,
    before: ({ faults }) => faults.refuse.push({ answer: { ...rateLimitExceeded(Date.now() + 3_600_000) }, times: 99 }),
    after: silent,
  }),
  row(
    "a fork's token may not comment",
    {},
    "passed",
    /The comment on pull request 12 could not be written: .*EA9003[\s\S]*issues: write[\s\S]*from a fork the token can only read/,
    {
      token: ofFork,
      after: (github) => github.repositories.get("classwaves/app")?.comments.length === 0 || fail("a comment was written"),
    },
  ),
  row(
    "a fork's token may not set statuses, and the gate stays closed",
    endedBy(e2e("failed")),
    "failed",
    /The commit statuses could not be written: .*EA9003[\s\S]*statuses: write/,
    { token: ofFork, after: (github) => stateOf(github).statuses.length === 0 || fail("a status was written") },
  ),
  row(
    "a token without any permission",
    {},
    "passed",
    /could not be written: .*EA9003[\s\S]*permissions:[\s\S]*issues: (?:read|write)/,
    {
      token: { permissions: {} },
      after: silent,
    },
  ),
  row(
    "a token that is none",
    {},
    "passed",
    /could not be written: .*EA9002/,
    { token: job, after: silent },
    { inputs: { "github-token": "stolen" } },
  ),
  row(
    "no token at all",
    endedBy(e2e("failed")),
    "failed",
    /could not be written: .*EA9001.*github-token/,
    { token: job, after: silent },
    { inputs: { "github-token": "" } },
  ),
  row(
    "a scheduled run has no pull request to comment on",
    { event: "schedule" },
    "passed",
    /No comment: this event belongs to no pull request/,
    { token: job, after: (github) => stateOf(github).comments.length === 0 || fail("a comment was written") },
    { event: { pull_request: { head: { sha: commit.headSha } } }, inputs: { statuses: "false" } },
  ),
  // What nobody can judge is refused, and never passed.
  refused("`needs` is missing", { needs: "" }, /EA1104: the input `needs` is missing/),
  refused(
    "`needs` is no JSON, such as an expression that nobody evaluated",
    { needs: "${{ toJson(needs) }}" },
    /EA1104: the input `needs`: expected JSON/,
  ),
  refused("`needs` names no job", { needs: "{}" }, /EA1104: the input `needs` names no job/),
  refused(
    "`needs` has a result that GitHub doesn't know",
    { needs: '{"e2e":{"result":"green"}}' },
    /EA1104: .*expected a result for the job e2e/,
  ),
  refused("`needs` is a list", { needs: '["e2e"]' }, /EA1104: .*expected an object with a result for each job/),
  refused(
    "`allow-skips` has a word that is not true or false",
    { "allow-skips": "e2e: yes" },
    /EA1104: .*`allow-skips`.*got "e2e: yes"/,
  ),
  refused("`stages` names a stage that doesn't exist", { stages: "end-to-end" }, /EA1104: .*`stages`.*got "end-to-end"/),
  refused("the configuration is not there", { config: "none.yml" }, /EA1001: none\.yml: .*add actions\/checkout/),
  refused("the configuration is not YAML", {}, /EA1005: .*not valid YAML, so it is unknown which stages must pass/, {
    config: "stages: [",
  }),
  refused("the configuration has a stage twice", {}, /EA1006: .*duplicate key/, { config: "stages: { e2e: false, e2e: {} }\n" }),
];
