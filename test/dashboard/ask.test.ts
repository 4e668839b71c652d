import { describe, expect, test } from "vitest";
import { flakinessOf } from "../../src/dashboard/view/tests.ts";
import { periodsOf, span, until } from "../../src/dashboard/view/times.ts";
import { copiesOf, expiriesOf } from "../../src/history/ask/expiry.ts";
import { gatesOf } from "../../src/history/ask/gates.ts";
import { healthOf } from "../../src/history/ask/health.ts";
import type { TestRate } from "../../src/history/ask/tests.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { worldEnd, worldOf } from "../history/world.ts";

/** What the dashboard asks of records. */

const hour = 3_600_000;
const day = 24 * hour;
const [sample] = worldOf({ records: 30 });
let made = 0;

/** @param hours before the end */
function record(
  hours: number,
  change: Partial<HistoryRecord> & { attempt?: number; run?: string; cell?: string } = {},
): HistoryRecord {
  if (!sample) throw new Error("the world has records");
  const { attempt, run, cell, ...rest } = change;
  const at = worldEnd - hours * hour;
  const { expires: _, data: __, copy: ___, drift: ____, ...plain } = sample;
  return {
    ...plain,
    stage: "integration",
    verdict: "passed",
    environment: { name: "sandbox", access: "test-data" },
    origin: {
      kind: "github",
      repository: "a/b",
      workflowRun: run ?? String(++made),
      attempt: String(attempt ?? 1),
      job: "test",
      ...(cell ? { cell } : {}),
    },
    runId: `${at}_${String(++made).padStart(8, "0")}`,
    startedAt: new Date(at).toISOString(),
    finishedAt: new Date(at + 60_000).toISOString(),
    ...rest,
  };
}

describe("health", () => {
  const stateOf = (...records: HistoryRecord[]) => healthOf(records, worldEnd, day)[0]?.stages[0];

  test("is the newest verdict, and since when", () => {
    const found = stateOf(
      record(9),
      record(8, { verdict: "failed" }),
      record(7, { verdict: "error" }),
      record(6, { verdict: "failed" }),
    );
    expect(found).toMatchObject({ state: "failed", inARow: 3, since: record(8).startedAt, isSinceStart: false });
  });

  test("is stale if the newest passed too long ago, and failed if it failed then", () => {
    expect(stateOf(record(30))).toMatchObject({ state: "stale", isStale: true });
    expect(stateOf(record(30, { verdict: "degraded" }))?.state).toBe("stale");
    expect(stateOf(record(30, { verdict: "failed" }))).toMatchObject({ state: "failed", isStale: true });
    expect(stateOf(record(20))?.state).toBe("passed");
  });

  test("is never passed if nothing was checked", () => {
    expect(stateOf(record(2), record(1, { verdict: "skipped" }))?.state).toBe("skipped");
  });

  test("is the worst of all cells, also of those that a further attempt did not start", () => {
    const run = "77";
    const chrome = record(5, { run, cell: "chrome", verdict: "failed" });
    const firefox = record(5, { run, cell: "firefox", verdict: "failed" });
    expect(stateOf(chrome, firefox, record(4, { run, cell: "chrome", attempt: 2 }))?.state).toBe("failed");
    const both = [record(4, { run, cell: "chrome", attempt: 2 }), record(4, { run, cell: "firefox", attempt: 2 })];
    expect(stateOf(chrome, firefox, ...both)?.state).toBe("passed");
  });

  test("lists the worst environment first", () => {
    const of = (name: string, verdict: HistoryRecord["verdict"], hours = 2) =>
      record(hours, { environment: { name, access: "test-data" }, verdict });
    const all = [
      of("a", "passed"),
      of("b", "degraded"),
      of("c", "passed", 90),
      of("d", "error"),
      of("e", "failed"),
      of("f", "skipped"),
    ];
    expect(healthOf(all, worldEnd, day).map(({ name }) => name)).toEqual(["e", "d", "c", "b", "f", "a"]);
  });
});

describe("the gate of a commit", () => {
  test("keeps an attempt that failed before one that passed", () => {
    const run = "5";
    const [gate] = gatesOf([record(5, { run, verdict: "failed" }), record(4, { run, attempt: 2 })]);
    expect(gate?.stages[0]).toMatchObject({ verdict: "passed", turnedGreen: true });
    expect(gate?.stages[0]?.executions.map(({ verdict }) => verdict)).toEqual(["failed", "passed"]);
    expect(gate?.missing).toEqual(["preflight", "e2e", "smoke"]);
  });

  test("lists the newest commit first", () => {
    const of = (hours: number, sha: string) => record(hours, { commit: { sha } });
    expect(gatesOf([of(9, "a"), of(3, "b"), of(5, "c")]).map(({ sha }) => sha)).toEqual(["b", "c", "a"]);
  });
});

describe("what expires", () => {
  const expires = (name: string, days: number) =>
    ({ what: "certificate", name, at: new Date(worldEnd + days * day).toISOString() }) as const;

  test("is the soonest first, as the newest run saw it", () => {
    const all = expiriesOf(
      [
        record(9, { expires: [expires("a", 3), expires("gone", 1)] }),
        record(2, { expires: [expires("a", 90), expires("b", -1)] }),
      ],
      worldEnd,
    );
    expect(all.map(({ name, hasEnded }) => [name, hasEnded])).toEqual([
      ["b", true],
      ["a", false],
    ]);
  });

  test("doesn't forget what a run that could not look at everything leaves out", () => {
    const all = expiriesOf(
      [record(9, { expires: [expires("a", 3)] }), record(2, { verdict: "error", expires: [expires("b", 5)] })],
      worldEnd,
    );
    expect(all.map(({ name }) => name)).toEqual(["a", "b"]);
  });
});

test("a copy with leaks is not the one in use", () => {
  const copy = (hours: number, leaks: number) =>
    record(hours, {
      stage: "refresh",
      copy: {
        by: "refresh",
        at: record(hours).startedAt,
        rows: 5,
        leaks,
        switched: leaks === 0,
        keepUntil: record(-50).startedAt,
      },
    });
  const [found] = copiesOf([copy(9, 0), copy(3, 2)]);
  expect(found).toMatchObject({ used: { leaks: 0 }, unused: { leaks: 2 } });
  expect(copiesOf([copy(9, 2), copy(3, 0)])[0]).not.toHaveProperty("unused");
});

test("ten of twenty runs are flakier than one of one", () => {
  const of = (flaky: number, runs: number) => flakinessOf({ flaky, runs } as TestRate);
  expect(of(10, 20)).toBeGreaterThan(of(1, 1));
  expect(of(0, 5)).toBe(0);
  expect(of(20, 100)).toBeGreaterThan(of(4, 20));
});

test("periods reach from the first to the last record, without gaps, and are few", () => {
  for (const days of [0, 1, 30, 31, 200, 400, 900]) {
    const { unit, starts, end } = periodsOf(worldEnd - days * day, worldEnd);
    expect(starts[0]).toBeLessThanOrEqual(worldEnd - days * day);
    expect(end).toBeGreaterThan(worldEnd);
    expect(starts.length).toBeLessThanOrEqual(unit === "month" ? 60 : 31);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
  }
});

test("spans are in whole units", () => {
  expect([59_999, 60_000, 7_199_999, 7_200_000, 47 * hour, 48 * hour].map(span)).toEqual([
    "less than a minute",
    "1 minute",
    "119 minutes",
    "2 hours",
    "47 hours",
    "2 days",
  ]);
  expect([until(3 * day), until(-3 * day)]).toEqual(["in 3 days", "3 days ago"]);
});
