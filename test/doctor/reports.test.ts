import { expect, test } from "vitest";
import { base, examined, type Files } from "./fixture.ts";

/** Whether a command writes the reports that the configuration names: found only where it certainly doesn't. */

const gate = ".github/workflows/gate.yml";

/** In JSON, which is YAML: one suite, without test data. */
function project(command: string, report: string, { environment = {}, suite = {} }: Variables = {}): Files {
  const sandbox = { access: "test-data", api: { url: "http://localhost:3000", endpoints: [{ path: "/health" }] }, environment };
  const configuration = {
    version: 1,
    preset: "none",
    defaultEnvironment: "sandbox",
    environments: { sandbox },
    stages: { integration: { command, reports: [report], environment: suite }, e2e: false },
  };
  const { "playwright.config.mjs": _, "vitest.config.mjs": __, ...files } = base;
  return { ...files, "package.json": '{ "scripts": {} }', ".github/env-actions.yml": JSON.stringify(configuration) };
}

interface Variables {
  environment?: Record<string, string>;
  suite?: Record<string, string>;
}

async function said(files: Files): Promise<string[]> {
  const { findings } = await examined(files);
  return findings.flatMap(({ code, message }) => (code === "ED701" ? [message] : []));
}

const script = (test: string, more: object = {}): Files => ({
  "package.json": JSON.stringify({ scripts: { test }, ...more }),
});

const jestReporters = (reporters: string): Files => ({ "jest.config.js": `module.exports = { reporters: ${reporters} };\n` });
const vitestConfig: Files = { "vitest.config.mjs": "export default {};\n" };
const vitestJson: Files = { "vitest.config.mjs": 'export default { test: { reporters: ["json"], outputFile: "r/i.json" } };\n' };
const playwright = (reporter: string): Files => ({ "playwright.config.mjs": `export default { reporter: ${reporter} };\n` });

test.each<[command: string, report: string, files?: Files, variables?: Variables]>([
  ["node --test", "r/i.xml"],
  ["node --test --test-reporter=junit", "r/i.xml"],
  ["node --test --test-reporter=spec --test-reporter-destination=r/i.xml", "r/i.xml"],
  ["node --test --test-reporter-destination=r/i.xml", "r/i.xml"],
  [
    "node --test --test-reporter=junit --test-reporter-destination=stdout --test-reporter=spec --test-reporter-destination=r/i.xml",
    "r/i.xml",
  ],
  ["npm test", "r/i.xml", script("node --import ./setup.mjs --test test/")],
  ["npx vitest run", "r/i.xml", vitestConfig],
  ["npx vitest run --outputFile=r/i.xml", "r/i.xml", vitestConfig],
  ["npx vitest run --reporter=junit", "r/i.xml", vitestConfig],
  ["npx vitest run --reporter=verbose", "r/i.json", vitestJson],
  ["npx jest --ci", "r/junit.xml"],
  ["npx jest --outputFile=r/i.json", "r/i.json"],
  ["npx jest --reporters=default --reporters=jest-junit", "r/junit.xml"],
  ["npx jest --reporters=default", "junit.xml", jestReporters("['default', 'jest-junit']")],
  ["npm test", "r/junit.xml", script("jest", { devDependencies: { "jest-junit": "17.0.0" } })],
  ["npm test", "r/i.json", script("jest --ci --outputFile=r/i.json")],
  ["npx mocha", "r/i.json"],
  [
    "npx mocha --reporter spec",
    "r/i.json",
    { ".mocharc.json": '{ "reporter": "json", "reporter-option": ["output=r/i.json"] }' },
  ],
  ["pytest", "r/i.xml"],
  ["python -m pytest -q tests", "r/i.xml"],
  ["poetry run pytest", "r/*.xml"],
  ["pytest --junitxml=out/i.xml", "r/i.xml"],
  ["npx playwright test --reporter=list", "r/e.json", playwright("[['json', { outputFile: 'r/e.json' }]]")],
  ["npx playwright test", "r/e.json", playwright("'list'")],
  ["npx playwright test", "r/e.json", playwright("'json'")],
  ["npx playwright test", "r/e.json", playwright("'list'"), { suite: { PLAYWRIGHT_JSON_OUTPUT_NAME: "r/e.json" } }],
  ["bun test", "r/i.xml"],
])("%s certainly doesn't write %s", async (command, report, files = {}, variables = {}) => {
  expect(await said({ ...project(command, report, variables), ...files })).toEqual([expect.stringContaining(report)]);
});

const nodeOptions = { NODE_OPTIONS: "--test-reporter=junit --test-reporter-destination=r/i.xml" };

test.each<[command: string, report: string, files?: Files, variables?: Variables]>([
  ["node --test --test-reporter=junit > r/i.xml", "r/i.xml"],
  ["node --test --test-reporter=junit | tee r/i.xml", "r/i.xml"],
  ["node --test --test-reporter junit --test-reporter-destination ./r/i.xml", "r/*.xml"],
  ["node --test --test-reporter=./own.mjs --test-reporter-destination=r/i.xml", "r/i.xml"],
  ["node --test", "r/i.xml", {}, { suite: nodeOptions }],
  ["node --test", "r/i.xml", {}, { environment: nodeOptions }],
  ["npm test", "r/i.xml", script("node --test --test-reporter=junit --test-reporter-destination=r/i.xml")],
  ["npm test -- --test-reporter=junit --test-reporter-destination=r/i.xml", "r/i.xml", script("node --test")],
  ["npm test", "r/i.xml", script("node --test && node scripts/report.mjs")],
  ["npm test", "r/i.xml", script("node scripts/test.mjs --test")],
  ["cd api && node --test --test-reporter=junit --test-reporter-destination=i.xml", "api/i.xml"],
  ["bash run.sh", "r/i.xml"],
  ["npx vitest run", "r/i.json", vitestJson],
  ["npx vitest run --reporter=junit --outputFile.junit=r/i.xml", "r/i.xml", vitestConfig],
  ["npx vitest run --reporter json --outputFile r/i.json", "r/i.json", vitestConfig],
  ["npx vitest run", "r/i.xml", { "vitest.config.mjs": "import own from './base.mjs';\nexport default mergeConfig(own, {});\n" }],
  ["npx jest --json --outputFile=r/i.json", "r/i.json"],
  ["npx jest --reporters=default --reporters=jest-junit", "junit.xml"],
  ["npx jest --reporters=jest-junit", "r/junit.xml", {}, { suite: { JEST_JUNIT_OUTPUT_DIR: "r" } }],
  ["npx jest --reporters=jest-junit", "r/junit.xml", {}, { environment: { JEST_JUNIT_OUTPUT_DIR: "r" } }],
  ["JEST_JUNIT_OUTPUT_FILE=./r/i.xml npx jest --reporters=jest-junit", "r/i.xml"],
  ["npx jest", "junit.xml", jestReporters("['default', 'jest-junit']")],
  ["npx jest", "r/junit.xml", jestReporters("['default', ['jest-junit', { outputDirectory: 'r' }]]")],
  ["npx jest", "r/junit.xml", { "jest.config.js": "module.exports = { ...require('./base') };\n" }],
  ["npx jest", "r/junit.xml", { "jest.config.js": "module.exports = { preset: '@company/jest' };\n" }],
  ["npm test", "r/junit.xml", script("jest", { jest: { reporters: ["jest-junit"] }, "jest-junit": { outputDirectory: "r" } })],
  ["npx mocha --reporter json --reporter-option output=r/i.json", "r/i.json"],
  ["npm test", "r/i.json", script("mocha", { mocha: { reporter: "json", "reporter-option": ["output=r/i.json"] } })],
  ["./with-report.sh npx vitest run", "r/i.xml", vitestConfig],
  ["npx dotenv -e .env.test -- vitest run", "r/i.xml", vitestConfig],
  ["pytest --junitxml=r/i.xml", "r/i.xml"],
  ["uv run pytest --junit-xml r/i.xml", "r/*.xml"],
  ["pytest", "r/i.xml", { "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-q --junitxml=r/i.xml"\n' }],
  ["pytest", "r/i.xml", { "pytest.ini": "[pytest]\naddopts = --junitxml=r/i.xml\n" }],
  ["pytest", "r/i.xml", {}, { suite: { PYTEST_ADDOPTS: "--junitxml=r/i.xml" } }],
  ["pytest", "r/i.xml", { "conftest.py": "def pytest_configure(config):\n    config.option.xmlpath = f'{folder}/i.xml'\n" }],
  ["pytest --junitxml=r/$NAME.xml", "r/*.xml"],
  ["cd api && pytest --junitxml=r/i.xml", "api/r/i.xml"],
  ["tox", "r/*.xml"],
  [
    "npx playwright test --reporter=list,json",
    "r/e.json",
    playwright("'list'"),
    { suite: { PLAYWRIGHT_JSON_OUTPUT_NAME: "r/e.json" } },
  ],
  ["npx playwright test --reporter=json > r/e.json", "r/e.json"],
  ["npx playwright test", "r/e.json", playwright("process.env.CI ? [['json', { outputFile: 'r/e.json' }]] : 'list'")],
  ["npx playwright test", "r/e.json", playwright("process.env.REPORTER ?? 'list'")],
  ["npx playwright test --config e2e/own.config.ts", "r/e.json"],
  ["npx cypress run --reporter junit --reporter-options mochaFile=r/c-[hash].xml", "r/c-*.xml"],
  ["bun test --reporter=junit --reporter-outfile=r/i.xml", "r/i.xml"],
  ["bun test", "r/i.xml", { "bunfig.toml": '[test.reporter]\njunit = "r/i.xml"\n' }],
  ["go test -json ./... > r/i.json", "r/i.json"],
])("%s may write %s", async (command, report, files = {}, variables = {}) => {
  expect(await said({ ...project(command, report, variables), ...files })).toEqual([]);
});

test("variables of the step and of its job count", async () => {
  const env = "DATABRICKS_TOKEN: ${{ secrets.DATABRICKS_TOKEN }}";
  const workflow = (value: string) => (base[gate] ?? "").replace(env, `${env}\n          PYTEST_ADDOPTS: ${value}`);
  const files = project("pytest", "r/i.xml");
  expect(await said({ ...files, [gate]: workflow("-q") })).toHaveLength(1);
  expect(await said({ ...files, [gate]: workflow("--junitxml=r/i.xml") })).toEqual([]);
  expect(await said({ ...files, [gate]: workflow("${{ vars.OPTIONS }}") })).toEqual([]);
});

test("the cure names the option and the file", async () => {
  const { findings } = await examined(project("node --test", "reports/*.xml"));
  expect(findings.find(({ code }) => code === "ED701")?.cure).toContain(
    "--test-reporter=junit --test-reporter-destination=reports/integration.xml",
  );
});
