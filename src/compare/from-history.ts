import type { HistoryCheck, HistoryLatency, HistoryRecord } from "../model/history.ts";
import { opensTheGate, type StageName } from "../model/report.ts";
import { compareLatencies, type LatencyComparison, type LatencySettings, latencySettings, type Run } from "./latency.ts";

/** The latencies of two environments, as their runs left them in the history. */

export interface CheckComparison extends LatencyComparison {
  /** Its id. */
  check: string;
  /** Of which application, if the repository has several: two of them may have checks of the same name. */
  project?: string;
  title: string;
  /** When the first and the last of the runs compared ended, ISO 8601. Absent without runs. */
  periodA?: Period;
  periodB?: Period;
}

export interface Period {
  from: string;
  to: string;
}

export interface HistoryChoice {
  /** At most this many runs of each environment. */
  runs: number;
  settings: LatencySettings;
}

const usual: HistoryChoice = { runs: 50, settings: latencySettings };

/** What is needed of a record. */
export type MeasuredRecord = Pick<
  HistoryRecord,
  "environment" | "project" | "stage" | "runId" | "verdict" | "origin" | "finishedAt" | "checks"
>;

interface FoundRun {
  at: number;
  stage: StageName;
  run: Run;
}

/**
 * Compares each latency that both environments measure.
 * @param records of any environments and stages, in any order
 * @param a the environment that is judged: the word says whether it is slower or faster than `b`
 */
export function compareEnvironments(
  records: readonly MeasuredRecord[],
  a: string,
  b: string,
  { runs, settings }: HistoryChoice = usual,
): CheckComparison[] {
  const [ofA, ofB] = [measuredIn(records, a), measuredIn(records, b)];
  return [...ofA.keys()].sort().flatMap((key): CheckComparison[] => {
    const [foundA, foundB] = [ofA.get(key), ofB.get(key)];
    if (!foundA || !foundB) return [];
    const [runsA, runsB] = sameMoments(...sameStages(foundA.runs, foundB.runs), runs);
    const compared = compareLatencies(runsOf(runsA), runsOf(runsB), settings);
    const [periodA, periodB] = [periodOf(runsA), periodOf(runsB)];
    return [{ ...foundA.of, title: foundA.title, ...compared, ...(periodA ? { periodA } : {}), ...(periodB ? { periodB } : {}) }];
  });
}

/** Checks whose latency only one of the environments has measured. */
export function onlyInOne(records: readonly MeasuredRecord[], a: string, b: string): { a: string[]; b: string[] } {
  const [ofA, ofB] = [measuredIn(records, a), measuredIn(records, b)];
  const lacks = (some: MeasuredChecks, others: MeasuredChecks) =>
    [...some].flatMap(([key, { of }]) => (others.has(key) ? [] : [of.check])).sort();
  return { a: lacks(ofA, ofB), b: lacks(ofB, ofA) };
}

/** By application and check. */
type MeasuredChecks = Map<string, { of: Pick<CheckComparison, "check" | "project">; title: string; runs: FoundRun[] }>;

/** Runs oldest first. */
function measuredIn(records: readonly MeasuredRecord[], environment: string): MeasuredChecks {
  const found = new Map<string, { newest: { record: MeasuredRecord; check: HistoryCheck }; runs: Map<string, Cells> }>();
  for (const record of records) {
    if (record.environment.name !== environment || !isHealthy(record)) continue;
    for (const check of record.checks) {
      if (!isMeasured(check)) continue;
      const key = JSON.stringify([record.project ?? "", check.id]);
      const known = found.get(key) ?? { newest: { record, check }, runs: new Map<string, Cells>() };
      if (record.finishedAt >= known.newest.record.finishedAt) known.newest = { record, check };
      const run = known.runs.get(runKey(record)) ?? { record, latencies: [] };
      run.latencies.push(check.latency);
      known.runs.set(runKey(record), run);
      found.set(key, known);
    }
  }
  return new Map(
    [...found].map(
      ([
        key,
        {
          newest: { record, check },
          runs,
        },
      ]) => [
        key,
        {
          of: { check: check.id, ...(record.project === undefined ? {} : { project: record.project }) },
          title: check.title ?? check.id,
          runs: [...runs.values()].map(runOf).sort((x, y) => x.at - y.at),
        },
      ],
    ),
  );
}

/** What the cells of one run measured. */
interface Cells {
  record: MeasuredRecord;
  latencies: HistoryLatency[];
}

function runOf({ record, latencies }: Cells): FoundRun {
  return { at: Date.parse(record.finishedAt), stage: record.stage, run: joined(latencies) };
}

/** A run that failed only because it was slower than others is a measurement all the same: without it, slow runs would never add up. */
function isHealthy({ verdict, checks }: MeasuredRecord): boolean {
  if (verdict !== "failed") return opensTheGate(verdict);
  const wrong = checks.filter((check) => !opensTheGate(check.verdict) && check.verdict !== "skipped");
  return wrong.length > 0 && wrong.every(({ id }) => /^(?:baseline|compare)\./.test(id));
}

/** A slow answer is degraded, and belongs to the comparison; a failed one may have measured an error page. */
function isMeasured(check: HistoryCheck): check is HistoryCheck & { latency: HistoryLatency } {
  return check.latency !== undefined && check.latency.count > 1 && opensTheGate(check.verdict);
}

/** The cells of a matrix measure at the same time, so that they are one run. */
function runKey({ origin, stage, runId }: MeasuredRecord): string {
  return origin.workflowRun === undefined ? runId : `${origin.workflowRun}/${origin.attempt ?? ""}/${stage}`;
}

function joined(latencies: readonly HistoryLatency[]): Run {
  const samples = latencies.flatMap((latency) => latency.samples ?? []);
  if (latencies.every((latency) => latency.samples)) return samples;
  const medians = latencies.map(({ p50 }) => p50).sort((x, y) => x - y);
  return {
    p50: medians[Math.floor((medians.length - 1) / 2)] ?? 0,
    count: latencies.reduce((sum, { count }) => sum + count, 0),
  };
}

/** Stages that measure at other moments of a run are left out, if both environments have one in common. */
function sameStages(a: readonly FoundRun[], b: readonly FoundRun[]): [FoundRun[], FoundRun[]] {
  const common = new Set(a.map(({ stage }) => stage).filter((stage) => b.some((run) => run.stage === stage)));
  const of = (runs: readonly FoundRun[]) => (common.size === 0 ? [...runs] : runs.filter(({ stage }) => common.has(stage)));
  return [of(a), of(b)];
}

/**
 * The newest runs of the environment that has fewer, and of the other one those that are nearest in time: an afternoon beside five months
 * would compare the afternoon.
 */
function sameMoments(a: readonly FoundRun[], b: readonly FoundRun[], most: number): [FoundRun[], FoundRun[]] {
  const [newestA, newestB] = [a.slice(-most), b.slice(-most)];
  const begin = (runs: readonly FoundRun[]) => runs[0]?.at ?? Number.POSITIVE_INFINITY;
  return begin(newestA) <= begin(newestB) ? [newestA, nearestTo(newestA, b, most)] : [nearestTo(newestB, a, most), newestB];
}

/** Of each wanted moment the nearest run, then the second nearest of each, and so on. */
function nearestTo(wanted: readonly FoundRun[], runs: readonly FoundRun[], most: number): FoundRun[] {
  const left = [...runs];
  const chosen: FoundRun[] = [];
  while (wanted.length > 0 && left.length > 0 && chosen.length < most)
    for (const { at } of wanted) {
      const distances = left.map((run) => Math.abs(run.at - at));
      const nearest = distances.indexOf(Math.min(...distances));
      if (chosen.length < most) chosen.push(...left.splice(nearest, 1));
    }
  return chosen.sort((x, y) => x.at - y.at);
}

function runsOf(found: readonly FoundRun[]): Run[] {
  return found.map(({ run }) => run);
}

function periodOf(found: readonly FoundRun[]): Period | undefined {
  const [first, last] = [found[0], found.at(-1)];
  return first && last ? { from: new Date(first.at).toISOString(), to: new Date(last.at).toISOString() } : undefined;
}
