import { keyText } from "../../redis/connection.ts";
import { IdFinder } from "../keys/words.ts";
import type { PlanRequest, RowPlan, TablePlan } from "./row-plan.ts";

/** Why rows are kept that something else is found by: without them no later sweep would find it. */
export const whyRetained = {
  keys: "kept: Redis keys that carry their ids could not be deleted, and are only findable through these rows",
  rows: "kept: rows that depend on them are still there, and are only findable through these rows",
  unreadable: (table: string) =>
    `kept: ${table} may have rows that depend on them, and could not be read; such rows are only findable through these`,
  undeclared: (table: string) =>
    `kept: rows of ${table} depend on them, and that table is not declared; they are only findable through these rows`,
};

/** Table → why its rows stay. The first reason is as good as any. */
export type RetainedTables = Map<string, string>;

export function retain(retained: RetainedTables, tables: Iterable<string>, why: string): void {
  for (const table of tables) if (!retained.has(table)) retained.set(table, why);
}

/**
 * Of the tables that rows elsewhere hang on, those by whose rows alone a sweep would find them: an id that begins as test data does
 * shows in whatever names it, also when its own row is long gone.
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
 * Of a batch, what stays: with it, for later batches, all that it leans on, without which it would not be found either.
 * @returns why each of them stays
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

/** Tables whose rows must not go before these keys: a key is known by the id of the row that it carries. */
export function tablesRetainedFor(keys: ReadonlySet<string>, { ids, batches }: RowPlan): string[] {
  return batches
    .flat()
    .map(({ table }) => table)
    .filter((table) => {
      const finder = new IdFinder([...(ids.get(table) ?? [])].map(keyText));
      return finder.size > 0 && [...keys].some((key) => finder.isIn(key));
    });
}
