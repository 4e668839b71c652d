import { median } from "../../history/ask/checks.ts";
import { compare, getOr } from "../../history/ask/executions.ts";
import { bySeries, keyOf, type Series } from "../../history/ask/series.ts";
import { badOf, type TestRate, testKey, testRates } from "../../history/ask/tests.ts";
import type { HistoryRecord, HistoryTest } from "../../model/history.ts";

/** Tests over runs. Only the newest runs of each series count, so that a mended test leaves the list. */

export const shortWindow = 20;
export const longWindow = 100;

export interface FlakyTest {
  /** In the last 100 runs. */
  long: TestRate;
  /** In the last 20 runs. */
  short: TestRate;
}

/** @param records oldest first @returns the most flaky first, and those that only failed last */
export function flakyTestsOf(records: readonly HistoryRecord[]): FlakyTest[] {
  const short = new Map(testRates(newest(records, shortWindow)).map((rate) => [rateKey(rate), rate]));
  const runs = new Map(bySeries(newest(records, shortWindow)).map(({ series, records }) => [seriesKey(series), records.length]));
  return testRates(newest(records, longWindow))
    .map((long): FlakyTest => {
      const none = { ...long, runs: runs.get(seriesKey(long)) ?? 0, failed: 0, flaky: 0, quarantined: 0 };
      return { long, short: short.get(rateKey(long)) ?? none };
    })
    .sort(
      (a, b) =>
        flakinessOf(b.long) - flakinessOf(a.long) || badOf(b.long) - badOf(a.long) || compare(rateKey(a.long), rateKey(b.long)),
    );
}

/** Of the tests that nobody has put into quarantine; a test that always fails is broken, not flaky. */
export function flakiestOf(tests: readonly FlakyTest[]): FlakyTest | undefined {
  return tests.find(({ long }) => long.flaky > 0);
}

/** The share of runs in which it was flaky, at least (95 % sure): one of one run says less than ten of twenty. */
export function flakinessOf({ flaky, runs }: TestRate): number {
  if (flaky === 0 || runs === 0) return 0;
  const [z, share] = [1.96, flaky / runs];
  const middle = share + z ** 2 / (2 * runs);
  const spread = z * Math.sqrt((share * (1 - share)) / runs + z ** 2 / (4 * runs ** 2));
  return (middle - spread) / (1 + z ** 2 / runs);
}

export interface SlowTest {
  test: HistoryTest;
  series: Series;
  /** Milliseconds. */
  median: number;
  slowest: number;
  /** Runs in which it was among the slowest. */
  runs: number;
  /** Runs that were looked at. */
  of: number;
}

/** Of the last 20 runs of each series, the slowest first; each test once, where it is the slowest. */
export function slowTestsOf(records: readonly HistoryRecord[]): SlowTest[] {
  const all = bySeries(records.filter(({ tests }) => tests)).flatMap(({ series, records }) => {
    const found = new Map<string, { test: HistoryTest; times: number[] }>();
    const last = records.slice(-shortWindow);
    for (const { tests } of last)
      for (const { durationMs, ...test } of tests?.slowest ?? [])
        getOr(found, testKey(test), () => ({ test, times: [] })).times.push(durationMs);
    return [...found.values()].map(({ test, times }) => ({
      ...{ test, series, median: median(times), slowest: Math.max(...times), runs: times.length, of: last.length },
    }));
  });
  const once = new Map<string, SlowTest>();
  const keys = new Map(all.map((one) => [one, `${testKey(one.test)} ${seriesKey(one.series)}`]));
  for (const one of all.sort((a, b) => b.median - a.median || compare(keys.get(a) ?? "", keys.get(b) ?? "")))
    getOr(once, keyOf([one.test.name, one.test.file]), () => one);
  return [...once.values()];
}

function newest(records: readonly HistoryRecord[], runs: number): HistoryRecord[] {
  return bySeries(records.filter(({ tests }) => tests)).flatMap(({ records }) => records.slice(-runs));
}

function rateKey(rate: TestRate): string {
  return `${testKey(rate.test)} ${seriesKey(rate)}`;
}

function seriesKey({ environment, stage, job, cell }: Series): string {
  return keyOf([environment, stage, job, cell]);
}
