import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHtml } from "../../src/report/html.ts";
import { hostileText, withTexts } from "./hostile.ts";
import { failedIntegration, flakyE2e, passedPreflight, wholeGate } from "./sample.ts";

/** Every tag with the names of its attributes and the values that are ours alone. */
function skeleton(page: string): string[] {
  const tags = page.replace(/<style>.*<\/style>/s, "").match(/<[^>]*>/g) ?? [];
  return tags.map((tag) => tag.replace(/(aria-label|datetime)="[^"]*"/g, '$1=""'));
}

/** What a browser shows of the page. */
function shown(page: string): string {
  return page
    .replace(/<style>.*<\/style>/s, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

test("whatever the report's texts are, the page's tags and attributes stay the same", () => {
  const visible = hostileText.filter((text) => text.trim() !== "");
  fc.assert(
    fc.property(fc.constantFrom(...wholeGate()), fc.array(visible, { minLength: 1, maxLength: 40 }), (sample, texts) => {
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

  test("loads and runs nothing, and forbids it: only its own style sheet is allowed", () => {
    expect(skeleton(page).join("\n")).not.toMatch(/<(script|link|img|iframe|object|embed|form|base)\b|\son\w+=|\sstyle=/i);
    for (const [, target] of page.matchAll(/(?:href|src)="([^"]*)"/g)) expect(target).toMatch(/^#/);
    const style = /<style>(.*)<\/style>/s.exec(page)?.[1] ?? "";
    expect(style).not.toMatch(/@import|url\(/);
    const hash = createHash("sha256").update(style).digest("base64");
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replace(/&#39;/g, "'");
    expect(policy).toBe(`default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`);
  });

  test("every link of the gate leads to a stage of the page, and every id is there once", () => {
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const targets = [...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id);
    expect(targets).toHaveLength(6);
    for (const target of targets) expect(ids).toContain(target);
    expect(toHtml([passedPreflight(), passedPreflight()]).match(/id="preflight-1"/g), "a stage twice").toHaveLength(1);
  });

  test("says with words, never with colour alone, what the gate decided and why", () => {
    expect(shown(page)).toContain("The gate is closed: failed");
    expect(shown(page)).toContain("Integration: 3 tests failed, 1 suite could not be loaded");
    expect(shown(toHtml([passedPreflight(), flakyE2e()]))).toContain("The gate is open: passed");
    expect(shown(toHtml([]))).toContain("No stage has reported");
  });

  test("holds every failed test, also of thousands", () => {
    const report = failedIntegration();
    const [first] = report.tests?.failures ?? [];
    if (!report.tests || !first) throw new Error("the sample has failed tests");
    report.tests.failures = Array.from({ length: 2_000 }, (_, index) => ({ ...first, name: `case ${index} ends` }));
    expect(new Set(shown(toHtml([report])).match(/case \d+ ends/g)).size).toBe(2_000);
  });

  test("unknown is never shown as a number or as success", () => {
    const report = failedIntegration();
    if (report.cleanup) report.cleanup.leftOver = null;
    delete report.cleanup?.tables[0]?.left;
    const text = shown(toHtml([report]));
    expect(text).toContain("whether anything is left could not be told");
    expect(text).toMatch(/student_group_members\s+144\s+144\s+unknown/);
  });
});
