import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { textGlob } from "../lib/glob.ts";
import { opensTheGate, type Verdict } from "../model/report.ts";

/** Checks that somebody declared flaky, and says why. */
export interface RetryRule {
  /** Glob over ids: `*` is any text, everything else is itself. */
  check: string;
  times: number;
  reason: string;
}

export interface RetryPolicy {
  rules: readonly RetryRule[];
  /** Ends it: nothing is looked at again after that. */
  signal: AbortSignal;
  /** Milliseconds before another look. */
  pauseMs?: number;
  /** Whether this is such another look. */
  repeats?: boolean;
}

/** What several checks stand on, such as a connection: the same one for whoever asks. */
export type Shared<Thing> = () => Promise<Thing>;

/**
 * Begins at once, so that its failure is seen by every check that asks for it, and ends no process where none does. Where it failed, a
 * check that is looked at again begins it anew, again for all: waiting for the same failure once more would be no look.
 */
export function shared<Thing>(begin: () => Promise<Thing>): Shared<Thing> {
  let failed = false;
  const begun = () => {
    failed = false;
    const thing = begin();
    thing.catch(() => {
      failed = true;
    });
    return thing;
  };
  let current = begun();
  return () => {
    if (failed && policies.getStore()?.repeats) current = begun();
    return current;
  };
}

const defaultPauseMs = 500;

/** No probe has to know of it: whether a check is flaky is said of the stage, not of the probe. */
const policies = new AsyncLocalStorage<RetryPolicy>();

/** Runs it with this policy for every check that it makes. */
export function retrying<Result>(policy: RetryPolicy, run: () => Promise<Result>): Promise<Result> {
  return policies.run(policy, run);
}

/** Looks once; and again, where the check is declared flaky and was no pass. How often it was looked at is said in what was found. */
export async function again<Found extends { verdict: Verdict; message?: string; attempts?: number }>(
  id: string,
  probe: () => Promise<Found>,
): Promise<Found> {
  const policy = policies.getStore();
  const rule = policy?.rules.findLast(({ check }) => textGlob(check, { oneLetter: false }).test(id));
  let found = await probe();
  if (!policy || !rule || opensTheGate(found.verdict) || found.verdict === "skipped") return found;
  const first = found;
  const policyOfRepeats = { ...policy, repeats: true };
  let attempts = 1;
  while (attempts <= rule.times && !opensTheGate(found.verdict) && (await waited(policy))) {
    attempts++;
    found = await policies.run(policyOfRepeats, probe);
  }
  if (!opensTheGate(found.verdict)) return { ...found, attempts };
  const message = `${found.message ?? ""} Only on look ${attempts}; before it was ${first.verdict}${first.message ? ` (${first.message})` : ""}. Declared flaky: ${rule.reason}`;
  return { ...found, attempts, message: message.trim() };
}

async function waited({ signal, pauseMs = defaultPauseMs }: RetryPolicy): Promise<boolean> {
  try {
    await pause(pauseMs, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
