import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dashboardView } from "../../src/dashboard/view/view.ts";
import { dataOf, type Sum } from "../../src/history/ask/data.ts";
import type { HistoryData, HistoryRecord } from "../../src/model/history.ts";
import { worldEnd, worldOf } from "../history/world.ts";

/** Test data over runs: sums are those of the records, and what is unknown stays unknown. */

const day = 86_400_000;
const [sample] = worldOf({ records: 30 });

function sweep(days: number, left: number | null, change: Partial<HistoryData> = {}): HistoryRecord {
  return run(days, { scope: "expired", left, tables: [], ...change }, "cleanup");
}

function run(days: number, change: Partial<HistoryData>, stage: HistoryRecord["stage"] = "integration"): HistoryRecord {
  if (!sample) throw new Error("the world has records");
  const at = worldEnd - 100 * day + days * day;
  return {
    ...sample,
    stage,
    environment: { name: "sandbox", access: "test-data" },
    runId: `${at}_0123abcd`,
    startedAt: new Date(at).toISOString(),
    finishedAt: new Date(at + 60_000).toISOString(),
    data: { scope: "run", dryRun: false, deletedRows: 0, deletedKeys: 0, left: 0, tables: [], ...change },
  };
}

function at(days: number): string {
  return new Date(worldEnd - 100 * day + days * day).toISOString();
}

const table = "classroom.sessions";

test("sums are those of the records, in all and over periods", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.constantFrom("usual", "calm", "failing"), (seed, mood) => {
      const records = worldOf({ records: 250, seed, mood });
      const view = dashboardView(records, { now: worldEnd, staleAfterMs: day });
      const data = records.flatMap((record) => record.data ?? []);
      const sum = (of: (one: HistoryData) => number | undefined) => data.reduce((before, one) => before + (of(one) ?? 0), 0);
      const { sums } = view.data;
      expect(sums.made.least).toBe(sum(({ made }) => made?.least));
      expect(sums.deletedRows.least).toBe(sum(({ deletedRows }) => deletedRows));
      expect(sums.deletedKeys.least).toBe(sum(({ deletedKeys }) => deletedKeys));
      expect(sums.unexplained.least).toBe(sum(({ unexplained }) => unexplained?.least));
      expect(sums.touched.least).toBe(sum(({ touched }) => touched?.least));
      const over = (key: "made" | "deletedRows") => view.dataOverTime.reduce((before, one) => before + one[key].least, 0);
      expect(over("made")).toBe(sums.made.least);
      expect(over("deletedRows")).toBe(sums.deletedRows.least);
      const ofTables = (of: (one: (typeof view.data.tables)[number]) => Sum) =>
        view.data.tables.reduce((before, one) => before + of(one).least, 0);
      expect(ofTables(({ made }) => made)).toBe(sums.made.least);
      expect(ofTables(({ deleted }) => deleted)).toBe(
        sum(({ tables }) => tables.reduce((all, one) => all + (one.deleted ?? 0), 0)),
      );
    }),
    { numRuns: 10 },
  );
});

describe("what is unknown is never 0", () => {
  test("without books, nothing is known of what was made", () => {
    const { sums } = dataOf([run(1, {})]);
    expect(sums.made.runs).toBe(0);
    expect(sums.deletedRows).toEqual({ least: 0, most: 0, runs: 1 });
  });

  test("a lost answer leaves the sum open", () => {
    const { sums } = dataOf([run(1, { deletedRows: 4, deletedAtLeast: true }), run(2, { deletedRows: 1 })]);
    expect(sums.deletedRows).toEqual({ least: 5, most: null, runs: 2 });
    expect(dataOf([run(1, { tables: [{ table, deleted: null, left: 0 }] })]).sums.deletedRows.most).toBeNull();
  });

  test("a run that could not look has an unknown leftover", () => {
    expect(dataOf([run(1, { left: null })]).leftovers).toMatchObject([{ rows: null, oldest: at(1) }]);
  });
});

describe("the oldest leftover", () => {
  test("is as old as its row, or else as the first run that left it", () => {
    const oldest = at(-50);
    const found = dataOf([sweep(5, 3, { tables: [{ table, deleted: 0, left: 3, oldest }] })]).leftovers;
    expect(found).toMatchObject([{ table, rows: 3, oldest, isRowTime: true }]);
    const left = { tables: [{ table, deleted: 0, left: 3 }] };
    expect(dataOf([sweep(5, 3, left), sweep(6, 3, left)]).leftovers).toMatchObject([{ rows: 3, oldest: at(5) }]);
  });

  test("is gone when a later sweep found nothing", () => {
    const first = sweep(5, 3, { tables: [{ table, deleted: 0, left: 3 }] });
    expect(dataOf([first, sweep(6, 0)]).leftovers).toEqual([]);
    expect(dataOf([first, sweep(6, null)]).leftovers).toContainEqual(expect.objectContaining({ table, rows: 3 }));
  });

  test("of a run is there until a sweep deleted as much of the table", () => {
    const left = run(5, { left: 2, tables: [{ table, deleted: 0, left: 2 }] });
    expect(dataOf([left, sweep(5.1, 0)]).leftovers).toHaveLength(1);
    expect(dataOf([left, sweep(6, 0, { tables: [{ table, deleted: 1, left: 0 }] })]).leftovers).toHaveLength(1);
    expect(dataOf([left, sweep(6, 0, { tables: [{ table, deleted: 2, left: 0 }] })]).leftovers).toHaveLength(0);
    expect(dataOf([left, sweep(6, 0, { scope: "all" })]).leftovers).toHaveLength(0);
    expect(dataOf([left, sweep(6, 0, { scope: "all", dryRun: true })]).leftovers).toHaveLength(1);
  });

  test("of another environment is not swept with it", () => {
    const other = { ...sweep(6, 0), environment: { name: "staging", access: "test-data" } as const };
    expect(dataOf([sweep(5, 3, { tables: [{ table, deleted: 0, left: 3 }] }), other]).leftovers).toHaveLength(1);
  });
});
