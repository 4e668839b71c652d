import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe, { type AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findBrowsers } from "../../examples/classroom/tests/e2e/browsers.ts";
import type { StageReport } from "../../src/model/report.ts";
import { toHtml } from "../../src/report/html.ts";
import { parseReport } from "../../src/report/schema.ts";
import { everyReport, failedIntegration, wholeGate } from "./sample.ts";

/** The page of real runs and of samples, in a real browser. */

const runs = join(import.meta.dirname, "..", "fixtures", "runs");
const pagesFolder = join(import.meta.dirname, "..", "fixtures", "pages");
const realRuns = ["passed", "failed", "failed-e2e"];

async function reportsOf(run: string): Promise<StageReport[]> {
  const files = await readdir(join(runs, run));
  return await Promise.all(files.sort().map(async (file) => parseReport(await readFile(join(runs, run, file), "utf8"), file)));
}

let browser: Browser;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "report-page-"));
  const chrome = findBrowsers(process.env).found.find(({ name }) => name === "chrome");
  if (!chrome) throw new Error("these tests need a Chrome or Chromium: node scripts/setup/main.mjs finds or installs one");
  browser = await chromium.launch(chrome.launch);
});

afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

let pages = 0;

/** Opens it as a file, as people do. Whatever the browser complains about, or asks for, fails the test. */
async function open(html: string, options: BrowserContextOptions, look: (page: Page) => Promise<void>): Promise<void> {
  const file = join(folder, `${pages++}.html`);
  await writeFile(file, html);
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
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
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate<AxeResults>("axe.run(document, { resultTypes: ['violations'] })");
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
  expect(found).toEqual([]);
  expect(passes.length).toBeGreaterThan(20);
}

async function openAll(page: Page): Promise<void> {
  await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
}

/** The start of each element that has text, but no height. */
const withoutHeight = `[...document.querySelectorAll("details > :not(summary), .plot, table")]
  .filter((one) => one.getBoundingClientRect().height === 0 && one.textContent.trim() !== "")
  .map((one) => one.outerHTML.slice(0, 200))`;

test.each(realRuns)("the page of the run %s is the kept one", async (run) => {
  await expect(toHtml(await reportsOf(run))).toMatchFileSnapshot(join(pagesFolder, `${run}.html`));
});

describe.each([...realRuns, "samples", "nothing"])("the page of the run %s", (run) => {
  const html = async () => toHtml(run === "samples" ? everyReport() : run === "nothing" ? [] : await reportsOf(run));

  // axe takes seconds for a long page: it sees all of it once, and in the other modes the two that have everything.
  test.each<[string, BrowserContextOptions]>([
    ["light", { viewport: { width: 1280, height: 900 }, colorScheme: "light" }],
    ["dark", { viewport: { width: 1280, height: 900 }, colorScheme: "dark" }],
    ["360 pixels wide", { viewport: { width: 360, height: 800 } }],
  ])("%s: fits, and axe finds nothing", async (mode, options) => {
    await open(await html(), options, async (page) => {
      await expectNoOverflow(page);
      await openAll(page);
      await expectNoOverflow(page);
      if (mode === "light" || run === "failed" || run === "samples") await expectAccessible(page);
    });
  });

  test("needs no scripts", async () => {
    await open(await html(), { viewport: { width: 800, height: 800 }, javaScriptEnabled: false }, expectNoOverflow);
  });

  test("prints everything, folded or not, on white", async () => {
    await open(await html(), { viewport: { width: 718, height: 1000 }, colorScheme: "dark" }, async (page) => {
      await page.emulateMedia({ media: "print", colorScheme: "dark" });
      await expectNoOverflow(page);
      expect(await page.evaluate<string[]>(withoutHeight)).toEqual([]);
      expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(255, 255, 255)");
      expect((await page.pdf({ format: "A4" })).length).toBeGreaterThan(10_000);
    });
  });
});

describe("the page of a failed run", () => {
  const screen = { viewport: { width: 1280, height: 900 } };

  test("shows the first failure's message, and its place, on the first screen", async () => {
    await open(toHtml(await reportsOf("failed")), screen, async (page) => {
      const message = page.locator("pre", { hasText: "AssertionError: expected 'answer 1' to be 'the right answer'" }).first();
      expect((await message.boundingBox())?.y).toBeLessThan(900);
      const place = page.locator("pre", { hasText: /at .*failing\.test\.ts:5:25/ }).first();
      expect((await place.boundingBox())?.y).toBeLessThan(900);
    });
  });

  test("filters tests by their result, without scripts", async () => {
    await open(toHtml(await reportsOf("failed")), { ...screen, javaScriptEnabled: false }, async (page) => {
      const [failed, crashed] = [page.getByText("fails on purpose (1)").first(), page.locator(".test.crashed").first()];
      expect([await failed.isVisible(), await crashed.isVisible()]).toEqual([true, true]);
      await page.getByRole("radio", { name: "failed 4" }).check();
      expect([await failed.isVisible(), await crashed.isVisible()]).toEqual([true, false]);
      await page.getByRole("radio", { name: "could not be loaded 1" }).check();
      expect([await failed.isVisible(), await crashed.isVisible()]).toEqual([false, true]);
      await page.getByRole("radio", { name: "all 5" }).check();
      expect([await failed.isVisible(), await crashed.isVisible()]).toEqual([true, true]);
    });
  });

  test("a link of the navigation, which stays on the screen, opens a folded stage", async () => {
    await open(toHtml(wholeGate()), { ...screen, javaScriptEnabled: false }, async (page) => {
      const check = page.getByText("Required variables");
      expect(await check.isVisible()).toBe(false);
      await page.getByRole("link", { name: "Preflight passed" }).click();
      expect(await check.isVisible()).toBe(true);
      expect((await page.getByRole("navigation").boundingBox())?.y).toBe(0);
    });
  });
});

test("a report with 30,000 failures is drawn in a few megabytes that a browser opens, and says what is not drawn", async () => {
  const report = failedIntegration();
  const [first] = report.tests?.failures ?? [];
  if (!report.tests || !first) throw new Error("the sample has failed tests");
  const { stack, ...short } = first;
  // As the stage writes them: stacks of the first 1,000 only.
  report.tests.failures = Array.from({ length: 30_000 }, (_, index) => ({
    ...(index < 1_000 && stack ? { ...short, stack } : short),
    name: `case ${index}`,
    file: `tests/${index % 300}.test.ts`,
  }));
  report.tests.flakyTests = report.tests.failures.map((test) => ({ ...test, status: "flaky" }));
  report.tests.crashedSuites = report.tests.failures.map(({ name, message = "" }) => ({ file: name, message }));
  report.tests.disagreements = report.tests.failures.map(({ name }) => `the reports disagree about ${name}`);
  const html = toHtml([report]);
  expect(Buffer.byteLength(html)).toBeLessThan(3_000_000);
  await open(html, { viewport: { width: 1280, height: 900 } }, async (page) => {
    const amountIn = (text: string | null, pattern: RegExp) => Number(pattern.exec(text ?? "")?.[1]?.replaceAll(",", ""));
    const [failed = null, crashed = null] = await page.locator(".part > .note").allTextContents();
    expect(failed).toMatch(/^[\d,]+ of 30,000 failed tests are shown, [\d,]+ of them in full and the others in a line each\./);
    expect(failed).toContain(
      "integration.json has all 30,000, the stacks of 1,000, and of messages after the first 1,000 the first 300 characters.",
    );
    expect(failed).toContain("Only the test reports can have more: ");
    expect(crashed).toMatch(/^[\d,]+ of 30,000 crashed suites are shown, .* has all 30,000, with their messages\.\s*$/);
    const shown = [failed, crashed].map((text) => amountIn(text, /^([\d,]+) of/));
    expect(await page.locator(".part").first().locator(".test").count()).toBe(shown[0]);
    expect(await page.locator(".test").count()).toBe((shown[0] ?? 0) + (shown[1] ?? 0));
    expect(shown[0]).toBeGreaterThan(3_000);
    expect(shown[1]).toBeGreaterThan(1_000);
    expect(await page.locator("details.test").count()).toBeGreaterThan(500);
    // Not only those that are drawn.
    expect(await page.locator(".file .about").first().textContent()).toMatch(/^100 failed, [\d,]+ of them shown$/);
    const flaky = page.locator(".folded", { has: page.getByText("30,000 flaky tests") });
    const more = amountIn(await flaky.textContent(), /([\d,]+) more are in the report\./);
    expect(await flaky.locator("table", { hasText: "Attempts" }).locator("tbody tr").count()).toBe(30_000 - more);
    expect(await page.locator(".notes.warning li").count()).toBe(
      amountIn(
        await page.locator(".notes.warning > .note").textContent(),
        /([\d,]+) of 30,000 lines are shown; all are in \S*integration\.json/,
      ),
    );
    await expectNoOverflow(page);
  });
});
