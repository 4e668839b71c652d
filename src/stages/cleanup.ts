import type { Finding } from "../checks/run-check.ts";
import { combineResults, digestOfPlans } from "../cleanup/execute/combine.ts";
import { executeCleanup, planAtProvenTarget, planNote } from "../cleanup/execute/execute.ts";
import { judgeCleanup } from "../cleanup/execute/verdict.ts";
import { describePlan } from "../cleanup/plan/describe-plan.ts";
import { type CleanupPorts, type CleanupRequest, leftOver, planCleanup } from "../cleanup/plan/plan-cleanup.ts";
import { touchedNotes } from "../cleanup/touched/touched-rows.ts";
import { readOnlyError } from "../config/mistakes.ts";
import { inParallel } from "../lib/in-parallel.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import { type Check, isPlanDigest } from "../model/report.ts";
import type { CleanupResult } from "../model/test-data.ts";
import { UserError } from "../model/user-error.ts";
import { cleanUpBranches } from "./branch-sweep.ts";
import { cleanupRequest } from "./cleanup-request.ts";
import { failedIfWrongTarget, withComparedReaders, withWriters } from "./connections.ts";
import { cleanupReporting, reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";
import { forgetSignIns } from "./sign-ins.ts";

/**
 * Shows the test data; with `execute`, deletes exactly that and verifies that it is gone. What was found, deleted and left is the
 * outcome's `cleanup`, and one check judges it. The branches that runs left are then shown or dropped, too.
 * @throws UserError
 */
export async function cleanup(context: StageContext, outcome: StageOutcome): Promise<void> {
  const { execute = false } = context.overrides;
  if (execute) refuseBeforeConnecting(context);
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  const requests = await requestsOf(context);
  const work = () => (execute ? deleteAll(context, requests, outcome) : showAll(context, requests, outcome));
  const refusal = await context.check("test-data.cleanup", "Test data", () => failedIfWrongTarget(work));
  const check: Check =
    refusal.verdict === "passed" && outcome.cleanup
      ? judgeCleanup(outcome.cleanup, elapsed(), {
          stage: context.stage,
          hasWarehouse: context.environment.databricks !== undefined,
        })
      : refusal;
  outcome.checks.push(await reportCheck(context, Promise.resolve(check)));
  await cleanUpBranches(
    context,
    outcome,
    requests.map(({ runId }) => runId),
  );
}

/** Refuses what is recognisably wrong before any connection is opened. */
function refuseBeforeConnecting({ environment, configPlace, overrides: { scope, planDigest } }: StageContext): void {
  if (environment.access !== "test-data")
    throw readOnlyError(
      environment.name,
      configPlace,
      "the environment is read-only, so nothing is deleted there: leave --execute out (in a workflow: dry-run: true), or name an environment with access: test-data",
    );
  if (scope === "all" && planDigest === undefined)
    throw new UserError(
      "EA1105",
      "scope `all` is deleted only with the digest of the plan that was shown: plan first, look at it, and give the digest",
    );
  if (planDigest !== undefined && !isPlanDigest(planDigest))
    throw new UserError("EA1104", `the plan's digest is "${planDigest}", but must be the 64 hexadecimal digits that were shown`);
}

/** In scope `run`, one request per run: rows that its ledger names, or that depend on its rows, must be newer than that run. */
async function requestsOf(context: StageContext): Promise<CleanupRequest[]> {
  const { scope = "expired" } = context.overrides;
  const { runId, cleans } = context;
  const runs = scope === "run" && cleans ? cleans.runs : [{ runId, tracked: false }];
  return await Promise.all(
    runs.map((run) =>
      cleanupRequest({ ...context, runId: run.runId, runStarted: Number(run.runId.split("_")[0]) }, scope, {
        tracked: run.tracked,
      }),
    ),
  );
}

/** Runs to search for at the same time; each search asks every table. */
const runsAtOnce = 4;

/** Plans with connections that can only read. */
async function showAll(context: StageContext, requests: CleanupRequest[], outcome: StageOutcome): Promise<Finding> {
  const onStep = (text: string) => step(context, text);
  const results = await withComparedReaders(context, async (readers) => {
    const ports: CleanupPorts = { ...readers, signal: context.signal, onStep };
    const plans = await inParallel(runsAtOnce, requests, (request) => planCleanup(ports, { ...request, showsReading: true }));
    for (const plan of plans) {
      const note = noteOf(context, plan.request);
      await context.audit(note(planNote(plan, false)));
      for (const touched of touchedNotes(plan.rows?.touched ?? [])) await context.audit(note(touched));
    }
    return plans.map((plan) => describePlan(plan, true));
  });
  outcome.cleanup = resultOf(context, requests, results);
  return { verdict: "passed" };
}

/** Plans, and executes these very plans. If the caller gave a digest and the plan has another, nothing is deleted. */
async function deleteAll(context: StageContext, requests: CleanupRequest[], outcome: StageOutcome): Promise<Finding> {
  const { planDigest } = context.overrides;
  return await withWriters(context, context.signal, async (writers) => {
    const portsOf = (request: CleanupRequest) => {
      const { audit, ...ways } = cleanupReporting(context);
      const note = noteOf(context, request);
      const told = { ...ways, audit: (line: AuditEvent) => audit(note(line)) };
      return { ...writers, environment: context.environment, signal: context.signal, ...told };
    };
    const planned = await inParallel(runsAtOnce, requests, (request) => planAtProvenTarget(portsOf(request), request));
    const digest = digestOfPlans(planned.map(({ plan }) => plan.digest));
    if (planDigest && digest !== planDigest) {
      for (const { plan } of planned) await context.audit(noteOf(context, plan.request)(planNote(plan, false)));
      outcome.cleanup = resultOf(
        context,
        requests,
        planned.map(({ plan }) => describePlan(plan, true)),
      );
      return {
        verdict: "failed",
        observed: digest,
        expected: planDigest,
        message: "The plan has changed since it was shown. Nothing was deleted; review the new plan.",
      };
    }
    const results: CleanupResult[] = [];
    // One after another: rows that depend on the data of two runs must not be deleted by both at the same time.
    for (const { proven, plan } of planned) {
      const foundMeanwhileDeleted = results.some(({ deletedRows, deletedKeys }) => deletedRows + deletedKeys > 0);
      const current =
        foundMeanwhileDeleted && leftOver(plan) !== 0 ? await planCleanup(portsOf(plan.request), plan.request) : plan;
      const result = await executeCleanup(proven, current);
      results.push(result);
      const { scope, runId } = plan.request;
      if (scope === "run" && result.leftOver === 0) await forgetSignIns({ ...context, runId });
    }
    outcome.cleanup = resultOf(context, requests, results);
    return { verdict: "passed" };
  });
}

/** The audit line belongs to the run whose test data it is about. */
function noteOf(context: StageContext, { runId }: CleanupRequest): (note: AuditEvent) => AuditEvent {
  return (note) => (runId === context.runId ? note : { ...note, run: runId });
}

function resultOf(context: StageContext, requests: readonly CleanupRequest[], results: readonly CleanupResult[]): CleanupResult {
  const one = combineResults(results);
  if (one.scope !== "run") return one;
  const problems = [...one.problems, ...(context.cleans?.leftAlone ?? [])];
  return { ...one, runs: requests.map(({ runId }) => runId).sort(), problems };
}
