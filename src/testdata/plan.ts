import { createHash } from "node:crypto";
import type { Table } from "../config/schema.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import type { Row } from "../warehouse/connection.ts";
import { qualifiedName, quoteName } from "../warehouse/statements.ts";
import { type CatalogColumns, readCatalogColumns } from "./catalog.ts";
import { inParallel } from "./concurrency.ts";
import { isProtected, levelsOf } from "./graph.ts";
import { timeInId } from "./identity.ts";
import { candidatesOf, conditionOf, emptySelection, isEmpty, type Rule, type Selection, select } from "./selection.ts";

export type Scope = "run" | "expired" | "all";

/** What is looked for. */
export interface PlanRequest {
  scope: Scope;
  /** What ids of test data begin with: for scope `run` this run's own prefixes, else all of them. */
  prefixes: readonly string[];
  tables: Readonly<Record<string, Table>>;
  protectedTables: readonly string[];
  /** `schema.table` → keys that are known to be test data: the ledger's, and those of an earlier look. */
  known: ReadonlyMap<string, ReadonlySet<string>>;
  /** Scope `expired`: test data made after this moment (Unix milliseconds) is left alone. */
  olderThan: number;
  /** Scope `run`: when the run began. A row that is known only from the ledger, or hangs on such a row, must be younger. */
  bornAfter: number;
  now: number;
  maxRows: number;
  maxShare: number;
}

export interface TablePlan {
  table: string;
  selection: Selection;
  rows: number;
  /** Unix milliseconds, where a row told. */
  oldest?: number;
  newest?: number;
  samples: string[];
}

export interface RowPlan {
  /** In the order of deletion: what hangs on others first, so that a deletion that is interrupted leaves nothing unreachable. */
  levels: TablePlan[][];
  rows: number;
  /** Every key that was selected: Redis keys may carry them. */
  ids: Map<string, Set<string>>;
  /** Things worth knowing that hinder nothing. */
  notes: string[];
  /** Reasons why this plan cannot be called complete; it may still run. */
  problems: string[];
  /** Reasons why it must not run. */
  blockers: string[];
  /** Tables that could not be looked at. */
  unreadable: { table: string; why: string }[];
  digest: string;
}

/** Statements under way at once; a small warehouse runs about ten, more would only queue. */
const statementsAtOnce = 8;
const samplesShown = 3;

/** Finds every row that is test data, by itself or by what it hangs on. Only reads. @throws WarehouseFailure, UserError */
export async function planRows(warehouse: WarehouseReader, request: PlanRequest): Promise<RowPlan> {
  const catalog = await readCatalogColumns(warehouse);
  const plan: RowPlan = {
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

  for (const level of levelsOf(declared)) {
    const planned = await inParallel(statementsAtOnce, level, async (name) => {
      try {
        return await planTable(warehouse, name, declared, request, plan);
      } catch (error) {
        plan.unreadable.push({ table: name, why: error instanceof Error ? error.message : String(error) });
        return undefined;
      }
    });
    plan.levels.unshift(planned.filter((table) => table !== undefined && table.rows > 0) as TablePlan[]);
  }
  plan.levels = plan.levels.filter((level) => level.length > 0);
  plan.rows = plan.levels.flat().reduce((sum, table) => sum + table.rows, 0);
  await reportUndeclared(warehouse, declared, catalog, request, plan);
  await holdToCaps(warehouse, request, plan);
  plan.digest = digestOf(plan);
  return plan;
}

/** The declared tables that exist, with the columns they really have. What is declared and not there is said. */
function presentTables(request: PlanRequest, catalog: CatalogColumns, plan: RowPlan): Record<string, Table> {
  const present: Record<string, Table> = {};
  for (const [name, table] of Object.entries(request.tables)) {
    if (isProtected(name, request.protectedTables)) continue;
    const columns = catalog.get(name);
    if (!columns) {
      plan.notes.push(`${name} is declared, but the warehouse has no such table (or hides it from this principal)`);
      continue;
    }
    const used = [...table.match.map((rule) => rule.column), ...Object.keys(table.parents)];
    const missing = used.filter((column) => !columns.has(column));
    if (missing.length > 0)
      plan.problems.push(`${name} has no column ${missing.join(", ")}, by which its test data would be found`);
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

async function planTable(
  warehouse: WarehouseReader,
  name: string,
  tables: Readonly<Record<string, Table>>,
  request: PlanRequest,
  plan: RowPlan,
): Promise<TablePlan> {
  const table = tables[name] as Table;
  const rules = rulesFor(table, tables, request);
  const found: TablePlan = { table: name, selection: emptySelection(), rows: 0, samples: [] };
  const ids = plan.ids.get(name) ?? new Set<string>();
  plan.ids.set(name, ids);
  // A table may hang on itself: look again while a look finds new keys.
  for (let before = -1; before !== ids.size; ) {
    before = ids.size;
    const inherited = inheritedSelection(table, name, plan);
    const candidates = candidatesOf(rules);
    const known = conditionOf(inherited);
    const condition = [candidates.text, known.text].filter((text) => text !== "").join(" OR ");
    if (condition === "") break;
    const columns = new Set([table.key, table.time ?? "", ...rules.map((rule) => rule.column), ...inherited.values.keys()]);
    columns.delete("");
    const statement = `SELECT ${[...columns].map(quoteName).join(", ")} FROM ${qualifiedName(warehouse.catalog, name)} WHERE ${condition}`;
    const rows = await warehouse.query(statement, { ...candidates.parameters, ...known.parameters });
    Object.assign(found, { rows: 0, samples: [], oldest: undefined, newest: undefined, selection: emptySelection() });
    for (const row of rows) takeRow(row, { name, table, rules, inherited, request, found, ids, plan });
    if (!Object.values(table.parents).includes(name)) break;
  }
  return found;
}

/**
 * How rows of this table show by themselves. A column that points at a table whose key carries the prefix counts too: such a
 * row is test data even when its parent is long gone.
 */
function rulesFor(table: Table, tables: Readonly<Record<string, Table>>, request: PlanRequest): Rule[] {
  const own = table.match.flatMap((rule): Rule[] => {
    if (rule.prefix) return [{ column: rule.column, prefixes: request.prefixes }];
    // A suffix or an exact value tells no run from another.
    if (request.scope === "run") return [];
    return [
      rule.suffix !== undefined
        ? { column: rule.column, suffix: rule.suffix }
        : { column: rule.column, equals: rule.equals ?? "" },
    ];
  });
  const pointing = Object.entries(table.parents).flatMap(([column, parent]): Rule[] => {
    const target = tables[parent];
    return target?.match.some((rule) => rule.prefix && rule.column === target.key)
      ? [{ column, prefixes: request.prefixes }]
      : [];
  });
  return [...own, ...pointing];
}

/** By what is already known: keys of this table, and keys of the tables it hangs on. */
function inheritedSelection(table: Table, name: string, plan: RowPlan): Selection {
  const selection = emptySelection();
  if (table.key !== "") select(selection, table.key, plan.ids.get(name) ?? []);
  for (const [column, parent] of Object.entries(table.parents)) select(selection, column, plan.ids.get(parent) ?? []);
  return selection;
}

interface RowContext {
  name: string;
  table: Table;
  rules: Rule[];
  inherited: Selection;
  request: PlanRequest;
  found: TablePlan;
  ids: Set<string>;
  plan: RowPlan;
}

function takeRow(row: Row, context: RowContext): void {
  const { name, table, rules, inherited, request, found, ids, plan } = context;
  const text = (column: string): string | undefined =>
    row[column] === null || row[column] === undefined ? undefined : String(row[column]);
  const key = table.key === "" ? undefined : text(table.key);
  const hanging = [...inherited.values].find(([column, values]) => values.has(text(column) ?? ""))?.[0];
  const showing = rules.find((rule) => shows(rule, text(rule.column)))?.column;
  const made = madeAt(row, [...(showing ? [text(showing)] : []), key], table, request.now);
  if (request.scope === "run" && showing === undefined && isOlderThanTheRun(row, table, request)) {
    plan.problems.push(
      `${name}: ${key ?? "a row"} is kept: the ledger, or a row it hangs on, says that this run made it, but it is older than the run`,
    );
    if (key !== undefined) ids.delete(key);
    return;
  }
  if (hanging === undefined && request.scope === "expired") {
    if (made === undefined) {
      plan.notes.push(`${name}: ${key ?? text(showing ?? "") ?? "a row"} is kept, because its age cannot be told`);
      return;
    }
    if (made > request.olderThan) return;
  }
  const by = key !== undefined ? table.key : (hanging ?? showing);
  if (by === undefined) return;
  select(found.selection, by, [text(by) ?? ""]);
  if (key !== undefined) ids.add(key);
  found.rows++;
  if (made !== undefined) {
    found.oldest = Math.min(found.oldest ?? made, made);
    found.newest = Math.max(found.newest ?? made, made);
  }
  if (found.samples.length < samplesShown) found.samples.push(table.person.includes(by) ? "(masked)" : (text(by) ?? ""));
}

function shows(rule: Rule, value: string | undefined): boolean {
  if (value === undefined) return false;
  if (rule.prefixes) return rule.prefixes.some((prefix) => value.startsWith(prefix));
  return rule.suffix !== undefined ? value.endsWith(rule.suffix) : value === rule.equals;
}

function madeAt(row: Row, ids: (string | undefined)[], table: Table, now: number): number | undefined {
  for (const id of ids) {
    const time = id === undefined ? undefined : timeInId(id, now);
    if (time !== undefined) return time;
  }
  return timeOf(row, table);
}

function timeOf(row: Row, table: Table): number | undefined {
  const time = table.time === undefined ? undefined : row[table.time];
  if (time === null || time === undefined) return undefined;
  const parsed = time instanceof Date ? time.getTime() : Date.parse(String(time));
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** Clocks of runner, application and warehouse may differ by this much. */
const clockToleranceMs = 5 * 60_000;

/** A wrong line in the ledger must not delete a production row: what a run made cannot be older than the run. */
function isOlderThanTheRun(row: Row, table: Table, request: PlanRequest): boolean {
  const time = timeOf(row, table);
  return time !== undefined && time < request.bornAfter - clockToleranceMs;
}

/** Rows that hang on test data in tables that nobody declared, or that are protected: said, never passed over in silence. */
async function reportUndeclared(
  warehouse: WarehouseReader,
  declared: Readonly<Record<string, Table>>,
  catalog: CatalogColumns,
  request: PlanRequest,
  plan: RowPlan,
): Promise<void> {
  const pointsAt = new Map(Object.values(declared).flatMap((table) => Object.entries(table.parents)));
  const others = [...catalog].filter(([name]) => !(name in declared));
  await inParallel(statementsAtOnce, others, async ([name, columns]) => {
    const selection = emptySelection();
    for (const [column, parent] of pointsAt) if (columns.has(column)) select(selection, column, plan.ids.get(parent) ?? []);
    if (isEmpty(selection)) return;
    const condition = conditionOf(selection);
    try {
      const [row] = await warehouse.query(
        `SELECT count(*) AS n FROM ${qualifiedName(warehouse.catalog, name)} WHERE ${condition.text}`,
        condition.parameters,
      );
      const count = Number(row?.n ?? 0);
      if (count === 0) return;
      if (isProtected(name, request.protectedTables))
        plan.notes.push(`${name} is protected: ${count} rows about test data stay there`);
      else
        plan.problems.push(
          `${count} rows of ${name} hang on test data, but the table is not declared: add it to testData.tables`,
        );
    } catch (error) {
      plan.notes.push(
        `${name} is not declared and could not be looked at: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  });
}

/** A plan that is larger than expected is more likely a mistake than a large amount of test data. */
async function holdToCaps(warehouse: WarehouseReader, request: PlanRequest, plan: RowPlan): Promise<void> {
  if (plan.rows > request.maxRows)
    plan.blockers.push(`the plan has ${plan.rows} rows, more than testData.maxRows (${request.maxRows})`);
  await inParallel(statementsAtOnce, plan.levels.flat(), async (table) => {
    const condition = conditionOf(table.selection);
    const [row] = await warehouse.query(
      `SELECT count(*) AS total, count_if(${condition.text}) AS selected FROM ${qualifiedName(warehouse.catalog, table.table)}`,
      condition.parameters,
    );
    const [total, selected] = [Number(row?.total), Number(row?.selected)];
    if (selected !== table.rows)
      plan.blockers.push(
        `${table.table}: ${table.rows} rows are test data, but the same keys select ${selected}: its key is not unique, or it is being written to`,
      );
    if (total >= 100 && table.rows / total > request.maxShare)
      plan.blockers.push(`${table.table}: the plan has ${table.rows} of ${total} rows, more than testData.maxShare allows`);
  });
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
