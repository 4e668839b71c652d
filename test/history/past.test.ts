import fc from "fast-check";
import { expect, test } from "vitest";
import { addPast } from "../../src/history/ask/past.ts";
import { recordOf } from "../../src/history/record/of-report.ts";
import type { HistoryRecord, HistoryTests } from "../../src/model/history.ts";
import type { StageReport, Verdict } from "../../src/model/report.ts";
import { failureBefore, flakyBefore, latencyBefore, stageBefore } from "../../src/report/view/past.ts";
import { failedIntegration, passedPreflight } from "../report/sample.ts";

/**
 * What a report says of earlier runs. It could break if a branch of somebody else changes it, if a run that is unknown counts as good,
 * or if the run itself is among those before it.
 */

const day = 86_400_000;
const start = Date.parse("2026-10-01T08:00:00Z");

function report(): StageReport {
  const full = failedIntegration();
  const [first, ...rest] = full.tests?.failures ?? [];
  if (!full.tests || !first) throw new Error("the sample has no failed test");
  return {
    ...full,
    tests: { ...full.tests, failures: [{ ...first, name: "t" }, ...rest.slice(0, 0)], flakyTests: [{ ...first, name: "f" }] },
  };
}

type End = "good" | "failed" | "flaky" | "cut";

interface Made {
  end?: End;
  verdict?: Verdict;
  branch?: string;
  change?: Partial<HistoryRecord>;
}

/** One a day; the tests `t` and `f` end alike. */
function made({ end = "good", verdict, branch = "feature", change = {} }: Made, at: number): HistoryRecord {
  const record = recordOf(report(), { branch, event: "push", ...(branch === "main" ? { isDefaultBranch: true } : {}) });
  const both = ["t", "f"].map((name) => ({ name, file: "tests/integration/sessions.test.ts" }));
  const tests: HistoryTests = {
    ...{ total: 10, passed: 8, failed: 0, flaky: 0, skipped: 0, unknown: 0, durationMs: 1, slowest: [], crashedSuites: 0 },
    ...(end === "failed" ? { failed: 2, failures: both } : end === "cut" ? { failed: 2, failures: [] } : { failures: [] }),
    ...(end === "flaky" ? { flaky: 2, flakyTests: both } : { flakyTests: [] }),
  };
  return {
    ...record,
    ...{ runId: `${start + at * day}_0123abcd`, finishedAt: new Date(start + at * day).toISOString(), tests },
    verdict: verdict ?? (end === "good" || end === "flaky" ? "passed" : "failed"),
    ...change,
  };
}

const history = (...ends: readonly Made[]) => ends.map(made);
const runs = (amount: number, made: Made = {}) => Array.from({ length: amount }, () => made);

function phrases(records: readonly HistoryRecord[], { branch = "feature", unreadable = 0, isDefaultBranch = false } = {}) {
  const found = { records: [...records], unreadable: Array.from({ length: unreadable }, () => ({ name: "x", why: "y" })) };
  const placed = addPast(report(), found, { branch, event: "push", ...(isDefaultBranch ? { isDefaultBranch: true } : {}) });
  return {
    stage: stageBefore(placed),
    failed: failureBefore(placed.tests?.failures[0]?.past),
    flaky: flakyBefore(placed.tests?.flakyTests[0]?.past),
  };
}

test.each<[string, HistoryRecord[], ReturnType<typeof phrases>]>([
  ["nothing before", [], { stage: [], failed: [], flaky: [] }],
  [
    "one good run",
    history(...runs(1)),
    { stage: ["no failure in the run before"], failed: ["no failure in the run before"], flaky: ["not in the run before"] },
  ],
  [
    "good runs only",
    history(...runs(30)),
    { stage: ["first failure in 30 runs"], failed: ["first failure in 30 runs"], flaky: ["for the first time in 20 runs"] },
  ],
  [
    "a failure long ago",
    history({ end: "failed" }, ...runs(34)),
    {
      stage: ["first failure since 2026-10-01 (34 runs)"],
      failed: ["first failure since 2026-10-01 (34 runs)"],
      flaky: ["for the first time in 20 runs"],
    },
  ],
  [
    "some failures",
    history(...runs(10), { end: "failed" }, { end: "flaky" }, { end: "failed" }, ...runs(2)),
    {
      stage: ["failed in 2 of the last 15 runs"],
      failed: ["failed in 2, flaky in 1 of the last 15 runs"],
      flaky: ["failed in 2, flaky in 1 of the last 15 runs"],
    },
  ],
  [
    "the runs right before",
    history(...runs(3), ...runs(6, { end: "failed" })),
    {
      stage: ["not passed since 2026-10-04 (6 runs before this one)"],
      failed: ["failing since 2026-10-04 (6 runs before this one)"],
      flaky: ["failed in 6 of the last 9 runs"],
    },
  ],
  [
    "all runs",
    history(...runs(2, { end: "failed" })),
    {
      stage: ["not passed since 2026-10-01 or earlier (2 runs before this one)"],
      failed: ["failing since 2026-10-01 or earlier (2 runs before this one)"],
      flaky: ["failed in 2 of the last 2 runs"],
    },
  ],
  [
    "a list that was cut",
    history(...runs(3), { end: "cut" }, ...runs(2)),
    { stage: ["failed in 1 of the last 6 runs"], failed: [], flaky: [] },
  ],
  [
    "an error in between",
    history(...runs(3), { end: "failed" }, { verdict: "error", change: { tests: undefined } as never }, { end: "failed" }),
    {
      stage: ["not passed since 2026-10-04 (3 runs before this one)"],
      failed: ["failing since 2026-10-04 (2 runs before this one)"],
      flaky: ["failed in 2 of the last 5 runs"],
    },
  ],
  [
    "the default branch fails as well",
    history(...runs(4), { end: "failed", branch: "main" }, ...runs(1)),
    {
      stage: ["failed in 1 of the last 6 runs"],
      failed: ["failed in 1 of the last 6 runs", "fails on main as well (2026-10-05)"],
      flaky: ["failed in 1 of the last 6 runs"],
    },
  ],
  [
    "the default branch failed once",
    history({ end: "failed", branch: "main" }, { branch: "main" }),
    {
      stage: ["failed in 1 of the last 2 runs"],
      failed: ["failed in 1 of the last 2 runs"],
      flaky: ["failed in 1 of the last 2 runs"],
    },
  ],
])("%s", (_, records, expected) => {
  expect(phrases(records)).toEqual(expected);
});

test("a record that can't be read may be of any run, so only what is certain is said", () => {
  const before = history(...runs(3), ...runs(2, { end: "failed" }));
  expect(phrases(before, { unreadable: 1 })).toEqual({
    stage: ["failed in at least 2 of the last 5 runs"],
    failed: ["failed in at least 2 of the last 5 runs"],
    flaky: ["failed in at least 2 of the last 5 runs"],
  });
  expect(phrases(history(...runs(5)), { unreadable: 1 })).toEqual({ stage: [], failed: [], flaky: [] });
  expect(phrases(history({ end: "failed", branch: "main" }), { unreadable: 1 }).failed).toEqual(["failed in the run before"]);
});

test("a test that is failing on the default branch is not said to fail there as well", () => {
  const before = history(...runs(2, { branch: "main" }), { end: "failed", branch: "main" });
  expect(phrases(before, { branch: "main", isDefaultBranch: true }).failed).toEqual([
    "failing since 2026-10-03 (1 run before this one)",
  ]);
});

test("nobody else's records change what is said: not of another branch, a fork, another repository, cell, stage or environment", () => {
  const ours = fc.array(
    fc.record({ end: fc.constantFrom<End>("good", "failed", "flaky", "cut"), branch: fc.constantFrom("main", "feature") }),
    { maxLength: 6 },
  );
  const foreign: readonly Partial<HistoryRecord>[] = [
    { branch: "attack" },
    { branch: "main" },
    { branch: "feature", isFork: true },
    { branch: "main", isFork: true },
    { branch: "feature", origin: { ...made({}, 0).origin, repository: "attacker/app" } },
    { branch: "main", isDefaultBranch: true, origin: { ...made({}, 0).origin, repository: "attacker/app" } },
    { branch: "main", isDefaultBranch: true, origin: { ...made({}, 0).origin, cell: "browser=firefox" } },
    { branch: "main", isDefaultBranch: true, stage: "e2e" },
    { branch: "main", isDefaultBranch: true, environment: { name: "elsewhere", access: "test-data" } },
    { branch: "main", isDefaultBranch: true, origin: { kind: "terminal" } },
  ];
  const theirs = fc.array(
    fc.record({
      end: fc.constantFrom<End>("good", "failed", "flaky", "cut"),
      change: fc.constantFrom(...foreign),
      at: fc.nat(8),
    }),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(ours, theirs, (own, others) => {
      const records = history(...own);
      const mixed = [
        ...records,
        ...others.map(({ end, change, at }, index) => {
          const { isDefaultBranch: _, ...plain } = made({ end }, at);
          return { ...plain, runId: `${start + at * day}_9999999${index}`, ...change };
        }),
      ].sort((a, b) => (a.runId < b.runId ? -1 : 1));
      expect(phrases(mixed)).toEqual(phrases(records));
    }),
  );
});

test("a fork's run is compared with the default branch alone", () => {
  const records = history({ end: "failed" }, { branch: "main" }, { branch: "feature", end: "failed", change: { isFork: true } });
  const placed = addPast(report(), { records, unreadable: [] }, { branch: "feature", isFork: true, event: "pull_request" });
  expect(failureBefore(placed.tests?.failures[0]?.past)).toEqual(["no failure in the run before"]);
});

test("the run itself is not among the runs before it", () => {
  const own = { ...recordOf(report(), { branch: "feature" }) };
  expect(phrases([...history(...runs(2)), own]).failed).toEqual(["first failure in 2 runs"]);
});

test("a latency stands beside the median of the runs in which the check passed", () => {
  const of = (p95: number, verdict: Verdict, at: number): HistoryRecord => {
    const record = recordOf(passedPreflight(), { branch: "main", isDefaultBranch: true });
    return {
      ...record,
      runId: `${start + at * day}_0123abcd`,
      checks: record.checks.map((check) => (check.latency ? { ...check, verdict, latency: { ...check.latency, p95 } } : check)),
    };
  };
  const saidAfter = (records: HistoryRecord[]) => {
    const { checks } = addPast(passedPreflight(), { records, unreadable: [] }, { branch: "main", isDefaultBranch: true });
    return latencyBefore(checks.find(({ id }) => id === "databricks.latency")?.past);
  };
  expect(saidAfter([])).toBeUndefined();
  expect(saidAfter([of(62.4, "passed", 0)])).toBe("in the run before: 62 ms");
  expect(saidAfter([60, 70, 71, 72, 500].map((p95, at) => of(p95, "passed", at)))).toBe("median of 5 runs: 71 ms");
  expect(saidAfter([of(1.26, "failed", 0), of(9.44, "degraded", 1), of(9.54, "passed", 2)])).toBe("median of 2 runs: 9.5 ms");
});
