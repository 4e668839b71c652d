import { setTimeout as delay } from "node:timers/promises";

/**
 * Repeats work that fails temporarily. This is the only retry loop in the suite, and every call says what ends it, so that no
 * wait is endless.
 */

/** What is known when an attempt begins. */
export interface Attempt {
  /** Starts at 1. */
  number: number;
  /** Whole milliseconds until the time is up; infinite without `withinMs`. */
  leftMs: number;
}

export interface RetryOptions<Failure> {
  /** Converts what was thrown to a failure. Throws anything that isn't one, such as a bug in this program. */
  failure: (thrown: unknown) => Failure | Promise<Failure>;
  /** Whether it may succeed later and repeating it is harmless. */
  mayPass: (failure: Failure) => boolean;
  /** Milliseconds to wait before the next attempt; undefined if there is none. */
  pauseMs: (failure: Failure, attempt: number) => number | undefined;
  /** The most attempts. */
  attempts?: number;
  /** Milliseconds for all attempts and pauses together. A pause that would end later is not started. */
  withinMs?: number;
  /** When that time starts; at the beginning if absent. */
  counted?: "from the beginning" | "from the first failure";
  /** Ends a pause immediately. */
  signal?: AbortSignal | undefined;
  /** What to throw in the end; the last failure if absent. */
  gaveUp?: (end: GaveUp<Failure>) => unknown;
}

export interface GaveUp<Failure> {
  /** `refused`: another attempt wouldn't help. `spent`: it was the last attempt. `late`: the next pause would be too long. */
  why: "refused" | "cancelled" | "spent" | "late";
  /** All failures, oldest first. */
  failures: readonly Failure[];
  last: Failure;
  /** The pause that was not started or not completed; undefined if there was none. */
  waitMs?: number;
}

/** @throws what `gaveUp` returns, and what `failure` throws */
export async function retry<Result, Failure>(
  work: (attempt: Attempt) => Promise<Result>,
  options: RetryOptions<Failure>,
): Promise<Result> {
  const { withinMs = Number.POSITIVE_INFINITY, counted = "from the beginning" } = options;
  const fromFailure = counted === "from the first failure";
  // A clock that cannot be changed.
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

/** @returns why there is no further attempt; undefined after the pause */
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

/** Milliseconds before the next attempt, each pause `factor` times as long as the previous one. */
export function growingPause(
  firstMs: number,
  attempt: number,
  { factor = 2, longestMs = Number.POSITIVE_INFINITY } = {},
): number {
  return Math.min(firstMs * factor ** (attempt - 1), longestMs);
}

/**
 * The wait that a Retry-After header asks for, in milliseconds from now: seconds, or a date (RFC 9110). A date in the past means
 * now.
 * @returns `undefined` if the header is missing or invalid
 */
export function retryAfterMs(header: string | null | undefined, now: number = Date.now()): number | undefined {
  const written = header?.trim() ?? "";
  if (/^\d{1,9}(?:\.\d+)?$/.test(written)) return Number(written) * 1000;
  // HTTP dates begin with a weekday. Date.parse alone would read "-30" as a year, so nothing would be waited for.
  const at = /^[A-Z][a-z]{2}/.test(written) ? Date.parse(written) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
