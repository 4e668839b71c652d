import { expect } from "vitest";
import { facets } from "../../src/model/staging.ts";
import { compareStructures } from "../../src/staging/drift/compare.ts";
import { type SyncRequest, sync } from "../../src/staging/sync/sync.ts";
import type { CopyWarehouse } from "../../src/warehouse/access.ts";
import { Editor } from "./edits.ts";
import { Dice } from "./oracle.ts";
import { readBoth } from "./read.ts";
import { openCopy } from "./sync-harness.ts";
import type { WarehouseWorld } from "./warehouse-world.ts";
import { catalogs, sides } from "./world.ts";

/** Edits two equal catalogs in a warehouse by statements, with rows in the copy, and syncs the copy through the driver. */
export async function syncedWorld(world: WarehouseWorld, seed: number, edits: number): Promise<{ sent: number; ms: number }> {
  const dice = new Dice(seed);
  const worlds = await world.make(2, 5);
  for (let at = 0; at < 10; at++) await fill(world, `schema_${at % 2}.table_${Math.floor(at / 2)}`);
  const editors = { original: new Editor(dice, "original", worlds.original), copy: new Editor(dice, "copy", worlds.copy) };
  for (let made = 0, tries = 0; made < edits && tries < edits * 30; tries++) {
    const side = dice.pick(sides) ?? "copy";
    const edit = editors[side].next(dice.pick(facets) ?? "tables");
    if (!edit?.ddl || !(await succeeds(world, edit.ddl))) continue;
    edit.apply();
    made++;
  }
  const recreate = [[], ["*.table_0", "*.table_2"], ["*"]][dice.below(3)] ?? [];
  const request = { ...catalogs, revoke: dice.below(2) === 0, recreate };
  const copy = await openCopy(world.warehouse);
  try {
    return await promises(world, copy, request, `seed ${seed}`);
  } finally {
    await copy.close();
  }
}

async function promises(
  world: WarehouseWorld,
  warehouse: CopyWarehouse,
  request: SyncRequest,
  context: string,
): Promise<{ sent: number; ms: number }> {
  const run = async (more: Partial<SyncRequest> = {}) =>
    (await sync({ warehouse, signal: new AbortController().signal, now: () => new Date() }, { ...request, ...more })).result;
  const rows = await idsOf(world);
  const before = changes(world).length;
  const first = await run();
  const isWithheld = first.steps.some(({ loses }) => loses);
  expect(first.withheld, context).toBe(isWithheld ? "digest needed" : undefined);
  if (isWithheld) expect(changes(world).slice(before), context).toEqual([]);
  const started = performance.now();
  const result = isWithheld ? await run({ digest: first.digest }) : first;
  const ms = performance.now() - started;
  expect(result.withheld, context).toBeUndefined();
  const failed = result.steps.filter(({ outcome, problem }) => outcome === "failed" && !/have no value/.test(problem ?? ""));
  expect(failed, context).toEqual([]);
  const both = await readBoth(world.warehouse, "mirror");
  const drift = compareStructures(both.original, both.copy);
  const differences = facets.flatMap((facet) => drift.facets[facet].differences);
  const missed = result.steps.filter(({ outcome }) => outcome !== "done");
  const excused = new Set([...result.impossible, ...missed].map(({ facet, object }) => `${facet} ${object}`));
  expect(
    differences.filter(({ facet, object }) => !excused.has(`${facet} ${object}`)),
    context,
  ).toEqual([]);
  if (result.steps.length > 0) expect(result.left, context).toBe(differences.length);
  const lost = new Set(result.steps.filter(({ loses }) => loses === "rows").map(({ object }) => object));
  const after = await idsOf(world);
  for (const [table, ids] of rows) if (!lost.has(table)) expect(after.get(table), `${context} ${table}`).toEqual(ids);
  const sent = changes(world).length;
  const again = await run();
  const unexpected = again.steps.filter(({ statement }) => !missed.some((one) => one.statement === statement));
  expect(unexpected, context).toEqual([]);
  expect(changes(world).slice(sent), context).toEqual([]);
  return { sent: sent - before, ms };
}

/** Statements that change something, of the connection that syncs. */
function changes(world: WarehouseWorld): string[] {
  const texts = world.warehouse.statements.map(({ sql }) => sql).filter((sql) => sql.startsWith("/*"));
  return texts.map((sql) => sql.replace(/^\/\*.*?\*\/\s*/s, "")).filter((sql) => !/^(SELECT|DESCRIBE|SHOW)\b/.test(sql));
}

async function fill(world: WarehouseWorld, table: string): Promise<void> {
  await world.client.rows(`INSERT INTO ${catalogs.copy}.${table} (id, level) VALUES ('a', 5), ('b', 6)`);
}

/** Of all tables of the copy, by name. */
async function idsOf(world: WarehouseWorld): Promise<Map<string, unknown[]>> {
  const { copy } = await readBoth(world.warehouse, "mirror");
  const found = new Map<string, unknown[]>();
  for (const [schema, { tables }] of Object.entries(copy.schemas))
    for (const [table, { kind, columns }] of Object.entries(tables)) {
      if (kind !== "table" || !columns.some(({ name }) => name === "id")) continue;
      const rows = await world.client.rows(`SELECT id FROM ${catalogs.copy}.${schema}.${table} ORDER BY id`);
      found.set(
        `${schema}.${table}`,
        rows.map(({ id }) => id),
      );
    }
  return found;
}

async function succeeds(world: WarehouseWorld, statements: readonly string[]): Promise<boolean> {
  for (const [at, statement] of statements.entries()) {
    try {
      await world.client.rows(statement);
    } catch (error) {
      if (at > 0) throw new Error(`only half of an edit was made, up to ${statement}`, { cause: error });
      return false;
    }
  }
  return true;
}
