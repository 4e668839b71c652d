import { count } from "../../lib/count.ts";
import type { Check } from "../../model/report.ts";
import type { TestResults, UnreadableSource } from "../../model/test-results.ts";

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

/** @param ended how the command ended */
export function unreadableCheck(reports: readonly UnreadableSource[], ended: string): Check {
  const codes = [...new Set(reports.map(({ code }) => code))];
  const shown = reports.slice(0, mostShown).map((report) => `${report.code}: ${report.message}${before(report)}.`);
  const more = reports.length > mostShown ? [`And ${reports.length - mostShown} more.`] : [];
  const cures = codes.flatMap((code) => fixes[code] ?? []);
  return {
    id: "tests.report",
    title: "Test report",
    verdict: codes.every((code) => notWritten.includes(code)) ? "failed" : "error",
    observed: ended,
    expected: "a report of this run",
    message: [...shown, ...more, ...cures].join(" "),
    durationMs: 0,
  };
}

function before({ tests }: UnreadableSource): string {
  return tests === 0 ? "" : `; ${count(tests, "test")} before ${tests === 1 ? "was" : "were"} read, and others may be missing`;
}

/** Whether any report says anything. */
export function isAnythingRead({ total, crashedSuites, sources }: TestResults): boolean {
  return total + crashedSuites.length + sources.length > 0;
}
