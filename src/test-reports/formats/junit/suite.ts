import type { Findings } from "../../reported.ts";
import { type Reading, report, type SameName, SuiteTests } from "./attempts.ts";
import { isTestCafe, type JUnitSuite } from "./dialect.ts";
import type { Trouble } from "./failure.ts";

/** What the headers of suites say against what the suites describe. */

export interface OpenSuite extends JUnitSuite {
  /** Absent numbers are 0, but `tests` says whether there is one: it shows attempts. */
  declared: { tests: number | undefined; failures: number; errors: number; skipped: number };
  /**
   * `troubles`: failures and errors that are final; `tried`: those of attempts. `others`: attempts and failures of the suite itself,
   * which some headers count as tests.
   */
  seen: { tests: number; troubles: number; tried: number; skipped: number; others: number };
  /** How many tests the headers inside it have and nothing describes. */
  excessInside: number;
  tests: SuiteTests;
  /** Tests of equal names from suites inside it, whose own headers don't tell whether they are attempts. */
  undecided: SameName[];
  /** Failures outside of its tests. */
  errors: Trouble[];
  /** The end of what it printed. */
  output: string;
  /** Go's tools write that they ran it. There a name is unique, unless a test is run again. */
  isGo: boolean;
  /** One suite stands for one browser. */
  isKarma: boolean;
  /** Whether it contains suites, and whether one of them declares errors. */
  parts: "none" | "without errors" | "with errors";
}

export function openSuite(attributes: Record<string, string>, declared: OpenSuite["declared"]): OpenSuite {
  return {
    attributes,
    declared,
    seen: { tests: 0, troubles: 0, tried: 0, skipped: 0, others: 0 },
    excessInside: 0,
    tests: new SuiteTests(),
    undecided: [],
    errors: [],
    output: "",
    isGo: false,
    isKarma: false,
    parts: "none",
  };
}

/**
 * gotestsum counts lines written by a build as errors in its root; its suites declare no errors. TestCafe writes one number as
 * failures and as errors.
 */
export function declaredTroubles({ declared: { failures, errors }, parts, attributes }: OpenSuite): number {
  const isOneNumber = failures === errors && isTestCafe({ attributes });
  return parts === "without errors" || isOneNumber ? Math.max(failures, errors) : failures + errors;
}

/** A header that counts attempts as tests, as Surefire's with JUnit 4, counts the failures of attempts too. */
export function seenTroubles({ declared, seen }: OpenSuite): number {
  const countsAttempts = declared.tests === undefined || declared.tests >= seen.tests + seen.others;
  return seen.troubles + (countsAttempts ? seen.tried : 0);
}

/** mocha-junit-reporter counts pending tests, in the root as skipped, but doesn't list them. */
function unwritten(suite: OpenSuite, outer: readonly OpenSuite[]): number {
  const counted = suite.attributes.skipped === undefined ? (outer[0] ?? suite) : suite;
  const seen = counted === suite ? suite.seen.skipped : [...outer, suite].reduce((sum, { seen }) => sum + seen.skipped, 0);
  return Math.max(counted.declared.skipped - seen, 0);
}

/** Reports the tests of a suite that ends. `outer`: the suites around it, outermost first. */
export function reportTests(suite: OpenSuite, outer: readonly OpenSuite[], isPytest: boolean, findings: Findings): void {
  const several: SameName[] = [];
  const names = suite.tests.names;
  suite.tests.drain(
    (test) => findings.test(test),
    (tests) => several.push(tests),
  );
  const reading = readingOf(suite, names, isPytest, several);
  const inside = suite.undecided.map((tests) => ({ tests, reading: isShorter(suite) ? "attempts" : ("tests" as Reading) }));
  const all = [...several.map((tests) => ({ tests, reading: readingInGo(suite, tests) ?? reading })), ...inside];
  const parent = outer.at(-1);
  for (const { tests, reading } of all) {
    const isOpen =
      reading === "tests" && !leavesOutTodo(suite.attributes) && outer.some(({ declared }) => declared.tests !== undefined);
    if (isOpen && parent) parent.undecided.push(tests);
    else {
      const joined = tests.attempts.length - report(tests, reading, findings);
      suite.seen.tests -= joined;
      if (suite.isGo) suite.seen.others += joined;
    }
  }
}

/** Its header counts every attempt as a test. One that failed is no passed test as well. */
function readingInGo(suite: OpenSuite, { attempts }: SameName): Reading | undefined {
  return suite.isGo && attempts.some(hasFailed) ? "attempts" : undefined;
}

/** Whether the header counts fewer tests than there are, so that some of them must be attempts. */
function isShorter({ declared, seen, attributes }: OpenSuite): boolean {
  return declared.tests !== undefined && declared.tests < seen.tests && !leavesOutTodo(attributes);
}

/** Surefire runs all tests of a class again if its hook failed, and writes those that passed each time. */
function marksAttempts({ seen, attributes }: OpenSuite): boolean {
  return seen.tried > 0 || Object.values(attributes).some((value) => value.includes("/surefire-test-report"));
}

/** jest-junit describes tests that are still to be written, but doesn't count them. Only it has these attributes in this order. */
function leavesOutTodo(attributes: Record<string, string>): boolean {
  return Object.keys(attributes).join().startsWith("name,errors,failures,skipped,timestamp,time,tests");
}

function readingOf(suite: OpenSuite, names: number, isPytest: boolean, several: readonly SameName[]): Reading {
  const { declared, seen, tests } = suite;
  // Two failed tests become one only if the header confirms it.
  const isConfirmed = declared.tests === seen.tests - tests.count + names;
  if (isPytest) return declared.tests === undefined ? "pytest in order" : isConfirmed ? "pytest" : "pytest apart";
  if (!isShorter(suite)) return "tests";
  if (marksAttempts(suite)) return "marked";
  const failedTwice = several.reduce((sum, { attempts }) => sum + Math.max(attempts.filter(hasFailed).length - 1, 0), 0);
  return isConfirmed && declaredTroubles(suite) <= seenTroubles(suite) - failedTwice ? "one" : "attempts";
}

function hasFailed({ status }: SameName["attempts"][number]): boolean {
  return status === "failed" || status === "unknown";
}

/** Adds what a suite that ended describes to the one around it. */
export function addToOuter(suite: OpenSuite, outer: readonly OpenSuite[]): void {
  const parent = outer.at(-1);
  if (!parent) return;
  for (const key of ["tests", "troubles", "tried", "skipped", "others"] as const) parent.seen[key] += suite.seen[key];
  parent.excessInside += excess(suite, outer);
}

/** How many tests the headers have that nothing describes. Some tools count attempts, hooks, assertions or subtests as tests. */
export function excess(suite: OpenSuite, outer: readonly OpenSuite[]): number {
  const { declared, seen, excessInside } = suite;
  const own = (declared.tests ?? 0) - seen.tests - seen.others - unwritten(suite, outer);
  return Math.max(own, excessInside, 0);
}
