import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { filledAnswer } from "../../local/github/filled.ts";
import {
  type Endpoints,
  type Environment,
  type LocalGitHub,
  secondaryRateLimit,
  serverError,
  startGitHub,
  unprocessable,
  type WorkflowRun,
} from "../../local/github/index.ts";
import { writeZip } from "../../src/github/zip.ts";
import type { Evidence, StageName, Verdict } from "../../src/model/report.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { listen } from "../harness/port.ts";
import { freshBundle, run, runnerEnvironment } from "../harness/process.ts";

// What becomes of a deployment that waits for the rules of its environment, whatever the evidence says and whoever was faster.

const folder = folderForEachTest();
const sha = "a".repeat(40);
const app = "evidence-gate";
const appToken = "ghs_4pp5T0k3n4pp5T0k3n4pp5T0k3n4pp5T0k3n";
const reviewerToken = "github_pat_R3v13w3rR3v13w3rR3v13w3r";
const starterToken = "github_pat_St4rt3rSt4rt3rSt4rt3rSt4rt3r";
const strangerToken = "github_pat_Str4ng3rStr4ng3rStr4ng3r";
const readingToken = "ghs_R34dsOnlyR34dsOnlyR34dsOnlyR34dsOnly";
const blindToken = "ghs_Bl1ndBl1ndBl1ndBl1ndBl1ndBl1ndBl1nd";
const may = { actions: "read", deployments: "write" } as const;
const dayMs = 86_400_000;

/** What a row changes before the action starts. */
interface World {
  github: LocalGitHub;
  run: WorkflowRun;
  staging: Environment;
  production: Environment;
  repository: { isPrivate: boolean };
}

let world: World;
beforeEach(async () => {
  const staging: Environment = { id: 1, name: "staging", apps: [app] };
  const production: Environment = { id: 2, name: "production", apps: [], reviewers: ["octavia", "mona", "@release"] };
  const workflowRun: WorkflowRun = {
    ...{ id: 7, attempt: 1, headSha: sha, event: "push", status: "in_progress", conclusion: null },
    ...{ actor: "mona", triggeringActor: "mona", startedAt: Date.now() - 600_000 },
    jobs: [
      { id: 1, name: "e2e", status: "completed", conclusion: "success" },
      { id: 2, name: "approve", status: "in_progress", conclusion: null },
      { id: 3, name: "deploy", status: "waiting", conclusion: null },
    ],
    pending: [
      { environment: "staging", apps: [app], needsReview: false },
      { environment: "production", apps: [], needsReview: true },
    ],
    reviews: [],
    ruleAnswers: [],
  };
  const github = await startGitHub({
    repositories: {
      "classwaves/app": { refs: { main: sha }, environments: [staging, production], runs: [workflowRun] },
      "classwaves/other": {},
    },
    endpoints: artifactEndpoints,
    tokens: {
      [appToken]: { login: `${app}[bot]`, permissions: may },
      [readingToken]: { login: `${app}[bot]`, permissions: { actions: "read", deployments: "read" } },
      [blindToken]: { login: `${app}[bot]`, permissions: { deployments: "write" } },
      [reviewerToken]: { login: "octavia", permissions: may },
      [starterToken]: { login: "mona", permissions: may },
      [strangerToken]: { login: "stranger", permissions: may },
    },
  });
  const repository = github.repositories.get("classwaves/app");
  if (!repository) throw new Error("no repository");
  world = { github, run: workflowRun, staging, production, repository };
});
afterEach(async () => {
  expect(world.github.violations).toEqual([]);
  await world.github.stop();
});

type More = Partial<Omit<Evidence, "origin">> & Partial<Evidence["origin"]>;

function evidenceOf(stage: StageName, verdict: Verdict, more: More): Evidence {
  const { job = stage, cell, attempt = "1", workflowRun = "7", repository = "classwaves/app", ...rest } = more;
  const runId = `${Date.now()}_${String(++ids).padStart(8, "0")}`;
  return {
    ...{ schemaVersion: 1, stage, verdict, environment: "sandbox", runId, commit: { sha } },
    origin: { kind: "github", repository, workflowRun, job, attempt, ...(cell ? { cell } : {}) },
    finishedAt: new Date(Date.now() - 60_000).toISOString(),
    reportDigest: "0".repeat(64),
    ...rest,
  } as Evidence;
}

function left(stage: StageName, verdict: Verdict = "passed", more: More = {}): void {
  const evidence = evidenceOf(stage, verdict, more);
  const directory = join(folder.path, ".env-actions", "evidence");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${stage}-sandbox-${evidence.runId}.json`), JSON.stringify(evidence));
}
let ids = 0;

function writeConfiguration(text: string): void {
  mkdirSync(join(folder.path, ".github"), { recursive: true });
  writeFileSync(join(folder.path, ".github", "env-actions.yml"), text);
}

/** Artifacts as GitHub's API gives them for other runs, with the storage to which it points. */
const stored: { id: number; name: string; archive: Buffer }[] = [];
const storage = createServer((request, response) => {
  const found = stored.find(({ id }) => `/${id}` === request.url && request.headers.authorization === undefined);
  response.writeHead(found ? 200 : 404, { "content-type": "application/zip" }).end(found?.archive);
});
let storageUrl = "";
beforeAll(async () => {
  storageUrl = `http://127.0.0.1:${await listen(storage)}`;
});
afterAll(() => storage.close());
const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");
const artifactEndpoints: Endpoints = {
  "actions/list-workflow-run-artifacts": {
    needs: { permission: "actions", access: "read" },
    answer: () => ({
      status: 200,
      body: filledAnswer("actions/list-workflow-run-artifacts", 200, {
        total_count: stored.length,
        artifacts: stored.map(({ id, name, archive }) => ({
          ...{ id, name, expired: false, size_in_bytes: archive.length, digest: `sha256:${sha256(archive)}` },
        })),
      }),
    }),
  },
  "actions/download-artifact": {
    needs: { permission: "actions", access: "read" },
    answer: ({ path }) => ({ status: 302, headers: { location: `${storageUrl}/${path.artifact_id}` } }),
  },
};

/** A service in which no artifact is: all evidence of these tests is in files. */
const artifacts = createServer((_, response) => void response.end('{"artifacts":[]}'));
let artifactsUrl = "";
beforeAll(async () => {
  artifactsUrl = `http://127.0.0.1:${await listen(artifacts)}`;
});
afterAll(() => artifacts.close());
const runtimeToken = `x.${Buffer.from('{"scp":"Actions.Results:run:job"}').toString("base64url")}.x`;

const tested: readonly StageName[] = ["preflight", "integration", "e2e"];
/** Evidence of the first two stages, and of the third as given. */
function found(e2e?: Verdict, more: More = {}): () => void {
  return () => {
    left("preflight");
    left("integration");
    if (e2e) left("e2e", e2e, more);
  };
}
const passedAll = found("passed");

const results = (result = "success") =>
  JSON.stringify({ preflight: { result: "success" }, integration: { result: "success" }, e2e: { result } });

async function approve(inputs: Record<string, string> = {}, more: Record<string, string> = {}) {
  for (const name of ["output", "state", "summary"]) writeFileSync(join(folder.path, name), "");
  const given = {
    ...{ stage: "approve", needs: results(), stages: tested.join(", "), wait: "1s" },
    ...{ "deployment-environment": "staging", "approval-token": appToken },
    ...inputs,
  };
  const env = {
    ...runnerEnvironment(folder.path, given),
    ...{ GITHUB_RUN_ID: "7", GITHUB_RUN_ATTEMPT: "1", GITHUB_SHA: sha, GITHUB_JOB: "approve", GITHUB_EVENT_NAME: "push" },
    ...{ GITHUB_API_URL: world.github.url, ACTIONS_RESULTS_URL: artifactsUrl, ACTIONS_RUNTIME_TOKEN: runtimeToken },
    ...more,
  };
  const { status, stdout, stderr } = await run(freshBundle, { env, cwd: folder.path, deadlineMs: 60_000 });
  const outputs = readFileSync(join(folder.path, "output"), "utf8");
  const outputOf = (name: string) => [...outputs.matchAll(new RegExp(`^${name}<<(\\S+)\\n(.*)\\n\\1$`, "gm"))].at(-1)?.[2];
  const summary = readFileSync(join(folder.path, "summary"), "utf8");
  const said = stdout + stderr + summary + outputs + JSON.stringify(world.run);
  for (const token of [appToken, reviewerToken, starterToken, strangerToken, readingToken, blindToken])
    expect(said.replaceAll(`::add-mask::${token}`, "")).not.toContain(token);
  return { status, stdout, summary, approval: outputOf("approval"), verdict: outputOf("verdict") };
}

/** What GitHub was told, by whomever. */
const told = () => [
  ...world.run.ruleAnswers.map(({ environment, state }) => `rule ${environment} ${state}`),
  ...world.run.reviews.map(({ environments, state, login }) => `review ${environments} ${state} by ${login}`),
];

const asReviewer = { "approve-as": "reviewer", "approval-token": reviewerToken, "deployment-environment": "production" };
const reviewed = (state: "approved" | "rejected", comment = "") => ({
  ...{ environments: ["staging"], state, login: "octavia", comment },
});
const gone = (environment: string) => {
  world.run.pending = world.run.pending.filter((one) => one.environment !== environment);
};
const ended = () => {
  for (const job of world.run.jobs)
    if (job.name !== "approve") Object.assign(job, { status: "completed", conclusion: "success" });
};
const began = (state: "in_progress" | "success" | "queued", { runId = 7, environment = "staging" } = {}) => {
  const log = `${world.github.url}/classwaves/app/actions/runs/${runId}/job/3`;
  const at = Date.now();
  world.github.repositories.get("classwaves/app")?.deployments.push({
    ...{ id: 500 + runId, sha, ref: "main", task: "deploy", payload: {}, environment, description: null, transient: false },
    ...{ production: false, creator: "github-actions[bot]", createdAt: at, updatedAt: at },
    statuses: [
      {
        ...{ id: 1, state, creator: "github-actions[bot]", description: "", environment, targetUrl: log, logUrl: log },
        ...{ environmentUrl: "", createdAt: at },
      },
    ],
  });
};

/** The deployment waits when it is first looked for, and is decided when the answer arrives. */
function decidedMeanwhile(state: "approved" | "rejected"): void {
  const [waiting] = world.run.pending;
  let looks = 0;
  Object.defineProperty(world.run, "pending", {
    get: () => (looks++ === 0 ? [waiting] : []),
    set: () => undefined,
  });
  world.run.reviews.push(reviewed(state));
}

/** Staging does not wait until it is looked for so often. */
function waitingAtLook(look: number): void {
  const [staging, ...others] = world.run.pending;
  let looks = 0;
  let now = others;
  Object.defineProperty(world.run, "pending", {
    get: () => {
      if (++looks === look && staging) now = [staging, ...now];
      return now;
    },
    set: (changed: typeof now) => {
      now = changed;
    },
  });
}

/** GitHub carries the answer out, and the connection is cut before it says so. */
function cutTheAnswer(): void {
  const { pending } = world.run;
  let now = pending;
  let looks = 0;
  Object.defineProperty(world.run, "pending", {
    get: () => {
      if (looks++ === 0) world.github.faults.dropConnections.push({ when: "after", times: 1 });
      return now;
    },
    set: (changed: typeof pending) => {
      now = changed;
    },
  });
}

interface Row {
  what: string;
  given?: () => void;
  inputs?: Record<string, string>;
  env?: Record<string, string>;
  approval: string | undefined;
  status?: number;
  /** In the log. */
  says: RegExp;
  /** What GitHub was told. */
  told?: string[];
}

const rows: Row[] = [
  // The evidence decides
  {
    what: "all evidence is there",
    given: passedAll,
    approval: "approved",
    status: 0,
    says: /approval approved: the evidence permits the deployment to staging/,
    told: ["rule staging approved"],
  },
  {
    what: "the stages ran in the environment that the workflow names",
    given: passedAll,
    inputs: { environment: "sandbox" },
    approval: "approved",
    status: 0,
    says: /approval approved/,
    told: ["rule staging approved"],
  },
  {
    what: "a stage ran in another environment, such as one that stands in for it",
    given: found("passed", { environment: "local" }),
    inputs: { environment: "sandbox" },
    approval: "rejected",
    says: /✘ e2e missing: none left evidence of e2e for the environment sandbox: found job e2e, environment local/,
    told: ["rule staging rejected"],
  },
  {
    what: "an environment whose name differs in case",
    given: passedAll,
    inputs: { environment: "Sandbox" },
    approval: "rejected",
    says: /✘ e2e missing: none left evidence of e2e for the environment Sandbox/,
    told: ["rule staging rejected"],
  },
  {
    what: "a stage is degraded",
    given: found("degraded"),
    approval: "approved",
    status: 0,
    says: /gate degraded/,
    told: ["rule staging approved"],
  },
  {
    what: "a stage failed",
    given: found("failed"),
    approval: "rejected",
    says: /approval rejected: the evidence does not permit/,
    told: ["rule staging rejected"],
  },
  {
    what: "a stage ended with an error, to abstain",
    given: found("error"),
    inputs: { "on-failure": "abstain" },
    approval: "abstained",
    says: /`on-failure: abstain` leaves it waiting/,
    told: ["rule staging undefined"],
  },
  {
    what: "a stage is missing",
    given: found(),
    approval: "rejected",
    says: /✘ e2e missing/,
    told: ["rule staging rejected"],
  },
  { what: "no evidence at all", approval: "rejected", says: /gate failed/, told: ["rule staging rejected"] },
  {
    what: "production needs smoke, by default",
    given: () => {
      passedAll();
      writeConfiguration("version: 1\n");
    },
    inputs: { stages: "" },
    approval: "rejected",
    says: /✘ smoke missing/,
    told: ["rule staging rejected"],
  },
  {
    what: "a job was cancelled",
    given: passedAll,
    inputs: { needs: results("cancelled") },
    approval: "rejected",
    says: /gate cancelled/,
    told: ["rule staging rejected"],
  },
  {
    what: "a job was skipped",
    given: passedAll,
    inputs: { needs: results("skipped") },
    approval: "rejected",
    says: /job e2e was skipped/,
    told: ["rule staging rejected"],
  },
  {
    what: "evidence of another commit",
    given: found("passed", { commit: { sha: "b".repeat(40) } }),
    approval: "rejected",
    says: /expected evidence for commit aaaaaaaaaaaa, got evidence for bbbbbbbbbbbb/,
    told: ["rule staging rejected"],
  },
  {
    what: "evidence of another run",
    given: found("passed", { workflowRun: "6" }),
    approval: "rejected",
    says: /✘ e2e missing/,
    told: ["rule staging rejected"],
  },
  {
    what: "evidence of an attempt that has not begun",
    given: found("passed", { attempt: "2" }),
    approval: "rejected",
    says: /attempt 2, and this is attempt 1/,
    told: ["rule staging rejected"],
  },
  {
    what: "one cell of several failed",
    given: () => {
      passedAll();
      left("e2e", "failed", { cell: "2" });
    },
    approval: "rejected",
    says: /failed in job e2e \(2\)/,
    told: ["rule staging rejected"],
  },
  {
    what: "evidence older than allowed",
    given: found("passed", { finishedAt: new Date(Date.now() - 5 * 3_600_000).toISOString() }),
    approval: "rejected",
    says: /older than evidence\.maxAge/,
    told: ["rule staging rejected"],
  },
  {
    what: "evidence that gets too old while the deployment is waited for",
    given: () => {
      found("passed", { finishedAt: new Date(Date.now() - 4 * 3_600_000 + 4_000).toISOString() })();
      waitingAtLook(3);
    },
    inputs: { wait: "20s" },
    approval: "rejected",
    says: /^(?:after the wait: )?gate error: e2e could not be judged/m,
    told: ["rule staging rejected"],
  },
  // The run must be the one of the evidence
  {
    what: "the run deploys another commit",
    given: () => {
      passedAll();
      world.run.headSha = "c".repeat(40);
    },
    approval: "abstained",
    says: /expected a run of commit aaaaaaaaaaaa, but run 7 deploys cccccccccccc/,
  },
  {
    what: "this job is of an older attempt",
    given: () => {
      passedAll();
      world.run.attempt = 2;
    },
    approval: "abstained",
    says: /the evidence is of attempt 1, but run 7 is in attempt 2/,
  },
  {
    what: "the run is of another repository",
    given: passedAll,
    env: { GITHUB_REPOSITORY: "classwaves/other" },
    approval: "refused",
    says: /workflow run 7 does not exist, or the token may not see it/,
  },
  {
    what: "a run that does not exist",
    given: () => tested.forEach((stage) => void left(stage, "passed", { workflowRun: "8" })),
    env: { GITHUB_RUN_ID: "8" },
    approval: "refused",
    says: /workflow run 8 does not exist/,
  },
  {
    what: "the run is of a fork",
    given: () => {
      passedAll();
      world.run.headRepository = "attacker/app";
    },
    approval: "abstained",
    says: /the run is of a commit from attacker\/app/,
  },
  // Only the environment that was named
  {
    what: "the name in other letters",
    given: passedAll,
    inputs: { "deployment-environment": "Staging" },
    approval: "approved",
    status: 0,
    says: /approval approved/,
    told: ["rule staging approved"],
  },
  {
    what: "another environment waits",
    given: () => {
      passedAll();
      gone("staging");
      ended();
    },
    approval: "not-waiting",
    says: /no deployment to staging waited in this run .*Waiting in this run: production/,
  },
  {
    what: "nothing waits within the time",
    given: () => {
      passedAll();
      world.run.pending = [];
    },
    approval: "not-waiting",
    says: /looked for up to 1 s\).*must not need this job/,
  },
  {
    what: "no such environment",
    given: passedAll,
    inputs: { "deployment-environment": "stagin" },
    approval: "unprotected",
    says: /the repository has no environment stagin/,
  },
  {
    what: "two deployments to one environment",
    given: () => {
      passedAll();
      world.run.pending.push({ environment: "staging", apps: [app], needsReview: false });
    },
    approval: "abstained",
    says: /2 deployments to staging wait in this run/,
  },
  // The rules of the environment
  {
    what: "the environment has no rule",
    given: () => {
      passedAll();
      world.staging.apps = [];
    },
    approval: "unprotected",
    says: /staging has no custom deployment protection rule that is on/,
  },
  {
    what: "the rule is off",
    given: () => {
      passedAll();
      world.staging.apps = [];
      world.staging.disabledApps = [app];
    },
    approval: "unprotected",
    says: /no custom deployment protection rule that is on/,
  },
  {
    what: "no rule in a private repository",
    given: () => {
      passedAll();
      world.staging.apps = [];
      world.repository.isPrivate = true;
    },
    approval: "unprotected",
    says: /The repository is private, and some plans of GitHub have such rules for public repositories only/,
  },
  {
    what: "no reviewers where a reviewer answers",
    given: passedAll,
    inputs: { ...asReviewer, "deployment-environment": "staging" },
    approval: "unprotected",
    says: /staging has no required reviewers/,
  },
  {
    what: "the rule of another app",
    given: () => {
      passedAll();
      world.staging.apps = ["another-app"];
      for (const one of world.run.pending) one.apps = ["another-app"];
    },
    approval: "refused",
    says: /staging has no rule of the app that `approval-token` belongs to/,
  },
  {
    what: "a reviewer is still missing",
    given: () => {
      passedAll();
      world.staging.reviewers = ["octavia", "@release"];
      for (const one of world.run.pending) one.needsReview = true;
    },
    approval: "approved",
    status: 0,
    says: /it still waits for a reviewer: octavia, @release/,
    told: ["rule staging approved"],
  },
  {
    what: "the wait timer is not over",
    given: () => {
      passedAll();
      world.staging.waitMinutes = 30;
      for (const one of world.run.pending) one.timerStartedAt = Date.parse("2026-11-30T12:00:00Z");
    },
    approval: "approved",
    status: 0,
    says: /it still waits for the wait timer, until 2026-11-30T12:30:00\.000Z/,
    told: ["rule staging approved"],
  },
  // As a reviewer
  {
    what: "a reviewer approves",
    given: passedAll,
    inputs: asReviewer,
    approval: "approved",
    status: 0,
    says: /approval approved: the evidence permits the deployment to production/,
    told: ["review production approved by octavia"],
  },
  {
    what: "a reviewer rejects",
    given: () => left("preflight"),
    inputs: asReviewer,
    approval: "rejected",
    says: /approval rejected/,
    told: ["review production rejected by octavia"],
  },
  {
    what: "a reviewer abstains, and sends nothing",
    given: () => left("preflight"),
    inputs: { ...asReviewer, "on-failure": "abstain" },
    approval: "abstained",
    says: /leaves it waiting/,
  },
  {
    what: "whoever started the run may not review it",
    given: () => {
      passedAll();
      world.production.preventSelfReview = true;
    },
    inputs: { ...asReviewer, "approval-token": starterToken },
    approval: "refused",
    says: /mona started this run, and the environment production prevents self-review/,
  },
  {
    what: "whoever started it may review it where that is allowed",
    given: passedAll,
    inputs: { ...asReviewer, "approval-token": starterToken },
    approval: "approved",
    status: 0,
    says: /approval approved/,
    told: ["review production approved by mona"],
  },
  {
    what: "the user is no reviewer",
    given: passedAll,
    inputs: { ...asReviewer, "approval-token": strangerToken },
    approval: "refused",
    says: /stranger is no reviewer of production, which waits for octavia, mona, @release/,
  },
  {
    what: "an App's token is no reviewer",
    given: passedAll,
    inputs: { ...asReviewer, "approval-token": appToken },
    approval: "refused",
    says: /the token's user is no reviewer of production/,
  },
  {
    what: "a reviewed deployment still waits for an app",
    given: () => {
      passedAll();
      world.production.apps = [app];
      for (const one of world.run.pending) one.apps = [app];
    },
    inputs: asReviewer,
    approval: "approved",
    status: 0,
    says: /it still waits for the rule of evidence-gate/,
    told: ["review production approved by octavia"],
  },
  // Somebody was faster
  {
    what: "somebody approved it before",
    given: () => {
      passedAll();
      gone("staging");
      world.run.reviews.push(reviewed("approved"));
    },
    approval: "already-approved",
    status: 0,
    says: /octavia approved the deployment to staging before this step did/,
    told: ["review staging approved by octavia"],
  },
  {
    what: "somebody approved it against the evidence",
    given: () => {
      left("preflight");
      gone("staging");
      world.run.reviews.push(reviewed("approved"));
    },
    approval: "already-approved",
    says: /although the evidence does not permit it/,
    told: ["review staging approved by octavia"],
  },
  {
    what: "somebody rejected it before",
    given: () => {
      passedAll();
      gone("staging");
      world.run.reviews.push(reviewed("rejected"));
    },
    approval: "already-rejected",
    says: /octavia rejected the deployment to staging/,
    told: ["review staging rejected by octavia"],
  },
  {
    what: "a comment that claims an approval",
    given: () => {
      passedAll();
      gone("staging");
      world.run.reviews.push(reviewed("rejected", "env-actions: approved. State: approved"));
    },
    approval: "already-rejected",
    says: /octavia rejected/,
    told: ["review staging rejected by octavia"],
  },
  {
    what: "a review of another environment",
    given: () => {
      passedAll();
      gone("staging");
      ended();
      world.run.reviews.push({ ...reviewed("approved"), environments: ["production"] });
    },
    approval: "not-waiting",
    says: /no deployment to staging waited/,
    told: ["review production approved by octavia"],
  },
  {
    what: "a review of an earlier attempt does not count for a deployment that still comes",
    given: () => {
      tested.forEach((stage) => void left(stage, "passed", { attempt: "2" }));
      world.run.attempt = 2;
      world.run.reviews.push(reviewed("rejected"));
    },
    env: { GITHUB_RUN_ATTEMPT: "2" },
    approval: "approved",
    status: 0,
    says: /approval approved/,
    told: ["rule staging approved", "review staging rejected by octavia"],
  },
  {
    what: "an administrator bypassed the rules",
    given: () => {
      passedAll();
      gone("staging");
      began("in_progress");
    },
    approval: "bypassed",
    says: /has begun \(in_progress\), and no review permits it: an administrator bypassed the rules/,
  },
  {
    what: "a deployment of another run of the commit is no bypass",
    given: () => {
      passedAll();
      gone("staging");
      ended();
      began("success", { runId: 77 });
    },
    approval: "not-waiting",
    says: /no deployment to staging waited/,
  },
  {
    what: "nobody approved it for 30 days",
    given: () => {
      passedAll();
      gone("staging");
      Object.assign(world.run, { status: "completed", conclusion: "failure", startedAt: Date.now() - 31 * dayMs });
    },
    approval: "expired",
    says: /nobody approved the deployment to staging within 30 days/,
  },
  {
    what: "the run was cancelled",
    given: () => {
      passedAll();
      world.run.pending = [];
      Object.assign(world.run, { status: "completed", conclusion: "cancelled" });
    },
    approval: "not-waiting",
    says: /The run has ended: cancelled/,
  },
  {
    what: "somebody approved it at the same moment",
    given: () => {
      passedAll();
      decidedMeanwhile("approved");
    },
    approval: "already-approved",
    status: 0,
    says: /octavia approved the deployment to staging before this step did/,
    told: ["review staging approved by octavia"],
  },
  {
    what: "somebody rejected it at the same moment",
    given: () => {
      passedAll();
      decidedMeanwhile("rejected");
    },
    approval: "already-rejected",
    says: /octavia rejected the deployment to staging/,
    told: ["review staging rejected by octavia"],
  },
  {
    what: "another step has answered for the app, and a reviewer is missing",
    given: () => {
      passedAll();
      for (const one of world.run.pending) Object.assign(one, { apps: [], needsReview: true });
    },
    approval: "refused",
    says: /GitHub did not accept the answer for staging \(.*422 No pending deployment.*another step may have answered for the app/,
  },
  {
    what: "an answer that GitHub refuses for its text",
    given: () => {
      passedAll();
      world.github.faults.refuse.push({
        answer: unprocessable("comment is invalid"),
        operation: "actions/review-custom-gates-for-run",
        times: 1,
      });
    },
    approval: "refused",
    says: /did not accept the answer for staging \(.*422 comment is invalid/,
  },
  // What GitHub answers
  {
    what: "a token that only reads",
    given: passedAll,
    inputs: { "approval-token": readingToken },
    approval: "unknown",
    status: 3,
    says: /EA9003[\s\S]*permissions:%0A {2}deployments: write[\s\S]*give the App this permission/,
  },
  {
    what: "a token that cannot see runs",
    given: passedAll,
    inputs: { "approval-token": blindToken },
    approval: "unknown",
    status: 3,
    says: /EA9003[\s\S]*actions: read/,
  },
  {
    what: "a token that nobody knows",
    given: passedAll,
    inputs: { "approval-token": "ghs_unknownunknownunknownunknown" },
    approval: "unknown",
    status: 3,
    says: /EA9002/,
  },
  {
    what: "an answer that GitHub did not confirm is sent again",
    given: () => {
      passedAll();
      world.github.faults.refuse.push({ answer: serverError(502), operation: "actions/review-custom-gates-for-run", times: 1 });
    },
    approval: "approved",
    status: 0,
    says: /approval approved/,
    told: ["rule staging approved"],
  },
  {
    what: "an answer that counted, although the connection was cut",
    given: () => {
      passedAll();
      cutTheAnswer();
    },
    approval: "approved",
    status: 0,
    says: /GitHub did not confirm the answer, but the deployment to staging no longer waits/,
    told: ["rule staging approved"],
  },
  {
    what: "a rejection that counted, although the connection was cut",
    given: () => {
      found("failed")();
      cutTheAnswer();
    },
    approval: "rejected",
    says: /GitHub did not confirm the answer/,
    told: ["rule staging rejected"],
  },
  {
    what: "a GitHub that doesn't answer any more",
    given: () => {
      passedAll();
      world.github.faults.dropConnections.push({ when: "before", times: 100 });
    },
    approval: "unknown",
    status: 3,
    says: /nothing was approved: EA9006: GitHub was asked 4 times and did not answer GET/,
  },
  {
    what: "a rate limit that ends soon",
    given: () => {
      passedAll();
      world.github.faults.refuse.push({ answer: secondaryRateLimit(0), times: 3 });
    },
    approval: "approved",
    status: 0,
    says: /approval approved/,
    told: ["rule staging approved"],
  },
  // Mistakes of the workflow
  {
    what: "no token",
    inputs: { "approval-token": "" },
    approval: "unknown",
    status: 2,
    says: /EA1104: the input `approval-token` is missing/,
  },
  {
    what: "no environment",
    inputs: { "deployment-environment": "" },
    approval: "unknown",
    status: 2,
    says: /EA1104: the input `deployment-environment` is missing/,
  },
  {
    what: "an unknown word",
    inputs: { "on-failure": "approve" },
    approval: "unknown",
    status: 2,
    says: /expected one of reject, abstain, got "approve"/,
  },
  {
    what: "a wait that is no time",
    inputs: { wait: "soon" },
    approval: "unknown",
    status: 2,
    says: /the input `wait`: expected a time such as "10m", got "soon"/,
  },
  {
    what: "no results of the jobs",
    given: passedAll,
    inputs: { needs: "" },
    approval: "unknown",
    status: 2,
    says: /the input `needs` is missing/,
  },
];

test("the table has the cases that were promised", () => expect(rows.length).toBeGreaterThanOrEqual(50));

describe("a waiting deployment", () => {
  test.each(rows)("$what", async ({ given, inputs = {}, env = {}, approval, status = 1, says, told: expected = [] }) => {
    given?.();
    const ended = await approve(inputs, env);
    expect(ended.stdout).toMatch(says);
    expect([ended.approval, ended.status]).toEqual([approval, status]);
    expect(told()).toEqual(expected);
  });
});

describe("another run", () => {
  /** A workflow that somebody dispatched for run 7, without its files. */
  const dispatched = (inputs: Record<string, string> = {}) =>
    approve(
      { "run-id": "7", needs: "", ...inputs },
      { GITHUB_RUN_ID: "99", GITHUB_EVENT_NAME: "workflow_dispatch", GITHUB_SHA: "d".repeat(40) },
    );

  const uploaded = (stage: StageName, verdict: Verdict = "passed", more: More = {}) => {
    const evidence = evidenceOf(stage, verdict, more);
    const report = JSON.stringify({ stage, verdict, runId: evidence.runId });
    const archive = writeZip([
      { name: "evidence.json", content: Buffer.from(JSON.stringify({ ...evidence, reportDigest: sha256(report) })) },
      { name: `${stage}.json`, content: Buffer.from(report) },
    ]);
    stored.push({ id: 100 + stored.length, name: `env-actions-${stage}-sandbox-1-${evidence.runId}`, archive });
  };
  const uploadedAll = () => {
    for (const stage of tested) uploaded(stage);
  };
  beforeEach(() => {
    stored.length = 0;
    world.run.jobs = world.run.jobs.filter(({ name }) => name !== "approve");
  });

  test("is approved by its own artifacts and GitHub's record of its jobs", async () => {
    uploadedAll();
    const { approval, status, verdict } = await dispatched();
    expect([approval, status, verdict]).toEqual(["approved", 0, "passed"]);
    expect(told()).toEqual(["rule staging approved"]);
    expect(world.run.ruleAnswers[0]?.comment).toContain("Commit aaaaaaaaaaaa, run 7, attempt 1.");
  });

  test("that tested a pull request is judged by its head", async () => {
    world.run.event = "pull_request";
    for (const stage of tested) uploaded(stage, "passed", { commit: { sha: "e".repeat(40), headSha: sha } });
    expect((await dispatched()).approval).toBe("approved");
  });

  test.each<[string, () => void, string, RegExp]>([
    [
      "a failed stage",
      () => {
        uploaded("preflight");
        uploaded("integration");
        uploaded("e2e", "failed");
      },
      "rejected",
      /✘ e2e failed/,
    ],
    [
      "a job that failed although its evidence passed",
      () => {
        uploadedAll();
        Object.assign(world.run.jobs[0] ?? {}, { conclusion: "failure" });
      },
      "rejected",
      /✘ job e2e: failed/,
    ],
    ["evidence in this job's own files", passedAll, "rejected", /✘ e2e missing/],
    [
      "evidence of another run",
      () => {
        for (const stage of tested) uploaded(stage, "passed", { workflowRun: "6" });
      },
      "rejected",
      /✘ preflight missing/,
    ],
    [
      "evidence of another commit",
      () => {
        for (const stage of tested) uploaded(stage, "passed", { commit: { sha: "d".repeat(40) } });
      },
      "rejected",
      /got evidence for dddddddddddd/,
    ],
    [
      "a run of a fork",
      () => {
        uploadedAll();
        world.run.headRepository = "attacker/app";
      },
      "abstained",
      /the run is of a commit from attacker\/app, whose code could have written the evidence/,
    ],
    [
      "a job that still runs",
      () => {
        uploadedAll();
        world.run.jobs.push({ id: 4, name: "e2e (2)", status: "in_progress", conclusion: null });
      },
      "abstained",
      /jobs of workflow run 7 still run after 1 s, so its evidence is not complete/,
    ],
    [
      "a run that has ended",
      () => {
        uploadedAll();
        gone("staging");
        ended();
        Object.assign(world.run, { status: "completed", conclusion: "success" });
      },
      "not-waiting",
      /The run has ended: success/,
    ],
  ])("%s", async (_, given, approval, says) => {
    given();
    const answer = await dispatched();
    expect(answer.stdout).toMatch(says);
    expect([answer.approval, answer.status]).toEqual([approval, 1]);
    expect(told()).toEqual(approval === "rejected" ? ["rule staging rejected"] : []);
  });

  /** Changes the run when its jobs are listed for the nth time. */
  function atLookAtJobs(nth: number, change: (jobs: WorkflowRun["jobs"]) => void): void {
    const { jobs } = world.run;
    let isChanged = false;
    Object.defineProperty(world.run, "jobs", {
      get: () => {
        const looks = world.github.requests.filter(({ path }) => path.includes("/runs/7/jobs")).length;
        // A request is recorded once it is answered.
        if (looks >= nth - 1 && !isChanged) {
          isChanged = true;
          change(jobs);
        }
        return jobs;
      },
    });
  }

  test("with a job that is listed a moment after the one that it needs is not complete", async () => {
    uploadedAll();
    atLookAtJobs(2, (jobs) => jobs.push({ id: 4, name: "e2e (2)", status: "queued", conclusion: null }));
    const { approval, stdout } = await dispatched();
    expect([approval, told()]).toEqual(["abstained", []]);
    expect(stdout).toContain("jobs of workflow run 7 still run after 1 s");
  });

  test.each<[string, WorkflowRun["jobs"][number]]>([
    ["failed", { id: 4, name: "e2e (2)", status: "completed", conclusion: "failure" }],
    ["began", { id: 4, name: "e2e (2)", status: "in_progress", conclusion: null }],
  ])("in which a job %s after the evidence was read is not answered", async (_, job) => {
    uploadedAll();
    atLookAtJobs(3, (jobs) => jobs.push(job));
    const { approval, stdout } = await dispatched();
    expect([approval, told()]).toEqual(["abstained", []]);
    expect(stdout).toContain("jobs of workflow run 7 began or ended after its evidence was read: run this again");
  });

  test("that is started again meanwhile is not answered", async () => {
    uploadedAll();
    waitingAtLook(2);
    atLookAtJobs(3, () => void Object.assign(world.run, { attempt: 2 }));
    const { approval, stdout } = await dispatched();
    expect([approval, told()]).toEqual(["abstained", []]);
    expect(stdout).toContain("the evidence is of attempt 1, but run 7 is in attempt 2");
  });

  test.each(["x", "-7", "7.5", "1e999"])("the id %s is a mistake", async (id) => {
    const { status, stdout } = await dispatched({ "run-id": id });
    expect(status).toBe(2);
    expect(stdout).toContain(`the input \`run-id\`: expected the number of a workflow run, got "${id}"`);
  });

  test("that GitHub doesn't have is named", async () => {
    const { approval, stdout } = await dispatched({ "run-id": "8" });
    expect(approval).toBe("refused");
    expect(stdout).toContain("workflow run 8 does not exist, or the token may not see it");
  });
});

describe("what GitHub is told", () => {
  const commentOf = () => world.run.ruleAnswers[0]?.comment ?? "";

  test("says what passed, of which commit and run", async () => {
    passedAll();
    await approve();
    expect(commentOf().split("\n")).toEqual([
      "env-actions gate passed: Every stage passed",
      "",
      "- preflight passed: job preflight, environment sandbox",
      "- integration passed: job integration, environment sandbox",
      "- e2e passed: job e2e, environment sandbox",
      "",
      "Commit aaaaaaaaaaaa, run 7, attempt 1.",
    ]);
  });

  test("is inert, whatever jobs and cells are called", async () => {
    const job = "e2e @everyone <img src=x> [a](http://x) ##[error]x\n::add-mask::passed\r::error::y `x` #1 <!-- -->";
    left("preflight");
    left("integration");
    left("e2e", "failed", { job });
    const { stdout, summary } = await approve();
    for (const text of [commentOf(), summary.replace(/^#+ /gm, "")]) {
      expect(text).not.toMatch(/[@<`]|\]\(|(?<!&)#\d|<!--/);
      expect(text).toContain("everyone");
    }
    expect(
      commentOf()
        .split("\n")
        .filter((line) => line.startsWith("- ")),
    ).toHaveLength(3);
    expect(stdout).not.toMatch(/##\[|^\s*::(?!(?:error title=approval rejected|add-mask::))/m);
  });

  test("has at most 1,024 characters, and loses the least", async () => {
    left("preflight");
    for (let cell = 0; cell < 60; cell++) left("integration", "failed", { cell: `<&>`.repeat(40) + cell });
    left("e2e", "failed", { job: "@".repeat(2_000) });
    await approve();
    expect(commentOf().length).toBeLessThanOrEqual(1_024);
    expect(commentOf()).toMatch(/^env-actions gate failed: Integration failed and e2e failed$/m);
    expect(commentOf()).toMatch(/^Commit aaaaaaaaaaaa, run 7, attempt 1\.$/m);
    expect(world.run.ruleAnswers).toHaveLength(1);
  });

  test("holds no secret that stands in evidence", async () => {
    const secret = "s3cr3t-0f-th3-pr0duct10n-d4t4b4s3";
    left("preflight");
    left("integration");
    left("e2e", "failed", { job: `e2e ${secret}` });
    const { stdout, summary } = await approve({}, { DATABASE_PASSWORD: secret });
    expect(stdout.replaceAll(`::add-mask::${secret}`, "") + summary + commentOf()).not.toContain(secret);
    expect(commentOf()).toContain("failed in job e2e");
  });

  test("is nothing but one answer: other runs, environments and jobs are left alone", async () => {
    passedAll();
    await approve();
    const written = world.github.requests.filter(({ method }) => method !== "GET");
    expect(written.map(({ path }) => path)).toEqual(["/repos/classwaves/app/actions/runs/7/deployment_protection_rule"]);
    expect(world.run.pending.map(({ environment }) => environment)).toEqual(["production"]);
    expect(world.github.requests.length).toBeLessThanOrEqual(6);
  });

  test("comes as soon as the deployment waits", async () => {
    passedAll();
    waitingAtLook(3);
    const { approval } = await approve({ wait: "1m" });
    expect(approval).toBe("approved");
    // Twice in vain, once with success, and once for what it still waits for.
    expect(
      world.github.requests.filter(({ method, path }) => method === "GET" && path.endsWith("/pending_deployments")),
    ).toHaveLength(4);
    expect(told()).toEqual(["rule staging approved"]);
  });
});
