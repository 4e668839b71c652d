import { createHash } from "node:crypto";
import type { Table } from "../config/schema.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import { type CatalogColumns, readCatalogColumns } from "./catalog.ts";
import { isProtected, levelsOf } from "./graph.ts";
import { planLevel } from "./level.ts";
import { holdToCaps, reportLedger, reportUndeclared } from "./limits.ts";
import type { PlanRequest, RowPlan } from "./row-plan.ts";

/**
 * Finds every row that is test data, by itself or by what it hangs on. Only reads.
 * @param earlier a plan of the same run, whose look at the columns still holds.
 * @throws WarehouseFailure, UserError
 */
export async function planRows(warehouse: WarehouseReader, request: PlanRequest, earlier?: RowPlan): Promise<RowPlan> {
  const catalog = earlier?.catalog ?? (await readCatalogColumns(warehouse));
  const plan: RowPlan = {
    catalog,
    levels: [],
    rows: 0,
    ids: new Map(),
    notes: [],
    problems: [],
    blockers: [],
    unreadable: [],
    digest: "",
  };
  for (const [table, ids] of request.known) plan.ids.set(table, new Set(ids));
  const declared = presentTables(request, catalog, plan);

  for (const level of levelsOf(declared))
    plan.levels.unshift(await planLevel(warehouse, level, { declared, catalog, request, plan }));
  plan.levels = plan.levels.filter((level) => level.length > 0);
  plan.rows = plan.levels.flat().reduce((sum, table) => sum + table.rows, 0);
  reportLedger(declared, request, plan);
  await reportUndeclared(warehouse, declared, catalog, request, plan);
  await holdToCaps(warehouse, request, plan);
  plan.digest = digestOf(plan);
  return plan;
}

/** The declared tables that exist, with the columns they really have. What is declared and not there is said. */
function presentTables(request: PlanRequest, catalog: CatalogColumns, plan: RowPlan): Record<string, Table> {
  const present: Record<string, Table> = {};
  const parents = new Set(Object.values(request.tables).flatMap((table) => Object.values(table.parents)));
  for (const [name, table] of Object.entries(request.tables)) {
    if (isProtected(name, request.protectedTables)) continue;
    const columns = catalog.get(name);
    if (!columns) {
      plan.notes.push(`${name} is declared, but the warehouse has no such table (or hides it from this principal)`);
      continue;
    }
    const used = new Set([...table.match.map((rule) => rule.column), ...Object.keys(table.parents)]);
    // A key matters where the ledger or other tables name rows by it; a table that only hangs on others may have none.
    if (parents.has(name) || request.known.has(name)) used.add(table.key);
    const missing = [...used].filter((column) => !columns.has(column));
    if (missing.length > 0)
      plan.problems.push(`${name} has no column ${missing.join(", ")}, by which its test data would be found`);
    if (table.time !== undefined && !columns.has(table.time))
      plan.notes.push(`${name} has no column ${table.time}, by which the age of its rows would be told`);
    present[name] = {
      ...table,
      match: table.match.filter((rule) => columns.has(rule.column)),
      parents: Object.fromEntries(Object.entries(table.parents).filter(([column]) => columns.has(column))),
      time: table.time !== undefined && columns.has(table.time) ? table.time : undefined,
      key: columns.has(table.key) ? table.key : "",
    };
  }
  return present;
}

/** SHA-256 over what would be deleted, independent of order. */
function digestOf(plan: RowPlan): string {
  const content = plan.levels
    .flat()
    .map(
      (table) =>
        [table.table, [...table.selection.values].map(([column, values]) => [column, [...values].sort()]).sort()] as const,
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}
