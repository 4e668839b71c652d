import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { LocalGitHub } from "../../../local/github/index.ts";
import type { LocalArtifacts, Stored } from "../../harness/artifact-service.ts";
import { writeFiles } from "../../harness/folder.ts";
import { runnerEnvironment, runnerFiles } from "../../harness/process.ts";
import { commit, now, origin, project } from "./question.ts";
import type { Deployment, SequenceRow } from "./sequence.ts";
import { type Ended, ended, filesIn, upload } from "./start.ts";

/** The tests of a stage that was not refused leave the file `ran`. */
const tests = `import { writeFileSync } from "node:fs";
writeFileSync("ran", "");
writeFileSync("reports/junit.xml", '<testsuite tests="1"><testcase name="a" classname="b"/></testsuite>');
`;
const suite = { command: "node tests.mjs", reports: ["reports/junit.xml"] };
// Nobody answers there; a refused stage asks nobody.
const api = { url: "http://127.0.0.1:9", endpoints: [{ path: "/health" }] };
const config = {
  version: 1,
  preset: "none",
  environments: {
    sandbox: { access: "test-data", api },
    production: { access: "read-only", promotedFrom: "sandbox", api },
  },
  stages: { integration: suite, e2e: suite },
};

export interface StageEnded extends Ended {
  ran: boolean;
  /** What the step uploaded. */
  uploaded: Stored[];
}

/** Starts the published program as the runner starts the step of a stage. */
export async function startStage(
  [, stage, situation]: SequenceRow,
  { workspace, service, github }: { workspace: string; service: LocalArtifacts; github: LocalGitHub },
): Promise<StageEnded> {
  const { evidence = [], artifacts = [], environment = "sandbox", deployment, moved } = situation;
  const step = service.newRun("this job");
  for (const one of [...evidence.map((each) => ({ evidence: each })), ...artifacts]) upload(step, one);
  step.faults.push(...(situation.faults ?? []));
  const before = step.artifacts.length;
  if (deployment) store(github, deployment);
  await writeFiles(workspace, {
    ...runnerFiles,
    "event.json": JSON.stringify(situation.event ?? { pull_request: { number: 12, head: { sha: commit.headSha } } }),
    [project]: JSON.stringify(config),
    "tests.mjs": tests,
    ...filesIn(situation.files),
  });
  if (moved) await commitTo(workspace);
  const end = await ended(workspace, {
    ...runnerEnvironment(workspace, { stage, config: project, environment, ...situation.inputs }),
    GITHUB_SHA: commit.sha,
    GITHUB_EVENT_NAME: "pull_request",
    GITHUB_EVENT_PATH: join(workspace, "event.json"),
    GITHUB_RUN_ID: origin.workflowRun,
    GITHUB_RUN_ATTEMPT: origin.attempt,
    GITHUB_JOB: stage,
    GITHUB_API_URL: github.url,
    ...step.env,
    ...situation.env,
  });
  return { ...end, ran: existsSync(join(workspace, "ran")), uploaded: step.artifacts.slice(before) };
}

function store(github: LocalGitHub, deployment: Deployment): void {
  const { sha = commit.headSha, environment = "production", states = ["success"], at = -60_000 } = deployment;
  const time = { createdAt: now + at, updatedAt: now + at };
  github.repositories.get("classwaves/app")?.deployments.push({
    ...{ id: 4711, sha, ref: "main", task: "deploy", payload: {}, environment, description: null, transient: false },
    ...{ production: true, creator: "somebody", ...time },
    statuses: states.map((state, index) => ({
      ...{ id: index + 1, state, creator: "somebody", description: "", environment, targetUrl: "", logUrl: "" },
      ...{ environmentUrl: "", createdAt: time.createdAt },
    })),
  });
}

async function commitTo(workspace: string): Promise<void> {
  const git = (...args: string[]) =>
    promisify(execFile)("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: workspace });
  await git("init", "--quiet");
  await git("commit", "--quiet", "--allow-empty", "--message", "moved");
}
