import { expect } from "vitest";
import { facets } from "../../src/model/staging.ts";
import { Editor } from "./edits.ts";
import { Dice, Ledger } from "./oracle.ts";
import { differencesOf, readBoth } from "./read.ts";
import type { WarehouseWorld } from "./warehouse-world.ts";
import { catalogs, makeWorld, sides } from "./world.ts";

/**
 * Edits two equal catalogs in a warehouse by statements, and compares them after so many edits each time.
 * @param made counts the edits by facet
 */
export async function statementsWorld(
  world: WarehouseWorld,
  seed: number,
  checkpoints: readonly number[],
  made: Map<string, number>,
): Promise<number> {
  const dice = new Dice(seed);
  const worlds = await world.make(2, 7);
  const editors = { original: new Editor(dice, "original", worlds.original), copy: new Editor(dice, "copy", worlds.copy) };
  const ledger = new Ledger();
  for (const checkpoint of checkpoints) {
    for (let tries = 0; ledger.edits < checkpoint && tries < checkpoint * 30; tries++) {
      const facet = dice.pick(facets) ?? "tables";
      const side = dice.pick(sides) ?? "copy";
      const edit = editors[side].next(facet);
      if (!edit?.ddl || !(await succeeds(world, edit.ddl))) continue;
      ledger.record(side, edit.apply());
      made.set(facet, (made.get(facet) ?? 0) + 1);
    }
    const read = await readBoth(world.warehouse, "mirror");
    expect(read.original.unseen, `seed ${seed}`).toEqual([]);
    expect(read.copy.unseen, `seed ${seed}`).toEqual([]);
    expect(differencesOf(read), `seed ${seed}, ${ledger.edits} edits`).toEqual(ledger.expected(worlds));
  }
  return ledger.edits;
}

/** Edits two equal catalogs that are data, also by what is no difference, and compares them. @returns how many edits were made */
export function modelWorld(seed: number, edits: number, made: Map<string, number>): number {
  const dice = new Dice(seed);
  const worlds = { original: makeWorld(catalogs.original, 4, 4), copy: makeWorld(catalogs.copy, 4, 4) };
  const editors = { original: new Editor(dice, "original", worlds.original), copy: new Editor(dice, "copy", worlds.copy) };
  const ledger = new Ledger();
  for (let tries = 0; ledger.edits < edits && tries < edits * 20; tries++) {
    const kind = dice.pick([...facets, "noise"]) ?? "noise";
    const side = dice.pick(sides) ?? "copy";
    const edit = editors[side].next(kind);
    if (!edit) continue;
    ledger.record(side, edit.apply());
    made.set(kind, (made.get(kind) ?? 0) + 1);
  }
  expect(differencesOf(worlds), `seed ${seed}`).toEqual(ledger.expected(worlds));
  return ledger.edits;
}

/** Whether the warehouse took it. One that it refuses, such as a column that a key uses, changes nothing. */
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
