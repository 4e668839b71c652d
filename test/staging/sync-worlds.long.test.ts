import { expect, test } from "vitest";
import { keptPromises, keptPromisesAfterKill } from "./sync-worlds.ts";

test("a copy is equal after one run but for what is named, in many worlds", { timeout: 600_000 }, async () => {
  let steps = 0;
  for (let seed = 1_000; seed < 2_500; seed++) steps += await keptPromises(seed);
  expect(steps).toBeGreaterThan(20_000);
});

test("a run that is killed at any step is completed by the next, in many worlds", { timeout: 600_000 }, async () => {
  for (let seed = 3_000; seed < 3_500; seed++) await keptPromisesAfterKill(seed);
});
