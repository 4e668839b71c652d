import { afterAll, beforeAll, expect, it } from "vitest";
import { facets } from "../../src/model/staging.ts";
import { compareStructures } from "../../src/staging/drift/compare.ts";
import { differencesOf, readBoth } from "./read.ts";
import {
  actual,
  completeRights,
  expectNothingInvented,
  ignore,
  makeDifferent,
  managing,
  principalsWith,
  unprovenRights,
} from "./rights.ts";
import { WarehouseWorld } from "./warehouse-world.ts";

// What a reader may not see must never look as if it were gone. Every right of every set: drift-rights.long.test.ts.

const schemas = ["schema_0"];
const objects = ["table_0", "table_1", "view_0", "only_there", "only_here"].map((name) => `schema_0.${name}`);
const complete = completeRights(schemas);
const unproven = unprovenRights(schemas, objects);

let world: WarehouseWorld;
beforeAll(async () => {
  world = await WarehouseWorld.start(principalsWith({ ...complete, ...managing, ...unproven }));
  await makeDifferent(world, 1, 2);
});
afterAll(() => world.stop());

it.each(Object.keys({ ...complete, ...managing }))("with rights on %s, lists are known to be complete", async (token) => {
  const full = await readBoth(world.warehouse, token);
  expect(differencesOf(full, { ignore })).toEqual(actual);
  const { facets: found } = compareStructures(full.original, full.copy, { ignore });
  for (const facet of facets.filter((one) => one !== "tables" && one !== "grants"))
    expect(found[facet], facet).toMatchObject({ verdict: "equal", unseen: [] });
  expect(found.grants.verdict).toBe(token === "manage" ? "equal" : "unseen");
});

it("with rights on single tables, nothing is missing, and nothing equal", async () => {
  const full = await readBoth(world.warehouse, "tables");
  expect(differencesOf(full, { ignore })).toEqual([]);
  const { facets: found } = compareStructures(full.original, full.copy);
  for (const facet of facets) expect(found[facet].verdict, facet).toBe("unseen");
  expect(found.columns.compared).toBe(20);
});

it.each(["schemas", "manage"])("without one right on %s, nothing looks missing", async (set) => {
  const full = await readBoth(world.warehouse, set);
  const { grants = [] } = { ...complete, ...managing }[set] ?? {};
  let hidden = 0;
  for (const at of grants.keys()) hidden += await expectNothingInvented(world, full, `${set} without ${at}`);
  expect(hidden).toBeGreaterThan(grants.length);
});
