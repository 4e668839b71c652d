import type { Check, Verdict } from "../model/report.ts";

/** A symbol and a word, so that nothing depends on colour alone. */
export const verdictMarks: Record<Verdict, string> = { passed: "✔", degraded: "▲", failed: "✘", error: "■", skipped: "○" };

/** One check in one line: its title, what it found and, unless it passed, what that means. */
export function checkLine(check: Check): string {
  const parts = [
    `${verdictMarks[check.verdict]} ${check.title}`,
    check.observed,
    check.verdict === "passed" ? undefined : (check.message ?? check.verdict),
  ];
  return parts.filter((part) => part !== undefined && part !== "").join(" – ");
}
