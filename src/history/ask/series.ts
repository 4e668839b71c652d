import type { HistoryRecord } from "../../model/history.ts";
import type { StageName } from "../../model/report.ts";

/**
 * The executions that can be compared with each other: of one stage, in one environment, in the same job and cell of a matrix. In
 * another cell other tests may run, so its executions belong into no denominator of this one.
 */
export interface Series {
  environment: string;
  stage: StageName;
  /** The configuration's path, which tells the applications of a repository apart. */
  project?: string;
  job?: string;
  cell?: string;
}

export function seriesOf({ environment, stage, project, origin: { job, cell } }: HistoryRecord): Series {
  return {
    environment: environment.name,
    stage,
    ...(project === undefined ? {} : { project }),
    ...(job === undefined ? {} : { job }),
    ...(cell === undefined ? {} : { cell }),
  };
}

/** Groups records, and keeps their order. */
export function bySeries(records: readonly HistoryRecord[]): { series: Series; records: HistoryRecord[] }[] {
  const groups = Map.groupBy(records, (record) => seriesKey(seriesOf(record)));
  return [...groups.values()].flatMap((group) => (group[0] ? [{ series: seriesOf(group[0]), records: group }] : []));
}

function seriesKey({ environment, stage, project, job, cell }: Series): string {
  return keyOf([environment, stage, project, job, cell]);
}

export function isSameSeries(a: Series, b: Series): boolean {
  return seriesKey(a) === seriesKey(b);
}

/** No text of others can make two lists equal. */
export function keyOf(parts: readonly (string | undefined)[]): string {
  return JSON.stringify(parts.map((part) => part ?? null));
}
