import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import type { TablePlan } from "../plan/row-plan.ts";
import { queryInBatches } from "../tables/batched-queries.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import { conditionOf } from "../tables/selection.ts";
import { type Histories, readHistories } from "./history.ts";
import type { Start } from "./start.ts";

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
