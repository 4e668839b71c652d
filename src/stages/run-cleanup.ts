import { sentence } from "../checks/check.ts";
import type { Check, CleanupResult } from "../model.ts";
import type { CleanupRequest } from "../testdata/cleanup.ts";
import { executeCleanup, planInPlace } from "../testdata/execute.ts";
import { judgeCleanup } from "../testdata/judge.ts";
import { readLedger } from "../testdata/ledger.ts";
import { ledgerFile, runPrefixes } from "./child-environment.ts";
import { withWriters } from "./connections.ts";
import { type StageContext, step, telling } from "./context.ts";
import { forgetSignIns, readSignIns } from "./sign-ins.ts";

/**
 * Deletes what this run made, and proves it gone. It has a time of its own: a stage that used up its budget, or was cancelled,
 * still cleans up.
 */
export async function cleanUpRun(context: StageContext): Promise<{ check: Check; result?: CleanupResult }> {
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  const signal = AbortSignal.timeout(context.config.stages.cleanup.budget);
  step(context, "deleting this run's test data");
  try {
    const request = await cleanupRequest(context, "run");
    const result = await withWriters(context, signal, async (writers) => {
      const ports = { ...writers, environment: context.environment, signal, ...telling(context) };
      const { proven, plan } = await planInPlace(ports, request);
      return await executeCleanup(proven, plan);
    });
    if (result.leftOver === 0) await forgetSignIns(context);
    return { check: judgeCleanup(result, elapsed()), result };
  } catch (error) {
    const message = `This run's test data could not be deleted: ${sentence(error)} The next preflight reports it, and \`env-actions cleanup --scope expired --execute\` deletes it.`;
    return {
      check: {
        id: "test-data.cleanup",
        title: "Test data deleted and gone",
        verdict: "error",
        observed: "unknown",
        expected: "0 left",
        message,
        durationMs: elapsed(),
      },
    };
  }
}

export async function cleanupRequest(context: StageContext, scope: CleanupRequest["scope"]): Promise<CleanupRequest> {
  return {
    scope,
    runId: context.runId,
    runStarted: context.runStarted,
    testData: { ...context.config.testData, prefixes: runPrefixes(context.config) },
    tables: context.tables,
    ledger: await readLedger(ledgerFile(context)),
    stagePrefixes: [context.config.stages.integration.prefix, context.config.stages.e2e.prefix],
    ...(scope === "run" ? { signIns: await readSignIns(context) } : {}),
    now: Date.now(),
  };
}
