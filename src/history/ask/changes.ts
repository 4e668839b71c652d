import type { HistoryCheck, HistoryLatency, HistoryRecord, HistoryTest, HistoryTests } from "../../model/history.ts";
import type { Verdict } from "../../model/report.ts";
import { isShortened, testKey } from "./tests.ts";

/** What changed from one execution of a stage to another. */
export interface Changes {
  from: HistoryRecord;
  to: HistoryRecord;
  /** Checks whose verdict differs, or that only one of both has. */
  checks: { check: string; title: string; from?: Verdict; to?: Verdict }[];
  /** Absent unless both have results of tests. */
  tests?: TestChanges;
  /** Checks that measured in both. */
  latencies: { check: string; title: string; from: HistoryLatency; to: HistoryLatency }[];
  /** Rows and keys of tests that were there at the end; null if unknown. Absent unless both looked. */
  left?: { from: number | null; to: number | null };
}

export interface TestChanges {
  newlyFailing: FailedTest[];
  /** They failed before, and are not among those that failed now. */
  fixed: FailedTest[];
  stillFailing: FailedTest[];
  /** They failed in one of both, and of the other it is unknown: its record names only some of them, a file could not be loaded, or fewer tests ran. */
  unclear: FailedTest[];
  counts: { from: HistoryTests; to: HistoryTests };
}

export type FailedTest = HistoryTest & { quarantined?: true };

export function changesBetween(from: HistoryRecord, to: HistoryRecord): Changes {
  const left = leftIn(from, to);
  return {
    from,
    to,
    checks: checkChanges(from.checks, to.checks),
    ...(from.tests && to.tests ? { tests: testChanges(from.tests, to.tests) } : {}),
    latencies: latencyChanges(from.checks, to.checks),
    ...(left ? { left } : {}),
  };
}

function checkChanges(from: readonly HistoryCheck[], to: readonly HistoryCheck[]): Changes["checks"] {
  const before = new Map(from.map((check) => [check.id, check]));
  const after = new Map(to.map((check) => [check.id, check]));
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((id) => {
    const [a, b] = [before.get(id), after.get(id)];
    if (a?.verdict === b?.verdict) return [];
    return [
      {
        check: id,
        title: b?.title ?? a?.title ?? id,
        ...(a ? { from: a.verdict } : {}),
        ...(b ? { to: b.verdict } : {}),
      },
    ];
  });
}

function testChanges(from: HistoryTests, to: HistoryTests): TestChanges {
  const [before, after] = [failuresOf(from), failuresOf(to)];
  const changes: TestChanges = { newlyFailing: [], fixed: [], stillFailing: [], unclear: [], counts: { from, to } };
  for (const [key, test] of after)
    if (before.has(key)) changes.stillFailing.push(test);
    else (tellsAll(from) ? changes.newlyFailing : changes.unclear).push(test);
  // Where fewer ran, those may be the ones that did not.
  const asMany = ranIn(to) >= ranIn(from);
  for (const [key, test] of before) if (!after.has(key)) (tellsAll(to) && asMany ? changes.fixed : changes.unclear).push(test);
  return changes;
}

/** Whether a test that it doesn't name did not fail. */
function tellsAll(tests: HistoryTests): boolean {
  return !isShortened(tests) && tests.crashedSuites === 0 && tests.total > tests.skipped;
}

function ranIn({ total, skipped }: HistoryTests): number {
  return total - skipped;
}

function failuresOf({ failures }: HistoryTests): Map<string, FailedTest> {
  return new Map(failures.map((test) => [testKey(test), test]));
}

function latencyChanges(from: readonly HistoryCheck[], to: readonly HistoryCheck[]): Changes["latencies"] {
  const before = new Map(from.map((check) => [check.id, check.latency]));
  return to.flatMap(({ id, title = id, latency }) => {
    const earlier = before.get(id);
    return earlier && latency && earlier.count > 0 && latency.count > 0 ? [{ check: id, title, from: earlier, to: latency }] : [];
  });
}

function leftIn({ data: from }: HistoryRecord, { data: to }: HistoryRecord): Changes["left"] {
  return from && to && { from: from.left, to: to.left };
}
