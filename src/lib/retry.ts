import { setTimeout as delay } from "node:timers/promises";

/**
 * Does something again while it fails in a way that may pass. This is the only loop of its kind: what ends it is said in every call, so
 * that no wait is without an end.
 */

/** What is known when an attempt begins. */
export interface Attempt {
  /** 1 is the first. */
  number: number;
  /** Whole milliseconds until the time is up; endless without `withinMs`. */
  leftMs: number;
}

export interface RetryOptions<Failure> {
  /** Makes one failure of what was thrown. It throws on what is none, such as a mistake in this program. */
  failure: (thrown: unknown) => Failure | Promise<Failure>;
  /** Whether the same may succeed later, and does no harm if it is done twice. */
  mayPass: (failure: Failure) => boolean;
  /** Milliseconds before the attempt after this one; undefined where this was the last. */
  pauseMs: (failure: Failure, attempt: number) => number | undefined;
  /** How many there are at most. */
  attempts?: number;
  /** Milliseconds that all attempts and pauses may take together: a pause that would end later is not made. */
  withinMs?: number;
  /** From when that time counts; from the beginning if left out. */
  counted?: "from the beginning" | "from the first failure";
  /** Ends a pause at once. */
  signal?: AbortSignal | undefined;
  /** What is thrown in the end; the last failure if left out. */
  gaveUp?: (end: GaveUp<Failure>) => unknown;
}

export interface GaveUp<Failure> {
  /** `refused`: trying again would not help. `spent`: it was the last attempt. `late`: the next pause would be too long. */
  why: "refused" | "cancelled" | "spent" | "late";
  /** Each one, the oldest first. */
  failures: readonly Failure[];
  last: Failure;
  /** The pause that was not made, or not to its end; undefined where there was none to make. */
  waitMs?: number;
}

/** @throws what `gaveUp` makes of the end, and what `failure` throws */
export async function retry<Result, Failure>(
  work: (attempt: Attempt) => Promise<Result>,
  options: RetryOptions<Failure>,
): Promise<Result> {
  const { withinMs = Number.POSITIVE_INFINITY, counted = "from the beginning" } = options;
  const fromFailure = counted === "from the first failure";
  // A clock that nobody sets.
  let until = fromFailure ? Number.POSITIVE_INFINITY : performance.now() + withinMs;
  const failures: Failure[] = [];
  for (let number = 1; ; number++) {
    let last: Failure;
    try {
      return await work({ number, leftMs: Math.ceil(Math.max(0, until - performance.now())) });
    } catch (thrown) {
      last = await options.failure(thrown);
    }
    failures.push(last);
    if (fromFailure && number === 1) until = performance.now() + withinMs;
    const end = await waited(last, number, until, options);
    if (end) throw options.gaveUp ? options.gaveUp({ ...end, failures, last }) : last;
  }
}

/** @returns why there is no further attempt; undefined after the pause. */
async function waited<Failure>(
  last: Failure,
  number: number,
  until: number,
  { mayPass, pauseMs, attempts, signal }: RetryOptions<Failure>,
): Promise<Pick<GaveUp<Failure>, "why" | "waitMs"> | undefined> {
  if (!mayPass(last)) return { why: "refused" };
  if (signal?.aborted) return { why: "cancelled" };
  const waitMs = pauseMs(last, number);
  if (waitMs === undefined || number === attempts) return { why: "spent", ...(waitMs === undefined ? {} : { waitMs }) };
  if (performance.now() + waitMs >= until) return { why: "late", waitMs };
  try {
    await delay(waitMs, undefined, { signal });
  } catch (error) {
    if (signal?.aborted) return { why: "cancelled", waitMs };
    throw error;
  }
  return undefined;
}

/** Milliseconds before the attempt after this one, each pause `factor` times as long as the one before. */
export function growingPause(
  firstMs: number,
  attempt: number,
  { factor = 2, longestMs = Number.POSITIVE_INFINITY } = {},
): number {
  return Math.min(firstMs * factor ** (attempt - 1), longestMs);
}
