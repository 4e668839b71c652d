import type { HistoryRecord } from "../../model/history.ts";
import type { Commit, StageName, Verdict } from "../../model/report.ts";
import { worstVerdict } from "../../model/report.ts";
import { bySeries, keyOf } from "./series.ts";

/**
 * Records of one run: the stages of one attempt of a workflow run, or of one gate in a terminal. There a stage can be run again and again
 * within a gate: each time is a run.
 */
export interface Run {
  /** `19622481730`, `19622481730.2` for its second attempt, or the id of the gate in a terminal; of a further run its first stage's. */
  id: string;
  /** When the first stage began and the last one ended, ISO 8601. */
  startedAt: string;
  finishedAt: string;
  /** Milliseconds in stages: of those that ran in several cells the longest. */
  durationMs: number;
  branch?: string;
  isDefaultBranch?: true;
  commit: Commit;
  /** In the order in which they began. */
  stages: RunStage[];
  records: HistoryRecord[];
}

export interface RunStage {
  stage: StageName;
  environment: string;
  /** The worst of its cells. */
  verdict: Verdict;
  /** In how many jobs and cells it ran. */
  cells: number;
  durationMs: number;
  runIds: string[];
}

/**
 * The newest run first.
 * @param records oldest first
 */
export function runsOf(records: readonly HistoryRecord[]): Run[] {
  const groups = Map.groupBy(records, runKey);
  return [...groups.values()]
    .flatMap((group) => timesOf(group).flatMap((time, at) => (time[0] ? [runOf(time[0], time, at)] : [])))
    .sort((a, b) => compare(b.startedAt, a.startedAt));
}

/** What people call the run of a record. */
export function runName({ origin: { workflowRun, attempt }, gateId, runId }: HistoryRecord): string {
  if (workflowRun === undefined) return gateId ?? runId;
  return attempt === undefined || attempt === "1" ? workflowRun : `${workflowRun}.${attempt}`;
}

function runKey(record: HistoryRecord): string {
  return keyOf([record.origin.repository, runName(record)]);
}

/** Of a gate in a terminal, the records up to the next time that one of its stages ran. */
function timesOf(records: readonly HistoryRecord[]): HistoryRecord[][] {
  const times: { stages: Set<string>; records: HistoryRecord[] }[] = [];
  for (const record of records) {
    const stage = keyOf([record.stage, record.environment.name, record.origin.cell, record.project]);
    const now = times.at(-1);
    if (!now || (record.origin.kind === "terminal" && now.stages.has(stage)))
      times.push({ stages: new Set([stage]), records: [record] });
    else {
      now.stages.add(stage);
      now.records.push(record);
    }
  }
  return times.map(({ records: all }) => all);
}

function runOf(first: HistoryRecord, records: readonly HistoryRecord[], at: number): Run {
  const last = bySeries(records).flatMap(({ records: executions }) => executions.slice(-1));
  const stages = [...Map.groupBy(last, ({ stage, environment }) => keyOf([stage, environment.name])).values()].flatMap(stageOf);
  const { branch, isDefaultBranch } = first;
  return {
    id: at === 0 ? runName(first) : first.runId,
    startedAt: records.map(({ startedAt }) => startedAt).sort()[0] ?? first.startedAt,
    finishedAt:
      records
        .map(({ finishedAt }) => finishedAt)
        .sort()
        .at(-1) ?? first.finishedAt,
    durationMs: stages.reduce((sum, { durationMs }) => sum + durationMs, 0),
    ...(branch === undefined ? {} : { branch }),
    ...(isDefaultBranch ? { isDefaultBranch } : {}),
    commit: first.commit,
    stages,
    records: last,
  };
}

function stageOf(records: readonly HistoryRecord[]): RunStage[] {
  const [first] = records;
  if (!first) return [];
  const found = records.map(({ verdict }) => verdict);
  return [
    {
      stage: first.stage,
      environment: first.environment.name,
      // A stage that was only skipped is no error.
      verdict: found.every((verdict) => verdict === "skipped") ? "skipped" : worstVerdict(found),
      cells: records.length,
      durationMs: Math.max(...records.map(({ durationMs }) => durationMs)),
      runIds: records.map(({ runId }) => runId),
    },
  ];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
