import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CleanupResult } from "../../src/model.ts";
import { keyText } from "../../src/redis/connection.ts";
import { type CleanupRequest, planCleanup } from "../../src/testdata/cleanup.ts";
import { executeCleanup, prove } from "../../src/testdata/execute.ts";
import { executeUndo, planUndo, type UndoResult } from "../../src/testdata/undo.ts";
import { type Expectation, expectationOf, together } from "./expectation.ts";
import { type Catalog, type Place, requestFor, runId, runStarted, startPlace } from "./place.ts";
import { expireAfter, now, otherRun, type World, world } from "./world.ts";

// The promise of the whole suite: everything that is test data is gone, and not a byte else. Where the two meet – ids that only
// look alike, rows that hang on rows, wrong lines in the ledger – examples would miss what nobody thought of.
/** A quarter of a second each; a longer search is a matter of one variable. */
const cases = Number(process.env.CASES ?? (process.env.LONG ? 2_000 : 100));

/** A world leaves a catalog behind, so that a warehouse is taken for so many and no more. */
const casesPerPlace = 200;

let place: Place;
let catalogs = 0;

describe.each(
  Array.from({ length: Math.ceil(cases / casesPerPlace) }, (_, index) => ({
    numRuns: Math.min(casesPerPlace, cases - index * casesPerPlace),
  })),
)("$numRuns worlds", ({ numRuns }) => {
  beforeAll(async () => {
    place = await startPlace();
  });
  afterAll(() => place.stop());

  it("deletes exactly this scope's test data, and undo brings it back, whatever the graph, the ids and the ledger", async () => {
    await fc.assert(
      fc.asyncProperty(world, async (made) => {
        const catalog = await build(made);
        try {
          await check(made, catalog);
        } finally {
          await catalog.close();
        }
      }),
      { numRuns, endOnFailure: true },
    );
  }, 300_000);
});

async function check(made: World, catalog: Catalog): Promise<void> {
  const expected = expectationOf(made);
  const before = await snapshot(made, catalog);
  const request = requestFor(made.tables, {
    scope: made.scope,
    now,
    ledger: {
      rows: new Map(Object.entries(made.ledger.rows).map(([name, ids]) => [name, new Set(ids)])),
      keys: new Set(made.ledger.keys),
      problems: [],
    },
    testData: { prefixes: made.prefixes, expireAfter },
    ...startOf(made),
    stagePrefixes: made.prefixes,
  });
  if (made.together) return await checkTogether(made, catalog, { request, expected, before });
  const plan = await planCleanup(catalog.ports(), request);
  const result = await executeCleanup(await prove(catalog.ports()), plan);

  const wanted = sizeOf(expected);
  expect(await snapshot(made, catalog)).toEqual(without(before, expected));
  expect(result).toMatchObject({ plannedRows: wanted, deletedRows: wanted, leftOver: 0, keys: { planned: expected.keys.size } });
  expect(result.keys.deleted ?? 0).toBe(expected.keys.size);
  expect(result.tables.filter((table) => table.problem)).toEqual([]);
  expect(result.problems).toHaveLength(expected.refused + (expected.unproven ? 1 : 0));
  await checkUndo(made, catalog, { result, before, expected });
}

/** Another run of the same moment cleans up at the same time: each deletes its own, and neither anything of anybody else. */
async function checkTogether(
  made: World,
  catalog: Catalog,
  { request, expected, before }: { request: CleanupRequest; expected: Expectation; before: Snapshot },
): Promise<void> {
  const theirs = { ...request, runId: otherRun, ledger: { rows: new Map(), keys: new Set<string>(), problems: [] } };
  const cleanUp = async (own: CleanupRequest) => {
    const [proven, plan] = await Promise.all([prove(catalog.ports()), planCleanup(catalog.ports(), own)]);
    return await executeCleanup(proven, plan);
  };
  const results = await Promise.all([cleanUp(request), cleanUp(theirs)]);
  const other = expectationOf({ ...made, ledger: { rows: {}, keys: [] } }, otherRun);
  expect(await snapshot(made, catalog)).toEqual(without(before, together(expected, other)));
  expect(results.map((result) => result.leftOver)).toEqual([0, 0]);
}

/** Every row that was deleted is back as it was, but for one that somebody wrote anew; nothing else changed; and twice is once. */
async function checkUndo(
  made: World,
  catalog: Catalog,
  { result, before, expected }: { result: CleanupResult; before: Snapshot; expected: Expectation },
): Promise<void> {
  const rows = structuredClone(before.rows);
  const deleted = Object.entries(expected.rows).flatMap(([name, ids]) => [...ids].map((id) => ({ name, id })));
  const anew = made.rewritten === undefined ? undefined : deleted[made.rewritten % Math.max(1, deleted.length)];
  if (anew) {
    await catalog.insert(anew.name, [{ id: anew.id, title: "written anew" }]);
    const [row] = (await catalog.rows(anew.name)).filter(({ id }) => id === anew.id);
    rows[anew.name]?.set(anew.id, row ?? {});
  }
  const request = {
    report: { runId, environment: { name: "sandbox", access: "test-data" as const }, cleanup: result },
    tables: made.tables,
    protectedTables: [],
  };
  const undo = async () => {
    const plan = await planUndo(catalog.warehouse, request);
    return await executeUndo(catalog.ports() as Parameters<typeof executeUndo>[0], plan, new Map());
  };
  const restored = (undone: UndoResult) => undone.tables.reduce((sum, table) => sum + (table.restored ?? 0), 0);
  const undone = await undo();
  expect((await snapshot(made, catalog)).rows).toEqual(rows);
  expect(undone.tables.filter((table) => table.problem)).toEqual([]);
  expect(restored(undone)).toBe(deleted.length - (anew ? 1 : 0));
  expect(restored(await undo())).toBe(0);
  expect((await snapshot(made, catalog)).rows).toEqual(rows);
}

async function build(made: World): Promise<Catalog> {
  const definitions = Object.entries(made.tables).map(([name, table]) => {
    const columns = ["id", "title", ...Object.keys(table.parents)].map((column) => [column, "string"]);
    return [name, { columns: { ...Object.fromEntries(columns), created_at: "timestamp" } }];
  });
  await place.keys.flushall();
  if (made.keys.length > 0) await place.keys.mset(...made.keys.flatMap((key) => [key, "1"]));
  const catalog = await place.catalog(`c${catalogs++}`, Object.fromEntries(definitions));
  for (const [name, rows] of Object.entries(made.rows)) await catalog.insert(name, rows);
  return catalog;
}

function startOf({ keysBefore }: World): Pick<CleanupRequest, "start"> {
  if (!keysBefore) return {};
  const before = new Set(keysBefore.map(keyText));
  return { start: { takenAt: runStarted, versions: new Map(), hadKey: (key) => before.has(key) } };
}

interface Snapshot {
  rows: Record<string, Map<string, Record<string, unknown>>>;
  keys: Set<string>;
}

async function snapshot(made: World, catalog: Catalog): Promise<Snapshot> {
  const rows = await Promise.all(
    Object.keys(made.tables).map(
      async (name) => [name, new Map((await catalog.rows(name)).map((row) => [String(row.id), row]))] as const,
    ),
  );
  return { rows: Object.fromEntries(rows), keys: new Set(await place.keys.keys("*")) };
}

function without(before: Snapshot, expected: Expectation): Snapshot {
  const rows = Object.entries(before.rows).map(([name, all]) => [
    name,
    new Map([...all].filter(([id]) => !expected.rows[name]?.has(id))),
  ]);
  return { rows: Object.fromEntries(rows), keys: new Set([...before.keys].filter((key) => !expected.keys.has(key))) };
}

function sizeOf(expected: Expectation): number {
  return Object.values(expected.rows).reduce((sum, ids) => sum + ids.size, 0);
}
