import { count, numberText } from "../../lib/count.ts";
import type { PastLatency, PastRuns } from "../../model/past.ts";
import type { StageReport } from "../../model/report.ts";
import type { TestCase } from "../../model/test-results.ts";

/** What earlier runs say, in phrases: never more than the records carry. */

/** Beside a test or a file that failed: `failing since 2026-11-28 (6 runs before this one)`, `fails on main as well (2026-11-29)`. */
export function failureBefore(past: PastRuns | undefined): string[] {
  if (!past) return [];
  return [...failurePhrases(past, "failure"), ...elsewhere(past)];
}

/** Beside a flaky test: `flaky in 3 of the last 20 runs`. */
export function flakyBefore(past: PastRuns | undefined): string[] {
  if (!past) return [];
  const said = shareOf(past);
  if (said !== undefined) return [said];
  if (past.atLeast) return [];
  return [past.runs === 1 ? "not in the run before" : `for the first time in ${count(past.runs, "run")}`];
}

/** Beside the reason of a stage that failed or ended in an error. */
export function stageBefore({ past, verdict }: Pick<StageReport, "past" | "verdict">): string[] {
  if (!past) return [];
  const [word, ending] = verdict === "failed" ? ["failure", "failed"] : ["error", "ended in an error"];
  const row = past.inARow;
  if (row) return [`not passed since ${day(row.since)}${row.orEarlier ? " or earlier" : ""} (${runsBefore(row.runs)})`];
  if (past.failed > 0 && isRecent(past)) return [`${ending} in ${share(past.failed, past)} of ${lastRuns(past)}`];
  return firstIn(past, word);
}

/** Beside a latency: `median of 20 runs: 71 ms`. */
export function latencyBefore(past: PastLatency | undefined): string | undefined {
  if (!past) return undefined;
  const value = past.p95 < 10 ? Math.round(past.p95 * 10) / 10 : Math.round(past.p95);
  return past.runs === 1 ? `in the run before: ${value} ms` : `median of ${count(past.runs, "run")}: ${value} ms`;
}

/** Lines for the terminal, after the stage's end. */
export function pastLines(report: StageReport): string[] {
  const { tests } = report;
  const counting = (one: { quarantinedUntil?: string }) => one.quarantinedUntil === undefined;
  const named: [name: string, phrases: string[]][] = [
    ...(tests?.failures ?? []).filter(counting).map((test): [string, string[]] => [test.name, failureBefore(test.past)]),
    ...(tests?.crashedSuites ?? []).filter(counting).map(({ file, past }): [string, string[]] => [file, failureBefore(past)]),
    ...(tests?.flakyTests ?? []).map((test: TestCase): [string, string[]] => [test.name, flakyBefore(test.past)]),
  ];
  const known = named.filter(([, phrases]) => phrases.length > 0);
  const more = known.length - mostLines;
  return [
    ...stageBefore(report).map((phrase) => `This stage: ${phrase}`),
    ...known.slice(0, mostLines).map(([name, phrases]) => `${name}: ${phrases.join(", ")}`),
    ...(more > 0 ? [`… and ${count(more, "more test")}, in the report`] : []),
  ];
}

const mostLines = 10;

function failurePhrases(past: PastRuns, word: string): string[] {
  const { inARow, atLeast } = past;
  if (inARow) return [`failing since ${day(inARow.since)}${inARow.orEarlier ? " or earlier" : ""} (${runsBefore(inARow.runs)})`];
  const said = shareOf(past);
  if (said !== undefined) return [said];
  return atLeast ? [] : firstIn(past, word);
}

/** `first failure in 20 runs`, `first failure since 2026-11-02 (34 runs)`: only if each of these runs is known. */
function firstIn({ atLeast, lastFailed, known }: PastRuns, word: string): string[] {
  if (atLeast) return [];
  if (lastFailed) return [`first ${word} since ${day(lastFailed.at)} (${count(lastFailed.runsSince, "run")})`];
  return [known === 1 ? `no ${word} in the run before` : `first ${word} in ${count(known, "run")}`];
}

/** A failure among so few runs is no rare event: then the share says more. */
const rareAfter = 10;

function isRecent({ lastFailed }: PastRuns): boolean {
  return lastFailed !== undefined && lastFailed.runsSince < rareAfter;
}

/** `failed in 2, flaky in 3 of the last 20 runs`; undefined if neither is known. */
function shareOf(past: PastRuns): string | undefined {
  const { runs, failed, flaky = 0 } = past;
  const words = [...(failed > 0 ? [["failed", failed] as const] : []), ...(flaky > 0 ? [["flaky", flaky] as const] : [])];
  if (words.length === 0) return undefined;
  if (runs === 1) return `${words.map(([word]) => word).join(" and ")} in the run before`;
  return `${words.map(([word, amount]) => `${word} in ${share(amount, past)}`).join(", ")} of ${lastRuns(past)}`;
}

function share(amount: number, { atLeast }: PastRuns): string {
  return `${atLeast ? "at least " : ""}${numberText(amount)}`;
}

function lastRuns({ runs }: PastRuns): string {
  return runs === 1 ? "1 run before this one" : `the last ${numberText(runs)} runs`;
}

function runsBefore(runs: number): string {
  return `${count(runs, "run")} before this one`;
}

function elsewhere({ onDefault }: PastRuns): string[] {
  return onDefault ? [`fails on ${onDefault.branch} as well (${day(onDefault.at)})`] : [];
}

function day(at: string): string {
  return at.slice(0, 10);
}
