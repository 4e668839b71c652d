import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { deflateSync, inflateSync } from "node:zlib";
import type { Begun } from "../app/run-stage.ts";
import type { StageName } from "../model/report.ts";

/**
 * What a main step keeps for its post step. The runner hands it over in variables `STATE_…`, beside the workspace: it is still there when
 * a later step has cleaned that. Written by hand, because the first of it must be there before any library is loaded.
 */

/** What the step was asked for. No secret is among it. */
export interface AskedState {
  stage: StageName;
  config: string;
  environment: string | undefined;
  workspace: string;
  cell: string | undefined;
  /** By which what the stage started is found again. */
  mark: string;
}

/** Linux allows a variable 128 KiB, Windows 32: a configuration is far below, compressed. */
const longestConfig = 24_000;

type Env = Readonly<Record<string, string | undefined>>;

/** That a main step was here: without it the runner's second call would run the stage once more. */
export function saveVisit(env: Env): void {
  save(env, "POST", "true");
}

export function saveAsked(env: Env, asked: AskedState): void {
  save(env, "ASKED", JSON.stringify(asked));
}

/** Before anything is made in the environment. */
export function saveBegun(env: Env, { configText, ...begun }: Begun): void {
  const packed = deflateSync(configText).toString("base64");
  save(env, "BEGUN", JSON.stringify(begun));
  if (packed.length <= longestConfig) save(env, "CONFIG", packed);
}

export function saveCancelled(env: Env, signal: string): void {
  save(env, "CANCELLED", signal);
}

/** The stage ended by itself, and cleaned up by itself. */
export function saveFinished(env: Env): void {
  save(env, "FINISHED", "true");
}

export function isPostStep(env: Env): boolean {
  return env.STATE_POST === "true";
}

export interface SavedState {
  asked: AskedState;
  /** Without `configText` the file must still be there. */
  begun: Omit<Begun, "configText"> & { configText: string | undefined };
  cancelledBy: string | undefined;
}

/** @returns undefined where there is nothing to do: the stage ended by itself, or had not begun anything */
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

/** As @actions/core does. Where there is no such file (in a bare container), the runner knows no post step either. */
function save({ GITHUB_STATE: file }: Env, name: string, value: string): void {
  if (!file) return;
  const delimiter = `env-actions-${randomUUID()}`;
  appendFileSync(file, `${name}<<${delimiter}\n${value}\n${delimiter}\n`);
}
