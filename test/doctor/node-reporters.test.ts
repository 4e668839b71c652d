import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { base, examined, type Files } from "./fixture.ts";

/** What the doctor advises about Node's reporters, followed to the letter, and run by Node. */

const report = "reports/integration.xml";
/** As `init` writes it. */
const fromInit = `--test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=${report}`;

function project(command: string, options: string | undefined): Files {
  const { "playwright.config.mjs": _, "vitest.config.mjs": __, ...files } = base;
  const configuration = {
    version: 1,
    environments: { sandbox: { access: "test-data" } },
    stages: {
      integration: {
        command: "npm test",
        reports: [report],
        ...(options === undefined ? {} : { environment: { NODE_OPTIONS: options } }),
      },
      e2e: false,
    },
  };
  const manifest = { scripts: { test: command } };
  return { ...files, "package.json": JSON.stringify(manifest), ".github/env-actions.yml": JSON.stringify(configuration) };
}

async function cureOf(command: string, options: string | undefined): Promise<string | undefined> {
  const { findings } = await examined(project(command, options));
  return findings.find(({ code }) => code === "ED701")?.cure;
}

/** @returns the exit status, and whether the report was written */
function run(command: string, options: string | undefined): { status: number | null; isWritten: boolean } {
  const cwd = mkdtempSync(join(tmpdir(), "doctor-node-"));
  try {
    for (const folder of ["tests", "reports"]) mkdirSync(join(cwd, folder));
    writeFileSync(join(cwd, "tests/a.test.mjs"), 'import test from "node:test";\ntest("a", () => {});\n');
    const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
    const { status } = spawnSync(command.replace(/^node/, `"${process.execPath}"`), {
      cwd,
      shell: true,
      env: { ...env, ...(options === undefined ? {} : { NODE_OPTIONS: options }) },
    });
    const file = join(cwd, report);
    return { status, isWritten: existsSync(file) && readFileSync(file, "utf8").includes("<testsuites>") };
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

function followed(command: string, cure: string): string {
  const [, from, to] = /replace `([^`]+)` with `([^`]+)`/.exec(cure) ?? [];
  if (from !== undefined && to !== undefined) return command.replace(from, to);
  const [, added] = /^Add `([^`]+)` right behind `--test`\.$/.exec(cure) ?? [];
  return command.replace(/--test(?=\s)/, `--test ${added}`);
}

test.each<[command: string, options: string | undefined]>([
  ["node --test --test-reporter=tap tests/*", fromInit],
  ["node --test --test-reporter=tap tests/*", undefined],
  ["node --test --test-reporter tap --test-reporter=dot tests/*", fromInit],
  ["node --test --test-reporter=dot --test-reporter-destination=stdout --test-reporter=tap tests/*", undefined],
  ["node --test --test-reporter=spec --test-reporter-destination=stdout tests/*", undefined],
  [`node --test --test-reporter-destination=${report} tests/*`, undefined],
  ["node --test tests/*", undefined],
])("%s with NODE_OPTIONS=%s", async (command, options) => {
  const cure = await cureOf(command, options);
  expect(cure).toBeDefined();
  expect(run(command, options)).not.toEqual({ status: 0, isWritten: true });
  const better = followed(command, cure ?? "");
  expect(better).not.toBe(command);
  expect(run(better, options)).toEqual({ status: 0, isWritten: true });
  expect(await cureOf(better, options)).toBeUndefined();
});

test("what init writes for a plain script needs no cure", async () => {
  expect(await cureOf("node --test tests/*", fromInit)).toBeUndefined();
  expect(run("node --test tests/*", fromInit)).toEqual({ status: 0, isWritten: true });
});
