import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import type { TablePlan } from "../plan/row-plan.ts";
import { queryInBatches } from "../tables/batched-queries.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import { conditionOf } from "../tables/selection.ts";
import { type Histories, readHistories } from "./history.ts";
import type { Start } from "./start.ts";

/** What the books know before they are asked for. */
export interface Known {
  histories: Histories;
  /** Table → how many rows its deletes select in the version of the start. */
  selectedAtStart: ReadonlyMap<string, number>;
}

/** Reads what the books need beside the cleanup, which then waits for nothing. Nothing here rejects: what could not be read is read later. */
export class Reading {
  readonly #warehouse: WarehouseReader;
  readonly #start: Start;
  readonly #quiet: boolean;
  readonly #before: Promise<Histories>;
  #after: Promise<Histories> = Promise.resolve(new Map());
  readonly #stale = new Set<string>();
  #selected: Promise<ReadonlyMap<string, number>> = Promise.resolve(new Map());
  #rounds = 0;

  /**
   * @param quiet all that wrote for the run has ended, so that the tables' histories can be read now; otherwise the later the better, after
   * the cleanup has deleted.
   */
  constructor(warehouse: WarehouseReader, start: Start, quiet: boolean) {
    this.#warehouse = warehouse;
    this.#start = start;
    this.#quiet = quiet;
    this.#before = quiet ? readHistories(warehouse, start.moments) : Promise.resolve(new Map());
  }

  /** What the cleanup is about to delete: most books need to know that no row of the start is among it. */
  planned(tables: readonly TablePlan[], columns: CatalogColumns): void {
    this.#selected = this.#count(tables, columns).catch(() => new Map());
  }

  /** The cleanup has deleted from these tables, for the first time or once more because something came back. */
  deleted(tables: readonly string[]): void {
    this.#rounds++;
    for (const table of tables) this.#stale.add(table);
    const { moments } = this.#start;
    // What came back was written by somebody: who knows what else was.
    const again = this.#quiet && this.#rounds === 1 ? [...moments].filter(([table]) => this.#stale.has(table)) : moments;
    const earlier = this.#after;
    const reading = readHistories(this.#warehouse, new Map(again));
    this.#after = Promise.all([reading, earlier]).then(([histories]) => histories);
  }

  /** Waits for all that is being read. */
  async known(): Promise<Known> {
    const [before, after, selectedAtStart] = await Promise.all([this.#before, this.#after, this.#selected]);
    const fresh = this.#rounds > 1 ? [] : [...before].filter(([table]) => !this.#stale.has(table));
    return { histories: new Map([...fresh, ...after]), selectedAtStart };
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
