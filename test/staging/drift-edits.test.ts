import { expect, it } from "vitest";
import { facets } from "../../src/model/staging.ts";
import { compareStructures } from "../../src/staging/drift/compare.ts";
import type { Structure } from "../../src/staging/structure/structure.ts";
import { Editor } from "./edits.ts";
import { Dice, Ledger, words } from "./oracle.ts";
import { catalogs, makeWorld, type Side, sides } from "./world.ts";

// Two equal catalogs as data, of which both are edited at random. The edits themselves say what must be found.

const kinds = [...facets, "noise"];

function found(original: Structure, copy: Structure): string[] {
  const drift = compareStructures(original, copy);
  return Object.values(drift.facets)
    .flatMap(({ differences }) => differences.map(({ facet, object, item, how }) => words(facet, object, item, how)))
    .sort();
}

/** @returns how many edits were made */
function editedWorld(seed: number, edits: number, seen: Map<string, number>): number {
  const dice = new Dice(seed);
  const worlds = { original: makeWorld(catalogs.original, 4, 4), copy: makeWorld(catalogs.copy, 4, 4) } satisfies Record<
    Side,
    Structure
  >;
  const editors = { original: new Editor(dice, "original", worlds.original), copy: new Editor(dice, "copy", worlds.copy) };
  const ledger = new Ledger();
  for (let tries = 0; ledger.edits < edits && tries < edits * 20; tries++) {
    const kind = dice.pick(kinds) ?? "";
    const side = dice.pick(sides) ?? "copy";
    const edit = editors[side].next(kind);
    if (!edit) continue;
    ledger.record(side, edit.apply());
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
  }
  expect(found(worlds.original, worlds.copy), `seed ${seed}`).toEqual(ledger.expected(worlds));
  return ledger.edits;
}

it("finds no difference between two equal worlds", () => {
  expect(found(makeWorld(catalogs.original, 4, 4), makeWorld(catalogs.copy, 4, 4))).toEqual([]);
});

it("finds every edit, many in one world, and nothing else", () => {
  const seen = new Map<string, number>();
  let edits = 0;
  for (let seed = 1; edits < 1_000; seed++) edits += editedWorld(seed, 1 + ((seed * 7) % 60), seen);
  for (const kind of kinds) expect(seen.get(kind), kind).toBeGreaterThan(10);
});
