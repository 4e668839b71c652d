import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { HistoryStore } from "../../src/history/store/store.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { type BranchWorld, branch, branchName, day, made, start } from "./places.ts";

// Another writer moves the branch at any moment of a change, and several changes meet. Nothing is lost, and nothing is there twice.

let world: BranchWorld;
let onRequest: () => void;
beforeEach(async () => {
  onRequest = () => undefined;
  world = await branch(() => onRequest());
});
afterEach(async () => {
  expect(world.git("fsck", "--strict", "--no-dangling")).toBe("");
  await world.close();
});

const rules = { now: 0, joinBefore: start + 5 * day, removeBefore: 0 };
const pathOf = ({ runId, stage, environment }: HistoryRecord) =>
  `records/2026-10/${new Date(Number(runId.split("_")[0])).getUTCDate()}/${runId}.${stage}.${environment.name}.json`;
/** By hand, as another process would. */
const rival = (record: HistoryRecord) => world.put(pathOf(record), `${JSON.stringify(record)}\n`);
const ids = (records: readonly { runId: string }[]) => records.map(({ runId }) => runId).sort();
const files = () => world.git("ls-tree", "-r", "--name-only", branchName).split("\n");

test.each([
  ["a record", 4, (store, at) => store.add(made(start + at))],
  ["records", 4, (store, at) => store.addAll?.([10, 20, 30, 40].map((more) => made(start + at + more)))],
  ["a claim", 4, (store, at) => store.claim?.(`deployment ${at}`, { runId: "", at: "", what: "" })],
  ["joining days", 9, (store) => store.compact?.(rules)],
] as [string, number, (store: HistoryStore, at: number) => Promise<unknown> | undefined][])(
  "another writer at any request of %s",
  async (name, requests, change) => {
    const expected = [made(start), made(start + day)];
    await (await world.open()).addAll?.(expected);
    let at = 0;
    for (let moment = 1; moment <= requests; moment += name === "joining days" ? 2 : 3) {
      let seen = 0;
      const other = made(start + 1000 + at++);
      expected.push(other);
      onRequest = () => {
        seen += 1;
        if (seen === moment) rival(other);
      };
      const another = made(start + 2 * day + at);
      if (name === "joining days") {
        rival(another);
        expected.push(another);
      }
      await change(await world.open(), at);
      expect(seen).toBeGreaterThanOrEqual(moment);
      onRequest = () => undefined;
      if (name === "a claim") expect(files().filter((path) => path.startsWith("claims/"))).toHaveLength(at);
      const found = ids((await (await world.open()).all()).records);
      expect(found).toEqual(expect.arrayContaining(ids(expected)));
      if (name === "joining days") expect(found).toEqual(ids(expected));
    }
  },
);

test("writers and those who join days, all at once", async () => {
  const runs = Number(process.env.CASES ?? 2);
  const arrived: HistoryRecord[] = [];
  let next = 0;
  const change = fc.oneof(
    { weight: 3, arbitrary: fc.record({ add: fc.integer({ min: 0, max: 9 }), count: fc.constantFrom(1, 1, 5) }) },
    { weight: 1, arbitrary: fc.record({ join: fc.integer({ min: 0, max: 10 }) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 3, maxLength: 6 }), async (changes) => {
      let joined = 0;
      const before = dayFiles();
      await Promise.all(
        changes.map(async (one) => {
          const store = await world.open();
          if ("join" in one) joined += (await store.compact?.({ ...rules, joinBefore: start + one.join * day }))?.joined ?? 0;
          else {
            const records = Array.from({ length: one.count }, () => made(start + one.add * day + ++next));
            arrived.push(...records);
            if (records.length === 1 && records[0]) await store.add(records[0]);
            else await store.addAll?.(records);
          }
        }),
      );
      const found = await (await world.open()).all();
      expect(found.unreadable).toEqual([]);
      expect(ids(found.records)).toEqual(ids(arrived));
      const added = changes.reduce((sum, one) => sum + ("add" in one ? one.count : 0), 0);
      // Each in one place.
      expect(dayFiles()).toBe(before + added - joined);
    }),
    { numRuns: runs, ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}) },
  );
});

function dayFiles(): number {
  const isThere = world.git("for-each-ref", `refs/heads/${branchName}`) !== "";
  return isThere ? files().filter((path) => path.startsWith("records/")).length : 0;
}
