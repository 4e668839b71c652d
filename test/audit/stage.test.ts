import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { performStage, type StageAnswer } from "../../src/app/run-stage.ts";
import type { Progress, StageReport } from "../../src/model/report.ts";
import { type Cloud, productionTable, startCloud, tablesWithRows } from "../actions/cloud.ts";
import { auditReport, auditVerify } from "../harness/audit.ts";

/** What a stage that really deletes writes to the log, and what happens if it cannot. */

const runId = `${Date.now()}_1a2b3c4d`;
const sessions = "sessions.classroom_sessions";

let cloud: Cloud;
let redis: Redis;
let workspace: string;
beforeAll(async () => {
  cloud = await startCloud();
  redis = new Redis(cloud.redis.url);
});
afterAll(async () => {
  redis?.disconnect();
  await cloud?.stop();
});
beforeEach(async () => {
  workspace = mkdtempSync(join(tmpdir(), "audit-stage-"));
  cpSync(join(import.meta.dirname, "../actions/consumer"), workspace, { recursive: true });
  await cloud.warehouse.load(
    `INSERT INTO classwaves.${sessions} (id, title) VALUES ('integration_test_${runId}_a', 'x'), ('integration_test_${runId}_b', 'y')`,
  );
  await redis.set(`cw:test:integration_test_${runId}_code`, "42", "EX", 600);
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

async function cleanup(
  execute = true,
  during: (progress: Progress) => void = () => undefined,
  scope: "run" | "expired" = "run",
): Promise<StageAnswer & { said: Progress[] }> {
  const said: Progress[] = [];
  const answer = await performStage({
    stage: "cleanup",
    workspace,
    configFile: ".github/env-actions.yml",
    overrides: { scope, execute },
    env: {
      ...process.env,
      ...cloud.variables,
      ...cloud.secrets,
      GITHUB_ACTIONS: "",
      ...(scope === "run" ? { ENV_ACTIONS_RUN_ID: runId } : {}),
    },
    cancel: new AbortController().signal,
    onProgress(progress) {
      said.push(progress);
      during(progress);
    },
    onSecret: () => undefined,
  });
  return { ...answer, said };
}

async function expectAllDeleted(): Promise<void> {
  expect(await tablesWithRows(cloud.warehouse)).toEqual([productionTable]);
  expect(await redis.dbsize()).toBe(0);
}

test("the report shows what a real cleanup planned, deleted and left, from the log alone", async () => {
  await cleanup(false);
  const { report } = await cleanup();
  expect(report).toMatchObject({ verdict: "passed", problems: [] });
  await expectAllDeleted();
  const { ok, text } = await auditReport(workspace, runId);
  expect(ok).toBe(true);
  const shown = text.replaceAll(/ {2,}/g, " ");
  for (const line of [
    `run ${runId} in sandbox, by `,
    "cleanup passed",
    "shown by cleanup (scope run, digest ",
    `planned by cleanup (scope run, digest ${report.cleanup?.digest.slice(0, 12)})\n ${sessions} 2 rows\n Redis 1 key`,
    `${sessions} 2 of 2 rows, version `,
    `DELETE FROM ${sessions} WHERE `,
    "Redis 1 of 1 key",
    "nothing, checked by cleanup at ",
  ])
    expect(shown).toContain(line);
  expect(readFileSync(join(workspace, ".env-actions/audit.jsonl"), "utf8")).not.toContain(cloud.secrets.DATABRICKS_TOKEN);
});

test("the plan is in the log before anything is deleted", async () => {
  const planned: boolean[] = [];
  await cleanup(true, (progress) => {
    if (progress.kind !== "step" || !progress.text.startsWith("deleting")) return;
    planned.push(readFileSync(join(workspace, ".env-actions/audit.jsonl"), "utf8").includes('"what":"plan"'));
  });
  expect(planned.length).toBeGreaterThan(0);
  expect(planned).not.toContain(false);
});

test("a log that cannot be written stops no deletion half way, and the stage doesn't pass", async () => {
  mkdirSync(join(workspace, ".env-actions/audit.jsonl"), { recursive: true });
  const { report, files, said } = await cleanup();
  await expectAllDeleted();
  expect(report).toMatchObject({ verdict: "error", cleanup: { leftOver: 0, deletedRows: 2 } });
  expect(report.problems).toEqual([expect.stringMatching(/^EA8004: the audit log could not be written: EISDIR/)]);
  expect((JSON.parse(readFileSync(files.report, "utf8")) as StageReport).problems).toEqual(report.problems);
  expect(said.find(({ kind }) => kind === "stage-finished")).toMatchObject({ report: { verdict: "error" } });
});

test("a sweep, which deletes data of others, does not begin without a record of its plan", async () => {
  const old = `integration_test_${Date.now() - 86_400_000}_1a2b3c4d`;
  await cloud.warehouse.load(`INSERT INTO classwaves.${sessions} (id, title) VALUES ('${old}_a', 'x')`);
  const rows = () => cloud.warehouse.query(`SELECT count(*)::INT AS n FROM classwaves.${sessions} WHERE id LIKE '${old}%'`);
  mkdirSync(join(workspace, ".env-actions/audit.jsonl"), { recursive: true });
  const { report } = await cleanup(true, undefined, "expired");
  expect(await rows()).toEqual([{ n: 1 }]);
  expect(["failed", "error"]).toContain(report.verdict);
  expect(report.checks.map(({ message }) => message).join()).toMatch(
    /nothing was deleted, because the audit log has no line of the plan: .*EISDIR/,
  );
  rmSync(join(workspace, ".env-actions/audit.jsonl"), { recursive: true });
  await cleanup(true, undefined, "expired");
  expect(await rows()).toEqual([{ n: 0 }]);
  // Younger data is no matter of a sweep.
  await cleanup();
  await expectAllDeleted();
});

test("nor does it pass if only the last line, the verdict, cannot be written", async () => {
  const { report, files, said } = await cleanup(true, ({ kind }) => {
    if (kind !== "stage-finished") return;
    rmSync(join(workspace, ".env-actions/audit.jsonl"));
    mkdirSync(join(workspace, ".env-actions/audit.jsonl"));
  });
  expect(said.find(({ kind }) => kind === "stage-finished")).toMatchObject({ report: { verdict: "passed" } });
  expect(report).toMatchObject({ verdict: "error", reason: expect.stringContaining("EISDIR"), problems: [report.reason] });
  expect((JSON.parse(readFileSync(files.report, "utf8")) as StageReport).verdict).toBe("error");
  expect(said.at(-1)).toMatchObject({ kind: "warning", text: report.reason });
});

test("two simultaneous stages in one workspace write one valid chain", async () => {
  const answers = await Promise.all([cleanup(), cleanup(false), cleanup()]);
  expect(answers.map(({ report }) => report.problems)).toEqual([[], [], []]);
  expect(await auditVerify(workspace)).toMatchObject({ ok: true });
  const { json } = await auditReport(workspace, runId);
  expect(json).toMatchObject({ runs: [{ verdicts: [{}, {}, {}], planned: [{}, {}, {}] }] });
});
