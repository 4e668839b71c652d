import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { basename, join } from "node:path";

/**
 * Runs the installed test runners on the small projects in test/fixtures/reports/projects and keeps their reports as fixtures.
 * Run it by hand after an update of a runner: `node scripts/make-report-fixtures.ts`.
 */

const root = join(import.meta.dirname, "..");
const fixtures = join(root, "test/fixtures/reports");
const out = mkdtempSync(join(tmpdir(), "reports-"));

/** What names this machine or changes with every run must not be committed: the workspace is written as /workspace. */
function anonymous(report: string): string {
  return report
    .replaceAll(root, "/workspace")
    .replaceAll(basename(out), "reports")
    .replaceAll(`hostname="${hostname()}"`, 'hostname="runner"');
}

function run(runner: string, project: string, args: string[], env: Record<string, string> = {}): void {
  const bin = join(root, "node_modules/.bin", runner);
  const result = spawnSync(bin, args, {
    cwd: join(fixtures, "projects", project),
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  if (result.error) throw result.error;
}

/** The runner's exit status is not looked at, because most of these tests fail on purpose; a missing report is an error. */
function keep(from: string, to: string): void {
  const target = join(fixtures, to);
  mkdirSync(join(target, ".."), { recursive: true });
  writeFileSync(target, anonymous(readFileSync(from, "utf8")));
  console.log(`test/fixtures/reports/${to}`);
}

function makeVitest(name: string, files: string[]): void {
  const json = join(out, `vitest-${name}.json`);
  const xml = join(out, `vitest-${name}.xml`);
  const reporters = ["--reporter=json", `--outputFile.json=${json}`, "--reporter=junit", `--outputFile.junit=${xml}`];
  run("vitest", "vitest", ["run", "--config", "vitest.config.mjs", ...reporters, ...files]);
  keep(json, `vitest/${name}.json`);
  keep(xml, `vitest/${name}.xml`);
}

function makePlaywright(name: string, args: string[]): void {
  const json = join(out, `playwright-${name}.json`);
  const xml = join(out, `playwright-${name}.xml`);
  const files = { PLAYWRIGHT_JSON_OUTPUT_NAME: json, PLAYWRIGHT_JUNIT_OUTPUT_NAME: xml };
  const output = `--output=${join(out, "results")}`;
  run("playwright", "playwright", ["test", "--reporter=json,junit", output, ...args], files);
  keep(json, `playwright/${name}.json`);
  keep(xml, `playwright/${name}.xml`);
}

try {
  makeVitest("mixed", ["sessions", "crashes"]);
  makeVitest("green", ["green"]);
  makePlaywright("mixed", ["mixed/"]);
  makePlaywright("shard-1", ["mixed/", "--shard=1/2"]);
  makePlaywright("shard-2", ["mixed/", "--shard=2/2"]);
  makePlaywright("load-error", ["load-error/"]);
} finally {
  rmSync(out, { recursive: true, force: true });
}
