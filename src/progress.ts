import type { Check, Verdict } from "./model.ts";

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

/** `340 ms`, `4.2 s`, `3 min 20 s` */
export function readableDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
