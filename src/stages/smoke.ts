import { checkReadOnlyCredential, checkSqlSample, sqlIds } from "../checks/databricks.ts";
import { checkReadOnlyUser, checkRedis } from "../checks/redis.ts";
import { compareRedis, compareWarehouse } from "../cleanup/execute/proof.ts";
import type { Check } from "../model/report.ts";
import { checkApplication } from "./application.ts";
import { checkRedisCertificate, checkWarehouse, loadClients, lookAtVariables } from "./base.ts";
import { compareWithEarlierRuns } from "./baseline.ts";
import { type Readers, withReaders } from "./connections.ts";
import { gather } from "./consequences.ts";
import type { StageContext, StageOutcome } from "./context.ts";
import { withApplication } from "./servers.ts";

type Checking = Promise<Check | Check[]>;

/**
 * Looks at a deployed environment without being able to change it: it gets readers and nothing else, whatever the access of the
 * environment is, and where that is read-only the credentials themselves are examined. All checks at once.
 */
export async function smoke(context: StageContext, outcome: StageOutcome): Promise<void> {
  const loading = loadClients(context);
  // Where the servers do not start, nobody waits for it.
  loading.catch(() => undefined);
  await withApplication(context, outcome, async () => {
    await loading;
    const checks = await withReaders(context, (readers) => {
      const base = checkBase(context, readers);
      const beside = [lookAtVariables(context)];
      const quiet = Promise.allSettled([...base, ...beside]);
      return gather(context, {
        base,
        beside,
        // Without a token: refusals prove that the server is alive, and nobody is signed in to production.
        application: checkApplication(context, context.config.stages.smoke, false, quiet),
      });
    });
    outcome.checks.push(...checks, ...(await compareWithEarlierRuns(context, checks)));
  });
}

function checkBase(context: StageContext, readers: Readers): Checking[] {
  const { environment, config } = context;
  const { warehouse, redis } = readers;
  const limits = config.stages.smoke;
  const readOnly = environment.access === "read-only";
  const ids = sqlIds(environment.sql);
  const statements = [
    ...(warehouse ? environment.sql.map((sample, index) => checkSqlSample(warehouse, sample, ids[index])) : []),
    ...(warehouse && readOnly ? [checkReadOnlyCredential(warehouse, environment.databricks?.mayWrite)] : []),
  ];
  return [
    ...checkWarehouse(context, readers, limits, {
      prove: (seen) => compareWarehouse(environment, seen),
      quiet: Promise.allSettled(statements),
    }),
    ...statements,
    ...(redis ? [checkRedis(redis, limits, (seen) => compareRedis(environment, seen))] : []),
    ...checkRedisCertificate(context, readers, limits),
    ...(redis && readOnly ? [checkReadOnlyUser(redis, environment.redis?.mayWrite)] : []),
  ];
}
