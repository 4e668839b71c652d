import type {
  Expiry,
  HistoryCheck,
  HistoryCopy,
  HistoryData,
  HistoryLatency,
  HistoryRecord,
  HistoryTest,
  HistoryTests,
} from "../../model/history.ts";
import type { Check, Latency, Rollback, StageReport } from "../../model/report.ts";
import { driftSum } from "../../model/staging.ts";
import type { TestCase, TestResults } from "../../model/test-results.ts";
import { plainText } from "../../report/inert.ts";
import { bounded } from "./bounded.ts";
import { dataOf } from "./data.ts";

/** What the report itself doesn't say. */
export interface RecordFacts {
  branch?: string;
  isDefaultBranch?: true;
  isFork?: true;
  event?: string;
  /** All samples of the latencies that later runs may be compared with, by the id of their check. */
  baseline?: ReadonlyMap<string, readonly number[]>;
  alerts?: HistoryRecord["alerts"];
  /** Nothing was requested, so a later run may do so. */
  rollbackAgain?: boolean;
  /** The path of the configuration in the checkout. */
  project?: string;
}

export const limits = {
  reason: 300,
  text: 300,
  checks: 500,
  tests: 100,
  slowest: 10,
  tables: 200,
  samples: 200,
  expiries: 100,
  servers: 50,
};

/** @param report redacted and final */
export function recordOf(report: StageReport, facts: RecordFacts = {}): HistoryRecord {
  const more: string[] = [];
  const { origin, gateId, rollback, staging } = report;
  const { actor: _, step: __, ...place } = origin;
  const tests = report.tests && testsOf(report.tests, more);
  const data = shortData(report, more);
  const copy = copyOf(report);
  const expires = expiriesOf(report, more);
  return bounded({
    schemaVersion: 1,
    stage: report.stage,
    verdict: report.verdict,
    reason: short(report.reason, limits.reason),
    environment: { ...report.environment, name: short(report.environment.name) },
    runId: short(report.runId),
    ...(gateId === undefined ? {} : { gateId: short(gateId) }),
    commit: shortened(report.commit),
    ...(facts.branch === undefined ? {} : { branch: short(facts.branch) }),
    ...(facts.isDefaultBranch ? { isDefaultBranch: true } : {}),
    ...(facts.isFork ? { isFork: true } : {}),
    ...(facts.event === undefined ? {} : { event: short(facts.event) }),
    origin: shortened(place),
    ...(facts.project === undefined ? {} : { project: short(facts.project) }),
    startedAt: report.startedAt,
    finishedAt: report.finishedAt,
    durationMs: Math.round(report.durationMs),
    budgetMs: report.budgetMs,
    checks: upTo(report.checks, limits.checks, "check", more).map((check) => checkOf(check, facts.baseline?.get(check.id))),
    ...(tests ? { tests } : {}),
    ...(report.servers.length > 0 ? { servers: upTo(report.servers, limits.servers, "server", more).map(serverOf) } : {}),
    ...(data ? { data } : {}),
    ...(staging?.drift ? { drift: driftSum(staging.drift) } : {}),
    ...(copy ? { copy } : {}),
    ...(expires.length > 0 ? { expires } : {}),
    ...(facts.alerts ? { alerts: facts.alerts } : {}),
    ...(rollback ? { rollback: rollbackOf(rollback, facts.rollbackAgain) } : {}),
    ...(more.length > 0 ? { more } : {}),
  });
}

/** How a record has the id of a check, or the project. */
export function recordedName(text: string): string {
  return short(text);
}

/** How a record names a check. */
export function recordedId(id: string): string {
  return short(id);
}

/** One line, without control characters, and cut at a whole character. */
function short(text: string, most = limits.text): string {
  const line = plainText(text).replace(/\s+/g, " ").trim();
  const characters = [...line.slice(0, 2 * most + 2)];
  return characters.length <= most ? line : `${characters.slice(0, most - 1).join("")}…`;
}

function shortened<Texts extends object>(texts: Texts): Texts {
  const entries = Object.entries(texts).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, typeof value === "string" ? short(value) : value]],
  );
  return Object.fromEntries(entries) as Texts;
}

function upTo<Value>(values: readonly Value[], most: number, what: string, more: string[]): readonly Value[] {
  const left = values.length - most;
  if (left > 0) more.push(`${left} more ${what}${left === 1 ? "" : "s"}`);
  return values.slice(0, most);
}

function checkOf({ id, title, verdict, durationMs, latency, cause, dryRun }: Check, baseline?: readonly number[]): HistoryCheck {
  return {
    id: short(id),
    ...(title === id ? {} : { title: short(title) }),
    verdict,
    durationMs: Math.round(durationMs),
    ...(latency ? { latency: latencyOf(latency, baseline) } : {}),
    ...(cause === undefined ? {} : { cause: short(cause) }),
    ...(dryRun ? { dryRun } : {}),
  };
}

function latencyOf({ count, p50, p95, max, limit, samples }: Latency, baseline?: readonly number[]): HistoryLatency {
  const kept = (baseline ?? samples)?.slice(0, limits.samples).map(micro);
  return {
    count,
    p50: micro(p50),
    p95: micro(p95),
    max: micro(max),
    ...(limit === undefined ? {} : { limit }),
    ...(kept && kept.length > 0 ? { samples: kept } : {}),
    ...(baseline ? { isBaseline: true } : {}),
  };
}

/** Finer than any network. */
function micro(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

function rollbackOf({ of, outcome, trigger, at }: Rollback, again = false): HistoryRecord["rollback"] {
  return { of: short(of), outcome, trigger: short(trigger), at: short(at), ...(again ? { again } : {}) };
}

/** As a record names a test. */
export function recordedTest({ name, file, project }: Pick<TestCase, "name" | "file" | "project">): HistoryTest {
  return {
    name: short(name),
    ...(file === undefined ? {} : { file: short(file) }),
    ...(project === undefined ? {} : { project: short(project) }),
  };
}

function testsOf(tests: TestResults, more: string[]): HistoryTests {
  const { total, passed, failed, flaky, skipped, unknown, durationMs, crashedSuites } = tests;
  const bad = [...crashedSuites.map(({ file, quarantinedUntil }) => ({ name: file, file, quarantinedUntil })), ...tests.failures];
  return {
    ...{ total, passed, failed, flaky, skipped, unknown },
    durationMs: Math.round(durationMs),
    failures: upTo(bad, limits.tests, "failed test", more).map((test) => ({
      ...recordedTest(test),
      ...(test.quarantinedUntil === undefined ? {} : { quarantined: true }),
    })),
    flakyTests: upTo(tests.flakyTests, limits.tests, "flaky test", more).map(recordedTest),
    slowest: tests.slowest
      .slice(0, limits.slowest)
      .map((test) => ({ ...recordedTest(test), durationMs: Math.round(test.durationMs) })),
    crashedSuites: crashedSuites.length,
    ...(tests.unreadable?.length ? { incomplete: true } : {}),
  };
}

function serverOf({ name, readyMs, ended }: StageReport["servers"][number]): NonNullable<HistoryRecord["servers"]>[number] {
  return { name: short(name), ...(readyMs === undefined ? {} : { readyMs: Math.round(readyMs) }), ended: short(ended) };
}

function shortData(report: StageReport, more: string[]): HistoryData | undefined {
  const data = dataOf(report);
  if (!data) return undefined;
  const tables = data.tables.map(({ table, oldest, ...rest }) => ({
    table: short(table),
    ...rest,
    ...(oldest === undefined ? {} : { oldest: short(oldest) }),
  }));
  return { ...data, tables: [...upTo(tables, limits.tables, "table", more)] };
}

function copyOf({ staging, finishedAt }: StageReport): HistoryCopy | undefined {
  const { refresh, seed } = staging ?? {};
  const rowsOf = (tables: readonly { rows?: number }[]) => tables.reduce((sum, { rows = 0 }) => sum + rows, 0);
  if (refresh && !refresh.planned)
    return {
      by: "refresh",
      at: finishedAt,
      rows: rowsOf(refresh.tables),
      leaks: refresh.leaks,
      switched: refresh.switched,
      keepUntil: short(refresh.keepUntil),
    };
  return seed && !seed.planned ? { by: "seed", at: finishedAt, rows: rowsOf(seed.tables) } : undefined;
}

/** What several checks or entries name alike is listed once; of different ends, the first counts. The soonest come first. */
function expiriesOf({ checks, tests }: StageReport, more: string[]): Expiry[] {
  const found = new Map<string, Expiry>();
  const add = ({ what, name, at }: Expiry) => {
    const expiry = { what, name: short(name), at: short(at) };
    const key = `${what} ${expiry.name}`;
    const known = found.get(key);
    if (!known || Date.parse(at) < Date.parse(known.at)) found.set(key, expiry);
  };
  for (const check of checks) check.expires?.forEach(add);
  for (const { test, until } of tests?.quarantine ?? []) add({ what: "quarantine", name: test, at: `${until}T23:59:59.999Z` });
  const soonest = [...found.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return [...upTo(soonest, limits.expiries, "thing that expires", more)];
}
