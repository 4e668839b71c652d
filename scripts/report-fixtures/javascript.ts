import { existsSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Workshop } from "./workshop.ts";

const repository = join(import.meta.dirname, "../..");
const projects = join(repository, "test/fixtures/reports/projects");
const installed = join(repository, "node_modules/.bin");

/**
 * Vitest and Playwright are installed in the repository, so they run in the projects' own folders: copies would not find them.
 */

export function makeVitest(workshop: Workshop): void {
  runVitest(workshop, "mixed", ["sessions", "crashes"]);
  runVitest(workshop, "green", ["green"]);
  runVitest(workshop, "hooks", ["hooks", "empty"]);
  runVitest(workshop, "unhandled", ["unhandled"]);
  const reporter = installReporter(workshop, "@d2t/vitest-ctrf-json-reporter@1.3.0");
  keepCtrf(workshop, "vitest", "mixed", (cwd) => {
    const args = ["run", "--config", "vitest.config.mjs", `--reporter=${reporter}`, "sessions", "crashes"];
    workshop.run(cwd, join(installed, "vitest"), args);
  });
}

function runVitest(workshop: Workshop, name: string, files: readonly string[]): void {
  const json = join(workshop.out, `vitest-${name}.json`);
  const xml = join(workshop.out, `vitest-${name}.xml`);
  const reporters = ["--reporter=json", `--outputFile.json=${json}`, "--reporter=junit", `--outputFile.junit=${xml}`];
  const args = ["run", "--config", "vitest.config.mjs", ...reporters, ...files];
  workshop.run(join(projects, "vitest"), join(installed, "vitest"), args);
  workshop.keep(json, `vitest/${name}.json`);
  workshop.keep(xml, `vitest/${name}.xml`);
}

/** Uses CHROME_PATH if Playwright's own Chromium is not installed. */
export function makePlaywright(workshop: Workshop): void {
  runPlaywright(workshop, "mixed", ["mixed/"]);
  runPlaywright(workshop, "shard-1", ["mixed/", "--shard=1/2"]);
  runPlaywright(workshop, "shard-2", ["mixed/", "--shard=2/2"]);
  runPlaywright(workshop, "load-error", ["load-error/"]);
  runPlaywright(workshop, "hooks", ["hooks/"]);
  runPlaywright(workshop, "browser", ["browser/"]);
  runPlaywright(workshop, "global-error", ["mixed/visitor", "--config=global-error.config.mjs"]);
  mergePlaywright(workshop);
  makePlaywrightCtrf(workshop);
}

const playwright = join(installed, "playwright");

function reportFiles(workshop: Workshop, name: string): { json: string; xml: string; env: Record<string, string> } {
  const json = join(workshop.out, `playwright-${name}.json`);
  const xml = join(workshop.out, `playwright-${name}.xml`);
  return { json, xml, env: { PLAYWRIGHT_JSON_OUTPUT_NAME: json, PLAYWRIGHT_JUNIT_OUTPUT_NAME: xml } };
}

function runPlaywright(workshop: Workshop, name: string, args: readonly string[]): void {
  const { json, xml, env } = reportFiles(workshop, name);
  const output = `--output=${join(workshop.out, "results")}`;
  workshop.run(join(projects, "playwright"), playwright, ["test", "--reporter=json,junit", output, ...args], env);
  workshop.keep(json, `playwright/${name}.json`);
  workshop.keep(xml, `playwright/${name}.xml`);
}

/** Merges the reports of shards with Playwright's own command. */
function mergePlaywright(workshop: Workshop): void {
  const cwd = join(projects, "playwright");
  const blobs = join(workshop.out, "blobs");
  for (const shard of ["1", "2"]) {
    const output = `--output=${join(workshop.out, "results")}`;
    const env = { PLAYWRIGHT_BLOB_OUTPUT_FILE: join(blobs, `${shard}.zip`) };
    workshop.run(cwd, playwright, ["test", "mixed/", "--reporter=blob", `--shard=${shard}/2`, output], env);
  }
  const { json, xml, env } = reportFiles(workshop, "merged");
  workshop.must(cwd, playwright, ["merge-reports", "--reporter=json,junit", blobs], env);
  workshop.keep(json, "playwright/merged.json");
  workshop.keep(xml, "playwright/merged.xml");
}

function makePlaywrightCtrf(workshop: Workshop): void {
  const reporter = installReporter(workshop, "playwright-ctrf-json-reporter@0.0.29");
  // The reporter must load the same Playwright that runs the tests.
  symlinkSync(join(repository, "node_modules/@playwright"), join(workshop.out, "reporters/node_modules/@playwright"));
  for (const name of ["mixed", "hooks", "browser"])
    keepCtrf(workshop, "playwright", name, (cwd) =>
      workshop.run(cwd, playwright, ["test", `${name}/`, `--reporter=${reporter}`]),
    );
}

/**
 * Installs the reporter only. The runner that it requires is the repository's, so its dependencies are not installed.
 * @returns the file that the runner must load
 */
function installReporter(workshop: Workshop, reporter: string): string {
  const prefix = join(workshop.out, "reporters");
  const options = ["--no-audit", "--no-fund", "--legacy-peer-deps"];
  workshop.must(workshop.out, "npm", ["install", "--prefix", prefix, ...options, reporter]);
  return join(prefix, "node_modules", reporter.replace(/@[^@]*$/, ""), "dist/index.js");
}

/** These reporters write into the folder of the tests, so the tests are copied. */
function keepCtrf(workshop: Workshop, runner: string, name: string, run: (cwd: string) => void): void {
  const cwd = workshop.project(runner);
  if (!existsSync(join(cwd, "node_modules"))) symlinkSync(join(repository, "node_modules"), join(cwd, "node_modules"));
  rmSync(join(cwd, "ctrf"), { recursive: true, force: true });
  run(cwd);
  const report = readFileSync(join(cwd, "ctrf/ctrf-report.json"), "utf8");
  // With the same paths as the other reports, because they describe the same tests.
  workshop.keepText(report.replaceAll(cwd, join(projects, runner)), `${runner}/${name}.ctrf.json`);
}

export function makeJest(workshop: Workshop): void {
  const cwd = workshop.project("jest");
  install(workshop, cwd);
  const jest = join(cwd, "node_modules/.bin/jest");
  const report = (name: string) => join(workshop.out, name);
  const junit = { JEST_JUNIT_OUTPUT_FILE: report("jest.xml"), JEST_JUNIT_ADD_FILE_ATTRIBUTE: "true" };
  const reporters = ["--reporters=jest-junit", "--reporters=jest-ctrf-json-reporter"];
  workshop.run(
    cwd,
    jest,
    ["--ci", "--testLocationInResults", "--json", `--outputFile=${report("jest.json")}`, ...reporters],
    junit,
  );
  workshop.keep(report("jest.json"), "jest/mixed.json");
  workshop.keep(report("jest.xml"), "jest/mixed.xml");
  workshop.keep(join(cwd, "ctrf/ctrf-report.json"), "jest/mixed.ctrf.json");
  const told = { JEST_JUNIT_OUTPUT_FILE: report("errors.xml"), JEST_JUNIT_REPORT_TEST_SUITE_ERRORS: "true" };
  workshop.run(cwd, jest, ["--ci", "--reporters=jest-junit"], told);
  workshop.keep(report("errors.xml"), "jest/suite-errors.xml");
}

export function makeMocha(workshop: Workshop): void {
  const cwd = workshop.project("mocha");
  install(workshop, cwd);
  const xml = join(workshop.out, "mocha.xml");
  const reporter = ["--reporter", "mocha-junit-reporter", "--reporter-options", `mochaFile=${xml}`];
  workshop.run(cwd, join(cwd, "node_modules/.bin/mocha"), ["*.test.cjs", ...reporter]);
  workshop.keep(xml, "mocha/mixed.xml");
  workshop.run(cwd, join(cwd, "node_modules/.bin/mocha"), ["*.test.cjs", "--reporter", "mocha-ctrf-json-reporter"]);
  workshop.keep(join(cwd, "ctrf/ctrf-report.json"), "mocha/mixed.ctrf.json");
}

function install(workshop: Workshop, cwd: string): void {
  if (!existsSync(join(cwd, "package.json"))) throw new Error(`${cwd} has no package.json`);
  workshop.must(cwd, "npm", ["install", "--no-audit", "--no-fund", "--no-package-lock"]);
}
