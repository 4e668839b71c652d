import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Counts, lastLine, number, type Workbench } from "./workbench.ts";

/** The two versions of Node that the machine has: the repository's, and the system's. */
const nodes = { "node-test": process.execPath, "node-test-20": "/usr/bin/node" };

export function makeNodeTest(bench: Workbench): void {
  const node = bench.tool === "node-test" ? nodes["node-test"] : nodes["node-test-20"];
  bench.need(node);
  const tool = `node ${bench.must(node, ["--version"]).trim()} --test`;
  const reporters = ["spec", "junit", "tap"].flatMap((name) => [
    `--test-reporter=${name}`,
    `--test-reporter-destination=${name === "spec" ? "stdout" : name}`,
  ]);
  const test = (...files: string[]) => {
    const { text } = bench.run(node, ["--test", ...reporters, ...files]);
    const said = ["pass", "fail", "cancelled", "skipped", "todo"].map((word) =>
      lastLine(text, new RegExp(`^\\S+ ${word} \\d+$`)),
    );
    const [pass = 0, fail = 0, cancelled = 0, skipped = 0, todo = 0] = said.map((line) => number(line, /(\d+)$/));
    return { said, pass, failed: fail + cancelled, skipped: skipped + todo };
  };
  const { said, pass, failed, skipped } = test("rooms.test.mjs", "broken.test.mjs", "late.test.mjs");
  bench.keep("junit", said, { junit: "junit.xml" }, { passed: pass, "failed+crashed": failed, skipped, flaky: 0 }, tool);
  // It counts no suites. In TAP, a suite whose hook fails is one more that is not ok, and what is to do may be ok.
  bench.keep(
    "tap",
    said,
    { tap: "report.tap" },
    { "passed+skipped": pass + skipped, "failed+crashed>": failed - 1, flaky: 0 },
    tool,
  );

  // A test that has parts is a suite in JUnit.
  const parts = test("parts.test.mjs");
  bench.keep("parts, junit", parts.said, { junit: "parts.xml" }, { passed: parts.pass, "failed+crashed>": 0 }, tool);
  bench.keep("parts, tap", parts.said, { tap: "parts.tap" }, { passed: parts.pass, "failed+crashed>": 0 }, tool);
}

export function makeMocha(bench: Workbench): void {
  const modules = bench.npm("mocha@11.7.5", "mocha-junit-reporter@2.2.1", "mochawesome@7.1.4");
  const mocha = (...options: string[]) =>
    bench.run(process.execPath, [join(modules, "mocha/bin/mocha.js"), "*.test.cjs", ...options]);
  const { text } = mocha("--reporter", "spec");
  const said = ["passing", "pending", "failing"].map((word) => lastLine(text, new RegExp(`^  \\d+ ${word}\\b`)));
  const [passing = 0, pending = 0, failing = 0] = said.map((line) => number(line, /(\d+)/));
  const counts = { "passed+flaky": passing, skipped: pending, "failed+crashed": failing };
  mocha("--reporter", "json", "--reporter-option", "output=mocha.json");
  bench.keep("json", said, { "mocha.json": "mocha.json" }, counts, "mocha 11.7.5");
  mocha("--reporter", "mocha-junit-reporter", "--reporter-option", "mochaFile=plain.xml");
  // Without options, it counts pending tests and does not describe them.
  const { skipped: _, ...described } = counts;
  bench.keep("junit", said, { "plain.xml": "junit.xml" }, described, "mocha 11.7.5, mocha-junit-reporter 2.2.1");
  // As Cypress' documentation sets it up.
  const options = "mochaFile=cypress.xml,includePending=true,jenkinsMode=true,outputs=true,testCaseSwitchClassnameAndName=true";
  mocha("--reporter", "mocha-junit-reporter", "--reporter-option", options);
  bench.keep(
    "junit with options",
    said,
    { "cypress.xml": "junit-with-options.xml" },
    counts,
    "mocha 11.7.5, mocha-junit-reporter 2.2.1",
  );
  mocha("--reporter", "xunit", "--reporter-option", "output=xunit.xml");
  bench.keep("xunit", said, { "xunit.xml": "xunit.xml" }, counts, "mocha 11.7.5");
  writeFileSync(join(bench.work, "mocha.tap"), mocha("--reporter", "tap").text.trimStart());
  bench.keep("tap", said, { "mocha.tap": "mocha.tap" }, counts, "mocha 11.7.5");
  mocha("--reporter", "mochawesome", "--reporter-option", "reportDir=awesome,html=false,quiet=true");
  // It describes the tests that never ran because of a hook, too, as skipped.
  const skippedToo = { ...described, "skipped>": pending - 1 };
  bench.keep(
    "mochawesome",
    said,
    { "awesome/mochawesome.json": "mochawesome.json" },
    skippedToo,
    "mocha 11.7.5, mochawesome 7.1.4",
  );
}

/** Jest and Vitest end alike: a line for the files and one for the tests. */
function jestCounts(said: string, crashed: number): Counts {
  return {
    // A test that is known to fail, and does, has passed in both tools' reports. Jest counts it as passed, Vitest apart.
    "passed+flaky": number(said, /(\d+) passed/) + number(said, /(\d+) expected fail/),
    failed: number(said, /(\d+) failed/),
    skipped: number(said, /(\d+) skipped/) + number(said, /(\d+) todo/),
    crashed,
  };
}

export function makeJest(bench: Workbench): void {
  const packages = ["jest-junit@17.0.0", "jest-trx-results-processor@3.0.2", "jest-ctrf-json-reporter@0.0.11"];
  const modules = bench.npm("jest@30.5.2", ...packages);
  const jest = (...options: string[]) => bench.run(process.execPath, [join(modules, "jest/bin/jest.js"), ...options]);
  const { text } = jest("--json", "--outputFile=jest.json");
  const said = lastLine(text, /^Tests: /);
  // The summary repeats the failures only of long runs.
  const crashed = text.split("\n").filter((line) => line.includes("● Test suite failed to run")).length;
  const counts = jestCounts(said, crashed);
  const { crashed: _, ...tests } = counts;
  bench.keep("json", [said], { "jest.json": "jest.json" }, counts, "jest 30.5.2");

  jest("--reporters=jest-junit", "--reporters=jest-ctrf-json-reporter", "--reporters=jest-trx-results-processor");
  // Only TRX says anything about files that cannot be loaded. For jest-junit, a test that is to do is one that passed.
  const { skipped = 0, failed = 0, "passed+flaky": passed = 0 } = tests;
  const asJunit = { failed, "passed+flaky+skipped": passed + skipped };
  bench.keep("junit", [said], { "junit.xml": "junit.xml" }, asJunit, "jest 30.5.2, jest-junit 17.0.0");
  bench.keep("ctrf", [said], { "ctrf/*.json": "ctrf.json" }, tests, "jest 30.5.2, jest-ctrf-json-reporter 0.0.11");
  bench.keep(
    "trx",
    [said],
    { "*.trx": "jest.trx" },
    { "passed+flaky": passed, skipped, "failed+crashed": failed + crashed },
    "jest 30.5.2, jest-trx-results-processor 3.0.2",
  );

  // With this option, jest-junit adds tests without a title to the results of files that cannot be loaded; `--json` writes them.
  const env = { JEST_JUNIT_REPORT_TEST_SUITE_ERRORS: "true" };
  const both = ["--json", "--outputFile=beside-jest-junit.json", "--reporters=jest-junit"];
  bench.run(process.execPath, [join(modules, "jest/bin/jest.js"), ...both], env);
  const summed = { "passed+flaky+skipped": passed + skipped, "failed+crashed": failed + crashed };
  bench.keep(
    "junit with suite errors",
    [said],
    { "junit.xml": "junit-suite-errors.xml" },
    summed,
    "jest 30.5.2, jest-junit 17.0.0",
  );
  const file = { "beside-jest-junit.json": "beside-jest-junit.json" };
  bench.keep("json beside jest-junit", [said], file, summed, "jest 30.5.2, jest-junit 17.0.0");
}

export function makeVitest(bench: Workbench): void {
  const vitest = join(import.meta.dirname, "../../node_modules/vitest/vitest.mjs");
  const outputs = ["--outputFile.json=vitest.json", "--outputFile.junit=junit.xml"];
  const all = ["run", "--root", bench.work, "--reporter=default", "--reporter=json", "--reporter=junit", ...outputs];
  const { text } = bench.run(process.execPath, [vitest, ...all]);
  const said = lastLine(text, /^ +Tests {2}/);
  const counts = jestCounts(said, 0);
  const tool = `vitest ${/v(\d+\.\d+\.\d+)/.exec(text)?.[1]}`;
  // A file that cannot be loaded and a hook that fails are failed suites, and no tests. JSON does not mention hooks.
  const suites = number(lastLine(text, /Failed Suites \d+/), /Failed Suites (\d+)/);
  const { failed = 0, crashed: _, ...rest } = counts;
  bench.keep("json", [said], { "vitest.json": "vitest.json" }, { ...rest, failed }, tool);
  bench.keep("junit", [said], { "junit.xml": "junit.xml" }, { ...rest, "failed+crashed": failed + suites }, tool);
}

export function makePlaywright(bench: Workbench): void {
  const modules = bench.npm("@playwright/test@1.64.1");
  const env = { PLAYWRIGHT_JUNIT_OUTPUT_NAME: "junit.xml", PLAYWRIGHT_JSON_OUTPUT_NAME: "playwright.json" };
  const { text } = bench.run(
    process.execPath,
    [join(modules, "@playwright/test/cli.js"), "test", "--reporter=list,json,junit"],
    env,
  );
  const said = ["passed", "failed", "flaky", "skipped", "did not run"].map((word) =>
    lastLine(text, new RegExp(`^  \\d+ ${word}\\b`)),
  );
  const [passed = 0, failed = 0, flaky = 0, skipped = 0, never = 0] = said.map((line) => number(line, /(\d+)/));
  const tool = "@playwright/test 1.64.1";
  bench.keep(
    "json",
    said,
    { "playwright.json": "playwright.json" },
    { passed, failed, flaky, skipped: skipped + never, crashed: 0 },
    tool,
  );
  // It does not say which tests are flaky.
  const counts = { "passed+flaky": passed + flaky, failed, skipped: skipped + never, crashed: 0 };
  bench.keep("junit", said, { "junit.xml": "junit.xml" }, counts, tool);
}

export function makeCucumber(bench: Workbench): void {
  const modules = bench.npm("@cucumber/cucumber@12.2.0");
  const formats = ["json:cucumber.json", "message:messages.ndjson", "junit:junit.xml", "summary"].flatMap((format) => [
    "--format",
    format,
  ]);
  const all = ["--import", "features/steps/*.cjs", "--retry", "1", "--retry-tag-filter", "@retry", ...formats];
  const { text } = bench.run(process.execPath, [join(modules, "@cucumber/cucumber/bin/cucumber.js"), ...all]);
  const said = lastLine(text, /^\d+ scenarios? \(/);
  const bad = number(said, /(\d+) failed/) + number(said, /(\d+) ambiguous/) + number(said, /(\d+) undefined/);
  const counts = {
    "passed+flaky": number(said, /(\d+) passed/),
    failed: bad,
    skipped: number(said, /(\d+) skipped/),
    crashed: 0,
  };
  const tool = "@cucumber/cucumber 12.2.0";
  bench.keep("json", [said], { "cucumber.json": "cucumber.json" }, counts, tool);
  bench.keep("messages", [said], { "messages.ndjson": "messages.ndjson" }, { ...counts, flaky: 1 }, tool);
  bench.keep("junit", [said], { "junit.xml": "junit.xml" }, counts, tool);
}
