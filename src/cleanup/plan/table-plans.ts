import type { Table, TestDataConfig } from "../../config/schema.ts";
import { layersOf } from "../../lib/layers.ts";
import type { KeptRows, RealLooking, TimeRange, TouchedRow } from "../../model/test-data.ts";
import { keyText } from "../../redis/connection.ts";
import { quoteName } from "../../warehouse/statements.ts";
import { IdFinder } from "../keys/judge.ts";
import { type StartState, timeInId } from "../ownership/age.ts";
import { type JudgedRow, type References, valuesFoundInSweep } from "../ownership/judging.ts";
import { deletionKeyOf, isNamedByPrefix } from "../ownership/settling.ts";
import { instantOf, type TableScan } from "../ownership/table-scan.ts";
import { type CatalogColumns, kindOf, type Policies, parentTables, type Views } from "../tables/catalog.ts";
import { type Binder, emptySelection, type Selection, select } from "../tables/selection.ts";

const samplesShown = 3;

/** The rows of one table to delete, and how a later sweep would find them. */
export interface TableDeletion {
  scan: TableScan;
  plan: TablePlan;
  /** Keys of the rows to delete. */
  keys: Set<string>;
  /** Tables whose ids make some of the rows test data. */
  owners: Set<string>;
  /** Some rows depend on nothing elsewhere and aren't matched directly with an age, so a later sweep couldn't find them. */
  hasLoneRows: boolean;
}

/** @param rows to delete @param staying the other rows of the table that were found */
export function tableDeletionOf(
  scan: TableScan,
  { rows, staying }: { rows: readonly JudgedRow[]; staying: readonly JudgedRow[] },
  request: PlanRequest,
  order: ReadonlyMap<string, number>,
): TableDeletion {
  const plan: TablePlan = {
    table: scan.name,
    selection: emptySelection(scan.types),
    rows: 0,
    samples: [],
    foundThrough: new Set(),
    ownsRows: false,
    person: new Set(scan.table.person),
  };
  const going: TableDeletion = { scan, plan, keys: new Set(), owners: new Set(), hasLoneRows: false };
  const values = new Map<string, Set<string>>();
  for (const row of rows) {
    const handle = deletionKeyOf(row);
    if (!handle) continue;
    values.set(handle.column, (values.get(handle.column) ?? new Set()).add(handle.value));
    if (row.candidate.key !== undefined) going.keys.add(row.candidate.key);
    for (const index of row.judgement.because) going.owners.add(row.links[index]?.table ?? "");
    plan.rows++;
    const made = madeAt(row, request);
    if (made !== undefined) {
      plan.oldest = Math.min(plan.oldest ?? made, made);
      plan.newest = Math.max(plan.newest ?? made, made);
    }
    if (plan.samples.length < samplesShown) plan.samples.push(labelOf(row));
    if (isFoundBySweep(row, request)) continue;
    addHighestParent(row, plan, order);
    if (isAlone(row, request)) going.hasLoneRows = true;
  }
  for (const [column, list] of values) select(plan.selection, column, list);
  const isShared = staying.some((row) => {
    const handle = deletionKeyOf(row);
    return handle !== undefined && values.get(handle.column)?.has(handle.value) === true;
  });
  // Two rows with one key are not told apart by their times: counting shall find both.
  const during = isShared ? undefined : timesOf(scan, rows);
  if (during) plan.selection.during = during;
  return going;
}

/** @returns undefined if a row has no exact time */
function timesOf(scan: TableScan, rows: readonly JudgedRow[]): TimeRange | undefined {
  const column = instantOf(scan);
  if (column === undefined || rows.some(({ candidate }) => candidate.age === undefined)) return undefined;
  const ages = rows.flatMap(({ candidate }) => candidate.age ?? []);
  const from = ages.reduce((least, { earliest }) => Math.min(least, earliest), Number.POSITIVE_INFINITY);
  const to = ages.reduce((most, { latest }) => Math.max(most, latest), Number.NEGATIVE_INFINITY);
  return { column, from, to };
}

/** A row's label for people; never from a column that may contain personal data. */
export function labelOf(row: JudgedRow): string {
  const { scan, links } = row;
  const link = links[0];
  const handle = deletionKeyOf(row) ?? (link && { column: link.column, value: link.id });
  if (!handle) return "a row without a key";
  return scan.table.person.includes(handle.column) ? "(masked)" : handle.value;
}

function madeAt({ scan, candidate, links }: JudgedRow, { now }: PlanRequest): number | undefined {
  const shown = scan.rules.flatMap(({ column }) => timeInId(candidate.values.get(column) ?? "", now) ?? []);
  const pointed = links.flatMap(({ id }) => timeInId(id, now) ?? []);
  return shown[0] ?? candidate.timeInKey ?? candidate.age?.earliest ?? pointed[0];
}

/**
 * A later sweep has no ledger: it needs a value that matches the row, or an id in it that is recognised by itself, and a time.
 */
function isFoundBySweep({ scan, candidate, links }: JudgedRow, request: PlanRequest): boolean {
  const shown = valuesFoundInSweep(scan, candidate);
  const dated = candidate.timeInKey !== undefined || candidate.age !== undefined;
  if (shown.some((value) => dated || timeInId(value, request.now) !== undefined)) return true;
  return links.some((link) => isNamedByPrefix(link, request));
}

/** The other row is deleted in the same statement, so it cannot help to find this one. */
function isAlone({ scan, candidate, judgement, links }: JudgedRow, { known }: PlanRequest): boolean {
  const parents = judgement.because.flatMap((index) => links[index]?.table ?? []);
  if (parents.some((parent) => parent !== scan.name)) return false;
  const claimed = candidate.key !== undefined && known.get(scan.name)?.has(candidate.key) === true;
  return parents.length === 0 || claimed;
}

/** One of the rows that a row depends on must outlive it: the topmost, which most others depend on as well. */
function addHighestParent(
  { scan, judgement, links }: JudgedRow,
  { foundThrough }: TablePlan,
  order: ReadonlyMap<string, number>,
): void {
  const parents = judgement.because.flatMap((index) => {
    const parent = links[index]?.table;
    return parent === undefined || parent === scan.name ? [] : [parent];
  });
  const [highest, ...others] = parents;
  if (highest === undefined) return;
  const rank = (parent: string) => order.get(parent) ?? 0;
  foundThrough.add(others.reduce((best, parent) => (rank(parent) < rank(best) ? parent : best), highest));
}

/** A column with e-mail addresses or names of people. */
export interface PersonalColumn {
  column: string;
  kind: "email" | "name";
}

/** @param columns with types in upper case @param person columns declared as personal */
export function personalColumns(columns: ReadonlyMap<string, string>, person: ReadonlySet<string>): PersonalColumn[] {
  return [...columns].flatMap(([column, type]): PersonalColumn[] => {
    if (kindOf(type) !== "text") return [];
    if (/(^|_)e?mail(_|$)|recipient_address/i.test(column)) return [{ column, kind: "email" }];
    return person.has(column) && /(^|_)name$/i.test(column) ? [{ column, kind: "name" }] : [];
  });
}

/**
 * The condition for a value that looks like data about a real person: an address outside the synthetic domains, or a name that
 * matches none of the patterns. The warehouse counts the values; they are not fetched.
 * @returns `undefined` if nothing is configured to compare with
 */
export function looksLikeRealPerson(
  { column, kind }: PersonalColumn,
  synthetic: TestDataConfig["synthetic"],
  prefixes: readonly string[],
  binder: Binder,
): string | undefined {
  const value = `lower(${quoteName(column)})`;
  const harmless =
    kind === "email"
      ? synthetic.emails.flatMap((domain) => [
          `endswith(${value}, ${binder.bind(`@${domain.toLowerCase()}`)})`,
          `endswith(${value}, ${binder.bind(`.${domain.toLowerCase()}`)})`,
        ])
      : synthetic.names.map((pattern) => meets(value, pattern.toLowerCase(), binder));
  if (harmless.length === 0) return undefined;
  const byPrefix = prefixes.map((prefix) => `startswith(${quoteName(column)}, ${binder.bind(prefix)})`);
  const isAddress = kind === "email" ? ` AND contains(${value}, '@')` : "";
  return `${quoteName(column)} IS NOT NULL AND ${quoteName(column)} <> ''${isAddress} AND NOT (${[...harmless, ...byPrefix].join(" OR ")})`;
}

/** A star at either end matches any text. */
function meets(value: string, pattern: string, binder: Binder): string {
  const literal = binder.bind(pattern.replace(/^\*|\*$/g, ""));
  if (/^\*.*\*$/s.test(pattern)) return `contains(${value}, ${literal})`;
  if (pattern.endsWith("*")) return `startswith(${value}, ${literal})`;
  return pattern.startsWith("*") ? `endswith(${value}, ${literal})` : `${value} = ${literal}`;
}

/**
 * The order of deletion. The tables of a batch are deleted from at the same time. Rows that can only be found through the rows
 * they depend on are deleted before those. So an interruption never leaves rows that a later sweep couldn't find.
 */
export function deletionBatchesOf(tables: readonly TablePlan[]): TablePlan[][] {
  const byName = new Map(tables.map((table) => [table.table, table]));
  const first = new Map<TablePlan, TablePlan[]>(tables.map((table) => [table, []]));
  for (const table of tables)
    for (const name of table.foundThrough) {
      const parent = byName.get(name);
      if (parent) first.get(parent)?.push(table);
    }
  const { layers, circular } = layersOf(tables, (table) => first.get(table) ?? []);
  // The order follows the graph, which has no circles. If there were one, a last batch would still delete everything.
  return circular.length > 0 ? [...layers, circular] : layers;
}

/**
 * Of the rows that a row depends on, the topmost normally outlives it. If a later sweep couldn't find that one, the row is
 * deleted before all of them, because we don't know which would be found.
 * @param tables their dependencies are completed
 * @param doubtful tables with rows that a later sweep couldn't match directly
 * @param order position of each table in the graph, parents first
 */
export function assumeFoundThroughAll(
  tables: readonly TablePlan[],
  doubtful: ReadonlySet<string>,
  declared: Readonly<Record<string, Table>>,
  order: ReadonlyMap<string, number>,
): void {
  const rank = ({ table }: TablePlan) => order.get(table) ?? 0;
  const inDoubt = new Set(doubtful);
  for (const { table, foundThrough } of tables.toSorted((a, b) => rank(a) - rank(b))) {
    const parents = parentTables(declared[table]);
    // Its rows depend on each other, and we don't know through which one a row was found.
    const onItself = parents.includes(table) && inDoubt.has(table);
    if (!onItself && ![...foundThrough].some((parent) => inDoubt.has(parent))) continue;
    inDoubt.add(table);
    for (const parent of parents) if (parent !== table) foundThrough.add(parent);
  }
}

/** Why rows are kept that lead to other rows: without them no later sweep would find those. */
export const whyRetained = {
  keys: "kept: Redis keys with their ids could not be deleted, and are only findable through these rows",
  rows: "kept: dependent rows remain, and are only findable through these rows",
  unreadable: (table: string) =>
    `kept: ${table} may have dependent rows, but could not be read; they are only findable through these rows`,
  undeclared: (table: string) =>
    `kept: rows of ${table} depend on them, and that table is not declared; they are only findable through these rows`,
};

/** Table → why its rows are kept. Only the first reason is recorded. */
export type RetainedTables = Map<string, string>;

export function retain(retained: RetainedTables, tables: Iterable<string>, why: string): void {
  for (const table of tables) if (!retained.has(table)) retained.set(table, why);
}

/**
 * Of the tables that rows elsewhere depend on, those without which a sweep couldn't find them. An id with a test prefix is found
 * in any column that contains it, even if its own row is gone.
 */
export function tablesNeededToFind(
  tables: Iterable<string>,
  { ids }: Pick<RowPlan, "ids">,
  { tables: declared, sweptPrefixes }: Pick<PlanRequest, "tables" | "sweptPrefixes">,
): string[] {
  return [...tables].filter((table) => {
    const named = declared[table]?.match.some(({ column, prefix }) => prefix && column === declared[table]?.key);
    return [...(ids.get(table) ?? [])].some((id) => !named || !sweptPrefixes.some((prefix) => id.startsWith(prefix)));
  });
}

/**
 * What is kept of a batch. Everything that it depends on must then be kept in later batches too, or it couldn't be found.
 * @returns why each of them is kept
 */
export function retainedInBatch(batch: readonly TablePlan[], retained: RetainedTables): ReadonlyMap<TablePlan, string> {
  const staying = new Map<TablePlan, string>();
  for (const table of batch) {
    const why = retained.get(table.table);
    if (why === undefined) continue;
    staying.set(table, why);
    retain(retained, table.foundThrough, whyRetained.rows);
  }
  return staying;
}

/** Tables whose rows must not be deleted before these keys: a key is recognised by the row id in it. */
export function tablesRetainedFor(keys: ReadonlySet<string>, { ids, batches }: Pick<RowPlan, "ids" | "batches">): string[] {
  return batches
    .flat()
    .map(({ table }) => table)
    .filter((table) => {
      const finder = new IdFinder([...(ids.get(table) ?? [])].map(keyText));
      return finder.size > 0 && [...keys].some((key) => finder.isIn(key));
    });
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
  /** Tables whose rows are counted whatever their time, because something is deleted by their ids. */
  countedWhole: ReadonlySet<string>;
  /** Values of suffix and equals rules that scope `expired` may use. */
  sweep: ReadonlySet<string>;
  /** `schema.table` → keys or matched values of fixed rows. */
  keep: TestDataConfig["keep"];
  /** The zone for times without one. */
  timeZone: string | undefined;
  now: number;
  maxRows: number;
  maxShare: number;
  /** Bytes. */
  maxReadSize: number | undefined;
  /** Whether the plan says what its search reads. */
  showsReading: boolean;
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
  /** Something else is deleted because of ids of this table: rows that depend on them, or Redis keys. */
  ownsRows: boolean;
  /** Nothing is deleted. */
  onlyCounted?: true;
  /** Columns that may contain personal data: their values are never stored. */
  person: ReadonlySet<string>;
}

/** The same plan, but the next search looks for rows of any time in these tables, because somebody changed rows after they were read. */
export function searchedWhole(plan: RowPlan | undefined, tables: ReadonlySet<string>): RowPlan | undefined {
  return plan && { ...plan, searchAgainFrom: new Map([...plan.searchAgainFrom].filter(([table]) => !tables.has(table))) };
}

/**
 * The rows to count before deleting. If other rows are deleted because of the ids, no row of any time may have one of them too: it
 * may be a real one, and what depends on the id may be its.
 */
export function countedSelection({ selection, ownsRows }: Pick<TablePlan, "selection" | "ownsRows">): Selection {
  return ownsRows ? { values: selection.values, types: selection.types } : selection;
}

/** All rows that a cleanup would delete, and what it found beside them. */
export interface RowPlan {
  catalog: CatalogColumns;
  /** What the catalog has beside tables. */
  views: Views;
  policies: Policies;
  /** The number of declared tables that exist and have a rule that matches test data. */
  lookedAt: number;
  /** In the order of deletion, one batch at a time; see {@link deletionBatchesOf}. */
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
  /**
   * Table → the time from which the next search looks for rows by their ids and by what they depend on. Only of tables with exact
   * times, and without a row that was found and kept. Unix milliseconds.
   */
  searchAgainFrom: Map<string, number>;
  digest: string;
}
