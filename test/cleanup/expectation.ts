import { judgeCleanup } from "../../src/cleanup/execute/verdict.ts";
import type { CleanupResult, TouchedRow } from "../../src/model/test-data.ts";
import type { MadeRow, World } from "./world.ts";

/**
 * What a cleanup promises, by whose a row really is, not by how that is determined: 1. Only test data of the scope is deleted,
 * and no row is changed. 2. Every row of test data that identifies itself, that the ledger names, or that depends on such a row
 * is deleted or reported. 3. No real row points at a deleted row. 4. A cleanup doesn't pass if a test changed a real row, or the
 * owner of a row is in doubt.
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

/** Rows that may be deleted. All others must still exist, unchanged. */
export function mayGo(world: World): Set<string> {
  return new Set(world.rows.filter((row) => inScope(world, row)).map(({ n }) => n));
}

/** Test data of the scope that can be found at all. What nothing shows and nobody registered, the books report. */
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

/** At an id with a test prefix, in a table whose ids show that, or at one that the ledger names. */
function pointsAtGone(world: World, row: MadeRow): boolean {
  return Object.entries(world.tables[row.table]?.parents ?? {}).some(([column, { table }]) => {
    const id = row.points[column] ?? "";
    const byId = world.tables[table]?.match.some((rule) => rule.column === "id") === true;
    if (id.endsWith("_gone")) return byId;
    return id === "made-and-gone" && world.scope === "run";
  });
}

/** All ways in which the outcome breaks the promise. */
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

/** Named by the report, depending on a row that is, or in place of a changed real row. */
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
