import type { Table } from "../../config/schema.ts";
import { keyText } from "../../redis/connection.ts";
import { IdFinder } from "../keys/words.ts";
import { parentTables } from "../tables/catalog.ts";
import type { PlanRequest, RowPlan, TablePlan } from "./row-plan.ts";

/**
 * The order of deletion. The tables of a batch are deleted from at the same time. Rows that can only be found through the rows
 * they depend on are deleted before those. So an interruption never leaves rows that a later sweep couldn't find.
 */
export function deletionBatchesOf(tables: readonly TablePlan[]): TablePlan[][] {
  const batches: TablePlan[][] = [];
  let remaining = [...tables];
  while (remaining.length > 0) {
    const needed = new Set(remaining.flatMap((table) => [...table.foundThrough]));
    const batch = remaining.filter((table) => !needed.has(table.table));
    // The order follows the graph, which has no circles. If there were one, a last batch would still delete everything.
    if (batch.length === 0) return [...batches, remaining];
    batches.push(batch);
    remaining = remaining.filter((table) => needed.has(table.table));
  }
  return batches;
}

/**
 * Of the rows that a row depends on, the topmost normally outlives it. If a later sweep couldn't find that one, the row is
 * deleted before all of them, because we don't know which would be found.
 * @param tables their dependencies are completed
 * @param doubtful tables with rows that a later sweep couldn't match directly
 * @param order position of each table in the graph, parents first
 */
export function assumeFoundThroughAll(
  tables: readonly TablePlan[],
  doubtful: ReadonlySet<string>,
  declared: Readonly<Record<string, Table>>,
  order: ReadonlyMap<string, number>,
): void {
  const rank = ({ table }: TablePlan) => order.get(table) ?? 0;
  const inDoubt = new Set(doubtful);
  for (const { table, foundThrough } of tables.toSorted((a, b) => rank(a) - rank(b))) {
    const parents = parentTables(declared[table]);
    // Its rows depend on each other, and we don't know through which one a row was found.
    const onItself = parents.includes(table) && inDoubt.has(table);
    if (!onItself && ![...foundThrough].some((parent) => inDoubt.has(parent))) continue;
    inDoubt.add(table);
    for (const parent of parents) if (parent !== table) foundThrough.add(parent);
  }
}

/** Why rows are kept that lead to other rows: without them no later sweep would find those. */
export const whyRetained = {
  keys: "kept: Redis keys with their ids could not be deleted, and are only findable through these rows",
  rows: "kept: dependent rows remain, and are only findable through these rows",
  unreadable: (table: string) =>
    `kept: ${table} may have dependent rows, but could not be read; they are only findable through these rows`,
  undeclared: (table: string) =>
    `kept: rows of ${table} depend on them, and that table is not declared; they are only findable through these rows`,
};

/** Table → why its rows are kept. Only the first reason is recorded. */
export type RetainedTables = Map<string, string>;

export function retain(retained: RetainedTables, tables: Iterable<string>, why: string): void {
  for (const table of tables) if (!retained.has(table)) retained.set(table, why);
}

/**
 * Of the tables that rows elsewhere depend on, those without which a sweep couldn't find them. An id with a test prefix is found
 * in any column that contains it, even if its own row is gone.
 */
export function tablesNeededToFind(
  tables: Iterable<string>,
  { ids }: Pick<RowPlan, "ids">,
  { tables: declared, sweptPrefixes }: Pick<PlanRequest, "tables" | "sweptPrefixes">,
): string[] {
  return [...tables].filter((table) => {
    const named = declared[table]?.match.some(({ column, prefix }) => prefix && column === declared[table]?.key);
    return [...(ids.get(table) ?? [])].some((id) => !named || !sweptPrefixes.some((prefix) => id.startsWith(prefix)));
  });
}

/**
 * What is kept of a batch. Everything that it depends on must then be kept in later batches too, or it couldn't be found.
 * @returns why each of them is kept
 */
export function retainedInBatch(batch: readonly TablePlan[], retained: RetainedTables): ReadonlyMap<TablePlan, string> {
  const staying = new Map<TablePlan, string>();
  for (const table of batch) {
    const why = retained.get(table.table);
    if (why === undefined) continue;
    staying.set(table, why);
    retain(retained, table.foundThrough, whyRetained.rows);
  }
  return staying;
}

/** Tables whose rows must not be deleted before these keys: a key is recognised by the row id in it. */
export function tablesRetainedFor(keys: ReadonlySet<string>, { ids, batches }: RowPlan): string[] {
  return batches
    .flat()
    .map(({ table }) => table)
    .filter((table) => {
      const finder = new IdFinder([...(ids.get(table) ?? [])].map(keyText));
      return finder.size > 0 && [...keys].some((key) => finder.isIn(key));
    });
}
