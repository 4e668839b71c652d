import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { UndoResult } from "../../src/cleanup/undo/restore-rows.ts";
import type { StageReport } from "../../src/model/report.ts";
import { type Cloud, startCloud } from "../actions/cloud.ts";
import { makeRepository } from "../actions/workspace.ts";
import { freshBundle } from "../harness/process.ts";

/** Somebody swept too much, and takes it back in the terminal: first to see, then for good. What the warehouse holds is the proof. */

const old = Date.now() - 10 * 3_600_000;
const lesson = `integration_test_${old}_0a0b0c0d_lesson`;

let cloud: Cloud;
let workspace: string;

beforeAll(async () => {
  cloud = await startCloud();
  workspace = mkdtempSync(join(tmpdir(), "env-actions-undo-"));
  cpSync(join(import.meta.dirname, "../actions/consumer"), workspace, { recursive: true });
  makeRepository(workspace, {});
});
afterAll(async () => {
  await cloud?.stop();
  rmSync(workspace, { recursive: true, force: true });
});

async function run(...args: string[]) {
  const child = spawn(process.execPath, [freshBundle, ...args], {
    cwd: workspace,
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      HOME: process.env.HOME,
      ...cloud.variables,
      ...cloud.secrets,
    },
  });
  let [out, log] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out, log };
}

const report = ".env-actions/reports/cleanup.json";

beforeEach(async () => {
  rmSync(join(workspace, ".env-actions"), { recursive: true, force: true });
  await cloud.warehouse.load(`DELETE FROM classwaves.sessions.classroom_sessions; DELETE FROM classwaves.sessions.transcriptions;
    INSERT INTO classwaves.sessions.classroom_sessions (id, title) VALUES ('${lesson}', 'Maths'), ('real', 'Maths');
    INSERT INTO classwaves.sessions.transcriptions (id, session_id, content) VALUES ('t1', '${lesson}', 'so'), ('t2', 'real', 'so')`);
});

test("undo shows and restores what a sweep deleted, only once", async () => {
  const before = await cloud.warehouse.checksum();
  expect(await run("cleanup", "--scope", "expired", "--execute")).toMatchObject({ code: 0 });
  expect(await cloud.warehouse.checksum()).not.toEqual(before);

  const shown = await run("undo", report);
  expect(shown, shown.log).toMatchObject({ code: 0 });
  expect(shown.out).toMatch(/sessions\.classroom_sessions\s+of +1 deleted rows 1 can come back/);
  expect(shown.out).toContain("2 rows can be put back with --execute; nothing was written");
  expect(await cloud.warehouse.checksum()).not.toEqual(before);

  const undone = await run("undo", report, "--execute", "--json");
  expect(undone, undone.log).toMatchObject({ code: 0 });
  expect((JSON.parse(undone.out) as UndoResult).tables.map(({ table, restored }) => [table, restored]).sort()).toEqual([
    ["sessions.classroom_sessions", 1],
    ["sessions.transcriptions", 1],
  ]);
  expect(await cloud.warehouse.checksum()).toEqual(before);

  expect((await run("undo", report, "--execute")).out).toContain("nothing was put back");
  expect(await cloud.warehouse.checksum()).toEqual(before);
  const audit = await run("audit", "report");
  expect(audit).toMatchObject({ code: 0 });
  expect(audit.out).toMatch(/put back[\s\S]*sessions\.classroom_sessions/);
});

test("undo restores rows even if the audit log can't be written, and does not exit with 0", async () => {
  const before = await cloud.warehouse.checksum();
  expect(await run("cleanup", "--scope", "expired", "--execute")).toMatchObject({ code: 0 });
  const log = join(workspace, ".env-actions/audit.jsonl");
  rmSync(log);
  mkdirSync(log);
  const undone = await run("undo", report, "--execute", "--json");
  expect(undone, undone.log).toMatchObject({
    code: 1,
    log: expect.stringContaining("the audit log could not be written: EISDIR"),
  });
  expect(await cloud.warehouse.checksum()).toEqual(before);
  const result = JSON.parse(undone.out) as UndoResult;
  expect(result.problems).toEqual([expect.stringMatching(/^EA8004: the audit log could not be written: EISDIR/)]);
  expect(result.tables.map(({ restored, problem }) => [restored, problem])).toEqual([
    [1, undefined],
    [1, undefined],
  ]);
  expect(JSON.parse(readFileSync(join(workspace, ".env-actions/undo.json"), "utf8"))).toEqual(result);

  // Nor where the result itself cannot be written.
  rmSync(join(workspace, ".env-actions/undo.json"));
  mkdirSync(join(workspace, ".env-actions/undo.json"));
  rmSync(log, { recursive: true });
  const again = await run("undo", report);
  expect(again).toMatchObject({ code: 1, out: expect.stringContaining("undo.json could not be written: EISDIR") });
  expect(again.out).toContain("0 rows can be put back");
});

const mistakes: [name: string, args: string[], message: RegExp][] = [
  ["no report", [], /expected the report of the cleanup to undo after "undo"/],
  ["two reports", ["a", "b"], /unexpected argument "b" after "undo a": remove it/],
  ["a file that is not there", ["nowhere.json"], /nowhere\.json cannot be read: the file does not exist/],
  ["a file that is no report", ["integration.xml"], /integration\.xml is not JSON/],
  [
    "the report of a dry run",
    ["dry.json"],
    /deleted nothing: there is nothing to undo\. If a later run of cleanup replaced cleanup\.json, name cleanup-<run id>\.json/,
  ],
  ["another environment", ["good.json", "--environment", "production"], /is about the environment sandbox, not about production/],
  ["an environment that may only be read", ["good.json", "--config", "read-only.yml", "--execute"], /sandbox is read-only/],
];

test("every user error exits with 2, names the fix, and sends nothing", async () => {
  expect(await run("cleanup", "--scope", "expired", "--execute")).toMatchObject({ code: 0 });
  const good = JSON.parse(readFileSync(join(workspace, report), "utf8")) as StageReport;
  writeFileSync(join(workspace, "good.json"), JSON.stringify(good));
  writeFileSync(join(workspace, "dry.json"), JSON.stringify({ ...good, cleanup: { ...good.cleanup, dryRun: true } }));
  writeFileSync(join(workspace, "integration.xml"), "<testsuite/>");
  const config = readFileSync(join(workspace, ".github/env-actions.yml"), "utf8");
  writeFileSync(join(workspace, "read-only.yml"), config.replace("access: test-data", "access: read-only"));
  const seen = cloud.warehouse.statements.length;
  const ran = await Promise.all(mistakes.map(async ([name, args]) => ({ name, ...(await run("undo", ...args)) })));
  for (const [index, [name, , message]] of mistakes.entries())
    expect(ran[index]).toMatchObject({ name, code: 2, log: expect.stringMatching(message) });
  expect(cloud.warehouse.statements.length).toBe(seen);
});
