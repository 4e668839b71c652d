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

// A real row that a test changed is the worst that a cleanup can find: nobody may overlook it, and nobody's address may be in it.

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
  test("names table, column, row, what stands there and what stood there", () => {
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

  test("says how many it does not show", () => {
    const report = failedIntegration();
    const touched = Array.from({ length: 900 }, (_, index) => row(index));
    const text = shown(write({ ...report, cleanup: { ...(report.cleanup as CleanupResult), touched } }));
    const listed = new Set(text.match(/teacher-\d+/g)).size;
    expect(text).toContain(`${912 - listed} more cells of real rows were changed`);
  });
});

test("a report is read back with them, and one of an older version without them", () => {
  const report = failedIntegration();
  expect(parseReport(JSON.stringify(report), "r.json").cleanup?.touched).toEqual(report.cleanup?.touched);
  const { touched: _, touchedMore: __, ...older } = report.cleanup as CleanupResult;
  expect(parseReport(JSON.stringify({ ...report, cleanup: older }), "r.json").cleanup?.touched).toBeUndefined();
});

describe("the check", () => {
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
      "one that is known",
      { touched: [known] },
      [
        /users\.teachers, row teacher-1: a test changed school_id to test-school \(before: north, version 7\)/,
        /`env-actions repair \.env-actions\/reports\/e2e\.json` shows how to restore the old value\./,
      ],
    ],
    ["NULL", { touched: [row(1, { before: null })] }, [/before: NULL, version 7/]],
    ["none that is known", { touched: [unknown] }, [/unknown, because the table has no history/, /restore them by hand/]],
    ["some that are", { touched: [unknown, known] }, [/row teacher-1: .* row teacher-2: /, /restore 1 of the old values/]],
    [
      "many",
      { touched: Array.from({ length: 9 }, (_, index) => row(index)), touchedMore: 5 },
      [/11 more cells of real rows were changed/],
    ],
    ["in a dry run", { dryRun: true, touched: [known] }, [/a test changed/]],
    ["beside what is left", { leftOver: 3, touched: [known] }, [/a test changed/, /Test data is still there/]],
    [
      "where the rest is unknown",
      { leftOver: null, touched: [known] },
      [/a test changed/, /It is unknown whether test data remains/],
    ],
  ])("fails and says what to do: %s", (_, result, says) => {
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

  test("is passed without any", () => {
    expect(judgeCleanup(clean, 1, { stage: "e2e" }).verdict).toBe("passed");
    expect(touchedResult([], {})).toEqual({});
  });
});

describe("what a report keeps", () => {
  const declared = { "users.teachers": table({ key: "id", person: ["id", "school_id"] }) };

  test("is bounded, with a count of the rest, also after a second look", () => {
    const all = Array.from({ length: mostTouched + 5 }, (_, index) => row(index));
    const first = touchedResult(all, {});
    expect(first.touched).toHaveLength(mostTouched);
    expect(first.touchedMore).toBe(5);
    const joined = joinTouched(first, touchedResult(all, {}));
    expect([joined.touched?.length, joined.touchedMore]).toEqual([mostTouched, 5]);
    expect(joinTouched({}, {})).toEqual({});
    // Of several runs, what is older than the first is older than all.
    const one: Touched = { touched: [row(1)], startVersions: { "a.t": 7, "a.u": 1 } };
    const other: Touched = { touched: [row(1)], startVersions: { "a.t": 3, "a.v": 2 } };
    expect(joinTouched(one, other).startVersions).toEqual({ "a.t": 3, "a.u": 1, "a.v": 2 });
    // Seen once is seen, although a later look could not look.
    expect(joinTouched({ touched: [row(1)] }, {}).touched).toEqual([row(1)]);
  });

  test("has no value of a column that may hold a person, nor has the audit log any", () => {
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
