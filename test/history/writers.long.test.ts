import { afterEach, beforeEach, expect, test } from "vitest";
import { type BranchWorld, branch, branchName, made, start } from "./places.ts";

// A hundred clients add a record each to a real bare repository at the same moment.

let world: BranchWorld;
beforeEach(async () => {
  world = await branch();
});
afterEach(() => world.close());

test("a hundred parallel writers: a hundred records", { timeout: 600_000 }, async () => {
  const records = Array.from({ length: 100 }, (_, index) => made(start + index));
  const began = performance.now();
  await Promise.all(records.map(async (record) => (await world.open({ withinMs: 590_000 })).add(record)));
  const seconds = Math.round((performance.now() - began) / 1000);
  const tries = world.github.requests.filter(({ method }) => method === "PATCH").length;
  console.log(`100 writers: ${seconds} s, ${world.github.requests.length} requests, ${tries} times moved or refused`);
  const { records: found, unreadable } = await (await world.open()).all();
  expect(unreadable).toEqual([]);
  expect(found.map(({ runId }) => runId)).toEqual(records.map(({ runId }) => runId));
  expect(world.git("rev-list", "--count", branchName)).toBe("100");
  expect(world.git("fsck", "--strict", "--no-dangling")).toBe("");
});
