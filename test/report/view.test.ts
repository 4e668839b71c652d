import { expect, test } from "vitest";
import type { StageReport } from "../../src/model/report.ts";
import { toHtml } from "../../src/report/html.ts";
import { toMarkdown } from "../../src/report/markdown.ts";
import { gateView } from "../../src/report/view/report.ts";
import { everyReport, flakyE2e } from "./sample.ts";

// What people read is written once, in the view. Whoever draws it may leave out what the view calls a detail, and nothing else.

/** Every text of a part of the view, except ids, and what is marked as a detail if those are left out. */
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

/** What says how to draw; the names of tables, which only a screen reader needs; and files, which are named where something is missing. */
const notDrawn = new Set(["kind", "id", "loses", "tone", "what", "label", "title", "file", "brief"]);

/** As a reader sees it: without tags, references and marks, and with every white space alike. */
function words(document: string): string {
  return document
    .replace(/<style>.*<\/style>/s, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/&#8203;/g, "")
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/[\s*_#]+/g, "");
}

/** Texts that a hostile pull request chose are changed on purpose; the tests of inert texts are about them. */
function isOrdinary(text: string): boolean {
  return !/::|##|```|<|https?:|www\.|javascript:/.test(text);
}

test.each(everyReport().map((report): [string, StageReport] => [report.stage, report]))(
  "summary and page of %s say all that the view says",
  (_, report) => {
    const view = gateView([report]).stages;
    const [summary, page] = [words(toMarkdown(report)), words(toHtml([report]))];
    const inSummary = texts(view, { details: false }).filter(isOrdinary);
    const onPage = texts(view, { details: true }).filter(isOrdinary);
    expect(inSummary.length).toBeGreaterThan(10);
    expect(inSummary.filter((text) => !summary.includes(words(text)))).toEqual([]);
    expect(onPage.filter((text) => !page.includes(words(text)))).toEqual([]);
  },
);

test("the books say what each number counts, what was expected, and where the numbers come from", () => {
  const text = words(toMarkdown(flakyE2e()));
  for (const said of [
    "The books compare what this run wrote with what is still there.",
    "Rows created: 258. Deleted: 254. Unexplained: ❌ 1 to 4, expected 0. Real rows changed: ❌ 1, expected 0.",
    "Source: the history of 48 tables, versions 812 to 845.",
    "Unexplained Redis keys: ❌ unknown (at most 2), expected 0.",
  ])
    expect(text).toContain(words(said));
});
