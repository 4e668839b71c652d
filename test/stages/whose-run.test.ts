import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Begun, StageRequest } from "../../src/app/run-stage.ts";
import type { ArtifactService } from "../../src/github/artifacts.ts";
import { startOf } from "../../src/lib/linux-proc.ts";
import { thisProcess } from "../../src/lib/lock-file.ts";
import type { Evidence } from "../../src/model/report.ts";
import { UserError } from "../../src/model/user-error.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { performIn } from "../harness/stage.ts";

/** Which run an execution of a stage is, and whose test data it may delete: on an environment that has neither warehouse nor Redis. */

const folder = folderForEachTest();
let workspace: string;
beforeEach(async () => {
  workspace = folder.path;
  const report = "const { writeFileSync } = await import('node:fs');";
  const junit = '<testsuite name="s"><testcase name="works" time="0.01"/></testsuite>';
  await writeFile(
    join(workspace, "tests.mjs"),
    `${report} writeFileSync("r.xml", ${JSON.stringify(junit)}); console.log("ran", process.env.ENV_ACTIONS_RUN_ID);`,
  );
  await writeFile(
    join(workspace, "config.yml"),
    JSON.stringify({
      version: 1,
      environments: { here: { access: "test-data", variables: ["HOME"] } },
      stages: { integration: { command: "node tests.mjs", reports: ["r.xml"] } },
    }),
  );
});

const runner = {
  GITHUB_ACTIONS: "true",
  GITHUB_REPOSITORY: "classwaves/app",
  GITHUB_RUN_ID: "77",
  GITHUB_SHA: "a".repeat(40),
  GITHUB_JOB: "tests",
};

async function perform(stage: StageRequest["stage"], more: Partial<StageRequest> = {}) {
  const begun: Begun[] = [];
  const answer = await performIn(workspace, {
    onBegin: (one) => void begun.push(one),
    ...more,
    stage,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...more.env },
  });
  return { ...answer, begun };
}

const records = (...path: string[]) => join(workspace, ".env-actions", ...path);
const cleanupOfRun = { overrides: { scope: "run" as const, execute: true } };

describe("on a runner", () => {
  test("matrix cells in one folder have their own run id, ledger, logs, report and evidence, and share one gate id", async () => {
    const preflight = await perform("preflight", { env: runner });
    const cells = await Promise.all(["shard=1", "shard=2"].map((cell) => perform("integration", { env: runner, cell })));
    const all = [preflight, ...cells];
    expect(all.map(({ report }) => report.verdict)).toEqual(["passed", "passed", "passed"]);
    expect(new Set(all.map(({ report }) => report.runId)).size).toBe(3);
    expect(new Set(all.map(({ report }) => report.gateId))).toEqual(new Set(["github-77"]));
    for (const { report, files } of cells) {
      const { runId, origin } = report;
      expect(JSON.parse(await readFile(files.report, "utf8"))).toMatchObject({
        runId,
        origin: { job: "tests", cell: origin.cell },
      });
      expect(await readFile(records("logs", runId, "integration-tests.log"), "utf8")).toContain(`ran ${runId}`);
      await readFile(records("ledger", `${runId}.jsonl`));
      const evidence = JSON.parse(await readFile(records("evidence", `integration-here-${runId}.json`), "utf8")) as Evidence;
      expect(evidence).toMatchObject({ gateId: "github-77", origin: { job: "tests", cell: origin.cell } });
    }
    // Whoever wrote it last has seen the other.
    const summary = await readFile(records("summary.md"), "utf8");
    for (const cell of ["shard=1", "shard=2"]) expect(summary).toContain(cell);
  });

  test.each(["preflight", "integration", "e2e", "smoke"] as const)(
    "%s refuses ENV_ACTIONS_RUN_ID, because every cell would share it",
    async (stage) => {
      const named = perform(stage, { env: { ...runner, ENV_ACTIONS_RUN_ID: `${Date.now()}_0a0b0c0d` } });
      await expect(named).rejects.toThrow(UserError);
      await expect(named).rejects.toThrow(
        /on a runner every \w+ gets its own run id.*Remove it from `env`; the output `run-id` has the id/,
      );
    },
  );

  test("what the post step needs is saved before anything runs, with the configuration", async () => {
    await perform("preflight", { env: runner });
    const order: string[] = [];
    const { report, begun } = await perform("integration", {
      env: runner,
      onBegin: () => order.push("begun"),
      onProgress: (progress) => progress.kind === "stage-started" && order.push("started"),
    });
    expect(order).toEqual(["begun", "started"]);
    expect(begun).toEqual([]);
    const again = await perform("preflight", { env: runner });
    expect(again.begun).toMatchObject([
      {
        runId: again.report.runId,
        gateId: report.gateId,
        environment: "here",
        configText: expect.stringContaining("node tests.mjs"),
      },
    ]);
  });

  test("the post step of a cancelled and killed stage reports both and replaces the evidence", async () => {
    await perform("preflight", { env: runner });
    const { report, begun } = await perform("integration", { env: runner });
    const [one] = begun;
    if (!one) throw new Error("it has not begun");
    const known = { cancelledBy: "SIGINT", stillRan: "What integration started were still running, and were stopped." };
    const after = await perform("integration", { env: runner, cutShort: { ...one, ...known } });
    expect(after.report).toMatchObject({
      verdict: "error",
      reason: expect.stringMatching(
        /^Cut short: The job was cancelled \(SIGINT\), and the runner killed integration before it had cleaned up\. What integration started were still running/,
      ),
      runId: report.runId,
      startedAt: one.startedAt,
    });
    const e2e = await perform("e2e", { env: runner });
    expect(e2e.report.reason).toMatch(/integration ended with error/);
  });

  test("scope run in a later step cleans this job's runs and ended runs, and no running cell", async () => {
    const cell = "shard=1";
    await perform("preflight", { env: runner, cell });
    const mine = await perform("integration", { env: runner, cell });
    const other = await noteUnderWay({ gateId: "github-77", origin: { workflowRun: "77", job: "tests", cell: "shard=2" } });
    const { report } = await perform("cleanup", { ...cleanupOfRun, env: runner, cell });
    expect(report.cleanup?.runs).toContain(mine.report.runId);
    expect(report.cleanup?.runs).not.toContain(other);
    expect(report).toMatchObject(nothingThere);
  });

  test("unreadable evidence blocks the gate, because it may be of a failed cell", async () => {
    await perform("preflight", { env: runner });
    const artifacts: ArtifactService = {
      list: async () => [{ name: "env-actions-preflight-here-1-1763920000000_0a0b0c0d", size: 1 }],
      download: async () => [],
      upload: async () => undefined,
    };
    const { report } = await perform("integration", { env: runner, artifacts });
    expect(report).toMatchObject({
      verdict: "error",
      reason: expect.stringMatching(/from every job and cell, and this evidence cannot be read: env-actions-preflight-here/),
    });
  });

  test("evidence that can't be listed blocks the gate", async () => {
    await perform("preflight", { env: runner });
    const artifacts: ArtifactService = {
      list: () => Promise.reject(new Error("HTTP 503")),
      download: async () => [],
      upload: async () => undefined,
    };
    const { report } = await perform("integration", { env: runner, artifacts });
    expect(report).toMatchObject({
      verdict: "error",
      reason: expect.stringMatching(/cannot be read: the list of this workflow run's artifacts\. Try again/),
    });
  });
});

/** This environment has no warehouse and no Redis: nothing is said to be gone there. */
const nothingThere = { verdict: "error", reason: expect.stringContaining("no check has run") };

function runOf(gateId: string | undefined): object {
  return { gateId, stage: "integration", environment: "here", origin: {}, process: thisProcess() };
}

/** An execution of another process that still lives: the one that started this. */
async function noteUnderWay(more: { gateId: string; origin: object; runId?: string; process?: object }): Promise<string> {
  const runId = more.runId ?? `${Date.now()}_ffffffff`;
  const living = { ...thisProcess(), pid: process.ppid, start: startOf(process.ppid) ?? "" };
  await mkdir(records("runs"), { recursive: true });
  await writeFile(
    records("runs", `${runId}.json`),
    JSON.stringify({ runId, stage: "integration", environment: "here", process: living, ...more }),
  );
  return runId;
}

describe("in a terminal", () => {
  test("each execution has its own run id, and the gate id is preflight's", async () => {
    const preflight = await perform("preflight");
    const [first, second] = [await perform("integration"), await perform("integration")];
    expect(new Set([preflight, first, second].map(({ report }) => report.runId)).size).toBe(3);
    for (const { report } of [preflight, first, second])
      expect(report).toMatchObject({ verdict: "passed", gateId: preflight.report.runId });
    const later = await perform("preflight");
    expect(later.report.gateId).not.toBe(preflight.report.gateId);
  });

  test("a second gate in the same folder takes no stage of the first", async () => {
    const mine = await perform("preflight");
    await perform("preflight");
    const { report } = await perform("integration", { gateId: mine.report.gateId ?? "" });
    expect(report).toMatchObject({ verdict: "passed", gateId: mine.report.gateId });
  });

  test("scope run cleans every stage of the gate, and reports stages that still run instead", async () => {
    const preflight = await perform("preflight");
    const runs = [await perform("integration"), await perform("integration")].map(({ report }) => report.runId);
    expect((await perform("cleanup", cleanupOfRun)).report).toMatchObject({ ...nothingThere, cleanup: { runs } });
    const busy = await noteUnderWay({ gateId: preflight.report.runId, origin: {} });
    const { report } = await perform("cleanup", cleanupOfRun);
    expect(report).toMatchObject({
      verdict: "failed",
      cleanup: { runs, problems: [expect.stringContaining(`run ${busy} of integration is still in progress`)] },
    });
  });

  test("a run id of long ago is refused, because every production row would look recent", async () => {
    const forged = "1400000000000_0a0b0c0d";
    const preflight = await perform("preflight");
    await perform("integration");
    await writeFile(
      records("runs", `${forged}.json`),
      JSON.stringify({ ...runOf(preflight.report.gateId), runId: forged, finishedAt: new Date().toISOString() }),
    );
    const { report } = await perform("cleanup", cleanupOfRun);
    expect(report.cleanup?.runs).not.toContain(forged);
    expect(report.cleanup?.problems).toEqual([expect.stringMatching(`names run ${forged}, which was not cleaned up`)]);
    const state = { runId: forged, gateId: "github-77", environment: "here", startedAt: new Date().toISOString() };
    const post = perform("integration", {
      cutShort: { ...state, configText: undefined, cancelledBy: undefined, stillRan: undefined },
    });
    await expect(post).rejects.toThrow(/names a run that cannot belong to this job/);
  });

  test("a named run that is still running is neither joined nor cleaned", async () => {
    await perform("preflight");
    const busy = await noteUnderWay({ gateId: "1", origin: {} });
    for (const stage of ["integration", "cleanup"] as const) {
      const named = perform(stage, { ...cleanupOfRun, env: { ENV_ACTIONS_RUN_ID: busy } });
      await expect(named).rejects.toThrow(
        new RegExp(`^run ${busy} is in progress: process ${process.ppid} runs integration with this run id`),
      );
    }
  });

  test("a run in another container with the same process id is a different run", async () => {
    await perform("preflight");
    const busy = await noteUnderWay({ gateId: "1", origin: {}, process: { ...thisProcess(), place: "another container" } });
    for (const stage of ["integration", "cleanup"] as const)
      await expect(perform(stage, { ...cleanupOfRun, env: { ENV_ACTIONS_RUN_ID: busy } })).rejects.toThrow(/is in progress/);
  });

  test("scope run does not pass when the ledger is gone", async () => {
    await perform("preflight");
    const { report } = await perform("integration");
    await rm(records("ledger"), { recursive: true });
    const after = await perform("cleanup", cleanupOfRun);
    expect(after.report.verdict).toBe("failed");
    expect(after.report.cleanup?.problems).toEqual([expect.stringContaining("the ledger of this run is gone")]);
    expect(after.report.cleanup?.runs).toContain(report.runId);
  });

  test("a stage whose tests remove the ledger does not pass", async () => {
    await perform("preflight");
    const { report } = await perform("integration", { overrides: { command: "node tests.mjs && rm -r .env-actions/ledger" } });
    expect(report).toMatchObject({ verdict: "failed", reason: expect.stringContaining("the ledger of this run is gone") });
  });

  test.each<[string, unknown]>([
    ["nothing", null],
    ["no object", 7],
    ["an execution without an origin", { stage: "integration", environment: "here", process: {} }],
    ["a path in place of a stage", { ...runOf("1"), stage: "../../precious/x" }],
    ["a path in place of an environment", { ...runOf("1"), environment: "/../../../precious/x" }],
    ["another run than its name", { ...runOf("1"), runId: "../../precious" }],
  ])("a run file with %s is ignored and removes nothing", async (_, content) => {
    const old = `${Date.now() - 8 * 86_400_000}_0a0b0c0d`;
    const precious = join(workspace, "precious", `x-${old}`);
    await mkdir(precious, { recursive: true });
    await mkdir(records("runs"), { recursive: true });
    await mkdir(records("attachments"), { recursive: true });
    const ended = { runId: old, finishedAt: "2026-01-01T00:00:00Z" };
    const named = typeof content === "object" && content !== null ? { ...ended, ...content } : content;
    await writeFile(records("runs", `${old}.json`), JSON.stringify(named));
    await perform("preflight");
    expect((await perform("integration")).report.verdict).toBe("passed");
    expect(await readdir(join(workspace, "precious"))).toEqual([`x-${old}`]);
  });

  test("old executions and the previous run's screenshots are removed", async () => {
    const old = `${Date.now() - 8 * 86_400_000}_0a0b0c0d`;
    const ended = { gateId: old, environment: "here", origin: {}, process: thisProcess(), finishedAt: "2026-01-01T00:00:00Z" };
    for (const [folder, file] of [
      ["runs", `${old}.json`],
      ["logs", `${old}/x.log`],
      ["reports", `preflight-${old}.json`],
      ["evidence", `preflight-here-${old}.json`],
      ["start", `${old}.json`],
      ["summaries", `preflight-${old}.md`],
      ["tokens", `preflight-${old}.json`],
      ["sign-ins", `${old}.preflight.jsonl`],
      ["ledger", `${old}.jsonl`],
    ] as const) {
      await mkdir(join(records(folder, file), ".."), { recursive: true });
      await writeFile(records(folder, file), JSON.stringify({ ...ended, runId: old, stage: "preflight" }));
    }
    await perform("preflight");
    const { report } = await perform("integration");
    await mkdir(records("attachments", `integration-${report.runId}`), { recursive: true });
    await perform("integration");
    expect(await readdir(records("attachments"))).toEqual([]);
    const left = (await readdir(records(), { recursive: true })).filter((name) => name.includes(old));
    // It may be all that names what a lost run left.
    expect(left).toEqual([join("ledger", `${old}.jsonl`)]);
  });
});
