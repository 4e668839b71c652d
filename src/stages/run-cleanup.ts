import { Reading } from "../cleanup/books/reading.ts";
import type { Start } from "../cleanup/books/start.ts";
import { executeCleanup, planAtProvenTarget } from "../cleanup/execute/execute.ts";
import { judgeCleanup } from "../cleanup/execute/verdict.ts";
import type { CleanupRequest } from "../cleanup/plan/plan-cleanup.ts";
import { errorText } from "../lib/error-text.ts";
import type { Check } from "../model/report.ts";
import type { Books, CleanupResult } from "../model/test-data.ts";
import { balanceRun, judgeRunsBooks, rememberedStart } from "./books.ts";
import { runPrefixes } from "./child-environment.ts";
import { withWriters } from "./connections.ts";
import { type StageContext, step, telling } from "./context.ts";
import { ledgerOf } from "./ledger.ts";
import { forgetSignIns, readSignIns } from "./sign-ins.ts";

export interface CleanedUp {
  checks: Check[];
  result?: CleanupResult;
  books?: Books;
}

export interface EndedRun {
  /** What stood there before the tests; without it nothing is added up. */
  start: Start | undefined;
  testsRan: boolean;
}

/**
 * Deletes what this run made, proves it gone, and adds up what the run wrote. It has a time of its own: a stage that used up its
 * budget, or was cancelled, still cleans up.
 */
export async function cleanUpRun(context: StageContext, { start, testsRan }: EndedRun): Promise<CleanedUp> {
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  const signal = AbortSignal.timeout(context.config.stages.cleanup.budget);
  step(context, "deleting this run's test data");
  const done: CleanedUp = { checks: [] };
  let finished = false;
  try {
    const request = await cleanupRequest(context, "run", { tracked: true, start });
    await withWriters(context, signal, async (writers) => {
      let reading: Reading | undefined;
      const onDeleted = () => reading?.deleted();
      const ports = { ...writers, environment: context.environment, signal, ...telling(context), onDeleted };
      // The plan asks first: whatever else is asked must not keep it waiting.
      const planning = planAtProvenTarget(ports, request);
      if (writers.warehouse && start) reading = new Reading(writers.warehouse, start);
      try {
        const { proven, plan } = await planning;
        if (plan.rows) reading?.planned(plan.rows.batches.flat(), plan.rows.catalog);
        const result = await executeCleanup(proven, plan);
        done.result = result;
        const place = { stage: context.stage, hasWarehouse: context.environment.databricks !== undefined };
        done.checks.push(judgeCleanup(result, elapsed(), place));
        if (start) {
          const counting = performance.now();
          const known = await reading?.known();
          const books = await balanceRun(context, writers, { start, plan, cleanup: result, known });
          const durationMs = Math.round(performance.now() - counting);
          if (books) {
            done.books = books;
            done.checks.push(judgeRunsBooks(context, books, { testsRan, cleanup: result, durationMs }));
          }
        }
        if (result.leftOver === 0) await forgetSignIns(context);
        finished = true;
      } finally {
        // The connections must not be closed under it.
        await reading?.known();
      }
    });
    return done;
  } catch (error) {
    // All is done and known: only a connection could not be closed.
    if (finished) return done;
    if (done.result) return { ...done, checks: [...done.checks, brokenOff(error)] };
    const message = `This run's test data could not be deleted: ${errorText(error)} The next preflight reports it, and \`env-actions cleanup --scope expired --execute\` deletes it.`;
    const check: Check = {
      id: "test-data.cleanup",
      title: "Test data deleted and gone",
      verdict: "error",
      observed: "unknown",
      expected: "0 left",
      message,
      durationMs: elapsed(),
    };
    return { checks: [check] };
  }
}

/** Without it a stage would pass whose books nobody has made. */
function brokenOff(error: unknown): Check {
  return {
    id: "test-data.finished",
    title: "The cleanup came to its end",
    verdict: "error",
    message: `Test data was deleted, but what follows the deletion failed: ${errorText(error)}`,
    durationMs: 0,
  };
}

/**
 * @param known `tracked`: whether the run's tests had a ledger here, which then must still be there; `start`: what this stage saw before
 * its tests. In another process what it wrote down has to do; where both are there, the tests can't have changed the first.
 */
export async function cleanupRequest(
  context: StageContext,
  scope: CleanupRequest["scope"],
  { tracked, start }: { tracked: boolean; start?: Start | undefined },
): Promise<CleanupRequest> {
  const known = start ?? (scope === "run" ? await rememberedStart(context) : undefined);
  return {
    scope,
    runId: context.runId,
    runStarted: context.runStarted,
    testData: { ...context.config.testData, prefixes: runPrefixes(context.config) },
    tables: context.tables,
    ledger: await ledgerOf(context, tracked),
    stagePrefixes: [context.config.stages.integration.prefix, context.config.stages.e2e.prefix],
    ...(scope === "run" ? { signIns: await readSignIns(context) } : {}),
    ...(known ? { start: known } : {}),
    now: Date.now(),
  };
}
