import { writeZip } from "../../../src/github/zip.ts";
import type { Evidence, StageName } from "../../../src/model/report.ts";
import { at, commit, left, now, otherCommit, type Runner, type Uploaded } from "./question.ts";

// A stage that is asked to start: only evidence of the one before it opens, from every job and cell, of this commit, environment and run.

export interface Deployment {
  /** Of the tested commit, unless said otherwise. */
  sha?: string;
  environment?: string;
  /** Its statuses, the oldest first. */
  states?: ("success" | "failure" | "inactive" | "in_progress" | "queued")[];
  /** Milliseconds from now. */
  at?: number;
}

export interface Situation extends Pick<Runner, "faults" | "files" | "inputs" | "env" | "event"> {
  /** Of the stage before. */
  evidence?: Evidence[];
  artifacts?: Uploaded[];
  environment?: string;
  /** What GitHub has under the id 4711. */
  deployment?: Deployment;
  /** What the token may do with deployments. */
  token?: "read" | "none";
  /** Whether the workspace is a checkout with a commit of its own, such as after a `ref:` that moved. */
  moved?: true;
}

/** `starts`: nothing was refused, and the stage's tests ran. `invalid`: it ends with exit status 2, before it is a stage at all. */
export type SequenceRow = [
  what: string,
  stage: StageName,
  situation: Situation,
  answer: "starts" | "refused" | "invalid",
  says: RegExp,
];

const ofOne = (cell: string, verdict: "passed" | "failed", more = {}) => left("preflight", verdict, { cell, ...more });
const old = `${now}_0badcafe`;

const integration: SequenceRow[] = [
  ["after a pass", "integration", { evidence: [left("preflight")] }, "starts", /integration passed/],
  ["after a pass with warnings", "integration", { evidence: [left("preflight", "degraded")] }, "starts", /integration passed/],
  [
    "an attempt failed, and the next one passed",
    "integration",
    { evidence: [left("preflight", "failed"), left("preflight", "passed", { attempt: "2" })] },
    "starts",
    /integration passed/,
  ],
  [
    "nothing ran before",
    "integration",
    {},
    "refused",
    /needs passed evidence of preflight: there is none for sandbox\. Run preflight first/,
  ],
  [
    "the stage before failed",
    "integration",
    { evidence: [left("preflight", "failed")] },
    "refused",
    /integration needs passed evidence of preflight: preflight ended with failed/,
  ],
  [
    "the stage before could not look",
    "integration",
    { evidence: [left("preflight", "error")] },
    "refused",
    /preflight.* ended with error/,
  ],
  [
    "an older pass, and a newer failure",
    "integration",
    { evidence: [left("preflight"), left("preflight", "failed", { attempt: "2", finishedAt: at(-30_000) })] },
    "refused",
    /preflight.* ended with failed/,
  ],
  [
    "an older failure with a newer date, and a pass of the same attempt",
    "integration",
    { evidence: [left("preflight", "failed", { finishedAt: at(0) }), left("preflight")] },
    "refused",
    /preflight.* ended with failed/,
  ],
  [
    "one cell passed, and another failed",
    "integration",
    { evidence: [ofOne("1", "passed"), ofOne("2", "failed")] },
    "refused",
    /preflight in job preflight \(2\) ended with failed/,
  ],
  [
    "only the wrong cell ran again",
    "integration",
    { evidence: [ofOne("1", "passed"), ofOne("2", "failed"), ofOne("1", "passed", { attempt: "2" })] },
    "refused",
    /preflight in job preflight \(2\) ended with failed/,
  ],
  [
    "a copy with the run id of a failure",
    "integration",
    { evidence: [left("preflight", "failed", { runId: old }), left("preflight", "passed", { runId: old, finishedAt: at(0) })] },
    "refused",
    /preflight.* ended with failed/,
  ],
  [
    "another environment's pass",
    "integration",
    { evidence: [left("preflight", "passed", { environment: "preview" })] },
    "refused",
    /expected evidence for the environment sandbox, got evidence for preview/,
  ],
  [
    "another commit's pass",
    "integration",
    { evidence: [left("preflight", "passed", { commit: { sha: otherCommit } })] },
    "refused",
    /expected evidence for commit a{12}, got evidence for b{12}/,
  ],
  [
    "a force-push since",
    "integration",
    { evidence: [left("preflight", "passed", { commit: { sha: commit.sha, headSha: otherCommit } })] },
    "refused",
    /expected evidence for commit a{12}, got evidence for b{12}\. Run preflight again on this commit/,
  ],
  [
    "a moved `ref:` was checked out",
    "integration",
    { evidence: [left("preflight")], moved: true },
    "refused",
    /expected evidence for commit [0-9a-f]{12}, got evidence for a{12}/,
  ],
  [
    "a pass of another repository, such as a fork's",
    "integration",
    { evidence: [left("preflight", "passed", { repository: "attacker/app" })] },
    "refused",
    /found evidence from attacker\/app instead/,
  ],
  [
    "a pass of another workflow's run",
    "integration",
    { evidence: [left("preflight", "passed", { workflowRun: "6" })] },
    "refused",
    /found evidence from another workflow run instead \(6\)/,
  ],
  [
    "another project's pass",
    "integration",
    { evidence: [left("preflight", "passed", { project: "packages/a/.github/env-actions.yml" })] },
    "refused",
    /expected evidence for the configuration \.github\/env-actions\.yml, got evidence for packages\/a/,
  ],
  [
    "this project failed, and another one passed",
    "integration",
    { evidence: [left("preflight", "failed"), left("preflight", "passed", { project: "packages/a/.github/env-actions.yml" })] },
    "refused",
    /preflight ended with failed/,
  ],
  [
    "an attempt that hasn't begun",
    "integration",
    { evidence: [left("preflight", "passed", { attempt: "4" })] },
    "refused",
    /the evidence names attempt 4, and this is attempt 3/,
  ],
  [
    "a pass of tomorrow",
    "integration",
    { evidence: [left("preflight", "passed", { finishedAt: at(86_400_000) })] },
    "refused",
    /dated in the future: compare the clocks/,
  ],
  [
    "a pass of yesterday",
    "integration",
    { evidence: [left("preflight", "passed", { finishedAt: at(-86_400_000) })] },
    "refused",
    /older than evidence\.maxAge .*Re-run all jobs/,
  ],
  [
    "evidence of smoke under preflight's name",
    "integration",
    { artifacts: [{ evidence: left("smoke"), name: "env-actions-preflight-x" }] },
    "refused",
    /EA8005: .*env-actions-preflight-x cannot be read: its evidence is of smoke/,
  ],
  [
    "a file that was copied from an older run",
    "integration",
    { files: [left("preflight", "passed", { workflowRun: "6" })] },
    "refused",
    /found evidence from another workflow run instead \(6\)/,
  ],
  [
    "a file that was copied from a terminal",
    "integration",
    { files: [{ ...left("preflight"), origin: { kind: "terminal", actor: "somebody" } }] },
    "refused",
    /found evidence from a terminal instead/,
  ],
  [
    "the evidence of one cell can't be read",
    "integration",
    { evidence: [ofOne("1", "passed")], artifacts: [{ name: "env-actions-preflight-x", archive: writeZip([]) }] },
    "refused",
    /from every job and cell, and this evidence cannot be read: env-actions-preflight-x/,
  ],
  [
    "the artifacts can't be listed, and a file says passed",
    "integration",
    { files: [left("preflight")], faults: [{ call: "ListArtifacts", answer: { status: 403 } }] },
    "refused",
    /this evidence cannot be read: the list of this workflow run's artifacts/,
  ],
  [
    "its own job uploaded preflight's pass",
    "integration",
    {
      artifacts: [
        { evidence: left("preflight"), job: "integration 3" },
        { evidence: left("integration", "failed", { attempt: "3" }) },
      ],
    },
    "refused",
    /EA8005: .*they name two: .*One of them is forged/,
  ],
];

const fromFork = { head: { sha: commit.headSha, repo: { full_name: "attacker/app" } } };
const beforeAnyStage: SequenceRow[] = [
  [
    "a fork's commit, with the repository's secrets",
    "integration",
    {
      evidence: [left("preflight")],
      moved: true,
      env: { GITHUB_EVENT_NAME: "pull_request_target" },
      event: { pull_request: fromFork },
    },
    "invalid",
    /EA2007: the workspace has commit \S+ checked out, a commit of attacker\/app\. The event pull_request_target/,
  ],
  [
    "a fork's commit, after its workflow ended",
    "integration",
    {
      evidence: [left("preflight")],
      moved: true,
      env: { GITHUB_EVENT_NAME: "workflow_run" },
      event: { workflow_run: { head_repository: { full_name: "attacker/app" } } },
    },
    "invalid",
    /EA2007: .*a commit of attacker\/app\. The event workflow_run/,
  ],
  [
    "another commit than the reviewed one",
    "integration",
    {
      evidence: [left("preflight")],
      moved: true,
      inputs: { "foreign-head": otherCommit },
      env: { GITHUB_EVENT_NAME: "pull_request_target" },
      event: { pull_request: fromFork },
    },
    "invalid",
    /EA2008: foreign-head: expected the commit b{40} in the workspace, got /,
  ],
  [
    "all jobs share one run id",
    "integration",
    { evidence: [left("preflight")], env: { ENV_ACTIONS_RUN_ID: `${now}_1a2b3c4d` } },
    "invalid",
    /EA2004: ENV_ACTIONS_RUN_ID is set, but on a runner every integration gets its own run id/,
  ],
  [
    "an environment that doesn't exist",
    "integration",
    { evidence: [left("preflight")], environment: "prod" },
    "invalid",
    /EA\d{4}: .*"prod".*known: sandbox, production|EA\d{4}: .*prod\b.*sandbox/,
  ],
];

const e2e: SequenceRow[] = [
  [
    "integration failed, and preflight passed",
    "e2e",
    { evidence: [left("preflight"), left("integration", "failed")] },
    "refused",
    /integration.* ended with failed/,
  ],
  [
    "integration was left out of the run",
    "e2e",
    { evidence: [left("preflight")] },
    "refused",
    /e2e needs passed evidence of integration: there is none for sandbox/,
  ],
  [
    "integration was cancelled, and left an error",
    "e2e",
    { evidence: [left("preflight"), left("integration", "error")] },
    "refused",
    /integration.* ended with error/,
  ],
];

const follows = { inputs: { deployment: "4711", "github-token": "job" }, environment: "production" };
const smoke: SequenceRow[] = [
  [
    "no deployment, and e2e ran elsewhere",
    "smoke",
    { environment: "production", evidence: [left("e2e", "passed", { environment: "preview" })] },
    "refused",
    /expected evidence for the environment production or sandbox, got evidence for preview/,
  ],
  [
    "e2e failed where production was promoted from",
    "smoke",
    { environment: "production", evidence: [left("e2e", "failed")] },
    "refused",
    /e2e.* ended with failed/,
  ],
  [
    "a deployment that doesn't exist",
    "smoke",
    { ...follows },
    "refused",
    /smoke should follow deployment 4711, but classwaves\/app has no deployment 4711/,
  ],
  [
    "a deployment that is no number",
    "smoke",
    { ...follows, inputs: { ...follows.inputs, deployment: "latest" } },
    "refused",
    /"latest" is not the id of a deployment: expected a number/,
  ],
  [
    "a deployment of another commit",
    "smoke",
    { ...follows, deployment: { sha: otherCommit } },
    "refused",
    /expected a deployment of commit a{12}, but deployment 4711 is of b{12}/,
  ],
  [
    "a preview's deployment of the same commit",
    "smoke",
    { ...follows, deployment: { environment: "preview" } },
    "refused",
    /expected a deployment to production, but deployment 4711 went to preview.*deployedAs/,
  ],
  [
    "a deployment that failed",
    "smoke",
    { ...follows, deployment: { states: ["in_progress", "failure"] } },
    "refused",
    /deployment 4711 is failure: it failed/,
  ],
  [
    "a deployment that is not finished",
    "smoke",
    { ...follows, deployment: { states: ["in_progress"] } },
    "refused",
    /deployment 4711 is in_progress: it is not finished/,
  ],
  [
    "a deployment that a later one replaced",
    "smoke",
    { ...follows, deployment: { states: ["success", "inactive"] } },
    "refused",
    /deployment 4711 is inactive: a later deployment replaced it/,
  ],
  [
    "a deployment without a status",
    "smoke",
    { ...follows, deployment: { states: [] } },
    "refused",
    /deployment 4711 has no status yet/,
  ],
  [
    "a deployment of yesterday",
    "smoke",
    { ...follows, deployment: { at: -86_400_000 } },
    "refused",
    /deployment 4711 succeeded .* ago, longer ago than the allowed/,
  ],
  [
    "a deployment of tomorrow",
    "smoke",
    { ...follows, deployment: { at: 86_400_000 } },
    "refused",
    /deployment 4711 is dated in the future/,
  ],
  [
    "a token that may not see deployments",
    "smoke",
    { ...follows, deployment: {}, token: "none" },
    "refused",
    /could not be verified: .*EA9003[\s\S]*deployments: read/,
  ],
  [
    "a token that is none",
    "smoke",
    { ...follows, deployment: {}, inputs: { ...follows.inputs, "github-token": "stolen" } },
    "refused",
    /could not be verified: .*EA9002/,
  ],
  [
    "no token",
    "smoke",
    { ...follows, deployment: {}, inputs: { deployment: "4711" } },
    "refused",
    /could not be verified: .*EA9001.*github-token/,
  ],
];

export const sequence: Record<string, SequenceRow[]> = { integration, e2e, smoke, "before any": beforeAnyStage };
