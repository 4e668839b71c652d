import type { Table } from "../config/schema.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import { qualifiedName } from "../warehouse/statements.ts";
import type { PlanRequest, RowPlan } from "./row-plan.ts";
import { conditionOf } from "./selection.ts";
import { looksReal, personalColumns } from "./synthetic.ts";
import { askTogether } from "./together.ts";

/** The ledger may name tables that nobody declared: their rows stay, and that has to be said. */
export function reportLedger(declared: Readonly<Record<string, Table>>, request: PlanRequest, plan: RowPlan): void {
  for (const [table, ids] of request.known)
    if (!(table in declared))
      plan.problems.push(`the ledger names ${ids.size} rows of ${table}, which is no table that is cleaned up here: they stay`);
}

/** A plan that is larger than expected is more likely a mistake than a large amount of test data. */
export async function holdToCaps(warehouse: WarehouseReader, request: PlanRequest, plan: RowPlan): Promise<void> {
  if (plan.rows > request.maxRows)
    plan.blockers.push(`the plan has ${plan.rows} rows, more than testData.maxRows (${request.maxRows})`);
  const { synthetic, prefixes } = request;
  const tables = plan.waves.flat();
  const personal = new Map(
    tables.map(({ table, person }) => [table, personalColumns(plan.catalog.get(table) ?? new Map(), person)]),
  );
  const width = Math.max(0, ...[...personal.values()].map((columns) => columns.length));
  const answers = await askTogether(warehouse, tables, ({ table, selection }, binder) => {
    const name = qualifiedName(warehouse.catalog, table);
    const real = Array.from({ length: width }, (_, index) => {
      const column = personal.get(table)?.[index];
      const condition = column && looksReal(column, synthetic, prefixes, binder);
      return `${condition ? `count_if(${condition})` : "0"} AS real${index}`;
    });
    return {
      columns: [`(SELECT count(*) FROM ${name}) AS total`, "count(*) AS selected", ...real].join(", "),
      from: `${name} WHERE ${conditionOf(selection, binder)}`,
    };
  });
  for (const { item: table, row } of answers.rows) {
    const [total, selected] = [Number(row.total), Number(row.selected)];
    if (selected !== table.rows)
      plan.blockers.push(
        `${table.table}: ${table.rows} rows are test data, but the same keys select ${selected}: its key is not unique, or it is being written to`,
      );
    for (const [index, { column }] of (personal.get(table.table) ?? []).entries()) {
      const rows = Number(row[`real${index}`]);
      if (rows > 0) plan.realLooking.push({ table: table.table, column, rows });
    }
    if (total >= 100 && table.rows / total > request.maxShare)
      plan.blockers.push(`${table.table}: the plan has ${table.rows} of ${total} rows, more than testData.maxShare allows`);
  }
  for (const { item: table, why } of answers.failed) plan.blockers.push(`${table.table} could not be counted: ${why}`);
}
