import type { Begun } from "../app/run-stage.ts";
import type { StageName } from "../model/report.ts";
import * as commands from "./commands.ts";

/**
 * What a main step saves for its post step. The runner passes it on in variables `STATE_…`, outside the workspace, so it survives
 * a later step that cleans the workspace.
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
const shortConfig = 4_000;

type Env = Readonly<Record<string, string | undefined>>;

/** Called before the stage runs: what the post step needs to find what a killed main step left. */
export function saveAsked(env: Env, asked: AskedState): void {
  commands.saveState(env, "ASKED", JSON.stringify(asked));
}

/** Called before the stage makes anything in the environment. */
export function saveBegun(env: Env, { configText, ...begun }: Begun): void {
  commands.saveState(env, "BEGUN", JSON.stringify(begun));
  // Most files are short, and need no library to be packed.
  const packed = Buffer.from(configText.length <= shortConfig ? configText : deflated(configText)).toString("base64");
  if (packed.length <= longestConfig) commands.saveState(env, configText.length <= shortConfig ? "TEXT" : "CONFIG", packed);
}

function deflated(text: string): Buffer {
  return process.getBuiltinModule("node:zlib").deflateSync(text);
}

function inflated(packed: Buffer): Buffer {
  return process.getBuiltinModule("node:zlib").inflateSync(packed);
}

export function saveCancelled(env: Env, signal: string): void {
  commands.saveState(env, "CANCELLED", signal);
}

/** Records that the stage ended and cleaned up itself. */
export function saveFinished(env: Env): void {
  commands.saveState(env, "FINISHED", "true");
}

export interface SavedState {
  asked: AskedState;
  /** Without `configText`, the file must still exist. */
  begun: Omit<Begun, "configText"> & { configText: string | undefined };
  cancelledBy: string | undefined;
}

/** @returns `undefined` if there is nothing to do: the stage ended by itself, or had not started anything */
export function unfinishedStage(env: Env): SavedState | undefined {
  const { STATE_ASKED: asked, STATE_BEGUN: begun, STATE_CONFIG: packed, STATE_TEXT: plain, STATE_CANCELLED: cancelledBy } = env;
  if (env.STATE_FINISHED === "true" || !asked || !begun) return undefined;
  return {
    asked: JSON.parse(asked) as AskedState,
    begun: {
      ...(JSON.parse(begun) as Omit<Begun, "configText">),
      configText: (packed ? inflated(bytes(packed)) : plain ? bytes(plain) : undefined)?.toString("utf8"),
    },
    cancelledBy: cancelledBy || undefined,
  };
}

function bytes(base64: string): Buffer {
  return Buffer.from(base64, "base64");
}
