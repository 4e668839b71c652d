import { count } from "../../lib/count.ts";
import type { Check } from "../../model/report.ts";
import type { TestResults, UnreadableSource } from "../../model/test-results.ts";
import type { BrokenOff } from "./ended.ts";
import { checkOf } from "./judge.ts";

/** Reports that are missing or broken. Failures in them may be unknown, so they are never passed. */

/** What to do, by code. */
const fixes: Readonly<Record<string, string>> = {
  EA6002: "Run the command by hand, look where it writes its report, and correct reports.",
  EA6003: "Let the command remove old reports before the tests.",
  EA6004: "Look at the named place in the file: often the tests were killed while they wrote it.",
  EA6005: "Let the tests write one of these formats.",
};

/** The tests wrote no report of this run. Any other report was looked at, but could not be read: its result is unknown. */
const notWritten = ["EA6001", "EA6002", "EA6003"];

const mostShown = 5;

/** How the command ended: in words for people, whether it failed, and if it is known, why it wrote no complete report. */
export interface CommandEnd {
  words: string;
  failed: boolean;
  brokenOff?: BrokenOff | undefined;
}

/** The check of the reports. If the command's own end explains it, that check, `tests.exit`, is its cause. */
export function unreadableCheck(reports: readonly UnreadableSource[], { words, failed, brokenOff }: CommandEnd): Check {
  const codes = [...new Set(reports.map(({ code }) => code))];
  const shown = reports.slice(0, mostShown).map((report) => `${report.code}: ${report.message}${before(report)}.`);
  const more = reports.length > mostShown ? [`And ${reports.length - mostShown} more.`] : [];
  const nothingWritten = codes.every((code) => notWritten.includes(code));
  const isExplained = brokenOff !== undefined && (brokenOff.begun || nothingWritten);
  const perhapsEarlier =
    failed && nothingWritten
      ? [`The command ended with ${words}, perhaps before it wrote a report: look at the end of its log.`]
      : [];
  const cures = isExplained ? [] : [...perhapsEarlier, ...codes.flatMap((code) => fixes[code] ?? [])];
  return {
    id: "tests.report",
    title: "Test report",
    verdict: nothingWritten ? "failed" : "error",
    observed: words,
    expected: "a report of this run",
    message: [...shown, ...more, ...cures].join(" "),
    durationMs: 0,
    ...(isExplained ? { cause: "tests.exit" } : {}),
  };
}

/** Where no report could be read, so that nothing else judges the exit status: the end that explains it, and then the reports. */
export function withoutReports(reports: readonly UnreadableSource[], end: CommandEnd): Check[] {
  const check = unreadableCheck(reports, end);
  if (check.cause === undefined || end.brokenOff === undefined) return [check];
  // It decides as much as the reports did: damaged ones may hold anything.
  return [checkOf("tests.exit", "Exit status", check.verdict, end.words, "exit status 0", end.brokenOff.message), check];
}

function before({ tests }: UnreadableSource): string {
  return tests === 0 ? "" : `; ${count(tests, "test")} before ${tests === 1 ? "was" : "were"} read, and others may be missing`;
}

/** Whether any report says anything. */
export function isAnythingRead({ total, crashedSuites, sources }: TestResults): boolean {
  return total + crashedSuites.length + sources.length > 0;
}
