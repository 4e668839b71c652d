import type { Finding } from "../checks/run-check.ts";
import { executeCleanup, prove } from "../cleanup/execute/execute.ts";
import { judgeCleanup, judgeLeftovers, rowsAndKeys } from "../cleanup/execute/verdict.ts";
import { parseLedger } from "../cleanup/ledger/ledger.ts";
import { describePlan } from "../cleanup/plan/describe-plan.ts";
import { type CleanupPlan, type CleanupRequest, planCleanup } from "../cleanup/plan/plan-cleanup.ts";
import { touchedNotes } from "../cleanup/touched/touched-rows.ts";
import type { Check, StageName } from "../model/report.ts";
import type { CleanupResult } from "../model/test-data.ts";
import { type Readers, withWriters } from "./connections.ts";
import { cleanupReporting, type StageContext, step } from "./context.ts";

/** Finds test data of earlier runs by reading only; if configured, sweeps it right away. */
export async function checkLeftovers(context: StageContext, readers: Readers): Promise<{ check: Check; found?: CleanupResult }> {
  let found: CleanupResult | undefined;
  const check = await context.check("test-data.left-by-earlier-runs", "Nothing left by earlier runs", async () => {
    const [warehouse, redis] = await Promise.all([readers.warehouse?.(), readers.redis?.()]);
    const request: CleanupRequest = {
      scope: "expired",
      runId: context.runId,
      runStarted: context.runStarted,
      testData: context.config.testData,
      tables: context.tables,
      ledger: parseLedger(""),
      now: Date.now(),
    };
    const ports = { signal: context.signal, onStep: (text: string) => step(context, text) };
    const plan = await planCleanup({ ...(warehouse ? { warehouse } : {}), ...(redis ? { redis } : {}), ...ports }, request);
    found = describePlan(plan, true);
    const sweeps = context.config.stages.preflight.sweep && context.environment.access === "test-data";
    const place = { stage: context.stage, hasWarehouse: context.environment.databricks !== undefined };
    if (!sweeps || !found.leftOver) {
      for (const note of touchedNotes(plan.rows?.touched ?? [])) await context.audit(note);
      return judgeLeftovers(found, place);
    }
    found = await sweep(context, plan);
    return judgeSweep(found, context.stage);
  });
  return { check, ...(found ? { found } : {}) };
}

/** Opens its own writers, because preflight's connections cannot write. */
async function sweep(context: StageContext, plan: CleanupPlan): Promise<CleanupResult> {
  step(context, "sweeping what earlier runs left");
  return await withWriters(context, context.signal, async (writers) => {
    const ports = { ...writers, environment: context.environment, signal: context.signal, ...cleanupReporting(context) };
    return await executeCleanup(await prove(ports), plan);
  });
}

function judgeSweep(result: CleanupResult, stage: StageName): Finding {
  const { verdict, observed, message } = judgeCleanup(result, 0, { stage });
  const swept = `${rowsAndKeys(result.deletedRows, result.deletedKeys)} of earlier runs swept, ${result.leftOver ?? "unknown"} left`;
  return {
    verdict,
    observed: verdict === "passed" ? swept : (observed ?? swept),
    expected: "0 expired rows and keys",
    ...(message === undefined ? {} : { message }),
  };
}
