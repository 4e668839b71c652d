import { createHash } from "node:crypto";
import { count } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import type { Deletion, SelectedRows, TimeRange } from "../../model/test-data.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import {
  anyOf,
  beginsWith,
  bounded,
  type Condition,
  columnAsText,
  inList,
  isPlain,
  narrowed,
  within,
} from "../../warehouse/comparison.ts";
import type { Parameters, Row } from "../../warehouse/connection.ts";
import { isVersionGone, WarehouseFailure } from "../../warehouse/failure.ts";
import { quoteName } from "../../warehouse/statements.ts";
import { mostParametersDeleted, mostValuesDeleted } from "../../warehouse/writes.ts";

/**
 * Exactly which rows of a table are test data: those where a column – the key, a pointing column, or a matched one – has one of
 * these values. The values are literals that were read before; nothing is a pattern. Counting and deleting use the same object,
 * so what is planned is what is deleted.
 */
export interface Selection {
  /** Column → the values that select a row. */
  values: Map<string, Set<string>>;
  /** The types of its columns, in upper case. */
  types: ReadonlyMap<string, string>;
  /**
   * The times of the rows, as they were read: so the files of other times are skipped, and a row of another time with the same
   * value is not touched. Absent if a row's time isn't known exactly.
   */
  during?: TimeRange;
}

export function emptySelection(types: ReadonlyMap<string, string>): Selection {
  return { values: new Map(), types };
}

/** A column as text, which is how its values are compared here: keys may be numbers. */
export function asText(column: string, types: ReadonlyMap<string, string>): string {
  return columnAsText(column, types.get(column));
}

export function select(selection: Selection, column: string, values: Iterable<string>): void {
  const known = selection.values.get(column) ?? new Set<string>();
  for (const value of values) known.add(value);
  if (known.size > 0) selection.values.set(column, known);
}

export function isEmpty(selection: Selection): boolean {
  return selection.values.size === 0;
}

/**
 * The parameters of one statement. Equal values are sent once, because a statement may have 256 parameters, and the ids of a
 * class occur in twenty tables.
 */
export class Binder {
  readonly #names = new Map<string, string>();
  readonly #prefix: string;

  /** @param prefix of the parameter names */
  constructor(prefix = "p") {
    this.#prefix = prefix;
  }

  /** @returns the marker, `:p0` */
  bind(value: string): string {
    const name = this.#names.get(value) ?? `${this.#prefix}${this.#names.size}`;
    this.#names.set(value, name);
    return `:${name}`;
  }

  get size(): number {
    return this.#names.size;
  }

  /** Forgets all but the first ones. */
  truncate(size: number): void {
    for (const value of [...this.#names.keys()].slice(size)) this.#names.delete(value);
  }

  get parameters(): Parameters {
    return Object.fromEntries([...this.#names].map(([value, name]) => [name, value]));
  }
}

/**
 * The condition; empty for an empty selection. The values of a column are one JSON parameter, because test data has thousands of
 * ids.
 */
export function selectedBy({ values, types }: Selection, binder: Binder): Condition {
  return anyOf([...values].map(([column, list]) => inList(column, types.get(column), list, (value) => binder.bind(value))));
}

/** The condition with its ranges, so that files without any of the values are skipped. */
export function conditionOf(selection: Selection, binder: Binder): string {
  return bounded(inItsTime(selectedBy(selection, binder), selection.during));
}

function inItsTime(condition: Condition, during: TimeRange | undefined): Condition {
  return during ? narrowed(condition, within(during)) : condition;
}

/** The parts of a selection that one statement can delete. A row that matches two parts is deleted by the first. */
export function deletableParts(selection: Selection): Selection[] {
  const parts: Selection[] = [];
  let [values, parameters] = [mostValuesDeleted, mostParametersDeleted];
  for (const [column, list] of selection.values)
    for (const value of [...list].sort()) {
      const cost = isPlain(value) ? 0 : 1;
      if (values + 1 > mostValuesDeleted || parameters + cost > mostParametersDeleted) {
        parts.push({ ...selection, values: new Map() });
        [values, parameters] = [0, 0];
      }
      select(parts.at(-1) ?? emptySelection(selection.types), column, [value]);
      [values, parameters] = [values + 1, parameters + cost];
    }
  return parts;
}

/** What is deleted from a table, as a person reads it: with the number of values in place of the values. */
export function deletionText(table: string, { values, during }: Selection): string {
  const listed = [...values].map(([column, list]) => `${quoteName(column)} IN (${count(list.size, "value")})`).join(" OR ");
  if (!during) return `DELETE FROM ${table} WHERE ${listed}`;
  const [from, to] = [during.from, during.to].map((time) => new Date(time).toISOString());
  return `DELETE FROM ${table} WHERE ${values.size > 1 ? `(${listed})` : listed} AND ${quoteName(during.column)} BETWEEN '${from}' AND '${to}'`;
}

/** A selection as stored in a report. Values of columns that may contain personal data are stored as SHA-256. */
export function storedSelection({ selection, person }: { selection: Selection; person: ReadonlySet<string> }): SelectedRows[] {
  return [...selection.values].map(([column, values]) =>
    person.has(column)
      ? { column, sha256: [...values].map((value) => createHash("sha256").update(value).digest("hex")).sort() }
      : { column, values: [...values].sort() },
  );
}

/** The condition that selects the same rows again, from stored deletions. @param types of the columns, in upper case */
export function storedConditionOf(
  deletions: readonly Pick<Deletion, "selection" | "during">[],
  types: ReadonlyMap<string, string>,
  binder: Binder,
): string {
  const bind = (value: string) => binder.bind(value);
  const termOf = ({ column, values, sha256 }: SelectedRows): Condition => {
    if (!sha256) return inList(column, types.get(column), values ?? [], bind);
    const list = bind(JSON.stringify(sha256));
    const text = `sha2(${asText(column, types)}, 256) IN (SELECT explode(from_json(${list}, 'array<string>')))`;
    return { text, within: undefined };
  };
  return bounded(anyOf(deletions.map(({ selection, during }) => inItsTime(anyOf(selection.map(termOf)), during))));
}

/** How a column shows that a row is test data; exactly one of the three is set. */
export interface Rule {
  column: string;
  prefixes?: readonly string[];
  suffix?: string;
  equals?: string;
}

/** Rows that directly match a rule and may be test data: the start of a plan. */
export function candidatesOf(rules: readonly Rule[], types: ReadonlyMap<string, string>, binder: Binder): Condition {
  return anyOf(rules.map((rule) => matchingRule(rule, types, binder)));
}

/** Rows that match this rule. */
export function ruleCondition(rule: Rule, types: ReadonlyMap<string, string>, binder: Binder): string {
  return matchingRule(rule, types, binder).text;
}

function matchingRule({ column, prefixes, suffix, equals }: Rule, types: ReadonlyMap<string, string>, binder: Binder): Condition {
  const bind = (value: string) => binder.bind(value);
  const type = types.get(column);
  // startswith, not LIKE: the underscore in every prefix would be a wildcard there.
  if (prefixes) return anyOf(prefixes.map((prefix) => beginsWith(column, type, prefix, bind)));
  const text = columnAsText(column, type);
  if (suffix !== undefined) return { text: `endswith(${text}, ${bind(suffix)})`, within: undefined };
  const equal = `${text} = ${bind(equals ?? "")}`;
  return { text: equal, within: type === "STRING" ? [equal] : undefined };
}

export function matchesRule(rule: Rule, value: string | undefined): boolean {
  if (value === undefined) return false;
  if (rule.prefixes) return rule.prefixes.some((prefix) => value.startsWith(prefix));
  return rule.suffix !== undefined ? value.endsWith(rule.suffix) : value === rule.equals;
}

/** Concurrent statements. A small warehouse runs about ten; more would only queue. */
const statementsAtOnce = 8;
/** The limit is 256 parameters; a table adds a few. */
const mostParameters = 200;
/**
 * Measured with 48 small tables, eight statements at once: Spark takes the same time for 4, 6, 8, 12, 16, 24 or 48 in a statement
 * (7.5 to 10.5 s on two cores), and more only for each on its own. Where an answer takes 300 ms, six to 48 take one or two of them.
 * So the number is large, to leave a shared warehouse's queue to others, but one table that can't be read repeats only half.
 */
const mostTables = 24;

export interface Answers<Item> {
  rows: { item: Item; row: Row }[];
  /** `gone`: because the version that was asked for no longer exists. */
  failed: { item: Item; why: string; gone: boolean }[];
}

/**
 * Asks many tables the same question in few round trips, by joining their SELECTs with UNION ALL. If one fails, all are asked
 * separately, so that an unreadable table doesn't hide the others.
 * @throws WarehouseFailure if the warehouse doesn't answer at all
 * @param ask the SELECT for one item, with the same columns for all items; `undefined` if there is nothing to ask
 */
export async function queryInBatches<Item>(
  warehouse: WarehouseReader,
  items: readonly Item[],
  ask: Ask<Item>,
): Promise<Answers<Item>> {
  const answers: Answers<Item> = { rows: [], failed: [] };
  const send = async ({ items: group, questions, binder }: Batch<Item>): Promise<void> => {
    const selects = questions.flatMap((question, index) =>
      question ? [`SELECT ${index} AS asked, ${question.columns} FROM ${question.from}`] : [],
    );
    if (selects.length === 0) return;
    for (const row of await warehouse.query(selects.join(" UNION ALL "), binder.parameters)) {
      const item = group[Number(row.asked)];
      if (item !== undefined) answers.rows.push({ item, row });
    }
  };
  const fail = (item: Item, error: unknown) => {
    if (!isAboutTables(error)) throw error;
    answers.failed.push({ item, why: errorText(error), gone: isVersionGone(error) });
  };
  const alone = async (item: Item): Promise<void> => {
    try {
      await send(batchOf(item, ask));
    } catch (error) {
      fail(item, error);
    }
  };
  const batches = batchesOf(items, ask);
  const worker = async (): Promise<void> => {
    for (const batch of batches) {
      try {
        await send(batch);
      } catch (error) {
        const [item, ...others] = batch.items;
        if (item !== undefined && others.length === 0) fail(item, error);
        else if (!isAboutTables(error)) throw error;
        // Asking each separately shows which one failed, and reports it.
        else await inParallel(statementsAtOnce, batch.items, alone);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(statementsAtOnce, items.length) }, worker));
  return answers;
}

function isAboutTables(error: unknown): boolean {
  return error instanceof WarehouseFailure && (error.kind === "statement" || error.kind === "denied");
}

type Ask<Item> = (item: Item, binder: Binder) => { columns: string; from: string } | undefined;

/** The items of one statement, with their questions. */
interface Batch<Item> {
  items: Item[];
  questions: ReturnType<Ask<Item>>[];
  binder: Binder;
}

function batchOf<Item>(item: Item, ask: Ask<Item>): Batch<Item> {
  const binder = new Binder();
  return { items: [item], questions: [ask(item, binder)], binder };
}

/** Made when they are sent, because their lists of ids may be long. */
function* batchesOf<Item>(items: readonly Item[], ask: Ask<Item>): Generator<Batch<Item>> {
  let batch: Batch<Item> | undefined;
  for (const item of items) {
    if (batch && batch.items.length < mostTables) {
      const { size } = batch.binder;
      const question = ask(item, batch.binder);
      if (batch.binder.size <= mostParameters) {
        batch.items.push(item);
        batch.questions.push(question);
        continue;
      }
      batch.binder.truncate(size);
    }
    if (batch) yield batch;
    batch = batchOf(item, ask);
  }
  if (batch) yield batch;
}
