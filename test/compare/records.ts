import type { HistoryCheck, HistoryRecord } from "../../src/model/history.ts";
import type { StageName, Verdict } from "../../src/model/report.ts";

/** Records of runs that measured one check, for histories of two environments. */

const hour = 3_600_000;
const begin = Date.parse("2026-11-01T00:00:00Z");
let made = 0;

export interface Made {
  environment: string;
  /** Hours after the first of November. */
  at: number;
  /** Milliseconds. */
  middle?: number;
  stage?: StageName;
  verdict?: Verdict;
  check?: Partial<HistoryCheck>;
  /** Checks beside the measured one. */
  others?: HistoryCheck[];
  origin?: Partial<HistoryRecord["origin"]>;
}

export function record({ environment, at, middle = 100, stage = "smoke", verdict = "passed", ...more }: Made): HistoryRecord {
  const finishedAt = new Date(begin + at * hour).toISOString();
  const samples = Array.from({ length: 20 }, (_, index) => middle * (1 + (index % 5) / 100 + (made % 7) / 200));
  const latency = { count: 20, p50: middle, p95: middle, max: middle, samples };
  made++;
  return {
    ...{ schemaVersion: 1, stage, verdict, reason: "", commit: { sha: "a".repeat(40) }, budgetMs: 1, durationMs: 1 },
    environment: { name: environment, access: "read-only" },
    runId: `${begin + at * hour + made}_${String(made).padStart(8, "0")}`,
    origin: { kind: "terminal", ...more.origin },
    ...{ startedAt: finishedAt, finishedAt },
    checks: [{ id: "api.health", title: "GET /health", verdict: "passed", latency, ...more.check }, ...(more.others ?? [])],
  };
}

/** One each hour, or each so many hours. */
export function many(count: number, each: Omit<Made, "at">, every = 1): HistoryRecord[] {
  return Array.from({ length: count }, (_, index) => record({ ...each, at: index * every }));
}
