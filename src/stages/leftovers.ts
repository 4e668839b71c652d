import { look } from "../checks/check.ts";
import type { Check, CleanupResult } from "../model.ts";
import { describePlan, planCleanup } from "../testdata/cleanup.ts";
import { judgeLeftovers } from "../testdata/judge.ts";
import { parseLedger } from "../testdata/ledger.ts";
import type { Readers } from "./connections.ts";
import { type StageContext, step } from "./context.ts";

/** What earlier runs left behind, found by reading alone. */
export async function checkLeftovers(context: StageContext, readers: Readers): Promise<{ check: Check; found?: CleanupResult }> {
  let found: CleanupResult | undefined;
  const check = await look("test-data.left-by-earlier-runs", "Nothing left by earlier runs", async () => {
    const [warehouse, redis] = await Promise.all([readers.warehouse, readers.redis]);
    const plan = await planCleanup(
      {
        ...(warehouse ? { warehouse } : {}),
        ...(redis ? { redis } : {}),
        signal: context.signal,
        onStep: (text) => step(context, text),
      },
      {
        scope: "expired",
        runId: context.runId,
        runStarted: context.runStarted,
        testData: context.config.testData,
        tables: context.tables,
        ledger: parseLedger(""),
        now: Date.now(),
      },
    );
    found = describePlan(plan, true);
    return judgeLeftovers(found);
  });
  return { check, ...(found ? { found } : {}) };
}
