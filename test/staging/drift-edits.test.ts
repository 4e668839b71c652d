import { expect, it } from "vitest";
import { facets } from "../../src/model/staging.ts";
import { modelWorld } from "./edited.ts";
import { differencesOf } from "./read.ts";
import { catalogs, makeWorld } from "./world.ts";

// Two equal catalogs as data, of which both are edited at random. The edits themselves say what must be found.

it("finds no difference between two equal worlds", () => {
  expect(differencesOf({ original: makeWorld(catalogs.original, 4, 4), copy: makeWorld(catalogs.copy, 4, 4) })).toEqual([]);
});

it("finds every edit, many in one world, and nothing else", () => {
  const made = new Map<string, number>();
  let edits = 0;
  for (let seed = 1; edits < 1_000; seed++) edits += modelWorld(seed, 1 + ((seed * 7) % 60), made);
  for (const kind of [...facets, "noise"]) expect(made.get(kind), kind).toBeGreaterThan(10);
});
