import type { Table } from "../../config/schema.ts";
import { parentTables } from "../tables/graph.ts";
import type { TablePlan } from "./row-plan.ts";

/**
 * The order of deletion. Tables of one batch are deleted from at once. A table whose rows are found only by the rows they hang on
 * goes before the table of those: a deletion that is interrupted at any moment leaves nothing that a later sweep could not find.
 */
export function deletionBatchesOf(tables: readonly TablePlan[]): TablePlan[][] {
  const batches: TablePlan[][] = [];
  let remaining = [...tables];
  while (remaining.length > 0) {
    const needed = new Set(remaining.flatMap((table) => [...table.foundThrough]));
    const batch = remaining.filter((table) => !needed.has(table.table));
    // What leans follows the graph, which has no circle; without that, all at once would still delete everything.
    if (batch.length === 0) return [...batches, remaining];
    batches.push(batch);
    remaining = remaining.filter((table) => needed.has(table.table));
  }
  return batches;
}

/**
 * Of the rows that a row hangs on, the one that stands highest outlives it. That will not do where a later sweep would not find that
 * one: then the row goes before all of them, whichever it is that would be found.
 * @param tables what they lean on is completed
 * @param doubtful tables with rows that no later sweep would find by themselves
 * @param order position of each table in the order of the graph, parents first
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
    // Its rows hang on each other: by which of them one was found is not known.
    const onItself = parents.includes(table) && inDoubt.has(table);
    if (!onItself && ![...foundThrough].some((parent) => inDoubt.has(parent))) continue;
    inDoubt.add(table);
    for (const parent of parents) if (parent !== table) foundThrough.add(parent);
  }
}
