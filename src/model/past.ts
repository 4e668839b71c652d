/** What earlier runs say of something that this run reports. This run is never among them. */

/** How something ended in earlier runs of the same stage, environment, job and cell, on the default branch and on this one. */
export interface PastRuns {
  /** The newest ones, at most 20. */
  runs: number;
  /** In how many of them it failed. */
  failed: number;
  /** Of a test: in how many of them it was flaky. */
  flaky?: number;
  /** Some of these runs are known in part only, so each count may be larger, and nothing is said of what surely did not happen. */
  atLeast?: true;
  /** All runs that were looked at, at most 100. */
  known: number;
  /** It failed in each of so many runs of this branch right before this one. */
  inARow?: {
    runs: number;
    /** When the first of them ended, ISO 8601. */
    since: string;
    /** Whether it failed in the run before that is not known. */
    orEarlier?: true;
  };
  /** When it failed last, and how many runs there were since; absent if it did in none of `known`. */
  lastFailed?: { at: string; runsSince: number };
  /** The newest run of the default branch failed as well, and this run is on another branch. */
  onDefault?: { branch: string; at: string };
}

/** The latency of a check in earlier runs: the medians of their P50s and P95s, in milliseconds. */
export interface PastLatency {
  /** At most 20 in which it passed or was degraded. */
  runs: number;
  p50: number;
  p95: number;
}
