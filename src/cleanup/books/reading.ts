import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import type { TablePlan } from "../plan/row-plan.ts";
import { queryInBatches } from "../tables/batched-queries.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import { conditionOf } from "../tables/selection.ts";
import { type Histories, readHistories } from "./history.ts";
import type { Start } from "./start.ts";

/** What the books know before they are asked for. */
export interface KnownState {
  histories: Histories;
  /** Table → how many rows its deletes select in the version of the start. */
  selectedAtStart: ReadonlyMap<string, number>;
}

/** Reads what the books need beside the cleanup, which then waits for nothing. Nothing here rejects: what could not be read is read later. */
export class Reading {
  readonly #warehouse: WarehouseReader;
  readonly #start: Start;
  #histories: Promise<Histories> = Promise.resolve(new Map());
  #selected: Promise<ReadonlyMap<string, number>> = Promise.resolve(new Map());

  constructor(warehouse: WarehouseReader, start: Start) {
    this.#warehouse = warehouse;
    this.#start = start;
  }

  /** What the cleanup is about to delete: most books need to know that no row of the start is among it. */
  planned(tables: readonly TablePlan[], columns: CatalogColumns): void {
    this.#selected = this.#count(tables, columns).catch(() => new Map());
  }

  /**
   * The cleanup has deleted, for the first time or once more because something came back. All tables are read only now: a statement may
   * end in the warehouse after whoever sent it was stopped, so the later, the less is missed.
   */
  deleted(): void {
    const earlier = this.#histories;
    const reading = readHistories(this.#warehouse, this.#start.moments);
    this.#histories = Promise.all([reading, earlier]).then(([histories]) => histories);
  }

  /** Waits for all that is being read. */
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
