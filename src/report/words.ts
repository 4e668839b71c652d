import { count, numberText } from "../lib/count.ts";
import {
  type Alert,
  type AuditHead,
  type Check,
  type CommandReport,
  type Rollback,
  type Score,
  type StageName,
  type StageReport,
  stageNames,
  type Verdict,
} from "../model/report.ts";
import type { CleanupResult, TableCleanup, TouchedRow } from "../model/test-data.ts";
import type { Attachment, TestCase } from "../model/test-results.ts";

/** How a report says things, whatever it is written in: the same words in the summary, on the page and in annotations. */

/** The word always stands beside it: an icon or a colour alone tells some people nothing. */
export const verdictIcons: Record<Verdict, string> = {
  passed: "✅",
  degraded: "⚠️",
  failed: "❌",
  error: "🛑",
  skipped: "⏭️",
};

/** Icon and word, never parted by a line break. */
export function verdictWords(verdict: Verdict): string {
  return `${verdictIcons[verdict]}\u00a0${verdict}`;
}

const urgency: Record<Verdict, number> = { failed: 0, error: 1, degraded: 2, skipped: 3, passed: 4 };

/** What is not passed first, and what does not count last; otherwise in the order in which it was looked at. */
export function mostUrgentFirst(checks: readonly Check[]): Check[] {
  const place = ({ verdict, dryRun }: Check) => (dryRun ? urgency.passed : urgency[verdict]);
  return [...checks].sort((a, b) => place(a) - place(b));
}

/** `dry run: not counted`, `2 looks`: what is special about this check, or nothing. */
export function checkRemarks({ dryRun, attempts }: Check): string {
  return [dryRun ? "dry run: not counted" : "", attempts ? count(attempts, "look") : ""].filter(Boolean).join("; ");
}

/** `Score: 82.5 % (8.25 of 10); passed from 90 %, degraded from 75 %`. */
export function scoreLine({ percent, reached, possible, pass, warning }: Score): string {
  const of = (points: number) => String(Math.round(points * 100) / 100);
  return `Score: ${percent} % (${of(reached)} of ${of(possible)}); passed from ${pass} %, degraded from ${warning} %`;
}

const rollbackWords: Record<Rollback["outcome"], string> = {
  fired: "was asked for",
  "dry-run": "was not asked for, because this is a dry run",
  "already-fired": "was asked for already",
  "not-fired": "was not asked for",
  failed: "could not be asked for",
  unknown: "may have been asked for",
};

/** One sentence: what was asked for, and what became of it. */
export function rollbackLine({ of, trigger, outcome, at, why }: Rollback): string {
  return `The rollback of ${of} ${rollbackWords[outcome]} (${trigger}, ${at}): ${why}`;
}

/** `sent`, `failed after 3 attempts`. */
export function alertWords({ outcome, attempts }: Alert): string {
  if (outcome === "repeated") return "not sent again: the same was sent lately";
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

/** How many keys a cleanup deleted: where an answer was lost, nobody knows. */
export function deletedKeys({ keys, deletedKeys, dryRun }: CleanupResult): string {
  const unknown = !dryRun && keys.problem !== undefined && keys.planned > 0 && keys.deleted === undefined;
  return unknown ? "an unknown number of keys" : count(deletedKeys, "key");
}

/** How long test keys live, where that is worth a sentence. */
export function keyTtl({ ttl }: CleanupResult["keys"]): string | undefined {
  if (!ttl || (ttl.unlimited + ttl.over === 0 && ttl.problem === undefined)) return undefined;
  const limit = duration(ttl.limitMs);
  const found = `${count(ttl.unlimited, "test key")} without a TTL, ${ttl.over} beyond ${limit}`;
  const done = ttl.shortened === undefined ? "" : `; ${ttl.shortened} of those kept were limited to ${limit}`;
  return `${found}${done}${ttl.problem === undefined ? "" : `; ${ttl.problem}`}`;
}

export const touchedTitle = "Real rows changed by tests";

/** A real row that a test changed, in the words of a table. Values that may be about a person are masked. */
export function touchedWords(touched: TouchedRow): Record<"place" | "row" | "now" | "before", string> {
  const { table, column, key, version, masked = [] } = touched;
  const shown = (value: string) => (masked.includes("values") ? "(masked)" : value);
  const before =
    touched.before === undefined
      ? `unknown: ${touched.why ?? "nobody looked"}`
      : `${touched.before === null ? "NULL" : shown(touched.before)} (version ${known(version)})`;
  return {
    place: `${table}.${column}`,
    row: masked.includes("key") ? "(masked)" : key.value,
    now: shown(touched.now),
    before,
  };
}

/** What of the changed rows is not in a list of so many; or nothing. */
export function touchedRest({ touched = [], touchedMore = 0 }: CleanupResult, listed: number, stage?: StageName): string {
  const rest = touched.length - listed + touchedMore;
  if (rest <= 0) return "";
  const unlisted = touchedMore > 0 ? `; the report lists ${numberText(touched.length)} of them` : "";
  return `${count(rest, "more cell")} of real rows ${rest === 1 ? "was" : "were"} changed${unlisted}${stage ? `: see ${reportFile(stage)}` : ""}`;
}

/** A number of which nobody may think that it is zero when it was not told. */
export function known(number: number | null | undefined): string {
  return number === undefined || number === null ? "unknown" : numberText(number);
}

/** At most so many UTF-16 units, and says how much is missing. */
export function cut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest).toWellFormed()} … (${numberText(text.length - longest)} more characters)`;
}

/** `tests/a.test.ts:12`; undefined where the report does not say. */
export function place(test: Pick<TestCase, "file" | "line">): string | undefined {
  if (test.file === undefined) return undefined;
  return test.line === undefined ? test.file : `${test.file}:${test.line}`;
}

/** What a failed test said, once: runners often begin the stack with the message. */
export function account(test: TestCase): { message: string; stack?: string } {
  const message = test.message ?? "";
  if (!test.stack) return { message };
  return { message: test.stack.startsWith(message) ? "" : message, stack: test.stack };
}

/** The first line that says something. */
export function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "") ?? "";
}

/** Of the tests that ran; undefined when none did. */
export function passRate({ passed, flaky, failed }: { passed: number; flaky: number; failed: number }): string | undefined {
  const ran = passed + flaky + failed;
  if (ran === 0) return undefined;
  const percent = ((passed + flaky) / ran) * 100;
  // 99.96 % must not read as 100 %.
  return `${(Math.floor(percent * 10) / 10).toFixed(1)} %`;
}

/** `41 s of 2 min (34 %)`. */
export function budgetUse(report: Pick<StageReport, "durationMs" | "budgetMs">): string {
  const used = `${duration(report.durationMs)} of ${duration(report.budgetMs)}`;
  return report.budgetMs > 0 ? `${used} (${Math.round((report.durationMs / report.budgetMs) * 100)} %)` : used;
}

/** What is no hash, such as `unversioned`, is a word, and is not cut. */
export function shortSha(sha: string): string {
  return /^[0-9a-f]+$/.test(sha) ? sha.slice(0, 10) : sha;
}

/** The stages that the gate asks for and that have not reported: without them a whole is only right so far. */
export function missingStages(reports: readonly StageReport[]): StageName[] {
  return stageNames.filter((stage) => stage !== "cleanup" && !reports.some((report) => report.stage === stage));
}

/** A deleting statement with what is needed to undo it, as SQL with a comment. */
export function statementText(table: TableCleanup): string {
  const age = table.oldest && table.newest ? `made ${table.oldest} to ${table.newest}` : "";
  const versions = table.versionBefore === undefined ? "" : `version ${table.versionBefore} → ${known(table.versionAfter)}`;
  const about = [age, versions].filter(Boolean).join("; ");
  return `${about ? `-- ${about}\n` : ""}${cut(table.statement, 2_000)}`;
}

/** `12–15`; `new–3` for a table that the start did not have; where the end was not read, a start without a version is not known either. */
export function versionSpan({ from, to }: { from: number | null; to: number | null }): string {
  if (to === null) return from === null ? "unknown" : `${from}–unknown`;
  return from === to ? String(from) : `${from ?? "new"}–${to}`;
}

/** Where the whole report stands, relative to the workspace. */
export function reportFile(stage: StageName): string {
  return `.env-actions/reports/${stage}.json`;
}

const stageTitles: Record<StageName, string> = {
  preflight: "Preflight",
  integration: "Integration",
  e2e: "End to end",
  smoke: "Smoke",
  cleanup: "Cleanup",
};

export function stageTitle(stage: StageName): string {
  return stageTitles[stage];
}

/** `exit status 1`, `ended by SIGKILL`, `stopped: out of time`. */
export function commandEnd({ exitCode, signal, timedOut }: CommandReport): string {
  if (timedOut) return "stopped: out of time";
  if (exitCode !== null) return `exit status ${exitCode}`;
  return signal === null ? "its end is unknown" : `ended by ${signal}`;
}

/** What became of a file that a failed test left behind. */
export function attachmentState({ leftOut, binary }: Attachment): string {
  if (leftOut !== undefined) return `not kept: ${cut(leftOut, 300)}`;
  return binary ? "kept; binary, so secrets shown in it are not redacted" : "kept";
}

/** The head of the audit log, `42:<64 hex>`: as `audit verify --head` takes it. */
export function headText({ sequence, hash }: AuditHead): string {
  return `${sequence}:${hash}`;
}
