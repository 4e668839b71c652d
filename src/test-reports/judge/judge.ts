import { count } from "../../lib/count.ts";
import { type Check, opensTheGate, type Verdict } from "../../model/report.ts";
import type { TestResults } from "../../model/test-results.ts";
import {
  type Browser,
  browsersCheck,
  checkOf,
  commandTimeCheck,
  type FlakyBudget,
  firstFew,
  flakyCheck,
  percentage,
  projectsCheck,
  ranCount,
  shardsCheck,
  testTimeCheck,
} from "./limits.ts";
import { criticalCheck, excusedFailures, quarantineCheck } from "./test-lists.ts";

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
}

/**
 * Turns the results into checks. Every requested check is always included, so that a missing one cannot look like a passed one.
 */
export function judgeTests(results: TestResults, rules: TestRules, run: TestRun): Check[] {
  const rate = passRateCheck(results, rules.passRate);
  return [
    ranCheck(results),
    suitesCheck(results),
    ...criticalCheck(results),
    rate,
    exitCheck(results, run.exitCode, opensTheGate(rate.verdict)),
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
  const message =
    results.total === 0
      ? "The reports hold no test at all. Look at the test command: a wrong path, filter or flag often selects nothing."
      : `All ${count(results.total, "test")} were skipped, so nothing was tested.`;
  return checkOf("tests.ran", "Tests ran", "failed", observed, expected, message);
}

function suitesCheck({ crashedSuites }: TestResults): Check {
  const [id, title, expected] = ["tests.suites-loaded", "Test files loaded", "every test file ran"] as const;
  const [first] = crashedSuites;
  if (!first) return checkOf(id, title, "passed", "none crashed", expected);
  const files = firstFew([...new Set(crashedSuites.map((suite) => suite.file))]);
  const cause = first.message.split("\n")[0];
  const message = `Tests are missing from the results, because these could not run: ${files}. The first says: ${cause}`;
  return checkOf(id, title, "failed", `${crashedSuites.length} crashed`, expected, message);
}

function passRateCheck(results: TestResults, rule: number): Check {
  const [id, title] = ["tests.pass-rate", "Pass rate"] as const;
  const expected = rule >= 1 ? "100 %" : `> ${percentage(rule)}`;
  const excused = excusedFailures(results.quarantine);
  const number = ranCount(results) - excused;
  const failed = results.failed - excused;
  if (number === 0) {
    const why = excused > 0 ? "no test ran that is not quarantined" : "no test ran";
    return checkOf(id, title, "error", why, expected, "Without a test that ran there is no pass rate.");
  }
  const passed = results.passed + results.flaky;
  const beside = excused > 0 ? `, beside ${excused} quarantined` : "";
  const observed = `${percentage(passed / number)} (${passed} of ${number}${beside})`;
  if (failed === 0) return checkOf(id, title, "passed", observed, expected);
  const names = firstFew(results.failures.filter((test) => test.quarantinedUntil === undefined).map((test) => test.name));
  // Compares integers, because 0.95 has no exact binary value: 19 of 20 is exactly 95 %, and not more.
  const enough = rule < 1 && passed * 1_000_000 > Math.round(rule * 1_000_000) * number;
  const tolerated = enough ? "Tolerated by the pass rate, but " : "";
  const message = `${tolerated}${count(failed, "test")} failed: ${names}.`;
  return checkOf(id, title, enough ? "degraded" : "failed", observed, expected, message);
}

function exitCheck(results: TestResults, exit: number | null, rateOpens: boolean): Check {
  const check = (verdict: Verdict, message?: string) =>
    checkOf("tests.exit", "Exit status", verdict, exit === null ? "no exit status" : `${exit}`, "0", message);
  if (exit === 0) return check("passed");
  if (exit === null) return check("failed", "The test command did not end by itself, so its reports may lack tests.");
  const crashed = results.crashedSuites.length;
  if (results.failed > 0 && crashed === 0 && rateOpens) {
    const by = excusedFailures(results.quarantine) > 0 ? "quarantine and pass rate tolerate" : "the pass rate tolerates";
    return check("degraded", `The command failed because of ${count(results.failed, "failed test")}, which ${by}.`);
  }
  if (results.failed > 0 || crashed > 0)
    return check("failed", `Explained by ${count(results.failed, "failed test")} and ${count(crashed, "crashed test file")}.`);
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
