import { createHash } from "node:crypto";
import { isProtected } from "../../config/protection.ts";
import type { Table } from "../../config/schema.ts";
import { nearest } from "../../lib/nearest.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { isKept } from "../propose/drift.ts";
import { type CatalogColumns, dependencyLevels, parentTables, readCatalogColumns, readViews } from "../tables/catalog.ts";
import { assumeFoundThroughAll, deletionBatchesOf, retain, tablesNeededToFind, whyRetained } from "./deletion-batches.ts";
import { reportKeptRows } from "./kept-rows.ts";
import type { PlanRequest, RowPlan } from "./row-plan.ts";
import { countSelected, holdToCaps, reportLedger, Search, tablesWithMoreRows } from "./search.ts";
import { reportUndeclared, UndeclaredTables } from "./undeclared-tables.ts";

/**
 * Finds every row that is test data, by itself or through what it depends on. Only reads.
 * @param earlier a plan of the same run, whose catalog is reused
 * @throws WarehouseFailure, UserError
 */
export async function planRows(warehouse: WarehouseReader, request: PlanRequest, earlier?: RowPlan): Promise<RowPlan> {
  const [catalog, views] = earlier
    ? [earlier.catalog, earlier.views]
    : await Promise.all([readCatalogColumns(warehouse), readViews(warehouse)]);
  const plan: RowPlan = {
    catalog,
    views,
    lookedAt: 0,
    batches: [],
    rows: 0,
    ids: new Map(),
    references: new Map(),
    notes: [],
    problems: [],
    blockers: [],
    protectedRows: new Map(),
    realLooking: [],
    touched: [],
    kept: [],
    unreadable: [],
    retained: new Map(),
    digest: "",
  };
  const declared = presentTables(request, catalog, plan);
  plan.lookedAt = Object.values(declared).filter((table) => !isKept(table)).length;
  const order = new Map(dependencyLevels(declared).flatMap((level, index) => level.map((name) => [name, index] as const)));
  const search = new Search(warehouse, { declared, catalog, request, order }, plan, earlier?.references ?? new Map());
  // A view has no rows of its own: they are deleted in its tables.
  const tables = new Map([...catalog].filter(([name]) => !views.has(name)));
  const others = new UndeclaredTables(warehouse, declared, request, tables);
  const ask = () => Promise.all([others.about(search.known), countSelected(warehouse, search.found, catalog, request)]);
  let answers: Awaited<ReturnType<typeof ask>> | undefined;
  const searchOn = async (asksAtOnce: boolean) => {
    for (let beside = asksAtOnce; !search.done; beside = true) {
      // Test data is usually not deep, so questions about the whole plan are asked during the round that will probably find
      // nothing new.
      const { changes } = search;
      const asking = beside ? ask() : undefined;
      // If the round finds more, this answer is outdated, and so is its failure: it is asked again. Otherwise it is awaited
      // below.
      asking?.catch(() => undefined);
      await search.round();
      answers = search.changes === changes ? await asking : undefined;
    }
    // A plan above a limit isn't carried out, so nothing more is asked about it.
    if (plan.blockers.length === 0) answers ??= await ask();
  };
  await searchOn(earlier !== undefined);
  const shared = plan.blockers.length === 0 ? tablesWithMoreRows(answers?.[1] ?? []) : [];
  if (shared.length > 0) {
    search.widen(shared);
    await searchOn(false);
  }
  const ids = new Map(search.going.map(({ scan, keys }) => [scan.name, new Set(keys)]));
  for (const [table, before] of earlier?.ids ?? []) {
    const stay = new Set(search.rows.filter(({ scan }) => scan.name === table).map(({ candidate }) => candidate.key));
    const gone = [...before].filter((id) => !stay.has(id));
    if (gone.length > 0) ids.set(table, new Set([...(ids.get(table) ?? []), ...gone]));
  }
  plan.ids = ids;
  plan.references = search.known;
  assumeFoundThroughAll(search.found, search.doubtful, declared, order);
  plan.batches = deletionBatchesOf(search.found);
  plan.rows = search.found.reduce((sum, table) => sum + table.rows, 0);
  reportKeptRows(search, request, plan);
  for (const { table } of plan.unreadable)
    retain(plan.retained, tablesNeededToFind(parentTables(declared[table]), plan, request), whyRetained.unreadable(table));
  reportLedger(declared, request, search.seenKeys, plan);
  if (plan.blockers.length === 0 && answers) {
    const [about, counted] = answers;
    reportUndeclared(about, request, plan);
    holdToCaps(counted, request, plan);
  }
  plan.digest = digestOf(plan);
  return plan;
}

/** The declared tables that exist, with their actual columns. Missing ones are reported. */
function presentTables(request: PlanRequest, catalog: CatalogColumns, plan: RowPlan): Record<string, Table> {
  const present: Record<string, Table> = {};
  const parents = new Set(Object.values(request.tables).flatMap(parentTables));
  for (const [name, table] of Object.entries(request.tables)) {
    if (isProtected(name, request.protectedTables)) continue;
    const columns = catalog.get(name);
    if (!columns) {
      if (request.own.has(name))
        plan.blockers.push(
          `testData.tables names ${name}, but the table does not exist, or this principal may not see it${meant(name, catalog.keys())}`,
        );
      else plan.notes.push(`${name} is declared, but the table does not exist, or this principal may not see it`);
      continue;
    }
    if (plan.views.has(name)) {
      refuseView(name, table, request, plan);
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
  return present;
}

/**
 * A DELETE from a view would fail when much else is already deleted. A view declared without rules is kept, as a table would be.
 */
function refuseView(name: string, table: Table, request: PlanRequest, plan: RowPlan): void {
  if (isKept(table)) return;
  if (request.own.has(name))
    plan.blockers.push(
      `testData.tables names ${name}, but that is a view, and rows of views cannot be deleted: declare the table behind it instead`,
    );
  else
    plan.problems.push(
      `${name}, which the preset declares, is a view here, and rows of views cannot be deleted: declare the table behind it under testData.tables, and add \`${name}: {}\``,
    );
}

function meant(written: string, known: Iterable<string>): string {
  const name = nearest(written, [...known]);
  return name === undefined ? "" : `; did you mean ${name}?`;
}

/** SHA-256 of what would be deleted, independent of order. */
function digestOf(plan: RowPlan): string {
  const content = plan.batches
    .flat()
    .map(
      (table) =>
        [table.table, [...table.selection.values].map(([column, values]) => [column, [...values].sort()]).sort()] as const,
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}
