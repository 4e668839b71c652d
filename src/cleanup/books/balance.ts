import { amountText, numberText } from "../../lib/count.ts";
import type { Amount, Books, TableBooks } from "../../model/test-data.ts";
import type { RedisReader } from "../../redis/connection.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { sumOfAmounts, unknownAmount } from "./amount.ts";
import { readHistories } from "./history.ts";
import { balanceKeys } from "./keys.ts";

import { type BooksRequest, TableBalance, type TablesBalance } from "./table-balance.ts";

export interface BooksPorts {
  warehouse?: WarehouseReader;
  redis?: RedisReader;
}

/**
 * Adds up what the run wrote and what became of it. Never rejects: amounts that cannot be determined are unknown, with the
 * reason.
 */
export async function balance({ warehouse, redis }: BooksPorts, request: BooksRequest): Promise<Books> {
  const { start, runId, prefixes, protectedKeys, maxRead, exclusiveRedis } = request;
  const [rows, keys] = await Promise.all([
    warehouse ? balanceTables(warehouse, request) : undefined,
    redis ? balanceKeys(redis, { start, runId, prefixes, protectedKeys, maxRead, exclusive: exclusiveRedis }) : undefined,
  ]);
  const tables = rows?.tables ?? [];
  const problems = rows?.problems ?? [];
  // If the tables could not even be listed, the totals are unknown.
  const total = (of: (table: TableBooks) => Amount) =>
    sumOfAmounts([...tables.map(of), ...(rows?.listed === false ? [unknownAmount] : [])]);
  const books: Omit<Books, "line"> = {
    made: total(({ made }) => made),
    deleted: total(({ deleted }) => deleted),
    unexplained: total(({ unexplained }) => unexplained),
    kept: tables.reduce((rows, { kept }) => rows + kept, 0),
    touched: total(({ touched }) => touched),
    tablesRead: rows?.read ?? 0,
    ...(rows?.versions ? { versions: rows.versions } : {}),
    tables,
    ...(keys ? { keys } : {}),
    advice: rows?.advice ?? [],
    problems,
  };
  return { line: lineOf(books, warehouse !== undefined), ...books };
}

/**
 * If rows would count against the run, all tables are read at the same, latest moment: a row of another run may depend on one
 * that was created after an earlier read.
 */
async function balanceTables(warehouse: WarehouseReader, request: BooksRequest): Promise<TablesBalance> {
  const balanced = await new TableBalance(warehouse, request).result();
  const { known, start } = request;
  const isClear = balanced.tables.every(({ unexplained, touched }) => unexplained.most === 0 && touched.most === 0);
  if (!known?.histories.size || isClear) return balanced;
  const histories = await readHistories(warehouse, start.moments);
  const stands = [...known.histories].every(([table, { to }]) => histories.get(table)?.to === to);
  return stands ? balanced : await new TableBalance(warehouse, { ...request, known: { ...known, histories } }).result();
}

/** A one-line summary. */
export function lineOf(
  { made, deleted, unexplained, kept, touched, tablesRead, versions, keys }: Omit<Books, "line">,
  rows: boolean,
): string {
  const span = versions ? `, versions ${versions.from}–${versions.to}` : "";
  const staying = kept > 0 ? `, kept in protected tables ${numberText(kept)}` : "";
  const texts = rows
    ? [
        `rows made ${amountText(made)}, deleted ${amountText(deleted)}${staying}, unexplained ${amountText(unexplained)}`,
        `real rows touched ${amountText(touched)} (${tablesRead} ${tablesRead === 1 ? "table" : "tables"}${span})`,
      ]
    : [];
  return [...texts, ...(keys ? [`Redis keys unexplained ${amountText(keys.unexplained)}`] : [])].join("; ");
}
