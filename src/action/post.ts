import * as core from "@actions/core";
import { errorText } from "../lib/error-text.ts";
import { opensTheGate } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { endMarkedProcesses } from "../processes/tree.ts";
import type { SecretKeeper } from "../stages/context.ts";
import { inRepository, perform, publish } from "./run.ts";
import { unfinishedStage } from "./state.ts";

/**
 * Runs after the job, even if it failed or was cancelled. A main step that ended has cleaned up itself. For one that was killed,
 * this deletes its test data and reports that it was interrupted.
 */
export async function post(env: NodeJS.ProcessEnv, secrets: SecretKeeper): Promise<void> {
  const state = unfinishedStage(env);
  if (!state) return;
  const { asked, begun, cancelledBy } = state;
  core.info(`${asked.stage} was cut short: stopping what it started, and deleting the test data of run ${begun.runId}`);
  const stillRan = await endWhatRuns(asked.stage, asked.mark);
  const answer = await perform(env, secrets, {
    stage: asked.stage,
    workspace: asked.workspace,
    configFile: asked.config,
    environment: begun.environment,
    ...(asked.cell ? { cell: asked.cell } : {}),
    cutShort: { ...begun, cancelledBy, stillRan },
  }).catch((cause: unknown) => {
    const why = errorText(cause);
    throw new UserError(
      "EA7005",
      `${asked.stage} was cut short, and its test data was not deleted: data of run ${begun.runId} may remain in ${begun.environment}. Delete it with \`ENV_ACTIONS_RUN_ID=${begun.runId} env-actions cleanup --environment ${begun.environment} --scope run --execute\`. Reason: ${why}`,
    );
  });
  await publish(answer, inRepository(env, asked.workspace));
  const { report } = answer;
  const cleanup = report.checks.find(({ id }) => id === "test-data.cleanup");
  // A cancelled job has failed already, but must still report test data that it leaves behind.
  if (cleanup && !opensTheGate(cleanup.verdict))
    core.setFailed(`test data of run ${report.runId} may remain: ${cleanup.message ?? cleanup.observed ?? cleanup.verdict}`);
}

/** Comes first: tests that still run would make more test data during and after the deletion. */
async function endWhatRuns(stage: string, mark: string): Promise<string | undefined> {
  const outcome = await endMarkedProcesses(mark);
  if (outcome === "none") return undefined;
  const text = {
    left: `Processes that ${stage} started are still running, and may create more test data.`,
    unknown: `It is unknown on this system whether processes that ${stage} started are still running: they may create more test data.`,
    ended: `Processes that ${stage} started were still running, and were stopped.`,
    killed: `Processes that ${stage} started were still running, and were killed.`,
  }[outcome];
  if (outcome === "left" || outcome === "unknown") core.warning(text);
  else core.info(text);
  return text;
}
