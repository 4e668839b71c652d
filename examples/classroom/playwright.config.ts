import { defineConfig } from "@playwright/test";
import { findBrowsers } from "./tests/e2e/browsers.ts";
import { frontendUrl } from "./tests/run.ts";

const { found, missing } = findBrowsers(process.env);
// Workers read this file too; only the first process speaks.
if (process.env.TEST_WORKER_INDEX === undefined) for (const line of missing) console.log(line);

const breakOnPurpose = (process.env.CLASSROOM_BREAK ?? "").split(",").includes("e2e-failing-test");

/** Whoever runs this has started both servers: env-actions does. */
export default defineConfig({
  testDir: "tests/e2e",
  testIgnore: breakOnPurpose ? [] : ["**/breakages/**"],
  outputDir: "reports/e2e",
  // By file: a project whose tests are spread over the workers would start a browser in each.
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
