import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StageReport } from "../../src/model/report.ts";
import { toHtml } from "../../src/report/html.ts";
import { hostileText, withTexts } from "./hostile.ts";
import { everyReport, failedIntegration, flakyE2e, passedPreflight, wholeGate } from "./sample.ts";

/** What the parts of a failure's text may be drawn with. Which of them, depends on the text. */
const partTags = [
  `<pre class="said first-said">`,
  `<pre class="said">`,
  `<pre class="source" tabindex="0" role="group" aria-label="Source">`,
  `<pre class="difference">`,
  `<pre class="calls">`,
  "</pre>",
  "<b>",
  "</b>",
  `<span class="removed">`,
  `<span class="added">`,
  "</span>",
  `<details class="more">`,
  "</details>",
  "<summary>",
  "</summary>",
];

/** Every tag with the names of its attributes, and those values that we alone decide. */
function skeleton(page: string): string[] {
  const text = page
    .replace(/<style>.*<\/style>/s, "")
    .replace(/(<div class="account">)(.*?)(<\/div>)/gs, (_, start: string, inside: string, end: string) => {
      for (const tag of inside.match(/<[^>]*>/g) ?? []) expect(partTags).toContain(tag);
      return start + end;
    });
  const tags = text.match(/<[^>]*>/g) ?? [];
  return tags.map((tag) => tag.replace(/(aria-label|datetime)="[^"]*"/g, '$1=""'));
}

/** The text that a browser shows. */
function shown(page: string): string {
  return page
    .replace(/<style>.*<\/style>/s, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

test("no text of the report changes the page's tags and attributes", () => {
  const visible = hostileText.filter((text) => text.trim() !== "");
  fc.assert(
    fc.property(fc.constantFrom(...everyReport()), fc.array(visible, { minLength: 1, maxLength: 40 }), (sample, texts) => {
      let next = 0;
      const hostile = withTexts(sample, () => `${texts[next++ % texts.length]} ${next}`);
      next = 0;
      const harmless = withTexts(sample, () => `x ${++next}`);
      expect(skeleton(toHtml([hostile]))).toEqual(skeleton(toHtml([harmless])));
    }),
    { numRuns: 200 },
  );
});

describe("the page", () => {
  const page = toHtml(wholeGate());

  test("loads and runs nothing, and its policy allows only its own style sheet", () => {
    expect(skeleton(page).join("\n")).not.toMatch(/<(script|link|img|iframe|object|embed|form|base)\b|\son\w+=|\sstyle=/i);
    for (const [, target] of page.matchAll(/(?:href|src)="([^"]*)"/g)) expect(target).toMatch(/^#/);
    const style = /<style>(.*)<\/style>/s.exec(page)?.[1] ?? "";
    expect(style).not.toMatch(/@import|url\(/);
    const hash = createHash("sha256").update(style).digest("base64");
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replace(/&#39;/g, "'");
    expect(policy).toBe(`default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`);
  });

  test("every link of the gate leads to a stage or the timeline on the page, and every id is unique", () => {
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const targets = [...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id);
    expect(targets).toHaveLength(7);
    for (const target of targets) expect(ids).toContain(target);
    expect(toHtml([passedPreflight(), passedPreflight()]).match(/id="preflight-1"/g), "a stage twice").toHaveLength(1);
  });

  test("shows critical tests, the quarantine and the attachments of failed tests", () => {
    for (const text of [
      "none ran",
      "The mail server moves",
      "2026-11-01 (expired)",
      "shot.png",
      "not kept: over the limit of 50 MiB",
    ])
      expect(shown(page)).toContain(text);
  });

  test("says in words, not only by colour, what the gate decided and why", () => {
    expect(shown(page)).toContain("The gate is closed: failed");
    expect(shown(page)).toContain("Integration: 3 tests failed, 1 test file could not be loaded");
    const [preflight, , e2e] = wholeGate();
    const integration: StageReport = { ...flakyE2e(), stage: "integration" };
    const smoke: StageReport = { ...passedPreflight(), stage: "smoke" };
    expect(shown(toHtml([preflight, integration, e2e, smoke].filter((report) => report !== undefined)))).toContain(
      "The gate is open: passed",
    );
  });

  test("does not call the gate open while a stage has not reported", () => {
    const text = shown(toHtml([passedPreflight(), flakyE2e()]));
    expect(text).toContain("So far: passed");
    expect(text).not.toContain("is open");
    expect(text).toMatch(/Preflight.*Integration\s+not run.*End to end.*Smoke\s+not run/s);
    expect(shown(toHtml([]))).toContain("No stage has reported");
  });

  test("shows every failed test, even thousands", () => {
    const report = failedIntegration();
    const [first] = report.tests?.failures ?? [];
    if (!report.tests || !first) throw new Error("the sample has failed tests");
    report.tests.failures = Array.from({ length: 2_000 }, (_, index) => ({ ...first, name: `case ${index} ends` }));
    expect(new Set(shown(toHtml([report])).match(/case \d+ ends/g)).size).toBe(2_000);
  });

  test("never shows unknown as a number or as success", () => {
    const report = failedIntegration();
    if (report.cleanup) report.cleanup.leftOver = null;
    delete report.cleanup?.tables[0]?.left;
    const text = shown(toHtml([report]));
    expect(text).toContain("unknown whether anything is left");
    expect(text).toMatch(/student_group_members\s+144\s+144\s+unknown/);
  });
});

/** WCAG 2: relative luminance of `#rrggbb`. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

test.each([
  ["light", 0],
  ["dark", 1],
])("in %s mode every text has a contrast of at least 4.5 to its background", (_, mode) => {
  const rule = [...toHtml([]).matchAll(/:root \{([^}]*)\}/g)][mode]?.[1] ?? "";
  const colours = Object.fromEntries([...rule.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));
  const verdicts = ["passed", "degraded", "failed", "error", "skipped"];
  const pairs = [
    ...["text", "muted", "link"].flatMap((text) => ["page", "card", "sunken"].map((ground) => [text, ground])),
    ...verdicts.map((verdict) => [verdict, `${verdict}-soft`]),
    ...verdicts.map((verdict) => ["text", `${verdict}-soft`]),
    ...["passed", "degraded", "failed"].map((verdict) => [verdict, "card"]),
  ];
  for (const [text = "", ground = ""] of pairs)
    expect(contrast(colours[text] ?? "", colours[ground] ?? ""), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
});
