import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeZip } from "../../../src/github/zip.ts";
import type { Evidence, Origin } from "../../../src/model/report.ts";
import { digestOf, type LocalArtifacts, type Stored, type WorkflowRun } from "../../harness/artifact-service.ts";
import { writeFiles } from "../../harness/folder.ts";
import { bundle, run, runnerEnvironment, runnerFiles } from "../../harness/process.ts";
import { type Row, type Runner, type Uploaded, usual } from "./question.ts";

export interface Ended {
  status: number | null;
  /** What the runner shows, without its own commands for the summary and outputs. */
  log: string;
  verdict: string | undefined;
  summary: string;
}

/** Starts the published program as the runner starts the gate's step, in a workspace that a checkout left. */
export async function startGate(
  [, question, , , runner = {}]: Row,
  { workspace, service, apiUrl }: { workspace: string; service: LocalArtifacts; apiUrl: string | undefined },
): Promise<Ended> {
  const asked = { ...usual(), ...question };
  const side: Runner = typeof runner === "string" ? {} : runner;
  const { origin, commit, project, allowedSkips, leftOut, stages, unread } = asked;
  const step = service.newRun("the gate's job");
  for (const one of [...asked.evidence.map((evidence) => ({ evidence })), ...(side.artifacts ?? [])]) upload(step, one);
  for (const name of Object.values(unread).flat()) lose(step, name);
  step.faults.push(...(side.faults ?? []));
  const config = [`version: 1`, ...(leftOut.length > 0 ? [`stages: { ${leftOut.map((stage) => `${stage}: false`)} }`] : [])];
  const event = side.event ?? { pull_request: { number: 12, head: { sha: commit.headSha } } };
  await writeFiles(workspace, {
    ...runnerFiles,
    "event.json": JSON.stringify(event),
    ...(project === undefined ? {} : { [project]: side.config ?? config.join("\n") }),
    ...filesIn(side.files),
  });
  const inputs = {
    stage: "gate",
    needs: JSON.stringify(Object.fromEntries(asked.jobs.map(({ id, result }) => [id, { result, outputs: {} }]))),
    "allow-skips": allowedSkips
      .map(({ name, allowed, reason }) => `${name}: ${allowed}${reason ? ` # ${reason}` : ""}`)
      .join("\n"),
    ...(project === undefined ? { stages: stages.join(", ") } : { config: project }),
    ...side.inputs,
  };
  const env = {
    ...runnerEnvironment(workspace, inputs),
    GITHUB_SHA: commit.sha,
    GITHUB_EVENT_NAME: asked.event,
    GITHUB_EVENT_PATH: join(workspace, "event.json"),
    GITHUB_WORKFLOW: "Quality gate",
    GITHUB_REPOSITORY: origin.repository,
    GITHUB_RUN_ID: origin.workflowRun,
    GITHUB_RUN_ATTEMPT: origin.attempt,
    GITHUB_JOB: origin.job,
    GITHUB_API_URL: apiUrl,
    ...(asked.cutOff === undefined ? step.env : {}),
    ...side.env,
  };
  return await ended(workspace, env);
}

/** Evidence in the records of the workspace. */
export function filesIn(evidence: readonly Evidence[] = []): Record<string, string> {
  return Object.fromEntries(
    evidence.map((one) => [`.env-actions/evidence/${one.stage}-copied-${one.runId}.json`, JSON.stringify(one)]),
  );
}

/** Starts one step of a workflow. */
export async function ended(workspace: string, env: Readonly<Record<string, string | undefined>>): Promise<Ended> {
  const set = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const { status, stdout, stderr } = await run(bundle, { cwd: workspace, env: Object.fromEntries(set), deadlineMs: 60_000 });
  const [output, summary] = await Promise.all(["output", "summary"].map((name) => readFile(join(workspace, name), "utf8")));
  const verdict = /^verdict<<(\S+)\n(.*)\n\1$/m.exec(output ?? "")?.[2];
  return { status, log: stdout.replaceAll("%0A", "\n") + stderr, verdict, summary: summary ?? "" };
}

/** Stores an artifact as env-actions uploads it, in as far as the row doesn't say otherwise. */
export function upload({ artifacts }: Pick<WorkflowRun, "artifacts">, one: Uploaded): void {
  const { evidence } = one;
  const files = one.files ?? (evidence ? filesOf(evidence, one.report) : {});
  const archive = one.archive ?? writeZip(Object.entries(files).map(([name, text]) => ({ name, content: Buffer.from(text) })));
  const stored: Stored = {
    name: one.name ?? (evidence ? freeName(evidence, artifacts) : ""),
    archive,
    job: one.job ?? (evidence ? executionOf(evidence.origin) : "unknown"),
    digest: "digest" in one ? one.digest : digestOf(archive),
  };
  artifacts.push(stored);
}

function filesOf(evidence: Evidence, said: object | undefined): Record<string, string> {
  const { stage, verdict, runId } = evidence;
  const report = JSON.stringify(said ?? { stage, verdict, runId });
  const reportDigest = createHash("sha256").update(report).digest("hex");
  return { "evidence.json": JSON.stringify({ ...evidence, reportDigest }), [`${stage}.json`]: report };
}

/** The service refuses a name that exists, so that whoever copies evidence needs another one. */
function freeName({ stage, environment, origin, runId }: Evidence, artifacts: readonly Stored[]): string {
  const name = `env-actions-${stage}-${environment}-${origin.attempt ?? "1"}-${runId}`;
  const taken = artifacts.filter((one) => one.name.startsWith(name)).length;
  return taken === 0 ? name : `${name}-copy${taken}`;
}

function executionOf({ job, cell, attempt }: Origin): string {
  return [job, ...(cell ? [cell] : []), attempt].join(" ");
}

/** The artifact exists and can't be read. */
function lose(step: WorkflowRun, name: string): void {
  if (name === "the list") step.faults.push({ call: "ListArtifacts", answer: { status: 403 } });
  else {
    step.artifacts.push({ name, archive: Buffer.alloc(0), job: "unknown", digest: undefined });
    step.faults.push({ call: "Blob", name, answer: { status: 404 } });
  }
}
