import { expect, test } from "vitest";
import { Remaining } from "../../src/app/progress.ts";
import type { Progress, StageName, StageReport } from "../../src/model/report.ts";
import type { CleanupResult } from "../../src/model/test-data.ts";

function after(...progress: Progress[]): Remaining {
  const remaining = new Remaining();
  for (const one of progress) remaining.watch(one);
  return remaining;
}

function started(stage: StageName): Progress {
  return { kind: "stage-started", stage, environment: "sandbox", budgetMs: 1_000 };
}

function left(tables: Record<string, number>, keys: number): Progress {
  return {
    kind: "remaining",
    stage: "integration",
    tables: Object.entries(tables).map(([table, rows]) => ({ table, rows })),
    keys,
  };
}

function done(table: string): Progress {
  return { kind: "table-done", stage: "integration", table, left: { rows: 0, keys: 0 } };
}

function finished(cleanup: Partial<CleanupResult>): Progress {
  return { kind: "stage-finished", stage: "integration", report: { cleanup } as StageReport };
}

test.each([
  ["before anything", [], false, /nothing was started yet/],
  ["a stage that makes no test data", [started("preflight")], false, /preflight creates no test data: nothing remains/],
  ["a stage whose cleanup has not begun", [started("e2e")], true, /whether e2e created test data/],
  ["a cleanup without a plan", [started("cleanup")], true, /nothing was deleted yet/],
  ["a cleanup that is done", [started("e2e"), left({ "a.b": 1 }, 1), left({}, 0)], false, /everything planned was deleted/],
  ["tables without rows", [started("e2e"), left({ "a.b": 0 }, 0)], false, /everything planned was deleted/],
  [
    "a report that saw nothing left",
    [started("e2e"), finished({ leftOver: 0, dryRun: false })],
    false,
    /everything planned was deleted/,
  ],
  ["a dry run's report", [started("cleanup"), finished({ leftOver: 0, dryRun: true })], true, /nothing was deleted/],
  ["a report that could not tell", [started("e2e"), left({ "a.b": 1 }, 0), finished({ leftOver: null })], true, /a\.b +1 row$/m],
  ["the next stage", [started("e2e"), left({ "a.b": 1 }, 0), started("smoke")], false, /smoke creates no test data/],
] as [string, Progress[], boolean, RegExp][])("%s", (_, progress, possible, words) => {
  const remaining = after(...progress);
  expect(remaining.lines().join("\n")).toMatch(words);
  expect(remaining.possible).toBe(possible);
});

test("a table whose rows were deleted no longer remains", () => {
  const remaining = after(started("integration"), left({ "a.b": 3, "c.d": 1 }, 0), done("a.b"), done("unknown.table"));
  expect(remaining.note("SIGINT").counts).toEqual({ "c.d": 1, keys: 0 });
  remaining.watch(done("c.d"));
  expect(remaining.possible).toBe(false);
  expect(remaining.lines()).toEqual(["everything planned was deleted; the final check was not finished"]);
});

test("the latest counts are printed per table and written to the audit log", () => {
  const remaining = after(started("integration"), left({ "a.b": 3, "c.d": 1200 }, 5), left({ "c.d": 1200, "a.b": 0 }, 1));
  expect(remaining.lines().map((line) => line.trim().replaceAll(/ +/g, " "))).toEqual([
    "may not be deleted yet:",
    "c.d 1,200 rows",
    "Redis 1 key",
    "a statement that is still running may finish on the server; then less remains",
  ]);
  expect(remaining.note("SIGINT")).toEqual({
    action: "decision",
    details: { what: "interrupted", signal: "SIGINT", known: true },
    counts: { "c.d": 1200, keys: 1 },
  });
  expect(after(started("e2e")).note("SIGTERM").details).toMatchObject({ known: false });
});
