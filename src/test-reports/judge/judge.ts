import { count, percentOf } from "../../lib/count.ts";
import { type Glob, textGlob } from "../../lib/pattern.ts";
import { type Check, opensTheGate, type Verdict } from "../../model/report.ts";
import type { TestCounts, TestResults } from "../../model/test-results.ts";
import type { BrokenOff } from "./ended.ts";
import { excusedFailures } from "./excused.ts";
import { criticalCheck, quarantineCheck } from "./test-lists.ts";

export interface TestRules {
  /** From 0 to 1. More than this share of the tests that ran must pass; for 1, all of them. Quarantined failures don't count. */
  passRate: number;
  /** Globs of project names (`*` and `?`); for each, at least one test must have run. */
  requiredProjects?: readonly string[];
  requiredBrowsers?: readonly Browser[];
  flaky?: FlakyBudget;
  /** Milliseconds; a single test that takes longer fails the check. */
  testTime?: number;
  /** Milliseconds, for the whole command. */
  commandTime?: number;
  /** The number of parallel runs of the command, each for a part of the tests; 1 if absent. */
  shards?: number;
}

export interface TestRun {
  /** The exit status of the command, the worst of its shards; null if a signal or the deadline ended it. */
  exitCode: number | null;
  durationMs: number;
  /** If the command's end says why its reports may lack tests. */
  brokenOff?: BrokenOff | undefined;
}

/**
 * Turns the results into checks. Every requested check is always included, so that a missing one cannot look like a passed one.
 */
export function judgeTests(results: TestResults, rules: TestRules, run: TestRun): Check[] {
  const rate = passRateCheck(results, rules.passRate);
  return [
    ranCheck(results),
    suitesCheck(results),
    ...statusesCheck(results),
    ...completeCheck(results),
    ...criticalCheck(results),
    rate,
    exitCheck(results, run, opensTheGate(rate.verdict)),
    flakyCheck(results, rules.flaky),
    ...quarantineCheck(results),
    ...projectsCheck(results, rules.requiredProjects),
    ...browsersCheck(results, rules.requiredBrowsers),
    ...testTimeCheck(results, rules.testTime),
    ...commandTimeCheck(run.durationMs, rules.commandTime),
    ...shardsCheck(results, rules.shards ?? 1),
    ...(results.sources.length > 1 ? [agreementCheck(results)] : []),
  ];
}

function ranCheck(results: TestResults): Check {
  const number = ranCount(results);
  const observed =
    results.skipped > 0 ? `${count(number, "test")} ran, ${results.skipped} skipped` : `${count(number, "test")} ran`;
  const expected = "at least 1 test ran";
  if (number > 0) return checkOf("tests.ran", "Tests ran", "passed", observed, expected);
  const failed = (message: string) => checkOf("tests.ran", "Tests ran", "failed", observed, expected, message);
  const crashed = results.crashedSuites.filter(isCounted).length;
  if (crashed > 0)
    return { ...failed(`Explained by ${count(crashed, "test file")} that could not be loaded.`), cause: "tests.suites-loaded" };
  if (results.total > 0) return failed(`All ${count(results.total, "test")} were skipped, so nothing was tested.`);
  // What is in the other reports is unknown, so that no advice about the command fits.
  if (results.unreadable) return { ...failed("No test could be read from the reports."), cause: "tests.report" };
  return failed("The reports hold no test at all. Look at the test command: a wrong path, filter or flag often selects nothing.");
}

function suitesCheck({ crashedSuites }: TestResults): Check {
  const [id, title, expected] = ["tests.suites-loaded", "Test files loaded", "all loaded"] as const;
  if (crashedSuites.length === 0) return checkOf(id, title, "passed", "all loaded", expected);
  const counted = crashedSuites.filter(isCounted);
  const named = counted.length > 0 ? counted : crashedSuites;
  const files = firstFew([...new Set(named.map((suite) => suite.file))]);
  const cause = named[0]?.message.split("\n")[0];
  const until = counted.length > 0 ? "" : ", which are in quarantine";
  const message = `Tests are missing from the results, because these could not run${until}: ${files}. The first says: ${cause}`;
  const excused = crashedSuites.length - counted.length;
  const observed = `${crashedSuites.length} not loaded${excused > 0 ? `, ${excused} of them quarantined` : ""}`;
  return checkOf(id, title, counted.length > 0 ? "failed" : "degraded", observed, expected, message);
}

function isCounted({ quarantinedUntil }: { quarantinedUntil?: string }): boolean {
  return quarantinedUntil === undefined;
}

/**
 * A complete report whose header has more tests than it describes. Some tools count subtests, hooks, assertions or teardowns there, so
 * that it is only a warning; failures that a header has and nothing describes make the report unreadable.
 */
function completeCheck({ sources }: TestResults): Check[] {
  const short = sources.filter(({ declared, tests }) => declared !== undefined && declared > tests);
  if (short.length === 0) return [];
  const named = short.map(({ file, tests, declared }) => `${file} counts ${declared} and describes ${tests}`);
  const message = `The header of a test report counts more tests than the report describes: ${firstFew(named)}. Some tools count subtests, hooks or assertions there; otherwise tests are missing.`;
  const observed = `${count(short.length, "report")} with fewer tests`;
  return [
    checkOf("tests.reports-complete", "Reports complete", "degraded", observed, "every counted test is described", message),
  ];
}

/** A test with an unknown result has not passed, whatever the pass rate is. */
function statusesCheck({ unknown, failures }: TestResults): Check[] {
  if (unknown === 0) return [];
  const [first, ...others] = failures.filter((test) => test.status === "unknown");
  const more = others.length > 0 ? ` (and ${others.length} more)` : "";
  const message = `It is unknown how ${first?.name} ended: ${first?.message ?? "the report does not say"}.${more}`;
  return [checkOf("tests.statuses", "Results known", "error", `${unknown} unknown`, "every result is known", message)];
}

function passRateCheck(results: TestResults, rule: number): Check {
  const [id, title] = ["tests.pass-rate", "Pass rate"] as const;
  const expected = rule >= 1 ? "100 %" : `> ${percentage(rule)}`;
  const excused = excusedFailures(results.quarantine);
  const number = ranCount(results) - excused;
  const failed = results.failed - excused;
  const { unknown } = results;
  if (number === 0) {
    const why = excused > 0 ? "no test ran that is not quarantined" : "no test ran";
    const check = checkOf(id, title, "error", why, expected, "Without a test that ran there is no pass rate.");
    return excused > 0 ? check : { ...check, cause: "tests.ran" };
  }
  const passed = results.passed + results.flaky;
  const beside = excused > 0 ? `, beside ${excused} quarantined` : "";
  const observed = `${percentage(passed / number)} (${passed} of ${number}${beside})`;
  if (failed + unknown === 0) return checkOf(id, title, "passed", observed, expected);
  const names = firstFew(results.failures.filter((test) => test.quarantinedUntil === undefined).map((test) => test.name));
  // Compares integers, because 0.95 has no exact binary value: 19 of 20 is exactly 95 %, and not more.
  // Without the reports that could not be read, the share is not known.
  const enough = results.unreadable === undefined && rule < 1 && passed * 1_000_000 > Math.round(rule * 1_000_000) * number;
  const tolerated = enough ? "Tolerated by the pass rate, but " : "";
  const notPassed = [
    ...(failed > 0 ? [`${count(failed, "test")} failed`] : []),
    ...(unknown > 0 ? [`${count(unknown, "test")} ended in an unknown way`] : []),
  ].join(" and ");
  const message = `${tolerated}${notPassed}: ${names}.`;
  return checkOf(id, title, enough ? "degraded" : "failed", observed, expected, message);
}

function exitCheck(results: TestResults, { exitCode: exit, brokenOff }: TestRun, rateOpens: boolean): Check {
  const check = (verdict: Verdict, message?: string) =>
    checkOf("tests.exit", "Exit status", verdict, exit === null ? "no exit status" : `${exit}`, "0", message);
  const explained = (verdict: Verdict, cause: string, message: string) => ({ ...check(verdict, message), cause });
  if (exit === 0) return check("passed");
  if (exit === null)
    return check("failed", brokenOff?.message ?? "The test command did not end by itself, so its reports may lack tests.");
  // It explains the reports that could not be read, so nothing else may explain it away.
  if (brokenOff && results.unreadable) return check("failed", brokenOff.message);
  const crashed = results.crashedSuites.filter(isCounted).length;
  const tolerated = results.crashedSuites.length - crashed;
  const by = [
    ...(results.failed > 0 ? [count(results.failed, "failed test")] : []),
    ...(results.crashedSuites.length > 0 ? [`${count(results.crashedSuites.length, "test file")} that could not be loaded`] : []),
  ].join(" and ");
  if (results.failed + tolerated > 0 && crashed + results.unknown === 0 && rateOpens) {
    const excused = excusedFailures(results.quarantine);
    const tolerant = tolerated + excused > 0 ? "quarantine and pass rate tolerate" : "the pass rate tolerates";
    const cause = results.failed > excused ? "tests.pass-rate" : "tests.quarantine";
    return explained("degraded", cause, `The command failed because of ${by}, which ${tolerant}.`);
  }
  if (results.failed + results.crashedSuites.length > 0)
    return explained("failed", crashed > 0 ? "tests.suites-loaded" : "tests.pass-rate", `Explained by ${by}.`);
  if (results.unknown > 0)
    return explained(
      "failed",
      "tests.statuses",
      `Perhaps explained by ${count(results.unknown, "test")} whose result is unknown.`,
    );
  if (brokenOff) return check("failed", brokenOff.message);
  if (results.unreadable)
    return explained("failed", "tests.report", "Perhaps explained by failures in the reports that could not be read.");
  return check(
    "failed",
    "The command failed although no test did. Look at the end of its log: an error outside of the tests, a coverage or flaky-test limit.",
  );
}

function agreementCheck({ disagreements, sources }: TestResults): Check {
  const [id, title, expected] = ["tests.reports-agree", "Reports agree", "every report says the same"] as const;
  const [first, ...others] = disagreements;
  if (first === undefined) return checkOf(id, title, "passed", `${sources.length} reports agree`, expected);
  const more = others.length > 0 ? ` (and ${others.length} more)` : "";
  return checkOf(id, title, "degraded", count(disagreements.length, "disagreement"), expected, `${first}.${more}`);
}

/** How many tests may be flaky: a number, or a share (0 to 1) of those that ran. */
export type FlakyBudget = { tests: number } | { share: number };

/** Flaky tests are a warning without a budget or within it, and a failure above it. */
export function flakyCheck({ flaky, flakyTests, total, skipped }: TestResults, budget: FlakyBudget | undefined): Check {
  const expected = budget ? `at most ${"tests" in budget ? budget.tests : percentage(budget.share)}` : "none";
  const check = (verdict: Verdict, observed: string, message?: string) =>
    checkOf("tests.flaky", "Flaky tests", verdict, observed, expected, message);
  if (flaky === 0) return check("passed", "none");
  const share = flaky / (total - skipped);
  const over = budget !== undefined && ("tests" in budget ? flaky > budget.tests : exceeds(flaky, total - skipped, budget.share));
  const names = firstFew(flakyTests.map((test) => test.name));
  const message = `${over ? "More than the budget passed" : "Passed"} only when they were tried again: ${names}.`;
  const observed = budget && "share" in budget ? `${flaky} (${percentage(share)})` : `${flaky}`;
  return check(over ? "failed" : "degraded", observed, message);
}

/** Compares integers, because 0.02 has no exact binary value: 1 of 50 is exactly 2 %, and not more. */
function exceeds(part: number, whole: number, share: number): boolean {
  return part * 1_000_000 > Math.round(share * 1_000_000) * whole;
}

/** @param limit milliseconds; no single test may take longer */
export function testTimeCheck({ slowest }: TestResults, limit: number | undefined): Check[] {
  if (limit === undefined) return [];
  const [id, title, expected] = ["tests.test-time", "Slowest test", `at most ${seconds(limit)}`] as const;
  const [first] = slowest;
  if (!first) return [checkOf(id, title, "error", "no test ran", expected, "Without a test that ran there is no slowest one.")];
  const over = slowest.filter((test) => test.durationMs > limit);
  const observed = seconds(first.durationMs);
  if (over.length === 0) return [checkOf(id, title, "passed", observed, expected)];
  const names = firstFew(over.map((test) => `${test.name} (${seconds(test.durationMs)})`));
  return [checkOf(id, title, "failed", observed, expected, `Took too long: ${names}.`)];
}

/** @param limit milliseconds, for the whole command */
export function commandTimeCheck(durationMs: number, limit: number | undefined): Check[] {
  if (limit === undefined) return [];
  const over = durationMs > limit;
  const message = "All tests together took longer than stages.*.commandTime: look at the slowest, or split them into shards.";
  return [
    checkOf(
      "tests.command-time",
      "Time of the tests",
      over ? "failed" : "passed",
      seconds(durationMs),
      `at most ${seconds(limit)}`,
      over ? message : undefined,
    ),
  ];
}

/** Rounded up, so that a value above the limit never looks equal to it. */
function seconds(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.ceil(milliseconds)} ms` : `${Math.ceil(milliseconds / 100) / 10} s`;
}

export function shardsCheck({ sources }: TestResults, shards: number): Check[] {
  if (shards <= 1) return [];
  const [id, title] = ["tests.shards", "Shards reported"] as const;
  const expected = `at least ${shards} reports of one format, one from each of ${shards} shards`;
  const formats = new Map<string, number>();
  for (const { format } of sources) formats.set(format, (formats.get(format) ?? 0) + 1);
  // A shard that writes two formats must not stand for another one that wrote none.
  const most = Math.max(0, ...formats.values());
  const observed = formats.size < 2 ? count(most, "report") : `at most ${count(most, "report")} of one format`;
  if (most >= shards) return [checkOf(id, title, "passed", observed, expected)];
  const message =
    "Shards that write to one file overwrite each other's results: give each a file of its own, with ENV_ACTIONS_SHARD in its name. If each has one, a shard wrote none: look at its log.";
  return [checkOf(id, title, "failed", observed, expected, message)];
}

/** Creates the checks that the judges of test results return. */

export function checkOf(
  id: string,
  title: string,
  verdict: Verdict,
  observed: string,
  expected: string,
  message?: string,
): Check {
  return { id, title, verdict, observed, expected, ...(message === undefined ? {} : { message }), durationMs: 0 };
}

export function ranCount(counts: TestCounts): number {
  return counts.total - counts.skipped;
}

export function percentage(share: number): string {
  return `${percentOf(share)} %`;
}

/** The first few, and how many more. */
export function firstFew(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return names.slice(0, most).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

export type Browser = "chromium" | "firefox" | "webkit";

/** How project names refer to browsers. */
const projectNames: Record<Browser, RegExp> = {
  chromium: /chromium|chrome|edge/i,
  firefox: /firefox/i,
  webkit: /webkit|safari/i,
};

/** @param required globs of project names; for each, at least one test must have run */
export function projectsCheck(results: TestResults, required: readonly string[] = []): Check[] {
  if (required.length === 0) return [];
  const wanted = required.map((glob) => ({ name: glob, means: textGlob(glob) }));
  return [presence(results, wanted, "tests.projects", "Required projects")];
}

/** A browser was tested if a project named after it ran. */
export function browsersCheck(results: TestResults, required: readonly Browser[] = []): Check[] {
  if (required.length === 0) return [];
  const wanted = required.map((name) => ({ name, means: projectNames[name] }));
  return [presence(results, wanted, "tests.browsers", "Required browsers")];
}

function presence(results: TestResults, wanted: readonly { name: string; means: Glob }[], id: string, title: string): Check {
  const { projects } = results;
  const names = Object.keys(projects);
  const running = Object.entries(projects)
    .filter(([, counts]) => ranCount(counts) > 0)
    .map(([name]) => name);
  // Tests of a project without a name, which only `*` means.
  const unnamed = ranCount(results) > Object.values(projects).reduce((sum, counts) => sum + ranCount(counts), 0) ? [""] : [];
  const missing = wanted
    .filter(({ means }) => ![...running, ...unnamed].some((name) => means.test(name)))
    .map(({ name }) => name);
  const observed = running.length > 0 ? running.join(", ") : unnamed.length > 0 ? "without a name" : "none";
  const expected = `a test that ran in each of ${wanted.map(({ name }) => name).join(", ")}`;
  if (missing.length === 0) return checkOf(id, title, "passed", observed, expected);
  const hint =
    names.length === 0
      ? "The reports name no projects at all: give Playwright's JSON report."
      : `The reports know ${names.join(", ")}; a project whose tests were all skipped did not run. List the projects that must run under stages.e2e.requiredProjects.`;
  return checkOf(id, title, "failed", observed, expected, `No test ran in ${missing.join(", ")}. ${hint}`);
}
