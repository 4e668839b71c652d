import { type Band, type LatencyPoint, latencySeries, usualBand } from "../history/ask/checks.ts";
import { keyOf, type Series } from "../history/ask/series.ts";
import { count } from "../lib/count.ts";
import { rankTest, ratioOf } from "../lib/rank-test.ts";
import type { HistoryRecord } from "../model/history.ts";
import { opensTheGate, type StageName, type Verdict } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { meant, type Shown } from "./history.ts";
import { minute } from "./history-runs.ts";
import { seriesText } from "./history-tests.ts";
import { sparkline } from "./marks.ts";
import { type Part, verdictStyles } from "./screen.ts";

/** Latencies of checks over runs. */

interface CheckHistory extends Pick<Series, "environment" | "stage" | "project"> {
  check: string;
  title: string;
  /** The newest run that measured. */
  now: LatencyPoint;
  /** The newest run, if the check failed there without a measurement. */
  missed?: { at: string; runId: string; verdict: Verdict };
  /** The medians of the runs before; absent for the first run. */
  usual?: Band;
  trend?: Trend;
  /** Oldest first. */
  points: LatencyPoint[];
}

/** How much the P95 of the newest runs differs from those before: 1.2 is a fifth slower. Absent unless chance can't explain it. */
interface Trend {
  direction: "slower" | "faster";
  ratio: number;
  runs: number;
  before: number;
}

const bandRuns = 20;
const trendRuns = 5;
/** Fewer runs can't show that it is no accident. */
const leastBefore = 10;
/** Many checks are looked at, so one in a thousand is already often. */
const chance = 0.001;
const leastDifference = 1.1;
const sparkWidth = 20;
const wideSpark = 50;
const pointsListed = 10;

export function checksShown(records: readonly HistoryRecord[], id: string | undefined, limit: number): Shown {
  const all = historiesOf(records, limit);
  const shown = id === undefined ? all : all.filter(({ check }) => check === id);
  if (id !== undefined && shown.length === 0) throw new UserError("EA8131", unknownCheck(records, all, id));
  return {
    lines:
      shown.length === 0 ? [["  No check measured a latency."]] : id === undefined ? listLines(shown) : shown.flatMap(checkLines),
    json: { limit, checks: id === undefined ? shown.map(({ points: _, ...check }) => check) : shown },
  };
}

function historiesOf(records: readonly HistoryRecord[], limit: number): CheckHistory[] {
  const found = new Map<
    string,
    {
      environment: string;
      stage: StageName;
      project?: string;
      check: string;
      title: string;
      records: HistoryRecord[];
      missed?: CheckHistory["missed"];
    }
  >();
  for (const record of records)
    for (const { id, title = id, verdict, latency } of record.checks) {
      const { project, finishedAt: at, runId } = record;
      const of = { environment: record.environment.name, stage: record.stage, check: id };
      const key = keyOf([...Object.values(of), project]);
      const known = found.get(key);
      if (!latency || latency.count === 0) {
        if (known && !opensTheGate(verdict) && verdict !== "skipped") known.missed = { at, runId, verdict };
        continue;
      }
      if (known) delete known.missed;
      if (known) known.records.push(record);
      else found.set(key, { ...of, ...(project === undefined ? {} : { project }), title, records: [record] });
    }
  return [...found.values()]
    .flatMap(({ records: own, missed, ...of }): CheckHistory[] => {
      const series = latencySeries(own, of).slice(-limit);
      const now = series.at(-1);
      if (!now) return [];
      const usual = usualBand(series, series.length - 1, bandRuns);
      const trend = trendOf(series);
      return [
        { ...of, now, ...(usual ? { usual } : {}), ...(trend ? { trend } : {}), ...(missed ? { missed } : {}), points: series },
      ];
    })
    .sort((a, b) => compare(a.environment, b.environment) || compare(a.stage, b.stage) || compare(a.check, b.check));
}

function trendOf(series: readonly LatencyPoint[]): Trend | undefined {
  const values = series
    .filter(({ verdict, latency }) => opensTheGate(verdict) && latency.p95 > 0)
    .map(({ latency }) => latency.p95);
  const [later, earlier] = [values.slice(-trendRuns), values.slice(-trendRuns - bandRuns, -trendRuns)];
  if (later.length < trendRuns || earlier.length < leastBefore) return undefined;
  const ratio = ratioOf(later, earlier);
  const isSlower = ratio > 1;
  if (Math.max(ratio, 1 / ratio) < leastDifference) return undefined;
  const { p } = isSlower ? rankTest(later, earlier) : rankTest(earlier, later);
  return p < chance
    ? { direction: isSlower ? "slower" : "faster", ratio, runs: later.length, before: earlier.length }
    : undefined;
}

function listLines(checks: readonly CheckHistory[]): Part[][] {
  const groups = Map.groupBy(checks, seriesText);
  return [...groups].flatMap(([title, group], at): Part[][] => [
    ...(at > 0 ? [[""]] : []),
    [[title, "bold"]],
    ...group.flatMap((check): Part[][] => [
      [
        `  ${sparkline(p95sOf(check.points.slice(-sparkWidth))).padStart(sparkWidth)}  `,
        [nowText(check), verdictStyles[check.missed?.verdict ?? check.now.verdict]],
        `  ${check.check}`,
        ...(check.title === check.check ? [] : [[`  ${check.title}`, "gray"] satisfies Part]),
      ],
      ...(check.trend ? [[[`  ${" ".repeat(sparkWidth)}  ${trendText(check.trend)}`, "yellow"] satisfies Part]] : []),
    ]),
  ]);
}

function checkLines(check: CheckHistory): Part[][] {
  const { points, now, trend } = check;
  const rows = Array.from({ length: Math.ceil(points.length / wideSpark) }, (_, row) =>
    points.slice(row * wideSpark, (row + 1) * wideSpark),
  );
  // One scale for all rows.
  const picture = sparkline(p95sOf(points));
  const slowest = points.reduce((a, b) => (b.latency.p95 > a.latency.p95 ? b : a), now);
  return [
    [[`${check.check}`, "bold"], `  ${check.title === check.check ? "" : `${check.title}, `}${seriesText(check)}`],
    ...rows.map((_, row): Part[] => [`  ${picture.slice(row * wideSpark, (row + 1) * wideSpark)}`]),
    [
      [
        `  P95 of ${count(points.length, "run")}, oldest first; a full block is ${ms(slowest.latency.p95)} (${minute(slowest.at)}, run ${slowest.runId})`,
        "gray",
      ],
    ],
    [[`  ${nowText(check)}`, verdictStyles[check.missed?.verdict ?? now.verdict]]],
    ...(trend ? [[[`  ${trendText(trend)}`, "yellow"] satisfies Part]] : []),
    ...points
      .slice(-pointsListed)
      .reverse()
      .map(({ at, runId, verdict, latency: { p50, p95, max, count: samples } }): Part[] => [
        `    ${minute(at)}  P50 ${ms(p50).padStart(8)}  P95 ${ms(p95).padStart(8)}  slowest ${ms(max).padStart(8)}  ${count(samples, "sample")}  `,
        [verdict, verdictStyles[verdict]],
        `  ${runId}`,
      ]),
    [""],
  ];
}

/** `P95 84 ms (median of 20 runs before: 71 ms), limit 500 ms`. */
function nowText({ now: { latency }, usual, missed }: CheckHistory): string {
  const newest = missed ? `${missed.verdict} at ${minute(missed.at)} without a measurement; before that, ` : "";
  const before = usual ? ` (median of ${count(usual.runs, "run")} before: ${ms(usual.p95)})` : " (no run before)";
  return `${newest}P95 ${ms(latency.p95)}${before}${latency.limit === undefined ? "" : `, limit ${ms(latency.limit)}`}`;
}

function trendText({ direction, ratio, runs, before }: Trend): string {
  const percent = Math.round(Math.abs(ratio - 1) * 100);
  return `▲ ${direction}: the P95 of the last ${runs} runs is about ${percent} % ${direction === "slower" ? "above" : "below"} the ${before} before`;
}

function p95sOf(points: readonly LatencyPoint[]): number[] {
  return points.map(({ latency }) => latency.p95);
}

/** `84 ms`, `1.4 ms`. */
export function ms(value: number): string {
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ms`;
}

function unknownCheck(records: readonly HistoryRecord[], all: readonly CheckHistory[], id: string): string {
  const isKnown = records.some(({ checks }) => checks.some((check) => check.id === id));
  const measured = all.map(({ check }) => check);
  return isKnown
    ? `the check "${id}" measures no latency; ${meant(id, measured)}`
    : `no record has a check "${id}"; ${meant(id, measured)}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
