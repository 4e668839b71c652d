import { addPast } from "../../src/history/ask/past.ts";
import { recordOf } from "../../src/history/record/of-report.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import type { StageReport } from "../../src/model/report.ts";

const day = 86_400_000;
const before = 24;

/**
 * The report after 24 runs, one a day: on the branch, and every third on the default one. Of its failures the first was there in the
 * last four runs, the second and the flaky tests now and then, the others never.
 */
export function withEarlierRuns(report: StageReport): StageReport {
  const branch = "roster-import";
  const own = recordOf(report, { branch, event: "pull_request" });
  const records = Array.from({ length: before }, (_, at): HistoryRecord => {
    const moment = Date.parse(report.startedAt) - (before - at) * day;
    const isDefault = at % 3 === 0;
    const [first, second] = own.tests?.failures ?? [];
    const failures = [...(first && at >= before - 4 ? [first] : []), ...(second && at % 7 === 6 ? [second] : [])];
    const flakyTests = at % 6 === 4 ? (own.tests?.flakyTests ?? []) : [];
    const { isDefaultBranch: __, ...record } = own;
    return {
      ...record,
      ...{ runId: `${moment}_0123abcd`, finishedAt: new Date(moment).toISOString(), branch: isDefault ? "main" : branch },
      ...(isDefault ? { isDefaultBranch: true } : {}),
      verdict: failures.length > 0 ? "failed" : "passed",
      checks: own.checks.map((check) => ({
        ...check,
        verdict: "passed",
        // Between 80 and 92 % of what this run measured.
        ...(check.latency ? { latency: { ...check.latency, p95: check.latency.p95 * (0.8 + (at % 4) * 0.04) } } : {}),
      })),
      ...(own.tests
        ? {
            tests: {
              ...own.tests,
              failures,
              failed: failures.length,
              unknown: 0,
              crashedSuites: 0,
              flakyTests,
              flaky: flakyTests.length,
            },
          }
        : {}),
    };
  });
  return addPast(report, { records, unreadable: [] }, { branch, event: "pull_request" });
}
