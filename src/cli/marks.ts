import type { TestOutcome } from "../history/ask/tests.ts";

/** Pictures of a line, in characters that say the same without colour. */

const outcomeMarks: Record<TestOutcome, string> = { good: "·", failed: "x", flaky: "~", quarantined: "q", unknown: "?" };

export const stripLegend = "· no failure   x failed   ~ flaky   q failed in quarantine   ? unknown";

/** One character for each execution, oldest first. */
export function strip(outcomes: readonly TestOutcome[]): string {
  return outcomes.map((outcome) => outcomeMarks[outcome]).join("");
}

const blocks = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** One block for each value, on a scale from 0 to the largest: a small difference looks small. */
export function sparkline(values: readonly number[]): string {
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  return values
    .map((value) => blocks[Math.max(0, Math.ceil((value / (largest || 1)) * blocks.length) - 1)] ?? blocks[0])
    .join("");
}
