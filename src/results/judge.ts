import type { Check, TestCounts, TestResults, Verdict } from "../model.ts";

export interface TestRules {
  /** From 0 to 1. Of the tests that ran, more than this share must pass; at 1, all of them. */
  passRate: number;
  /** Globs of project names (`*` and `?`); of each at least one test must have run. */
  requiredProjects?: readonly string[];
  /** The exit status of the command; null when a signal or the deadline ended it. */
  commandExit: number | null;
}

/** What the results mean. Every check is always there, so that a missing one is never taken for a passed one. */
export function judgeTests(results: TestResults, rules: TestRules): Check[] {
  const rate = passRateCheck(results, rules.passRate);
  return [
    ranCheck(results),
    suitesCheck(results),
    rate,
    exitCheck(results, rules.commandExit, opens(rate.verdict)),
    flakyCheck(results),
    ...(rules.requiredProjects?.length ? [projectsCheck(results, rules.requiredProjects)] : []),
    ...(results.sources.length > 1 ? [agreementCheck(results)] : []),
  ];
}

function opens(verdict: Verdict): boolean {
  return verdict === "passed" || verdict === "degraded";
}

function ran(counts: TestCounts): number {
  return counts.total - counts.skipped;
}

/** `1 test`, `3 tests`. */
function amount(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Rounded towards zero: 95.04 % must not read as the 95.1 % that it is not, nor 99.97 % as 100 %. */
function percentage(share: number): string {
  return `${Math.floor(share * 1_000 + 1e-9) / 10} %`;
}

/** The first few, and how many more. */
function some(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return names.slice(0, most).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function check(id: string, title: string, verdict: Verdict, observed: string, expected: string, message?: string): Check {
  return { id, title, verdict, observed, expected, ...(message === undefined ? {} : { message }), durationMs: 0 };
}

function ranCheck(results: TestResults): Check {
  const number = ran(results);
  const observed =
    results.skipped > 0 ? `${amount(number, "test")} ran, ${results.skipped} skipped` : `${amount(number, "test")} ran`;
  const expected = "at least 1 test ran";
  if (number > 0) return check("tests.ran", "Tests ran", "passed", observed, expected);
  const message =
    results.total === 0
      ? "The reports hold no test at all. Look at the test command: a wrong path, filter or flag often selects nothing."
      : `All ${amount(results.total, "test")} were skipped, so nothing was tested.`;
  return check("tests.ran", "Tests ran", "failed", observed, expected, message);
}

function suitesCheck({ crashedSuites }: TestResults): Check {
  const [id, title, expected] = ["tests.suites-loaded", "Test files loaded", "every test file ran"] as const;
  const [first] = crashedSuites;
  if (!first) return check(id, title, "passed", "none crashed", expected);
  const files = some([...new Set(crashedSuites.map((suite) => suite.file))]);
  const cause = first.message.split("\n")[0];
  const message = `Tests are missing from the results, because these could not run: ${files}. The first says: ${cause}`;
  return check(id, title, "failed", `${crashedSuites.length} crashed`, expected, message);
}

function passRateCheck(results: TestResults, rule: number): Check {
  const [id, title] = ["tests.pass-rate", "Pass rate"] as const;
  const expected = rule >= 1 ? "100 %" : `> ${percentage(rule)}`;
  const number = ran(results);
  if (number === 0) return check(id, title, "error", "no test ran", expected, "Without a test that ran there is no pass rate.");
  const passed = results.passed + results.flaky;
  const observed = `${percentage(passed / number)} (${passed} of ${number})`;
  if (results.failed === 0) return check(id, title, "passed", observed, expected);
  const names = some(results.failures.map((test) => test.name));
  // Multiplied out, because 0.95 is no number that a computer has: 19 of 20 is exactly 95 %, and not more.
  const enough = rule < 1 && passed * 1_000_000 > Math.round(rule * 1_000_000) * number;
  const tolerated = enough ? "Tolerated by the pass rate, but " : "";
  const message = `${tolerated}${amount(results.failed, "test")} failed: ${names}.`;
  return check(id, title, enough ? "degraded" : "failed", observed, expected, message);
}

function exitCheck(results: TestResults, exit: number | null, rateOpens: boolean): Check {
  const judged = (verdict: Verdict, message?: string) =>
    check("tests.exit", "Exit status", verdict, exit === null ? "no exit status" : `${exit}`, "0", message);
  if (exit === 0) return judged("passed");
  if (exit === null) return judged("failed", "The test command did not end by itself, so its reports may lack tests.");
  const crashed = results.crashedSuites.length;
  if (results.failed > 0 && crashed === 0 && rateOpens)
    return judged(
      "degraded",
      `The command failed because of ${amount(results.failed, "failed test")}, which the pass rate tolerates.`,
    );
  if (results.failed > 0 || crashed > 0)
    return judged("failed", `Explained by ${amount(results.failed, "failed test")} and ${amount(crashed, "crashed test file")}.`);
  return judged(
    "failed",
    "The command failed although no test did. Look at the end of its log: an error outside of the tests, a coverage or flaky-test limit.",
  );
}

function flakyCheck({ flaky, flakyTests }: TestResults): Check {
  const [id, title, expected] = ["tests.flaky", "Flaky tests", "none"] as const;
  if (flaky === 0) return check(id, title, "passed", "none", expected);
  const message = `Passed only when they were tried again: ${some(flakyTests.map((test) => test.name))}.`;
  return check(id, title, "degraded", `${flaky}`, expected, message);
}

function projectsCheck({ projects }: TestResults, required: readonly string[]): Check {
  const [id, title] = ["tests.projects", "Required projects"] as const;
  const names = Object.keys(projects);
  const running = Object.entries(projects)
    .filter(([, counts]) => ran(counts) > 0)
    .map(([name]) => name);
  const missing = required.filter((glob) => !running.some((name) => globExpression(glob).test(name)));
  const observed = running.length > 0 ? running.join(", ") : "none";
  const expected = `a test that ran in each of ${required.join(", ")}`;
  if (missing.length === 0) return check(id, title, "passed", observed, expected);
  const hint =
    names.length === 0
      ? "The reports name no projects at all: give Playwright's JSON report."
      : `The reports know ${names.join(", ")}; a project whose tests were all skipped did not run.`;
  return check(id, title, "failed", observed, expected, `No test ran in ${missing.join(", ")}. ${hint}`);
}

/** Not `path.matchesGlob`: a project's name is no path, and may hold a slash. */
function globExpression(glob: string): RegExp {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${pattern}$`, "s");
}

function agreementCheck({ disagreements, sources }: TestResults): Check {
  const [id, title, expected] = ["tests.reports-agree", "Reports agree", "every report says the same"] as const;
  const [first, ...others] = disagreements;
  if (first === undefined) return check(id, title, "passed", `${sources.length} reports agree`, expected);
  const more = others.length > 0 ? ` (and ${others.length} more)` : "";
  return check(id, title, "degraded", amount(disagreements.length, "disagreement"), expected, `${first}.${more}`);
}
