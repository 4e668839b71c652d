import type { HistoryRecord } from "../../model/history.ts";
import { type StageName, stageNames } from "../../model/report.ts";
import { compare, type Execution, executionsOf, getOr, isBad, later } from "./executions.ts";

/** How environments are, as far as their records say. */

export interface EnvironmentHealth {
  name: string;
  access: HistoryRecord["environment"]["access"];
  /** Of its stages, the worst. */
  state: HealthState;
  /** In the gate's order. */
  stages: StageHealth[];
  /** Of the newest record of any stage. */
  newest: string;
}

/** `stale`: the last verdict was good, and is too old to say anything about now. */
export type HealthState = "failed" | "error" | "stale" | "degraded" | "skipped" | "passed";

export interface StageHealth {
  environment: string;
  stage: StageName;
  state: HealthState;
  last: Execution;
  ageMs: number;
  /** The last execution is too old to say anything about now, also if it failed. */
  isStale: boolean;
  /** When the first of those executions started that ended as the last one: good, bad or skipped; and how many they are. */
  since: string;
  inARow: number;
  /** The history goes no further back, so it may be so for longer. */
  isSinceStart: boolean;
  /** All, oldest first. */
  executions: Execution[];
}

const worstFirst: readonly HealthState[] = ["failed", "error", "stale", "degraded", "skipped", "passed"];

/** @returns the worst environment first */
export function healthOf(records: readonly HistoryRecord[], now: number, staleAfterMs: number): EnvironmentHealth[] {
  const environments = new Map<string, Map<StageName, Execution[]>>();
  for (const execution of executionsOf(records)) {
    const stages = getOr(environments, execution.environment, () => new Map());
    getOr(stages, execution.stage, () => []).push(execution);
  }
  return [...environments]
    .map(([name, stages]): EnvironmentHealth => {
      const health = stageNames.flatMap((stage) => {
        const executions = stages.get(stage);
        return executions ? [stageHealth(executions, now, staleAfterMs)] : [];
      });
      const newest = health.map(({ last }) => last.finishedAt).reduce(later);
      const access =
        health.find(({ last }) => last.finishedAt === newest)?.last.records.at(-1)?.environment.access ?? "read-only";
      return { name, access, state: worstState(health.map(({ state }) => state)), stages: health, newest };
    })
    .sort(byNeed);
}

function stageHealth(executions: Execution[], now: number, staleAfterMs: number): StageHealth {
  const last = executions.at(-1);
  if (!last) throw new Error("a stage with a record was executed");
  const ageMs = now - Date.parse(last.finishedAt);
  // A time that can't be read is as old as can be.
  const isStale = !(ageMs <= staleAfterMs);
  const before = executions.findLastIndex((one) => endOf(one) !== endOf(last));
  return {
    environment: last.environment,
    stage: last.stage,
    state: isBad(last.verdict) ? last.verdict : isStale ? "stale" : last.verdict,
    last,
    ageMs,
    isStale,
    since: executions[before + 1]?.startedAt ?? last.startedAt,
    inARow: executions.length - 1 - before,
    isSinceStart: before === -1,
    executions,
  };
}

function endOf({ verdict }: Execution): "good" | "bad" | "skipped" {
  return isBad(verdict) ? "bad" : verdict === "skipped" ? "skipped" : "good";
}

export function worstState(states: readonly HealthState[]): HealthState {
  return worstFirst.find((state) => states.includes(state)) ?? "skipped";
}

/** The worst, of these the one with more that is wrong, and of these the one that has been so for longer. */
function byNeed(a: EnvironmentHealth, b: EnvironmentHealth): number {
  const rank = ({ state }: EnvironmentHealth) => worstFirst.indexOf(state);
  const worst = ({ state, stages }: EnvironmentHealth) => stages.filter((stage) => stage.state === state);
  const since = (one: EnvironmentHealth) =>
    worst(one)
      .map(({ since }) => since)
      .sort()[0] ?? "";
  return rank(a) - rank(b) || worst(b).length - worst(a).length || compare(since(a), since(b)) || compare(a.name, b.name);
}
