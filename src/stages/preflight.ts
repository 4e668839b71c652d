import { compareWithEarlierRuns } from "./baseline.ts";
import { type Readers, withReaders } from "./connections.ts";
import type { StageContext, StageOutcome } from "./context.ts";
import { checkLeftovers } from "./leftovers.ts";
import { loadKinds, runChecks } from "./run-checks.ts";
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
