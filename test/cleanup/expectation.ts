import { judgeCleanup } from "../../src/cleanup/execute/verdict.ts";
import type { CleanupResult, TouchedRow } from "../../src/model/test-data.ts";
import type { MadeRow, World } from "./world.ts";

/**
 * What a cleanup promises, in terms of whose a row really is and not of how that is found out:
 * 1. No row goes, and none is changed, but test data of the scope.
 * 2. Every row of test data that shows itself, that the ledger names, or that depends on such a row is gone, or the report says it.
 * 3. Nothing real points at a row that is gone.
 * 4. A test that changed a real row, or a row whose owner is doubtful, is no passed cleanup.
 */
export interface Outcome {
  /** `n` of the rows that are left. */
  left: ReadonlySet<string>;
  result: CleanupResult;
  touched: readonly TouchedRow[];
}

/** Whose test data the scope deletes. */
export function inScope(world: World, { who }: MadeRow, cell: "mine" | "cell" = "mine"): boolean {
  if (world.scope === "run") return who === cell || (world.together && (who === "mine" || who === "cell"));
  if (world.scope === "expired") return who === "lost" || who === "undated";
  return who === "mine" || who === "cell" || who === "lost" || who === "undated";
}

/** Rows that may go: all others must be there, untouched. */
export function mayGo(world: World): Set<string> {
  return new Set(world.rows.filter((row) => inScope(world, row)).map(({ n }) => n));
}

/** Test data of the scope that can be found at all: what nothing shows and nobody named is for the books to tell. */
export function findable(world: World): MadeRow[] {
  const rows = world.rows.filter((row) => inScope(world, row));
  const found = new Set(rows.filter((row) => isShown(world, row)));
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const row of rows)
      if (ownersOf(world, row).some((owner) => found.has(owner)) || pointsAtGone(world, row)) found.add(row);
  }
  return [...found];
}

function isShown(world: World, row: MadeRow): boolean {
  const named = world.scope === "run" && row.who === "mine" && row.id !== null && world.ledger.rows[row.table]?.includes(row.id);
  return row.shown || named === true;
}

function ownersOf(world: World, row: MadeRow): MadeRow[] {
  return Object.entries(world.tables[row.table]?.parents ?? {}).flatMap(([column, { table }]) => {
    const id = row.points[column];
    return id ? world.rows.filter((other) => other.table === table && other.id === id) : [];
  });
}

/** At an id that begins as test data does, in a table whose ids show that, or at one that the ledger names. */
function pointsAtGone(world: World, row: MadeRow): boolean {
  return Object.entries(world.tables[row.table]?.parents ?? {}).some(([column, { table }]) => {
    const id = row.points[column] ?? "";
    const byId = world.tables[table]?.match.some((rule) => rule.column === "id") === true;
    if (id.endsWith("_gone")) return byId;
    return id === "made-and-gone" && world.scope === "run";
  });
}

/** Everything in which the outcome breaks the promise. */
export function brokenPromises(world: World, { left, result, touched }: Outcome): string[] {
  const gone = world.rows.filter(({ n }) => !left.has(n));
  const allowed = mayGo(world);
  const lost = gone.filter(({ n }) => !allowed.has(n)).map((row) => `not test data of this scope, and gone: ${describe(row)}`);
  const remaining = findable(world).filter(({ n }) => left.has(n));
  const unsaid = remaining
    .filter((row) => !isSaid(world, row, result, touched))
    .map((row) => `left and not said: ${describe(row)}`);
  const dangling = world.moves.flatMap(({ row, column, to }) => {
    const targets = ownersOf(world, { ...row, points: { [column]: to } });
    return targets.some((target) => left.has(target.n)) ? [] : [`${describe(row)} points at nothing now: ${column} ${to}`];
  });
  const passed = judgeCleanup(result, 0).verdict === "passed";
  const quiet = passed && remaining.length > 0 ? [`passed, with ${remaining.length} rows of test data left`] : [];
  const mine = world.moves.filter(({ by }) => (world.scope === "run" ? by === "mine" : world.scope === "all" || by === "lost"));
  const changed = mine.filter(({ to }) => findable(world).some((row) => row.id === to));
  const unnoticed =
    passed && changed.length > 0 ? [`passed, although tests changed ${changed.map(({ row }) => describe(row)).join()}`] : [];
  return [...lost, ...unsaid, ...dangling, ...quiet, ...unnoticed];
}

/** Named by the report, or depending on a row that is, or standing where a real row was changed. */
function isSaid(
  world: World,
  row: MadeRow,
  result: CleanupResult,
  touched: readonly TouchedRow[],
  seen = new Set<MadeRow>(),
): boolean {
  if (seen.has(row)) return false;
  seen.add(row);
  const named = (result.kept ?? []).some(
    ({ table, samples }) => table === row.table && samples.includes(row.id ?? "a row without a key"),
  );
  const byLink = (result.kept ?? []).some(
    ({ table, samples }) =>
      table === row.table &&
      row.id === null &&
      samples.some((sample) => Object.values(row.points).includes(sample) || sample === row.title),
  );
  const sentences = result.problems.some(
    (problem) => row.id !== null && problem.startsWith(`${row.table}:`) && problem.includes(row.id),
  );
  if (named || byLink || sentences || touched.some(({ table, key }) => table === row.table && key.value === row.id)) return true;
  return ownersOf(world, row).some((owner) => isSaid(world, owner, result, touched, seen));
}

function describe({ table, n, who, id, title }: MadeRow): string {
  return `${who} row ${n} of ${table} (${id}, ${title})`;
}
