import { count, numberText, percentOf, percentText } from "../lib/count.ts";
import {
  type Alert,
  type AuditHead,
  type Check,
  type CommandReport,
  gateStages,
  isStagingStage,
  type Latency,
  opensTheGate,
  type Rollback,
  type RollbackResult,
  type Score,
  type StageName,
  type StageReport,
  type Verdict,
  withoutConsequences,
} from "../model/report.ts";
import type { CleanupResult, TableCleanup, TouchedRow } from "../model/test-data.ts";
import type { Attachment, TestCase, TestCounts } from "../model/test-results.ts";

/** Words and numbers that all views of a report share. */

/** What each verdict means, for first-time readers. */
export const verdictMeanings: Record<Verdict, string> = {
  passed: "Everything that was checked is as expected.",
  degraded: "It works, but a value is in its warning range. The gate opens.",
  failed: "Something is not as expected. The gate stays closed.",
  error: "Something could not be checked, so the result is unknown. The gate stays closed.",
  skipped: "Not checked. The report gives the reason.",
};

/** The word for a stage without a report, in every medium. */
export const notRun = "not run";

/** Of a stage that the project doesn't have. */
export const leftOut = "left out by the configuration";

const checkVerbs = { failed: "failed", error: "could not be checked", degraded: "is degraded" } as const;
const checksVerbs = { failed: "failed", error: "could not be checked", degraded: "are degraded" } as const;

/** The verdicts that need attention, most urgent first. */
export const urgentVerdicts = ["failed", "error", "degraded"] as const;

/** The checks that need attention, each cause once, and those that others explain. */
export function urgentChecks({ checks }: Pick<StageReport, "checks">): { causes: Check[]; consequences: Check[] } {
  const urgent = urgentVerdicts.flatMap((verdict) => checks.filter((check) => !check.dryRun && check.verdict === verdict));
  const causes = new Set(withoutConsequences(urgent));
  return { causes: [...causes], consequences: urgent.filter((check) => !causes.has(check)) };
}

/** Further ones are only counted. */
const mostFollowing = 20;

/** `Not counted again: "Exit status" (1, expected 0) follows from "Pass rate".`; empty if there are none. */
export function followsLine(consequences: readonly Check[], checks: readonly Check[]): string {
  if (consequences.length === 0) return "";
  const said = consequences.slice(0, mostFollowing).map(({ title, observed, expected, cause }) => {
    const seen = [observed, expected && `expected ${expected}`].filter(Boolean).join(", ");
    return `"${title}"${seen === "" ? "" : ` (${seen})`} follows from "${checks.find(({ id }) => id === cause)?.title ?? cause}"`;
  });
  const more = consequences.length - mostFollowing;
  return `Not counted again: ${said.join("; ")}${more > 0 ? ` and ${more} more` : ""}.`;
}

/** Shorter values, such as `exit status 3`, are also worth a look beside a message that has them. */
const wordsOfSentence = 4;

/** What was observed, unless the message says the same sentence again: `port 3000 is already in use by pid 7 (node)`. */
export function observedApart({ observed, message }: Pick<Check, "observed" | "message">): string | undefined {
  if (observed === undefined || observed.split(" ").length < wordsOfSentence) return observed;
  return message?.toLowerCase().includes(observed.toLowerCase()) ? undefined : observed;
}

/** Checks whose finding is a list of tests that are shown themselves. */
const aboutTests: ReadonlySet<string> = new Set(["tests.pass-rate", "tests.suites-loaded", "tests.statuses"]);

/** Whether the tests that failed say more than this check. */
export function repeatsTests({ id }: Pick<Check, "id">): boolean {
  return aboutTests.has(id);
}

/**
 * What decided the verdict, each cause once: `3 tests failed, 1 test file could not be loaded, Redis PING could not be checked`. The
 * reason of the report if there is no more to say.
 */
export function tally(report: StageReport): string {
  const { tests, verdict, problems, reason, score } = report;
  const failures = (tests?.failures ?? []).filter(({ quarantinedUntil }) => quarantinedUntil === undefined);
  const crashed = (tests?.crashedSuites ?? []).filter(({ quarantinedUntil }) => quarantinedUntil === undefined).length;
  const said = failures.length + crashed > 0;
  const { causes } = urgentChecks(report);
  const others = causes.filter((check) => !(said && repeatsTests(check)));
  // Warnings do not matter if something failed.
  const shown = opensTheGate(verdict) ? urgentVerdicts : (["failed", "error"] as const);
  const parts = [
    ...(score && !opensTheGate(verdict) ? [`score ${score.percent} % of ${score.pass} % to pass`] : []),
    ...failureWords(failures),
    ...(crashed > 0 ? [`${count(crashed, "test file")} could not be loaded`] : []),
    ...shown.flatMap((word) =>
      checkWords(
        others.filter((check) => check.verdict === word).map(({ title }) => title),
        word,
      ),
    ),
  ];
  if (parts.length > 0) return parts.join(", ");
  return opensTheGate(verdict) || problems.length === 0 ? reason : count(problems.length, "problem");
}

/** `2 tests failed`, `1 test ended with an error`, `1 test ended in an unknown way`. */
export function failureWords(failures: readonly TestCase[]): string[] {
  const amounts = new Map<string, number>();
  for (const test of failures) amounts.set(endWords(test), (amounts.get(endWords(test)) ?? 0) + 1);
  return [...amounts].map(([how, amount]) => `${count(amount, "test")} ${how}`);
}

/** How a test ended that did not pass: `failed`, `ended with an error`. */
export function endWords({ errored, status }: Pick<TestCase, "errored" | "status">): string {
  if (status === "unknown") return "ended in an unknown way";
  return errored ? "ended with an error" : "failed";
}

/** `Redis PING failed`, `Redis PING and 2 more checks failed`. */
function checkWords([first, ...others]: readonly string[], verdict: (typeof urgentVerdicts)[number]): string[] {
  if (first === undefined) return [];
  if (others.length === 0) return [`${first} ${checkVerbs[verdict]}`];
  return [`${first} and ${count(others.length, "more check")} ${checksVerbs[verdict]}`];
}

/** `dry run: not counted`, `2 attempts`: remarks about this check; empty if there are none. */
export function checkRemarks({ dryRun, attempts }: Check): string {
  return [dryRun ? "dry run: not counted" : "", attempts ? count(attempts, "attempt") : ""].filter(Boolean).join("; ");
}

/** `Score: 82.5 % (8.25 of 10 points); passed from 90 %, degraded from 75 %`. */
export function scoreLine({ percent, reached, possible, pass, warning }: Score): string {
  const of = (points: number) => String(Math.round(points * 100) / 100);
  return `Score: ${percent} % (${of(reached)} of ${of(possible)} points); passed from ${pass} %, degraded from ${warning} %`;
}

const rollbackWords: Record<Rollback["outcome"], string> = {
  fired: "was requested",
  "dry-run": "was not requested, because this is a dry run",
  "already-fired": "had already been requested",
  "not-fired": "was not requested",
  failed: "could not be requested",
  unknown: "may have been requested",
};

/** One sentence: what was requested, and what happened to the request. */
export function rollbackLine({ of, trigger, outcome, at, why, result }: Rollback): string {
  return `The rollback of ${of} ${rollbackWords[outcome]} (${trigger}, ${at}): ${why}${result ? `; ${resultWords(result)}` : ""}`;
}

function resultWords({ run, url, conclusion, problem }: RollbackResult): string {
  const ended = conclusion === undefined ? `has an unknown result: ${problem ?? "no reason"}` : `ended with ${conclusion}`;
  return `its workflow run ${run} (${url}) ${ended}`;
}

/** Whether a person has to look: it was not requested, may not have been, or its workflow did not succeed. */
export function isRollbackWrong({ outcome, result }: Rollback): boolean {
  return outcome === "failed" || outcome === "unknown" || (result !== undefined && result.conclusion !== "success");
}

/** `sent`, `failed after 3 attempts`. */
export function alertWords({ outcome, attempts }: Alert): string {
  if (outcome === "repeated") return "not sent again: the same alert was sent recently";
  return attempts > 1 ? `${outcome} after ${count(attempts, "attempt")}` : outcome;
}

/** `412 ms`, `3.4 s`, `2 min 5 s`, `1 h 4 min`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return [`${Math.floor(seconds / 60)} min`, ...(seconds % 60 ? [`${seconds % 60} s`] : [])].join(" ");
  const minutes = Math.round(seconds / 60);
  return [`${Math.floor(minutes / 60)} h`, ...(minutes % 60 ? [`${minutes % 60} min`] : [])].join(" ");
}

/** `812 B`, `41 kB`, `3.4 MB`. */
export function bytes(number: number): string {
  if (number < 1_000) return `${number} B`;
  return number < 1_000_000 ? `${Math.round(number / 1_000)} kB` : `${(number / 1_000_000).toFixed(1)} MB`;
}

/** How many keys a cleanup deleted; unknown if an answer was lost. */
export function deletedKeys({ keys, deletedKeys, dryRun }: CleanupResult): string {
  const unknown = !dryRun && keys.problem !== undefined && keys.planned > 0 && keys.deleted === undefined;
  return unknown ? "an unknown number of keys" : count(deletedKeys, "key");
}

/** How long test keys live, if any lives too long. */
export function keyTtl({ ttl }: CleanupResult["keys"]): string | undefined {
  if (!ttl || (ttl.unlimited + ttl.over === 0 && ttl.problem === undefined)) return undefined;
  const limit = duration(ttl.limitMs);
  const found = `Redis test keys should have a TTL of at most ${limit}. Without a TTL: ${ttl.unlimited}; with a longer one: ${ttl.over}.`;
  const done = ttl.shortened === undefined ? "" : ` Set to ${limit}: ${ttl.shortened} of those that are kept.`;
  return `${found}${done}${ttl.problem === undefined ? "" : ` Problem: ${ttl.problem}`}`;
}

export const touchedTitle = "Real rows changed by tests";

/** A real row that a test changed, in the words of a table. Values that may be about a person are masked. */
export function touchedWords(touched: TouchedRow): Record<"place" | "row" | "now" | "before", string> {
  const { table, column, key, version, masked = [] } = touched;
  const shown = (value: string) => (masked.includes("values") ? "(masked)" : value);
  const before =
    touched.before === undefined
      ? `unknown: ${touched.why ?? "not checked"}`
      : `${touched.before === null ? "NULL" : shown(touched.before)} (version ${known(version)})`;
  return {
    place: `${table}.${column}`,
    row: masked.includes("key") ? "(masked)" : key.value,
    now: shown(touched.now),
    before,
  };
}

/** How many changed rows are missing from a list of so many; empty if none are. */
export function touchedRest({ touched = [], touchedMore = 0 }: CleanupResult, listed: number, stage?: StageName): string {
  const rest = touched.length - listed + touchedMore;
  if (rest <= 0) return "";
  const all = touched.length + touchedMore;
  const unlisted = touchedMore > 0 ? `; the report lists ${numberText(touched.length)} of all ${numberText(all)}` : "";
  return `${count(rest, "more cell")} of real rows ${rest === 1 ? "was" : "were"} changed${unlisted}${stage ? `: see ${reportFile(stage)}` : ""}`;
}

/** A number, or `unknown`, which is not zero. */
export function known(number: number | null | undefined): string {
  return number === undefined || number === null ? "unknown" : numberText(number);
}

/** Cuts a text to a number of UTF-16 units, and says how much is missing. */
export function cut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest).toWellFormed()} … (${numberText(text.length - longest)} more characters)`;
}

/** `tests/a.test.ts:12`; undefined if the report has no place. */
export function place(test: Pick<TestCase, "file" | "line">): string | undefined {
  if (test.file === undefined) return undefined;
  return test.line === undefined ? test.file : `${test.file}:${test.line}`;
}

/** A failed test's message and stack, without repeating the message that many runners put at the start of the stack. */
export function account(test: TestCase): { message: string; stack?: string } {
  const message = test.message ?? "";
  if (!test.stack) return { message };
  return { message: test.stack.startsWith(message) ? "" : message, stack: test.stack };
}

/** The title of a fold with the calls that do not belong to the project. */
export function callsTitle(calls: string): string {
  return `${count(calls.split("\n").length, "line")} of the test runner and of libraries`;
}

/** With a capital letter at the start. */
export function sentence(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}

/** The first line that is not blank. */
export function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "") ?? "";
}

/** The first line, and the next one if the first announces it: `Expected values to be strictly equal: 404 !== 405`. */
export function headline(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  const [first = "", second] = lines.filter((line) => line !== "");
  return first.endsWith(":") && second !== undefined ? `${first} ${second}` : first;
}

/** The share of passed tests among those that ran; undefined if none ran. */
export function passRate({ passed, flaky, failed, unknown }: Omit<TestCounts, "total" | "skipped">): string | undefined {
  const ran = passed + flaky + failed + unknown;
  if (ran === 0) return undefined;
  return percentText((passed + flaky) / ran);
}

/** `41 s (34 % of the 2 min budget)`. */
export function budgetUse(report: Pick<StageReport, "durationMs" | "budgetMs">): string {
  const { durationMs, budgetMs } = report;
  if (budgetMs <= 0) return `${duration(durationMs)} (no budget)`;
  const percent = percentOf(durationMs / budgetMs);
  return `${duration(durationMs)} (${percent < 1 ? "less than 1" : Math.round(percent)} % of the ${duration(budgetMs)} budget)`;
}

/** Other words, such as `unversioned`, are not cut. */
export function shortSha(sha: string): string {
  return /^[0-9a-f]+$/.test(sha) ? sha.slice(0, 10) : sha;
}

/** The stages that the gate needs and that have no report yet. */
export function missingStages(reports: readonly StageReport[]): StageName[] {
  if (isWatch(reports) || isStaging(reports)) return [];
  const without = gateStages.filter((stage) => !reports.some((report) => report.stage === stage));
  const leftOut = leftOutStages(reports);
  return without.filter((stage) => !leftOut.includes(stage));
}

/** Whether this is no gate, but a smoke that follows none. */
export function isWatch(reports: readonly StageReport[]): boolean {
  return reports.length > 0 && reports.every(({ follows }) => follows === "nothing");
}

/** Whether this is no gate, but tasks about a copy of production. */
export function isStaging(reports: readonly StageReport[]): boolean {
  return reports.length > 0 && reports.every(({ stage }) => isStagingStage(stage));
}

/** The stages that are no part of this gate, as every report of it says. */
export function leftOutStages(reports: readonly StageReport[]): StageName[] {
  return gateStages.filter(
    (stage) => reports.length > 0 && reports.every((report) => report.stage !== stage && report.leftOut?.includes(stage)),
  );
}

/** A delete statement as SQL, with a comment that contains the details for undo. */
export function statementText(table: TableCleanup): string {
  const age = table.oldest && table.newest ? `rows created from ${table.oldest} to ${table.newest}` : "";
  const versions =
    table.versionBefore === undefined ? "" : `table version ${table.versionBefore} before, ${known(table.versionAfter)} after`;
  const about = [age, versions].filter(Boolean).join("; ");
  return `${about ? `-- ${about}\n` : ""}${cut(table.statement, 2_000)}`;
}

/** `12–15`; `new–3` for a table that did not exist at the start. If the end was not read, a missing start is unknown too. */
export function versionSpan({ from, to }: { from: number | null; to: number | null }): string {
  if (to === null) return from === null ? "unknown" : `${from}–unknown`;
  return from === to ? String(from) : `${from ?? "new"}–${to}`;
}

/** Path of the full report, relative to the workspace. @param runId absent for the newest of the stage */
export function reportFile(stage: StageName, runId?: string): string {
  return `.env-actions/reports/${stage}${runId === undefined ? "" : `-${runId}`}.json`;
}

const stageTitles: Record<StageName, string> = {
  preflight: "Preflight",
  integration: "Integration",
  e2e: "End to end",
  smoke: "Smoke",
  cleanup: "Cleanup",
  drift: "Drift",
  sync: "Sync",
  refresh: "Refresh",
  seed: "Seed",
  sweep: "Sweep",
};

export function stageTitle(stage: StageName): string {
  return stageTitles[stage];
}

/** `exit status 1`, `ended by signal SIGKILL`, `stopped: time limit reached`. */
export function commandEnd({ exitCode, signal, timedOut }: CommandReport): string {
  if (timedOut) return "stopped: time limit reached";
  if (exitCode !== null) return `exit status ${exitCode}`;
  return signal === null ? "exit status unknown" : `ended by signal ${signal}`;
}

/** Whether a file that a failed test left behind was kept. */
export function attachmentState({ leftOut, binary }: Attachment): string {
  if (leftOut !== undefined) return `not kept: ${cut(leftOut, 300)}`;
  return binary ? "kept, not redacted because it is binary" : "kept";
}

/** The head of the audit log, `42:<64 hex>`, in the form that `audit verify --head` accepts. */
export function headText({ sequence, hash }: AuditHead): string {
  return `${sequence}:${hash}`;
}

/** `41 · 63 · 88 ms`: P50, P95 and the slowest. */
export function latencyText({ p50, p95, max }: Latency): string {
  return `${Math.round(p50)} · ${Math.round(p95)} · ${Math.round(max)} ms`;
}
