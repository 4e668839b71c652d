import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Suite } from "../../src/init/detect/tests.ts";
import { reportQuestion } from "../../src/init/detect/tests.ts";
import { projectOf } from "./plans.ts";

/** Scripts that name reporters already: what `init` adds to them must still start, and write the report that it names. */

function files(script: string, dependency?: string): Record<string, string> {
  const manifest = { name: "shop", scripts: { test: script }, devDependencies: dependency ? { [dependency]: "1" } : {} };
  return {
    "package.json": JSON.stringify(manifest),
    "test/orders.test.mjs": 'import { test } from "node:test";\ntest("orders", () => {});\n',
  };
}

function suite(script: string, dependency?: string): Suite {
  const found = projectOf({ files: files(script, dependency) }).integration;
  if (!found) throw new Error("no suite");
  return found;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reporters-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(texts: Record<string, string>): void {
  for (const [name, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** As a stage does: in the folder, with the variables of the suite, and with the folder of the report. */
function ran({ command, environment, reports }: Suite): { status: number | null; stderr: string; report: string } {
  const [report = ""] = reports;
  mkdirSync(dirname(join(folder, report)), { recursive: true });
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, VITEST: _vitest, ...env } = process.env;
  const { status, stderr } = spawnSync(command, {
    ...{ cwd: folder, shell: true, encoding: "utf8", env: { ...env, ...environment } },
  });
  const file = join(folder, report);
  return { status, stderr, report: existsSync(file) ? readFileSync(file, "utf8") : "" };
}

describe("Node itself", () => {
  test.each([
    "node --test test/*",
    "node --test --test-reporter=tap test/*",
    "node --test --test-reporter tap test/*",
    "node --test --test-reporter=junit test/*",
    "node --test --test-reporter=dot --test-reporter-destination=stdout test/*",
    "node --test --test-reporter=tap --test-reporter=dot --test-reporter-destination=out.tap --test-reporter-destination=stdout test/*",
    "node --test --test-reporter=junit --test-reporter-destination=own.xml test/*",
    "node --test --test-reporter=spec --test-reporter=junit --test-reporter-destination=stdout --test-reporter-destination=own.xml test/*",
  ])("%s", (script) => {
    put(files(script));
    const { status, stderr, report } = ran(suite(script));
    expect(status, stderr).toBe(0);
    expect(report).toMatch(/<testcase name="orders"/);
  });

  test.each([
    "NODE_OPTIONS=--no-warnings node --test test/*",
    "node --test test/a && node --test test/b",
    "node --test --test-reporter=tap --test-reporter=dot test/*",
  ])("asks where nothing that is added would surely work: %s", (script) => {
    expect(suite(script)).toMatchObject({ command: "npm test", question: reportQuestion });
    expect(suite(script).environment).toBeUndefined();
  });
});

describe("Vitest itself", () => {
  test.each([
    ["vitest run", "reports/integration.json"],
    ["vitest run --reporter=verbose", "reports/integration.json"],
    ["vitest run --reporter=json", "reports/integration.json"],
    ["vitest run --reporter=junit --outputFile=own.xml", "own.xml"],
    ["vitest run --reporter=default --reporter=junit --outputFile.junit=out/own.xml", "out/own.xml"],
  ])("%s", (script, report) => {
    put({ ...files(script, "vitest"), "test/orders.test.mjs": 'import { test } from "vitest";\ntest("orders", () => {});\n' });
    symlinkSync(join(import.meta.dirname, "../../node_modules"), join(folder, "node_modules"));
    const found = suite(script, "vitest");
    expect(found.reports).toEqual([report]);
    const { status, report: written } = ran(found);
    expect(status).toBe(0);
    expect(written).toContain("orders");
  });
});

test.each([
  ["jest --json --outputFile=own.json", "jest", "npm test", "own.json"],
  ["jest --json", "jest", "npm test -- --outputFile=reports/integration.json", "reports/integration.json"],
  ["jest --reporters=jest-junit", "jest", "npm test -- --json --outputFile=reports/integration.json", "reports/integration.json"],
  ["mocha --reporter xunit --reporter-option output=own.xml", "mocha", "npm test", "own.xml"],
  ["mocha -R mocha-junit-reporter -O mochaFile=out/[hash].xml", "mocha", "npm test", "out/*.xml"],
  ["mocha --reporter xunit", "mocha", "npm test -- --reporter-option output=reports/integration.xml", "reports/integration.xml"],
  [
    "mocha --reporter dot",
    "mocha",
    "npm test -- --reporter json --reporter-option output=reports/integration.json",
    "reports/integration.json",
  ],
  ["bun test --reporter=junit --reporter-outfile=own.xml", undefined, "npm test", "own.xml"],
])("%s", (script, dependency, command, report) => {
  expect(suite(script, dependency)).toMatchObject({ command, reports: [report] });
});

describe("a browser's tests", () => {
  const browser = (script: string, more: Record<string, string>) => projectOf({ files: { ...files(script), ...more } }).browser;
  const playwright = (reporter = "") => ({ "playwright.config.ts": `export default { ${reporter} };\n` });
  const junit = 'reporter: [["junit", { outputFile: "out/own.xml" }]]';

  test.each([
    ["playwright test", playwright(junit), "npm test", "out/own.xml"],
    // The option replaces the reporters of the configuration.
    ["playwright test --reporter=html", playwright(junit), "npm test -- --reporter=html,json", "reports/e2e.json"],
    ["playwright test --reporter=json", playwright(), "npm test", "reports/e2e.json"],
    ["PLAYWRIGHT_JUNIT_OUTPUT_NAME=own.xml playwright test --reporter=list,junit", playwright(), "npm test", "own.xml"],
    [
      'cypress run --reporter junit --reporter-options "mochaFile=out/[hash].xml,toConsole=true"',
      { "cypress.config.ts": "export default {};\n" },
      "npm test",
      "out/*.xml",
    ],
  ])("%s", (script, more, command, report) => {
    expect(browser(script, more)).toMatchObject({ command, reports: [report] });
  });
});
