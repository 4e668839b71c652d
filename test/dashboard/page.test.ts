import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe, { type AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findBrowsers } from "../../examples/classroom/tests/e2e/browsers.ts";
import { dashboardHtml } from "../../src/dashboard/page.ts";
import { worldEnd, worldOf } from "../history/world.ts";

/** The dashboard in a real browser, with a clock that is set. */

const day = 86_400_000;
const options = { now: worldEnd, staleAfterMs: 8 * day };
const pages = {
  usual: dashboardHtml(worldOf({ records: 400 }), options),
  calm: dashboardHtml(worldOf({ records: 200, mood: "calm" }), options),
  failing: dashboardHtml(worldOf({ records: 200, mood: "failing" }), options),
  stale: dashboardHtml(worldOf({ records: 200 }), { ...options, now: worldEnd + 30 * day }),
  empty: dashboardHtml([], options),
};

let browser: Browser;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dashboard-page-"));
  const chrome = findBrowsers(process.env).found.find(({ name }) => name === "chrome");
  if (!chrome) throw new Error("these tests need a Chrome or Chromium: node scripts/setup/main.mjs finds or installs one");
  browser = await chromium.launch(chrome.launch);
});

afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Opening extends BrowserContextOptions {
  /** The reader's clock. */
  at?: number;
}

/** Opens it as a file, as people do. Whatever the browser complains about, or asks for, fails the test. */
async function open(
  name: keyof typeof pages,
  { at = worldEnd, ...options }: Opening,
  look: (page: Page) => Promise<void>,
): Promise<void> {
  const file = join(folder, `${name}.html`);
  await writeFile(file, pages[name]);
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  try {
    const page = await context.newPage();
    if (options.javaScriptEnabled !== false) await page.clock.setFixedTime(at);
    const complaints: string[] = [];
    const asked: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    await look(page);
    expect(complaints).toEqual([]);
    expect(asked).toEqual([pathToFileURL(file).href]);
  } finally {
    await context.close();
  }
}

// Texts, because the DOM's types would become visible to all sources.

async function expectNoOverflow(page: Page): Promise<void> {
  const beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
  expect(await page.evaluate<number>(beyond)).toBe(0);
}

/** Every rule of axe, best practice included. */
async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate<AxeResults>("axe.run(document, { resultTypes: ['violations'] })");
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
  expect(found).toEqual([]);
  expect(passes.length).toBeGreaterThan(20);
}

/** Whether anything that is seen has the green of what passed. */
const greens = `(() => {
  const green = (value) => { const [r, g, b] = (value.match(/[\\d.]+/g) ?? []).map(Number); return g > r + 25 && g > b + 12; };
  return [...document.querySelectorAll("body *")].filter((one) => {
    if (one.getClientRects().length === 0) return false;
    const style = getComputedStyle(one);
    const isShape = one instanceof SVGElement && one.localName !== "svg";
    return (isShape && green(style.fill)) || green(style.backgroundColor) || green(style.color);
  }).map((one) => one.outerHTML.slice(0, 100));
})()`;

describe.each<[keyof typeof pages, boolean]>([
  ["usual", true],
  ["calm", false],
  ["failing", false],
  ["stale", false],
  ["empty", true],
])("the %s page", (name, everywhere) => {
  test.each<[string, BrowserContextOptions]>([
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["360 pixels wide", { viewport: { width: 360, height: 800 } }],
  ])("%s: fits, and axe finds nothing", async (mode, options) => {
    await open(name, options, async (page) => {
      await expectNoOverflow(page);
      // axe takes seconds for a long page.
      if (everywhere || mode === "light") await expectAccessible(page);
      await expectNoOverflow(page);
    });
  });
});

describe("what passed is green", () => {
  test("only for a reader whose clock says that the records are new", async () => {
    await open("calm", { at: worldEnd + day }, async (page) => {
      expect((await page.evaluate<string[]>(greens)).length).toBeGreaterThan(20);
      expect(await page.locator(".lead li").first().textContent()).toContain("passed");
      expect(await page.locator("#age").textContent()).toContain("Now it is");
    });
  });

  test.each<[string, keyof typeof pages, Opening]>([
    ["not without scripts", "calm", { javaScriptEnabled: false }],
    ["not without scripts, in the dark", "calm", { javaScriptEnabled: false, colorScheme: "dark" }],
    ["not if the page is opened later", "calm", { at: worldEnd + 20 * day }],
    ["not if the page is opened later, in the dark", "calm", { at: worldEnd + 20 * day, colorScheme: "dark" }],
    ["not if the reader's clock is before the records", "calm", { at: worldEnd - 30 * day }],
    ["not if it was stale when it was made", "stale", { at: worldEnd + 30 * day }],
  ])("%s", async (_, name, opening) => {
    await open(name, opening, async (page) => {
      expect(await page.evaluate<string[]>(greens)).toEqual([]);
    });
  });

  test("a stage that has not run for long is stale, although others are new", async () => {
    await open("calm", { at: worldEnd + 20 * day }, async (page) => {
      const seen = page.locator("#now .pill:visible");
      expect(new Set(await seen.allTextContents())).toEqual(new Set(["stale"]));
      expect(await page.locator("#age").textContent()).toContain("too old to say how the environments are now");
      expect(await page.locator(".lead li").first().locator(".if-late").isVisible()).toBe(true);
    });
  });
});

test("without scripts everything is there to read, with the words of the verdicts", async () => {
  await open("usual", { javaScriptEnabled: false, viewport: { width: 800, height: 800 } }, async (page) => {
    await expectNoOverflow(page);
    expect(await page.locator("#now .pill.passed:visible").count()).toBeGreaterThan(3);
    expect(await page.locator("#now .pill.stale:visible").count()).toBe(0);
  });
});

test("the first screen names the worst environment, the flakiest test and the oldest leftover, and each leads to more", async () => {
  await open("usual", {}, async (page) => {
    const heads = page.locator(".lead .head a");
    expect(await heads.allTextContents()).toEqual(["sandbox", "a student joins with a code", "7 days", "in 2 days"]);
    for (const head of await heads.all()) {
      const box = await head.boundingBox();
      expect((box?.y ?? 9e9) + (box?.height ?? 0)).toBeLessThan(600);
      await head.click();
      const target = page.locator(new URL(page.url()).hash);
      await target.waitFor();
      expect((await target.boundingBox())?.y).toBeLessThan(900);
      await page.evaluate("scrollTo(0, 0)");
    }
  });
});

test("prints everything, folded or not, on white", async () => {
  await open("usual", { viewport: { width: 718, height: 1000 }, colorScheme: "dark" }, async (page) => {
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await expectNoOverflow(page);
    const withoutHeight = `[...document.querySelectorAll("details > :not(summary), table")]
      .filter((one) => one.getBoundingClientRect().height === 0).map((one) => one.outerHTML.slice(0, 200))`;
    expect(await page.evaluate<string[]>(withoutHeight)).toEqual([]);
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(255, 255, 255)");
    expect((await page.pdf({ format: "A4" })).length).toBeGreaterThan(10_000);
  });
});

test("the keyboard reaches each link, fold and table, in order", async () => {
  await open("usual", {}, async (page) => {
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the content");
    const focusable = 'document.querySelectorAll("a[href], summary, [tabindex=\\"0\\"]").length';
    const regions = "document.querySelectorAll('table').length - document.querySelectorAll('[tabindex=\"0\"] > table').length";
    expect(await page.evaluate<number>(focusable)).toBeGreaterThan(30);
    expect(await page.evaluate<number>(regions)).toBe(0);
    const levels = await page.evaluate<number[]>(
      "[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.localName[1]))",
    );
    expect(levels[0]).toBe(1);
    for (const [at, level] of levels.entries()) expect(level - (levels[at - 1] ?? 0)).toBeLessThanOrEqual(1);
  });
});
