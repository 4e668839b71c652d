import { checkRedis } from "../checks/redis.ts";
import { compareRedis, compareWarehouse, proveRedis, proveWarehouse } from "../cleanup/execute/proof.ts";
import type { Check } from "../model/report.ts";
import { checkApplication } from "./application.ts";
import { checkRedisCertificate, checkWarehouse, loadClients, lookAtVariables } from "./base.ts";
import { compareWithEarlierRuns } from "./baseline.ts";
import { type Readers, withReaders } from "./connections.ts";
import { gather } from "./consequences.ts";
import type { StageContext, StageOutcome } from "./context.ts";
import { checkLeftovers } from "./leftovers.ts";
import { withApplication } from "./servers.ts";
import { deleteSignIns } from "./sign-ins.ts";

type Checking = Promise<Check | Check[]>;

/** Proves that the environment is really there, before anything is tested in it. All checks at once. */
export async function preflight(context: StageContext, outcome: StageOutcome): Promise<void> {
  const loading = loadClients(context);
  // Where the servers do not start, nobody waits for it.
  loading.catch(() => undefined);
  try {
    await lookAtAll(context, outcome, loading);
  } finally {
    // After the application, which may write once more when its sockets end; also where the stage was cancelled.
    outcome.checks.push(...(await deleteSignIns(context)));
  }
}

async function lookAtAll(context: StageContext, outcome: StageOutcome, loading: Promise<void>): Promise<void> {
  await withApplication(context, outcome, async () => {
    await loading;
    const checks = await withReaders(context, (readers) => {
      const beside = [lookAtVariables(context), ...checkEarlierRuns(context, readers, outcome)];
      const base = checkBase(context, readers, Promise.allSettled(beside));
      const quiet = Promise.allSettled([...base, ...beside]);
      return gather(context, {
        base,
        beside,
        application: checkApplication(context, context.config.stages.preflight, true, quiet),
      });
    });
    outcome.checks.push(...checks, ...(await compareWithEarlierRuns(context, checks)));
  });
}

function checkBase(context: StageContext, readers: Readers, quiet: Promise<unknown>): Checking[] {
  const { environment, config } = context;
  const limits = config.stages.preflight;
  // Where test data will be written, it must be the right place; where nothing is, it must be what is expected, if anything is.
  const writes = environment.access === "test-data";
  const [warehouseIsRight, redisIsRight] = writes ? [proveWarehouse, proveRedis] : [compareWarehouse, compareRedis];
  return [
    ...checkWarehouse(context, readers, limits, { prove: (seen) => warehouseIsRight(environment, seen), quiet }),
    ...(readers.redis ? [checkRedis(readers.redis, limits, (seen) => redisIsRight(environment, seen), writes)] : []),
    ...checkRedisCertificate(context, readers, limits),
  ];
}

function checkEarlierRuns(context: StageContext, readers: Readers, outcome: StageOutcome): Checking[] {
  if (!readers.warehouse && !readers.redis) return [];
  const look = async () => {
    const { check, found } = await checkLeftovers(context, readers);
    if (found) outcome.cleanup = found;
    return check;
  };
  return [look()];
}
