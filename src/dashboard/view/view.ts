import { type DataHistory, type DataSums, dataOf, sumOf } from "../../history/ask/data.ts";
import { byRun } from "../../history/ask/executions.ts";
import { copiesOf, expiriesOf, type KnownCopy, type KnownExpiry } from "../../history/ask/expiry.ts";
import { type CommitGate, gatesOf } from "../../history/ask/gates.ts";
import { type EnvironmentHealth, healthOf } from "../../history/ask/health.ts";
import type { HistoryRecord } from "../../model/history.ts";
import { type Beside, besideReference } from "./beside.ts";
import { type LatencyView, latenciesOf } from "./latencies.ts";
import { type PassRates, passRatesOverTime, type StageOverTime, verdictsOverTime } from "./over-time.ts";
import { type FlakyTest, flakyTestsOf, type SlowTest, slowTestsOf } from "./tests.ts";
import { type Periods, periodAt, periodsOf } from "./times.ts";

/** All that the page says, as data. */

export interface DashboardOptions {
  /** When the page is made, in milliseconds. */
  now: number;
  /** A good verdict that is older says nothing about now. */
  staleAfterMs: number;
  title?: string;
  /** Files that are no records. */
  unreadable?: readonly { name: string; why: string }[];
}

export interface DashboardView {
  title: string;
  now: number;
  staleAfterMs: number;
  records: number;
  /** When the first and the last execution ended. Absent without records. */
  span?: { oldest: string; newest: string };
  periods: Periods;
  /** The worst first. */
  environments: EnvironmentHealth[];
  verdicts: StageOverTime[];
  gates: CommitGate[];
  latencies: LatencyView[];
  beside: Beside[];
  passRates: PassRates[];
  flaky: FlakyTest[];
  slow: SlowTest[];
  data: DataHistory;
  /** As many as there are periods. */
  dataOverTime: DataSums[];
  copies: KnownCopy[];
  expiries: KnownExpiry[];
  unreadable: readonly { name: string; why: string }[];
  /** Newest first. */
  cut: { record: HistoryRecord; more: readonly string[] }[];
}

/** @param records in any order */
export function dashboardView(records: readonly HistoryRecord[], options: DashboardOptions): DashboardView {
  const ordered = [...records].sort(byRun);
  const { now, staleAfterMs, unreadable = [] } = options;
  const span = spanOf(ordered);
  const newest = span ? Date.parse(span.newest) : now;
  const periods = periodsOf(span ? Date.parse(span.oldest) : now, Number.isFinite(newest) ? newest : now);
  const environments = healthOf(ordered, now, staleAfterMs);
  const data = dataOf(ordered);
  return {
    title: options.title ?? titleOf(ordered),
    ...{ now, staleAfterMs, records: ordered.length, periods, environments, data },
    ...(span ? { span } : {}),
    verdicts: verdictsOverTime(environments, periods),
    gates: gatesOf(ordered),
    latencies: latenciesOf(ordered, periods),
    beside: besideReference(ordered, environments),
    passRates: passRatesOverTime(ordered, periods),
    flaky: flakyTestsOf(ordered),
    slow: slowTestsOf(ordered),
    dataOverTime: dataByPeriod(data, periods),
    copies: copiesOf(ordered),
    expiries: expiriesOf(ordered, now),
    unreadable: [...unreadable].sort((a, b) => (a.name < b.name ? -1 : 1)),
    cut: ordered.flatMap((record) => (record.more ? [{ record, more: record.more }] : [])).reverse(),
  };
}

function spanOf(records: readonly HistoryRecord[]): DashboardView["span"] {
  const [first] = records;
  if (!first) return undefined;
  const found = { oldest: first.finishedAt, newest: first.finishedAt };
  for (const { finishedAt } of records) {
    if (finishedAt < found.oldest) found.oldest = finishedAt;
    if (finishedAt > found.newest) found.newest = finishedAt;
  }
  return found;
}

function titleOf(records: readonly HistoryRecord[]): string {
  const repository = records.findLast(({ origin }) => origin.repository !== undefined)?.origin.repository;
  return repository === undefined ? "Environments" : `Environments of ${repository}`;
}

function dataByPeriod({ runs }: DataHistory, periods: Periods): DataSums[] {
  const inPeriod = Map.groupBy(runs, ({ at }) => periodAt(periods, at));
  return periods.starts.map((_, period) => sumOf(inPeriod.get(period) ?? []));
}
