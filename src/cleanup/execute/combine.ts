import { createHash } from "node:crypto";
import type { CleanupResult, KeptRows, TableCleanup } from "../../model/test-data.ts";
import { joinTouched, type Touched } from "../touched/touched-rows.ts";

/** Combines cleanups of several runs, done one after another, into one. Undo needs each table's deletions in order. */
export function combineResults(results: readonly CleanupResult[]): CleanupResult {
  const [first, ...more] = results;
  if (!first) throw new Error("no run was cleaned");
  if (more.length === 0) return first;
  const keys = results.map((result) => result.keys);
  const tables = new Map<string, TableCleanup>();
  for (const table of results.flatMap((result) => result.tables)) {
    const before = tables.get(table.table);
    tables.set(table.table, before ? bothTables(before, table) : table);
  }
  return {
    ...first,
    digest: digestOfPlans(results.map((result) => result.digest)),
    tables: [...tables.values()],
    keys: {
      // Each cleanup checks the TTLs in all of Redis in the same way, so the last result counts.
      ...Object.assign({}, ...keys),
      planned: sum(keys.map(({ planned }) => planned)),
      ...known("deleted", sumKnown(keys.map(({ deleted }) => deleted))),
      ...known("left", sumKnown(keys.map(({ left }) => left))),
      samples: keys.flatMap(({ samples }) => samples).slice(0, 3),
      ...known("problem", joined(keys.map(({ problem }) => problem))),
    },
    problems: [...new Set(results.flatMap((result) => result.problems))],
    notes: [...new Set(results.flatMap((result) => result.notes))],
    plannedRows: sum(results.map((result) => result.plannedRows)),
    deletedRows: sum(results.map((result) => result.deletedRows)),
    deletedKeys: sum(results.map((result) => result.deletedKeys)),
    ...known("realLooking", allOf(results.map((result) => result.realLooking))),
    ...results.reduce((found, result) => joinTouched(found, result), {} as Touched),
    ...known("kept", keptByAny(results)),
    looked: {
      tables: Math.max(...results.map(({ looked }) => looked?.tables ?? 0)),
      redis: results.some(({ looked }) => looked?.redis),
    },
    leftOver: results.some((result) => result.leftOver === null) ? null : sum(results.map(({ leftOver }) => leftOver ?? 0)),
  };
}

/** The digest of several plans; for a single one, that plan's own. */
export function digestOfPlans(digests: readonly string[]): string {
  const [only, ...more] = digests;
  return only !== undefined && more.length === 0 ? only : createHash("sha256").update(JSON.stringify(digests)).digest("hex");
}

/** Several runs may keep the same rows for the same reason; they count once. */
function keptByAny(results: readonly CleanupResult[]): KeptRows[] | undefined {
  const kept = new Map(results.flatMap((result) => result.kept ?? []).map((rows) => [JSON.stringify(rows), rows]));
  return kept.size > 0 ? [...kept.values()] : undefined;
}

function bothTables(a: TableCleanup, b: TableCleanup): TableCleanup {
  return {
    ...a,
    ...b,
    planned: a.planned + b.planned,
    ...known("deleted", sumKnown([a.deleted, b.deleted])),
    ...known("left", sumKnown([a.left, b.left])),
    ...known("oldest", [a.oldest, b.oldest].filter((time) => time !== undefined).sort()[0]),
    ...known(
      "newest",
      [a.newest, b.newest]
        .filter((time) => time !== undefined)
        .sort()
        .at(-1),
    ),
    samples: [...a.samples, ...b.samples].slice(0, 3),
    ...known("versionBefore", a.versionBefore ?? b.versionBefore),
    ...known("versionAfter", b.versionAfter ?? a.versionAfter),
    ...known("deletions", allOf([a.deletions, b.deletions])),
    ...known("problem", joined([a.problem, b.problem])),
  };
}

/** A member that is absent if its value is unknown, whatever the parts had. */
function known<Name extends string, Value>(name: Name, value: Value | undefined): { [Key in Name]?: Value } {
  return { [name]: value } as { [Key in Name]?: Value };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Unknown is not zero. */
function sumKnown(numbers: readonly (number | undefined)[]): number | undefined {
  return numbers.some((number) => number === undefined) ? undefined : sum(numbers.map((number) => number ?? 0));
}

function joined(texts: readonly (string | undefined)[]): string | undefined {
  return texts.filter((text) => text !== undefined).join("; ") || undefined;
}

function allOf<Item>(lists: readonly (readonly Item[] | undefined)[]): Item[] | undefined {
  const all = lists.flatMap((list) => list ?? []);
  return all.length > 0 ? all : undefined;
}
