import { afterAll, beforeAll, expect, it } from "vitest";
import { statementsWorld } from "./edited.ts";
import { differencesOf, readBoth } from "./read.ts";
import { WarehouseWorld } from "./warehouse-world.ts";

// Two equal catalogs in a warehouse, both changed by statements and read back through the driver. The longer run is
// drift-statements.long.test.ts.

let world: WarehouseWorld;
beforeAll(async () => {
  world = await WarehouseWorld.start();
});
afterAll(() => world.stop());

it("finds no difference between two catalogs that the same statements made", async () => {
  await world.make(1, 7);
  const both = await readBoth(world.warehouse, "mirror");
  expect(both.original.unseen).toEqual([]);
  expect(both.copy.unseen).toEqual([]);
  expect(differencesOf(both)).toEqual([]);
});

it("finds every change that a statement made, and nothing else", async () => {
  const made = new Map<string, number>();
  await statementsWorld(world, 1, [50], made);
  expect(made.size).toBeGreaterThan(10);
});
