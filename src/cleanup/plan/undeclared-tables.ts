import { isProtected } from "../../config/protection.ts";
import type { Table } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import type { References } from "../ownership/judging.ts";
import { queryInBatches } from "../tables/batched-queries.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import { conditionOf, emptySelection, isEmpty, type Selection, select } from "../tables/selection.ts";
import { retain, tablesNeededToFind, whyRetained } from "./deletion-batches.ts";
import type { PlanRequest, RowPlan } from "./row-plan.ts";

/** A table that is not cleaned up, because it is undeclared or protected. */
interface Other {
  name: string;
  guarded: boolean;
  /** By the columns that point at test data elsewhere. */
  selection: Selection;
  /** The tables that they point at. */
  parents: string[];
}

interface Found extends Other {
  /** The number of rows that depend on test data; or why it is unknown. */
  hanging: number | { why: string };
  /** For a protected table: all its rows. */
  total: number;
}

/** Checks whether tables that are not cleaned up have rows that depend on test data. */
export class UndeclaredTables {
  readonly #warehouse: WarehouseReader;
  readonly #tables: { name: string; guarded: boolean; columns: ReadonlyMap<string, string> }[];
  /** A list, because two tables may use the same column name for different parents. */
  readonly #pointing: [column: string, parent: string][];

  /** @param tables of the catalog, without views */
  constructor(
    warehouse: WarehouseReader,
    declared: Readonly<Record<string, Table>>,
    request: PlanRequest,
    tables: CatalogColumns,
  ) {
    this.#warehouse = warehouse;
    this.#pointing = Object.values(declared).flatMap((table) =>
      Object.entries(table.parents).map(([column, parent]): [string, string] => [column, parent.table]),
    );
    this.#tables = [...tables].flatMap(([name, columns]) =>
      name in declared ? [] : [{ name, guarded: isProtected(name, request.protectedTables), columns }],
    );
  }

  /** @throws WarehouseFailure */
  async about(known: References): Promise<Found[]> {
    const asked = this.#tables.flatMap(({ name, guarded, columns }): Other[] => {
      const selection = emptySelection(columns);
      const pointing = this.#pointing.filter(([column]) => columns.has(column));
      for (const [column, parent] of pointing) select(selection, column, known.get(parent)?.keys() ?? []);
      const parents = pointing.map(([, parent]) => parent);
      return isEmpty(selection) && !guarded ? [] : [{ name, guarded, selection, parents }];
    });
    const answers = await queryInBatches(this.#warehouse, asked, ({ name, guarded, selection }, binder) => {
      const table = qualifiedName(this.#warehouse.catalog, name);
      const where = isEmpty(selection) ? "false" : conditionOf(selection, binder);
      const total = guarded ? `(SELECT count(*) FROM ${table})` : "0";
      return { columns: `${total} AS total, count(*) AS hanging`, from: `${table} WHERE ${where}` };
    });
    return [
      ...answers.rows.map(({ item, row }) => ({ ...item, hanging: Number(row.hanging), total: Number(row.total) })),
      ...answers.failed.map(({ item, why }) => ({ ...item, hanging: { why }, total: Number.NaN })),
    ];
  }
}

/** Reports rows that depend on test data in undeclared or protected tables. */
export function reportUndeclared(found: readonly Found[], request: PlanRequest, plan: RowPlan): void {
  for (const { name, guarded, hanging, total, parents } of found) {
    if (typeof hanging === "object") {
      plan.notes.push(`${name} is ${guarded ? "protected" : "not declared"} and could not be read: ${hanging.why}`);
      continue;
    }
    if (guarded) plan.protectedRows.set(name, total);
    if (hanging === 0) continue;
    if (guarded) {
      plan.notes.push(`${name} is protected: ${count(hanging, "row about test data is", "rows about test data are")} kept there`);
      continue;
    }
    plan.problems.push(
      `${count(hanging, `row of ${name} depends`, `rows of ${name} depend`)} on test data, but the table is not declared: add it to testData.tables`,
    );
    retain(plan.retained, tablesNeededToFind(parents, plan, request), whyRetained.undeclared(name));
  }
}
