import fc from "fast-check";
import { expect, test } from "vitest";
import { historyOfTest, newestExecutions, testRates } from "../../src/history/ask/tests.ts";
import { recordOf } from "../../src/history/record/of-report.ts";
import type { HistoryRecord, HistoryTest, HistoryTests } from "../../src/model/history.ts";
import { failedIntegration } from "../report/sample.ts";

/**
 * How often a test failed, against a count of our own: record by record, test by test, as the promise reads. It could break if a
 * re-run hides a failure, if another cell is in the denominator, or if a list that was cut is taken for the whole.
 */

const base = recordOf(failedIntegration());
const names = ["a", "b"];
const files = [undefined, "x.test.ts"];

const someTests = fc
  .record({
    // Each is not there, failed, failed in quarantine, or flaky.
    ends: fc.array(fc.constantFrom("good", "good", "failed", "quarantined", "flaky"), { minLength: 4, maxLength: 4 }),
    skipped: fc.constantFrom(0, 0, 3),
    crashed: fc.constantFrom(0, 0, 0, 0, 1),
    hidden: fc.constantFrom(0, 0, 0, 0, 1),
    incomplete: fc.constantFrom(false, false, false, true),
  })
  .map(({ ends, skipped, crashed, hidden, incomplete }): HistoryTests => {
    const all = names.flatMap((name) => files.map((file): HistoryTest => ({ name, ...(file ? { file } : {}) })));
    const failures = all.flatMap((one, at) =>
      ends[at] === "failed" ? [one] : ends[at] === "quarantined" ? [{ ...one, quarantined: true as const }] : [],
    );
    const flakyTests = all.filter((_, at) => ends[at] === "flaky");
    const failed = failures.length + hidden;
    return {
      ...{ total: 10, passed: 10 - failed - flakyTests.length - skipped, failed, flaky: flakyTests.length, skipped, unknown: 0 },
      ...{ durationMs: 1, slowest: [], crashedSuites: crashed, flakyTests },
      failures: [...failures, ...(crashed ? [{ name: "c.test.ts", file: "c.test.ts" }] : [])],
      ...(incomplete ? { incomplete: true } : {}),
    };
  });

const histories = fc
  .array(
    fc.record({
      stage: fc.constantFrom("integration" as const, "integration" as const, "integration" as const, "e2e" as const),
      environment: fc.constantFrom("staging", "staging", "staging", "sandbox"),
      cell: fc.constantFrom(undefined, undefined, undefined, "shard=1"),
      workflowRun: fc.constantFrom(undefined, "1", "1", "1", "2"),
      attempt: fc.constantFrom("1", "2", "10"),
      repository: fc.constantFrom("o/a", "o/a", "o/a", "o/b"),
      tests: fc.option(someTests, { nil: undefined, freq: 6 }),
    }),
    { maxLength: 14 },
  )
  .map((all) =>
    all.map(({ stage, environment, cell, workflowRun, attempt, repository, tests }, at): HistoryRecord => {
      const { tests: _, ...rest } = base;
      return {
        ...rest,
        ...{ stage, environment: { name: environment, access: "test-data" } },
        runId: `${1_763_917_800_000 + at}_9f3c1a7e`,
        finishedAt: new Date(1_763_917_800_000 + at).toISOString(),
        origin: {
          kind: "github",
          repository,
          job: "tests",
          attempt,
          ...(cell ? { cell } : {}),
          ...(workflowRun ? { workflowRun } : {}),
        },
        ...(tests ? { tests } : {}),
      };
    }),
  );

const isSame = (a: HistoryTest, b: HistoryTest) => a.name === b.name && a.file === b.file && a.project === b.project;
const knowsAll = ({ failed, unknown, crashedSuites, failures, flaky, flakyTests, incomplete }: HistoryTests) =>
  !incomplete && failures.length === failed + unknown + crashedSuites && flakyTests.length === flaky;

/** What the promise says of a test in one execution. */
function outcomeIn(record: HistoryRecord, wanted: HistoryTest, all: readonly HistoryRecord[]): string {
  const { failures = [], flakyTests = [] } = record.tests ?? {};
  const failed = failures.filter((one) => isSame(one, wanted));
  if (failed.some(({ quarantined }) => !quarantined)) {
    const turnedGreen = all.some(
      ({ origin, tests }) =>
        record.origin.workflowRun !== undefined &&
        origin.workflowRun === record.origin.workflowRun &&
        origin.repository === record.origin.repository &&
        Number(origin.attempt) > Number(record.origin.attempt) &&
        tests !== undefined &&
        knowsAll(tests) &&
        tests.crashedSuites === 0 &&
        tests.total - tests.skipped >= (record.tests?.total ?? 0) - (record.tests?.skipped ?? 0) &&
        !tests.failures.some((one) => isSame(one, wanted)),
    );
    return turnedGreen ? "flaky" : "failed";
  }
  if (failed.length > 0) return "quarantined";
  if (flakyTests.some((one) => isSame(one, wanted))) return "flaky";
  return record.tests && knowsAll(record.tests) ? "good" : "unknown";
}

test("each rate counts the executions of its stage, environment, job and cell, and each of them once", () => {
  fc.assert(
    fc.property(histories, (records) => {
      const expected = new Set<string>();
      for (const stage of ["integration", "e2e"])
        for (const environment of ["staging", "sandbox"])
          for (const cell of [undefined, "shard=1"]) {
            const all = records.filter(
              (one) => one.tests && one.stage === stage && one.environment.name === environment && one.origin.cell === cell,
            );
            for (const wanted of [
              ...names.flatMap((name) => files.map((file): HistoryTest => ({ name, ...(file ? { file } : {}) }))),
              { name: "c.test.ts", file: "c.test.ts" },
            ]) {
              const outcomes = all.map((one) => outcomeIn(one, wanted, all));
              const many = (word: string) => outcomes.filter((one) => one === word).length;
              const bad = all.filter((_, at) => !["good", "unknown"].includes(outcomes[at] ?? ""));
              if (bad.length === 0) continue;
              expected.add(
                JSON.stringify([
                  ...[wanted.name, wanted.file, stage, environment, cell, all.length],
                  ...[many("failed"), many("flaky"), many("quarantined"), bad[0]?.finishedAt, bad.at(-1)?.finishedAt],
                  ...[bad.at(-1)?.runId, all.some((one) => one.tests && !knowsAll(one.tests)), outcomes],
                ]),
              );
            }
          }
      const found = testRates(records).map(({ test: { name, file }, stage, environment, cell, runs, ...rate }) => {
        const history = historyOfTest(records, name).find(
          (one) =>
            one.rate.test.file === file &&
            one.rate.stage === stage &&
            one.rate.environment === environment &&
            one.rate.cell === cell,
        );
        return JSON.stringify([
          ...[name, file, stage, environment, cell, runs],
          ...[rate.failed, rate.flaky, rate.quarantined, rate.firstBad, rate.lastBad, rate.lastBadRun, rate.atLeast],
          history?.executions.map(({ outcome }) => outcome),
        ]);
      });
      expect(found.sort()).toEqual([...expected].sort());
    }),
    { numRuns: 400 },
  );
});

test("the worst test comes first, and the newest executions are those of each cell", () => {
  const records = Array.from(
    { length: 8 },
    (_, at): HistoryRecord => ({
      ...base,
      runId: `${1_763_917_800_000 + at}_9f3c1a7e`,
      origin: { kind: "github", cell: at % 4 === 0 ? "rare" : "often" },
      tests: {
        ...(base.tests as HistoryTests),
        failures: at % 2 ? [{ name: "sometimes" }] : [{ name: "always" }, { name: "sometimes" }],
      },
    }),
  );
  expect(testRates(records).map((rate) => [rate.test.name, rate.cell, rate.failed, rate.runs])).toEqual([
    ["sometimes", "often", 6, 6],
    ["always", "rare", 2, 2],
    ["sometimes", "rare", 2, 2],
    ["always", "often", 2, 6],
  ]);
  expect(newestExecutions(records, 2).map(({ runId }) => runId.slice(11, 13))).toEqual(["00", "04", "06", "07"]);
});

test("no name of a file can make two tests equal", () => {
  const tests = {
    ...(base.tests as HistoryTests),
    failures: [{ name: 'a","b' }, { name: "a", file: "b" }, { name: "a", project: "b" }],
  };
  expect(testRates([{ ...base, tests }])).toHaveLength(3);
});
