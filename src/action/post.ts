import * as core from "@actions/core";
import { opensTheGate } from "../model.ts";
import { endMarked } from "../process/tree.ts";
import type { SecretKeeper } from "../stages/context.ts";
import { publish } from "./publish.ts";
import { perform, type SavedState } from "./run.ts";

/**
 * Runs after the job, also when it failed or was cancelled. A main step that ended has cleaned up by itself; after one that was
 * cut short, its test data is deleted here.
 */
export async function post(env: NodeJS.ProcessEnv, secrets: SecretKeeper): Promise<void> {
  const state = JSON.parse(env.STATE_STAGE ?? "{}") as Partial<SavedState>;
  const { stage, config, workspace, environment, mark } = state;
  if (env.STATE_FINISHED === "true" || config === undefined || workspace === undefined) return;
  if (stage !== "integration" && stage !== "e2e") return;
  core.info(`${stage} was cut short: deleting the test data of its run`);
  if (mark !== undefined) await endWhatRuns(stage, mark);
  const answer = await perform(process.env, secrets, {
    stage: "cleanup",
    workspace,
    configFile: config,
    overrides: { scope: "run", execute: true },
    ...(environment ? { environment } : {}),
  });
  await publish(answer);
  // A job that is being cancelled has failed already; one that leaves test data behind should say so all the same.
  if (!opensTheGate(answer.report.verdict))
    core.setFailed(`test data of run ${answer.report.runId} may be left: ${answer.report.reason}`);
}

/** First of all: tests that still run would go on to make test data while it is deleted, and after that. */
async function endWhatRuns(stage: string, mark: string): Promise<void> {
  const outcome = await endMarked(mark);
  if (outcome === "ended" || outcome === "killed") core.info(`what ${stage} had started still ran, and was ${outcome}`);
  if (outcome === "left") core.warning(`what ${stage} had started still runs, and may make test data after this`);
}
