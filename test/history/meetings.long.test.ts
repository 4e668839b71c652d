import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { HistoryRecord } from "../../src/model/history.ts";
import { type BranchWorld, branch, branchName, day, made, start } from "./places.ts";

// Several changes of the branch meet, in any mixture. Nothing is lost, and nothing is there twice. CASES and SEED choose the cases.

let world: BranchWorld;
beforeEach(async () => {
  world = await branch();
});
afterEach(async () => {
  expect(world.git("fsck", "--strict", "--no-dangling")).toBe("");
  await world.close();
});

const ids = (records: readonly { runId: string }[]) => records.map(({ runId }) => runId).sort();
const files = () => world.git("ls-tree", "-r", "--name-only", branchName).split("\n");

test("writers and those who join days, all at once", { timeout: 900_000 }, async () => {
  const runs = Number(process.env.CASES ?? 25);
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
          if ("join" in one) {
            const done = await store.compact?.({ now: 0, removeBefore: 0, joinBefore: start + one.join * day });
            joined += done?.joined ?? 0;
          } else {
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
