import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Check, StageReport } from "../../src/model/report.ts";
import type { TestResults } from "../../src/model/test-results.ts";
import { toAnnotations } from "../../src/report/annotations.ts";
import { type Form, Forms, fitInto } from "../../src/report/fit.ts";
import { toHtml } from "../../src/report/html.ts";
import { toMarkdown } from "../../src/report/markdown.ts";
import { parseReport } from "../../src/report/schema.ts";
import { failureBlocks } from "../../src/report/view/failures.ts";
import { readResults } from "../../src/test-reports/read.ts";
import { degradedSmoke, failedIntegration, flakyE2e } from "./sample.ts";

/** The page and the summary have a size, whatever the reports have, and what they say is elsewhere is there. */

const many = 10_000;
const mostBytes = 3_000_000;

function list<One>(make: (index: number) => One, length = many): One[] {
  return Array.from({ length }, (_, index) => make(index));
}

function testsOf(report: StageReport): TestResults {
  if (!report.tests) throw new Error("the sample has tests");
  return report.tests;
}

function checks(one: Partial<Check>): StageReport {
  const { tests: _, ...report } = failedIntegration();
  return {
    ...report,
    checks: list((at) => ({ id: `api.${at}`, title: `GET /${at}`, verdict: "failed", durationMs: 1, ...one })),
  };
}

const huge: Record<string, () => StageReport | StageReport[]> = {
  "failed tests with long names, messages and stacks": () => {
    const report = failedIntegration();
    testsOf(report).failures = list((at) => ({
      name: `${"漢字 <&> ".repeat(60)}${at}`,
      status: "failed",
      durationMs: 1,
      attempts: 1,
      file: `some/folder/${at}.test.ts`,
      message: `<&> ${at} `.repeat(100),
      ...(at < 1_000 ? { stack: "    at <one> (a.ts:1:1)\n".repeat(300) } : {}),
    }));
    return report;
  },
  "every list of tests": () => {
    const report = failedIntegration();
    const tests = testsOf(report);
    const [first] = tests.failures;
    if (!first) throw new Error("the sample has failed tests");
    tests.failures = list((at) => ({
      ...first,
      name: `case ${at}`,
      ...(at % 2 === 0 ? {} : { quarantinedUntil: "2027-01-01" }),
    }));
    tests.flakyTests = list((at) => ({ ...first, name: `case ${at}`, status: "flaky" }));
    tests.crashedSuites = list((at) => ({ file: `${at}.test.ts`, message: "cannot load it" }));
    tests.disagreements = list((at) => `the reports disagree about ${at}`);
    tests.quarantine = list((at) => ({
      test: `case ${at}`,
      until: "2027-01-01",
      reason: "later",
      over: false,
      matched: 1,
      failed: 1,
    }));
    tests.sources = list((at) => ({ file: `reports/${at}.xml`, format: "junit", tests: 1 }));
    report.attachments = list((at) => ({ file: `shots/${at}.png`, bytes: at }));
    report.problems = list((at) => `problem ${at}`);
    return report;
  },
  "checks with long texts": () => checks({ observed: "<p>".repeat(3_000), message: "&".repeat(9_000) }),
  "checks with latencies": () => {
    const samples = list((at) => at, 100);
    return checks({ latency: { count: 100, p50: 50, p95: 95, max: 99, samples } });
  },
  "tables with their statements": () => {
    const report = failedIntegration();
    const [table] = report.cleanup?.tables ?? [];
    if (!report.cleanup || !table) throw new Error("the sample has tables");
    const statement = `DELETE FROM x WHERE ${"a < 1 OR ".repeat(100)}`;
    report.cleanup.tables = list((at) => ({ ...table, table: `table_${at}`, planned: 1, statement }));
    report.cleanup.notes = list((at) => `note ${at} ${"'".repeat(900)}`);
    return report;
  },
  "tables of the books": () => {
    const report = flakyE2e();
    const [table] = report.books?.tables ?? [];
    if (!report.books || !table) throw new Error("the sample has books");
    report.books.tables = list((at) => ({ ...table, table: `table_${at}` }));
    return report;
  },
  "servers with logs": () => ({
    ...failedIntegration(),
    servers: list((at) => ({ name: `server ${at}`, readyMs: 1, ended: "stopped", tail: ["<error>".repeat(2_000)] })),
  }),
  "a matrix of 256 jobs": () =>
    list((at) => ({ ...failedIntegration(), runId: `${1_763_917_800_000 + at}_9f3c1a7e`, reason: "<reason> ".repeat(500) }), 256),
};

describe.each(Object.entries(huge))("%s", (_, make) => {
  const reports = [make()].flat();

  test("fit into a page of 3 MB and a summary of 1 MB", () => {
    expect(Buffer.byteLength(toHtml([...reports, degradedSmoke()]))).toBeLessThanOrEqual(mostBytes);
    expect(Buffer.byteLength(toMarkdown([...reports, degradedSmoke()]))).toBeLessThanOrEqual(1_000_000);
  });

  test("leave every tag of the page closed", () => {
    const page = toHtml(reports);
    for (const tag of ["details", "p", "pre", "table", "tr", "td", "ul", "li", "div", "span", "figure"])
      expect(page.match(new RegExp(`<${tag}[ >]`, "g"))?.length, tag).toBe(page.match(new RegExp(`</${tag}>`, "g"))?.length);
  });
});

test("all of a stage that is only named is in the report of its own run", () => {
  const cells = [huge["a matrix of 256 jobs"]?.() ?? []].flat();
  const page = toHtml(cells);
  const named = [...page.matchAll(/All of this one is in <code>(.*?)<\/code>/g)].map(([, file]) => file);
  expect(named).toHaveLength(206);
  const files = cells.map(({ stage, runId }) => `.env-actions/reports/${stage}-${runId}.json`);
  expect(new Set(named).size).toBe(206);
  for (const file of named) expect(files).toContain(file);
});

test("what page and summary say the report has of 1,500 failed tests, it has", async () => {
  const folder = await mkdtemp(join(tmpdir(), "page-size-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const message = "expected one to be two ".repeat(20);
  const cases = list(
    (at) => `<testcase name="case ${at}"><failure message="${message}">${message}\n    at a (a.ts:1:1)</failure></testcase>`,
    1_500,
  );
  await writeFile(join(folder, "r.xml"), `<testsuite name="s" tests="1500" failures="1500">${cases.join("")}</testsuite>`);
  const tests = await readResults({ cwd: folder, reports: ["r.xml"], startedAt: 0 });
  const report = parseReport(JSON.stringify({ ...failedIntegration(), tests }), "integration.json");

  const failures = report.tests?.failures ?? [];
  const said =
    "has all 1,500, the stacks of 1,000, and of messages after the first 1,000 the first 300 characters. Only the test reports can have more: ";
  for (const text of [toHtml([report]), toMarkdown(report)]) expect(text.replaceAll("\u200b", "")).toContain(said);
  expect(failures).toHaveLength(1_500);
  expect(failures.filter(({ stack }) => stack !== undefined)).toHaveLength(1_000);
  for (const [at, { message: kept = "" }] of failures.entries())
    expect(kept, String(at)).toBe(at < 1_000 ? message.trim() : `${message.slice(0, 299)}…`);
  const rest = toAnnotations(report).find(({ title }) => title.endsWith("more errors"));
  expect(rest?.message).toContain(".env-actions/reports/integration.json has all 1,5");
});

test("of messages of the same kind the page and the summary say how many there are", () => {
  const report = failedIntegration();
  const [first] = testsOf(report).failures;
  if (!first) throw new Error("the sample has failed tests");
  const message = (at: number) =>
    at < 90 ? `expected ${at} to be ${at + 1}` : at < 98 ? "no session" : `alone: ${"x".repeat(at)}`;
  testsOf(report).failures = list((at) => ({ ...first, name: `case ${at}`, message: message(at) }), 100);
  expect(toMarkdown(report)).toMatch(
    /\| 90 \| expected 0 to be 1 \| case 0<br>.* \|\n\| 8 \| no session \| case 90<br>.* \|\n\n2 tests with other messages\./,
  );
  const page = toHtml([report]);
  expect(page.replace(/<[^>]*>/g, " ")).toMatch(
    /90\s+expected 0 to be 1\s+case 0\s.*8\s+no session\s+case 90\s.*2 tests with other messages\./s,
  );

  const [block] = failureBlocks(testsOf(report), "report.json");
  const often = block?.kind === "entries" ? block.often : undefined;
  expect([0, 1, 2].map((drawn) => often?.rest?.(drawn))).toEqual([
    "100 tests with other messages.",
    "10 tests with other messages.",
    "2 tests with other messages.",
  ]);

  testsOf(report).failures = testsOf(report).failures.slice(0, 49);
  expect(toMarkdown(report), "few are read one by one").not.toContain("First test");
});

test("forms of a piece are drawn only as far as there may be room for them", () => {
  const drawn: string[] = [];
  const forms = new Forms(10_000);
  const form = (loses: Form["loses"], text: string): Form => ({
    loses,
    draw() {
      drawn.push(loses);
      return text;
    },
  });
  const parts = list(() =>
    forms.part([
      form("stack of a failed test", "s".repeat(500)),
      form("message of a failed test", "m".repeat(100)),
      form("name of a failed test", "n".repeat(50)),
    ]),
  );
  const times = (loses: Form["loses"]) => drawn.filter((one) => one === loses).length;
  expect(times("stack of a failed test")).toBeLessThanOrEqual(22);
  expect(times("message of a failed test")).toBeLessThanOrEqual(102);
  expect(times("name of a failed test")).toBeLessThanOrEqual(202);
  const { text, lost } = fitInto(parts, 10_000);
  expect(text).toBe("n".repeat(10_000));
  expect(Object.fromEntries(lost)).toEqual({
    "stack of a failed test": many,
    "message of a failed test": many,
    "name of a failed test": many - 200,
  });
});
