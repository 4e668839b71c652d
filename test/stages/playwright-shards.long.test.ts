import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { runSuite } from "./suite.ts";

/** The stage with Playwright itself, as the README says that shards are run: two at once, each with reports and a folder of its own. */

const repository = join(import.meta.dirname, "..", "..");
const modules = join(repository, "node_modules");

/** Browsers start slowly where other tests run beside them. */
const timeout = 90_000;

/** The example knows how to find a browser on this machine, and how to start it. */
const browsers = pathToFileURL(join(repository, "examples", "classroom", "tests", "e2e", "browsers.ts")).href;

const config = `import { defineConfig } from "@playwright/test";
import { findBrowsers } from ${JSON.stringify(browsers)};

const shard = process.env.ENV_ACTIONS_SHARD;
const chrome = findBrowsers(process.env).found.find(({ name }) => name === "chrome");

export default defineConfig({
  testDir: "tests",
  workers: 1,
  retries: 1,
  reporter: [["json", { outputFile: \`reports/\${shard}.json\` }], ["junit", { outputFile: \`reports/\${shard}.xml\` }]],
  use: { screenshot: "only-on-failure", trace: "retain-on-failure", launchOptions: chrome.launch },
  projects: [
    { name: "authenticated-chrome", testIgnore: "visitor*" },
    { name: "unauthenticated-chrome", testIgnore: "teacher*" },
  ],
});
`;

/** In both projects: the one title fails twice, in a shard each. What fails is last, because Playwright starts a browser anew after it. */
const page = `import { expect, test } from "@playwright/test";
test.beforeEach(({ page }) => page.setContent("<h1>Classroom</h1>"));
test("shows a heading", ({ page }) => expect(page.getByRole("heading")).toHaveText("Classroom"));
test("shows the groups", ({ page }) => expect(page.getByRole("heading")).toHaveText("Groups", { timeout: 100 }));
`;

const teacher = `import { expect, test } from "@playwright/test";
test("signs in", () => expect(1 + 1).toBe(2));
test("reconnects on the second attempt", ({}, info) => expect(info.retry).toBe(1));
`;

const visitor = `import { test } from "@playwright/test";
test("is asked to sign in", () => undefined);
test.skip("prints", () => undefined);
`;

const settings = `command: playwright test --shard=$ENV_ACTIONS_SHARD/$ENV_ACTIONS_SHARDS --output=test-results/$ENV_ACTIONS_SHARD
reports: [reports/*.json, reports/*.xml]
shards: 2
browsers: [chromium]
requiredProjects: [authenticated-chrome, unauthenticated-chrome]
flaky: 1`;

test(
  "Playwright's shards are merged into one run: each test once, by project, and each failure with its attachments",
  async () => {
    const ran = await runSuite(
      "e2e",
      {
        settings,
        files: {
          "package.json": '{ "type": "module" }',
          "playwright.config.ts": config,
          "tests/page.spec.ts": page,
          "tests/teacher.spec.ts": teacher,
          "tests/visitor.spec.ts": visitor,
        },
        links: { node_modules: modules },
        budgetMs: timeout,
      },
      { PATH: [join(modules, ".bin"), process.env.PATH].join(delimiter), CHROME_PATH: process.env.CHROME_PATH ?? "" },
    );

    // Two reports of two shards tell of these tests: four files, in which each stands twice.
    const { tests } = ran.report;
    expect(tests?.sources.map(({ file }) => file).sort()).toEqual([
      "reports/1.json",
      "reports/1.xml",
      "reports/2.json",
      "reports/2.xml",
    ]);
    expect(tests).toMatchObject({
      ...{ total: 8, passed: 4, failed: 2, flaky: 1, skipped: 1, crashedSuites: [], disagreements: [] },
      projects: {
        "authenticated-chrome": { total: 4, passed: 2, failed: 1, flaky: 1, skipped: 0 },
        "unauthenticated-chrome": { total: 4, passed: 2, failed: 1, flaky: 0, skipped: 1 },
      },
      flakyTests: [{ name: "reconnects on the second attempt", project: "authenticated-chrome", attempts: 2 }],
    });
    expect(tests?.failures.map(({ name, project, file, attempts }) => ({ name, project, file, attempts }))).toEqual(
      ["authenticated-chrome", "unauthenticated-chrome"].map((project) => ({
        ...{ name: "shows the groups", project, file: "tests/page.spec.ts", attempts: 2 },
      })),
    );

    expect(ran.report.verdict).toBe("failed");
    const verdicts = Object.fromEntries(ran.report.checks.map((check) => [check.id, check.verdict]));
    expect(verdicts).toMatchObject({
      "tests.exit": "failed",
      "tests.shards": "passed",
      "tests.browsers": "passed",
      "tests.projects": "passed",
      "tests.pass-rate": "failed",
      "tests.flaky": "degraded",
    });

    // Of both attempts of each failure; the two have one title, and a folder each.
    const kept = ran.report.attachments ?? [];
    for (const [shard, project] of ["authenticated-chrome", "unauthenticated-chrome"].entries())
      for (const attempt of ["", "-retry1"]) {
        const folder = `.env-actions/attachments/e2e-${ran.report.runId}/test-results/${shard + 1}/page-shows-the-groups-${project}${attempt}`;
        for (const [name, firstBytes] of [
          ["test-failed-1.png", "89504e47"],
          ["trace.zip", "504b0304"],
        ] as const) {
          const file = `${folder}/${name}`;
          expect(kept).toContainEqual({ file, bytes: expect.any(Number), test: "shows the groups" });
          const content = await readFile(join(ran.workspace, file));
          expect(content.subarray(0, 4).toString("hex")).toBe(firstBytes);
        }
      }
    expect(kept.filter(({ leftOut }) => leftOut !== undefined)).toEqual([]);
  },
  timeout,
);
