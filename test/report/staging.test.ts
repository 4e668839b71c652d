import { expect, test } from "vitest";
import { toAnnotations } from "../../src/report/annotations.ts";
import { toHtml } from "../../src/report/html.ts";
import { toMarkdown } from "../../src/report/markdown.ts";
import { parseReport } from "../../src/report/schema.ts";
import { driftReport, refreshReport, syncReport } from "./staging-sample.ts";

/** What people read of the tasks about a copy. */

const written = [toMarkdown(driftReport()), toHtml([driftReport()])] as const;

test.each(["summary", "page"])("the %s names each difference, and never shows what was not seen as equal", (medium) => {
  const text = written[medium === "summary" ? 0 : 1];
  for (const shown of ["duration_minutes", "delta.enableChangeDataFeed", "sessions.session_feedback", "nickname", "teachers_pk"])
    expect(text).toContain(shown);
  expect(text).toContain("could not be seen");
  expect(text).toContain("analytics.daily_activity");
  expect(text).toContain("The copy is small");
});

test("facets that were not seen have no tick", () => {
  const line = written[0].split("\n").find((one) => one.startsWith("| Views |")) ?? "";
  expect(line).toContain("could not be seen");
  expect(line).not.toContain("✅");
});

test("a plan shows each statement, what it loses, and its digest", () => {
  const text = toMarkdown(syncReport());
  expect(text).toContain("DROP COLUMN");
  expect(text).toContain("**values**");
  expect(text).toContain(syncReport().staging?.sync?.digest ?? "?");
  expect(text).toContain("recreate the table");
});

test("a refresh says how many production values were found", () => {
  expect(toMarkdown(refreshReport())).toMatch(/Production values found: ?.*0/);
});

test("a refresh that was only planned claims nothing about production values", () => {
  const { staging, ...planned } = refreshReport();
  const refresh = staging?.refresh;
  if (!refresh) throw new Error("the sample has no refresh");
  const tables = refresh.tables.map(({ table, state }) => ({
    table,
    state: state === "switched" ? ("pending" as const) : state,
  }));
  const checks = planned.checks.map((check) => ({ ...check, observed: "2 tables to fill, 1 omitted" }));
  const report = { ...planned, checks, staging: { refresh: { ...refresh, tables, switched: false, planned: true } } };
  for (const text of [toMarkdown(report), toHtml([report])]) {
    expect(text).toContain("nothing was checked");
    expect(text).not.toContain("Production values found");
    expect(text).not.toContain("production values found");
  }
  expect(parseReport(JSON.stringify(report), "r.json")).toEqual(report);
});

test("a difference is annotated at the copy's name in the configuration", () => {
  const [first] = toAnnotations(driftReport());
  expect(first).toMatchObject({ level: "error", file: ".github/env-actions.yml", line: 41 });
});

test.each([driftReport(), syncReport(), refreshReport()])("the report of $stage can be read back", (report) => {
  expect(parseReport(JSON.stringify(report), "r.json")).toEqual(report);
});

test("alone, the tasks are no gate", () => {
  const text = toMarkdown([driftReport(), refreshReport()]);
  expect(text).toContain("# ❌ Staging: failed");
  expect(text).not.toContain("Quality gate");
  expect(text).not.toContain("Not run");
});
