import type { HistoryRecord } from "../../model/history.ts";
import type { PastLatency, PastRuns } from "../../model/past.ts";
import { type Check, opensTheGate, type StageReport, type Verdict } from "../../model/report.ts";
import type { CrashedSuite, TestCase, TestResults } from "../../model/test-results.ts";
import type { TestedBranch } from "../record/branch.ts";
import { recordedName, recordedTest, recordOf } from "../record/of-report.ts";
import type { FoundRecords } from "../store/store.ts";
import { latencySeries, usualBand } from "./checks.ts";
import { isSameSeries, seriesOf } from "./series.ts";
import { executionsOf, type TestOutcome, testKey } from "./tests.ts";

/** Adds to a report what earlier runs say of what it reports. */

/** Of so many runs a share is told. */
const window = 20;
/** Of so many bad tests: beyond, nobody reads the past of each. */
const mostTests = 200;

interface Execution {
  record: HistoryRecord;
  outcome: TestOutcome;
}

/**
 * @param report redacted, as the records are
 * @param found the newest records of its stage and environment, oldest first
 */
export function addPast(report: StageReport, found: FoundRecords, facts: TestedBranch & { project?: string }): StageReport {
  const present = recordOf(report, facts);
  const records = countingRecords(present, found.records);
  if (records.length === 0) return report;
  const asked: Asked = { present, isPartial: found.unreadable.some(({ isOther }) => !isOther) };
  const past =
    opensTheGate(report.verdict) || report.verdict === "skipped" ? undefined : stagePast(report.verdict, records, asked);
  return {
    ...report,
    ...(past ? { past } : {}),
    checks: report.checks.map((check) => withPastLatency(check, records, present)),
    ...(report.tests ? { tests: withPastTests(report.tests, records, asked) } : {}),
  };
}

interface Asked {
  present: HistoryRecord;
  /** Records that can't be read may be of runs in which anything happened. */
  isPartial: boolean;
}

/**
 * The records that may say something about this run: of the same stage, environment, job and cell of the same application and
 * repository, on the default branch or on this one. Whoever may push any other branch, or opens a pull request from another repository, can't change
 * what is said here.
 */
export function countingRecords(present: HistoryRecord, records: readonly HistoryRecord[]): HistoryRecord[] {
  const series = seriesOf(present);
  return records.filter(
    (record) =>
      record.runId !== present.runId &&
      record.origin.kind === present.origin.kind &&
      record.origin.repository === present.origin.repository &&
      isSameSeries(seriesOf(record), series) &&
      (record.isDefaultBranch || isOwn(record, present)),
  );
}

/** On the branch that is tested now. A fork's branch may have the same name as one of ours. */
function isOwn(record: HistoryRecord, present: HistoryRecord): boolean {
  if (record.isFork || present.isFork) return false;
  return record.branch === present.branch && record.isDefaultBranch === present.isDefaultBranch;
}

function stagePast(verdict: Verdict, records: readonly HistoryRecord[], asked: Asked): PastRuns | undefined {
  const executions = records
    .filter((record) => record.verdict !== "skipped")
    .map((record): Execution => ({ record, outcome: record.verdict === verdict ? "failed" : "good" }));
  const past = pastRuns(executions, asked);
  if (!past) return undefined;
  // A run in which nothing could be looked at interrupts no row.
  const bad = executions.map(({ record }): Execution => ({ record, outcome: opensTheGate(record.verdict) ? "good" : "failed" }));
  const { inARow: _, ...rest } = past;
  const row = inARow(bad, asked);
  return { ...rest, ...(row ? { inARow: row } : {}) };
}

function withPastLatency(check: Check, records: readonly HistoryRecord[], { stage, environment }: HistoryRecord): Check {
  if (!check.latency || check.latency.count === 0) return check;
  const series = latencySeries(records, { environment: environment.name, stage, check: recordedName(check.id) });
  const band = usualBand(series, series.length, window);
  return band ? { ...check, past: band satisfies PastLatency } : check;
}

function withPastTests(tests: TestResults, records: readonly HistoryRecord[], asked: Asked): TestResults {
  const executions = executionsOf(records);
  if (executions.length === 0) return tests;
  let told = 0;
  const pastOf = (test: Pick<TestCase, "name" | "file" | "project">): { past?: PastRuns } => {
    told += 1;
    if (told > mostTests) return {};
    const key = testKey(recordedTest(test));
    const past = pastRuns(
      executions.map(({ record, outcomeOf }) => ({ record, outcome: outcomeOf(key) })),
      asked,
    );
    return past ? { past } : {};
  };
  return {
    ...tests,
    failures: tests.failures.map((test): TestCase => ({ ...test, ...pastOf(test) })),
    crashedSuites: tests.crashedSuites.map(
      (suite): CrashedSuite => ({ ...suite, ...pastOf({ name: suite.file, file: suite.file }) }),
    ),
    flakyTests: tests.flakyTests.map((test): TestCase => ({ ...test, ...pastOf(test) })),
  };
}

/** @param executions oldest first */
function pastRuns(executions: readonly Execution[], asked: Asked): PastRuns | undefined {
  if (executions.length === 0) return undefined;
  const newest = executions.slice(-window);
  const flaky = newest.filter(({ outcome }) => outcome === "flaky").length;
  const row = inARow(executions, asked);
  const last = executions.findLastIndex(isFailed);
  const lastFailed = executions[last]?.record;
  const onDefault = onDefaultBranch(executions, asked);
  return {
    runs: newest.length,
    failed: newest.filter(isFailed).length,
    ...(flaky > 0 ? { flaky } : {}),
    ...(asked.isPartial || executions.some(({ outcome }) => outcome === "unknown") ? { atLeast: true } : {}),
    known: executions.length,
    ...(row ? { inARow: row } : {}),
    ...(lastFailed ? { lastFailed: { at: lastFailed.finishedAt, runsSince: executions.length - 1 - last } } : {}),
    ...(onDefault ? { onDefault } : {}),
  };
}

function isFailed({ outcome }: Execution): boolean {
  return outcome === "failed" || outcome === "quarantined";
}

function inARow(executions: readonly Execution[], { present, isPartial }: Asked): PastRuns["inARow"] {
  // A record that can't be read may be of a run in between.
  if (isPartial) return undefined;
  const own = executions.filter(({ record }) => isOwn(record, present));
  const before = own.findLastIndex((execution) => !isFailed(execution));
  const row = own.slice(before + 1);
  const [first] = row;
  if (!first) return undefined;
  const isKnown = own[before] !== undefined && own[before].outcome !== "unknown";
  return { runs: row.length, since: first.record.finishedAt, ...(isKnown ? {} : { orEarlier: true }) };
}

/** Only the newest run of the default branch says what is wrong there now. */
function onDefaultBranch(executions: readonly Execution[], { present, isPartial }: Asked): PastRuns["onDefault"] {
  if (present.isDefaultBranch || isPartial) return undefined;
  const newest = executions.findLast(({ record }) => record.isDefaultBranch);
  if (!newest?.record.branch || !isFailed(newest)) return undefined;
  return { branch: newest.record.branch, at: newest.record.finishedAt };
}
