import { afterAll, beforeAll, expect, it } from "vitest";
import { facets } from "../../src/model/staging.ts";
import { modelWorld, statementsWorld } from "./edited.ts";
import { WarehouseWorld } from "./warehouse-world.ts";

// More of drift-edits.test.ts and drift-statements.test.ts.

let world: WarehouseWorld;
beforeAll(async () => {
  world = await WarehouseWorld.start();
});
afterAll(() => world.stop());

it("finds each of 10,000 edits of data, and nothing else", () => {
  const made = new Map<string, number>();
  let edits = 0;
  for (let seed = 1_000; edits < 10_000; seed++) edits += modelWorld(seed, 1 + ((seed * 7) % 200), made);
  for (const facet of facets) expect(made.get(facet), facet).toBeGreaterThan(200);
});

it("finds each of 2,500 changes that statements made, and nothing else", { timeout: 1_200_000 }, async () => {
  const made = new Map<string, number>();
  let edits = 0;
  for (let seed = 100; edits < 2_500; seed++) edits += await statementsWorld(world, seed, [5, 25, 60, 120, 200], made);
  for (const facet of facets) expect(made.get(facet), facet).toBeGreaterThan(10);
});
