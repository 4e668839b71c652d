import { afterAll, beforeAll, expect, it } from "vitest";
import { readBoth } from "./read.ts";
import { completeRights, expectNothingInvented, makeDifferent, managing, principalsWith, unprovenRights } from "./rights.ts";
import { WarehouseWorld } from "./warehouse-world.ts";

const schemas = ["schema_0", "schema_1"];
const tables = [..."0123456"].map((one) => `table_${one}`);
const objects = schemas.flatMap((schema, at) =>
  [...tables, `view_${at}`, "only_there", "only_here"].map((name) => `${schema}.${name}`),
);
const sets = { ...completeRights(schemas), ...managing, ...unprovenRights(schemas, objects) };

let world: WarehouseWorld;
beforeAll(async () => {
  world = await WarehouseWorld.start(principalsWith(sets));
  await makeDifferent(world, 2, 7);
});
afterAll(() => world.stop());

it.each(Object.entries(sets))(
  "without any one right on %s, nothing looks missing",
  { timeout: 600_000 },
  async (set, { grants }) => {
    const full = await readBoth(world.warehouse, set);
    let hidden = 0;
    for (const at of grants.keys()) hidden += await expectNothingInvented(world, full, `${set} without ${at}`);
    expect(hidden).toBeGreaterThan(grants.length / 2);
  },
);
