import { afterAll, beforeAll, expect, test } from "vitest";
import { syncedWorld } from "./sync-warehouse.ts";
import { WarehouseWorld } from "./warehouse-world.ts";

let world: WarehouseWorld;
beforeAll(async () => {
  world = await WarehouseWorld.start();
});
afterAll(() => world.stop());

test("many copies with rows are equal after one run but for what is named", async () => {
  let changes = 0;
  for (let seed = 10; seed < 70; seed++) changes += (await syncedWorld(world, seed, 10 + (seed % 5) * 15)).sent;
  expect(changes).toBeGreaterThan(500);
});
