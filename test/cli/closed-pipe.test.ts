import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StageReport } from "../../src/model/report.ts";
import { freshBundle } from "../harness/process.ts";

// `env-actions integration | head` must still clean up and report: a write to a closed pipe is no reason to end.
let cwd: string;
const entry = freshBundle;

beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "closed-pipe-"));
  writeFileSync(
    join(cwd, "c.yml"),
    `version: 1
environments: { here: { access: test-data, variables: [PATH] } }
stages: { integration: { command: node tests.mjs, reports: [r.xml] } }
`,
  );
  // It prints more than a pipe holds, and only after nobody reads any more: the file says when that is.
  writeFileSync(
    join(cwd, "tests.mjs"),
    `import { existsSync, watch, writeFileSync } from "node:fs";
await new Promise((resolve) => { const watching = watch(".", () => { if (existsSync("closed")) { watching.close(); resolve(); } }); if (existsSync("closed")) { watching.close(); resolve(); } });
for (let line = 0; line < 5_000; line++) console.log("x".repeat(100));
writeFileSync("r.xml", '<testsuite name="s" tests="1"><testcase name="a"/></testsuite>');
`,
  );
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

test("a stage whose output pipe is closed still ends normally with its report", async () => {
  const run = (...args: string[]) =>
    spawn(process.execPath, [entry, ...args, "--config", "c.yml", "--environment", "here", "--verbose"], {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      stdio: ["ignore", "pipe", "ignore"],
    });
  const preflight = run("preflight");
  preflight.stdout.resume();
  await once(preflight, "exit");
  const stage = run("integration");
  stage.stdout.once("data", () => {
    stage.stdout.destroy();
    writeFileSync(join(cwd, "closed"), "");
  });
  await once(stage, "exit");
  const report = JSON.parse(readFileSync(join(cwd, ".env-actions", "reports", "integration.json"), "utf8")) as StageReport;
  expect(report.commands).toMatchObject([{ exitCode: 0 }]);
  expect(report.checks.map(({ id }) => id)).toContain("test-data.cleanup");
});
