import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as core from "@actions/core";
import { type GateSettings, gateSettings } from "../config/gate-settings.ts";
import { chooseCarrier } from "../evidence/carriers/choose.ts";
import { judgedCommitOf, originOf, projectOf } from "../evidence/evidence.ts";
import { evidenceStore } from "../evidence/store.ts";
import { type GateResult, judgeGate, type StageResult } from "../gate/judge.ts";
import { readAllowedSkips, readNeeds } from "../gate/needs.ts";
import type { OtherRun } from "../gate/other-run.ts";
import { gateLine, gateMarkdown } from "../gate/texts.ts";
import { errorText } from "../lib/error-text.ts";
import { recordsDirectory } from "../lib/plain-file.ts";
import { type Commit, type Evidence, isCommit, type StageName, stageNames } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { logLine, plainText } from "../report/inert.ts";
import { cut } from "../report/words.ts";
import type { SecretKeeper } from "../stages/context.ts";
import { forms, isTrue, stageWords, unknownStage } from "./input-forms.ts";
import { inputOf } from "./inputs.ts";

/** The stages that a pull request must pass. Smoke follows a deployment, and cleanup proves nothing about the commit. */
const usual: readonly StageName[] = ["preflight", "integration", "e2e"];

const standardConfig = ".github/env-actions.yml";

/**
 * The one required check: passes only if every stage and every job did.
 * @returns the exit status
 * @throws UserError
 */
export async function gate(env: NodeJS.ProcessEnv, secrets: SecretKeeper): Promise<number> {
  // Until the answer is known: a process that ends early must not count as a pass.
  process.exitCode = 3;
  const comments = switchOf(env, "comment");
  const showsStatuses = switchOf(env, "statuses");
  const environment = inputOf(env, "environment") || undefined;
  const forkEnvironment = inputOf(env, "fork-environment") || undefined;
  if (forkEnvironment !== undefined && environment === undefined)
    throw new UserError("EA1104", "the input `fork-environment`: expected the input `environment` too, for which it stands in");
  const pullRequest = await pullRequestOf(env.GITHUB_EVENT_PATH);
  const standIn = isFork(pullRequest, env) ? forkEnvironment : undefined;
  const { result, commit, project, text } = await judgedEvidence(env, secrets, { stages: usual, environment, standIn });
  const line = inLog(secrets.redact(gateLine(result)));
  if (passes(result)) core.info(line);
  else core.error(line, { title: `gate ${result.outcome}` });
  sayParts(result, secrets);
  await publish(text);
  if (comments) await comment(env, pullRequest?.number, text);
  // A status is public, like the comment.
  const shown = result.stages.map((one) => ({ ...one, why: plainText(secrets.redact(one.why)) }));
  if (showsStatuses) await showStatuses(env, commit.headSha ?? commit.sha, project, shown);
  return passes(result) ? 0 : 1;
}

export interface JudgedEvidence {
  result: GateResult;
  commit: Commit;
  /** undefined if no configuration was read. */
  project: string | undefined;
  /** The result as Markdown. */
  text: string;
  /** Judges the same evidence once more: it gets older. */
  judge: () => GateResult;
}

export function passes({ outcome }: GateResult): boolean {
  return outcome === "passed" || outcome === "degraded";
}

export interface AskedEvidence {
  /** Those that must have passed, unless an input names them. */
  stages: readonly StageName[];
  /** Whose evidence counts; all if absent. */
  environment?: string | undefined;
  /** What may take its place, because a fork's job has no credentials. */
  standIn?: string | undefined;
}

/**
 * Reads the inputs that say what must have passed, finds the evidence and judges it. Sets the output `verdict`.
 * @param other instead of this job's own run
 * @throws UserError
 */
export async function judgedEvidence(
  env: NodeJS.ProcessEnv,
  secrets: SecretKeeper,
  { stages: byDefault, environment, standIn }: AskedEvidence,
  other?: OtherRun,
): Promise<JudgedEvidence> {
  const jobs = other?.jobs ?? readNeeds(inputOf(env, "needs"));
  const allowedSkips = readAllowedSkips(inputOf(env, "allow-skips"));
  const workspace = resolve(env.GITHUB_WORKSPACE ?? ".", inputOf(env, "working-directory") || ".");
  const { stages, leftOut, maxAgeMs, project, place } = await expected(env, workspace, byDefault);
  const artifacts = env.ACTIONS_RESULTS_URL ? (await import("../github/artifacts.ts")).artifactService(env) : undefined;
  const { carrier, cutOff } = await chooseCarrier({ store: place, maxAgeMs, env, artifacts });
  const store = evidenceStore(join(workspace, recordsDirectory, "evidence"), carrier);
  const evidence: Evidence[] = [];
  const unread: Partial<Record<StageName, string[]>> = {};
  for (const stage of stages) {
    const found = await (other ?? store).find(stage);
    evidence.push(...found.evidence);
    unread[stage] = found.unread;
    for (const problem of found.problems) core.warning(inLog(secrets.redact(problem)));
  }
  const commit = other?.commit ?? (await judgedCommitOf(env, workspace));
  const question = {
    ...{ jobs, stages, leftOut, allowedSkips, evidence, unread, commit, maxAgeMs },
    cutOff: other ? undefined : cutOff,
    event: other?.event ?? env.GITHUB_EVENT_NAME,
    origin: other?.origin ?? originOf(env),
    project,
    environment,
    standIn,
  };
  const judge = () => judgeGate({ ...question, now: Date.now() });
  const result = judge();
  const text = secrets.redact(gateMarkdown(result, commit.headSha ?? commit.sha));
  // One of our own words.
  core.setOutput("verdict", result.outcome);
  return { result, commit, project, text, judge };
}

/** What each stage and each job adds to the result. */
export function sayParts(result: GateResult, secrets: SecretKeeper): void {
  for (const { stage, outcome, isOpen, why } of result.stages)
    core.info(inLog(secrets.redact(`${isOpen ? "✔" : "✘"} ${stage} ${outcome}: ${why}`)));
  for (const { job, isOpen, why } of result.jobs) core.info(inLog(secrets.redact(`${isOpen ? "✔" : "✘"} job ${job}: ${why}`)));
}

/** @throws UserError */
function switchOf(env: NodeJS.ProcessEnv, name: "comment" | "statuses"): boolean {
  const chosen = isTrue(inputOf(env, name) || "false");
  if (chosen === undefined)
    throw new UserError("EA1104", `the input \`${name}\`: expected ${forms[name].expected}, got "${inputOf(env, name)}"`);
  return chosen;
}

const longestLine = 4_000;

/** Names of jobs, cells and artifacts come from outside, and the runner obeys a `##[command]` anywhere in a line. */
export function inLog(text: string): string {
  return logLine(cut(text, longestLine));
}

interface Expected {
  stages: StageName[];
  leftOut: StageName[];
  maxAgeMs: number;
  project: string | undefined;
  place: GateSettings["store"];
}

/** From the input, or the configuration: whichever stage it has, unless it leaves it out. @throws UserError */
async function expected(env: NodeJS.ProcessEnv, workspace: string, byDefault: readonly StageName[]): Promise<Expected> {
  const named = stageWords(inputOf(env, "stages"));
  const unknown = unknownStage(named);
  if (unknown !== undefined)
    throw new UserError("EA1104", `the input \`stages\`: expected ${forms.stages.expected}, got "${unknown}"`);
  const file = inputOf(env, "config") || standardConfig;
  const settings = await gateSettings(file, workspace, named.length > 0);
  const wanted = named.length > 0 ? stageNames.filter((stage) => named.includes(stage)) : byDefault;
  const leftOut = named.length > 0 ? [] : byDefault.filter((stage) => settings.leftOut.has(stage));
  return {
    stages: wanted.filter((stage) => !leftOut.includes(stage)),
    leftOut,
    maxAgeMs: settings.maxAgeMs,
    place: settings.store,
    project: settings.isRead ? projectOf(env, workspace, file) : undefined,
  };
}

export async function publish(text: string): Promise<void> {
  if (!process.env.GITHUB_STEP_SUMMARY) return;
  try {
    await core.summary.addRaw(text, true).write();
  } catch (error) {
    core.warning(`The job summary could not be written: ${errorText(error)}.`);
  }
}

/** The gate's verdict doesn't depend on it, so a comment that cannot be written is a warning. */
async function comment(env: NodeJS.ProcessEnv, number: number | undefined, text: string): Promise<void> {
  const [owner, repo] = (env.GITHUB_REPOSITORY ?? "").split("/");
  if (number === undefined || !owner || !repo) {
    core.info("No comment: this event belongs to no pull request.");
    return;
  }
  const [{ gitHub, GitHubError }, { writeComment }] = await Promise.all([
    import("../github/api.ts"),
    import("../gate/comment.ts"),
  ]);
  try {
    const api = await gitHub(inputOf(env, "github-token") || undefined, env);
    const gate = [env.GITHUB_WORKFLOW, env.GITHUB_JOB, inputOf(env, "working-directory"), inputOf(env, "config")].join("\n");
    const outcome = await writeComment(api, { owner, repo, number, gate }, text);
    if (outcome === "not recognisable")
      core.warning(
        "The comment was written with a person's token, so each run will write another one. Leave out `github-token`, or pass an app's.",
      );
    else core.info(`The comment on pull request ${number}: ${outcome}.`);
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    core.warning(`The comment on pull request ${number} could not be written: ${errorText(error)}`);
  }
}

/** As with the comment, the verdict doesn't depend on them. */
async function showStatuses(
  env: NodeJS.ProcessEnv,
  sha: string,
  project: string | undefined,
  stages: readonly StageResult[],
): Promise<void> {
  const [owner, repo] = (env.GITHUB_REPOSITORY ?? "").split("/");
  if (!owner || !repo || !isCommit(sha)) {
    core.info("No commit statuses: the commit or the repository is unknown.");
    return;
  }
  const [{ gitHub, GitHubError }, { writeStatuses }] = await Promise.all([
    import("../github/api.ts"),
    import("../gate/statuses.ts"),
  ]);
  const page = env.GITHUB_RUN_ID
    ? `${env.GITHUB_SERVER_URL || "https://github.com"}/${owner}/${repo}/actions/runs/${env.GITHUB_RUN_ID}`
    : undefined;
  const named = project === undefined || project === standardConfig ? undefined : project;
  try {
    const api = await gitHub(inputOf(env, "github-token") || undefined, env);
    const written = await writeStatuses(api, { owner, repo, sha, project: named, page }, stages);
    core.info(`Commit statuses: ${written} written, ${stages.length - written} unchanged.`);
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    core.warning(`The commit statuses could not be written: ${errorText(error)}`);
  }
}

interface PullRequest {
  number: number | undefined;
  /** `owner/name` of the repository with its branch; undefined if that repository is gone. */
  from: string | undefined;
}

async function pullRequestOf(eventFile: string | undefined): Promise<PullRequest | undefined> {
  if (!eventFile) return undefined;
  try {
    const event = JSON.parse(await readFile(eventFile, "utf8")) as {
      pull_request?: { number?: unknown; head?: { repo?: { full_name?: unknown } | null } };
    };
    if (event.pull_request === undefined) return undefined;
    const { number, head } = event.pull_request;
    const from = head?.repo?.full_name;
    return {
      number: typeof number === "number" ? number : undefined,
      from: typeof from === "string" ? from : undefined,
    };
  } catch {
    // act and some runners have no event file.
    return undefined;
  }
}

/** Where the run gets no credentials. A pull request whose repository is gone gets none either. */
function isFork(pullRequest: PullRequest | undefined, env: NodeJS.ProcessEnv): boolean {
  return pullRequest !== undefined && pullRequest.from !== env.GITHUB_REPOSITORY;
}
