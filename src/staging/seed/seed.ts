import { count } from "../../lib/count.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import type { SeedResult } from "../../model/staging.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import { classWavesDrafts } from "./classwaves.ts";
import { whyRefused } from "./diagnosis.ts";
import { genericDrafts } from "./generic.ts";
import { prepared, tablesOf } from "./prepare.ts";
import { SeedProblem } from "./problem.ts";
import { largestSeed } from "./random.ts";
import { insertOf, type Place, presenceOf, type Recipe } from "./recipe.ts";
import type { SeedPorts, SeedRequest } from "./request.ts";
import { roundsOf } from "./rounds.ts";
import { proveCopy } from "./target.ts";

/** Statements at the same time. */
const atOnce = 8;
/** Tables that one statement asks about. */
const askedAtOnce = 16;
/** What env-actions itself keeps in the copy: never emptied, never seeded. */
const ownSchemas = /^env_actions(_|$)/;

/**
 * Fills the copy with synthetic rows, which the warehouse itself makes: one statement for each table. The same request gives
 * the same rows; a second one adds nothing.
 * @throws SeedProblem before anything is written, if the target is not the copy or the copy has other rows
 * @throws WarehouseFailure
 */
export async function seed(ports: SeedPorts, request: SeedRequest): Promise<SeedResult> {
  const { warehouse } = ports;
  const place = { catalog: request.copy.catalog, seed: request.seed };
  refuseImpossible(request);
  proveCopy(request, warehouse, await warehouse.identity());
  const { rounds, tables } = await planned(ports, request);
  const before = await countRows(ports, place, tables);
  const recipes = rounds.flat();
  const emptied = request.reset ? [...before].flatMap(([table, total]) => (total > 0 ? [table] : [])).sort() : [];
  if (request.reset && !request.dryRun) await emptyAll(ports, place, emptied, before);
  const filled = request.reset ? [] : recipes.filter(({ table }) => (before.get(table) ?? 0) > 0);
  const missing = filled.length === 0 ? undefined : await missingRows(ports, place, recipes, before, request);
  const { seed: number, day } = request;
  if (request.dryRun) {
    const lacking = recipes.filter(({ table }) => missing?.has(table) ?? true);
    const tables = lacking.map(({ table }) => ({ table, rows: 0 })).sort(byTable);
    return { seed: number, day, tables, emptied, planned: true };
  }
  for (const round of rounds) {
    ports.signal.throwIfAborted();
    const wanted = missing ? round.filter(({ table }) => missing.has(table)) : round;
    if (wanted.length > 0) ports.onStep?.(`seeding ${wanted.map(({ table }) => table).join(", ")}`);
    await all(wanted, (recipe) => fill(ports, place, recipe));
  }
  const after = await countRows(
    ports,
    place,
    recipes.map(({ table }) => table),
  );
  const base = (table: string): number => (request.reset ? 0 : (before.get(table) ?? 0));
  const added = recipes.map(({ table }) => ({ table, rows: (after.get(table) ?? 0) - base(table) }));
  return { seed: number, day, tables: added.sort(byTable), emptied };
}

function byTable(a: { table: string }, b: { table: string }): number {
  return a.table < b.table ? -1 : 1;
}

/** Like {@link inParallel}, but after a failure it begins nothing, waits for what has begun, and then fails. */
async function all<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  let failed: { error: unknown } | undefined;
  await inParallel(atOnce, items, async (item) => {
    if (failed) return;
    await work(item).catch((error: unknown) => {
      failed ??= { error };
    });
  });
  if (failed) throw failed.error;
}

/** @throws SeedProblem */
function refuseImpossible({ seed: number, day, schools, rows }: SeedRequest): void {
  if (!Number.isInteger(number) || number < 0 || number > largestSeed)
    throw new SeedProblem("EA6136", `the seed is ${number}, but must be a whole number from 0 to ${largestSeed}`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day) || new Date(`${day}T00:00:00Z`).toJSON()?.slice(0, 10) !== day)
    throw new SeedProblem("EA6136", `the day is "${day}", but must be a date such as 2026-11-30`);
  for (const [what, value] of [
    ["schools", schools ?? 0],
    ["rows", rows],
  ] as const)
    if (!Number.isInteger(value) || value < 0)
      throw new SeedProblem("EA6136", `${what} is ${value}, but must be a whole number from 0`);
}

async function planned(ports: SeedPorts, request: SeedRequest): Promise<{ rounds: Recipe[][]; tables: string[] }> {
  const structure = await ports.readStructure(request.copy.catalog);
  const schemas = Object.fromEntries(Object.entries(structure.schemas).filter(([schema]) => !ownSchemas.test(schema)));
  const seen = { ...structure, schemas };
  const external = [...tablesOf(seen)].flatMap(([name, { type }]) => (type === "EXTERNAL" ? [name] : []));
  if (external.length > 0)
    throw new SeedProblem(
      "EA6112",
      `the rows of ${external.slice(0, 20).join(", ")} are stored at a location of their own, which may be production's; drop them in the copy, and let \`env-actions staging sync\` create managed tables`,
    );
  const scale = { seed: request.seed, day: Date.parse(`${request.day}T00:00:00Z`) / 86_400_000, schools: request.schools ?? 0 };
  const preset = request.schools === undefined ? [] : classWavesDrafts(scale).filter(({ table }) => !(table in request.tables));
  const known = new Set(preset.map(({ table }) => table));
  const others = genericDrafts(seen, { tables: request.tables, rows: request.rows, known }, scale);
  return { rounds: roundsOf(prepared([...preset, ...others], seen, scale)), tables: [...tablesOf(seen).keys()] };
}

/** By `schema.table`. */
async function countRows({ warehouse }: SeedPorts, { catalog }: Place, tables: readonly string[]): Promise<Map<string, number>> {
  const answers = await inParallel(atOnce, batches(tables), (batch) =>
    warehouse.query(
      batch
        .map((table) => `SELECT '${table}' AS name, count(*) AS total FROM ${qualifiedName(catalog, table)}`)
        .join(" UNION ALL "),
    ),
  );
  return new Map(answers.flat().map(({ name, total }) => [String(name), Number(total)]));
}

function batches<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / askedAtOnce) }, (_, index) =>
    items.slice(index * askedAtOnce, (index + 1) * askedAtOnce),
  );
}

/** @throws SeedProblem if a table could not be emptied, or isn't empty afterwards */
async function emptyAll(
  ports: SeedPorts,
  place: Place,
  filled: readonly string[],
  rows: ReadonlyMap<string, number>,
): Promise<void> {
  if (filled.length > 0) ports.onStep?.(`emptying ${count(filled.length, "table")} of ${place.catalog}`);
  await all(filled, async (table) => {
    ports.signal.throwIfAborted();
    try {
      await ports.warehouse.change(`TRUNCATE TABLE ${qualifiedName(place.catalog, table)}`, {}, { again: true });
      await ports.audit?.({ what: "empty", table, rows: rows.get(table) });
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      await ports.audit?.({ what: "empty", table, problem });
      throw new SeedProblem("EA6135", `${table} could not be emptied: ${problem}`, { cause: error });
    }
  });
  const left = await countRows(ports, place, filled);
  const notEmpty = filled.filter((table) => left.get(table) !== 0);
  if (notEmpty.length > 0) throw new SeedProblem("EA6135", `rows came back while the copy was emptied: ${notEmpty.join(", ")}`);
}

/**
 * The tables that lack rows of the seed.
 * @throws SeedProblem if tables have rows that the seed didn't make, unless rows are to be added to them
 */
async function missingRows(
  ports: SeedPorts,
  place: Place,
  recipes: readonly Recipe[],
  before: ReadonlyMap<string, number>,
  { add }: SeedRequest,
): Promise<Set<string>> {
  ports.onStep?.("comparing the rows that are there with those of the seed");
  const answers = await inParallel(atOnce, recipes, (recipe) => ports.warehouse.query(presenceOf(recipe, place)));
  const seen = new Map(
    answers.flat().map(({ name, made, there }) => [String(name), { made: Number(made), there: Number(there) }]),
  );
  const foreign = recipes.flatMap(({ table }) => {
    const others = (before.get(table) ?? 0) - (seen.get(table)?.there ?? 0);
    return others > 0 ? [`${table} (${others})`] : [];
  });
  if (foreign.length > 0 && !add)
    throw new SeedProblem(
      "EA6131",
      `these tables have rows that this seed did not make: ${foreign.join(", ")}. Empty the copy with \`env-actions staging reset\`, or keep them with staging.seed.add: true. Nothing was written`,
    );
  const lacking = new Set(
    recipes.filter(({ table }) => seen.get(table)?.made !== seen.get(table)?.there).map(({ table }) => table),
  );
  // Rows of parents that are still missing have children that could not be counted.
  for (const { table, after } of recipes) if ([...after].some((name) => lacking.has(name))) lacking.add(table);
  return lacking;
}

async function fill(ports: SeedPorts, place: Place, recipe: Recipe): Promise<void> {
  const { table } = recipe;
  try {
    const rows = await ports.warehouse.change(insertOf(recipe, place), {}, { again: true });
    await ports.audit?.({ what: "seed", table, ...(rows === undefined ? {} : { rows }) });
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    await ports.audit?.({ what: "seed", table, problem });
    throw (await whyRefused(ports, place, recipe, error)) ?? error;
  }
}
