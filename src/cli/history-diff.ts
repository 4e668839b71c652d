import { verdictMarks } from "../app/progress.ts";
import type { Changes, FailedTest } from "../history/ask/changes.ts";
import { runName, runsOf } from "../history/ask/runs.ts";
import { bySeries, keyOf } from "../history/ask/series.ts";
import { count } from "../lib/count.ts";
import type { HistoryRecord } from "../model/history.ts";
import { UserError } from "../model/user-error.ts";
import { testsBrief } from "../report/view/tests.ts";
import { duration, known, shortSha } from "../report/words.ts";
import { meant, type Shown } from "./history.ts";
import { ms } from "./history-checks.ts";
import { minute } from "./history-runs.ts";
import { seriesText } from "./history-tests.ts";
import type { Part } from "./screen.ts";
import { verdictStyles } from "./screen.ts";

/** What changed between two runs. */

const listed = 10;
/** Smaller differences are only counted. */
const nearPercent = 10;
const leastDifference = 1 + nearPercent / 100;

/**
 * The executions to compare, the earlier one first as named.
 * @param names two runs; none for the last two executions of each stage
 * @throws UserError
 */
export function pairsOf(records: readonly HistoryRecord[], names: readonly string[]): [HistoryRecord, HistoryRecord][] {
  const [from, to] = names;
  if (from === undefined || to === undefined)
    return bySeries(records).flatMap(({ records: own }): [HistoryRecord, HistoryRecord][] => {
      const [before, last] = own.slice(-2);
      return before && last ? [[before, last]] : [];
    });
  const [a, b] = [recordsOf(records, from), recordsOf(records, to)];
  const pairs = paired(a, b);
  if (pairs.length === 0)
    throw new UserError(
      "EA8132",
      `${from} has ${stagesText(a)}, and ${to} has ${stagesText(b)}: name two runs of the same stage and environment`,
    );
  return pairs;
}

/** In the same job and cell, or if there is only one of each in both, whatever they are called. */
function paired(a: readonly HistoryRecord[], b: readonly HistoryRecord[]): [HistoryRecord, HistoryRecord][] {
  const stageKey = ({ stage, environment }: HistoryRecord) => keyOf([stage, environment.name]);
  const [before, after] = [Map.groupBy(a, stageKey), Map.groupBy(b, stageKey)];
  return [...before].flatMap(([key, from]) => {
    const to = after.get(key) ?? [];
    const [onlyFrom, onlyTo] = [from[0], to[0]];
    if (from.length === 1 && to.length === 1 && onlyFrom && onlyTo) return [[onlyFrom, onlyTo] as [HistoryRecord, HistoryRecord]];
    return from.flatMap((one) => {
      const other = to.find(({ origin: { job, cell } }) => job === one.origin.job && cell === one.origin.cell);
      return other ? [[one, other] as [HistoryRecord, HistoryRecord]] : [];
    });
  });
}

function stagesText(records: readonly HistoryRecord[]): string {
  return records.map(({ stage, environment }) => `${stage} in ${environment.name}`).join(", ");
}

/** By the id of an execution, the number of a workflow run, with or without its attempt, or the id of a gate. */
function recordsOf(records: readonly HistoryRecord[], name: string): HistoryRecord[] {
  const executions = records.filter(({ runId }) => runId === name);
  if (executions.length > 0) return executions;
  const runs = runsOf(records);
  const run = runs.find(({ id }) => id === name) ?? runs.find((one) => one.records.some(({ gateId }) => gateId === name));
  if (run) return run.records;
  const ids = records.flatMap((record) => [record.runId, runName(record)]);
  throw new UserError("EA8131", `the history has no run "${name}"; ${meant(name, ids)} \`env-actions history\` lists runs`);
}

export function diffShown(changes: readonly Changes[]): Shown {
  return {
    lines:
      changes.length === 0
        ? [["  No stage ran twice, so there is nothing to compare."]]
        : changes.flatMap((change, at) => [...(at > 0 ? [[""]] : []), ...changeLines(change)]),
    json: { changes: changes.map(asJson) },
  };
}

function asJson({ from, to, tests, latencies, ...rest }: Changes) {
  const of = ({ runId, finishedAt, verdict, commit, branch, durationMs }: HistoryRecord, counts?: object) => ({
    ...{ run: runName(runId === from.runId ? from : to), runId, finishedAt, verdict, commit, durationMs },
    ...(branch === undefined ? {} : { branch }),
    ...(counts ? { tests: counts } : {}),
  });
  const countsOf = (record: HistoryRecord) => {
    if (!record.tests) return undefined;
    const { total, passed, failed, flaky, skipped, unknown } = record.tests;
    return { total, passed, failed, flaky, skipped, unknown };
  };
  const { counts: _, ...lists } = tests ?? { counts: undefined };
  return {
    ...{ stage: to.stage, environment: to.environment.name, from: of(from, countsOf(from)), to: of(to, countsOf(to)) },
    ...rest,
    ...(tests ? { tests: lists } : {}),
    latencies: latencies.map(({ from, to, ...check }) => ({
      ...check,
      from: { p50: from.p50, p95: from.p95, max: from.max },
      to: { p50: to.p50, p95: to.p95, max: to.max },
    })),
  };
}

function changeLines(changes: Changes): Part[][] {
  const { from, to, checks, left } = changes;
  const { stage, environment, origin } = to;
  return [
    [[seriesText({ stage, environment: environment.name, ...jobOf(origin) }), "bold"]],
    [[`  ${runText(from)}  →  ${runText(to)}`, "gray"]],
    [
      "  verdict: ",
      [`${verdictMarks[from.verdict]} ${from.verdict}`, verdictStyles[from.verdict]],
      "  →  ",
      [`${verdictMarks[to.verdict]} ${to.verdict}`, verdictStyles[to.verdict]],
      `, ${duration(from.durationMs)}  →  ${duration(to.durationMs)}`,
    ],
    ...testLines(changes),
    ...checks
      .slice(0, listed)
      .map(({ title, from: a, to: b }): Part[] => [
        `  check ${title}: ${a ?? "not there"}  →  `,
        b ? [b, verdictStyles[b]] : "not there",
      ]),
    ...(checks.length > listed ? [[`  … and ${count(checks.length - listed, "more check")}`]] : []),
    ...latencyLines(changes),
    ...(left ? [[`  test data left: ${known(left.from)}  →  ${known(left.to)}`]] : []),
  ];
}

function jobOf({ job, cell }: HistoryRecord["origin"]) {
  return { ...(job === undefined ? {} : { job }), ...(cell === undefined ? {} : { cell }) };
}

function runText(record: HistoryRecord): string {
  const { finishedAt, branch, commit } = record;
  return `${runName(record)} (${[minute(finishedAt), branch, shortSha(commit.headSha ?? commit.sha)].filter(Boolean).join(", ")})`;
}

function testLines({ from, to, tests }: Changes): Part[][] {
  if (!tests) {
    if (!from.tests && !to.tests) return [];
    return [[`  tests: ${from.tests ? "the later" : "the earlier"} run has no results, so nothing is known of single tests`]];
  }
  const { newlyFailing, fixed, stillFailing, unclear, counts } = tests;
  return [
    [`  tests: ${testsBrief(counts.from)}  →  ${testsBrief(counts.to)}`],
    ...list("newly failing", newlyFailing, "✘"),
    ...list("still failing", stillFailing, "✘"),
    ...list("no longer failing", fixed, "✔"),
    ...list("failed in one of both; of the other it is unknown", unclear, "○"),
  ];
}

function list(title: string, tests: readonly FailedTest[], mark: string): Part[][] {
  if (tests.length === 0) return [];
  return [
    [`  ${title}: ${tests.length}`],
    ...tests
      .slice(0, listed)
      .map((test): Part[] => [
        `    ${mark} ${test.name}${test.project ? ` (${test.project})` : ""}${test.quarantined ? ", in quarantine" : ""}`,
        ...(test.file === undefined ? [] : [[`  ${test.file}`, "gray"] satisfies Part]),
      ]),
    ...(tests.length > listed ? [[`    … and ${tests.length - listed} more`]] : []),
  ];
}

/** The largest differences first. */
function latencyLines({ latencies }: Changes): Part[][] {
  const factor = ({ from, to }: Changes["latencies"][number]) => Math.max(to.p95 / from.p95, from.p95 / to.p95) || 1;
  const far = latencies.filter((one) => factor(one) >= leastDifference).sort((a, b) => factor(b) - factor(a));
  const [more, near] = [far.length - listed, latencies.length - far.length];
  return [
    ...far
      .slice(0, listed)
      .map(({ title, from, to }): Part[] => [
        `  ${title}: P95 ${ms(from.p95)}  →  ${ms(to.p95)}, P50 ${ms(from.p50)}  →  ${ms(to.p50)} (${count(from.count, "sample")}  →  ${to.count})`,
      ]),
    ...(more > 0 ? [[`  … and ${count(more, "more latency", "more latencies")}`]] : []),
    ...(near > 0
      ? [
          [
            [
              `  ${count(near, "latency", "latencies")} with a P95 within ${nearPercent} % of the one before`,
              "gray",
            ] satisfies Part,
          ],
        ]
      : []),
  ];
}
