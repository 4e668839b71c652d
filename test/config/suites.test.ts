import { describe, expect, test } from "vitest";
import { loadConfig, selectEnvironment } from "../../src/config/load.ts";
import type { StageContext } from "../../src/stages/context.ts";
import { suiteOf } from "../../src/stages/test-command.ts";

// What the configuration asks of the tests, with its defaults.

async function suite(
  stage: "integration" | "e2e",
  settings: object,
  { databricks = false, preset = "", access = "test-data" } = {},
) {
  const warehouse = {
    host: "h.example.com",
    warehouse: "0123456789abcdef",
    token: "${TOKEN}",
    expect: { host: "h.example.com" },
  };
  const stores = databricks ? { databricks: warehouse } : {};
  const text = JSON.stringify({
    version: 1,
    environments: { sandbox: { access, ...stores } },
    ...(preset ? { testData: { preset, prefixes: ["shop_test_"], keys: [] } } : {}),
    stages: {
      integration: { prefix: "shop_test_" },
      e2e: { prefix: "shop_test_" },
      ...{ [stage]: { prefix: "shop_test_", command: "x", reports: ["*.xml"], ...settings } },
    },
    ...(preset ? {} : { testData: { prefixes: ["shop_test_"] } }),
  });
  const { config, placeOf } = await loadConfig({ file: "c.yml", cwd: ".", env: { TOKEN: "dapi-1" }, text });
  const selected = selectEnvironment(config, undefined);
  const environment = { ...selected.environment, name: "sandbox" };
  const context = { stage, config, configPlace: placeOf, environment, env: {}, overrides: {}, workspace: "/w" };
  return suiteOf(context as unknown as StageContext);
}

describe("required projects are what the configuration asks for", () => {
  test("by default none, but those of ClassWaves with its preset and a warehouse", async () => {
    expect((await suite("e2e", {})).rules.requiredProjects).toEqual([]);
    expect((await suite("e2e", {}, { databricks: true, preset: "none" })).rules.requiredProjects).toEqual([]);
    expect((await suite("e2e", {}, { databricks: true })).rules.requiredProjects).toEqual([
      "authenticated-*",
      "unauthenticated-*",
    ]);
  });

  test("a list replaces the default", async () => {
    const settings = { requiredProjects: ["chrome"] };
    expect((await suite("e2e", settings, { databricks: true })).rules.requiredProjects).toEqual(["chrome"]);
    expect((await suite("e2e", settings)).rules.requiredProjects).toEqual(["chrome"]);
  });
});

test("reports are a list of globs, or a group that says whether each must match", async () => {
  expect(await suite("integration", { reports: ["a", "b"] })).toMatchObject({ reports: ["a", "b"], allReports: false });
  expect(await suite("integration", { reports: { files: ["a"] } })).toMatchObject({ reports: ["a"], allReports: false });
  expect(await suite("integration", { reports: { files: ["a"], all: true } })).toMatchObject({
    reports: ["a"],
    allReports: true,
  });
});

test("tests refuse a read-only environment, with the place of its access and what to do", async () => {
  const refused = await suite("e2e", {}, { access: "read-only" }).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    codes: ["EA2002"],
    mistakes: [{ code: "EA2002", file: "c.yml", line: 1, column: expect.any(Number) }],
    message: expect.stringMatching(
      /^c\.yml:1:\d+ {2}environments\.sandbox\.access {2}the environment is read-only, and the tests of e2e create data: write access: test-data, or name another environment/,
    ),
  });
});
