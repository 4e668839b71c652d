import { amountText, numberText } from "../../lib/count.ts";
import type { Amount, Books, TableBooks } from "../../model/test-data.ts";
import type { RedisReader } from "../../redis/connection.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import type { TablePlan } from "../plan/table-plans.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import { conditionOf, queryInBatches } from "../tables/selection.ts";
import { type Histories, readHistories } from "./history.ts";
import { balanceKeys } from "./keys.ts";
import type { Start } from "./start.ts";
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

/** What the books read in advance. */
export interface KnownState {
  histories: Histories;
  /** Table → how many rows the cleanup's deletes select in the version at the start. */
  selectedAtStart: ReadonlyMap<string, number>;
}

/**
 * Reads what the books need while the cleanup runs, so that nothing waits. Never rejects: what cannot be read now is read later.
 */
export class Reading {
  readonly #warehouse: WarehouseReader;
  readonly #start: Start;
  #histories: Promise<Histories> = Promise.resolve(new Map());
  #selected: Promise<ReadonlyMap<string, number>> = Promise.resolve(new Map());

  constructor(warehouse: WarehouseReader, start: Start) {
    this.#warehouse = warehouse;
    this.#start = start;
  }

  /** Called with the cleanup's plan: most books have to know that it deletes no row from before the start. */
  planned(tables: readonly TablePlan[], columns: CatalogColumns): void {
    this.#selected = this.#count(tables, columns).catch(() => new Map());
  }

  /**
   * Called after each round of deletes. All tables are read only now: a statement can finish in the warehouse after its sender
   * was stopped, so reading later misses less.
   */
  deleted(): void {
    const earlier = this.#histories;
    const reading = readHistories(this.#warehouse, this.#start.moments);
    this.#histories = Promise.all([reading, earlier]).then(([histories]) => histories);
  }

  /** Waits for everything that is being read. */
  async known(): Promise<KnownState> {
    const [histories, selectedAtStart] = await Promise.all([this.#histories, this.#selected]);
    return { histories, selectedAtStart };
  }

  async #count(tables: readonly TablePlan[], columns: CatalogColumns): Promise<Map<string, number>> {
    const there = tables.filter(({ table }) => this.#start.moments.has(table) && columns.has(table));
    const { rows } = await queryInBatches(this.#warehouse, there, ({ table, selection }, binder) => ({
      columns: "count(*) AS n",
      from: `${qualifiedName(this.#warehouse.catalog, table)} VERSION AS OF ${this.#start.moments.get(table)?.version} WHERE ${conditionOf(selection, binder)}`,
    }));
    return new Map(rows.map(({ item, row }) => [item.table, Number(row.n)]));
  }
}

export const zeroAmount: Amount = { least: 0, most: 0 };
export const unknownAmount: Amount = { least: 0, most: null };

export function exactAmount(count: number): Amount {
  return { least: count, most: count };
}

export function isKnown({ least, most }: Amount): boolean {
  return least === most;
}

export function sumOfAmounts(amounts: readonly Amount[]): Amount {
  return amounts.reduce(
    (total, { least, most }) => ({
      least: total.least + least,
      most: total.most === null || most === null ? null : total.most + most,
    }),
    zeroAmount,
  );
}
