import { compare, getOr } from "../../history/ask/executions.ts";
import type { EnvironmentHealth } from "../../history/ask/health.ts";
import { keyOf } from "../../history/ask/series.ts";
import type { HistoryRecord } from "../../model/history.ts";
import type { StageName, Verdict } from "../../model/report.ts";
import { type Periods, periodAt } from "./times.ts";

/** Verdicts and tests, counted by period. */

export type Verdicts = Record<Verdict, number>;

export interface StageOverTime {
  environment: string;
  stage: StageName;
  total: Verdicts;
  /** As many as there are periods. */
  periods: Verdicts[];
}

export function verdictsOverTime(environments: readonly EnvironmentHealth[], periods: Periods): StageOverTime[] {
  return environments.flatMap(({ stages }) =>
    stages.map(({ environment, stage, executions }) => {
      const [total, counts] = [noVerdicts(), periods.starts.map(noVerdicts)];
      for (const { verdict, finishedAt } of executions) {
        total[verdict]++;
        const period = counts[periodAt(periods, finishedAt) ?? -1];
        if (period) period[verdict]++;
      }
      return { environment, stage, total, periods: counts };
    }),
  );
}

function noVerdicts(): Verdicts {
  return { passed: 0, degraded: 0, failed: 0, error: 0, skipped: 0 };
}

export function amountOf(verdicts: Verdicts): number {
  return Object.values(verdicts).reduce((sum, number) => sum + number, 0);
}

/** Tests that passed, also if only at a further attempt, of those that ran. */
export interface PassRate {
  passed: number;
  ran: number;
  runs: number;
}

export interface PassRates {
  environment: string;
  stage: StageName;
  total: PassRate;
  periods: PassRate[];
}

export function passRatesOverTime(records: readonly HistoryRecord[], periods: Periods): PassRates[] {
  const all = new Map<string, PassRates>();
  for (const { environment, stage, tests, finishedAt } of records) {
    if (!tests) continue;
    const key = keyOf([environment.name, stage]);
    const one = getOr(all, key, () => ({
      environment: environment.name,
      stage,
      total: noTests(),
      periods: periods.starts.map(noTests),
    }));
    const period = one.periods[periodAt(periods, finishedAt) ?? -1];
    for (const rate of [one.total, ...(period ? [period] : [])]) {
      rate.passed += tests.passed + tests.flaky;
      rate.ran += tests.total - tests.skipped;
      rate.runs++;
    }
  }
  return [...all.values()].sort((a, b) => compare(a.environment, b.environment) || compare(a.stage, b.stage));
}

function noTests(): PassRate {
  return { passed: 0, ran: 0, runs: 0 };
}
