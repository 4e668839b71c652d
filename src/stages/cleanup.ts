import { type Finding, look } from "../checks/check.ts";
import { type Check, isPlanDigest, UserError } from "../model.ts";
import { describePlan, planCleanup } from "../testdata/cleanup.ts";
import { executeCleanup, planInPlace, planNote } from "../testdata/execute.ts";
import { judgeCleanup } from "../testdata/judge.ts";
import { withReaders, withWriters } from "./connections.ts";
import { type StageContext, type StageOutcome, step, telling, told } from "./context.ts";
import { inTheRightPlace } from "./place.ts";
import { cleanupRequest } from "./run-cleanup.ts";
import { forgetSignIns } from "./sign-ins.ts";

/** Shows what test data is there; with `execute` it deletes exactly that and proves it gone. @throws UserError */
export async function cleanup(context: StageContext, outcome: StageOutcome): Promise<void> {
  const { scope = "expired", execute = false, planDigest } = context.overrides;
  if (execute) refuseBeforeConnecting(context);
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  const onStep = (text: string) => step(context, text);
  const request = await cleanupRequest(context, scope);
  const work = async (): Promise<Finding> => {
    if (!execute) {
      outcome.cleanup = await withReaders(context, async (readers) => {
        const [warehouse, redis] = await Promise.all([readers.warehouse?.(), readers.redis?.()]);
        const ports = { ...(warehouse ? { warehouse } : {}), ...(redis ? { redis } : {}), signal: context.signal, onStep };
        const plan = await planCleanup(ports, request);
        await context.audit(planNote(plan, false));
        return describePlan(plan, true);
      });
      return { verdict: "passed" };
    }
    return await withWriters(context, context.signal, async (writers) => {
      const ports = { ...writers, environment: context.environment, signal: context.signal, ...telling(context) };
      const { proven, plan } = await planInPlace(ports, request);
      if (planDigest && plan.digest !== planDigest) {
        await context.audit(planNote(plan, false));
        outcome.cleanup = describePlan(plan, true);
        return {
          verdict: "failed",
          observed: plan.digest,
          expected: planDigest,
          message: "The plan is no longer the one that was shown: look at it again. Nothing was deleted.",
        };
      }
      outcome.cleanup = await executeCleanup(proven, plan);
      if (scope === "run" && outcome.cleanup.leftOver === 0) await forgetSignIns(context);
      return { verdict: "passed" };
    });
  };
  const refusal = await look("test-data.cleanup", "Test data", () => inTheRightPlace(work));
  const check: Check = refusal.verdict === "passed" && outcome.cleanup ? judgeCleanup(outcome.cleanup, elapsed()) : refusal;
  outcome.checks.push(await told(context, Promise.resolve(check)));
}

/** What can be seen to be wrong without asking anybody is refused while nothing is open yet. */
function refuseBeforeConnecting({ environment, overrides: { scope, planDigest } }: StageContext): void {
  if (environment.access !== "test-data")
    throw new UserError(
      `environment ${environment.name} is read-only, so nothing is deleted there: leave --execute out (in a workflow: dry-run: true), or name an environment with access: test-data`,
    );
  if (scope === "all" && planDigest === undefined)
    throw new UserError(
      "scope `all` is deleted only with the digest of the plan that was shown: plan first, look at it, and give the digest",
    );
  if (planDigest !== undefined && !isPlanDigest(planDigest))
    throw new UserError(`the plan's digest is "${planDigest}", but must be the 64 hexadecimal digits that were shown`);
}
