import { count } from "../../lib/count.ts";
import type { RealLooking } from "../../model/test-data.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import { conditionOf, queryInBatches } from "../tables/selection.ts";
import {
  countedSelection,
  looksLikeRealPerson,
  type PlanRequest,
  personalColumns,
  type RowPlan,
  type TablePlan,
} from "./table-plans.ts";

/** One table of a plan, with row counts from the warehouse. */
interface Counted {
  table: TablePlan;
  /** All rows of the table, and those that the plan's condition selects; or why these are unknown. */
  counts: { total: number; selected: number } | { why: string };
  realLooking: RealLooking[];
}

/** Counts the rows that a plan selects, with the same condition that deletes them. @throws WarehouseFailure */
export async function countSelected(
  warehouse: WarehouseReader,
  tables: readonly TablePlan[],
  catalog: CatalogColumns,
  { synthetic, prefixes }: PlanRequest,
): Promise<Counted[]> {
  const personal = new Map(tables.map(({ table, person }) => [table, personalColumns(catalog.get(table) ?? new Map(), person)]));
  const width = Math.max(0, ...[...personal.values()].map((columns) => columns.length));
  const answers = await queryInBatches(warehouse, tables, (plan, binder) => {
    const { table } = plan;
    const name = qualifiedName(warehouse.catalog, table);
    const real = Array.from({ length: width }, (_, index) => {
      const column = personal.get(table)?.[index];
      const condition = column && looksLikeRealPerson(column, synthetic, prefixes, binder);
      return `${condition ? `count_if(${condition})` : "0"} AS real${index}`;
    });
    return {
      columns: [`(SELECT count(*) FROM ${name}) AS total`, "count(*) AS selected", ...real].join(", "),
      from: `${name} WHERE ${conditionOf(countedSelection(plan), binder)}`,
    };
  });
  return [
    ...answers.rows.map(({ item: table, row }) => ({
      table,
      counts: { total: Number(row.total), selected: Number(row.selected) },
      realLooking: (personal.get(table.table) ?? []).flatMap(({ column }, index) => {
        const rows = Number(row[`real${index}`]);
        return rows > 0 ? [{ table: table.table, column, rows }] : [];
      }),
    })),
    ...answers.failed.map(({ item: table, why }) => ({ table, counts: { why }, realLooking: [] })),
  ];
}

/** Tables in which the plan's condition selects more rows than were judged: another row has the same key. */
export function tablesWithMoreRows(counted: readonly Counted[]): TablePlan[] {
  return counted.flatMap(({ table, counts }) => ("selected" in counts && counts.selected > table.rows ? [table] : []));
}

/** A plan that is larger than expected is more likely a mistake than a lot of test data. */
export function holdToCaps(counted: readonly Counted[], request: PlanRequest, plan: RowPlan): void {
  if (plan.rows > request.maxRows)
    plan.blockers.push(`the plan deletes ${plan.rows} rows, more than testData.maxRows (${request.maxRows})`);
  for (const { table, counts, realLooking } of counted) {
    if (!table.onlyCounted) plan.realLooking.push(...realLooking);
    if ("why" in counts) {
      plan.blockers.push(`the rows of ${table.table} could not be counted: ${counts.why}`);
      continue;
    }
    const { total, selected } = counts;
    if (selected > table.rows)
      plan.blockers.push(
        `${table.table}: ${table.rows} rows are test data, but their keys match ${selected} rows: the key is not unique, or the table is being written to`,
      );
    if (table.onlyCounted) continue;
    // Another cleanup was faster. Rows that are gone need no delete, and the rest is still ours.
    if (selected < table.rows)
      plan.notes.push(`${table.table}: ${table.rows - selected} of ${count(table.rows, "row")} disappeared while planning`);
    if (total >= 100 && table.rows / total > request.maxShare)
      plan.blockers.push(`${table.table}: the plan deletes ${table.rows} of ${total} rows, more than testData.maxShare allows`);
  }
}
