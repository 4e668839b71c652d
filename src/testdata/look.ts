import type { Table } from "../config/schema.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import type { Row } from "../warehouse/connection.ts";
import { qualifiedName, quoteName } from "../warehouse/statements.ts";
import type { CatalogColumns } from "./catalog.ts";
import { timeInId } from "./identity.ts";
import { isTime } from "./naming.ts";
import type { PlanRequest, TablePlan } from "./row-plan.ts";
import {
  asText,
  type Binder,
  candidatesOf,
  conditionOf,
  emptySelection,
  type Rule,
  type Selection,
  select,
  shows,
} from "./selection.ts";
import { surelyYoung } from "./young.ts";

const samplesShown = 3;

/** The ids that are known to be test data: what other rows may hang on. */
export type KnownIds = ReadonlyMap<string, ReadonlySet<string>>;

/** One table, looked through: everything it has that is test data as far as the ids known at that moment tell. */
export interface Look {
  name: string;
  table: Table;
  rules: Rule[];
  /** How they would show in a sweep of what is expired, whichever scope this is. */
  sweepRules: Rule[];
  /** What is already known: keys of this table, and keys of the tables it hangs on. */
  inherited: Selection;
  /** What of that the table has answered already: only what is new is asked, and those rows are not counted again. */
  answered: Selection;
  /** It has answered a question before: rows that show by themselves have been taken. */
  begun: boolean;
  /** Keys that the ledger, or an earlier look, claims for this table. */
  claimed: ReadonlySet<string>;
  found: TablePlan;
  /** Keys of the rows that were found. */
  keys: Set<string>;
  /** Of those that were found, rows that hang on nothing and do not show themselves with their age: what names each. */
  alone: Set<string>;
  /** Rows of others that the ledger, or a row they hang on, claimed for this run: what names each → how it is shown. */
  refused: Map<string, string>;
  /** Keys that an earlier look found, and that others have given to rows of theirs since. */
  renewed: Set<string>;
  /** Rows that show themselves, and are kept because nothing tells their age. */
  ageless: string[];
  /** Its columns' types, in capitals. */
  types: ReadonlyMap<string, string>;
  /** Position of each table in the order of the graph, parents first. */
  order: ReadonlyMap<string, number>;
}

export interface LookRequest {
  /** The declared tables that exist. */
  declared: Readonly<Record<string, Table>>;
  catalog: CatalogColumns;
  request: PlanRequest;
  order: ReadonlyMap<string, number>;
}

/** @param ids of the tables that this one may hang on. @param verified keys of its own that an earlier look found. */
export function lookAt(
  name: string,
  ids: KnownIds,
  verified: Iterable<string>,
  { declared, catalog, request, order }: LookRequest,
): Look {
  const table = declared[name] as Table;
  const claimed = request.known.get(name) ?? new Set<string>();
  const types = catalog.get(name) ?? new Map<string, string>();
  const inherited = emptySelection(types);
  if (table.key !== "") {
    select(inherited, table.key, claimed);
    select(inherited, table.key, verified);
  }
  for (const [column, parent] of Object.entries(table.parents)) select(inherited, column, ids.get(parent) ?? []);
  return {
    name,
    table,
    rules: rulesFor(table, request.tables, request),
    sweepRules: rulesFor(table, request.tables, { scope: "expired", prefixes: request.sweptPrefixes }),
    inherited,
    answered: emptySelection(types),
    begun: false,
    claimed,
    found: {
      table: name,
      selection: emptySelection(types),
      rows: 0,
      samples: [],
      leansOn: new Set(),
      person: new Set(table.person),
    },
    keys: new Set(),
    alone: new Set(),
    refused: new Map(),
    renewed: new Set(),
    ageless: [],
    types,
    order,
  };
}

/**
 * The same look with the ids that became known since, for one more question; a look from the beginning where ids turned out to be
 * none of ours, because rows may have been taken for hanging on them.
 */
export function lookFurther(look: Look, ids: KnownIds, verified: Iterable<string>, looking: LookRequest): Look {
  const { name, inherited } = look;
  const fresh = lookAt(name, ids, verified, looking);
  for (const [column, values] of inherited.values)
    for (const value of values) if (!fresh.inherited.values.get(column)?.has(value)) return fresh;
  return { ...look, inherited: fresh.inherited, answered: inherited, begun: true };
}

/**
 * The question of one table. Tables are asked many in one statement, so each has the same columns: its key, its time, and as many
 * more as any of them needs.
 * @param size `width`: of the widest of them, see {@link widthOf}; `limit`: more rows than this are not fetched, and who gets as many has
 * not seen all; `older`: rows that are surely too young for this request are left out.
 */
export function questionOf(
  warehouse: WarehouseReader,
  look: Look,
  { width, limit, older }: { width: number; limit: number; older?: PlanRequest | undefined },
  binder: Binder,
): { columns: string; from: string } | undefined {
  const condition = conditionFor(look, older, binder);
  if (condition === "") return undefined;
  const { key, time } = look.table;
  const shown = showing(look);
  const columns = [
    `${shownAs(look, key)} AS row_key`,
    // Apart, for in one column the warehouse would read the texts as times, as it likes.
    `${time !== undefined && tellsTime(look) ? quoteName(time) : "NULL"} AS made_at`,
    `${time === undefined || tellsTime(look) ? "NULL" : shownAs(look, time)} AS made_text`,
    ...Array.from({ length: width }, (_, index) => `${shownAs(look, shown[index] ?? "")} AS c${index}`),
  ];
  const rows = `SELECT * FROM ${qualifiedName(warehouse.catalog, look.name)} WHERE ${condition} LIMIT ${limit}`;
  return { columns: columns.join(", "), from: `(${rows}) AS looked_at` };
}

function conditionFor(look: Look, older: PlanRequest | undefined, binder: Binder): string {
  const { inherited, answered } = look;
  const begun = look.begun ? conditionOf(exceptByKey(answered, look.table), binder) : "";
  const asked = emptySelection(look.types);
  for (const [column, values] of inherited.values)
    select(asked, column, look.begun ? [...values].filter((value) => !answered.values.get(column)?.has(value)) : values);
  const terms = [look.begun ? "" : showingThemselves(look, older, binder), conditionOf(asked, binder)]
    .filter((text) => text !== "")
    .join(" OR ");
  return begun === "" || terms === "" ? terms : `(${terms}) AND NOT coalesce(${begun}, false)`;
}

function showingThemselves(look: Look, older: PlanRequest | undefined, binder: Binder): string {
  const { rules, table, types } = look;
  const candidates = candidatesOf(rules, types, binder);
  if (!older || candidates === "") return candidates;
  const young = surelyYoung(
    {
      rules,
      key: table.key === "" ? undefined : table.key,
      time: table.time !== undefined && types.get(table.time) === "TIMESTAMP" ? table.time : undefined,
      types,
    },
    older,
    binder,
  );
  return `(${candidates}) AND NOT (${young})`;
}

/** Rows that were found by their key are fetched again once a row they hang on is known, because they must go before that one. */
function exceptByKey(answered: Selection, table: Table): Selection {
  if (table.key in table.parents) return answered;
  return { ...answered, values: new Map([...answered.values].filter(([column]) => column !== table.key)) };
}

export function widthOf(look: Look): number {
  return showing(look).length;
}

/** Text and number in one column would make the warehouse read the texts as numbers. */
function shownAs(look: Look, column: string): string {
  return column === "" ? "NULL" : asText(column, look.types);
}

/** Whether the column of the time is of a type for times. */
function tellsTime({ table, types }: Look): boolean {
  return table.time !== undefined && isTime(types.get(table.time) ?? "");
}

/** In the order in which the statement has them as c0, c1, …. */
function showing(look: Look): string[] {
  return [...new Set([...look.sweepRules.map((rule) => rule.column), ...look.inherited.values.keys()])].filter(
    (column) => column !== look.table.key,
  );
}

/**
 * How rows of this table show by themselves. A column that points at a table whose key carries the prefix counts too: such a
 * row is test data even when its parent is long gone.
 */
function rulesFor(
  table: Table,
  tables: Readonly<Record<string, Table>>,
  request: Pick<PlanRequest, "scope" | "prefixes">,
): Rule[] {
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

/** Reads rows into a look. Their columns are read by place: thousands of rows share one list of names. */
export function rowTaker(look: Look, request: PlanRequest): (row: Row) => void {
  const places = new Map(showing(look).map((column, index) => [column, `c${index}`]));
  places.set(look.table.key, "row_key");
  return (row) => takeRow(row, look, request, places);
}

function takeRow(row: Row, look: Look, request: PlanRequest, places: ReadonlyMap<string, string>): void {
  const { table, rules, inherited, answered, found } = look;
  const text = (column: string): string | undefined => {
    const value = row[places.get(column) ?? ""];
    // Empty text names nothing: a row without a parent would hang on every row without a key.
    return value === null || value === undefined || value === "" ? undefined : String(value);
  };
  const key = table.key === "" ? undefined : text(table.key);
  const hanging = [...inherited.values].filter(([column, values]) => values.has(text(column) ?? "")).map(([column]) => column);
  const firstShown = (among: readonly Rule[]) => among.find((rule) => shows(rule, text(rule.column)))?.column;
  const shown = firstShown(rules);
  const by = key !== undefined ? table.key : (hanging[0] ?? shown);
  if (by === undefined) return;
  const label = table.person.includes(by) ? "(masked)" : (text(by) ?? "");
  const written = timeOf(row, look);
  const madeBy = (column: string | undefined) =>
    timeInIds([...(column === undefined ? [] : [text(column)]), key], request.now) ?? written;
  const made = madeBy(shown);
  if (request.scope === "run" && shown === undefined && isOlderThanTheRun(written, request)) {
    look.refused.set(text(by) ?? "", label);
    return;
  }
  const expired = request.scope !== "expired" || (made !== undefined && made <= request.olderThan);
  if (hanging.length === 0 && !expired) {
    if (made === undefined) look.ageless.push(label);
    return;
  }
  // An earlier look has found this key, and this row is too young to be what it found: somebody has used the key again.
  if (!expired && made !== undefined && key !== undefined && !hanging.some((column) => column in table.parents)) {
    look.renewed.add(key);
    return;
  }
  // A later sweep has no ledger, so that what the ledger claims does not help it. It looks for the prefixes of all runs, and may go by
  // another column, which tells no age.
  const shownAgain = firstShown(look.sweepRules);
  const foundAgain = shownAgain !== undefined && madeBy(shownAgain) !== undefined;
  if (!foundAgain) {
    leanOnHighest(look, hanging);
    noteAlone(look, text(by) ?? "", hanging);
  }
  if (look.begun) {
    // The first question has found it already, or has kept it for its age while it was not known to hang on anything.
    const byKey = key !== undefined && answered.values.get(table.key)?.has(key) === true;
    if (byKey || (shown !== undefined && expired)) return;
    const kept = shown !== undefined && made === undefined ? look.ageless.indexOf(label) : -1;
    if (kept >= 0) look.ageless.splice(kept, 1);
  }
  select(found.selection, by, [text(by) ?? ""]);
  if (key !== undefined) look.keys.add(key);
  found.rows++;
  if (made !== undefined) {
    found.oldest = Math.min(found.oldest ?? made, made);
    found.newest = Math.max(found.newest ?? made, made);
  }
  if (found.samples.length < samplesShown) found.samples.push(label);
}

/** Another row of the same table goes in the same moment, so that it helps nobody to find this one. */
function noteAlone({ name, table, alone, claimed }: Look, row: string, hanging: readonly string[]): void {
  const parents = hanging.flatMap((column) => table.parents[column] ?? []);
  if (parents.some((parent) => parent !== name)) alone.delete(row);
  else if (parents.length === 0 || claimed.has(row)) alone.add(row);
}

/** Of the rows that a row hangs on, one must outlive it: the one that stands highest, on which most others lean as well. */
function leanOnHighest({ name, table, found, order }: Look, hanging: readonly string[]): void {
  const parents = hanging.flatMap((column) => {
    const parent = table.parents[column];
    return parent === undefined || parent === name ? [] : [parent];
  });
  const [highest, ...others] = parents;
  if (highest === undefined) return;
  const rank = (parent: string) => order.get(parent) ?? 0;
  found.leansOn.add(others.reduce((best, parent) => (rank(parent) < rank(best) ? parent : best), highest));
}

function timeInIds(ids: (string | undefined)[], now: number): number | undefined {
  for (const id of ids) {
    const time = id === undefined ? undefined : timeInId(id, now);
    if (time !== undefined) return time;
  }
  return undefined;
}

const dayMs = 86_400_000;

/** As warehouses write a time, and ISO 8601: a day, a time of it, and a zone. */
const timeText = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/** When the row was written, by its time column. A mere date tells the day: the row is taken to be of that day's end. */
function timeOf(row: Row, look: Look): number | undefined {
  const time = row.made_at ?? row.made_text;
  if (time === null || time === undefined) return undefined;
  if (time instanceof Date) return look.types.get(look.table.time ?? "") === "DATE" ? time.getTime() + dayMs : time.getTime();
  // A number or another text could be read as some year, and the row as an old one.
  const [, day, timeOfDay, zone = "Z"] = timeText.exec(String(time)) ?? [];
  if (day === undefined) return undefined;
  // Without a zone it is the warehouse's own, and not that of the machine that cleans up.
  const parsed = timeOfDay === undefined ? Date.parse(day) + dayMs : Date.parse(`${day}T${timeOfDay}${inFull(zone)}`);
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** `+02` and `+0200` as `+02:00`, which alone is sure to be read. */
function inFull(zone: string): string {
  return zone.replace(/^([+-]\d\d):?(\d\d)?$/, (_, hours: string, minutes = "00") => `${hours}:${minutes}`);
}

/** Clocks of runner, application and warehouse may differ by this much. */
const clockToleranceMs = 5 * 60_000;

/** A wrong line in the ledger must not delete a production row: what a run made cannot be older than the run. */
function isOlderThanTheRun(written: number | undefined, request: PlanRequest): boolean {
  return written !== undefined && written < request.bornAfter - clockToleranceMs;
}
