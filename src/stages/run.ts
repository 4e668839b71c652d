import { relative } from "node:path";
import { checkRunner } from "../checks/run-check.ts";
import { leftOutStages } from "../config/left-out.ts";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { makeOwnDirectory } from "../lib/plain-file.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import {
  type Check,
  type Commit,
  isGateStage,
  type Origin,
  type StageName,
  type StageReport,
  worstVerdict,
} from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { logFolder } from "./child-environment.ts";
import { type CutShort, emptyOutcome, reportCheck, type StageContext, type StageOutcome, type Unproven } from "./context.ts";
import { scoreChecks, summarise, withDryRunMarks } from "./score.ts";

/** What a stage does, in its own file. It adds what it finds to the outcome; if it throws, what it found until then counts. */
type StageHandler = (context: StageContext, outcome: StageOutcome) => Promise<void>;

const loadTests = async () => (await import("./tests.ts")).runTests;

/** A stage loads only its own code. */
const stageHandlers: Record<StageName, () => Promise<StageHandler>> = {
  preflight: async () => (await import("./preflight.ts")).preflight,
  integration: loadTests,
  e2e: loadTests,
  smoke: async () => (await import("./smoke.ts")).smoke,
  cleanup: async () => (await import("./cleanup.ts")).cleanup,
  drift: async () => (await import("./drift.ts")).drift,
  sync: async () => (await import("./sync.ts")).sync,
  refresh: async () => (await import("./refresh.ts")).refresh,
  seed: async () => (await import("./seed.ts")).seed,
  sweep: async () => (await import("./sweep.ts")).sweep,
};

export interface StageRun {
  context: Omit<StageContext, "signal" | "audit" | "notAudited" | "check">;
  /** Resolves when the line is on disk, and rejects if it could not be written. */
  audit: (note: AuditEvent) => Promise<void>;
  /** Cancels the run. */
  cancel: AbortSignal;
  budgetMs: number;
  commit: Commit;
  origin: Origin;
  /** Why the order of the gate's stages doesn't allow it to start. */
  refusal: string | undefined;
  /** Set if smoke follows nothing. */
  unproven?: Unproven | undefined;
  /** Set instead of running the stage, if it was killed: what is known about that. */
  cutShort?: CutShort | undefined;
}

/**
 * Runs one stage within its budget and creates the report, with the verdict of all checks together. Everything except user errors
 * becomes part of the report: a stage that may not start, that breaks off, or whose audit log has a gap does not pass.
 * @throws UserError
 */
export async function runStage(run: StageRun): Promise<StageReport> {
  const started = run.cutShort ? Date.parse(run.cutShort.startedAt) : Date.now();
  const budget = AbortSignal.timeout(run.budgetMs);
  const notAudited = new Set<string>();
  let audited: Promise<unknown> = Promise.resolve();
  const signal = AbortSignal.any([run.cancel, budget]);
  const context: StageContext = {
    ...run.context,
    signal,
    check: checkRunner({ rules: retryRules(run.context), signal }),
    // A cleanup that has begun continues even if its line cannot be written, because half a cleanup would be worse. But a report with
    // a gap in its log cannot pass.
    audit(note) {
      const written = run.audit(note).catch((error: unknown) => void notAudited.add(errorText(error)));
      audited = Promise.all([audited, written]);
      return written;
    },
    notAudited: () => [...notAudited][0],
  };
  await makeOwnDirectory(logFolder(context));
  context.onProgress({
    kind: "stage-started",
    stage: context.stage,
    environment: context.environment.name,
    budgetMs: run.budgetMs,
  });
  const outcome = run.refusal === undefined ? await outcomeOf(context, run.cutShort) : refused(context, run.refusal);
  if (run.unproven) outcome.checks.unshift(await reportCheck(context, Promise.resolve(notFollowed(run.unproven))));
  await audited;
  outcome.problems.push(...notAudited);
  if (budget.aborted)
    outcome.problems.push(
      `the budget of ${Math.round(run.budgetMs / 1000)} s was used up; everything that was still running was stopped`,
    );
  if (run.cancel.aborted) outcome.problems.push("the run was cancelled");
  const report = reportOf(run, outcome, started);
  context.onProgress({ kind: "stage-finished", stage: context.stage, report });
  return report;
}

function refused(context: StageContext, why: string): StageOutcome {
  const check: Check = {
    id: "sequence",
    title: "Previous stages",
    verdict: "error",
    message: `Refused to start: ${why}`,
    durationMs: 0,
  };
  context.onProgress({ kind: "check-finished", stage: context.stage, check });
  return { ...emptyOutcome(), checks: [check] };
}

/** Says what this smoke did not prove. After a deployment somebody may expect that it did. */
function notFollowed({ found, event }: Unproven): Check {
  const check = { id: "sequence", title: "Previous stages", durationMs: 0 };
  const why = "Not proven: that what is deployed is what was tested, because smoke follows nothing (stages.smoke.follows).";
  if (event !== undefined)
    return {
      ...check,
      verdict: "degraded",
      observed: `started by ${event}, which it does not follow`,
      message: `${why} A deployment started this run, and whether it succeeded was not asked: set deployment to \${{ github.event.deployment.id }}.`,
    };
  return {
    ...check,
    verdict: "skipped",
    message: found === undefined ? why : `${why} Evidence was found, and does not count: ${found}`,
  };
}

/** Only preflight and smoke have checks that can be repeated. */
function retryRules({ stage, config }: Pick<StageContext, "stage" | "config">) {
  return stage === "preflight" || stage === "smoke" ? config.stages[stage].retries : [];
}

/** A stage that breaks off keeps what it has found so far. */
async function outcomeOf(context: StageContext, cutShort: CutShort | undefined): Promise<StageOutcome> {
  const outcome = emptyOutcome();
  try {
    // Before any connection is opened, and before servers and tests get the credentials.
    await compareTargets(context);
    if (cutShort) await (await import("./cut-short.ts")).afterCutShort(context, outcome, cutShort);
    else await (await stageHandlers[context.stage]())(context, outcome);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const check: Check = (await isWrongTarget(error))
      ? { id: "identity", title: "The expected environment", verdict: "failed", message: errorText(error), durationMs: 0 }
      : {
          id: context.stage,
          title: `The ${context.stage} stage`,
          verdict: "error",
          message: errorText(error),
          durationMs: 0,
        };
    outcome.checks.push(check);
    context.onProgress({ kind: "check-finished", stage: context.stage, check });
  }
  return outcome;
}

/** @throws WrongTarget */
async function compareTargets({ environment }: StageContext): Promise<void> {
  if (!environment.databricks && !environment.redis) return;
  const { compareConfigured } = await import("../cleanup/execute/proof.ts");
  compareConfigured(environment);
}

async function isWrongTarget(error: unknown): Promise<boolean> {
  const { WrongTarget } = await import("../cleanup/execute/proof.ts");
  return error instanceof WrongTarget;
}

function reportOf(run: StageRun, outcome: StageOutcome, started: number): StageReport {
  const { context } = run;
  // A problem means that something could not be done, so passing would claim too much.
  const settings = isGateStage(context.stage) && !run.cutShort ? context.config.stages[context.stage].score : undefined;
  const scoring = settings && scoreChecks(outcome.checks, settings);
  const verdict = worstVerdict([
    ...(scoring ? [scoring.verdict] : outcome.checks.map((check) => check.verdict)),
    ...outcome.problems.map(() => "error" as const),
  ]);
  const finished = Date.now();
  const leftOut = leftOutStages(context.config);
  return {
    schemaVersion: 1,
    stage: context.stage,
    verdict,
    reason: scoring?.verdict === verdict ? scoring.reason : reasonFor(outcome, run.cutShort ? "error" : verdict),
    environment: { name: context.environment.name, access: context.environment.access },
    runId: context.runId,
    ...(context.gateId ? { gateId: context.gateId } : {}),
    commit: run.commit,
    origin: run.origin,
    startedAt: new Date(started).toISOString(),
    finishedAt: new Date(finished).toISOString(),
    durationMs: finished - started,
    budgetMs: run.budgetMs,
    checks: scoring ? withDryRunMarks(outcome.checks, scoring.score) : outcome.checks,
    servers: outcome.servers.map((server) => withRelativeLog(server, context.workspace)),
    commands: outcome.commands.map((command) => withRelativeLog(command, context.workspace)),
    ...(leftOut.length > 0 ? { leftOut } : {}),
    ...(run.unproven ? { follows: "nothing" as const } : {}),
    problems: outcome.problems,
    ...(scoring ? { score: scoring.score } : {}),
    ...(outcome.tests ? { tests: outcome.tests } : {}),
    ...(outcome.attachments ? { attachments: outcome.attachments } : {}),
    ...(outcome.cleanup ? { cleanup: outcome.cleanup } : {}),
    ...(outcome.books ? { books: outcome.books } : {}),
    ...(outcome.staging ? { staging: outcome.staging } : {}),
    ...(outcome.isolation ? { isolation: outcome.isolation } : {}),
  };
}

function withRelativeLog<Logged extends { log?: string }>(logged: Logged, workspace: string): Logged {
  return logged.log === undefined ? logged : { ...logged, log: relative(workspace, logged.log) };
}

/** One sentence: the first check that decided the verdict, and how many more there are. */
function reasonFor(outcome: StageOutcome, verdict: StageReport["verdict"]): string {
  if (verdict === "passed")
    return `${count(outcome.checks.filter((check) => check.verdict === "passed").length, "check")} passed`;
  const decisive = outcome.checks.filter((check) => check.verdict === verdict);
  if (decisive.length > 0) return summarise(decisive);
  const skipped = outcome.checks.filter((check) => check.verdict === "skipped");
  return outcome.problems[0] ?? [summarise([]), ...(skipped.length > 0 ? [summarise(skipped)] : [])].join(". ");
}
