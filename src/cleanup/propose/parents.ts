import type { Table } from "../../config/schema.ts";
import { pluralsOf } from "../../lib/count.ts";
import { type DeclarableTable, entityNamedBy, kindOf, parentTables, wordsOfTableName } from "../tables/catalog.ts";

/**
 * The table that a column points at: the one whose name ends with the plural of the entity (or is its singular), in the same
 * schema if possible. Among several, the one with exactly that name.
 * @returns all candidates if it is not certain
 */
export function parentOf(
  column: string,
  table: DeclarableTable,
  targets: readonly DeclarableTable[],
): { parent?: string; candidates: string[] } {
  const thing =
    entityNamedBy(column)
      ?.split("_")
      .filter((word) => word !== "") ?? [];
  const fitting = targets.filter((target) => sameKind(column, table, target));
  const pool = nearby(table, called(thing, fitting));
  const exact = pool.filter((target) => wordsOfTableName(target.name).length === thing.length);
  const [only] = pool.length === 1 ? pool : exact.length === 1 ? exact : [];
  if (only) return { parent: only.name, candidates: [only.name] };
  if (pool.length > 0) return { candidates: pool.map((target) => target.name) };
  // A person in a role: primary_teacher_id. The table can be guessed, the meaning cannot.
  const roles = thing.length > 1 ? nearby(table, called(thing.slice(-1), fitting)) : [];
  return { candidates: roles.length === 1 ? roles.map((target) => target.name) : [] };
}

/** Tables named by the plural of the entity; if there are none, those named by its singular. */
function called(thing: readonly string[], targets: readonly DeclarableTable[]): DeclarableTable[] {
  const last = thing.at(-1);
  if (last === undefined) return [];
  const ending = (words: readonly string[]) =>
    targets.filter((target) => {
      const end = wordsOfTableName(target.name).slice(-thing.length);
      return (
        end.length === thing.length &&
        end.every((word, index) => (index < thing.length - 1 ? word === thing[index] : words.includes(word)))
      );
    });
  const plural = ending(pluralsOf(last));
  return plural.length > 0 ? plural : ending([last]);
}

function nearby(table: DeclarableTable, targets: readonly DeclarableTable[]): DeclarableTable[] {
  const schema = schemaOf(table.name);
  const same = targets.filter((target) => schemaOf(target.name) === schema);
  return same.length > 0 ? same : [...targets];
}

function sameKind(column: string, table: DeclarableTable, target: DeclarableTable): boolean {
  const kind = kindOf(table.columns.get(column) ?? "");
  return kind !== "other" && kind === kindOf(target.columns.get(target.key ?? "") ?? "");
}

function schemaOf(table: string): string {
  return table.split(".")[0] ?? "";
}

export interface DroppedParent {
  table: string;
  column: string;
  parent: string;
}

/**
 * Removes parents until the dependencies have no circle. In each circle, the edge of the table that most other tables depend on
 * is removed: teachers depend on a school, whoever its principal is.
 */
export function breakCycles(tables: Record<string, Table>): DroppedParent[] {
  const dropped: DroppedParent[] = [];
  for (let circle = findCircle(tables); circle !== undefined; circle = findCircle(tables)) {
    const weight = (table: string) => Object.values(tables).filter((one) => parentTables(one).includes(table)).length;
    const [weakest] = circle.toSorted((a, b) => weight(b.table) - weight(a.table) || (a.table < b.table ? -1 : 1));
    if (!weakest) return dropped;
    delete tables[weakest.table]?.parents[weakest.column];
    dropped.push(weakest);
  }
  return dropped;
}

/** The parents that form some circle. A table that points at itself is not one. */
function findCircle(tables: Readonly<Record<string, Table>>): DroppedParent[] | undefined {
  const done = new Set<string>();
  const search = (table: string, way: readonly DroppedParent[]): DroppedParent[] | undefined => {
    const from = way.findIndex((step) => step.table === table);
    if (from >= 0) return way.slice(from);
    if (done.has(table)) return undefined;
    for (const [column, { table: parent }] of Object.entries(tables[table]?.parents ?? {})) {
      const found = parent === table ? undefined : search(parent, [...way, { table, column, parent }]);
      if (found) return found;
    }
    done.add(table);
    return undefined;
  };
  for (const table of Object.keys(tables)) {
    const found = search(table, []);
    if (found) return found;
  }
  return undefined;
}
