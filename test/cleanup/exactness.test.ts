import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import type { KeyScope } from "../../src/cleanup/keys/judge.ts";
import type { StartState } from "../../src/cleanup/ownership/age.ts";
import { type CleanupRequest, planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { executeUndo, planUndo, type UndoResult } from "../../src/cleanup/undo/restore-rows.ts";
import type { CleanupResult } from "../../src/model/test-data.ts";
import { keyText } from "../../src/redis/connection.ts";
import { WarehouseFailure } from "../../src/warehouse/failure.ts";
import { isRefereed } from "../delta/referee.ts";
import { brokenPromises, mayGo } from "./expectation.ts";
import { plainly } from "./key-oracle.ts";
import { checkRepair } from "./repair-check.ts";
import { type Catalog, requestFor, runId, startTestStores, type TestStores } from "./test-stores.ts";
import { expireAfter, type MadeRow, now, otherRun, retimedRow, stageStarted, type World, world } from "./world.ts";

// The promise of the whole suite: all test data is deleted or reported, and nothing else is touched. In between are ids that only
// look alike, real rows that a test moved, inexact times, and wrong lines in the ledger, which hand-written examples would never
// cover.
/** A third of a second each. CASES makes the search longer; SEED and WORLD, from a failure's seed and path, replay it. */
const cases = Number(process.env.CASES ?? (process.env.LONG ? 4_000 : 80));

/** Each world leaves a catalog behind, so a warehouse only serves this many. */
const casesPerStart = 200;

let stores: TestStores;
let catalogs = 0;

describe.each(
  Array.from({ length: Math.ceil(cases / casesPerStart) }, (_, index) => ({
    numRuns: Math.min(casesPerStart, cases - index * casesPerStart),
    // Other worlds in each block.
    seed: process.env.SEED ? (Number(process.env.SEED) + index * 1_000_003) | 0 : undefined,
  })),
)("$numRuns worlds", ({ numRuns, seed }) => {
  beforeAll(async () => {
    stores = await startTestStores();
  });
  afterAll(() => stores.stop());

  it(
    "no real row is touched, all test data is deleted or reported, and undo restores what was deleted",
    async () => {
      await fc.assert(
        fc.asyncProperty(world, async (made) => {
          const { catalog, start } = await build(made);
          try {
            await check(made, catalog, start);
          } finally {
            await catalog.close();
          }
        }),
        {
          numRuns,
          endOnFailure: true,
          ...(seed === undefined ? {} : { seed }),
          ...(process.env.WORLD ? { path: process.env.WORLD } : {}),
        },
      );
    },
    isRefereed ? 5_400_000 : 600_000,
  );
});

async function check(made: World, catalog: Catalog, start: StartState | undefined): Promise<void> {
  let before = await snapshot(made, catalog);
  const retimed = retimedRow(made);
  const keysBefore = new Set(await stores.keys.keys("*"));
  const request = requestFor(made.tables, {
    scope: made.scope,
    now,
    ...(start || keysOfStart(made)
      ? { start: { takenAt: stageStarted, versions: new Map(), hadKey: () => undefined, ...start, ...keysOfStart(made) } }
      : {}),
    stagePrefixes: made.prefixes,
    ledger: {
      rows: new Map(Object.entries(made.ledger.rows).map(([name, ids]) => [name, new Set(ids)])),
      keys: new Set(made.ledger.keys),
      problems: [],
    },
    testData: {
      prefixes: made.prefixes,
      expireAfter,
      keep: made.keep,
      ...(made.timeZone === undefined ? {} : { timeZone: made.timeZone }),
    },
  });
  const ports = () => catalog.ports(made.historyGone ? { warehouse: withoutHistory(catalog.warehouse) } : {});
  const cleanUp = async (own: CleanupRequest) => {
    const plan = await planCleanup(ports(), own);
    if (retimed) {
      await catalog.run(
        (name) => `UPDATE ${name} SET made = CAST(:made AS ${made.types[retimed.row.table]}) WHERE n = '${retimed.row.n}'`,
        retimed.row.table,
        { made: retimed.made },
      );
      before = await snapshot(made, catalog);
    }
    return { plan, result: await executeCleanup(await prove(ports()), plan) };
  };
  const theirs = { ...request, runId: otherRun, ledger: { rows: new Map(), keys: new Set<string>(), problems: [] } };
  const [{ plan, result }, other] = await Promise.all([cleanUp(request), ...(made.together ? [cleanUp(theirs)] : [])]);

  const after = await snapshot(made, catalog);
  for (const [n, row] of after) expect(row).toEqual(before.get(n));
  const left = new Set(after.keys());
  const all = other
    ? {
        ...result,
        kept: [...(result.kept ?? []), ...(other.result.kept ?? [])],
        touched: [...(result.touched ?? []), ...(other.result.touched ?? [])],
        problems: [...result.problems, ...other.result.problems],
      }
    : result;
  expect(
    brokenPromises(made, { left, result: all, touched: [...(plan.rows?.touched ?? []), ...(other?.plan.rows?.touched ?? [])] }),
  ).toEqual([]);
  expect([result.leftOver, other?.result.leftOver ?? 0]).toEqual([0, 0]);
  const staysRetimed = retimed !== undefined && left.has(retimed.row.n);
  if (!made.together)
    expect(
      result.tables.filter(
        ({ problem, table }) => problem && !made.historyGone && !(staysRetimed && table === retimed.row.table),
      ),
    ).toEqual([]);
  await checkKeys(made, left, keysBefore);
  const sharesKeys = new Set(made.rows.map(({ table, id }) => `${table} ${id}`)).size < made.rows.length;
  const keysAfter = new Set(await stores.keys.keys("*"));
  if (!made.together && !sharesKeys)
    checkEachKey(made, { left, before: keysBefore, after: keysAfter, problems: result.problems });
  if (!made.together && !made.historyGone && !sharesKeys) await checkUndo(made, catalog, { result, before, left });
  // A test row whose time says that it is older is taken for a real one that was changed.
  if (!staysRetimed) await checkRepair(made, result, ports(), () => snapshot(made, catalog));
}

function keysOfStart({ keysBefore, scope }: World): Pick<StartState, "hadKey"> | undefined {
  if (!keysBefore || scope !== "run") return undefined;
  const before = new Set(keysBefore.map(keyText));
  return { hadKey: (key) => before.has(key) };
}

/** Exactly those keys are deleted that docs/redis.md says, given the deleted rows. What only the ledger claims is reported. */
function checkEachKey(
  made: World,
  {
    left,
    before,
    after,
    problems,
  }: { left: ReadonlySet<string>; before: ReadonlySet<string>; after: ReadonlySet<string>; problems: string[] },
): void {
  const isRun = made.scope === "run";
  const scope: KeyScope = {
    scope: made.scope,
    prefixes: isRun ? made.prefixes.map((prefix) => `${prefix}${runId}`) : made.prefixes,
    ids: new Set(made.rows.flatMap(({ n, id }) => (left.has(n) || id === null ? [] : [id]))),
    ledger: new Set(isRun ? made.ledger.keys : []),
    namespaces: ["cw:test:*"],
    protectedKeys: ["audit:log"],
    olderThan: now - expireAfter,
    now,
    ...(isRun ? { run: { ids: [runId], prefixes: made.prefixes } } : {}),
    ...keysOfStart(made),
  };
  const judged = new Map([...before].map((key) => [key, plainly(scope, key)]));
  expect([...before].filter((key) => !after.has(key)).sort()).toEqual(
    [...judged]
      .filter(([, judgement]) => judgement === "delete")
      .map(([key]) => key)
      .sort(),
  );
  for (const [key, judgement] of judged) if (judgement === "unproven") expect(problems.join()).toContain(key);
}

/** Keys with only real rows' ids are kept; those of deleted rows are gone. */
async function checkKeys(made: World, left: ReadonlySet<string>, before: ReadonlySet<string>): Promise<void> {
  const after = new Set(await stores.keys.keys("*"));
  const allowed = mayGo(made);
  const isPrefixed = (id: string) => made.prefixes.some((prefix) => id.startsWith(prefix));
  const real = new Set(
    made.rows.filter(({ n }) => !allowed.has(n)).flatMap(({ id }) => (id === null || isPrefixed(id) ? [] : [id])),
  );
  const gone = new Set(made.rows.filter(({ n }) => !left.has(n)).flatMap(({ id }) => (id === null || real.has(id) ? [] : [id])));
  const ofReal = [...before].filter((key) => real.has(key.split(":")[1] ?? ""));
  expect(ofReal.filter((key) => !after.has(key))).toEqual([]);
  expect(after.has("audit:log")).toBe(true);
  expect([...after].filter((key) => /^session:.*:code$/s.test(key) && gone.has(key.slice(8, -5)))).toEqual([]);
}

/**
 * Every deleted row is back as it was, except one that somebody wrote again. Nothing else changed, and a second undo changes
 * nothing.
 */
async function checkUndo(
  made: World,
  catalog: Catalog,
  { result, before, left }: { result: CleanupResult; before: Snapshot; left: ReadonlySet<string> },
): Promise<void> {
  const deleted = made.rows.filter(({ n, id }) => !left.has(n) && id !== null);
  const anew = made.rewritten === undefined ? undefined : deleted[made.rewritten % Math.max(1, deleted.length)];
  const rows = new Map(before);
  if (anew) {
    await catalog.insert(anew.table, [{ id: anew.id, n: "anew", title: "written anew" }]);
    rows.delete(anew.n);
    rows.set("anew", (await snapshot(made, catalog)).get("anew") ?? {});
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
  expect(await snapshot(made, catalog)).toEqual(rows);
  expect(undone.tables.filter((table) => table.problem)).toEqual([]);
  expect(restored(undone)).toBe(before.size - left.size - (anew ? 1 : 0));
  expect(restored(await undo())).toBe(0);
  expect(await snapshot(made, catalog)).toEqual(rows);
}

/** Creates everything in the order in which it happened, so that the tables' histories show it. */
async function build(made: World): Promise<{ catalog: Catalog; start: StartState | undefined }> {
  const { faults } = stores.warehouse;
  const definitions = Object.entries(made.tables).map(([name, table]) => {
    const columns = ["n", "id", "title", ...Object.keys(table.parents)].map((column) => [column, "string"]);
    return [name, { columns: { ...Object.fromEntries(columns), made: made.types[name] ?? "string" } }];
  });
  await stores.keys.flushall();
  if (made.keys.length > 0) await stores.keys.mset(...made.keys.flatMap((key) => [key, "1"]));
  faults.clock = Math.min(...made.rows.map(({ at }) => at)) - 86_400_000;
  const catalog = await stores.catalog(`c${catalogs++}`, Object.fromEntries(definitions));
  const versions = new Map(Object.keys(made.tables).map((name) => [name, 0]));
  const changed = (name: string) => versions.set(name, (versions.get(name) ?? 0) + 1);
  const inserts = [...Map.groupBy(made.rows, ({ table, at }) => `${at} ${table}`).values()].map((rows) => ({
    at: rows[0]?.at ?? 0,
    run: async () => {
      await catalog.insert(rows[0]?.table ?? "", rows.map(asRow));
      changed(rows[0]?.table ?? "");
    },
  }));
  const updates = made.moves.map(({ row, at, column, to, made: rewritten }) => ({
    at,
    run: async () => {
      await catalog.update(row.table, [column, to], ["n", row.n]);
      changed(row.table);
      if (rewritten === undefined) return;
      await catalog.update(row.table, ["made", rewritten], ["n", row.n]);
      changed(row.table);
    },
  }));
  let start: StartState | undefined;
  const look = async () => {
    start = made.withStart ? { takenAt: stageStarted, versions: new Map(versions), hadKey: () => undefined } : undefined;
  };
  for (const { at, run } of [...inserts, ...updates, { at: stageStarted, run: look }].toSorted((a, b) => a.at - b.at)) {
    faults.clock = at;
    await run();
  }
  faults.clock = now;
  return { catalog, start };
}

function asRow({ n, id, title, made, points }: MadeRow): Record<string, string | null> {
  return { n, id, title, made, ...points };
}

/** VACUUM and log retention have removed all older versions. */
function withoutHistory(warehouse: Catalog["warehouse"]): Catalog["warehouse"] {
  return {
    ...warehouse,
    query: async (sql, parameters) => {
      if (/ AS OF |^DESCRIBE HISTORY/.test(sql)) throw new WarehouseFailure("statement", "[DELTA_VERSION_NOT_FOUND]");
      return await warehouse.query(sql, parameters);
    },
  };
}

/** `n` → the row. */
type Snapshot = Map<string, Record<string, unknown>>;

async function snapshot(made: World, catalog: Catalog): Promise<Snapshot> {
  // A quarter of all statements: without the way there and back, unless Delta has to give the same answers.
  const rowsOf = (name: string) =>
    isRefereed ? catalog.rows(name) : stores.warehouse.query(`SELECT * FROM ${catalog.name}.${name}`);
  const rows = await Promise.all(
    Object.keys(made.tables).map(async (name) => (await rowsOf(name)).map((row) => ({ ...row, table: name }))),
  );
  return new Map(rows.flat().map((row): [string, Record<string, unknown>] => [String((row as Record<string, unknown>).n), row]));
}
