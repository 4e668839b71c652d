import type { HistoryRecord, HistoryTest, HistoryTests } from "../../model/history.ts";
import { bySeries, keyOf, type Series } from "./series.ts";

/** What earlier runs say of tests. A record names only the tests that failed or were flaky. */

/**
 * How often a test failed. Each execution counts once: a failure counts as failed, in quarantine as quarantined, and as flaky if a
 * later attempt of the same workflow run turned it green. What is left of `runs` are executions in which nothing bad is known of it.
 */
export interface TestRate extends Series {
  test: HistoryTest;
  /** Executions of the same stage, environment, job and cell that have results of tests. */
  runs: number;
  failed: number;
  /** It passed in a further attempt: of the test runner, or of the same workflow run. */
  flaky: number;
  quarantined: number;
  /** When the first and the last execution ended in which it failed or was flaky, ISO 8601. */
  firstBad: string;
  lastBad: string;
  lastBadRun: string;
  /** A record of these executions names only a part of its tests, so each count may be larger. */
  atLeast: boolean;
}

/**
 * `good`: nothing bad is known of it. `unknown`: the record names only a part of the tests that failed.
 */
export type TestOutcome = "good" | "failed" | "flaky" | "quarantined" | "unknown";

export interface TestExecution {
  runId: string;
  /** When it ended, ISO 8601. */
  at: string;
  outcome: TestOutcome;
  /** A later attempt of the same workflow run turned the failure green. */
  turnedGreen?: true;
  branch?: string;
  isDefaultBranch?: true;
  commit: string;
  attempt?: string;
}

export interface TestHistory {
  rate: TestRate;
  /** Oldest first. */
  executions: TestExecution[];
}

/**
 * For each test that ever failed or was flaky, the most often bad first.
 * @param records oldest first, of any stages and environments
 */
export function testRates(records: readonly HistoryRecord[]): TestRate[] {
  const rates = bySeries(records.filter(({ tests }) => tests)).flatMap(({ series, records: executions }) => {
    const found = new Map<string, TestRate>();
    const attempts = byWorkflowRun(executions);
    let isCut = false;
    for (const record of executions) {
      isCut ||= record.tests !== undefined && isShortened(record.tests);
      for (const [key, { test, outcome }] of badTests(record, attempts)) {
        const rate = found.get(key) ?? newRate(test, series, executions.length, record.finishedAt);
        rate[outcome] += 1;
        rate.lastBad = record.finishedAt;
        rate.lastBadRun = record.runId;
        found.set(key, rate);
      }
    }
    return [...found.values()].map((rate) => ({ ...rate, atLeast: isCut }));
  });
  return rates.sort(byRate);
}

/**
 * The record of the tests with a name: one for each file, project, stage, environment, job and cell in which it was ever bad.
 * @param records oldest first
 */
export function historyOfTest(records: readonly HistoryRecord[], name: string): TestHistory[] {
  return testHistories(records, (test) => test.name === name);
}

/** The records of all tests that were ever bad, in the order of their rates. @param records oldest first */
export function testHistories(
  records: readonly HistoryRecord[],
  isWanted: (test: HistoryTest) => boolean = () => true,
): TestHistory[] {
  const all = bySeries(records.filter(({ tests }) => tests)).flatMap(({ records: executions }) => {
    const rates = testRates(executions).filter(({ test }) => isWanted(test));
    if (rates.length === 0) return [];
    const attempts = byWorkflowRun(executions);
    const outcomes = executions.map((record) => ({ record, bad: badTests(record, attempts) }));
    return rates.map((rate) => ({
      rate,
      executions: outcomes.map(({ record, bad }) => executionOf(record, bad.get(testKey(rate.test)))),
    }));
  });
  return all.sort((a, b) => byRate(a.rate, b.rate));
}

/** Of each stage, environment, job and cell so many executions with results of tests, the newest. @param records oldest first */
export function newestExecutions(records: readonly HistoryRecord[], most: number): HistoryRecord[] {
  const kept = new Set(bySeries(records.filter(({ tests }) => tests)).flatMap(({ records: group }) => group.slice(-most)));
  return records.filter((record) => kept.has(record));
}

/** How each test ended in executions of one series, which have results of tests. @param records of the series, oldest first */
export function executionsOf(
  records: readonly HistoryRecord[],
): { record: HistoryRecord; outcomeOf(key: string): TestOutcome }[] {
  const executions = records.filter(({ tests }) => tests);
  const attempts = byWorkflowRun(executions);
  return executions.map((record) => {
    const bad = badTests(record, attempts);
    const otherwise = record.tests && isShortened(record.tests) ? "unknown" : "good";
    return { record, outcomeOf: (key) => bad.get(key)?.outcome ?? otherwise };
  });
}

/** Executions in which a test was bad. */
export function badOf({ failed, flaky, quarantined }: TestRate): number {
  return failed + flaky + quarantined;
}

export function testKey({ name, file, project }: HistoryTest): string {
  return keyOf([name, file, project]);
}

/** Whether more tests may have failed or been flaky than the record names. */
export function isShortened({ failed, unknown, crashedSuites, failures, flaky, flakyTests, incomplete }: HistoryTests): boolean {
  return incomplete === true || failures.length < failed + unknown + crashedSuites || flakyTests.length < flaky;
}

interface BadTest {
  test: HistoryTest;
  outcome: "failed" | "flaky" | "quarantined";
  turnedGreen?: true;
}

/** Executions of one workflow run: attempts of the same job and cell. */
type Attempts = ReadonlyMap<string, HistoryRecord[]>;

function byWorkflowRun(executions: readonly HistoryRecord[]): Attempts {
  return Map.groupBy(executions, workflowRunOf);
}

function workflowRunOf({ origin: { repository, workflowRun } }: HistoryRecord): string {
  return keyOf([repository, workflowRun]);
}

function badTests(record: HistoryRecord, attempts: Attempts): Map<string, BadTest> {
  const { failures = [], flakyTests = [] } = record.tests ?? {};
  const bad = new Map<string, BadTest>();
  if (failures.length + flakyTests.length === 0) return bad;
  for (const test of flakyTests) bad.set(testKey(test), { test: named(test), outcome: "flaky" });
  const later = failures.length > 0 ? laterAttempts(record, attempts) : [];
  // Two tests may have the same name: then the one whose failure counts decides.
  for (const test of [...failures].sort((a, b) => Number(b.quarantined ?? false) - Number(a.quarantined ?? false))) {
    const key = testKey(test);
    if (test.quarantined) bad.set(key, { test: named(test), outcome: "quarantined" });
    else if (later.some(({ names }) => !names.has(key))) bad.set(key, { test: named(test), outcome: "flaky", turnedGreen: true });
    else bad.set(key, { test: named(test), outcome: "failed" });
  }
  return bad;
}

/**
 * Later attempts of the same workflow run that can show that a failed test passed: they ran as many tests or more, all of their
 * files could be loaded, and they name each test that failed.
 */
function laterAttempts(record: HistoryRecord, attempts: Attempts) {
  const { origin, tests } = record;
  if (!tests || origin.workflowRun === undefined || origin.attempt === undefined) return [];
  return (attempts.get(workflowRunOf(record)) ?? []).flatMap(({ origin: { attempt }, tests: run }) => {
    if (!(Number(attempt) > Number(origin.attempt)) || !run) return [];
    if (isShortened(run) || run.crashedSuites > 0 || ranOf(run) < ranOf(tests)) return [];
    return [{ names: new Set(run.failures.map(testKey)) }];
  });
}

function ranOf({ total, skipped }: HistoryTests): number {
  return total - skipped;
}

function named({ name, file, project }: HistoryTest): HistoryTest {
  return { name, ...(file === undefined ? {} : { file }), ...(project === undefined ? {} : { project }) };
}

function newRate(test: HistoryTest, series: Series, runs: number, at: string): TestRate {
  return {
    ...{ test, ...series, runs, failed: 0, flaky: 0, quarantined: 0 },
    ...{ firstBad: at, lastBad: at, lastBadRun: "", atLeast: false },
  };
}

function executionOf(record: HistoryRecord, bad: BadTest | undefined): TestExecution {
  const { runId, finishedAt, branch, isDefaultBranch, commit, origin, tests } = record;
  return {
    runId,
    at: finishedAt,
    outcome: bad?.outcome ?? (tests && isShortened(tests) ? "unknown" : "good"),
    ...(bad?.turnedGreen ? { turnedGreen: true } : {}),
    ...(branch === undefined ? {} : { branch }),
    ...(isDefaultBranch ? { isDefaultBranch } : {}),
    commit: commit.headSha ?? commit.sha,
    ...(origin.attempt === undefined ? {} : { attempt: origin.attempt }),
  };
}

function byRate(a: TestRate, b: TestRate): number {
  return badOf(b) / b.runs - badOf(a) / a.runs || badOf(b) - badOf(a) || compare(a.test.name, b.test.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
