import type { HistoryRecord } from "../../model/history.ts";
import { type StageName, type Verdict, worstVerdict } from "../../model/report.ts";

/** Executions of a stage: what the cells of a matrix, and the jobs of a workflow run, said in one attempt. */

export interface Execution {
  environment: string;
  stage: StageName;
  /** Of all its cells together; of those that the attempt didn't start again, as they were before. */
  verdict: Verdict;
  /** ISO 8601, when the first cell started and the last one ended. */
  startedAt: string;
  finishedAt: string;
  attempt: number;
  /** Those of this attempt. */
  records: HistoryRecord[];
  /** What all attempts of one workflow run share. */
  run: string;
}

/** @returns the oldest first, whatever the order of the records */
export function executionsOf(records: readonly HistoryRecord[]): Execution[] {
  const runs = new Map<string, Map<number, HistoryRecord[]>>();
  for (const record of records) {
    const attempts = getOr(runs, `${record.environment.name} ${record.stage} ${runOf(record)}`, () => new Map());
    getOr(attempts, attemptOf(record), () => []).push(record);
  }
  const all: Execution[] = [];
  for (const attempts of runs.values()) {
    const cells = new Map<string, Verdict>();
    for (const [attempt, unordered] of [...attempts].sort(([a], [b]) => a - b)) {
      const ordered = unordered.sort(byRun);
      for (const { origin, verdict } of ordered) cells.set(`${origin.job ?? ""} ${origin.cell ?? ""}`, verdict);
      all.push(execution(ordered, attempt, together([...cells.values()])));
    }
  }
  return all.sort((a, b) => compare(a.startedAt, b.startedAt) || compare(a.run, b.run) || compare(a.stage, b.stage));
}

function execution(records: HistoryRecord[], attempt: number, verdict: Verdict): Execution {
  const [first] = records;
  if (!first) throw new Error("an execution has a record");
  const { environment, stage } = first;
  const startedAt = records.map((one) => one.startedAt).reduce(earlier);
  const finishedAt = records.map((one) => one.finishedAt).reduce(later);
  return { environment: environment.name, stage, verdict, startedAt, finishedAt, attempt, records, run: runOf(first) };
}

/** In a terminal, each run stands alone. */
export function runOf({ origin, runId }: HistoryRecord): string {
  return origin.workflowRun === undefined ? runId : `${origin.repository ?? ""}#${origin.workflowRun}`;
}

export function attemptOf({ origin }: HistoryRecord): number {
  const attempt = Number(origin.attempt);
  return Number.isSafeInteger(attempt) && attempt > 0 ? attempt : 1;
}

/** Where nothing was checked, nothing passed, and nothing is wrong. */
export function together(parts: readonly Verdict[]): Verdict {
  return parts.length > 0 && parts.every((part) => part === "skipped") ? "skipped" : worstVerdict(parts);
}

/** Something is wrong, or nobody knows. */
export function isBad(verdict: Verdict): boolean {
  return verdict === "failed" || verdict === "error";
}

export function byRun(a: HistoryRecord, b: HistoryRecord): number {
  return compare(a.runId, b.runId) || compare(a.stage, b.stage) || compare(a.environment.name, b.environment.name);
}

/** By code units, so that the order is the same everywhere. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function earlier(a: string, b: string): string {
  return compare(a, b) <= 0 ? a : b;
}

export function later(a: string, b: string): string {
  return compare(a, b) >= 0 ? a : b;
}

export function getOr<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
