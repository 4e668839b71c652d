import { expect, test } from "vitest";
import { combineResults } from "../../src/cleanup/execute/combine.ts";
import type { CleanupResult, KeptRows, TouchedRow } from "../../src/model/test-data.ts";

// A cleanup of several runs is one result: what any of them found must not be lost, because the verdict goes by it.
const clean: CleanupResult = {
  scope: "run",
  dryRun: false,
  digest: "d",
  tables: [],
  keys: { planned: 0, deleted: 0, left: 0, samples: [] },
  problems: [],
  notes: [],
  plannedRows: 0,
  deletedRows: 0,
  deletedKeys: 0,
  leftOver: 0,
  looked: { tables: 3, redis: false },
};
const touched: TouchedRow = {
  table: "users.teachers",
  key: { column: "id", value: "mira" },
  column: "school_id",
  now: "integration_test_1",
  before: "oak",
};
const kept: KeptRows = { table: "users.teachers", rows: 2, samples: ["a", "b"], why: "no age" };

test("merged results keep every finding, and a finding of two runs counts once", () => {
  const other = { ...clean, touched: [touched], kept: [kept] };
  for (const results of [
    [clean, other],
    [other, clean],
    [other, other],
  ])
    expect(combineResults(results)).toMatchObject({ touched: [touched], kept: [kept], looked: { tables: 3, redis: false } });
});
