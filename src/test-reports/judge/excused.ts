import type { QuarantineEntry } from "../../model/test-results.ts";

/** Failures that don't count against the pass rate. */
export function excusedFailures(quarantine: readonly QuarantineEntry[] = []): number {
  return quarantine.reduce((sum, entry) => sum + (entry.over ? 0 : entry.failed), 0);
}
