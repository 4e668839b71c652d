import { setTimeout as delay } from "node:timers/promises";
import { growingPause, retry } from "../lib/retry.ts";
import { cancelled, RedisFailure } from "./failure.ts";

const firstPauseMs = 50;
const longestPauseMs = 1_000;

/**
 * Repeats work that fails temporarily, for at most `retryForMs` from the first failure.
 * @throws RedisFailure the last failure, or that the signal ended the wait
 */
export async function withRetries<Result>(retryForMs: number, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  return await retry(work, {
    failure: (thrown) => {
      if (signal.aborted) return cancelled(signal);
      if (thrown instanceof RedisFailure) return thrown;
      throw thrown;
    },
    mayPass: ({ passing }) => passing,
    pauseMs: (_, attempt) => growingPause(firstPauseMs, attempt, { longestMs: longestPauseMs }),
    withinMs: retryForMs,
    counted: "from the first failure",
    signal,
    gaveUp: ({ why, last }) => (why === "cancelled" ? cancelled(signal) : last),
  });
}

/** @throws RedisFailure if the signal aborts */
export async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? cancelled(signal) : error;
  }
}
