import { expect, test } from "vitest";
import type { Attributed, ChangeSource } from "../../src/cleanup/books/history.ts";
import { findingFromMetrics, type TableCase } from "../../src/cleanup/books/table.ts";

/** What the metrics of a history prove without reading rows. */

const change = (version: number, side: ChangeSource, inserted: number, deleted = 0): Attributed => {
  const operation = deleted > 0 ? "DELETE" : "WRITE";
  return { version, side, user: side, operation, metadata: "", inserted, updated: 0, deleted };
};

const made: TableCase = {
  table: "school.sessions",
  columns: new Map([["id", "STRING"]]),
  key: "id",
  parents: {},
  // It didn't exist at the start.
  from: undefined,
  to: 4,
  changes: [change(1, "run", 2), change(2, "other", 1), change(3, "run", 1), change(4, "cleanup", 0, 3)],
  deletions: [],
  person: new Set(),
};

test("if the cleanup deleted only the run's rows, the difference of two counts is left", () => {
  const selected = new Map([1, 2].map((version) => [version, 2] as const));
  expect(findingFromMetrics(made, selected, undefined)).toMatchObject({ unexplained: { least: 0, most: 0 } });
});

test.each<[string, [number, number][]]>([
  [
    "another number",
    [
      [1, 2],
      [2, 3],
    ],
  ],
  ["no number before", [[2, 2]]],
  ["no number behind", [[1, 2]]],
  ["no number at all", []],
])("%s of rows that the cleanup selects around somebody else's write proves nothing", (_, selected) => {
  expect(findingFromMetrics(made, new Map(selected), undefined)).toBeUndefined();
});
