import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { RollbackConfig } from "../config/schema.ts";
import { type GitHubOptions, gitHub } from "../github/api.ts";
import {
  type Claim,
  type ClaimAnswer,
  type ClaimElsewhere,
  claimRollback,
  dispatchEvent,
  dispatchWorkflow,
  mayHaveBeenDone,
  type Repository,
  recordRollback,
  repositoryOf,
} from "../github/deployments.ts";
import { errorText } from "../lib/error-text.ts";
import { type Redaction, redacted } from "../lib/redaction/redactor.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Rollback } from "../model/report.ts";
import { runCommand } from "../processes/command.ts";
import {
  claimInHistory,
  type HistoryClaim,
  type RememberedRollback,
  type RollbackMemory,
  recordAsked,
  recordOutcome,
} from "./rollback-memory.ts";
import { resultOf, type StartedRun } from "./rollback-run.ts";

/** Everything that a rollback needs. */
export interface RollbackRun extends RollbackMemory {
  config: RollbackConfig;
  /** The deployment under smoke, as the caller named it. */
  deployment: string | undefined;
  workspace: string;
  /** The command's complete environment. */
  commandEnv: Record<string, string>;
  env: Readonly<Record<string, string | undefined>>;
  githubToken: string | undefined;
  /** Whether somebody cancelled the run. Then a person decides about the rollback. */
  cancelled: boolean;
  cancel: AbortSignal;
  audit: (note: AuditEvent) => Promise<void>;
  secrets: Redaction;
  onLine: (line: string) => void;
  /** Limits for requests to GitHub; tests set shorter ones. */
  retry?: Pick<GitHubOptions, "deadlineMs" | "firstPauseMs">;
}

/**
 * Requests the rollback for a bad verdict, at most once per deployment. If it is unknown whether another run requested it, this
 * one does not, and the report says so.
 * @returns undefined if no rollback is configured for this verdict. `again`: nothing was requested, so a later run may do so
 */
export async function rollBack(run: RollbackRun): Promise<{ rollback: Rollback; again?: true } | undefined> {
  const started: Started = {};
  const judgement = await judged(run, started);
  if (!judgement) return undefined;
  const rollback = await completed(run, judgement, started);
  return { rollback, ...(started.again ? { again: true } : {}) };
}

async function completed(run: RollbackRun, rollback: Rollback, started: Started): Promise<Rollback> {
  const requested = await noted(rollback, [run.audit(inAudit(rollback, rollback.outcome))]);
  // After all records, so that no other run takes this one for one that is still asking.
  return started.run && started.waitMs !== undefined ? await awaited(run, requested, started.run, started.waitMs) : requested;
}

interface Started {
  /** The workflow run, if GitHub named it. */
  run?: StartedRun | undefined;
  waitMs?: number;
  /** Nothing was requested, so a later run may do so. */
  again?: boolean;
}

async function awaited(run: RollbackRun, rollback: Rollback, started: StartedRun, withinMs: number): Promise<Rollback> {
  const name = run.config.repository ?? run.report.origin.repository ?? "";
  const wait = { withinMs, firstPauseMs: run.retry?.firstPauseMs ?? firstLookMs, cancel: run.cancel };
  const found = await resultOf(await github(run), repositoryOf(name), started, wait);
  const result = redacted(found, run.secrets.redact);
  const { run: id, conclusion = "unknown" } = result;
  const event: AuditEvent = { action: "decision", details: { what: "rollback-run", run: id, conclusion }, counts: {} };
  return await noted({ ...rollback, result }, [run.audit(event)]);
}

const firstLookMs = 5_000;

async function judged(run: RollbackRun, started: Started): Promise<Rollback | undefined> {
  const { report, config, cancelled } = run;
  const { verdict } = report;
  if (!config.on.some((word) => word === verdict)) return undefined;
  const subject = subjectOf(run);
  const say = (outcome: Rollback["outcome"], why: string): Rollback => ({
    trigger: triggerWords(run),
    of: subject?.words ?? report.environment.name,
    outcome,
    at: new Date().toISOString(),
    why: run.secrets.redact(why),
  });
  // If the configuration points at the wrong environment, the verdict says nothing about the deployment.
  if (report.checks.some(({ id, verdict }) => id === "identity" && verdict === "failed"))
    return say(
      "not-fired",
      "the environment was not checked, because the configuration leads to another environment than expected",
    );
  if (report.follows === "nothing")
    return say("not-fired", "smoke followed nothing, so it is unknown which release the verdict is about: set `deployment`");
  if (cancelled) return say("not-fired", "the run was cancelled: decide by hand");
  if (report.origin.kind === "terminal" && !config.terminal)
    return say("not-fired", "this run is in a terminal: set rollback.terminal to allow it");
  if (!subject)
    return say("failed", "there is neither a deployment nor a commit, so it is unknown what to roll back: set `deployment`");
  if (config.dryRun) return say("dry-run", `smoke ${verdict}: ${report.reason}`);
  try {
    return await askedOnce(run, { subject, started }, say);
  } catch (error) {
    return say("failed", errorText(error));
  }
}

function inAudit({ trigger, of, why }: Rollback, outcome: Rollback["outcome"] | "asked"): AuditEvent {
  return { action: "decision", details: { what: "rollback", trigger, of, outcome, why }, counts: {} };
}

interface Subject {
  key: string;
  words: string;
  /** GitHub's id, if the value can be one. */
  deployment: number | undefined;
}

function subjectOf({ report, deployment }: RollbackRun): Subject | undefined {
  const environment = report.environment.name;
  if (deployment) {
    const id = /^[1-9]\d{0,14}$/.test(deployment) ? Number(deployment) : undefined;
    return { key: `${environment}: deployment ${deployment}`, words: `deployment ${deployment}`, deployment: id };
  }
  const sha = report.commit.headSha ?? report.commit.sha;
  if (!/^[0-9a-f]{40,64}$/.test(sha)) return undefined;
  return { key: `${environment}: commit ${sha}`, words: `${environment} at ${sha.slice(0, 12)}`, deployment: undefined };
}

function triggerWords({ config, report }: RollbackRun): string {
  const repository = config.repository ?? report.origin.repository ?? "an unknown repository";
  if (config.workflow) return `workflow_dispatch of ${config.workflow.file} at ${config.workflow.ref} in ${repository}`;
  if (config.event) return `repository_dispatch ${config.event.type} in ${repository}`;
  return `command: ${config.command}`;
}

type Say = (outcome: Rollback["outcome"], why: string) => Rollback;

async function askedOnce(
  run: RollbackRun,
  { subject, started }: { subject: Subject; started: Started },
  say: Say,
): Promise<Rollback> {
  // If this throws or finds another run's record, this run claims nothing.
  const before = await recordAsked(run, { key: subject.key, trigger: run.secrets.redact(triggerWords(run)) });
  if (before) return sayBefore(run, before, say);
  const claim = claimOf(run, subject);
  let claimed: ClaimAnswer | undefined;
  let remembered: HistoryClaim | undefined;
  try {
    if (claim) claimed = await claimRollback(await github(run), claim.repository, claim);
    else remembered = await claimInHistory(run, subject.key, triggerWords(run));
  } catch (error) {
    // Nothing was requested, so another run with the right permissions may try.
    started.again = true;
    await recordOutcome(run, subject.key, undefined);
    throw error;
  }
  const other = [claimed, remembered].find((one) => one && !one.mine);
  if (other && !other.mine) return await noted(sayElsewhere(run, other, say), recordElsewhere(run, subject, other));
  // Logged before the request, so that the log has it even if we are killed now.
  const unlogged = await problemOf(run.audit(inAudit(say("unknown", `smoke ${run.report.verdict}`), "asked")));
  // Any failure from here on may come after the request.
  const answer = await fired(run, { subject, started }, say).catch((error: unknown) => say("unknown", errorText(error)));
  // A refusal does not count as an attempt, unless GitHub has a record of it already.
  const outcome = answer.outcome === "fired" || answer.outcome === "unknown" ? answer.outcome : "failed";
  const again = outcome === "failed" && !claim && !run.config.command;
  started.again = again;
  return await noted(again ? answer : withReach(answer, remembered), [
    ...(unlogged ? [Promise.reject(new Error(unlogged))] : []),
    recordOutcome(run, subject.key, again ? undefined : outcome),
    ...(claim ? [github(run).then((api) => recordRollback(api, claim.repository, claim, outcome))] : []),
  ]);
}

/** Says that no other runner knows of it. */
function withReach(rollback: Rollback, remembered: HistoryClaim | undefined): Rollback {
  if (!remembered?.mine || !remembered.onlyHere) return rollback;
  return { ...rollback, why: `${rollback.why}; only this workspace remembers it, because ${remembered.onlyHere}` };
}

/** A run sends its request within this time, or was stopped. */
const longestAskingMs = 180_000;

/**
 * Whether a run that started then may still be sending its request. A time in the future, from a wrong clock, does not count as
 * recent.
 */
function mayStillAsk({ config }: RollbackRun, at: string): boolean {
  return Math.abs(Date.now() - Date.parse(at)) < Math.max(longestAskingMs, config.timeout);
}

/** Reports the record in this workspace. Only `fired` means that the work is done; the others need a person. */
function sayBefore(here: RollbackRun, { run, at, outcome }: RememberedRollback, say: Say): Rollback {
  const who = `run ${run} triggered it at ${at}`;
  if (outcome === "fired" || outcome === "elsewhere") return say("already-fired", who);
  return sayUnfired(outcome === "asked" ? undefined : outcome, { who, asking: mayStillAsk(here, at) }, say);
}

/** Reports the record of the deployment or of the history. */
function sayElsewhere(here: RollbackRun, { by, at, outcome }: ClaimElsewhere, say: Say): Rollback {
  const who = `another run triggered it at ${at} (${by})`;
  return outcome === "fired" ? say("already-fired", who) : sayUnfired(outcome, { who, asking: mayStillAsk(here, at) }, say);
}

/**
 * Reports a rollback that is not known to have been triggered.
 * @param outcome undefined: its run has not recorded the outcome
 */
function sayUnfired(
  outcome: "failed" | "unknown" | undefined,
  { who, asking }: { who: string; asking: boolean },
  say: Say,
): Rollback {
  if (outcome === "failed") return say("failed", `${who}, and it failed. A rollback is triggered only once: do it by hand`);
  return outcome === undefined && asking
    ? say("already-fired", `${who}, and it is still running`)
    : say("unknown", `${who}, and its result is unknown: check it by hand`);
}

/**
 * Records the outcome of another run's rollback for the next run here. While that run is not finished, the record is not changed.
 */
function recordElsewhere(run: RollbackRun, subject: Subject, { outcome }: ClaimElsewhere): Promise<void>[] {
  return outcome ? [recordOutcome(run, subject.key, outcome === "fired" ? "elsewhere" : outcome)] : [];
}

/** Adds what could not be recorded. The rollback itself is unaffected. */
async function noted(rollback: Rollback, records: readonly Promise<unknown>[]): Promise<Rollback> {
  const problems = (await Promise.all(records.map(problemOf))).filter((problem) => problem !== undefined);
  return problems.length === 0 ? rollback : { ...rollback, why: `${rollback.why}; but ${[...new Set(problems)].join("; ")}` };
}

async function problemOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

function claimOf(run: RollbackRun, { deployment }: Subject): (Claim & { repository: Repository }) | undefined {
  const { report, githubToken, config } = run;
  const token = config.token?.reveal() ?? githubToken;
  if (deployment === undefined || !token || !report.origin.repository) return undefined;
  return {
    repository: repositoryOf(report.origin.repository),
    deployment,
    mark: `${report.runId}/${randomBytes(4).toString("hex")}`,
    state: report.verdict === "failed" ? "failure" : "error",
  };
}

function github({ config, githubToken, env, cancel, retry }: RollbackRun) {
  return gitHub(config.token?.reveal() ?? githubToken, env, { cancel, ...retry });
}

async function fired(
  run: RollbackRun,
  { subject, started }: { subject: Subject; started: Started },
  say: Say,
): Promise<Rollback> {
  const { config, report } = run;
  const why = `smoke ${report.verdict}: ${report.reason}`;
  if (config.command) return await ranCommand(run, config.command, say, why);
  const name = config.repository ?? report.origin.repository;
  if (!name) return say("failed", "there is no repository: set rollback.repository");
  const repository = repositoryOf(name);
  // This sends nothing. Without a token or a valid address, nothing was requested.
  const api = await github(run).catch((error: unknown) => errorText(error));
  if (typeof api === "string") return say("failed", api);
  try {
    const facts = factsOf(run, subject);
    if (config.workflow) {
      const inputs = Object.entries(config.workflow.inputs).map(([name, text]) => [name, filled(text, facts)]);
      const { wait } = config.workflow;
      const dispatch = { ...config.workflow, inputs: Object.fromEntries(inputs), namesRun: wait !== undefined };
      const named = await dispatchWorkflow(api, repository, dispatch);
      if (wait !== undefined && !named)
        return say("fired", `${why}; GitHub did not say which workflow run it started, so its result is unknown`);
      if (wait !== undefined) Object.assign(started, { run: named, waitMs: wait });
    } else await dispatchEvent(api, repository, { type: config.event?.type ?? "", payload: facts });
    return say("fired", why);
  } catch (error) {
    return say(mayHaveBeenDone(error) ? "unknown" : "failed", errorText(error));
  }
}

/** Contains no text from others, because a workflow may put it into a command. */
function factsOf({ report }: RollbackRun, { deployment }: Subject): Record<string, string> {
  return {
    deployment: deployment === undefined ? "" : String(deployment),
    commit: report.commit.headSha ?? report.commit.sha,
    environment: report.environment.name,
    run: report.runId,
    verdict: report.verdict,
  };
}

function filled(text: string, facts: Readonly<Record<string, string>>): string {
  return text.replace(/\{(deployment|commit|environment|run|verdict)\}/g, (_, name: string) => facts[name] ?? "");
}

async function ranCommand(run: RollbackRun, command: string, say: Say, why: string): Promise<Rollback> {
  const { report, config, workspace, records, commandEnv, deployment } = run;
  const ran = await runCommand(
    {
      command,
      cwd: workspace,
      env: {
        ...commandEnv,
        ENV_ACTIONS_DEPLOYMENT: deployment ?? "",
        ENV_ACTIONS_COMMIT: report.commit.headSha ?? report.commit.sha,
        ENV_ACTIONS_VERDICT: report.verdict,
      },
      logFile: join(records, "logs", run.report.runId, "rollback.log"),
    },
    { signal: AbortSignal.any([run.cancel, AbortSignal.timeout(config.timeout)]), onLine: run.onLine, redaction: run.secrets },
  );
  if (ran.exitCode === 0) return say("fired", why);
  if (ran.exitCode === null)
    return say("unknown", ran.timedOut ? "the command took too long" : `the command was ended by ${ran.signal}`);
  return say("failed", `the command ended with ${ran.exitCode}: ${ran.tail?.at(-1) ?? "it printed nothing"}`);
}
