import * as core from "@actions/core";
import { errorText } from "../lib/error-text.ts";
import { opensTheGate } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { endMarkedProcesses } from "../processes/tree.ts";
import type { SecretKeeper } from "../stages/context.ts";
import { publish } from "./publish.ts";
import { perform } from "./run.ts";
import { unfinishedStage } from "./state.ts";

/**
 * Runs after the job, also when it failed or was cancelled. A main step that ended has cleaned up by itself; for one that was killed
 * its test data is deleted here, and its report says that it was cut short.
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
  }).catch((error: unknown) => {
    const why = errorText(error);
    throw new UserError(
      "EA7005",
      `${asked.stage} was cut short, and its test data was not deleted: data of run ${begun.runId} may remain in ${begun.environment}. Delete it with \`ENV_ACTIONS_RUN_ID=${begun.runId} env-actions cleanup --environment ${begun.environment} --scope run --execute\`. Reason: ${why}`,
    );
  });
  await publish(answer);
  const { report } = answer;
  const cleanup = report.checks.find(({ id }) => id === "test-data.cleanup");
  // A job that is being cancelled has failed already; one that leaves test data behind should say so all the same.
  if (cleanup && !opensTheGate(cleanup.verdict))
    core.setFailed(`test data of run ${report.runId} may remain: ${cleanup.message ?? cleanup.observed ?? cleanup.verdict}`);
}

/** First of all: tests that still run would go on to make test data while it is deleted, and after that. */
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
