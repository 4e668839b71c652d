import { expect } from "vitest";
import { facets, type SyncResult } from "../../src/model/staging.ts";
import { compareStructures } from "../../src/staging/drift/compare.ts";
import type { Structure } from "../../src/staging/structure/structure.ts";
import { executeSync } from "../../src/staging/sync/execute.ts";
import { planSync, type SyncPlan, type SyncQuestion } from "../../src/staging/sync/plan.ts";
import { Editor } from "./edits.ts";
import { ModelWarehouse } from "./model-warehouse.ts";
import { Dice } from "./oracle.ts";
import { catalogs, makeWorld, type Side, sides } from "./world.ts";

/** Two catalogs as data that random edits moved apart, and a model of a warehouse in which the copy is synced. */
export interface World {
  dice: Dice;
  worlds: Record<Side, Structure>;
  model: ModelWarehouse;
  allow: { revoke: boolean; recreate: (table: string) => boolean };
}

export function randomWorld(seed: number, edits: number): World {
  const dice = new Dice(seed);
  const worlds = { original: makeWorld(catalogs.original, 3, 4), copy: makeWorld(catalogs.copy, 3, 4) };
  const editors = { original: new Editor(dice, "original", worlds.original), copy: new Editor(dice, "copy", worlds.copy) };
  for (let made = 0, tries = 0; made < edits && tries < edits * 20; tries++) {
    const side = dice.pick(sides) ?? "copy";
    const edit = editors[side].next(dice.pick(facets) ?? "");
    if (!edit) continue;
    edit.apply();
    made++;
  }
  // Edits share what they put into both sides.
  const apart = structuredClone(worlds);
  const model = new ModelWarehouse(apart.copy, apart.original);
  for (const [schema, { tables }] of Object.entries(apart.copy.schemas))
    for (const [table, { kind }] of Object.entries(tables))
      if (kind === "table" && dice.below(2) === 0) model.rows.set(`${schema}.${table}`, 3);
  const some = dice.below(3);
  const recreate = (table: string): boolean => some === 0 || (some === 1 && /[02]$/.test(table));
  return { dice, worlds: apart, model, allow: { revoke: dice.below(2) === 0, recreate } };
}

export const functions = new Set(["rules.visible", "rules.hidden"]);

export function planned({ worlds, model, allow }: World): SyncPlan {
  const question: SyncQuestion = {
    original: worlds.original,
    copy: structuredClone(model.world),
    drift: compareStructures(worlds.original, model.world),
    allow,
    functions,
    scope: model.client.scope,
  };
  return planSync(question);
}

export async function run(world: World, plan: SyncPlan, digest: string | undefined, signal = new AbortController().signal) {
  const compare = async () => compareStructures(world.worlds.original, world.model.world);
  return await executeSync({ warehouse: world.model.client, signal, compare }, plan, digest);
}

/** The promises of one run, in one world. @returns how many steps it had */
export async function keptPromises(seed: number): Promise<number> {
  const world = randomWorld(seed, 1 + ((seed * 7) % 50));
  const { model } = world;
  const context = `seed ${seed}`;
  const plan = planned(world);
  const rows = new Map(model.rows);
  const first = await run(world, plan, undefined);
  const isWithheld = plan.steps.some(({ loses }) => loses);
  expect(first.withheld, context).toBe(isWithheld ? "digest needed" : undefined);
  if (isWithheld) expect(model.sent, context).toEqual([]);
  expect((await run(world, plan, "of another plan")).withheld, context).toBe("other digest");
  const result = isWithheld ? await run(world, plan, plan.digest) : first;
  for (const statement of model.sent.filter(losing)) {
    const step = plan.steps.find((one) => one.statement === statement);
    expect(step?.loses, `${context} ${statement}`).toBeDefined();
  }
  const lost = plan.steps.filter(({ loses }) => loses === "rows").map(({ object }) => object);
  for (const [table, count] of rows)
    expect(model.rows.get(table) ?? 0, `${context} ${table}`).toBe(lost.includes(table) ? 0 : count);
  expectEqual(world, result, context);
  return plan.steps.length;
}

/** What the promises are about, seen from the statements' words and not from the plan. */
function losing(statement: string): boolean {
  return /^DROP|DROP COLUMN|^REVOKE|DROP MASK|DROP ROW FILTER|^ALTER.*(columnMapping|TypeWidening' = 'true')/.test(statement);
}

export async function keptPromisesAfterKill(seed: number): Promise<void> {
  const world = randomWorld(seed, 40);
  const plan = planned(world);
  if (plan.steps.length === 0) return;
  const end = world.dice.below(plan.steps.length);
  const kill = new Error("killed");
  world.model.before = (_, count) => {
    if (count >= end) throw kill;
  };
  await expect(run(world, plan, plan.digest)).rejects.toBe(kill);
  // What was on its way when it was killed.
  await new Promise(setImmediate);
  world.model.before = () => undefined;
  const next = planned(world);
  // The plan that somebody saw is no longer the plan.
  if (end > 0) expect(next.digest).not.toBe(plan.digest);
  expectEqual(world, await run(world, next, next.digest), `seed ${seed}, killed at ${end} of ${plan.steps.length}`);
}

/** What is left different was named, or a step failed and said so; a second run sends nothing. */
function expectEqual(world: World, { steps, impossible, left }: SyncResult, context: string): void {
  const isExpected = (problem = ""): boolean => problem.includes("have no value");
  expect(
    steps.filter(({ outcome, problem }) => outcome === "failed" && !isExpected(problem)),
    context,
  ).toEqual([]);
  const missed = steps.filter(({ outcome }) => outcome !== "done");
  const excused = new Set([...impossible, ...missed].map(({ facet, object }) => `${facet} ${object}`));
  const drift = compareStructures(world.worlds.original, world.model.world);
  const differences = facets.flatMap((facet) => drift.facets[facet].differences);
  expect(
    differences.filter(({ facet, object }) => !excused.has(`${facet} ${object}`)),
    context,
  ).toEqual([]);
  if (steps.length > 0) expect(left, context).toBe(differences.length);
  const again = planned(world).steps.map(({ statement }) => statement);
  const failed = new Set(missed.map(({ statement }) => statement));
  expect(
    again.filter((statement) => !failed.has(statement)),
    context,
  ).toEqual([]);
}
