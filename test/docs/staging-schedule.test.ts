import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { stagingTasks } from "../../src/model/staging.ts";
import { languageService } from "../harness/language-service.ts";
import { blocks, repository } from "./markdown.ts";

// The workflows that keep a copy: what a linter of all workflows doesn't know about them.

interface Job {
  environment?: string;
  permissions?: Record<string, string>;
  "timeout-minutes"?: number;
  steps: { uses: string; with?: Record<string, unknown> }[];
}
interface Workflow {
  on: { schedule: { cron: string }[]; workflow_dispatch: unknown };
  permissions: unknown;
  concurrency: { group: string; "cancel-in-progress": boolean };
  jobs: Record<string, Job>;
}

const workflows = blocks("docs/guides/staging-schedule.md", "yaml")
  .map(({ text }) => ({ text, value: parse(text) as Workflow }))
  .filter(({ value }) => "jobs" in value);
const jobs = workflows.flatMap(({ value }) => Object.entries(value.jobs));

test("the page has both workflows, and every task has a job", () => {
  expect(workflows).toHaveLength(2);
  const tasks = new Set(jobs.flatMap(([, { steps }]) => steps.map((step) => step.with?.task)));
  // A seed alone changes nothing that is there: what repeats is the reset.
  expect([...stagingTasks].filter((task) => task !== "seed" && !tasks.has(task))).toEqual([]);
});

describe.each(workflows)("$value.name", ({ text, value }) => {
  test("starts by itself and by hand, one at a time, and is never cut off", () => {
    expect(value.on.schedule.length).toBeGreaterThan(0);
    expect(value.on).toHaveProperty("workflow_dispatch");
    expect(value.concurrency).toEqual({ group: "staging", "cancel-in-progress": false });
  });

  test("has no right that it doesn't need", () => expect(value.permissions).toEqual({}));

  test("GitHub's language service finds no mistake", async () => {
    // Our own action is not published under this name yet.
    const found = await languageService(".github/workflows/staging.yml", text);
    expect(found.filter((line) => !line.includes("classwaves/env-actions"))).toEqual([]);
  });
});

test.each(jobs)("%s runs in GitHub's environment, with the least rights, an end, and pinned actions", (_, job) => {
  expect(job.environment).toBe("staging");
  expect(job.permissions).toEqual({ contents: "read", "id-token": "write" });
  expect(job["timeout-minutes"]).toBeGreaterThan(0);
  for (const { uses } of job.steps) expect(uses).toMatch(/@(FULL_SHA|[0-9a-f]{40})$/);
});

const [zizmor] = globSync(join(repository, ".cache/zizmor-*/bin/zizmor"));

test.skipIf(zizmor === undefined)("zizmor finds nothing, also if it is pedantic", () => {
  const folder = mkdtempSync(join(tmpdir(), "zizmor-"));
  try {
    mkdirSync(join(folder, ".github/workflows"), { recursive: true });
    for (const [index, { text }] of workflows.entries())
      writeFileSync(join(folder, `.github/workflows/${index}.yml`), text.replaceAll("FULL_SHA", "0".repeat(40)));
    const options = ["--offline", "--no-progress", "--quiet", "--pedantic", folder];
    const { stdout } = spawnSync(zizmor ?? "", options, { encoding: "utf8" });
    expect(stdout).toMatch(/^No findings to report\b/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
