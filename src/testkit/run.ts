import { randomBytes } from "node:crypto";
import { resolve } from "node:path";

/** Which run the tests of this process belong to, and what it told them. */
export interface Run {
  runId: string;
  /** What this run's ids begin with: a listed prefix and the run's id. */
  prefix: string;
  /** Absolute: a test may change the working directory. */
  ledger: string | undefined;
  /** Prefixes that cleanup looks for; undefined where nobody said. */
  listed: readonly string[] | undefined;
  /** Whether env-actions started these tests. */
  underWay: boolean;
}

/** What a process keeps for all copies of this module: one may be loaded as ESM and as CommonJS. */
interface Shared {
  runId: string;
  warned: boolean;
}

const runIdPattern = /^\d{13}_[0-9a-f]{8}$/;
const runIdAtEnd = /\d{13}_[0-9a-f]{8}$/;

/** @throws Error when ENV_ACTIONS_RUN_ID is no run's id: what carried it would never be found */
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

/** Says once in a process that nothing is recorded. */
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
