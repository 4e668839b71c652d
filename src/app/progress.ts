import type { Check, Verdict } from "../model/report.ts";

/** A mark and a word, never a colour alone. */
export const verdictMarks: Record<Verdict, string> = { passed: "✔", degraded: "▲", failed: "✘", error: "■", skipped: "○" };

/** One check in one line: what it is, what was seen, and – unless it passed – what that means. */
export function checkLine(check: Check): string {
  const parts = [
    `${verdictMarks[check.verdict]} ${check.title}`,
    check.observed,
    check.verdict === "passed" ? undefined : (check.message ?? check.verdict),
  ];
  return parts.filter((part) => part !== undefined && part !== "").join(" – ");
}
