import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dashboardHtml, newestIn } from "../../src/dashboard/page.ts";
import { readRecord } from "../../src/history/record/schema.ts";
import { folderStore } from "../../src/history/store/folder.ts";
import { joinAfterMs } from "../../src/history/store/store.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { worldEnd, worldOf } from "../history/world.ts";
import { hostileText } from "../report/hostile.ts";
import { hostileNames } from "../report/sample.ts";

/** The page as text: what it allows, what it makes of hostile names, and that it depends on nothing but its records. */

const day = 86_400_000;
const options = { now: worldEnd, staleAfterMs: 8 * day };
const usual = worldOf({ records: 400 });
const page = dashboardHtml(usual, options);

function withoutCode(html: string): string {
  return html.replace(/<style>.*?<\/style>/s, "").replace(/<script>.*?<\/script>/s, "");
}

/** Every tag with the names of its attributes, and those values that we alone decide. */
function skeleton(html: string): string[] {
  const tags = withoutCode(html).match(/<[^>]*>/g) ?? [];
  return tags.map((tag) =>
    tag.replace(/(aria-label|datetime|data-label|content)="[^"]*"/g, '$1=""').replace(/environment-[a-z0-9-]+"/g, 'environment"'),
  );
}

/** The text that a browser shows. */
function shown(html: string): string {
  return withoutCode(html)
    .replace(/<[^>]*>/g, " ")
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/\s+/g, " ");
}

/** What holds one of a few words, or a time. */
const closed = new Set(
  "stage verdict access kind scope runId startedAt finishedAt outcome what by at keepUntil oldest event attempt workflowRun".split(
    " ",
  ),
);

/** The same record with every free text replaced. */
function withTexts(record: HistoryRecord, text: (old: string) => string): HistoryRecord {
  const replaced = (value: unknown, key = ""): unknown => {
    if (typeof value === "string") return closed.has(key) ? value : text(value);
    if (Array.isArray(value)) return value.map((item) => replaced(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, name === "sent" ? {} : replaced(member, name)]),
    );
  };
  return readRecord(replaced({ ...record, more: ["3 more failed tests"] }));
}

test("no text of a record changes the page's tags and attributes", () => {
  const some = worldOf({ records: 60 });
  fc.assert(
    fc.property(
      fc.array(
        hostileText.filter((text) => text.trim() !== ""),
        { minLength: 1, maxLength: 20 },
      ),
      (texts) => {
        const names = new Map<string, number>();
        // Equal names stay equal, and different ones different.
        const of = (old: string) => names.get(old) ?? names.set(old, names.size).get(old) ?? 0;
        const hostile = some.map((record) => withTexts(record, (old) => `${of(old)} ${texts[of(old) % texts.length]}`));
        const harmless = some.map((record) => withTexts(record, (old) => `${of(old)} x`));
        expect(skeleton(dashboardHtml(hostile, options))).toEqual(skeleton(dashboardHtml(harmless, options)));
      },
    ),
    { numRuns: 25 },
  );
});

test("hostile names of files, of the title, and of what could not be read are text", () => {
  const html = dashboardHtml(usual, {
    ...options,
    title: hostileNames[0],
    unreadable: hostileNames.map((name) => ({ name, why: name })),
  });
  for (const active of ["<img", "<script", "\u001b", "\u202e"]) expect(withoutCode(html)).not.toContain(active);
  expect(shown(html)).toContain("onerror=alert(1)");
});

test("only its own style sheet and script are allowed, nothing is loaded, and nothing is inline", () => {
  const [, style = ""] = /<style>(.*?)<\/style>/s.exec(page) ?? [];
  const [, script = ""] = /<script>(.*?)<\/script>/s.exec(page) ?? [];
  const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replace(/&#39;/g, "'");
  expect(policy).toBe(
    `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; base-uri 'none'; form-action 'none'`,
  );
  expect(style).not.toMatch(/@import|url\(/);
  expect(skeleton(page).join("\n")).not.toMatch(/<(link|img|iframe|object|embed|form|base|script)\b|\son\w+=|\sstyle=/i);
  for (const [, target] of page.matchAll(/(?:href|src)="([^"]*)"/g)) expect(target).toMatch(/^#/);
});

test("every link leads to a place on the page, and every id is unique", () => {
  for (const mood of ["usual", "calm", "failing"] as const) {
    const html = dashboardHtml(worldOf({ records: 200, mood }), options);
    const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of html.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(target);
  }
});

describe("the same records", () => {
  test("give the same page in any order", () => {
    const shuffled = fc.sample(fc.shuffledSubarray(usual, { minLength: usual.length }), { numRuns: 3, seed: 7 });
    for (const records of shuffled) expect(dashboardHtml(records, options)).toBe(page);
  });

  test("give the same page from a folder, before and after they were joined", async () => {
    const root = await mkdtemp(join(tmpdir(), "dashboard-"));
    try {
      const store = folderStore(join(root, "history"), root);
      for (const record of usual) await store.add(record);
      expect(dashboardHtml((await store.all()).records, options)).toBe(page);
      const joined = await store.compact?.({ now: worldEnd, joinBefore: worldEnd - 2 * day, removeBefore: 0 });
      expect(joined?.joined).toBeGreaterThan(100);
      expect(dashboardHtml((await store.all()).records, options)).toBe(page);
      expect(joinAfterMs).toBeGreaterThan(2 * day);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});

describe("how old the data is", () => {
  test("is always said: the newest record, and when the page was made", () => {
    const newest =
      usual
        .map(({ finishedAt }) => finishedAt)
        .sort()
        .at(-1) ?? "";
    expect(shown(page)).toContain(`Newest record: ${newest.slice(0, 16).replace("T", " ")} UTC`);
    expect(shown(page)).toContain("made at 2026-11-28 09:00");
    expect(newestIn(page)).toBe(newest);
  });

  test("no environment or stage passed if its newest record is old", () => {
    const calm = worldOf({ records: 200, mood: "calm" });
    const late = dashboardHtml(calm, { ...options, now: worldEnd + 30 * day });
    const now = /<section class="card" id="now".*?<\/section>/s.exec(late)?.[0] ?? "";
    expect(now).not.toContain("pill passed");
    expect(now.match(/pill stale/g)?.length).toBeGreaterThan(5);
    expect(shown(late)).toContain("The data is stale.");
    const lead = /<ul class="lead".*?<\/ul>/s.exec(late)?.[0] ?? "";
    expect(lead).toContain("pill stale");
    expect(lead).not.toContain("pill passed");
  });

  test("what failed stays failed", () => {
    const late = dashboardHtml(worldOf({ records: 200, mood: "failing" }), { ...options, now: worldEnd + 30 * day });
    expect(/<ul class="lead".*?<\/ul>/s.exec(late)?.[0]).toContain("pill failed");
  });
});

test("newestIn reads only what such a page says", () => {
  expect(newestIn("")).toBeUndefined();
  expect(newestIn(dashboardHtml([], options))).toBeUndefined();
  expect(newestIn(`<meta name="env-actions-newest" content="tomorrow">`)).toBeUndefined();
  expect(newestIn(`<meta name="env-actions-newest" content="2026-01-01">`)).toBe("2026-01-01");
});

test("an empty history says what to do", () => {
  const html = shown(dashboardHtml([], options));
  expect(html).toContain("There is no history yet");
  expect(html).toContain("env-actions preflight");
  expect(html).not.toContain("undefined");
});

test("no value is drawn as undefined, NaN or an object", () => {
  for (const mood of ["usual", "calm", "failing"] as const)
    expect(dashboardHtml(worldOf({ records: 300, mood }), options)).not.toMatch(/undefined|NaN|\[object|Infinity|Invalid/);
});

test("what could not be read, and what was cut off, is said", () => {
  const [first, ...others] = usual;
  if (!first) throw new Error("the world has records");
  const html = shown(
    dashboardHtml([{ ...first, more: ["12 more failed tests"] }, ...others], {
      ...options,
      unreadable: [{ name: "records/2026-11/30/x.json", why: "it is not JSON" }],
    }),
  );
  expect(html).toContain("1 file of the history could not be read");
  expect(html).toContain("records/2026-11/30/x.json");
  expect(html).toContain("12 more failed tests");
});
