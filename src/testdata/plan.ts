import { createHash } from "node:crypto";
import { nearest } from "../config/nearest.ts";
import type { Table } from "../config/schema.ts";
import { count } from "../count.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import { type CatalogColumns, readCatalogColumns, readViews } from "./catalog.ts";
import { isKept } from "./drift.ts";
import { isProtected, levelsOf } from "./graph.ts";
import { hold, neededToFind, whyHeld } from "./held.ts";
import { countSelected, holdToCaps, reportLedger } from "./limits.ts";
import type { Look } from "./look.ts";
import { Others, reportOthers } from "./others.ts";
import type { PlanRequest, RowPlan } from "./row-plan.ts";
import { Search } from "./search.ts";
import { leanOnAllInDoubt, wavesOf } from "./waves.ts";

/**
 * Finds every row that is test data, by itself or by what it hangs on. Only reads.
 * @param earlier a plan of the same run, whose look at the columns still holds.
 * @throws WarehouseFailure, UserError
 */
export async function planRows(warehouse: WarehouseReader, request: PlanRequest, earlier?: RowPlan): Promise<RowPlan> {
  const [catalog, views] = earlier
    ? [earlier.catalog, earlier.views]
    : await Promise.all([readCatalogColumns(warehouse), readViews(warehouse)]);
  const plan: RowPlan = {
    catalog,
    views,
    waves: [],
    rows: 0,
    ids: new Map(),
    acceptedIds: new Map(),
    notes: [],
    problems: [],
    blockers: [],
    protectedRows: new Map(),
    realLooking: [],
    touched: [],
    unreadable: [],
    held: new Map(),
    digest: "",
  };
  const declared = presentTables(request, catalog, plan);
  const order = new Map(levelsOf(declared).flatMap((level, index) => level.map((name) => [name, index] as const)));
  const search = new Search(warehouse, { declared, catalog, request, order }, plan, earlier?.ids ?? new Map());
  // A view has no rows of its own: what it shows goes with the rows of its tables.
  const tables = new Map([...catalog].filter(([name]) => !views.has(name)));
  const others = new Others(warehouse, declared, request, tables);
  const ask = () => Promise.all([others.about(search.ids), countSelected(warehouse, search.found, catalog, request)]);
  let answers: Awaited<ReturnType<typeof ask>> | undefined;
  for (let round = 0; !search.done; round++) {
    // Most test data is not deep: what has to be asked of the whole is asked beside the round that will find nothing more.
    const { changes } = search;
    const asking = round === 0 && !earlier ? undefined : ask();
    asking?.catch(() => undefined);
    await search.round();
    answers = search.changes === changes ? await asking : undefined;
  }
  plan.ids = new Map([...search.ids].map(([table, ids]) => [table, new Set(ids)]));
  plan.acceptedIds = search.acceptedIds(earlier?.acceptedIds);
  leanOnAllInDoubt(search.found, search.doubtful, declared, order);
  plan.waves = wavesOf(search.found);
  plan.rows = search.found.reduce((sum, table) => sum + table.rows, 0);
  for (const look of search.looks) reportKept(look, plan);
  for (const { table } of plan.unreadable)
    hold(plan.held, neededToFind(Object.values(declared[table]?.parents ?? {}), plan, request), whyHeld.unreadable(table));
  reportLedger(
    declared,
    request,
    new Map(search.looks.map(({ name, keys, refused }) => [name, new Set([...keys, ...refused.keys()])])),
    plan,
  );
  // What is over a limit already is not carried out, whatever else could be said of it.
  if (plan.blockers.length === 0) {
    const [about, counted] = answers ?? (await ask());
    reportOthers(about, request, plan);
    holdToCaps(counted, request, plan);
  }
  plan.digest = digestOf(plan);
  return plan;
}

/** What looks like test data and stays, with the reason. */
function reportKept({ name, refused, ageless }: Look, plan: RowPlan): void {
  for (const row of refused.values())
    plan.problems.push(
      `${name}: ${row} is kept: the ledger, or a row it hangs on, says that this run made it, but it is older than the run`,
    );
  if (ageless.length > 0) {
    const some = `${ageless.slice(0, 3).join(", ")}${ageless.length > 3 ? ", …" : ""}`;
    const rows = count(ageless.length, "row is", "rows are");
    plan.notes.push(`${name}: ${rows} kept, because the age cannot be told (${some})`);
  }
}

/** The declared tables that exist, with the columns they really have. What is declared and not there is said. */
function presentTables(request: PlanRequest, catalog: CatalogColumns, plan: RowPlan): Record<string, Table> {
  const present: Record<string, Table> = {};
  const parents = new Set(Object.values(request.tables).flatMap((table) => Object.values(table.parents)));
  for (const [name, table] of Object.entries(request.tables)) {
    if (isProtected(name, request.protectedTables)) continue;
    const columns = catalog.get(name);
    if (!columns) {
      if (request.own.has(name))
        plan.blockers.push(
          `testData.tables names ${name}, but the warehouse has no such table, or hides it from this principal${meant(name, catalog.keys())}`,
        );
      else plan.notes.push(`${name} is declared, but the warehouse has no such table (or hides it from this principal)`);
      continue;
    }
    if (plan.views.has(name)) {
      refuseView(name, table, request, plan);
      continue;
    }
    const used = new Set([...table.match.map((rule) => rule.column), ...Object.keys(table.parents)]);
    // A key matters where the ledger or other tables name rows by it; a table that only hangs on others may have none.
    if (parents.has(name) || request.known.has(name)) used.add(table.key);
    const missing = [...used].filter((column) => !columns.has(column));
    if (missing.length > 0)
      (request.own.has(name) ? plan.blockers : plan.problems).push(
        `${name} has no column ${missing.join(", ")}, by which its test data would be found${meant(missing[0] ?? "", columns.keys())}`,
      );
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

/** Its DELETE would fail, when much else is gone already. One that is declared without any rule is kept, as a table would be. */
function refuseView(name: string, table: Table, request: PlanRequest, plan: RowPlan): void {
  if (isKept(table)) return;
  if (request.own.has(name))
    plan.blockers.push(
      `testData.tables names ${name}, but that is a view, from which no rows can be deleted: declare the table whose rows it shows in its place`,
    );
  else
    plan.problems.push(
      `${name}, which the preset declares, is a view here, from which no rows can be deleted: declare the table whose rows it shows under testData.tables, and \`${name}: {}\` beside it`,
    );
}

function meant(written: string, known: Iterable<string>): string {
  const name = nearest(written, [...known]);
  return name === undefined ? "" : `; did you mean ${name}?`;
}

/** SHA-256 over what would be deleted, independent of order. */
function digestOf(plan: RowPlan): string {
  const content = plan.waves
    .flat()
    .map(
      (table) =>
        [table.table, [...table.selection.values].map(([column, values]) => [column, [...values].sort()]).sort()] as const,
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}
