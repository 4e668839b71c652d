import { percentOf } from "../../lib/count.ts";
import type { Check, Verdict } from "../../model/report.ts";
import type { TestCounts } from "../../model/test-results.ts";

/** Creates the checks that the judges of test results return. */

export function checkOf(
  id: string,
  title: string,
  verdict: Verdict,
  observed: string,
  expected: string,
  message?: string,
): Check {
  return { id, title, verdict, observed, expected, ...(message === undefined ? {} : { message }), durationMs: 0 };
}

export function ranCount(counts: TestCounts): number {
  return counts.total - counts.skipped;
}

export function percentage(share: number): string {
  return `${percentOf(share)} %`;
}

/** The first few, and how many more. */
export function firstFew(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return names.slice(0, most).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
