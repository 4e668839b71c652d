import { randomBytes } from "node:crypto";
import { resolve } from "node:path";

/** The run that the tests of this process belong to, and its settings. */
export interface Run {
  runId: string;
  /** The prefix of this run's ids: a listed prefix and the run's id. */
  prefix: string;
  /** Absolute, because a test may change the working directory. */
  ledger: string | undefined;
  /** Prefixes that cleanup looks for; undefined if unknown. */
  listed: readonly string[] | undefined;
  /** Whether env-actions started these tests. */
  underWay: boolean;
}

/** State shared by all copies of this module in a process: one may be loaded as ESM and one as CommonJS. */
interface Shared {
  runId: string;
  warned: boolean;
}

const runIdPattern = /^\d{13}_[0-9a-f]{8}$/;
const runIdAtEnd = /\d{13}_[0-9a-f]{8}$/;

/** @throws Error if ENV_ACTIONS_RUN_ID is not a run id: cleanup would never find data with it */
export function readRun(env: Readonly<Record<string, string | undefined>>): Run {
  const named = env.ENV_ACTIONS_RUN_ID || undefined;
  const prefix = env.ENV_ACTIONS_PREFIX || undefined;
  if (named !== undefined && !runIdPattern.test(named))
    throw new Error(`env-actions: ENV_ACTIONS_RUN_ID is ${JSON.stringify(named)}, which is no run's id (<ms>_<8 hex>)`);
  const runId = named ?? (prefix && runIdAtEnd.exec(prefix)?.[0]) ?? shared().runId;
  return {
    runId,
    prefix: prefix ?? `integration_test_${runId}`,
    ledger: env.ENV_ACTIONS_LEDGER ? resolve(env.ENV_ACTIONS_LEDGER) : undefined,
    listed: env.ENV_ACTIONS_PREFIXES?.split(" ").filter((listed) => listed !== ""),
    underWay: named !== undefined || prefix !== undefined,
  };
}

/** Warns once per process that nothing is recorded. */
export function warnOutside(): void {
  const state = shared();
  if (state.warned) return;
  state.warned = true;
  process.emitWarning(
    "these tests were not started by env-actions: what they track is recorded nowhere, and nothing deletes it",
    "EnvActionsWarning",
  );
}

function shared(): Shared {
  const holder = globalThis as { [key: symbol]: Shared | undefined };
  const key = Symbol.for("env-actions.testkit");
  const state = holder[key] ?? { runId: `${Date.now()}_${randomBytes(4).toString("hex")}`, warned: false };
  holder[key] = state;
  return state;
}
