import fc from "fast-check";
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
  ["mocha/mixed.{xml,ctrf.json}", { total: 10, passed: 4, failed: 4, flaky: 1, skipped: 1 }],
  ["pytest/{xunit1.xml,ctrf.json}", { total: 9, passed: 2, failed: 4, flaky: 1, skipped: 2 }],
  ["pytest/{xunit2.xml,ctrf.json}", { total: 9, passed: 2, failed: 4, flaky: 1, skipped: 2 }],
  ["surefire/SessionTest.*", { total: 7, passed: 2, failed: 3, flaky: 1, skipped: 1 }],
  // Only the JUnit report has the failed hook as a test.
  ["vitest/mixed.{json,xml,ctrf.json}", { total: 10, passed: 4, failed: 3, flaky: 1, skipped: 2 }],
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

test("a result that one report does not know is not taken from the other", async () => {
  const results = await readAll({
    "one.json": ctrf([{ name: "a", status: "passed", duration: 1, suite: ["c"] }]),
    "two.xml": junit('<testcase name="a" classname="c" status="gailed"/>'),
  });
  expect(results).toMatchObject({ total: 1, passed: 0, unknown: 1 });
  expect(results.disagreements).toEqual([
    '"c › a" has an unknown result in two.xml, but passed in one.json: believed to be unknown',
  ]);
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

async function readAll(files: Record<string, string>) {
  await using at = await workspace(files);
  return await readResults({ cwd: at.cwd, reports: ["*"], startedAt: 0 });
}

const shard = (message: string, time = "0.0") =>
  `<testsuite name="s" tests="2" failures="1"><testcase classname="m.A" name="t" time="${time}"/><testcase classname="m.A" name="u" time="${time}"><failure message="${message}"/></testcase></testsuite>`;

test.each([
  ["different messages", shard("3.10 broke"), shard("3.12 broke")],
  ["one message", shard("broke"), shard("broke").replace('name="s"', 'name="s" hostname="b"')],
  [
    "one message, and times that tools round",
    shard("broke", "0.1"),
    shard("broke", "0.1").replace('name="s"', 'name="s" id="2"'),
  ],
])("two jobs of a matrix that took equally long are not one, with %s", async (_what, one, two) => {
  const results = await readAll({ "one.xml": one, "two.xml": two });
  expect(results).toMatchObject({ total: 4, passed: 2, failed: 2, disagreements: [] });
});

test("two jobs of a matrix in one format, and a third report in another, lose no failure", async () => {
  const tests = ["t", "u"].map((name) => ({ name, suite: ["m.A"], status: "passed", duration: 0 }));
  const results = await readAll({ "one.xml": shard("one"), "two.xml": shard("two"), "three.json": ctrf(tests) });
  expect(results.failures.map(({ message }) => message).sort()).toEqual(["one", "two"]);
});

test("of two jobs of a matrix, each with two reports, each pair is merged", async () => {
  const tests = (status: string) => [{ name: "t", suite: ["m.A"], status, duration: 0 }];
  const junitReport = (inside: string) => junit(`<testcase classname="m.A" name="t">${inside}</testcase>`);
  const results = await readAll({
    "a.json": ctrf(tests("failed")),
    "b.json": ctrf(tests("passed")),
    "c.xml": junitReport(""),
    "d.xml": junitReport("<failure>no</failure>"),
  });
  expect(results).toMatchObject({ total: 2, passed: 1, failed: 1, disagreements: [] });
});

const part = (name: string, tests: number, failing = 0) =>
  `<testsuite name="${name}" tests="${tests}">${Array.from(
    { length: tests },
    (_, index) =>
      `<testcase classname="${name}" name="t${index}" time="${(index + 1) * 1.37}">${index < failing ? "<failure>no</failure>" : ""}</testcase>`,
  ).join("")}</testsuite>`;

test.each([
  ["before them", "a.xml"],
  ["after them", "z.xml"],
])("a report of the whole project adds nothing to those of its parts, read %s", async (_what, whole) => {
  const [one, two] = [part("a.A", 9, 1), part("b.B", 9)];
  const files = { "b.xml": one, "c.xml": two, [whole]: `<testsuites>${one}${two}</testsuites>` };
  expect(await readAll(files)).toMatchObject({ total: 18, passed: 17, failed: 1, disagreements: [] });
  const larger = { ...files, [whole]: `<testsuites>${one}${two}${part("c.C", 3)}</testsuites>` };
  expect(await readAll(larger)).toMatchObject({ total: 21, passed: 20, failed: 1 });
});

test("one that differs in a single result is another run", async () => {
  expect(await readAll({ "a.xml": part("a.A", 9, 1), "b.xml": part("a.A", 9, 2) })).toMatchObject({ total: 18, failed: 3 });
});

test("a copy counts as a report, but its tests count once", async () => {
  const { total, sources } = await readAll({ "a.xml": shard("x"), "b.xml": shard("x") });
  expect(total).toBe(2);
  expect(sources).toEqual(["a.xml", "b.xml"].map((file) => ({ file, format: "junit", tests: 2 })));
});

test("whatever reports are merged, no failure is lost and no test passes that failed", async () => {
  const tests = fc.array(
    fc.record({
      name: fc.constantFrom("a", "b", "c"),
      status: fc.constantFrom("passed", "failed", "skipped"),
      seconds: fc.constantFrom(0, 0.001, 5),
    }),
    { minLength: 1, maxLength: 6 },
  );
  type Tests = { name: string; status: string; seconds: number }[];
  const inside: Record<string, string> = { passed: "", failed: "<failure>no</failure>", skipped: "<skipped/>" };
  const xml = (all: Tests, id: number) =>
    `<testsuite name="s" id="${id}">${all.map(({ name, status, seconds }) => `<testcase name="${name}" time="${seconds}">${inside[status]}</testcase>`).join("")}</testsuite>`;
  const json = (all: Tests) => ctrf(all.map(({ name, status, seconds }) => ({ name, status, duration: seconds * 1_000 })));
  const failedIn = (all: Tests) => all.filter(({ status }) => status === "failed").length;
  const property = fc.asyncProperty(tests, tests, tests, async (one, two, three) => {
    const results = await readAll({ "1.xml": xml(one, 1), "2.xml": xml(two, 2), "3.json": json(three) });
    const failing = new Set([...one, ...two, ...three].filter(({ status }) => status === "failed").map(({ name }) => name));
    expect(new Set(results.failures.map(({ name }) => name))).toEqual(failing);
    for (const all of [one, two, three]) expect(results.failed).toBeGreaterThanOrEqual(failedIn(all));
    // Reports of one format are different runs, unless one contains the other.
    const isSmall = [...one, ...two].every(({ seconds }) => seconds < 1);
    if (isSmall) expect(results.failed).toBeGreaterThanOrEqual(failedIn(one) + failedIn(two));
  });
  await fc.assert(property, { numRuns: process.env.LONG ? 5_000 : 150 });
}, 120_000);

const crash = (file: string, message: string) => `<testsuite name="${file}"><error message="${message}"/></testsuite>`;

test.each([
  ["with one name", "a/b.test.ts", "a/b.test.ts"],
  ["named from two folders", "b.test.ts", "/w/a/b.test.ts"],
  ["with two kinds of slashes", "a\\b.test.ts", "./a/b.test.ts"],
])("a crashed suite in two reports counts once, with both messages: %s", async (_what, one, two) => {
  const { crashedSuites } = await readAll({ "a.xml": crash(one, "first"), "b.xml": crash(two, "second") });
  expect(crashedSuites.map(({ message }) => message)).toEqual(["first\nsecond"]);
});

test("two crashed suites of one report, or of similar names, are two", async () => {
  const twice = `<testsuites>${crash("a.ts", "x")}${crash("a.ts", "y")}</testsuites>`;
  expect((await readAll({ "a.xml": twice, "b.xml": crash("a.ts", "z") })).crashedSuites).toHaveLength(2);
  expect((await readAll({ "a.xml": crash("ba.ts", "x"), "b.xml": crash("a.ts", "x") })).crashedSuites).toHaveLength(2);
  expect((await readAll({ "a.xml": crash("x/a.ts", "x"), "b.xml": crash("y/a.ts", "x") })).crashedSuites).toHaveLength(2);
});

/** CPU time of this process in milliseconds. */
async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const many = 30_000;

test.each<[string, (report: number, index: number) => string]>([
  ["of different names", (_report, index) => `suite${index}.test.ts`],
  ["of one name in different folders", (report, index) => `${report === 0 ? "/w/" : ""}f${index}/index.test.ts`],
  ["of one name", () => "index.test.ts"],
])("30,000 crashed suites %s in two reports are matched in no time", async (_what, name) => {
  const report = (number: number) =>
    `<testsuites id="${number}">${Array.from({ length: many }, (_, index) => crash(name(number, index), `m${number}`)).join("")}</testsuites>`;
  let crashed = 0;
  const ms = await cpuMs(async () => {
    crashed = (await readAll({ "a.xml": report(0), "b.xml": report(1) })).crashedSuites.length;
  });
  expect(crashed).toBe(many);
  // The square of 30,000 takes half a minute.
  expect(ms).toBeLessThan(5_000);
});

test("titles of 200,000 spaces, or of separators, are matched in no time", async () => {
  const titles = [" ".repeat(200_000), " -".repeat(100_000), "- ".repeat(100_000)];
  const tests = titles.map((title) => ({ name: `x${title}y`, suite: ["c"], status: "passed", duration: 1 }));
  const ms = await cpuMs(async () => {
    const results = await readAll({ "a.json": ctrf(tests), "b.xml": junit('<testcase name="a"/>') });
    expect(results.total).toBe(4);
  });
  expect(ms).toBeLessThan(2_000);
});

test("a file that two globs match is read once", async () => {
  const { sources, total } = await read("vitest/green.json", "vitest/*en.json");
  expect(sources).toEqual([{ file: "vitest/green.json", format: "vitest-json", tests: 2 }]);
  expect(total).toBe(2);
});
