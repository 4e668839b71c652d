import { describe, expect, test } from "vitest";
import { judgeCleanup, judgeLeftovers } from "../../src/cleanup/execute/verdict.ts";
import { joinTouched, mostTouched, type Touched, touchedNotes, touchedResult } from "../../src/cleanup/touched/touched-rows.ts";
import type { CleanupResult, TouchedRow } from "../../src/model/test-data.ts";
import { toAnnotations } from "../../src/report/annotations.ts";
import { toHtml } from "../../src/report/html.ts";
import { toMarkdown } from "../../src/report/markdown.ts";
import { parseReport } from "../../src/report/schema.ts";
import { table } from "../cleanup/test-stores.ts";
import { failedIntegration } from "./sample.ts";

// A real row that a test changed is the worst finding of a cleanup. It must be visible, and must not show personal data.

const row = (index: number, more: Partial<TouchedRow> = {}): TouchedRow => ({
  table: "users.teachers",
  key: { column: "id", value: `teacher-${index}` },
  column: "school_id",
  now: "test-school",
  before: "north",
  version: 7,
  ...more,
});

function shown(document: string): string {
  return document.replace(/<[^>]*>/g, " ").replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

describe.each([
  ["summary", (report: ReturnType<typeof failedIntegration>) => toMarkdown(report)],
  ["page", (report: ReturnType<typeof failedIntegration>) => toHtml([report])],
])("the %s", (_, write) => {
  test("names table, column, row, the value now and the value before", () => {
    const text = shown(write(failedIntegration()));
    for (const said of [
      "Real rows changed by tests",
      "users.teachers.school_id",
      "7f1c9a52-real-teacher",
      "north-school (version 812)",
      "unknown: the table's history no longer reaches back far enough",
      "12 more cells of real rows were changed",
    ])
      expect(text).toContain(said);
    expect(text).toContain("(masked)");
    expect(text).not.toMatch(/[0-9a-f]{64}.*classroom_sessions.title/);
  });

  test("gives the number of cells that it does not show", () => {
    const report = failedIntegration();
    const touched = Array.from({ length: 900 }, (_, index) => row(index));
    const text = shown(write({ ...report, cleanup: { ...(report.cleanup as CleanupResult), touched } }));
    const listed = new Set(text.match(/teacher-\d+/g)).size;
    expect(text).toContain(`${912 - listed} more cells of real rows were changed`);
  });
});

test("a report is read back with its changed rows; a report of an older version has none", () => {
  const report = failedIntegration();
  expect(parseReport(JSON.stringify(report), "r.json").cleanup?.touched).toEqual(report.cleanup?.touched);
  const { touched: _, touchedMore: __, ...older } = report.cleanup as CleanupResult;
  expect(parseReport(JSON.stringify({ ...report, cleanup: older }), "r.json").cleanup?.touched).toBeUndefined();
});

describe("the cleanup check", () => {
  const clean: CleanupResult = {
    scope: "run",
    dryRun: false,
    digest: "",
    tables: [],
    keys: { planned: 0, samples: [] },
    problems: [],
    notes: [],
    plannedRows: 0,
    deletedRows: 0,
    deletedKeys: 0,
    leftOver: 0,
  };
  const known = row(1);
  const { before: _, version: __, ...unknown } = row(2, { why: "the table has no history" });

  test.each<[name: string, result: Partial<CleanupResult>, says: RegExp[]]>([
    [
      "the old value is known",
      { touched: [known] },
      [
        /users\.teachers, row teacher-1: a test changed school_id to test-school \(before: north, version 7\)/,
        /`env-actions repair \.env-actions\/reports\/e2e\.json` shows how to restore the old value\./,
      ],
    ],
    ["the old value was NULL", { touched: [row(1, { before: null })] }, [/before: NULL, version 7/]],
    ["no old value is known", { touched: [unknown] }, [/unknown, because the table has no history/, /restore them by hand/]],
    [
      "some old values are known",
      { touched: [unknown, known] },
      [/row teacher-1: .* row teacher-2: /, /restore 1 of the old values/],
    ],
    [
      "there are more cells than are listed",
      { touched: Array.from({ length: 9 }, (_, index) => row(index)), touchedMore: 5 },
      [/11 more cells of real rows were changed/],
    ],
    ["it was a dry run", { dryRun: true, touched: [known] }, [/a test changed/]],
    ["test data is left too", { leftOver: 3, touched: [known] }, [/a test changed/, /Test data is still there/]],
    [
      "it is unknown whether test data is left",
      { leftOver: null, touched: [known] },
      [/a test changed/, /It is unknown whether test data remains/],
    ],
  ])("of a run that changed real rows fails and says what to do if %s", (_, result, says) => {
    const check = judgeCleanup({ ...clean, ...result }, 1, { stage: "e2e" });
    expect(check).toMatchObject({ verdict: "failed", observed: expect.stringMatching(/real rows? changed by tests/) });
    for (const said of says) expect(check.message).toMatch(said);
    expect(judgeLeftovers({ ...clean, ...result, dryRun: true }, { stage: "preflight" })).toMatchObject({ verdict: "failed" });
    const annotations = toAnnotations({ ...failedIntegration(), checks: [check] });
    expect(
      annotations
        .filter(({ level }) => level === "error")
        .map(({ message }) => message)
        .join(),
    ).toMatch(says[0] as RegExp);
  });

  test("passes without changed rows", () => {
    expect(judgeCleanup(clean, 1, { stage: "e2e" }).verdict).toBe("passed");
    expect(touchedResult([], {})).toEqual({});
  });
});

describe("the changed rows in a report", () => {
  const declared = { "users.teachers": table({ key: "id", person: ["id", "school_id"] }) };

  test("have a maximum and a count of the rest, even after a second check", () => {
    const all = Array.from({ length: mostTouched + 5 }, (_, index) => row(index));
    const first = touchedResult(all, {});
    expect(first.touched).toHaveLength(mostTouched);
    expect(first.touchedMore).toBe(5);
    const joined = joinTouched(first, touchedResult(all, {}));
    expect([joined.touched?.length, joined.touchedMore]).toEqual([mostTouched, 5]);
    expect(joinTouched({}, {})).toEqual({});
    // With several runs, the oldest version of each table counts.
    const one: Touched = { touched: [row(1)], startVersions: { "a.t": 7, "a.u": 1 } };
    const other: Touched = { touched: [row(1)], startVersions: { "a.t": 3, "a.v": 2 } };
    expect(joinTouched(one, other).startVersions).toEqual({ "a.t": 3, "a.u": 1, "a.v": 2 });
    // A finding stays, even if a later check could not run.
    expect(joinTouched({ touched: [row(1)] }, {}).touched).toEqual([row(1)]);
  });

  test("contain no value of a column that may hold personal data, and neither does the audit log", () => {
    const touched = [row(1, { key: { column: "id", value: "mira@north.example" } })];
    const kept = touchedResult(touched, declared).touched?.[0];
    expect(JSON.stringify(kept)).not.toMatch(/mira|"north"|"test-school"/);
    expect(kept).toMatchObject({ masked: ["key", "values"], version: 7 });
    expect(JSON.stringify(touchedNotes(touched))).not.toMatch(/mira|north|test-school/);
    expect(touchedNotes(touched)).toEqual([
      {
        action: "decision",
        details: { what: "touched", table: "users.teachers", column: "school_id" },
        counts: { rows: 1, known: 1 },
      },
    ]);
  });
});
