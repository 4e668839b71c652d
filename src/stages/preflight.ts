import type { Finding } from "../checks/run-check.ts";
import { executeCleanup, prove } from "../cleanup/execute/execute.ts";
import { judgeCleanup, judgeLeftovers, rowsAndKeys } from "../cleanup/execute/verdict.ts";
import { parseLedger } from "../cleanup/ledger/ledger.ts";
import { type CleanupPlan, type CleanupRequest, describePlan, planCleanup } from "../cleanup/plan/plan-cleanup.ts";
import { touchedNotes } from "../cleanup/touched/touched-rows.ts";
import type { Check, StageName } from "../model/report.ts";
import type { CleanupResult } from "../model/test-data.ts";
import { type Readers, withReaders, withWriters } from "./connections.ts";
import { cleanupReporting, type StageContext, type StageOutcome, step } from "./context.ts";
import { loadKinds, runChecks } from "./run-checks.ts";
import { compareWithEarlierRuns } from "./score.ts";
import { withApplication } from "./servers.ts";
import { deleteSignIns } from "./sign-ins.ts";

/** Proves that the environment is really there before anything is tested in it. */
export async function preflight(context: StageContext, outcome: StageOutcome): Promise<void> {
  const loading = loadKinds(context, "preflight");
  // If the servers don't start, nobody awaits this.
  loading.catch(() => undefined);
  try {
    await withApplication(context, outcome, async () => {
      const kinds = await loading;
      const found = await withReaders(context, (readers) =>
        runChecks(context, "preflight", readers, kinds, () => checkEarlierRuns(context, readers, outcome)),
      );
      outcome.checks.push(...found.checks, ...(await compareWithEarlierRuns(context, found)));
    });
  } finally {
    // After the application, which may write once more when its sockets close; also after a cancellation.
    outcome.checks.push(...(await deleteSignIns(context)));
  }
}

/** Test data of earlier runs, if there can be any. */
function checkEarlierRuns(context: StageContext, readers: Readers, outcome: StageOutcome) {
  if (!readers.warehouse && !readers.redis) return [];
  const check = async () => {
    const { check, found } = await checkLeftovers(context, readers);
    if (found) outcome.cleanup = found;
    return check;
  };
  return [check()];
}

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
