import * as core from "@actions/core";
import { type Approval, type ApprovalQuestion, answerDeployment, noRun, stillRuns, whyForeign } from "../gate/approval.ts";
import { approvalComment, approvalLine, approvalMarkdown, isApproved } from "../gate/approval-texts.ts";
import { type OtherRun, readOtherRun } from "../gate/other-run.ts";
import { gateLine, gateMarkdown } from "../gate/texts.ts";
import { type GitHub, GitHubError, gitHub } from "../github/api.ts";
import { type RunFacts, runFacts } from "../github/approvals.ts";
import { errorText } from "../lib/error-text.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import type { StageName } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import type { SecretKeeper } from "../stages/context.ts";
import { inLog, type JudgedEvidence, judgedEvidence, passes, publish, sayParts } from "./gate.ts";
import { choices, oneOf } from "./input-forms.ts";
import { limits } from "./input-limits.ts";
import { inputOf } from "./inputs.ts";
import { type Input, type InputName, inputs } from "./interface.ts";

/** All that proves something about a commit. Strict, so that a production deployment is not approved because a name is missing. */
const everyStage: readonly StageName[] = ["preflight", "integration", "e2e", "smoke"];

/**
 * Approves a deployment that waits for the rules of its environment, if the evidence permits it.
 * @returns the exit status
 * @throws UserError
 */
export async function approve(env: NodeJS.ProcessEnv, secrets: SecretKeeper): Promise<number> {
  // Until the answer is known: a process that ends early must not count as an approval.
  process.exitCode = 3;
  core.setOutput("approval", "unknown");
  const asked = readAsked(env);
  // A wrong address is a mistake of the workflow, and needs no evidence.
  const api = await gitHub(asked.token, env);
  try {
    const { approval, isOpen, text } = await judgedAndAnswered(env, secrets, api, asked);
    core.setOutput("approval", approval.outcome);
    await publish(approvalMarkdown(approval, secrets.redact(asked.environment), isOpen) + text);
    return tell(approval, isOpen);
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    const text = secrets.redact(`nothing was approved: ${errorText(error)}${hintFor(error, asked.by)}`);
    core.error(logLines(text), { title: "approval unknown" });
    return 3;
  }
}

interface Answered {
  approval: Approval;
  /** Whether the evidence permits the deployment. */
  isOpen: boolean;
  /** The judgement as Markdown. */
  text: string;
}

/** @throws GitHubError, UserError */
async function judgedAndAnswered(env: NodeJS.ProcessEnv, secrets: SecretKeeper, api: GitHub, asked: Asked): Promise<Answered> {
  const { owner, repo, run, ownRun, waitMs } = asked;
  const place = { owner, repo, run_id: run };
  let known: RunFacts | undefined;
  let other: OtherRun | undefined;
  if (run !== ownRun) {
    known = await runFacts(api, place);
    if (!known) return unjudged(noRun(place));
    const foreign = whyForeign(known);
    if (foreign !== undefined) return unjudged({ outcome: "abstained", why: foreign, notes: [] });
    other = await readOtherRun(api, place, known, waitMs);
    if (!other) return unjudged(stillRuns(place, waitMs));
  }
  const environment = inputOf(env, "environment") || undefined;
  const judged = await judgedEvidence(env, secrets, { stages: everyStage, environment }, other);
  core.info(inLog(secrets.redact(gateLine(judged.result))));
  sayParts(judged.result, secrets);
  return await answer(api, asked, judged, { secrets, known, endedJobs: other?.jobs.length });
}

function unjudged(approval: Approval): Answered {
  return { approval, isOpen: false, text: "" };
}

interface Asked {
  environment: string;
  token: string;
  by: "app" | "reviewer";
  onFailure: "reject" | "abstain";
  waitMs: number;
  owner: string;
  repo: string;
  run: number;
  /** This job's. */
  ownRun: number;
  attempt: number | undefined;
}

/** @throws UserError */
function readAsked(env: NodeJS.ProcessEnv): Asked {
  const token = inputOf(env, "approval-token");
  if (token === "")
    throw new UserError(
      "EA1104",
      "the input `approval-token` is missing: pass the token of a GitHub App or of a reviewer, because a job's own token may not approve. See docs/guides/approvals.md",
    );
  const environment = inputOf(env, "deployment-environment");
  if (environment === "")
    throw new UserError(
      "EA1104",
      "the input `deployment-environment` is missing: expected the name of the GitHub environment that the deployment waits for, such as production",
    );
  const wait = writtenOf(env, "wait");
  const waitMs = limits.wait.read(wait);
  if (waitMs === undefined) throw new UserError("EA1104", `the input \`wait\`: expected ${limits.wait.expected}, got "${wait}"`);
  const [owner, repo] = (env.GITHUB_REPOSITORY ?? "").split("/");
  const ownRun = Number(env.GITHUB_RUN_ID);
  if (!owner || !repo || !isId(ownRun))
    throw new UserError("EA1104", "approve runs in a job of GitHub Actions only: GITHUB_REPOSITORY or GITHUB_RUN_ID is not set");
  const named = inputOf(env, "run-id");
  const run = named === "" ? ownRun : Number(named);
  if (!isId(run)) throw new UserError("EA1104", `the input \`run-id\`: expected the number of a workflow run, got "${named}"`);
  const attempt = Number(env.GITHUB_RUN_ATTEMPT);
  return {
    ...{ environment, token, waitMs, owner, repo, run, ownRun },
    by: choice(env, "approve-as", choices["approve-as"]),
    onFailure: choice(env, "on-failure", choices["on-failure"]),
    attempt: isId(attempt) ? attempt : undefined,
  };
}

function isId(number: number): boolean {
  return Number.isSafeInteger(number) && number > 0;
}

function writtenOf(env: NodeJS.ProcessEnv, name: InputName): string {
  const declared: Input = inputs[name];
  return inputOf(env, name) || (declared.default ?? "");
}

/** @throws UserError */
function choice<Choice extends string>(env: NodeJS.ProcessEnv, name: InputName, names: readonly Choice[]): Choice {
  const text = writtenOf(env, name);
  const chosen = names.find((one) => one === text);
  if (chosen === undefined) throw new UserError("EA1104", `the input \`${name}\`: expected ${oneOf(names)}, got "${text}"`);
  return chosen;
}

async function answer(
  api: GitHub,
  asked: Asked,
  { result, commit, judge }: JudgedEvidence,
  { secrets, known, endedJobs }: { secrets: SecretKeeper; known: RunFacts | undefined; endedJobs: number | undefined },
): Promise<Answered> {
  const { owner, repo, run, ownRun, environment, by, onFailure, waitMs } = asked;
  const sha = commit.headSha ?? commit.sha;
  const attempt = known ? known.attempt : asked.attempt;
  let latest = result;
  const question: ApprovalQuestion = {
    ...{ attempt, commit, environment, by, onFailure, waitMs, endedJobs },
    place: { owner, repo, run_id: run },
    isOwnRun: run === ownRun,
    judge: () => {
      latest = judge();
      // Redacted first: in escaped text, a secret is harder to find.
      const comment = approvalComment(redacted(latest, secrets.redact), { commit: sha, run, attempt });
      return { isOpen: passes(latest), comment };
    },
    now: Date.now,
  };
  const approval = redacted(await answerDeployment(api, question), secrets.redact);
  if (latest.outcome !== result.outcome) core.info(inLog(secrets.redact(`after the wait: ${gateLine(latest)}`)));
  return { approval, isOpen: passes(latest), text: secrets.redact(gateMarkdown(latest, sha)) };
}

/** @returns the exit status */
function tell(approval: Approval, isOpen: boolean): number {
  const line = inLog(approvalLine(approval));
  if (isApproved(approval, isOpen)) {
    core.info(line);
    return 0;
  }
  core.error(line, { title: `approval ${approval.outcome.replaceAll("-", " ")}` });
  return 1;
}

/** Permissions of an App are not in the workflow. */
function hintFor({ code }: GitHubError, by: Asked["by"]): string {
  if (code === "EA9003")
    return by === "app"
      ? "\nThe token is `approval-token`. With an App's token, give the App this permission, and accept it where the App is installed."
      : "\nThe token is `approval-token`. With a fine-grained token, give it this permission.";
  return "";
}

/** Permissions are shown as lines of a workflow. */
function logLines(text: string): string {
  return text.split("\n").map(inLog).join("\n");
}
