import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { deflateSync, inflateSync } from "node:zlib";
import * as core from "@actions/core";
import type { Begun } from "../app/run-stage.ts";
import { errorText } from "../lib/error-text.ts";
import { opensTheGate, type StageName } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { endMarkedProcesses } from "../processes/tree.ts";
import type { SecretKeeper } from "../stages/context.ts";
import { inRepository, perform, publish } from "./run.ts";

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
  }).catch((error: unknown) => {
    const why = errorText(error);
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

/**
 * What a main step saves for its post step. The runner passes it on in variables `STATE_…`, outside the workspace, so it survives
 * a later step that cleans the workspace. Written by hand, because the first value must be saved before any library is loaded.
 */

/** What the step was asked to do. Contains no secret. */
export interface AskedState {
  stage: StageName;
  config: string;
  environment: string | undefined;
  workspace: string;
  cell: string | undefined;
  /** Identifies the processes that the stage started. */
  mark: string;
}

/** Linux allows 128 KiB for a variable, Windows 32. A compressed configuration is far smaller. */
const longestConfig = 24_000;

type Env = Readonly<Record<string, string | undefined>>;

/** Records that the main step ran. Without it, the runner's second call would run the stage again. */
export function saveVisit(env: Env): void {
  save(env, "POST", "true");
}

export function saveAsked(env: Env, asked: AskedState): void {
  save(env, "ASKED", JSON.stringify(asked));
}

/** Called before the stage makes anything in the environment. */
export function saveBegun(env: Env, { configText, ...begun }: Begun): void {
  const packed = deflateSync(configText).toString("base64");
  save(env, "BEGUN", JSON.stringify(begun));
  if (packed.length <= longestConfig) save(env, "CONFIG", packed);
}

export function saveCancelled(env: Env, signal: string): void {
  save(env, "CANCELLED", signal);
}

/** Records that the stage ended and cleaned up itself. */
export function saveFinished(env: Env): void {
  save(env, "FINISHED", "true");
}

export function isPostStep(env: Env): boolean {
  return env.STATE_POST === "true";
}

export interface SavedState {
  asked: AskedState;
  /** Without `configText`, the file must still exist. */
  begun: Omit<Begun, "configText"> & { configText: string | undefined };
  cancelledBy: string | undefined;
}

/** @returns `undefined` if there is nothing to do: the stage ended by itself, or had not started anything */
export function unfinishedStage(env: Env): SavedState | undefined {
  const { STATE_ASKED: asked, STATE_BEGUN: begun, STATE_CONFIG: config, STATE_CANCELLED: cancelledBy } = env;
  if (env.STATE_FINISHED === "true" || !asked || !begun) return undefined;
  return {
    asked: JSON.parse(asked) as AskedState,
    begun: {
      ...(JSON.parse(begun) as Omit<Begun, "configText">),
      configText: config ? inflateSync(Buffer.from(config, "base64")).toString("utf8") : undefined,
    },
    cancelledBy: cancelledBy || undefined,
  };
}

/** Works as in @actions/core. Without the file, as in a bare container, the runner has no post step either. */
function save({ GITHUB_STATE: file }: Env, name: string, value: string): void {
  if (!file) return;
  const delimiter = `env-actions-${randomUUID()}`;
  appendFileSync(file, `${name}<<${delimiter}\n${value}\n${delimiter}\n`);
}
