import type { Table } from "../config/schema.ts";
import { errorText } from "../lib/error-text.ts";
import { inParallel } from "../lib/in-parallel.ts";
import type { CreatedBranch } from "../staging/branch/create.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import { quoteName } from "../warehouse/statements.ts";
import type { VersionsSince } from "./branch-versions.ts";

/** The ids of rows that a run added to its branch: only the run can have written them, and Redis keys may contain them. */

export interface AddedIds {
  ids: Set<string>;
  /** Why ids may be missing. */
  problems: string[];
}

const atOnce = 8;

/**
 * Asks the tables that were written to which keys they have now and did not have at the start. Never rejects.
 * @param most so many ids are remembered
 */
export async function addedIds(
  warehouse: WarehouseReader,
  { schemas, catalog }: Pick<CreatedBranch, "schemas" | "catalog">,
  written: VersionsSince,
  { tables, most }: { tables: Readonly<Record<string, Table>>; most: number },
): Promise<AddedIds> {
  const added: AddedIds = { ids: new Set(), problems: [] };
  const changed = new Set(written.tables.flatMap(({ table, versions }) => (versions.length > 0 ? [table.toLowerCase()] : [])));
  const asked = Object.entries(tables).flatMap(([name, { key }]) => {
    const [schema = "", table = ""] = name.toLowerCase().split(".");
    const onBranch = `${schemas.get(schema) ?? schema}.${table}`;
    return changed.has(onBranch.toLowerCase()) ? [{ key, table: onBranch }] : [];
  });
  await inParallel(atOnce, asked, async ({ key, table }) => {
    const name = [catalog, ...table.split(".")].map(quoteName).join(".");
    const column = `CAST(${quoteName(key)} AS STRING) AS id`;
    try {
      const rows = await warehouse.query(
        `SELECT ${column} FROM ${name} WHERE ${quoteName(key)} IS NOT NULL EXCEPT SELECT ${column} FROM ${name} VERSION AS OF 0 LIMIT ${most + 1}`,
      );
      if (rows.length > most) added.problems.push(`${table}: more than ${most} new rows (testData.maxRead)`);
      for (const { id } of rows.slice(0, most)) added.ids.add(String(id));
    } catch (error) {
      added.problems.push(`${table}: ${errorText(error)}`);
    }
  });
  return added;
}
