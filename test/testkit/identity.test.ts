import { afterAll, describe, expect, test } from "vitest";
import { timeInId } from "../../src/cleanup/ownership/age.ts";
import { isRunId, runPrefix } from "../../src/cleanup/run-id.ts";
import { selectEnvironment } from "../../src/config/load.ts";
import { childEnvironment, runPrefixes } from "../../src/stages/child-environment.ts";
import { cleanupRequest } from "../../src/stages/cleanup-request.ts";
import type { StageContext } from "../../src/stages/context.ts";
import { load, minimal } from "../config/file.ts";
import { makeProject, prefix, runId } from "./project.ts";

/** Ids of tests must begin with exactly the prefixes that cleanup searches for. Each id is compared with what cleanup uses. */

const project = makeProject();
afterAll(() => project.remove());

/** The result of each call or, after `! `, its error. */
async function calls(code: readonly string[], env: Record<string, string>): Promise<string[]> {
  const each = code.map((call) => `() => ${call}`).join(", ");
  const { stdout, stderr } = await project.node(
    `import { ledger, prefix, runId, testId } from "@classwaves/env-actions/testkit";
    const told = [${each}].map((call) => { try { return String(call()); } catch (error) { return "! " + error.message; } });
    console.log(JSON.stringify(told));`,
    env,
  );
  expect(stderr).toBe("");
  return JSON.parse(stdout) as string[];
}

async function contextOf(below = ""): Promise<StageContext> {
  const { config } = await load(minimal({ below }));
  const { name, environment } = selectEnvironment(config, undefined);
  const run = { stage: "integration", runId, runStarted: 1763920000000, records: project.folder, env: {} } as const;
  return { ...run, config, tables: {}, environment: { ...environment, name } } as unknown as StageContext;
}

/** The prefixes that scope `run` searches for. */
async function soughtBy(context: StageContext): Promise<string[]> {
  const { testData } = await cleanupRequest(context, "run", { tracked: false });
  return testData.prefixes.map((listed) => runPrefix(listed, context.runId));
}

describe("in a run", () => {
  test("every listed prefix makes ids that this run's cleanup finds, even without the last character of the prefix", async () => {
    const context = await contextOf();
    const { prefixes } = context.config.testData;
    expect(prefixes).toEqual(expect.arrayContaining(["integration_test_", "e2e-session-"]));
    const given = prefixes.flatMap((listed) => [listed, listed.slice(0, -1)]);
    const ids = await calls(
      given.map((each) => `testId(${JSON.stringify(each)})`),
      childEnvironment(context, {}),
    );
    const sought = await soughtBy(context);
    ids.forEach((id, index) => {
      const listed = prefixes[Math.floor(index / 2)] ?? "";
      expect(id).toMatch(new RegExp(`^${listed}${runId}_[0-9a-f]{16}$`));
      expect(sought).toContain(`${listed}${runId}`);
      expect(timeInId(id, Date.now())).toBe(1763920000000);
    });
    expect(new Set(ids).size).toBe(given.length);
  });

  test("without a prefix, an id begins with the stage's prefix, even if that is longer than the listed one", async () => {
    const context = await contextOf("stages:\n  integration: { prefix: integration_test_nightly_ }\n");
    const [own, whole, withEnd] = await calls(
      ["testId()", "testId(prefix)", "testId(prefix + '_')"],
      childEnvironment(context, {}),
    );
    for (const id of [own, whole, withEnd]) expect(id).toMatch(new RegExp(`^integration_test_nightly_${runId}_[0-9a-f]{16}$`));
    expect((await soughtBy(context)).some((sought) => own?.startsWith(sought))).toBe(true);
    expect(runPrefixes(context.config)).toContain("integration_test_nightly_");
  });

  test("a prefix that cleanup would not find is refused, with the list of prefixes that it finds", async () => {
    const env = childEnvironment(await contextOf(), {});
    const [other, longer] = await calls(["testId('student')", "testId('e2e_test_teacher')"], env);
    expect(other).toBe(
      `! env-actions: cleanup would not find ids that begin with "student": testData.prefixes lists ${env.ENV_ACTIONS_PREFIXES?.replaceAll(" ", ", ")}`,
    );
    expect(longer).toMatch(/^! env-actions: cleanup would not find/);
  });

  test("runId, prefix and ledger are those of the run", async () => {
    const env = childEnvironment(await contextOf(), {});
    expect(await calls(["runId", "prefix", "ledger"], env)).toEqual([runId, prefix, `${project.folder}/ledger/${runId}.jsonl`]);
  });

  test("the run's id comes from the prefix if only the prefix is set", async () => {
    expect(await calls(["runId"], { ENV_ACTIONS_PREFIX: "e2e_test_1763920000000_0a0b0c0d" })).toEqual(["1763920000000_0a0b0c0d"]);
  });

  test("an invalid run id stops the tests before they create anything", async () => {
    const code = 'require("@classwaves/env-actions/testkit")';
    const { status, stderr } = await project.node(code, { ENV_ACTIONS_RUN_ID: "undefined" });
    expect(status).toBe(1);
    expect(stderr).toContain('ENV_ACTIONS_RUN_ID is "undefined", which is no run\'s id');
  });
});

describe("inside and outside of a run", () => {
  test.each([
    ["test_", "is shorter than 6 characters"],
    ["", "is shorter than 6 characters"],
    ["integration%", "has a wildcard, quote, backslash or space in it"],
    ["integration*", "has a wildcard"],
    ["integration?", "has a wildcard"],
    ["integration[a]", "has a wildcard"],
    ["integration\\_", "has a wildcard"],
    ["integration test", "has a wildcard"],
    ["integration'test", "has a wildcard"],
  ])("the prefix %j is refused", async (given, why) => {
    const [told] = await calls([`testId(${JSON.stringify(given)})`], {});
    expect(told).toMatch(/^! env-actions: the prefix /);
    expect(told).toContain(why);
  });

  test("a prefix that is no text is refused", async () => {
    expect(await calls(["testId(7)", "testId(null)"], {})).toEqual([
      "! env-actions: the prefix is of type number, and must be a text",
      "! env-actions: the prefix is null, and must be a text",
    ]);
  });
});

describe("outside of a run", () => {
  test("ids have the same shape, and one run id for the whole process, as ES module and as CommonJS", async () => {
    const { stdout, stderr } = await project.node(
      `import { createRequire } from "node:module";
      import { ledger, prefix, runId, testId } from "@classwaves/env-actions/testkit";
      const other = createRequire(process.cwd() + "/x.js")("env-actions/testkit");
      console.log(JSON.stringify({ runId, other: other.runId, prefix, ledger, ids: [testId(), testId("e2e-session-"), other.testId("perf_test")] }));`,
    );
    expect(stderr).toBe("");
    const told = JSON.parse(stdout) as { runId: string; other: string; prefix: string; ledger?: string; ids: string[] };
    expect(isRunId(told.runId)).toBe(true);
    expect(told).toMatchObject({ other: told.runId, prefix: `integration_test_${told.runId}` });
    expect(told.ledger).toBeUndefined();
    const beginnings = ["integration_test_", "e2e-session-", "perf_test_"];
    expect(told.ids).toEqual(
      beginnings.map((listed) => expect.stringMatching(new RegExp(`^${listed}${told.runId}_[0-9a-f]{16}$`))),
    );
  });
});

test("a hundred thousand ids, made by processes and threads of one run at the same time, are all different", async () => {
  const code = `
    const { isMainThread, parentPort, Worker } = require("node:worker_threads");
    const { testId } = require("@classwaves/env-actions/testkit");
    const make = () => Array.from({ length: 5000 }, () => testId());
    if (isMainThread) {
      for (const id of make()) console.log(id);
      for (let n = 0; n < 4; n++) new Worker(__filename).on("message", (ids) => { for (const id of ids) console.log(id); });
    } else parentPort.postMessage(make());`;
  project.write({ "many.cjs": code });
  const runs = await Promise.all([1, 2, 3, 4].map(() => project.run(process.execPath, ["many.cjs"], project.identity)));
  const ids = runs.flatMap(({ stdout }) => stdout.trim().split("\n"));
  expect(ids).toHaveLength(100_000);
  expect(new Set(ids).size).toBe(100_000);
});
