import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { languageService } from "../harness/language-service.ts";
import { blocks, repository } from "./markdown.ts";

// The workflow that publishes the dashboard: what a linter of all workflows doesn't know about it.

interface Job {
  needs?: string;
  if?: string;
  environment?: string;
  permissions: Record<string, string>;
  concurrency?: { group: string; "cancel-in-progress": boolean };
  "timeout-minutes": number;
  steps: { uses?: string; run?: string; if?: string; with?: Record<string, unknown> }[];
}

const [text = ""] = blocks("docs/guides/dashboard.md", "yaml").map((block) => block.text);
const workflow = parse(text) as {
  on: object;
  permissions: object;
  concurrency?: object;
  jobs: Record<"collect" | "publish", Job>;
};
const { collect, publish } = workflow.jobs;

test("only the job that collects may write to the repository, and only the one that publishes may publish", () => {
  expect(workflow.permissions).toEqual({});
  expect(collect.permissions).toEqual({ contents: "write", actions: "read" });
  expect(publish.permissions).toEqual({ contents: "read", pages: "write", "id-token": "write" });
});

test("no step runs code of the repository, and each action is pinned", () => {
  for (const { steps, ...job } of [collect, publish]) {
    expect(job["timeout-minutes"]).toBeGreaterThan(0);
    for (const { uses = "", run } of steps) {
      expect(run).toBeUndefined();
      expect(uses).toMatch(/@[0-9a-f]{40}$|^classwaves\/env-actions\/dashboard@v1$/);
      if (uses.startsWith("actions/checkout")) expect(steps[0]?.with).toMatchObject({ "persist-credentials": false });
    }
  }
});

test("no run's records are dropped by a group, and pages are published one after the other", () => {
  expect(workflow.concurrency).toBeUndefined();
  expect(collect.concurrency).toBeUndefined();
  expect(publish.concurrency).toEqual({ group: "dashboard", "cancel-in-progress": false });
  expect(Object.keys(workflow.on).sort()).toEqual(["schedule", "workflow_dispatch", "workflow_run"]);
  // Without a run to collect, the page is still made.
  expect(collect.if).toBe("github.event_name == 'workflow_run'");
  expect(publish).toMatchObject({ needs: "collect", if: "${{ !cancelled() }}" });
});

test("nothing is published that may be older", () => {
  const [look, ...after] = publish.steps.slice(1);
  expect(look?.with).toHaveProperty("published");
  expect(after).toHaveLength(2);
  for (const step of after) expect(step.if).toBe("steps.dashboard.outputs.publish == 'true'");
});

test("GitHub's language service finds no mistake", async () => {
  // Our own action is not published under this name yet.
  const found = await languageService(".github/workflows/dashboard.yml", text);
  expect(found.filter((line) => !line.includes("classwaves/env-actions"))).toEqual([]);
});

const [zizmor] = globSync(join(repository, ".cache/zizmor-*/bin/zizmor"));

test.skipIf(zizmor === undefined)("zizmor finds nothing but the trigger and the missing group, which are meant", () => {
  const folder = mkdtempSync(join(tmpdir(), "zizmor-"));
  try {
    mkdirSync(join(folder, ".github/workflows"), { recursive: true });
    writeFileSync(
      join(folder, ".github/workflows/dashboard.yml"),
      text.replaceAll("dashboard@v1", `dashboard@${"0".repeat(40)}`),
    );
    const options = ["--offline", "--no-progress", "--quiet", "--pedantic", "--format=json", folder];
    const { stdout } = spawnSync(zizmor ?? "", options, { encoding: "utf8" });
    const found = JSON.parse(stdout) as { ident: string }[];
    expect(found.map(({ ident }) => ident)).toEqual(["dangerous-triggers", "concurrency-limits"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
