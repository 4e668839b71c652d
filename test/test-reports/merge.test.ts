import { expect, test } from "vitest";
import { readResults } from "../../src/test-reports/read.ts";
import { everyReport, read, workspace } from "./reports.ts";

// Several reports of one run: each test counts once, and no failure in any of them is lost.

test("Jest's three reports of one run count every test once, and include the crashes that two of them lack", async () => {
  const all = await read("jest/mixed.*");
  const json = await read("jest/mixed.json");
  expect(all).toMatchObject({ total: 11, passed: 4, failed: 4, flaky: 1, skipped: 2 });
  expect(all.crashedSuites.map(({ file }) => file).sort()).toEqual(json.crashedSuites.map(({ file }) => file).sort());
  for (const file of ["broken", "empty"])
    expect(all.disagreements).toContainEqual(
      expect.stringMatching(`${file}\\.test\\.js could not run, says jest/mixed\\.json, but .*jest/mixed\\.xml`),
    );
});

test("Playwright's three reports of one run count every test once", async () => {
  expect(await read("playwright/mixed.*")).toMatchObject({
    total: 6,
    passed: 3,
    failed: 1,
    flaky: 1,
    skipped: 1,
    disagreements: [],
  });
});

test.each([
  ["playwright/browser.*", { total: 2, passed: 1, failed: 1, projects: { chrome: { total: 2 } } }],
  ["mocha/mixed.*", { total: 10, passed: 4, failed: 4, flaky: 1, skipped: 1 }],
  ["pytest/{xunit1.xml,ctrf.json}", { total: 9, passed: 2, failed: 4, flaky: 1, skipped: 2 }],
  ["pytest/{xunit2.xml,ctrf.json}", { total: 9, passed: 2, failed: 4, flaky: 1, skipped: 2 }],
  ["surefire/SessionTest.*", { total: 7, passed: 2, failed: 3, flaky: 1, skipped: 1 }],
  // Only the JUnit report has the failed hook as a test.
  ["vitest/mixed.*", { total: 10, passed: 4, failed: 3, flaky: 1, skipped: 2 }],
])("CTRF together with the run's other reports counts nothing twice: %s", async (reports, expected) => {
  expect(await read(reports)).toMatchObject(expected);
});

test("if CTRF calls a test flaky that passed although it was expected to fail, the other two count", async () => {
  const { failed, flaky, disagreements } = await read("playwright/hooks.*");
  expect({ failed, flaky }).toEqual({ failed: 5, flaky: 0 });
  expect(disagreements).toEqual([
    expect.stringMatching(/^"known to be broken, but passes" failed in .* but flaky in .*ctrf\.json/),
  ]);
});

test("Playwright's merge of its shards is the whole run, and adds nothing to them", async () => {
  const { total, passed, failed, flaky, skipped } = await read("playwright/merged.json");
  expect({ total, passed, failed, flaky, skipped }).toEqual({ total: 6, passed: 3, failed: 1, flaky: 1, skipped: 1 });
  expect(await read("playwright/merged.*")).toMatchObject({ total, passed, failed, flaky, skipped, disagreements: [] });
});

test("a failure outside all tests is only in Playwright's JSON, and counts", async () => {
  const { crashedSuites, disagreements } = await read("playwright/global-error.*");
  expect(crashedSuites).toHaveLength(1);
  expect(disagreements).toEqual([expect.stringContaining("playwright/global-error.xml does not mention it")]);
});

test("Vitest's two reports: the hook that only JUnit has, and the crash that both have, each count once", async () => {
  const both = await read("vitest/mixed.json", "vitest/mixed.xml");
  expect(both).toMatchObject({ total: 10, passed: 4, failed: 3, flaky: 1, skipped: 2 });
  expect(both.crashedSuites).toHaveLength(1);
  expect(both.disagreements).toEqual([
    expect.stringContaining('"clears up" failed in vitest/mixed.xml, but is missing in vitest/mixed.json'),
  ]);
});

test("Playwright's two reports agree; a flaky test is kept from the one that has it", async () => {
  const both = await read("playwright/mixed.json", "playwright/mixed.xml");
  expect(both).toMatchObject({ total: 6, passed: 3, failed: 1, flaky: 1, skipped: 1, disagreements: [] });
});

test.each([["json"], ["xml"], ["*"]])("shards (%s) add up to the whole", async (extension) => {
  const shards = await read(`playwright/shard-*.${extension}`);
  const whole = await read(`playwright/mixed.${extension}`);
  const { total, passed, failed, flaky, skipped, projects } = whole;
  expect(shards).toMatchObject({ total, passed, failed, flaky, skipped, projects, disagreements: [] });
});

test.each(everyReport)("a copy of %s adds nothing", async (report) => {
  const once = await read(report);
  const fixture = await import("node:fs/promises").then((fs) =>
    fs.readFile(new URL(`../fixtures/reports/${report}`, import.meta.url)),
  );
  await using at = await workspace({ one: fixture, two: fixture });
  const twice = await readResults({ cwd: at.cwd, reports: ["one", "two"], startedAt: 0 });
  expect(twice).toMatchObject({
    total: once.total,
    failed: once.failed,
    flaky: once.flaky,
    skipped: once.skipped,
    disagreements: [],
  });
  expect(twice.crashedSuites).toEqual(once.crashedSuites);
});

function junit(cases: string): string {
  return `<testsuite name="s">${cases}</testsuite>`;
}

function ctrf(tests: object[]): string {
  const failed = tests.filter((one) => "status" in one && one.status === "failed").length;
  return JSON.stringify({ results: { summary: { tests: tests.length, failed, other: 0 }, tests } });
}

test("if two reports disagree, the worse counts and both are named", async () => {
  const good = { name: "a", status: "passed", duration: 1, suite: ["c"] };
  await using at = await workspace({
    "one.json": ctrf([good]),
    "two.xml": junit('<testcase name="a" classname="c"><failure>no</failure></testcase>'),
  });
  const results = await readResults({ cwd: at.cwd, reports: ["*"], startedAt: 0 });
  expect(results).toMatchObject({ total: 1, failed: 1 });
  expect(results.failures[0]?.message).toBe("no");
  expect(results.disagreements).toEqual(['"c › a" failed in two.xml, but passed in one.json: believed to have failed']);
});

test("equal names in two modules are two tests, even in one report", async () => {
  const fails = '<testcase name="a" classname="c" time="1"><failure>no</failure></testcase>';
  const passes = '<testcase name="a" classname="c" time="2"/>';
  await using at = await workspace({
    "one/r.xml": junit(fails),
    "two/r.xml": junit(passes),
    "three/r.xml": junit(fails + passes + passes),
  });
  const modules = await readResults({ cwd: at.cwd, reports: ["{one,two}/r.xml"], startedAt: 0 });
  expect(modules).toMatchObject({ total: 2, failed: 1, passed: 1 });
  const one = await readResults({ cwd: at.cwd, reports: ["three/r.xml"], startedAt: 0 });
  expect(one).toMatchObject({ total: 3, failed: 1, passed: 2 });
});

test("a file that two globs match is read once", async () => {
  const { sources, total } = await read("vitest/green.json", "vitest/*en.json");
  expect(sources).toEqual([{ file: "vitest/green.json", format: "vitest-json", tests: 2 }]);
  expect(total).toBe(2);
});
