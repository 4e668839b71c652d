import { setTimeout as delay } from "node:timers/promises";
import { cancelled, RedisFailure } from "./failure.ts";

const firstPauseMs = 50;
const longestPauseMs = 1_000;

/**
 * Repeats work that fails temporarily, for at most `retryForMs` from the first failure.
 * @throws RedisFailure the last failure, or that the signal ended the wait
 */
export async function withRetries<Result>(retryForMs: number, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  let deadline: number | undefined;
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw cancelled(signal);
      if (!(error instanceof RedisFailure) || !error.passing) throw error;
      deadline ??= performance.now() + retryForMs;
      if (performance.now() + pause > deadline) throw error;
    }
    await pauseFor(pause, signal);
  }
}

/** @throws RedisFailure if the signal aborts */
export async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? cancelled(signal) : error;
  }
}
