import type { Table } from "../config/schema.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import { qualifiedName } from "../warehouse/statements.ts";
import type { CatalogColumns } from "./catalog.ts";
import { isProtected } from "./graph.ts";
import type { PlanRequest, RowPlan } from "./row-plan.ts";
import { conditionOf, emptySelection, isEmpty, select } from "./selection.ts";
import { askTogether } from "./together.ts";

/** The ledger may name tables that nobody declared: their rows stay, and that has to be said. */
export function reportLedger(declared: Readonly<Record<string, Table>>, request: PlanRequest, plan: RowPlan): void {
  for (const [table, ids] of request.known)
    if (!(table in declared))
      plan.problems.push(`the ledger names ${ids.size} rows of ${table}, which is no table that is cleaned up here: they stay`);
}

/** Rows that hang on test data in tables that nobody declared, or that are protected: said, never passed over in silence. */
export async function reportUndeclared(
  warehouse: WarehouseReader,
  declared: Readonly<Record<string, Table>>,
  catalog: CatalogColumns,
  request: PlanRequest,
  plan: RowPlan,
): Promise<void> {
  // A list: two tables may point at different parents by the same column name.
  const pointing = Object.values(declared).flatMap((table) => Object.entries(table.parents));
  const others = [...catalog].flatMap(([name, columns]) => {
    const selection = emptySelection();
    for (const [column, parent] of pointing) if (columns.has(column)) select(selection, column, plan.ids.get(parent) ?? []);
    const guarded = isProtected(name, request.protectedTables);
    return name in declared || (isEmpty(selection) && !guarded) ? [] : [{ name, selection, guarded }];
  });
  const answers = await askTogether(warehouse, others, ({ name, selection, guarded }, binder) => {
    const table = qualifiedName(warehouse.catalog, name);
    const where = isEmpty(selection) ? "false" : conditionOf(selection, binder);
    return {
      columns: `${guarded ? `(SELECT count(*) FROM ${table})` : "0"} AS total, count(*) AS hanging`,
      from: `${table} WHERE ${where}`,
    };
  });
  for (const { item, row } of answers.rows) {
    const hanging = Number(row.hanging);
    if (item.guarded) plan.protectedRows.set(item.name, Number(row.total));
    if (hanging === 0) continue;
    if (item.guarded) plan.notes.push(`${item.name} is protected: ${hanging} rows about test data stay there`);
    else
      plan.problems.push(
        `${hanging} rows of ${item.name} hang on test data, but the table is not declared: add it to testData.tables`,
      );
  }
  for (const { item, why } of answers.failed)
    plan.notes.push(`${item.name} is ${item.guarded ? "protected" : "not declared"} and could not be looked at: ${why}`);
}

/** A plan that is larger than expected is more likely a mistake than a large amount of test data. */
export async function holdToCaps(warehouse: WarehouseReader, request: PlanRequest, plan: RowPlan): Promise<void> {
  if (plan.rows > request.maxRows)
    plan.blockers.push(`the plan has ${plan.rows} rows, more than testData.maxRows (${request.maxRows})`);
  const answers = await askTogether(warehouse, plan.waves.flat(), ({ table, selection }, binder) => {
    const name = qualifiedName(warehouse.catalog, table);
    return {
      columns: `(SELECT count(*) FROM ${name}) AS total, count(*) AS selected`,
      from: `${name} WHERE ${conditionOf(selection, binder)}`,
    };
  });
  for (const { item: table, row } of answers.rows) {
    const [total, selected] = [Number(row.total), Number(row.selected)];
    if (selected !== table.rows)
      plan.blockers.push(
        `${table.table}: ${table.rows} rows are test data, but the same keys select ${selected}: its key is not unique, or it is being written to`,
      );
    if (total >= 100 && table.rows / total > request.maxShare)
      plan.blockers.push(`${table.table}: the plan has ${table.rows} of ${total} rows, more than testData.maxShare allows`);
  }
  for (const { item: table, why } of answers.failed) plan.blockers.push(`${table.table} could not be counted: ${why}`);
}
