import { isProtected } from "../../config/protection.ts";
import type { Table } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import { nearest } from "../../lib/nearest.ts";
import { type CatalogColumns, isKept, parentTables, type ViewKind } from "../tables/catalog.ts";
import type { PlanRequest, RowPlan } from "./table-plans.ts";

/** Each compares a name with all others, and if a schema was renamed, every table may be missing. */
const mostSuggestions = 50;

/** The declared tables that exist, with their actual columns. Missing ones are reported. */
export function presentTables(request: PlanRequest, catalog: CatalogColumns, plan: RowPlan): Record<string, Table> {
  const present: Record<string, Table> = {};
  const absent: string[] = [];
  let suggested = 0;
  const meant = (written: string, known: Iterable<string>): string => {
    const name = suggested++ < mostSuggestions ? nearest(written, [...known]) : undefined;
    return name === undefined ? "" : `; did you mean ${name}?`;
  };
  const parents = new Set(Object.values(request.tables).flatMap(parentTables));
  for (const [name, table] of Object.entries(request.tables)) {
    if (isProtected(name, request.protectedTables)) continue;
    const columns = catalog.get(name);
    if (!columns) {
      if (request.own.has(name))
        plan.blockers.push(
          `testData.tables names ${name}, but the table does not exist, or this principal may not see it${meant(name, catalog.keys())}`,
        );
      else absent.push(name);
      continue;
    }
    const view = plan.views.get(name);
    if (view) {
      refuseView(name, { table, view }, request, plan);
      continue;
    }
    const used = new Set([...table.match.map((rule) => rule.column), ...Object.keys(table.parents)]);
    // The key is only needed if the ledger or other tables refer to rows by it; a table that only depends on others may have
    // none.
    if (parents.has(name) || request.known.has(name)) used.add(table.key);
    const missing = [...used].filter((column) => !columns.has(column));
    if (missing.length > 0)
      (request.own.has(name) ? plan.blockers : plan.problems).push(
        `${name} has no column ${missing.join(", ")}, which is needed to find its test data${meant(missing[0] ?? "", columns.keys())}`,
      );
    if (table.time !== undefined && !columns.has(table.time))
      plan.notes.push(`${name} has no column ${table.time}, which is needed for the age of its rows`);
    present[name] = {
      ...table,
      match: table.match.filter((rule) => columns.has(rule.column)),
      parents: Object.fromEntries(Object.entries(table.parents).filter(([column]) => columns.has(column))),
      time: table.time !== undefined && columns.has(table.time) ? table.time : undefined,
      key: columns.has(table.key) ? table.key : "",
    };
  }
  if (absent.length > 0)
    plan.notes.push(
      `${count(absent.length, "table")} of the preset ${absent.length === 1 ? "does" : "do"} not exist, or this principal may not see ${absent.length === 1 ? "it" : "them"}: ${absent.join(", ")}`,
    );
  return present;
}

/**
 * A DELETE from a view would fail when much else is already deleted. A view declared without rules is kept, as a table would be.
 */
function refuseView(name: string, { table, view }: { table: Table; view: ViewKind }, request: PlanRequest, plan: RowPlan): void {
  if (isKept(table)) return;
  if (request.own.has(name))
    plan.blockers.push(
      `testData.tables names ${name}, but that is ${view.name}, so its rows cannot be deleted here: ${view.instead} instead`,
    );
  else
    plan.problems.push(
      `${name}, which the preset declares, is ${view.name}, so its rows cannot be deleted here: ${view.instead}, and add \`${name}: {}\` to testData.tables`,
    );
}
