import { inParallel } from "../../lib/in-parallel.ts";
import { CodedError } from "../../model/coded-error.ts";
import type { CopyWarehouse } from "../../warehouse/access.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { changeAgain } from "./again.ts";
import { atOnce } from "./build.ts";
import { sqlName, sqlText } from "./names.ts";
import {
  giveUpUnseen,
  hasReached,
  isTableGone,
  isThere,
  refreshSchemas,
  stateTable,
  unfinishedRefreshes,
  unlessGone,
} from "./state.ts";

/** Removes what refreshes leave: working schemas, and old copies. */

/**
 * Empties and drops a working schema, and proves it gone. Its mapping tables and selections have values of production. A dropped
 * table can be brought back for 7 days unless the schema says otherwise, so they are emptied first, too: what comes back is empty.
 */
export async function dropWorking(
  warehouse: CopyWarehouse,
  copy: string,
  schema: string,
  onStep?: (text: string) => void,
): Promise<void> {
  await unlessGone(warehouse, copy, schema, () => retainNothing(warehouse, copy, schema, onStep));
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
    const table = sqlName(copy, schema, name);
    await changeAgain(warehouse, `TRUNCATE TABLE ${table}`).catch((error: unknown) => {
      // Another start drops it, too.
      if (!isTableGone(error)) throw error;
    });
    // The schema says how long tables are kept that are dropped one by one.
    await changeAgain(warehouse, `DROP TABLE IF EXISTS ${table}`);
  });
}

/** Only Unity Catalog knows this, and it is the second precaution: where it is refused, somebody should know. */
async function retainNothing(
  warehouse: CopyWarehouse,
  copy: string,
  schema: string,
  onStep: ((text: string) => void) | undefined,
): Promise<void> {
  try {
    await changeAgain(warehouse, `ALTER SCHEMA ${sqlName(copy, schema)} SET RETAIN DROPPED TO 0 HOURS`);
  } catch (error) {
    const isRefused = error instanceof WarehouseFailure && ["statement", "denied"].includes(error.kind);
    if (!isRefused || !(await isThere(warehouse, copy, schema))) throw error;
    onStep?.(
      `the warehouse keeps the dropped tables of ${schema} for its usual time, because RETAIN DROPPED was refused; they were emptied`,
    );
  }
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
  /** Schemas that are not past their time, or whose refresh must be completed. */
  kept: string[];
}

/**
 * Drops old copies that are past their time, and the working schemas of refreshes that nobody continued. A half switched refresh
 * is kept, however old: without it the copy would stay half new. The next refresh completes it, or `completeRefresh`.
 * @param limits `keepWorkingMs`: since the last step of a refresh
 */
export async function sweepRefreshes(
  warehouse: CopyWarehouse,
  copy: string,
  limits: { now: number; keepOldMs: number; keepWorkingMs: number },
): Promise<Swept> {
  const swept: Swept = { dropped: [], kept: [] };
  const unfinished = new Map((await unfinishedRefreshes(warehouse, copy)).map((one) => [one.id, one]));
  for (const { kind, schema, id, begunAt } of await refreshSchemas(warehouse, copy)) {
    const one = kind === "working" ? unfinished.get(id) : undefined;
    const lastSign = Math.max(begunAt, one?.reached.at(-1)?.at ?? 0);
    const isPast = kind === "old" ? begunAt + limits.keepOldMs <= limits.now : lastSign + limits.keepWorkingMs <= limits.now;
    const isHalf = one !== undefined && hasReached(one, "switching") && !hasReached(one, "switched");
    if (!isPast || isHalf || (one && !(await giveUpUnseen(warehouse, copy, id)))) swept.kept.push(schema);
    else {
      await (kind === "old" ? dropSchema(warehouse, copy, schema) : dropWorking(warehouse, copy, schema));
      swept.dropped.push(schema);
    }
  }
  return swept;
}
