import { defineConfig } from "@playwright/test";
import { findBrowsers } from "./tests/e2e/browsers.ts";
import { frontendUrl } from "./tests/run.ts";

const { found, missing } = findBrowsers(process.env);
// Workers also load this file; only the first process prints.
if (process.env.TEST_WORKER_INDEX === undefined) for (const line of missing) console.log(line);

const breakOnPurpose = (process.env.CLASSROOM_BREAK ?? "").split(",").includes("e2e-failing-test");

/** env-actions has started both servers before. */
export default defineConfig({
  testDir: "tests/e2e",
  testIgnore: breakOnPurpose ? [] : ["**/breakages/**"],
  outputDir: "reports/e2e",
  // One worker per file: if a project's tests were spread over workers, each would start a browser.
  workers: 2,
  timeout: 20_000,
  expect: { timeout: 5_000 },
  reporter: [["list"], ["json", { outputFile: "reports/e2e.json" }]],
  use: { baseURL: frontendUrl, trace: "off", screenshot: "only-on-failure" },
  projects: found.flatMap(({ name, engine, launch }) =>
    ["authenticated", "unauthenticated"].map((kind) => ({
      name: `${kind}-${name}`,
      testMatch: [`**/${kind}*.spec.ts`, "**/breakages/*.spec.ts"],
      use: { browserName: engine, launchOptions: launch },
    })),
  ),
});
