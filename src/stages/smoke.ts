import type { StageContext, StageOutcome } from "./context.ts";
import { compareLatencies } from "./earlier-runs.ts";
import { withConfiguredReaders } from "./ports.ts";
import { loadKinds, runChecks } from "./run-checks.ts";
import { withApplication } from "./servers.ts";

/**
 * Checks a deployed environment without being able to change it: it only gets readers, whatever the environment's access. If that
 * is read-only, the credentials themselves are examined.
 */
export async function smoke(context: StageContext, outcome: StageOutcome): Promise<void> {
  const loading = loadKinds(context, "smoke");
  // If the servers don't start, this is never awaited.
  loading.catch(() => undefined);
  await withApplication(context, outcome, async () => {
    const kinds = await loading;
    const found = await withConfiguredReaders(context, (readers) => runChecks(context, "smoke", readers, kinds));
    outcome.checks.push(...found.checks, ...(await compareLatencies(context, found)));
  });
}
