import { inParallel } from "../../lib/in-parallel.ts";
import type { CopyWarehouse } from "../../warehouse/access.ts";
import { changeAgain } from "./again.ts";
import { atOnce } from "./build.ts";
import { isOverwritten } from "./history.ts";
import { flatNames, oldSchema, sqlName, tableIn, withoutChecks, workingSchema } from "./names.ts";

/**
 * Gives the copy the built tables. Each table changes in one commit, by INSERT OVERWRITE: it stays the same table, with its id,
 * history, grants, owner, tags, comments and constraints, and clones of its earlier versions stay readable. Renaming would leave a
 * moment without the table, and lose its grants. There is no transaction across tables, so all of them are written at once, the
 * largest first, with everything else done before.
 */

/** Everything that the switch needs, so that another start can complete it. */
export interface Switch {
  tables: {
    table: string;
    built: string;
    columns: readonly string[];
    rows: number;
    /** The copy's version before. */
    before: number;
    /** CHECK constraints that the copy loses, because the new rows may not meet them. Absent in a switch that an older version began. */
    withoutChecks?: readonly string[];
  }[];
}

/** The versions of the copy that the switch replaces. */
export async function versionsBefore(warehouse: CopyWarehouse, copy: string, tables: readonly string[]) {
  const versions = await inParallel(atOnce, tables, async (table) => {
    const [newest] = await warehouse.query(`DESCRIBE HISTORY ${tableIn(copy, table)} LIMIT 1`);
    return [table, Number(newest?.version)] as const;
  });
  return new Map(versions);
}

/** Keeps the old copy as shallow clones, which cost no copy of the rows. */
export async function keepOld(warehouse: CopyWarehouse, copy: string, id: string, { tables }: Switch): Promise<string> {
  const schema = oldSchema(id);
  await changeAgain(warehouse, `CREATE SCHEMA IF NOT EXISTS ${sqlName(copy, schema)}`);
  const names = flatNames(tables.map(({ table }) => table));
  await inParallel(atOnce, tables, async ({ table, before }) => {
    const name = sqlName(copy, schema, names.get(table) ?? table);
    await changeAgain(
      warehouse,
      `CREATE TABLE IF NOT EXISTS ${name} SHALLOW CLONE ${tableIn(copy, table)} VERSION AS OF ${before}`,
    );
  });
  return schema;
}

/** @param resumed whether an earlier start may have switched some of them */
export async function switchTables(
  warehouse: CopyWarehouse,
  copy: string,
  id: string,
  { tables }: Switch,
  resumed: boolean,
): Promise<void> {
  const waiting = resumed ? await notSwitched(warehouse, copy, tables) : tables;
  const largestFirst = [...waiting].sort((a, b) => b.rows - a.rows);
  await inParallel(atOnce, largestFirst, async ({ table, built, columns, withoutChecks: checks = [] }) => {
    const names = columns.map((name) => sqlName(name)).join(", ");
    for (const statement of withoutChecks(tableIn(copy, table), checks)) await changeAgain(warehouse, statement);
    await changeAgain(
      warehouse,
      `INSERT OVERWRITE ${tableIn(copy, table)} BY NAME SELECT ${names} FROM ${sqlName(copy, workingSchema(id), built)}`,
    );
  });
}

/** A table that was overwritten since is not overwritten again, because its users may have added rows. */
async function notSwitched(warehouse: CopyWarehouse, copy: string, tables: Switch["tables"]): Promise<Switch["tables"]> {
  const waiting = await inParallel(atOnce, tables, async (one) => {
    const [newest] = await warehouse.query(`DESCRIBE HISTORY ${tableIn(copy, one.table)} LIMIT 1`);
    const since = Number(newest?.version) - one.before;
    if (since === 0) return [one];
    const history = await warehouse.query(`DESCRIBE HISTORY ${tableIn(copy, one.table)} LIMIT ${since}`);
    return isOverwritten(history) ? [] : [one];
  });
  return waiting.flat();
}
