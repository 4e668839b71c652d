import { createHash } from "node:crypto";
import { isProtected } from "../../config/protection.ts";
import type { Table, TestDataConfig } from "../../config/schema.ts";
import { nearest } from "../../lib/nearest.ts";
import type { KeptRows, RealLooking, TouchedRow } from "../../model/test-data.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import type { StartState } from "../ownership/age.ts";
import type { References } from "../ownership/judging.ts";
import { isKept } from "../propose/proposal-text.ts";
import { type CatalogColumns, dependencyLevels, parentTables, readCatalogColumns, readViews } from "../tables/catalog.ts";
import type { Selection } from "../tables/selection.ts";
import { reportKeptRows, reportUndeclared, UndeclaredTables } from "./kept-rows.ts";
import { countSelected, holdToCaps, reportLedger, Search, tablesWithMoreRows } from "./search.ts";
import {
  assumeFoundThroughAll,
  deletionBatchesOf,
  type RetainedTables,
  retain,
  tablesNeededToFind,
  whyRetained,
} from "./table-plans.ts";

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

export type Scope = "run" | "expired" | "all";

/** A request to find test data. */
export interface PlanRequest {
  scope: Scope;
  /** The prefixes of test data: in scope `run` this run's own, otherwise all. */
  prefixes: readonly string[];
  /** All prefixes, in any scope: what a later sweep uses. */
  sweptPrefixes: readonly string[];
  tables: Readonly<Record<string, Table>>;
  /** Tables from the configuration itself, not the preset: if one of them is missing, that is a mistake. */
  own: ReadonlySet<string>;
  protectedTables: readonly string[];
  /** `schema.table` → keys that the ledger claims for this run. */
  known: ReadonlyMap<string, ReadonlySet<string>>;
  /** Scope `expired`: test data created after this moment (Unix milliseconds) is kept. */
  olderThan: number;
  /** Scope `run`: when the run began. Rows known only from the ledger or through dependencies must not be older. */
  bornAfter: number;
  /** The state before the tests of the run in `bornAfter`, if recorded. */
  start: StartState | undefined;
  /** Values of suffix and equals rules that scope `expired` may use. */
  sweep: ReadonlySet<string>;
  /** `schema.table` → keys or matched values of fixed rows. */
  keep: TestDataConfig["keep"];
  /** The zone for times without one. */
  timeZone: string | undefined;
  now: number;
  maxRows: number;
  maxShare: number;
  synthetic: TestDataConfig["synthetic"];
}

export interface TablePlan {
  table: string;
  selection: Selection;
  rows: number;
  /** Unix milliseconds, if known from a row. */
  oldest?: number;
  newest?: number;
  samples: string[];
  /** Tables through whose rows alone some rows of this table are known to be test data. */
  foundThrough: Set<string>;
  /** Columns that may contain personal data: their values are never stored. */
  person: ReadonlySet<string>;
}

export interface RowPlan {
  catalog: CatalogColumns;
  /** The views in the catalog. */
  views: ReadonlySet<string>;
  /** The number of declared tables that exist and have a rule that matches test data. */
  lookedAt: number;
  /** In the order of deletion, one batch at a time; see {@link import("./table-plans.ts").deletionBatchesOf}. */
  batches: TablePlan[][];
  rows: number;
  /** Keys of the rows to delete, and of those that an earlier search found: Redis keys may contain them. */
  ids: Map<string, Set<string>>;
  /** Ids that other rows may depend on, each with the time from which they can; for the next search. */
  references: References;
  /** Notes that prevent nothing. */
  notes: string[];
  /** Why this plan is incomplete; it may still run. */
  problems: string[];
  /** Why the plan must not run. */
  blockers: string[];
  /** Protected tables → how many rows they have. Nothing is deleted from them, and the next search confirms it. */
  protectedRows: Map<string, number>;
  /** Test rows that look like data about real people. */
  realLooking: RealLooking[];
  /** Real rows that point at test data and are older than it. */
  touched: TouchedRow[];
  /** Rows that are or may be test data and are kept, by table and reason. */
  kept: KeptRows[];
  /** Tables that could not be read. */
  unreadable: { table: string; why: string }[];
  /** Tables whose rows are kept, because rows that cannot be deleted are only findable through them. */
  retained: RetainedTables;
  digest: string;
}
