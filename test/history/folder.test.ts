import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recordOf } from "../../src/history/record/of-report.ts";
import { folderStore } from "../../src/history/store/folder.ts";
import type { HistoryStore } from "../../src/history/store/store.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { failedIntegration } from "../report/sample.ts";

/** A history in a folder: what was added is found again, however it is stored. It could break if joining records loses one. */

let root: string;
let store: HistoryStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "history-"));
  store = folderStore(join(root, "history"), root);
});

afterEach(() => rm(root, { recursive: true, force: true }));

const day = 86_400_000;
const start = Date.parse("2026-10-28T10:00:00Z");

function made(at: number, change: Partial<HistoryRecord> = {}): HistoryRecord {
  return { ...recordOf(failedIntegration()), runId: `${at}_0123abcd`, ...change };
}

test("what was added is found again, oldest first, and once if it was added twice", async () => {
  const [first, second] = [made(start), made(start + day)];
  for (const record of [second, first, second]) await store.add(record);
  expect(await store.all()).toEqual({ records: [first, second], unreadable: [] });
});

test("the newest records of a stage in an environment are found, oldest first", async () => {
  const all = Array.from({ length: 10 }, (_, index) => made(start + index * day));
  for (const record of all) await store.add(record);
  await store.add(made(start + 20 * day, { stage: "cleanup" }));
  await store.add(made(start + 20 * day, { environment: { name: "elsewhere", access: "read-only" } }));
  const { stage, environment } = made(start);
  const { records } = await store.recent({ stage, environment: environment.name }, 3);
  expect(records).toEqual(all.slice(-3));
});

test("joined records are found like all others, without their samples, and old months are removed", async () => {
  const all = Array.from({ length: 10 }, (_, index) => made(start + index * day));
  for (const record of all) await store.add(record);
  const rules = { now: 0, joinBefore: start + 7 * day, removeBefore: 0 };
  expect(await store.compact?.(rules)).toEqual({ joined: 7, removed: 0 });
  expect(await store.compact?.(rules)).toEqual({ joined: 0, removed: 0 });
  expect((await readdir(join(root, "history", "months"))).sort()).toEqual(["2026-10.jsonl.gz", "2026-11.jsonl.gz"]);
  const { records } = await store.all();
  expect(records.map(({ runId }) => runId)).toEqual(all.map(({ runId }) => runId));
  const { stage, environment } = made(start);
  expect((await store.recent({ stage, environment: environment.name }, 8)).records).toHaveLength(8);
  expect(await store.compact?.({ ...rules, removeBefore: Date.parse("2026-11-01T00:00:00Z") })).toEqual({
    joined: 0,
    removed: 4,
  });
});

test("a file that is no record is named, and the others are read", async () => {
  await store.add(made(start));
  await writeFile(join(root, "history/records/2026-10/28", `${start}_00000000.smoke.production.json`), "{}");
  const { records, unreadable } = await store.all();
  expect(records).toHaveLength(1);
  expect(unreadable.map(({ name }) => name)).toEqual([`records/2026-10/28/${start}_00000000.smoke.production.json`]);
});

test("of all who claim a key, one gets it", async () => {
  const claims = Array.from({ length: 20 }, (_, index) => ({ runId: `${start}_0000000${index % 10}`, at: "", what: `${index}` }));
  const answers = await Promise.all(claims.map((claim) => store.claim?.("deployment 7", claim)));
  expect(answers.filter((answer) => answer?.claimed)).toHaveLength(1);
});
