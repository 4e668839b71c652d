import type { HistoryLatency, HistoryRecord } from "../../model/history.ts";
import { opensTheGate, type StageName, type Verdict } from "../../model/report.ts";

/** How long checks took in earlier runs. */

export interface LatencyPoint {
  /** When the execution ended, ISO 8601. */
  at: string;
  runId: string;
  /** Of the check. */
  verdict: Verdict;
  latency: HistoryLatency;
  branch?: string;
}

export interface CheckOf {
  environment: string;
  stage: StageName;
  /** The id of the check. */
  check: string;
}

/**
 * @param records oldest first, of any stages and environments
 * @returns the executions in which the check measured something, oldest first
 */
export function latencySeries(records: readonly HistoryRecord[], of: CheckOf): LatencyPoint[] {
  return records.flatMap(({ stage, environment, runId, finishedAt: at, checks, branch }) => {
    if (stage !== of.stage || environment.name !== of.environment) return [];
    const found = checks.find(({ id, latency }) => id === of.check && latency && latency.count > 0);
    if (!found?.latency) return [];
    return [{ at, runId, verdict: found.verdict, latency: found.latency, ...(branch === undefined ? {} : { branch }) }];
  });
}

/** The medians of the P50s and P95s of so many runs. Milliseconds. */
export interface Band {
  runs: number;
  p50: number;
  p95: number;
}

/**
 * What is usual: the runs in which the check passed or was degraded. A broken service may answer fast.
 * @param at the index in the series whose runs before it count; all of them if omitted
 * @param runs at most so many, the newest
 * @returns undefined without any such run before
 */
export function usualBand(series: readonly LatencyPoint[], at = series.length, runs = 20): Band | undefined {
  const before: HistoryLatency[] = [];
  for (let index = Math.min(at, series.length) - 1; index >= 0 && before.length < runs; index -= 1) {
    const point = series[index];
    if (point && opensTheGate(point.verdict)) before.push(point.latency);
  }
  if (before.length === 0) return undefined;
  return { runs: before.length, p50: median(before.map(({ p50 }) => p50)), p95: median(before.map(({ p95 }) => p95)) };
}

/** Of one value or more. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [below = 0, above = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (below + above) / 2;
}
