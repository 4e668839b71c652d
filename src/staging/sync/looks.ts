import type { WarehouseReader } from "../../warehouse/access.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { qualifiedName, quoteName } from "../../warehouse/statements.ts";

/** What a plan needs to know besides the two structures. */

/** Those of the tables that have no row, by one statement for many. */
export async function emptyTables(warehouse: WarehouseReader, catalog: string, tables: readonly string[]): Promise<Set<string>> {
  const empty = new Set<string>();
  for (let from = 0; from < tables.length; from += 100) {
    const some = tables.slice(from, from + 100);
    const questions = some.map(
      (table, at) =>
        `SELECT ${at} AS place, count(*) AS found FROM (SELECT 1 AS one FROM ${qualifiedName(catalog, table)} LIMIT 1)`,
    );
    for (const { place, found } of await warehouse.query(questions.join(" UNION ALL ")))
      if (Number(found) === 0) empty.add(some[Number(place)] ?? "");
  }
  return empty;
}

/** As `schema.function` in lower case; undefined if they cannot be listed. */
export async function functionsOf(warehouse: WarehouseReader, catalog: string): Promise<Set<string> | undefined> {
  const routines = `${quoteName(catalog)}.information_schema.routines`;
  try {
    const rows = await warehouse.query(`SELECT routine_schema, routine_name FROM ${routines}`);
    return new Set(rows.map((row) => `${row.routine_schema}.${row.routine_name}`.toLowerCase()));
  } catch (error) {
    if (error instanceof WarehouseFailure && error.kind === "statement") return undefined;
    throw error;
  }
}
