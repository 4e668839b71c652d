import type { Check } from "../model/report.ts";
import { mayHaveBranches } from "./child-environment.ts";
import type { Readers } from "./connections.ts";
import type { StageContext, StageOutcome } from "./context.ts";
import { compareLatencies } from "./earlier-runs.ts";
import { withConfiguredReaders } from "./ports.ts";
import { loadKinds, runChecks } from "./run-checks.ts";
import { withApplication } from "./servers.ts";

/** Proves that the environment is really there before anything is tested in it. */
export async function preflight(context: StageContext, outcome: StageOutcome): Promise<void> {
  const loading = Promise.all([loadKinds(context, "preflight"), loadOwnCode(context)]);
  // If the servers don't start, this is never awaited.
  loading.catch(() => undefined);
  try {
    await withApplication(context, outcome, async () => {
      const [kinds, own] = await loading;
      const found = await withConfiguredReaders(context, (readers) =>
        runChecks(context, "preflight", readers, kinds, () => checksOfEarlierRuns(own, context, readers, outcome)),
      );
      outcome.checks.push(...found.checks, ...(await compareLatencies(context, found)));
    });
  } finally {
    // After the application, which may write once more when its sockets close; also after a cancellation.
    // Only keys of Redis are deleted, so nothing of another environment was remembered.
    if (context.environment.redis) outcome.checks.push(...(await (await import("./sign-ins.ts")).deleteSignIns(context)));
  }
}

/** Like the code of the checks, it is loaded before anything is measured. */
async function loadOwnCode(context: StageContext) {
  const { databricks, redis } = context.environment;
  const [leftovers, branches, copy] = await Promise.all([
    databricks || redis ? import("./leftovers.ts") : undefined,
    mayHaveBranches(context) ? import("./branch-sweep.ts") : undefined,
    isCopy(context) ? import("./copy-checks.ts") : undefined,
    redis ? import("./sign-ins.ts") : undefined,
  ]);
  return { leftovers, branches, copy };
}

/** Whether the environment is a copy of production, which has checks of its own. */
function isCopy({ config, environment }: StageContext): boolean {
  return config.staging?.copy === environment.name && environment.databricks !== undefined;
}

function checksOfEarlierRuns(
  { leftovers, branches, copy }: Awaited<ReturnType<typeof loadOwnCode>>,
  context: StageContext,
  readers: Readers,
  outcome: StageOutcome,
): Promise<Check>[] {
  return [
    ...(leftovers ? [checkEarlierRuns(leftovers, context, readers, outcome)] : []),
    ...(branches ? [branches.checkLostBranches(context, readers)] : []),
    ...(copy ? copy.checkCopy(context, readers) : []),
  ];
}

async function checkEarlierRuns(
  { checkLeftovers }: typeof import("./leftovers.ts"),
  context: StageContext,
  readers: Readers,
  outcome: StageOutcome,
): Promise<Check> {
  const { check, found } = await checkLeftovers(context, readers);
  if (found) outcome.cleanup = found;
  return check;
}
