import { inParallel } from "../../lib/in-parallel.ts";
import { CodedError } from "../../model/coded-error.ts";
import type { CopyWarehouse } from "../../warehouse/access.ts";
import { changeAgain } from "./again.ts";
import { atOnce } from "./build.ts";
import { sqlName, sqlText } from "./names.ts";
import { isThere, refreshSchemas, stateTable, unlessGone } from "./state.ts";

/** Removes what refreshes leave: working schemas, and old copies. */

/**
 * Empties and drops a working schema, and proves it gone. Its mapping tables and selections have values of production. A dropped
 * table can be brought back for 7 days, so they are emptied first: what comes back then is empty.
 */
export async function dropWorking(warehouse: CopyWarehouse, copy: string, schema: string): Promise<void> {
  await unlessGone(warehouse, copy, schema, () => empty(warehouse, copy, schema));
  await dropSchema(warehouse, copy, schema);
}

async function empty(warehouse: CopyWarehouse, copy: string, schema: string): Promise<void> {
  const rows = await warehouse.query(
    `SELECT table_name FROM ${sqlName(copy, "information_schema", "tables")} WHERE table_schema = ${sqlText(schema)}`,
  );
  const names = rows
    .map(({ table_name }) => String(table_name))
    .filter((name) => !name.startsWith("built_") && name !== stateTable);
  await inParallel(atOnce, names, async (name) => {
    await changeAgain(warehouse, `TRUNCATE TABLE ${sqlName(copy, schema, name)}`);
  });
}

/** @throws CodedError if it is still there afterwards */
export async function dropSchema(warehouse: CopyWarehouse, copy: string, schema: string): Promise<void> {
  await unlessGone(warehouse, copy, schema, () =>
    changeAgain(warehouse, `DROP SCHEMA IF EXISTS ${sqlName(copy, schema)} CASCADE`),
  );
  if (!(await isThere(warehouse, copy, schema))) return;
  throw new CodedError(
    "EA6108",
    `the schema ${copy}.${schema} is still there after it was dropped, with what it had of production; drop it by hand`,
  );
}

export interface Swept {
  /** Schemas that were dropped. */
  dropped: string[];
  /** Schemas that are not past their time. */
  kept: string[];
}

/**
 * Drops old copies that are past their time, and the working schemas of refreshes that nobody continued. A half switched refresh
 * is kept, because the next refresh completes it.
 */
export async function sweepRefreshes(
  warehouse: CopyWarehouse,
  copy: string,
  limits: { now: number; keepOldMs: number; keepWorkingMs: number },
): Promise<Swept> {
  const schemas = await refreshSchemas(warehouse, copy);
  const isPast = ({ kind, begunAt }: (typeof schemas)[number]) =>
    begunAt + (kind === "old" ? limits.keepOldMs : limits.keepWorkingMs) <= limits.now;
  const past = schemas.filter(isPast);
  for (const { kind, schema } of past)
    await (kind === "old" ? dropSchema(warehouse, copy, schema) : dropWorking(warehouse, copy, schema));
  return {
    dropped: past.map(({ schema }) => schema),
    kept: schemas.filter((one) => !isPast(one)).map(({ schema }) => schema),
  };
}
