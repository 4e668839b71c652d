import { afterAll, beforeAll, expect, test } from "vitest";
import { syncedWorld } from "./sync-warehouse.ts";
import { WarehouseWorld } from "./warehouse-world.ts";

// Random worlds in the local warehouse, through the driver; sync-warehouse.long.test.ts has more of them.

let world: WarehouseWorld;
beforeAll(async () => {
  world = await WarehouseWorld.start();
});
afterAll(() => world.stop());

test("a copy with rows is equal after one run but for what is named, and the next sends nothing", async () => {
  const { sent } = await syncedWorld(world, 1, 30);
  expect(sent).toBeGreaterThan(5);
});
