import { expect, test } from "vitest";
import { keptPromises, keptPromisesAfterKill } from "./sync-worlds.ts";

// Random worlds in a model of a warehouse; sync-worlds.long.test.ts has more of them.

test("a copy is equal after one run but for what is named, and the next sends nothing", async () => {
  let steps = 0;
  for (let seed = 1; seed <= 25; seed++) steps += await keptPromises(seed);
  expect(steps).toBeGreaterThan(300);
});

test("a run that is killed at any step is completed by the next", async () => {
  for (let seed = 1; seed <= 10; seed++) await keptPromisesAfterKill(seed);
});
