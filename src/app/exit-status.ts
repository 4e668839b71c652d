import type { Verdict } from "../model/report.ts";

/** 0: passed or degraded. 1: failed. 3: error. Status 2, for user errors, is decided before any verdict. */
export function exitStatus(verdicts: readonly Verdict[]): number {
  if (verdicts.includes("failed")) return 1;
  if (verdicts.includes("error")) return 3;
  return 0;
}
