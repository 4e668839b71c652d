import { ratioInterval, ratioOf } from "../lib/rank-test.ts";

/**
 * Whether one environment is slower than another, by one check. Each run has a level of its own – its machine, its hour – so that a
 * thousand samples of one run say little. Each run therefore counts once, with its median, and a rank test compares the runs.
 */

export type LatencyWord = "slower" | "faster" | "no difference seen" | "too few samples";

/** Of one run: its samples, in milliseconds. Where they were not kept, their median and their number are. */
export type Run = readonly number[] | { p50: number; count: number };

export interface LatencyComparison {
  /** Of the first environment: slower or faster than the second. */
  word: LatencyWord;
  /** How many times as long the first takes: the median over all pairs of runs. Absent without runs. */
  ratio?: number;
  /** Between which bounds the ratio is, so that one comparison in 400 is wrong. Absent with too few runs. */
  low?: number;
  high?: number;
  /** The smallest difference that these runs would have shown in nine of ten comparisons: 0.12 for 12 %. Absent with too few runs. */
  visible?: number;
  runsA: number;
  runsB: number;
  samplesA: number;
  samplesB: number;
}

export interface LatencySettings {
  /** A smaller difference is none, however sure. */
  least: number;
  /** The difference that must be visible, or there are too few samples. */
  wanted: number;
}

export const latencySettings: LatencySettings = { least: 0.05, wanted: 0.2 };

/** Of both sides together: one comparison of equal environments in 400 lies outside, so that even unlucky ones stay below one in 100. */
const significance = 0.0025;
/** Quantiles of the normal distribution: of that significance, and of nine in ten. */
const [sure, nineOfTen] = [3.023, 1.2816];
/** A median of fewer is hardly one. */
const leastSamples = 5;

/**
 * @param a runs of the environment that is judged
 * @param b runs of the one that it is compared with
 */
export function compareLatencies(
  a: readonly Run[],
  b: readonly Run[],
  { least, wanted }: LatencySettings = latencySettings,
): LatencyComparison {
  const [ofA, ofB] = [usable(a), usable(b)];
  const counts = { runsA: ofA.length, runsB: ofB.length, samplesA: samplesIn(ofA), samplesB: samplesIn(ofB) };
  const [levelsA, levelsB] = [ofA.map(level), ofB.map(level)];
  if (levelsA.length === 0 || levelsB.length === 0) return { word: "too few samples", ...counts };
  const ratio = ratioOf(levelsA, levelsB);
  const interval = ratioInterval(levelsA, levelsB, significance);
  if (!interval) return { word: "too few samples", ratio, ...counts };
  const { low, high } = interval;
  const visible = Math.max(least, visibleIn(interval));
  return { word: wordOf({ ratio, low, high, visible }, { least, wanted }), ratio, low, high, visible, ...counts };
}

export function wordOf(
  { ratio, low, high, visible }: Required<Pick<LatencyComparison, "ratio" | "low" | "high" | "visible">>,
  { least, wanted }: LatencySettings,
): LatencyWord {
  if (low > 1 && ratio >= 1 + least) return "slower";
  if (high < 1 && ratio <= 1 / (1 + least)) return "faster";
  return visible > wanted ? "too few samples" : "no difference seen";
}

/** Half the interval is what is seen in every second comparison; nine of ten take more. */
export function visibleIn({ low, high }: { low: number; high: number }): number {
  return Math.exp((Math.log(high / low) / 2) * (1 + nineOfTen / sure)) - 1;
}

function usable(runs: readonly Run[]): Run[] {
  return runs.filter((run) => samplesOf(run) >= leastSamples);
}

function samplesOf(run: Run): number {
  return "p50" in run ? run.count : run.length;
}

function samplesIn(runs: readonly Run[]): number {
  return runs.reduce((sum, run) => sum + samplesOf(run), 0);
}

/** Clocks have a limited resolution: a duration of 0 was shorter than they can measure. */
function level(run: Run): number {
  return Math.max("p50" in run ? run.p50 : median(run), 0.01);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}
