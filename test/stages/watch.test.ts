import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readArguments } from "../../src/cli/arguments.ts";
import { folderStore } from "../../src/history/store/folder.ts";
import { parseReport } from "../../src/report/schema.ts";
import { type Api, json, serve } from "../checks/api.ts";
import { folderForThisTest } from "../harness/folder.ts";
import { performIn, type Stage } from "../harness/stage.ts";

/** Smoke as a watch: on a schedule or from a terminal, without a release that it follows. */

const notProven = "Not proven: that what is deployed is what was tested, because smoke follows nothing (stages.smoke.follows).";

const up = () => serve((_, response) => json(response, 200, {}));

function configOf({ url }: Pick<Api, "url">, smoke: object, environment: object = {}) {
  const api = { url, endpoints: [{ path: "/health" }], samples: 3 };
  return {
    preset: "none",
    environments: { production: { access: "read-only", api, ...environment } },
    stages: { integration: false, e2e: false, smoke },
  };
}

const watch = async (workspace: string, config: object, request: Partial<Stage> = {}) =>
  await performIn(workspace, { stage: "smoke", config, deployment: "", ...request });

const runner = (event: string) => ({
  GITHUB_ACTIONS: "true",
  GITHUB_EVENT_NAME: event,
  GITHUB_SHA: "a".repeat(40),
  GITHUB_REPOSITORY: "classwaves/app",
  GITHUB_RUN_ID: "77",
  GITHUB_JOB: "watch",
});

test("without a release smoke is refused, unless it follows nothing", async () => {
  const workspace = await folderForThisTest();
  const api = await up();
  const refused = await watch(workspace, configOf(api, {}));
  expect(refused.report.verdict).toBe("error");
  expect(refused.check("sequence")?.message).toBe(
    "Refused to start: smoke needs passed evidence of preflight: there is none for production. Run preflight first, or name the deployment that smoke follows. To check without either, set stages.smoke.follows to nothing.",
  );
  expect(api.seen).toEqual([]);

  const { report, check } = await watch(workspace, configOf(api, { follows: "nothing" }));
  expect(report).toMatchObject({ verdict: "passed", reason: "2 checks passed", follows: "nothing" });
  expect(check("sequence")).toMatchObject({ verdict: "skipped", message: notProven });
  expect(parseReport(JSON.stringify(report), "smoke.json")).toEqual(report);
});

test("an option of the terminal says the same, and nothing else", async () => {
  const { follows } = readArguments(["smoke", "--follows", "nothing"]);
  const { report } = await watch(await folderForThisTest(), configOf(await up(), {}), follows ? { follows } : {});
  expect(report).toMatchObject({ verdict: "passed", follows: "nothing" });
  expect(() => readArguments(["smoke", "--follows", "e2e"])).toThrow('--follows: expected nothing, got "e2e"');
  expect(() => readArguments(["gate", "--follows", "nothing"])).toThrow(/--follows is an option of smoke, not of "gate"/);
});

test("the summary and the page are those of a watch, not of a gate with stages missing", async () => {
  const workspace = await folderForThisTest();
  await watch(workspace, configOf(await up(), { follows: "nothing" }));
  const [summary, page] = await Promise.all(
    ["summary.md", "report.html"].map((name) => readFile(join(workspace, ".env-actions", name), "utf8")),
  );
  for (const text of [summary, page]) {
    expect(text).toContain("not proven that what is deployed is what was tested");
    expect(text).not.toMatch(/not run|gate is open|So far/i);
  }
  expect(page).toContain("Smoke, without evidence of a release: passed");
});

test("what it measures is kept for baselines, and a verdict that is bad rolls nothing back", async () => {
  const workspace = await folderForThisTest();
  let status = 200;
  const api = await serve((_, response) => json(response, status, {}));
  const environment = { rollback: { command: "touch rolled-back", terminal: true } };
  const config = configOf(api, { follows: "nothing", baseline: { criteria: { p95: "<= +10%" } } }, environment);
  await watch(workspace, config);
  const { records } = await folderStore(join(workspace, ".env-actions", "history"), workspace).all();
  expect(records[0]?.checks).toContainEqual(
    expect.objectContaining({ id: "api.health", latency: expect.objectContaining({ isBaseline: true }) }),
  );
  status = 500;
  const { report } = await watch(workspace, config);
  expect(report.verdict).toBe("failed");
  expect(report.rollback).toMatchObject({
    outcome: "not-fired",
    why: expect.stringMatching(/^smoke followed nothing, so it is unknown which release/),
  });
});

describe("on a runner", () => {
  test("a schedule is a watch", async () => {
    const { report, check } = await watch(await folderForThisTest(), configOf(await up(), { follows: "nothing" }), {
      env: runner("schedule"),
    });
    expect(report.verdict).toBe("passed");
    expect(check("sequence")?.verdict).toBe("skipped");
  });

  test.each(["deployment_status", "deployment"])("a %s that is not followed is a warning, whatever the score", async (event) => {
    const smoke = { follows: "nothing", score: { pass: "10%", warning: "5%" } };
    const { report, check } = await watch(await folderForThisTest(), configOf(await up(), smoke), { env: runner(event) });
    expect(report.verdict).toBe("degraded");
    expect(check("sequence")).toMatchObject({
      verdict: "degraded",
      observed: `started by ${event}, which it does not follow`,
      message: expect.stringContaining("set deployment to ${{ github.event.deployment.id }}"),
    });
  });

  test("a deployment that is named is verified all the same", async () => {
    const api = await up();
    const env = { ...runner("deployment_status"), GITHUB_API_URL: "http://127.0.0.1:1" };
    const { report, check } = await watch(await folderForThisTest(), configOf(api, { follows: "nothing" }), {
      env,
      deployment: "4711",
    });
    expect(report.verdict).toBe("error");
    expect(check("sequence")?.message).toMatch(/smoke should follow deployment 4711, but/);
    expect(api.seen).toEqual([]);
  });
});

describe("evidence of the same gate", () => {
  const stages = async (status: number) => {
    const workspace = await folderForThisTest();
    let now = status;
    const config = configOf(await serve((_, response) => json(response, now, {})), { follows: "nothing" });
    await performIn(workspace, { stage: "preflight", config });
    now = 200;
    return await watch(workspace, config);
  };

  test("proves it, if it opens the gate", async () => {
    const { report, check } = await stages(200);
    expect(report).toMatchObject({ verdict: "passed" });
    expect(report).not.toHaveProperty("follows");
    expect(check("sequence")).toBeUndefined();
  });

  test("is named, if it doesn't", async () => {
    const { report, check } = await stages(500);
    expect(report).toMatchObject({ verdict: "passed", follows: "nothing" });
    expect(check("sequence")?.message).toBe(
      `${notProven} Evidence was found, and does not count: smoke needs passed evidence of preflight: preflight ended with failed.`,
    );
  });
});
