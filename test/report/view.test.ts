import { expect, test } from "vitest";
import type { StageReport } from "../../src/model/report.ts";
import { toHtml } from "../../src/report/html.ts";
import { toMarkdown } from "../../src/report/markdown.ts";
import { gateView } from "../../src/report/view/report.ts";
import { everyReport, flakyE2e } from "./sample.ts";

// The view has all text that people read. The summary and the page may leave out what the view marks as a detail, and nothing else.

/** Returns every text of a part of the view, without ids, and without details if they are not wanted. */
function texts(part: unknown, { details }: { details: boolean }): string[] {
  if (typeof part === "string") return part === "" ? [] : [part];
  if (Array.isArray(part)) return part.flatMap((one) => texts(one, { details }));
  if (typeof part !== "object" || part === null) return [];
  const { detail, columns, rows, ...rest } = part as Record<string, unknown>;
  if (detail === true && !details) return [];
  const own = Object.entries(rest).filter(([name]) => !notDrawn.has(name));
  const cells = (rows as { cells: unknown[] }[] | undefined) ?? [];
  const shown = ((columns as { title: string; detail?: true }[] | undefined) ?? []).map((column) => !column.detail || details);
  return [
    ...own.flatMap(([, value]) => texts(value, { details })),
    ...cells.flatMap((row) => row.cells.filter((_, at) => shown[at])).flatMap((cell) => texts(cell, { details })),
  ];
}

/**
 * Fields that say how to draw, names of tables for screen readers, files and what they have, which is only said if something is missing, and
 * the short forms of what is shown in full. Charts show nothing else than the blocks; only the page draws them: charts.test.ts.
 */
const notDrawn = new Set([
  "kind",
  "id",
  "loses",
  "tone",
  "what",
  "result",
  "label",
  "title",
  "file",
  "elsewhere",
  "brief",
  "tally",
  "chart",
]);

/** Returns the text that a reader sees: without tags, references, marks and white space. */
function words(document: string): string {
  return document
    .replace(/<style>.*<\/style>/s, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/&#8203;/g, "")
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/[\s*_#]+/g, "");
}

/** Hostile texts are changed on purpose; inert.test.ts tests them. */
function isOrdinary(text: string): boolean {
  return !/::|##|```|<|https?:|www\.|javascript:/.test(text);
}

test.each(everyReport().map((report): [string, StageReport] => [report.stage, report]))(
  "summary and page of %s contain every text of the view",
  (_, report) => {
    const view = gateView([report]).stages;
    const [summary, page] = [words(toMarkdown(report)), words(toHtml([report]))];
    const inSummary = texts(view, { details: false }).filter(isOrdinary);
    // By line, because the page draws the parts of a failure's text one by one.
    const onPage = texts(view, { details: true })
      .filter(isOrdinary)
      .flatMap((text) => text.split("\n"));
    expect(inSummary.length).toBeGreaterThan(10);
    expect(inSummary.filter((text) => !summary.includes(words(text)))).toEqual([]);
    expect(onPage.filter((text) => !page.includes(words(text)))).toEqual([]);
  },
);

test("the books explain each number, the expected value, and the source of the numbers", () => {
  const text = words(toMarkdown(flakyE2e()));
  for (const said of [
    "The books compare what this run wrote with what is still there.",
    "Rows created: 258. Deleted: 254. Unexplained: ❌ 1 to 4, expected 0. Real rows changed: ❌ 1, expected 0.",
    "Source: the history of 48 tables, versions 812 to 845.",
    "Unexplained Redis keys: ❌ unknown (at most 2), expected 0.",
  ])
    expect(text).toContain(words(said));
});
