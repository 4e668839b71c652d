import type { Table } from "../config/schema.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import type { Row } from "../warehouse/connection.ts";
import { qualifiedName, quoteName } from "../warehouse/statements.ts";
import type { CatalogColumns } from "./catalog.ts";
import { timeInId } from "./identity.ts";
import type { PlanRequest, RowPlan, TablePlan } from "./row-plan.ts";
import { type Binder, candidatesOf, conditionOf, emptySelection, type Rule, type Selection, select, shows } from "./selection.ts";
import { askTogether } from "./together.ts";

const samplesShown = 3;

/** What a search goes by and fills. */
export interface Search {
  /** The declared tables that exist. */
  declared: Readonly<Record<string, Table>>;
  catalog: CatalogColumns;
  request: PlanRequest;
  plan: RowPlan;
}

/** One table of a level, while it is looked through. */
interface Look {
  name: string;
  table: Table;
  rules: Rule[];
  inherited: Selection;
  found: TablePlan;
  /** The keys that are known to be test data. */
  ids: Set<string>;
  /** Rows of others that the ledger, or a row they hang on, claimed for this run in this look or an earlier one. */
  refused: Set<string>;
  /** Those of this look alone: what claimed the others may have been refused itself. */
  refusedNow: Set<string>;
  notes: string[];
  /** Its columns' types, in capitals. */
  types: ReadonlyMap<string, string>;
}

/** All tables of a level at once: none of them hangs on another, except a table on itself. */
export async function planLevel(warehouse: WarehouseReader, level: readonly string[], search: Search): Promise<TablePlan[]> {
  const planned: TablePlan[] = [];
  for (let looks = level.map((name) => lookAt(name, new Set(), search)); looks.length > 0; ) {
    const before = new Map(looks.map((look) => [look, { ids: look.ids.size, refused: look.refused.size }]));
    const width = Math.max(...looks.map((look) => showing(look).length));
    const answers = await askTogether(warehouse, looks, (look, binder) => rowsOf(warehouse, look, width, binder));
    for (const { item: look, row } of answers.rows) takeRow(row, look, search.request);
    for (const { item: look, why } of answers.failed) search.plan.unreadable.push({ table: look.name, why });
    looks = looks.flatMap((look) => {
      const { ids, refused } = before.get(look) ?? { ids: 0, refused: 0 };
      const hangsOnItself = Object.values(look.table.parents).includes(look.name);
      if (look.refused.size > refused) {
        // What turned out to be none of ours may have drawn others in: the looking begins anew, without it.
        const known = search.request.known.get(look.name) ?? [];
        search.plan.ids.set(look.name, new Set([...known].filter((key) => !look.refused.has(key))));
      } else if (!hangsOnItself || look.ids.size === ids) {
        planned.push(finished(look, search));
        return [];
      }
      return [lookAt(look.name, look.refused, search)];
    });
  }
  return planned.filter((table) => table.rows > 0);
}

function finished(look: Look, { plan, request }: Search): TablePlan {
  plan.notes.push(...look.notes);
  const known = [...(request.known.get(look.name) ?? [])].filter((key) => look.refused.has(key));
  for (const row of new Set([...known, ...look.refusedNow]))
    plan.problems.push(
      `${look.name}: ${row} is kept: the ledger, or a row it hangs on, says that this run made it, but it is older than the run`,
    );
  return look.found;
}

function lookAt(name: string, refused: Set<string>, { declared, catalog, request, plan }: Search): Look {
  const table = declared[name] as Table;
  const ids = plan.ids.get(name) ?? new Set<string>();
  plan.ids.set(name, ids);
  const found: TablePlan = { table: name, selection: emptySelection(), rows: 0, samples: [] };
  return {
    name,
    table,
    rules: rulesFor(table, declared, request),
    inherited: inheritedSelection(table, name, plan),
    found,
    ids,
    refused,
    refusedNow: new Set(),
    notes: [],
    types: catalog.get(name) ?? new Map(),
  };
}

/** Tables of a level are asked in one statement, so each has the same columns: its key, its time, and as many more as any needs. */
function rowsOf(
  warehouse: WarehouseReader,
  look: Look,
  width: number,
  binder: Binder,
): { columns: string; from: string } | undefined {
  const condition = [candidatesOf(look.rules, binder), conditionOf(look.inherited, binder)]
    .filter((text) => text !== "")
    .join(" OR ");
  if (condition === "") return undefined;
  const { key, time } = look.table;
  const shown = showing(look);
  const columns = [
    `${asText(look, key)} AS row_key`,
    `${time === undefined ? "NULL" : quoteName(time)} AS made_at`,
    ...Array.from({ length: width }, (_, index) => `${asText(look, shown[index] ?? "")} AS c${index}`),
  ];
  return { columns: columns.join(", "), from: `${qualifiedName(warehouse.catalog, look.name)} WHERE ${condition}` };
}

/** Text and number in one column would make the warehouse read the texts as numbers. */
function asText(look: Look, column: string): string {
  if (column === "") return "NULL";
  return look.types.get(column) === "STRING" ? quoteName(column) : `CAST(${quoteName(column)} AS STRING)`;
}

/** In the order in which the statement has them as c0, c1, …. */
function showing(look: Look): string[] {
  return [...new Set([...look.rules.map((rule) => rule.column), ...look.inherited.values.keys()])].filter(
    (column) => column !== look.table.key,
  );
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

function takeRow(row: Row, look: Look, request: PlanRequest): void {
  const { name, table, rules, inherited, found, ids } = look;
  const columns = showing(look);
  const text = (column: string): string | undefined => {
    const value = column === table.key ? row.row_key : row[`c${columns.indexOf(column)}`];
    // Empty text names nothing: a row without a parent would hang on every row without a key.
    return value === null || value === undefined || value === "" ? undefined : String(value);
  };
  const key = table.key === "" ? undefined : text(table.key);
  const hanging = [...inherited.values].find(([column, values]) => values.has(text(column) ?? ""))?.[0];
  const shown = rules.find((rule) => shows(rule, text(rule.column)))?.column;
  const label = key ?? text(hanging ?? shown ?? "") ?? "a row";
  const written = timeOf(row, look);
  const made = timeInIds([...(shown ? [text(shown)] : []), key], request.now) ?? written;
  if (request.scope === "run" && shown === undefined && isOlderThanTheRun(written, request)) {
    look.refused.add(label);
    look.refusedNow.add(label);
    return;
  }
  if (hanging === undefined && request.scope === "expired") {
    if (made === undefined) {
      look.notes.push(`${name}: ${label} is kept, because its age cannot be told`);
      return;
    }
    if (made > request.olderThan) return;
  }
  const by = key !== undefined ? table.key : (hanging ?? shown);
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

function timeInIds(ids: (string | undefined)[], now: number): number | undefined {
  for (const id of ids) {
    const time = id === undefined ? undefined : timeInId(id, now);
    if (time !== undefined) return time;
  }
  return undefined;
}

const dayMs = 86_400_000;

/** When the row was written, by its time column. A mere date tells the day: the row is taken to be of that day's end. */
function timeOf(row: Row, look: Look): number | undefined {
  const time = row.made_at;
  if (time === null || time === undefined) return undefined;
  const parsed = time instanceof Date ? time.getTime() : Date.parse(String(time));
  if (Number.isNaN(parsed)) return undefined;
  return look.types.get(look.table.time ?? "") === "DATE" ? parsed + dayMs : parsed;
}

/** Clocks of runner, application and warehouse may differ by this much. */
const clockToleranceMs = 5 * 60_000;

/** A wrong line in the ledger must not delete a production row: what a run made cannot be older than the run. */
function isOlderThanTheRun(written: number | undefined, request: PlanRequest): boolean {
  return written !== undefined && written < request.bornAfter - clockToleranceMs;
}
