import * as core from "@actions/core";
import { opensTheGate } from "../model.ts";
import { publish } from "./publish.ts";
import { perform, type SavedState } from "./run.ts";

/**
 * Runs after the job, also when it failed or was cancelled. A main step that ended has cleaned up by itself; after one that was
 * cut short, its test data is deleted here.
 */
export async function post(env: NodeJS.ProcessEnv): Promise<void> {
  const state = JSON.parse(env.STATE_STAGE ?? "{}") as Partial<SavedState>;
  const { stage, config, workspace, environment } = state;
  if (env.STATE_FINISHED === "true" || config === undefined || workspace === undefined) return;
  if (stage !== "integration" && stage !== "e2e") return;
  core.info(`${stage} was cut short: deleting the test data of its run`);
  const answer = await perform({
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
