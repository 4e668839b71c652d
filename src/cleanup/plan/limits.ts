import type { Table } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import type { RealLooking } from "../../model/test-data.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import { queryInBatches } from "../tables/batched-queries.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import { conditionOf } from "../tables/selection.ts";
import type { PlanRequest, RowPlan, TablePlan } from "./row-plan.ts";
import { looksLikeRealPerson, personalColumns } from "./synthetic.ts";

/**
 * Reports ledger lines that cannot be followed: for undeclared tables, whose rows are kept, and for rows that don't exist: a test
 * may have deleted its row itself, or the line is wrong.
 * @param found table → the keys of its rows that were found, including those that are kept
 */
export function reportLedger(
  declared: Readonly<Record<string, Table>>,
  request: PlanRequest,
  found: ReadonlyMap<string, ReadonlySet<string>>,
  plan: RowPlan,
): void {
  for (const [name, keys] of found) {
    const missing = [...(request.known.get(name) ?? [])].filter((id) => !keys.has(id));
    if (missing.length > 0)
      plan.notes.push(
        `${name}: ${count(missing.length, "row", "rows")} that the ledger names ${missing.length === 1 ? "was" : "were"} not found: the tests deleted ${missing.length === 1 ? "it" : "them"}, or the ledger names the wrong table or id`,
      );
  }
  // Not `in`: a test may use the name of a member that every object has.
  for (const [table, ids] of request.known)
    if (!Object.hasOwn(declared, table))
      plan.problems.push(
        `the ledger names ${count(ids.size, "row")} of ${table}, which is not a table that cleanup may delete from: they are kept`,
      );
}

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
  const answers = await queryInBatches(warehouse, tables, ({ table, selection }, binder) => {
    const name = qualifiedName(warehouse.catalog, table);
    const real = Array.from({ length: width }, (_, index) => {
      const column = personal.get(table)?.[index];
      const condition = column && looksLikeRealPerson(column, synthetic, prefixes, binder);
      return `${condition ? `count_if(${condition})` : "0"} AS real${index}`;
    });
    return {
      columns: [`(SELECT count(*) FROM ${name}) AS total`, "count(*) AS selected", ...real].join(", "),
      from: `${name} WHERE ${conditionOf(selection, binder)}`,
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
    plan.realLooking.push(...realLooking);
    if ("why" in counts) {
      plan.blockers.push(`the rows of ${table.table} could not be counted: ${counts.why}`);
      continue;
    }
    const { total, selected } = counts;
    if (selected > table.rows)
      plan.blockers.push(
        `${table.table}: ${table.rows} rows are test data, but their keys match ${selected} rows: the key is not unique, or the table is being written to`,
      );
    // Another cleanup was faster. Rows that are gone need no delete, and the rest is still ours.
    if (selected < table.rows)
      plan.notes.push(`${table.table}: ${table.rows - selected} of ${count(table.rows, "row")} disappeared while planning`);
    if (total >= 100 && table.rows / total > request.maxShare)
      plan.blockers.push(`${table.table}: the plan deletes ${table.rows} of ${total} rows, more than testData.maxShare allows`);
  }
}
