import type { Table } from "../../config/schema.ts";
import { pluralsOf } from "../../lib/count.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import { timeInId } from "../ownership/age.ts";
import {
  type CatalogColumns,
  type DeclarableTable,
  entityNamedBy,
  kindOf,
  parentTables,
  wordsOfTableName,
} from "../tables/catalog.ts";
import { asText, queryInBatches, ruleCondition } from "../tables/selection.ts";

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

/** Suggestions for `testData.keep` and `testData.sweep`, from rows that match only a suffix or a whole value. */
export interface FixedRows {
  /** `schema.table` → keys of rows that probably no run created: permanent accounts and schools. */
  keep: Record<string, string[]>;
  /** Values that match rows of runs, so that a sweep may use them. */
  sweep: string[];
  /** What could not be determined, one sentence each. */
  remarks: string[];
}

interface Inquiry {
  name: string;
  table: Table;
  column: string;
  value: string;
  isSuffix: boolean;
}

/** With more rows than this, a list in the configuration is impractical. */
const mostRows = 100;

/**
 * Finds rows that match only a suffix or a whole value. If the key or value contains a time or begins with a prefix, a run
 * created the row. Any other is probably permanent, but a person has to decide.
 * @throws WarehouseFailure
 */
export async function findFixedRows(
  warehouse: WarehouseReader,
  tables: Readonly<Record<string, Table>>,
  columns: CatalogColumns,
  { prefixes, now }: { prefixes: readonly string[]; now: number },
): Promise<FixedRows> {
  const inquiries = Object.entries(tables).flatMap(([name, table]): Inquiry[] =>
    table.match.flatMap(({ column, suffix, equals }): Inquiry[] => {
      const value = suffix ?? equals;
      const known = columns.get(name);
      if (value === undefined || !known?.has(column) || !known.has(table.key)) return [];
      return [{ name, table, column, value, isSuffix: suffix !== undefined }];
    }),
  );
  const { rows, failed } = await queryInBatches(warehouse, inquiries, ({ name, table, column, value, isSuffix }, binder) => {
    const types = columns.get(name) ?? new Map<string, string>();
    const condition = ruleCondition(isSuffix ? { column, suffix: value } : { column, equals: value }, types, binder);
    const from = `(SELECT * FROM ${qualifiedName(warehouse.catalog, name)} WHERE ${condition} LIMIT ${mostRows + 1}) AS looked_at`;
    return { columns: `${asText(table.key, types)} AS row_key, ${asText(column, types)} AS shown`, from };
  });
  const found: FixedRows = {
    keep: {},
    sweep: [],
    remarks: failed.map(({ item, why }) => `${item.name} could not be read: ${why}`),
  };
  const isOfRun = (text: string) => timeInId(text, now) !== undefined || prefixes.some((prefix) => text.startsWith(prefix));
  for (const [{ name, table, value }, answers] of Map.groupBy(rows, ({ item }) => item)) {
    const keys = answers.flatMap(({ row }) => {
      const [key, shown] = [String(row.row_key ?? ""), String(row.shown ?? "")];
      if (!isOfRun(key) && !isOfRun(shown)) return key === "" ? [] : [key];
      if (!found.sweep.includes(value)) found.sweep.push(value);
      return [];
    });
    if (answers.length > mostRows)
      found.remarks.push(`${name}: more than ${mostRows} rows match only by ${JSON.stringify(value)}`);
    else if (table.person.includes(table.key) && keys.length > 0)
      found.remarks.push(
        `${name}: ${keys.length} rows match only by ${JSON.stringify(value)}; their key may contain personal data`,
      );
    else if (keys.length > 0) found.keep[name] = [...new Set([...(found.keep[name] ?? []), ...keys])].sort();
  }
  return { ...found, sweep: found.sweep.sort() };
}
