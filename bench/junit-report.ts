/** A deterministic JUnit report of any size, like one from a large Jest project. */

export interface Shape {
  suites: number;
  testsInSuite: number;
}

/** One test in this many fails. */
const failsEvery = 500;
const skipsEvery = 100;

/** About 140 bytes per test. The chunks together are the report. */
export function* junitReport({ suites, testsInSuite }: Shape): Generator<string, void, void> {
  const tests = suites * testsInSuite;
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="jest tests" tests="${tests}" failures="${failures(tests)}" errors="0" time="${tests / 1_000}">\n`;
  for (let suite = 0; suite < suites; suite++) yield junitSuite(suite, testsInSuite);
  yield "</testsuites>\n";
}

/** How many of the first `tests` fail. */
export function failures(tests: number): number {
  return Math.floor(tests / failsEvery);
}

function junitSuite(suite: number, tests: number): string {
  const first = suite * tests;
  const failed = failures(first + tests) - failures(first);
  const cases = Array.from({ length: tests }, (_, index) => junitCase(suite, first + index + 1));
  return `  <testsuite name="session ${suite}" errors="0" failures="${failed}" skipped="0" time="${tests / 1_000}" tests="${tests}">\n${cases.join("")}  </testsuite>\n`;
}

function junitCase(suite: number, number: number): string {
  const opened = `    <testcase classname="session ${suite} keeps its groups" name="keeps group ${number} together" time="${(number % 97) / 1_000}" file="src/session-${suite}.test.ts"`;
  if (number % failsEvery === 0)
    return `${opened}>\n      <failure message="expected ${number}">${failureText(suite, number)}</failure>\n    </testcase>\n`;
  if (number % skipsEvery === 0) return `${opened}>\n      <skipped/>\n    </testcase>\n`;
  return `${opened}>\n    </testcase>\n`;
}

function failureText(suite: number, number: number): string {
  const frames = Array.from({ length: 10 }, (_, depth) => `    at step${depth} (src/session-${suite}.test.ts:${depth + 1}:7)`);
  return `Error: expected &lt;${number}&gt;\n${frames.join("\n")}`;
}
