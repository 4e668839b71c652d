import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { configSchema } from "../../src/config/schema.ts";
import { load } from "../config/file.ts";
import type { Workflow } from "./plans.ts";
import { samples, writtenFor } from "./repositories.ts";

describe("ClassWaves' configuration", () => {
  const { configuration } = writtenFor(samples.ClassWaves);
  const sandbox = {
    DATABRICKS_HOST: "h.example",
    DATABRICKS_TOKEN: "token-value",
    DATABRICKS_WAREHOUSE_ID: "w",
    REDIS_URL: "redis://localhost",
    TEST_TOKEN_SECRET: "secret-value",
  };
  const production = {
    PRODUCTION_DATABRICKS_HOST: "p.example",
    PRODUCTION_DATABRICKS_TOKEN: "p-token-value",
    PRODUCTION_DATABRICKS_WAREHOUSE_ID: "w",
    PRODUCTION_REDIS_URL: "rediss://p.example",
    PRODUCTION_API_URL: "https://p.example",
    PRODUCTION_ORIGIN: "https://app.p.example",
  };

  test("loads for a sandbox job, which has no production secrets, and for a smoke job, which has no others", async () => {
    const tested = await load(configuration, { env: sandbox });
    expect(tested.config.environments.sandbox?.access).toBe("test-data");
    const { config } = await load(configuration, { env: production, environment: "production" });
    expect(config.environments.production).toMatchObject({
      access: "read-only",
      promotedFrom: "sandbox",
      auth: { enabled: false },
    });
  });

  test("repeats the preset's rules, so that removing a part changes nothing", async () => {
    const { config } = await load(configuration, { env: sandbox });
    const { testData } = configSchema.parse({ version: 1, environments: {} });
    expect(config.testData).toEqual(testData);
  });

  test("deletes nothing that earlier runs left", async () => {
    const { config } = await load(configuration, { env: sandbox });
    expect(config.stages.preflight.sweep).toBe(false);
    expect(config.testData.sweep).toEqual([]);
  });

  test.each([
    ["quality-gate", ["preflight", "integration", "e2e"], sandbox],
    ["nightly-cleanup", ["cleanup"], sandbox],
    ["cleanup-by-hand", ["cleanup"], sandbox],
    ["smoke", ["smoke"], production],
  ])("%s passes on every variable that it needs", (name, stages, variables) => {
    const { jobs } = parse(
      writtenFor(samples.ClassWaves).workflows.find(({ path }) => path.includes(name))?.text ?? "",
    ) as Workflow;
    const ours = Object.values(jobs).flatMap((job) =>
      job.steps.filter(({ uses }) => /^classwaves\/env-actions\/(?!gate@)/.test(uses ?? "")),
    );
    expect(ours.map(({ uses }) => /env-actions\/(\w+)@/.exec(uses ?? "")?.[1])).toEqual(stages);
    for (const { env } of ours)
      expect(
        Object.keys(env ?? {})
          .filter((one) => one !== "ENV_ACTIONS_RUN_ID")
          .sort(),
      ).toEqual(Object.keys(variables).sort());
  });
});

describe("whatever a repository's files say", () => {
  const words = fc.string({ unit: "grapheme", maxLength: 20 });
  const file = (script: string, name: string) =>
    JSON.stringify({ name, scripts: { test: `jest ${script}`, start: "node a.js" } });

  test("commands and values arrive as they are, and comments stay comments", async () => {
    await fc.assert(
      fc.asyncProperty(words, words, words, async (script, name, value) => {
        const line = value.replace(/[\r\n]/g, "");
        const files = { "package.json": file(script, name), ".env.example": `COLOUR="${line}"\n`, "a.js": "" };
        const { configuration, workflows } = writtenFor({ files });
        for (const { text } of workflows) expect(Object.keys(parse(text).jobs)).toContain("gate");
        const { config } = await load(configuration, { env: { COLOUR: "set" } });
        expect(Object.keys(config.environments)).toEqual(["sandbox"]);
        const { COLOUR } = config.environments.sandbox?.environment ?? {};
        expect([undefined, "set"]).toContain(COLOUR);
      }),
      { numRuns: 200 },
    );
  });

  test("a value without braces and dollars is the default of its variable", async () => {
    const value = fc
      .stringMatching(/^[a-z0-9 :#'&*!|>%@,[\]-]{1,12}$/)
      .map((text) => text.trim())
      .filter((text) => text !== "" && !/["']/.test(text));
    await fc.assert(
      fc.asyncProperty(value, async (text) => {
        const { configuration } = writtenFor({ files: { ".env.example": `COLOUR="${text}"\n`, "go.mod": "module x\n" } });
        const { config } = await load(configuration, { env: { API_URL: "http://localhost:1" } }).catch(async () =>
          load(configuration, { env: { API_URL: "http://localhost:1", COLOUR: "" } }),
        );
        const written = config.environments.sandbox?.environment.COLOUR;
        if (written !== undefined) expect(written).toBe(text);
      }),
      { numRuns: 200 },
    );
  });
});
