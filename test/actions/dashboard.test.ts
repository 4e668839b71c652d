import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Artifact, type LocalGitHub, startGitHub, type WorkflowRun } from "../../local/github/index.ts";
import { newestIn } from "../../src/dashboard/page.ts";
import { writeZip } from "../../src/github/zip.ts";
import { recordOf } from "../../src/history/record/of-report.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { freshBundle, run, runnerEnvironment } from "../harness/process.ts";
import { failedIntegration, hostileNames } from "../report/sample.ts";

/** The action as a runner starts it, after a gate: real artifacts, a real branch in a bare repository behind the stand-in. */

const folder = folderForEachTest();
const repository = "classwaves/app";
const branch = "env-actions-history";
const token = "ghs_d4shb04rdd4shb04rdd4shb04rdd4sh";
const now = Date.now();

let github: LocalGitHub;
let bare: string;
let workflowRun: WorkflowRun;
let artifacts: Artifact[];

const git = (...args: string[]) => execFileSync("git", args, { cwd: bare, encoding: "utf8" }).trim();

beforeEach(async () => {
  bare = await mkdtemp(join(tmpdir(), "dashboard-"));
  git("init", "--quiet", "--bare", "--initial-branch=main");
  workflowRun = {
    ...{ id: 7, attempt: 1, headSha: "a".repeat(40), event: "push", status: "completed", conclusion: "success" },
    ...{ actor: "mona", triggeringActor: "mona", startedAt: now - 600_000, jobs: [], pending: [], reviews: [], ruleAnswers: [] },
  };
  artifacts = [];
  github = await startGitHub({
    repositories: { [repository]: { git: bare, runs: [workflowRun], artifacts } },
    tokens: {
      [token]: { permissions: { contents: "write", actions: "read" } },
      reader: { permissions: { contents: "read", actions: "read" } },
    },
  });
  writeFileSync(join(folder.path, "event"), JSON.stringify({ repository: { default_branch: "main" } }));
  configure("history: { store: artifacts }");
});
afterEach(async () => {
  expect(github.violations).toEqual([]);
  await github.stop();
  await rm(bare, { recursive: true, force: true });
});

function configure(text: string): void {
  mkdirSync(join(folder.path, ".github"), { recursive: true });
  writeFileSync(join(folder.path, ".github", "env-actions.yml"), `version: 1\n${text}\nenvironments: {}\n`);
}

let made = 0;
function record(more: Partial<HistoryRecord> = {}): HistoryRecord {
  const found = recordOf(failedIntegration(), { branch: "main", isDefaultBranch: true, event: "push" });
  const at = now - 300_000 + made++ * 1_000;
  return {
    ...found,
    ...{ runId: `${at}_0a0b0c0d`, startedAt: new Date(at).toISOString(), finishedAt: new Date(at + 500).toISOString() },
    origin: { ...found.origin, repository, workflowRun: "7" },
    ...more,
  };
}

function uploaded(...records: HistoryRecord[]): void {
  for (const one of records)
    artifacts.push({
      id: artifacts.length + 1,
      name: `env-actions-history-${one.runId}.${one.stage}.${one.environment.name}`,
      archive: writeZip([{ name: "record.json", content: Buffer.from(JSON.stringify(one)) }]),
      run: 7,
    });
}

async function act(inputs: Record<string, string> = {}, more: Record<string, string> = {}) {
  for (const name of ["output", "state", "summary"]) writeFileSync(join(folder.path, name), "");
  const given = { stage: "dashboard", "github-token": token, branch, "run-id": "7", ...inputs };
  const env = {
    ...runnerEnvironment(folder.path, given),
    ...{ GITHUB_API_URL: github.url, GITHUB_EVENT_NAME: "workflow_run", GITHUB_EVENT_PATH: join(folder.path, "event") },
    ...more,
  };
  const { status, stdout, stderr } = await run(freshBundle, { env, cwd: folder.path, deadlineMs: 60_000 });
  const text = (name: string) => readFileSync(join(folder.path, name), "utf8");
  const output = (name: string) => [...text("output").matchAll(new RegExp(`^${name}<<(\\S+)\\n(.*)\\n\\1$`, "gm"))].at(-1)?.[2];
  expect(`${stdout}${stderr}${text("summary")}${text("output")}`.replaceAll(`::add-mask::${token}`, "")).not.toContain(token);
  const page = output("page");
  return {
    ...{ status, stdout, summary: text("summary"), publish: output("publish"), newest: output("newest") },
    page: page ? readFileSync(join(folder.path, page), "utf8") : undefined,
  };
}

const stored = () =>
  git("for-each-ref", "refs/heads").includes(branch)
    ? git("ls-tree", "-r", "--name-only", branch)
        .split("\n")
        .filter((name) => name.startsWith("records/"))
    : [];

test("records of a run are collected once, and shown with all others", async () => {
  const [first, second] = [record(), record({ stage: "e2e", verdict: "passed" })];
  uploaded(first, second);
  const ran = await act();
  expect(ran).toMatchObject({ status: 0, publish: "true", newest: second.finishedAt });
  expect(stored()).toHaveLength(2);
  expect(newestIn(ran.page ?? "")).toBe(second.finishedAt);
  expect(ran.summary).toMatch(/\| staging \| failed \(integration\) \|/);
  const again = await act();
  expect(again.stdout).toContain("0 records of workflow run 7 added");
  expect(stored()).toHaveLength(2);
  // Without a run, the page is made of what is there.
  const scheduled = await act({ "run-id": "" });
  expect(scheduled).toMatchObject({ status: 0, newest: second.finishedAt });
});

test("nothing of a fork's run is collected, and the dashboard is made all the same", async () => {
  uploaded(record());
  workflowRun.headRepository = "mallory/app";
  workflowRun.event = "pull_request";
  const { status, stdout, summary, publish } = await act();
  expect({ status, publish }).toEqual({ status: 0, publish: "true" });
  expect(stdout).toContain("::warning");
  for (const text of [stdout, summary]) expect(text).toContain("Nothing of workflow run 7 was collected");
  expect(stored()).toEqual([]);
});

test("of a branch's run, records that claim to be the default branch's are refused, and the others collected", async () => {
  workflowRun.headBranch = "feature/x";
  const { isDefaultBranch: _, ...honest } = record({ branch: "feature/x" });
  uploaded(honest, record(), record({ branch: "feature/x" }), record({ runId: `${now + 9_000_000_000}_0a0b0c0d` }));
  const { status, summary } = await act();
  expect(status).toBe(0);
  expect(stored()).toEqual([expect.stringContaining(honest.runId)]);
  expect(summary).toContain("another branch");
  expect(summary).toContain("the default branch");
});

test("names in records are inert in log and summary", async () => {
  const [first, second, third] = hostileNames;
  uploaded(
    record({
      tests: {
        ...{ total: 3, passed: 2, failed: 0, flaky: 1, skipped: 0, unknown: 0, durationMs: 1, crashedSuites: 0 },
        ...{ failures: [], flakyTests: [{ name: first }], slowest: [] },
      },
      environment: { name: "staging", access: "test-data" },
      expires: [{ what: "certificate", name: second, at: new Date(now + 86_400_000).toISOString() }],
      reason: third,
    }),
  );
  const { summary, stdout, status } = await act();
  expect(status).toBe(0);
  expect(summary).toContain("Flakiest test");
  for (const text of [summary, stdout]) {
    expect(text).not.toMatch(/<img|\]\(javascript|!\[pixel|<\/summary>/);
    expect(text).not.toContain("\u001b");
    expect(text.replace(/^::(add-mask|warning|error|save-state|set-output)/gm, "")).not.toMatch(/::error|##\[/);
  }
});

test("without the right to write, the job fails and says which it needs", async () => {
  uploaded(record());
  const { status, stdout, publish } = await act({ "github-token": "reader" });
  expect({ status, publish }).toEqual({ status: 1, publish: "false" });
  expect(stdout).toContain("contents: write");
});

test.each([
  ["published", "http://classwaves.example/", /expected an address with https/],
  ["published", "https://user:pass@classwaves.example/", /expected an address with https/],
  ["run-id", "../7", /expected the number of a workflow run/],
  ["stale-after", "tomorrow", /expected a time such as/],
])("a wrong input %s: %s", async (name, value, message) => {
  const { status, stdout, publish } = await act({ [name]: value });
  expect({ status, publish }).toEqual({ status: 2, publish: "false" });
  expect(stdout).toMatch(message);
});

test("a page that can't be compared is made, and not published", async () => {
  uploaded(record());
  const { status, publish, page, summary } = await act({ published: "https://127.0.0.1:9/" });
  expect({ status, publish }).toEqual({ status: 0, publish: "false" });
  expect(page).toContain("<!doctype html>");
  expect(summary).toContain("may be newer");
});

test.each([
  ["history: { store: none }", "", 2, "EA8150"],
  ["history: { store: artifacts }", "8", 2, "EA8151"],
])("with %s and run %s, it is said what to do", async (text, id, status, code) => {
  configure(text);
  const found = await act({ branch: id === "" ? "" : branch, "run-id": id });
  expect(found.status).toBe(status);
  expect(found.stdout).toContain(code);
});
