import type { Table } from "../../config/schema.ts";
import { parentTables } from "../tables/graph.ts";
import type { TablePlan } from "./row-plan.ts";

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
