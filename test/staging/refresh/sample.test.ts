import fc from "fast-check";
import { expect, test } from "vitest";
import { refresh } from "../../../src/staging/refresh/refresh.ts";
import type { Root } from "../../../src/staging/refresh/request.ts";
import { plainRules } from "./rules.ts";
import { type Keys, openCopy, portsOf, requestOf, startWorld, type Tables } from "./world.ts";

/** Which rows a sample takes, against a second, plain calculation of what the documentation promises. */

interface World {
  tables: readonly { name: string; keyed: boolean; parents: readonly number[]; rows: readonly Row[] }[];
  roots: readonly { table: number; ids: readonly string[] }[];
}
interface Row {
  id: string;
  /** For each parent an id, which may not exist; or null. */
  refers: readonly (string | null)[];
}

const worlds: fc.Arbitrary<World> = fc
  .integer({ min: 2, max: 6 })
  .chain((count) =>
    fc.record({
      tables: fc.tuple(
        ...Array.from({ length: count }, (_, at) =>
          fc
            .record({
              keyed: fc.boolean(),
              parents: fc.uniqueArray(fc.integer({ min: 0, max: count - 1 }), { maxLength: 2 }),
              rows: fc.array(fc.array(fc.option(fc.integer({ min: 0, max: 10 }), { freq: 6 }), { minLength: 2, maxLength: 2 }), {
                maxLength: 9,
              }),
            })
            .map(({ keyed, parents, rows }) => ({
              name: `s.t${at}`,
              keyed,
              parents,
              rows: rows.map((refers, number) => ({
                id: `${at}_${number}`,
                refers: parents.map((parent, which) => (typeof refers[which] === "number" ? `${parent}_${refers[which]}` : null)),
              })),
            })),
        ),
      ),
      roots: fc.uniqueArray(
        fc.record({
          table: fc.integer({ min: 0, max: count - 1 }),
          numbers: fc.uniqueArray(fc.integer({ min: 0, max: 8 }), { maxLength: 3 }),
        }),
        { maxLength: 2, selector: ({ table }) => table },
      ),
    }),
  )
  .map(({ tables, roots }) => ({
    // Only a table that nothing refers to, and that is no root, may be without a key.
    tables: tables.map((table, at) => ({
      ...table,
      keyed: table.keyed || tables.some(({ parents }) => parents.includes(at)) || roots.some((root) => root.table === at),
    })),
    roots: roots.map(({ table, numbers }) => ({ table, ids: numbers.map((number) => `${table}_${number}`) })),
  }));

/** The promise, row by row. */
function promised({ tables, roots }: World): string[][] {
  const related = (from: number[], next: (at: number) => number[]) => {
    const found = new Set<number>();
    const visit = (at: number): void => {
      if (found.has(at)) return;
      found.add(at);
      next(at).forEach(visit);
    };
    from.forEach(visit);
    return found;
  };
  const childrenOf = (at: number) => tables.flatMap(({ parents }, child) => (parents.includes(at) ? [child] : []));
  const starts = roots.map(({ table }) => table);
  const below = related(starts, childrenOf);
  const connected = related(starts, (at) => [...childrenOf(at), ...(tables[at]?.parents ?? [])]);
  const all = tables.flatMap(({ parents, rows }, table) => rows.map((row) => ({ table, parents, ...row })));
  const chosen = new Set(roots.flatMap(({ ids }) => ids).filter((id) => all.some((row) => row.id === id)));
  for (const { table, id } of all) if (!connected.has(table)) chosen.add(id);
  const until = (step: (row: (typeof all)[number]) => string[]) => {
    for (let before = -1; before < chosen.size; ) {
      before = chosen.size;
      for (const row of all) for (const id of step(row)) if (all.some((one) => one.id === id)) chosen.add(id);
    }
  };
  const hasChosenParent = ({ refers, parents }: (typeof all)[number], within: (parent: number) => boolean) =>
    refers.some((id, which) => id !== null && within(parents[which] ?? -1) && chosen.has(id));
  until((row) => (below.has(row.table) && hasChosenParent(row, (parent) => below.has(parent)) ? [row.id] : []));
  until((row) => [
    ...(chosen.has(row.id) ? row.refers.filter((id) => id !== null) : []),
    ...(!below.has(row.table) && hasChosenParent(row, () => true) ? [row.id] : []),
  ]);
  for (let before = -1; before !== chosen.size; ) {
    before = chosen.size;
    for (const row of all) if (row.refers.some((id) => id !== null && !chosen.has(id))) chosen.delete(row.id);
  }
  return tables.map(({ rows }) =>
    rows
      .map(({ id }) => id)
      .filter((id) => chosen.has(id))
      .sort(),
  );
}

async function copied({ tables, roots }: World): Promise<string[][]> {
  const columns = (parents: readonly number[]) => ["id", ...parents.map((parent) => `r${parent}`)];
  const definitions: Tables = {};
  const keys: Keys = {};
  for (const { name, keyed, parents } of tables) {
    definitions[name] = { columns: Object.fromEntries(columns(parents).map((column) => [column, "string"])) };
    const foreignKeys = parents.map((parent) => [
      `f${parent}`,
      { columns: [`r${parent}`], references: `s.t${parent}`, to: ["id"] },
    ]);
    keys[name] = { primaryKey: keyed ? ["id"] : [], foreignKeys: Object.fromEntries(foreignKeys) };
  }
  const warehouse = await startWorld(definitions);
  try {
    const literal = (text: string | null) => (text === null ? "NULL" : `'${text}'`);
    const inserts = tables
      .filter(({ rows }) => rows.length > 0)
      .map(
        ({ name, rows }) =>
          `INSERT INTO production.${name} VALUES ${rows.map(({ id, refers }) => `(${[id, ...refers].map(literal).join(", ")})`).join(", ")}`,
      );
    if (inserts.length > 0) await warehouse.load(inserts.join("; "));
    const copy = await openCopy(warehouse);
    const rules = plainRules({
      columns: Object.fromEntries(
        tables.map(({ name, parents }) => [
          name,
          Object.fromEntries(columns(parents).map((column) => [column, "keep" as const])),
        ]),
      ),
    });
    const rootsOf = roots.map(({ table, ids }): [string, Root] => [
      `s.t${table}`,
      { where: ids.length === 0 ? "false" : `id IN (${ids.map(literal).join(", ")})` },
    ]);
    const result = await refresh(
      portsOf(copy, rules, definitions, keys),
      requestOf({ roots: Object.fromEntries(rootsOf), keepOldMs: 0 }),
    );
    expect(result).toMatchObject({ switched: true, orphans: 0 });
    await copy.close();
    const found = await Promise.all(tables.map(({ name }) => warehouse.query(`SELECT id FROM staging.${name} ORDER BY id`)));
    return found.map((rows) => rows.map(({ id }) => String(id)));
  } finally {
    await warehouse.stop();
  }
}

test("a sample has the rows that were promised, in any world of references", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(worlds, async (world) => {
      expect(await copied(world)).toEqual(promised(world));
    }),
    { numRuns: Number(process.env.CASES ?? 2) },
  );
});

test("a share and a count choose roots by chance, with all that belongs to them", async () => {
  const tables: Tables = {
    "a.schools": { columns: { id: "string" } },
    "a.pupils": { columns: { id: "string", school: "string" } },
  };
  const keys: Keys = { "a.pupils": { foreignKeys: { at: { columns: ["school"], references: "a.schools", to: ["id"] } } } };
  const warehouse = await startWorld(tables);
  await warehouse.load(
    "INSERT INTO production.a.schools SELECT 's' || i FROM range(1000) r(i); INSERT INTO production.a.pupils SELECT 'p' || i, 's' || (i % 1000) FROM range(3000) r(i)",
  );
  const copy = await openCopy(warehouse);
  const rules = plainRules({ columns: { "a.schools": { id: "keep" }, "a.pupils": { id: "keep", school: "keep" } } });
  const ports = portsOf(copy, rules, tables, keys);
  const schools = async () => (await warehouse.query("SELECT id FROM staging.a.schools")).map(({ id }) => String(id));
  const byShare = await refresh(ports, requestOf({ roots: { "a.schools": { share: 0.2 } } }));
  const shared = await schools();
  // Five standard deviations.
  expect(Math.abs(shared.length - 200)).toBeLessThan(65);
  expect(byShare.tables.map(({ rows }) => rows)).toEqual([3 * shared.length, shared.length]);
  await refresh(ports, requestOf({ roots: { "a.schools": { count: 50 } } }));
  const counted = await schools();
  expect(counted).toHaveLength(50);
  await refresh(ports, requestOf({ roots: { "a.schools": { count: 50 } } }));
  expect(await schools()).not.toEqual(counted);
  await copy.close();
  await warehouse.stop();
});
