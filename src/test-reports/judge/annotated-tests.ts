import { count } from "../../lib/count.ts";
import type { Check } from "../../model/report.ts";
import type { CriticalTests, QuarantineEntry, TestResults } from "../../model/test-results.ts";
import { checkOf, ranCount } from "./request.ts";

/** The verdicts about single tests that the configuration names: see `TestListMatcher`. */

/** None may fail, and for each glob at least one must have run. Quarantine doesn't excuse a critical test. */
export function criticalCheck({ critical, failures }: TestResults): Check[] {
  if (!critical) return [];
  const [id, title, expected] = ["tests.critical", "Critical tests", "0 failed, none missing"] as const;
  const [failed, missing] = [critical.filter((tests) => tests.failed > 0), critical.filter((tests) => ranCount(tests) === 0)];
  const observed = critical.map((tests) => `${tests.glob}: ${counted(tests)}`).join("; ");
  if (failed.length + missing.length === 0) return [checkOf(id, title, "passed", observed, expected)];
  const known = failures.some((test) => test.quarantinedUntil !== undefined)
    ? " A quarantine does not excuse a critical test."
    : "";
  const said = [
    ...failed.map(({ glob, failed }) => `${count(failed, "critical test")} of ${glob} failed.${known}`),
    ...missing.map(
      ({ glob, skipped }) =>
        `No critical test of ${glob} ran: ${skipped > 0 ? "all of its tests were skipped" : "the glob matches no file and no name in the reports"}.`,
    ),
  ];
  return [checkOf(id, title, "failed", observed, expected, said.join(" "))];
}

function counted(tests: CriticalTests): string {
  return ranCount(tests) === 0 ? "none ran" : `${ranCount(tests) - tests.failed} of ${ranCount(tests)} passed`;
}

export function quarantineCheck({ quarantine }: TestResults): Check[] {
  if (!quarantine) return [];
  const [id, title, expected] = ["tests.quarantine", "Quarantine", "no entry is over, stale or used"] as const;
  const judgements = quarantine.map(judgeEntry);
  const relapsed = judgements.filter(({ verdict }) => verdict === "failed");
  const noted = judgements.filter(({ verdict }) => verdict === "degraded");
  const observed = `${count(quarantine.length, "entry", "entries")}, ${count(excusedFailures(quarantine), "failure")} excused`;
  if (relapsed.length + noted.length === 0) return [checkOf(id, title, "passed", observed, expected)];
  const message = [...relapsed, ...noted].map(({ sentence }) => sentence).join(" ");
  return [checkOf(id, title, relapsed.length > 0 ? "failed" : "degraded", observed, expected, message)];
}

/** Failures that don't count against the pass rate. */
export function excusedFailures(quarantine: readonly QuarantineEntry[] = []): number {
  return quarantine.reduce((sum, entry) => sum + (entry.over ? 0 : entry.failed), 0);
}

function judgeEntry(entry: QuarantineEntry): { verdict: "passed" | "degraded" | "failed"; sentence: string } {
  const { test, until, reason, over, matched, failed } = entry;
  const named = `${test} (${reason})`;
  if (over && failed > 0)
    return {
      verdict: "failed",
      sentence: `The quarantine of ${named} ended on ${until}, and ${count(failed, "test")} of it still failed.`,
    };
  if (over) return { verdict: "degraded", sentence: `The quarantine of ${named} ended on ${until}: take the entry out.` };
  if (matched === 0)
    return { verdict: "degraded", sentence: `The quarantine of ${named} matches no test that was reported: take the entry out.` };
  if (failed > 0)
    return { verdict: "degraded", sentence: `${count(failed, "test")} of ${named} failed, quarantined until ${until}.` };
  return { verdict: "passed", sentence: "" };
}
