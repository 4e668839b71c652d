import type { TablePlan } from "./row-plan.ts";

/**
 * The order of deletion. Tables of one wave are deleted from at once. A table whose rows are found only by the rows they hang on
 * goes before the table of those: a deletion that is interrupted at any moment leaves nothing that a later sweep could not find.
 */
export function wavesOf(tables: readonly TablePlan[]): TablePlan[][] {
  const waves: TablePlan[][] = [];
  let remaining = [...tables];
  while (remaining.length > 0) {
    const leantOn = new Set(remaining.flatMap((table) => [...table.leansOn]));
    const wave = remaining.filter((table) => !leantOn.has(table.table));
    // What leans follows the graph, which has no circle; without that, all at once would still delete everything.
    if (wave.length === 0) return [...waves, remaining];
    waves.push(wave);
    remaining = remaining.filter((table) => leantOn.has(table.table));
  }
  return waves;
}
