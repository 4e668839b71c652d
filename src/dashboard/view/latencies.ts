import { type Band, type LatencyPoint, median, usualBand } from "../../history/ask/checks.ts";
import { byRun, compare, getOr, isBad } from "../../history/ask/executions.ts";
import { keyOf } from "../../history/ask/series.ts";
import type { HistoryRecord } from "../../model/history.ts";
import type { StageName, Verdict } from "../../model/report.ts";
import { moment, type Periods, periodAt, periodName } from "./times.ts";

/** How long checks took, over time. Samples aren't needed: older records don't have them. */

export interface LatencyView {
  environment: string;
  stage: StageName;
  check: string;
  title: string;
  /** The newest one that is known. */
  limit?: number;
  /** The newest measurement. */
  last: LatencyPoint;
  /** What was usual before the newest measurement; absent without any. */
  usual?: Band;
  /** Of the newest execution, also if it could not measure. */
  verdict: Verdict;
  /** When the newest run ended, if it could not measure. */
  missedAt?: string;
  runs: number;
  points: LatencyPeriod[];
}

/** A run, or the runs of a day, a week or a month together. */
export interface LatencyPeriod {
  label: string;
  runs: number;
  /** Medians of the runs; absent if none of them could measure. */
  p50?: number;
  p95?: number;
  /** The slowest P95. */
  slowest?: number;
  /** Runs in which the check failed, or could not measure. */
  bad: number;
  /** What was usual before. */
  band?: Band;
}

/** Of shorter series, each run is shown. */
const mostSingle = 40;

interface Series {
  environment: string;
  stage: StageName;
  check: string;
  title: string;
  points: LatencyPoint[];
  /** Executions that failed without a measurement. */
  missed: { at: string; runId: string; verdict: Verdict }[];
}

/** @returns those that need attention first */
export function latenciesOf(records: readonly HistoryRecord[], periods: Periods): LatencyView[] {
  const all = new Map<string, Series>();
  for (const record of [...records].sort(byRun)) {
    const { environment, stage, finishedAt: at, runId, checks } = record;
    for (const { id, title = id, verdict, latency } of checks) {
      const isMeasured = latency !== undefined && latency.count > 0;
      if (!isMeasured && !isBad(verdict)) continue;
      const key = keyOf([environment.name, stage, id]);
      const one = getOr(all, key, () => ({ environment: environment.name, stage, check: id, title, points: [], missed: [] }));
      one.title = title;
      if (isMeasured) one.points.push({ at, runId, verdict, latency });
      else one.missed.push({ at, runId, verdict });
    }
  }
  return [...all.values()]
    .flatMap((series) => viewOf(series, periods))
    .sort(
      (a, b) =>
        Number(isBad(b.verdict)) - Number(isBad(a.verdict)) ||
        slowdownOf(b) - slowdownOf(a) ||
        compare(keyOf([a.check, a.environment, a.stage]), keyOf([b.check, b.environment, b.stage])),
    );
}

/** The newest P95 ÷ the usual one. */
export function slowdownOf({ last, usual }: LatencyView): number {
  return usual && usual.p95 > 0 ? last.latency.p95 / usual.p95 : 1;
}

function viewOf({ points, missed, ...of }: Series, periods: Periods): LatencyView[] {
  const last = points.at(-1);
  if (!last) return [];
  const usual = usualBand(points, points.length - 1);
  const lastMissed = missed.at(-1);
  const limit = points.findLast(({ latency }) => latency.limit !== undefined)?.latency.limit;
  return [
    {
      ...of,
      ...(limit === undefined ? {} : { limit }),
      ...(usual ? { usual } : {}),
      last,
      ...(lastMissed && lastMissed.runId > last.runId
        ? { verdict: lastMissed.verdict, missedAt: lastMissed.at }
        : { verdict: last.verdict }),
      runs: points.length + missed.length,
      points: points.length + missed.length <= mostSingle ? singly(points, missed) : together(points, missed, periods),
    },
  ];
}

function singly(points: readonly LatencyPoint[], missed: Series["missed"]): LatencyPeriod[] {
  const measured = points.map(({ at, runId, verdict, latency: { p50, p95 } }, index) => {
    const band = usualBand(points, index);
    return { runId, label: moment(at), runs: 1, p50, p95, slowest: p95, bad: isBad(verdict) ? 1 : 0, ...(band ? { band } : {}) };
  });
  const others = missed.map(({ at, runId }) => ({ runId, label: moment(at), runs: 1, bad: 1 }));
  return [...measured, ...others].sort((a, b) => compare(a.runId, b.runId)).map(({ runId: _, ...period }) => period);
}

function together(points: readonly LatencyPoint[], missed: Series["missed"], periods: Periods): LatencyPeriod[] {
  const inPeriod = Map.groupBy(points.keys(), (index) => periodAt(periods, points[index]?.at ?? ""));
  const missedIn = Map.groupBy(missed, ({ at }) => periodAt(periods, at));
  return periods.starts.flatMap((_, period) => {
    const indices = inPeriod.get(period) ?? [];
    const measured = indices.flatMap((index) => points[index] ?? []);
    const lost = missedIn.get(period)?.length ?? 0;
    if (measured.length + lost === 0) return [];
    const p95s = measured.map(({ latency }) => latency.p95);
    const band = usualBand(points, indices[0] ?? 0);
    return [
      {
        label: periodName(periods, period),
        runs: measured.length + lost,
        ...(measured.length === 0
          ? {}
          : { p50: median(measured.map(({ latency }) => latency.p50)), p95: median(p95s), slowest: Math.max(...p95s) }),
        bad: measured.filter(({ verdict }) => isBad(verdict)).length + lost,
        ...(band && indices.length > 0 ? { band } : {}),
      },
    ];
  });
}
