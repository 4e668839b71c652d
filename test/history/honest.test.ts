import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeDashboard } from "../../src/app/dashboard.ts";
import { checksShown } from "../../src/cli/history-checks.ts";
import { changesBetween } from "../../src/history/ask/changes.ts";
import { runsOf } from "../../src/history/ask/runs.ts";
import { recordOf } from "../../src/history/record/of-report.ts";
import { withoutFuture } from "../../src/history/store/choose.ts";
import { folderStore } from "../../src/history/store/folder.ts";
import { readMonth, writeMonth } from "../../src/history/store/months.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { degradedSmoke, failedIntegration } from "../report/sample.ts";

/** What an attacker and a newcomer found: each time, the history said more than it knew. */

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "honest-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const start = Date.parse("2026-11-20T10:00:00Z");
const minute = 60_000;

function record(at: number, change: Partial<HistoryRecord> = {}): HistoryRecord {
  const moment = new Date(at).toISOString();
  return { ...recordOf(failedIntegration()), runId: `${at}_0123abcd`, startedAt: moment, finishedAt: moment, ...change };
}

test("in a terminal, each time that a stage ran is a run, also within one gate", () => {
  const origin = { kind: "terminal" as const };
  const records = (["failed", "failed", "passed"] as const).map((verdict, index) =>
    record(start + index * minute, { origin, gateId: `${start}_0123abcd`, verdict }),
  );
  const runs = runsOf(records);
  expect(runs.map(({ stages }) => stages[0]?.verdict)).toEqual(["passed", "failed", "failed"]);
  expect(new Set(runs.map(({ id }) => id)).size).toBe(3);
});

test("a record of the future is named, and not believed", async () => {
  const store = folderStore(join(root, "history"), root);
  const [now, future] = [record(start, { verdict: "failed" }), record(start + 400 * 86_400_000, { verdict: "passed" })];
  for (const one of [now, future]) await store.add(one);
  const found = await withoutFuture(store, () => start + minute).all();
  expect(found.records).toEqual([now]);
  expect(found.unreadable).toEqual([{ name: expect.stringContaining(future.runId), why: "it is dated in the future" }]);
  expect(
    (await withoutFuture(store, () => start + minute).recent({ environment: now.environment.name, stage: now.stage }, 5)).records,
  ).toEqual([now]);
});

test("a link, a folder, and a file of another name hide no record, and are named", async () => {
  const store = folderStore(join(root, "history"), root);
  const good = record(start);
  await store.add(good);
  const day = join(root, "history/records/2026-11/20");
  await symlink("/etc/passwd", join(day, `${start + 1}_aaaaaaaa.integration.sandbox.json`));
  await mkdir(join(day, `${start + 2}_aaaaaaaa.integration.sandbox.json`));
  await writeFile(join(day, `${start + 3}_aaaaaaaa.integration.Other_X.json`), "{}");
  await writeFile(join(root, "history/records/2026-11/21"), "a file where a day should be");
  const { records, unreadable } = await store.all();
  expect(records).toEqual([good]);
  expect(unreadable).toHaveLength(4);
  expect((await store.recent({ environment: good.environment.name, stage: good.stage }, 5)).records).toEqual([good]);
});

test("two environments may have the same run id", () => {
  const two = [record(start), record(start, { environment: { name: "elsewhere", access: "read-only" } })];
  expect(readMonth("m", writeMonth(two)).records).toHaveLength(2);
});

test("a test that may not have run is not called fixed", () => {
  const [before, after] = [record(start), record(start + minute)];
  if (!before.tests || !after.tests) throw new Error("both have tests");
  const none = { ...after.tests, failures: [], failed: 0, crashedSuites: 0 };
  const from = { ...before, tests: { ...before.tests, crashedSuites: 0 } };
  const fewer = changesBetween(from, { ...after, tests: { ...none, total: none.total - 1 } });
  expect([fewer.tests?.fixed, fewer.tests?.unclear.length]).toEqual([[], before.tests.failures.length]);
  const asMany = changesBetween(from, { ...after, tests: none });
  expect(asMany.tests?.fixed).toHaveLength(before.tests.failures.length);
});

test("a newest run that measured nothing is said before the older latency", () => {
  const measured = { ...recordOf(degradedSmoke()), runId: `${start}_0123abcd` };
  const [check] = measured.checks.filter(({ latency }) => latency);
  if (!check) throw new Error("a check has a latency");
  const { latency: _, ...without } = check;
  const failed = { ...measured, runId: `${start + minute}_0123abcd`, checks: [{ ...without, verdict: "failed" as const }] };
  const text = (records: readonly HistoryRecord[]) => JSON.stringify(checksShown(records, check.id, 20).lines);
  expect(text([measured, failed])).toContain("without a measurement; before that, P95");
  expect(text([failed, { ...measured, runId: `${start + 2 * minute}_0123abcd` }])).not.toContain("without a measurement");
});

test("a stage without a place to look knows nothing of test data", () => {
  const report = failedIntegration();
  const { books: _, ...others } = report;
  const cleanup = {
    ...(report.cleanup as NonNullable<typeof report.cleanup>),
    tables: [],
    leftOver: 0,
    looked: { tables: 0, redis: false },
  };
  expect(recordOf({ ...others, cleanup }).data).toBeUndefined();
});

test("a dashboard replaces no other file, but a page without records", async () => {
  const store = folderStore(join(root, "history"), root);
  const request = { store, keep: 400 * 86_400_000, now: start, workspace: root };
  const other = join(root, "env-actions.yml");
  await writeFile(other, "version: 1\n");
  await expect(makeDashboard({ ...request, out: other })).rejects.toThrow("is no dashboard: it was not replaced");
  const out = join(root, "page.html");
  await makeDashboard({ ...request, out });
  await makeDashboard({ ...request, out });
});
