import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { ClassroomWorld } from "../../examples/classroom/world.ts";
import { type Scenario, startScenario, startWorld } from "./scenario.ts";

/**
 * The gate as a person meets it, on an application that is broken in one way at a time: the verdict, the exit status, the sentence
 * that is read, and that nothing stays behind.
 */
const preflight = ["preflight", "-e", "local"];
const integration = ["integration", "-e", "local"];

/** Each scenario proves that it leaves the world as it was; those that break it have one of their own. */
let world: ClassroomWorld;
let scenario: Scenario;
/** What a passed preflight leaves behind; the scenarios that begin after it take it over instead of running it again. */
let passed: string;
beforeAll(async () => {
  passed = await mkdtemp(join(tmpdir(), "env-actions-passed-"));
  world = await startWorld();
  const first = await startScenario(world);
  const { exitCode, output } = await first.run(preflight);
  expect(output).toMatch(/preflight (passed|degraded)/);
  expect(exitCode).toBe(0);
  await cp(join(first.workspace, ".env-actions"), passed, { recursive: true });
  await first.stop();
});
afterAll(async () => {
  await world?.stop();
  await rm(passed, { recursive: true, force: true });
});
beforeEach(async () => {
  scenario = await startScenario(world);
});
afterEach(() => scenario.stop());

async function scenarioInOwnWorld(): Promise<Scenario> {
  const own = await startScenario();
  onTestFinished(() => own.stop());
  return own;
}

const afterPreflight = () => cp(passed, join(scenario.workspace, ".env-actions"), { recursive: true });

describe("a healthy application", () => {
  test("preflight, integration, smoke and cleanup pass, leave no test data, and write no secret", async () => {
    expect((await scenario.run(preflight)).exitCode).toBe(0);
    const ran = await scenario.run(integration);
    expect(ran.output).toMatch(/integration passed/);
    expect(ran.reports.integration?.tests).toMatchObject({ failed: 0, crashedSuites: [] });
    expect(ran.reports.integration?.tests?.total).toBeGreaterThan(20);
    expect(ran.reports.integration?.cleanup).toMatchObject({ leftOver: 0, problems: [] });
    // Rows that only the ledger, a title or a parent gives away were among them.
    expect(ran.reports.integration?.cleanup?.tables.map((table) => table.table)).toEqual(
      expect.arrayContaining(["sessions.classroom_sessions", "sessions.student_groups", "sessions.transcriptions"]),
    );
    expect(await scenario.traces()).toEqual([]);

    const written = await Promise.all(
      [
        "summary.md",
        "report.html",
        "audit.jsonl",
        "reports/integration.json",
        `logs/${ran.reports.integration?.runId}/integration-backend.log`,
        `logs/${ran.reports.integration?.runId}/integration-tests.log`,
      ].map((name) => readFile(join(scenario.workspace, ".env-actions", name), "utf8")),
    );
    const { DATABRICKS_TOKEN, REDIS_URL, TEST_TOKEN_SECRET } = scenario.world.env;
    for (const secret of [DATABRICKS_TOKEN, TEST_TOKEN_SECRET, new URL(REDIS_URL ?? "").password])
      for (const text of [...written, ran.output]) expect(text).not.toContain(secret);
  });

  test("smoke after a deployment only reads from the warehouse", async () => {
    const ran = await scenario.run(["smoke", "-e", "production", "--deployment", "4711"]);
    expect(ran.output).toMatch(/smoke passed|smoke degraded/);
    expect(ran.exitCode).toBe(0);
    expect(ran.check("databricks.read-only")?.verdict).toBe("passed");
    expect(ran.check("redis.read-only")?.verdict).toBe("passed");
    expect(ran.check("auth.mint-off")?.verdict).toBe("passed");
    const suite = scenario.statements().filter((statement) => statement.sql.includes("env-actions run"));
    expect(suite.length).toBeGreaterThan(5);
    for (const statement of suite) {
      expect(statement.user).toBe("smoke-reader@classwaves.example");
      expect(statement.sql).toMatch(/\*\/ (SELECT|SHOW|DESCRIBE)/);
    }
    expect(await scenario.traces()).toEqual([]);
  });

  test("a credential that could write fails a read-only environment", async () => {
    const ran = await scenario.run(["smoke", "-e", "production", "--deployment", "4711"], {
      PRODUCTION_DATABRICKS_TOKEN: scenario.world.env.DATABRICKS_TOKEN ?? "",
      PRODUCTION_REDIS_URL: scenario.world.redisUrl,
    });
    expect(ran.exitCode).toBe(1);
    expect(ran.check("databricks.read-only")).toMatchObject({ verdict: "failed", observed: expect.stringContaining("MODIFY") });
    expect(ran.check("redis.read-only")).toMatchObject({ verdict: "failed" });
  });

  test("a stage without evidence of the previous stage does not start", async () => {
    const ran = await scenario.run(integration);
    expect(ran.exitCode).toBe(3);
    expect(ran.output).toMatch(
      /Refused to start: integration needs passed evidence of preflight: there is none for local\. Run preflight first\./,
    );
    expect(ran.reports.integration).toMatchObject({ verdict: "error", servers: [], commands: [] });
    expect(scenario.statements().filter((statement) => statement.sql.includes("env-actions"))).toEqual([]);
  });
});

describe("a broken application", () => {
  test("failing tests fail the stage, are named, and their data is deleted", async () => {
    await afterPreflight();
    const ran = await scenario.run(integration, { CLASSROOM_BREAK: "failing-test" });
    expect(ran.exitCode).toBe(1);
    expect(ran.reports.integration?.verdict).toBe("failed");
    expect(ran.output).toMatch(/✘ .*fails on purpose \(1\)/);
    expect(await scenario.traces()).toEqual([]);
  });

  test("a suite that crashes while loading fails the stage, although every test that ran passed", async () => {
    await afterPreflight();
    // Beside two files of the suite, because the verdict does not depend on how many passed.
    const ran = await scenario.run([...integration, "--command", "vitest run auth sessions breakages"], {
      CLASSROOM_BREAK: "crashed-suite",
    });
    expect(ran.exitCode).toBe(1);
    expect(ran.reports.integration?.tests).toMatchObject({ failed: 0, passed: expect.toSatisfy((count: number) => count > 5) });
    expect(ran.check("tests.suites-loaded")).toMatchObject({
      verdict: "failed",
      message: expect.stringMatching(/crashed\.test\.ts.*crashes on purpose/s),
    });
    expect(await scenario.traces()).toEqual([]);
  });

  test("a server that dies at its start fails the stage at once, with its last output", async () => {
    const ran = await scenario.run(preflight, { CLASSROOM_BREAK: "backend-dies" });
    expect(ran.exitCode).toBe(1);
    expect(ran.check("application")).toMatchObject({ verdict: "failed", message: expect.stringContaining("backend") });
    expect(ran.output).toContain("the backend dies on purpose");
    expect(await scenario.traces()).toEqual([]);
  });

  test("a server that dies during the tests stops them, fails the stage, and is named as the cause", async () => {
    await afterPreflight();
    const ran = await scenario.run([...integration, "--command", "node -e 'setTimeout(() => {}, 60000)'"], {
      CLASSROOM_BREAK: "backend-dies-after:4",
    });
    expect(ran.exitCode).toBe(1);
    expect(ran.check("application")).toMatchObject({
      title: "Application keeps running",
      verdict: "failed",
      message: expect.stringMatching(/^server backend ended with exit code 1 .*Its log: .*backend\.log/),
    });
    // What the tests that were stopped would have found is not known.
    expect(ran.check("tests.server")).toMatchObject({
      verdict: "error",
      message: expect.stringMatching(/server backend ended with exit code 1 while the tests ran/),
    });
    expect(ran.output).toContain("the backend dies on purpose");
    expect(await scenario.traces()).toEqual([]);
  });

  test("a command that runs no test fails the stage, although it exits with 0", async () => {
    await afterPreflight();
    const ran = await scenario.run([...integration, "--command", "true"]);
    expect(ran.exitCode).toBe(1);
    expect(ran.check("tests.report")).toMatchObject({ verdict: "failed" });
  });
});

describe("a broken environment", () => {
  test("a stopped Redis is an error, because it could not be checked", async () => {
    const own = await scenarioInOwnWorld();
    await own.world.stopRedis();
    const ran = await own.run(preflight);
    expect(ran.exitCode).toBe(3);
    expect(ran.check("redis.ping") ?? ran.check("application")).toMatchObject({
      message: expect.stringMatching(/Redis does not answer|ECONNREFUSED|backend/),
    });
  });

  test("a wrong token is an error with the fix", async () => {
    const ran = await scenario.run(preflight, { DATABRICKS_TOKEN: "dapi-this-is-not-the-token" });
    expect(ran.exitCode).toBe(3);
    // The API fails as well, and may only suffer from the same.
    expect(ran.check("api.get-api-v1-health") ?? ran.check("api.api-v1-health")).toMatchObject({ verdict: "error" });
    expect(ran.check("databricks.connect")).toMatchObject({
      verdict: "error",
      message: expect.stringMatching(/refused the token.*Check DATABRICKS_TOKEN/),
    });
    expect(ran.output).not.toContain("dapi-this-is-not-the-token");
  });

  test("a warehouse that never wakes is an error within the budget, and the report says so", async () => {
    const own = await scenarioInOwnWorld();
    own.world.warehouse.faults.neverWakes = true;
    const ran = await own.run([...preflight, "--verbose", "--budget", "12s"]);
    expect(ran.exitCode).toBe(3);
    expect(ran.output).toMatch(/the warehouse is stopped/);
    expect(ran.check("databricks.connect")).toMatchObject({
      verdict: "error",
      message: expect.stringMatching(/had not started|did not start/),
    });
    expect(ran.reports.preflight?.problems).toEqual([expect.stringMatching(/budget of 12 s was used up/)]);
    expect(await own.traces()).toEqual([]);
  });

  test("the wrong host fails before anything is written or started", async () => {
    await afterPreflight();
    const ran = await scenario.run(integration, {
      DATABRICKS_HOST: scenario.world.warehouse.host.replace("localhost", "127.0.0.1"),
    });
    expect(ran.exitCode).not.toBe(0);
    expect(ran.reports.integration).toMatchObject({ commands: [], servers: [] });
    expect(ran.check("identity")).toMatchObject({
      message: "EA2001: Databricks host: expected localhost, got 127.0.0.1 (nothing was sent)",
    });
    expect(await scenario.traces()).toEqual([]);
  });
});

describe("an interrupted run", () => {
  test("Ctrl-C during the tests ends tests and servers, and deletes the test data", async () => {
    await afterPreflight();
    const makeOneAndWait = `node -e '
      const { ENV_ACTIONS_PREFIX: prefix, E2E_BACKEND_URL: backend, TEST_TOKEN_SECRET: secretKey } = process.env;
      (async () => {
        const post = (path, body, headers) => fetch(backend + path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) }).then((r) => r.json());
        const { tokens } = await post("/api/v1/auth/generate-test-token", { secretKey, teacherId: prefix + "_teacher" });
        const made = await post("/api/v1/sessions", { title: prefix + " interrupted" }, { authorization: "Bearer " + tokens.accessToken });
        console.log("made", JSON.stringify(made).slice(0, 300));
        setTimeout(() => {}, 60000);
      })();'`;
    let interrupted = false;
    const ran = await scenario.run([...integration, "--verbose", "--command", makeOneAndWait], {}, (output, interrupt) => {
      if (interrupted || !output.includes("tests: made")) return;
      interrupted = true;
      interrupt();
    });
    expect(interrupted).toBe(true);
    expect(ran.exitCode).not.toBe(0);
    expect(ran.reports.integration?.problems).toContain("the run was cancelled");
    expect(ran.reports.integration?.cleanup?.deletedRows).toBeGreaterThan(0);
    expect(await scenario.traces()).toEqual([]);
  });
});
