import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type GateEnd, runGate } from "../../src/cli/gate.ts";
import type { StageReport } from "../../src/model/report.ts";
import { toHtml } from "../../src/report/html.ts";
import { toMarkdown } from "../../src/report/markdown.ts";
import { endReason } from "../../src/report/view/messages.ts";
import { json, serve } from "../checks/api.ts";
import { folderForThisTest } from "../harness/folder.ts";
import { performIn } from "../harness/stage.ts";
import { junit } from "./suite.ts";

/** A project without some of the stages has a gate: they are left out on purpose, shown as such, and asked for nothing. */

async function project(stages: object) {
  const api = await serve((_, response) => json(response, 200, {}));
  const integration = { command: "node tests.mjs", reports: ["reports/junit.xml"] };
  const config = {
    version: 1,
    preset: "none",
    environments: {
      sandbox: { access: "test-data", api: { url: api.url, endpoints: [{ path: "/health" }], samples: 1 } },
      production: {
        access: "read-only",
        promotedFrom: "sandbox",
        api: { url: api.url, endpoints: [{ path: "/health" }], samples: 1 },
      },
    },
    stages: { integration, ...stages },
  };
  const tests = `import { writeFileSync } from "node:fs"; writeFileSync("reports/junit.xml", \`${junit()}\`);`;
  return await folderForThisTest({ "config.yml": JSON.stringify(config), "tests.mjs": tests });
}

const gate = (workspace: string, production?: string) =>
  runGate(
    {
      ...{ workspace, configFile: "config.yml", environment: "sandbox", env: { PATH: process.env.PATH } },
      ...{ cancel: new AbortController().signal, onProgress: () => undefined, onSecret: () => undefined },
    },
    production,
  );

const ended = (ends: readonly GateEnd[]) =>
  ends.map(({ stage, answer, leftOut, why }) => [stage, answer?.report.verdict ?? (leftOut ? "left out" : why)]);

const reportsOf = (ends: readonly GateEnd[]): StageReport[] => ends.flatMap(({ answer }) => (answer ? [answer.report] : []));

test("the gate of a back end closes over the browser tests, and smoke follows integration", async () => {
  const workspace = await project({ e2e: false });
  const ends = await gate(workspace, "production");
  expect(ended(ends)).toEqual([
    ["preflight", "passed"],
    ["integration", "passed"],
    ["e2e", "left out"],
    ["smoke", "passed"],
    // An error would make the gate of every project without a warehouse red.
    ["cleanup", "the environment has neither databricks nor redis"],
  ]);
  const reports = reportsOf(ends);
  for (const report of reports) expect(report.leftOut).toEqual(["e2e"]);

  // Nobody looked for test data, so nothing is said about how much is left.
  expect(endReason(reports[1] as StageReport)).toBe("5 checks passed; tests: 1 passed; no test data was looked for");
  const withoutCleanup = reports.filter(({ stage }) => stage !== "cleanup");
  expect(toMarkdown(withoutCleanup)).not.toMatch(/0 (?:rows|keys|left)/);
  expect(toMarkdown(withoutCleanup)).toMatch(/Quality gate: passed/);
  expect(toMarkdown(withoutCleanup)).toContain("Left out by the configuration: End to end.\n");
  const begun = toMarkdown(reports.slice(0, 2));
  expect(begun).toMatch(/Quality gate so far: passed/);
  expect(begun).toContain("Left out by the configuration: End to end.\n\nNot run: Smoke.\n");
  expect(toMarkdown(reports.slice(0, 1))).toMatch(/Left out.*End to end/s);
  expect(toHtml(withoutCleanup)).toContain("left out by the configuration");
  expect(await readFile(join(workspace, ".env-actions", "summary.md"), "utf8")).toContain("Left out by the configuration");
});

test("a stage that is missing for another reason is still missing", async () => {
  const ends = await gate(await project({ e2e: false, integration: { command: "exit 1", reports: ["reports/junit.xml"] } }));
  expect(ended(ends).slice(1, 4)).toEqual([
    ["integration", "failed"],
    ["e2e", "left out"],
    ["smoke", "integration failed"],
  ]);
});

test("without any tests, smoke follows preflight, and without smoke nothing follows", async () => {
  const ends = await gate(await project({ integration: false, e2e: false, smoke: false }));
  expect(ended(ends)).toEqual([
    ["preflight", "passed"],
    ["integration", "left out"],
    ["e2e", "left out"],
    ["smoke", "left out"],
    ["cleanup", "no stage that creates test data ran"],
  ]);
  const alone = await project({ integration: false, e2e: false });
  const smoke = { stage: "smoke", environment: "production", deployment: "" } as const;
  expect((await performIn(alone, smoke)).check("sequence")?.message).toContain(
    "smoke needs passed evidence of preflight: there is none",
  );
  await performIn(alone, { stage: "preflight", environment: "sandbox" });
  expect((await performIn(alone, smoke)).report.verdict).toBe("passed");
});

test("an environment for a smoke that is left out is refused", async () => {
  await expect(gate(await project({ smoke: false }), "production")).rejects.toThrow(
    "--production production is the environment for smoke, and stages.smoke is false in config.yml",
  );
});

test("a stage that is left out is refused by name", async () => {
  const workspace = await project({ e2e: false });
  await expect(performIn(workspace, { stage: "e2e", environment: "sandbox" })).rejects.toThrow(
    "stages.e2e is false in config.yml, so the gate leaves e2e out: remove this step, or write the settings of the stage in place of false",
  );
});

test("a stage that the file doesn't mention is refused if cleanup would not find its data", async () => {
  const api = await serve((_, response) => json(response, 200, {}));
  const workspace = await folderForThisTest();
  const config = {
    preset: "none",
    environments: { sandbox: { access: "test-data", api: { url: api.url, endpoints: [{ path: "/" }], samples: 1 } } },
    testData: { prefixes: ["shop_test_"] },
  };
  await performIn(workspace, { stage: "preflight", config });
  const run = performIn(workspace, { stage: "integration", config, overrides: { command: "true", reports: ["r.xml"] } });
  await expect(run).rejects.toThrow(
    'what the integration stage leaves behind would not be found by cleanup: add "integration_test_" to testData.prefixes, or set stages.integration.prefix',
  );
});

test("what a later stage lacks ends the gate before the first stage begins", async () => {
  for (const [stages, code] of [
    [{}, /^stages\.e2e\.command is missing/],
    [{ e2e: { command: "true" } }, /^stages\.e2e\.reports is missing/],
  ] as const) {
    const workspace = await project(stages);
    await expect(gate(workspace)).rejects.toThrow(code);
    expect(existsSync(join(workspace, ".env-actions"))).toBe(false);
  }
});
