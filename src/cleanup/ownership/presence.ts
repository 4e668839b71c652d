import type { Table } from "../../config/schema.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import type { Row } from "../../warehouse/connection.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import type { PlanRequest } from "../plan/table-plans.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import { askHistories } from "../tables/history.ts";
import { asText, Binder, conditionOf, emptySelection, queryInBatches, type Rule, select } from "../tables/selection.ts";
import type { StartState } from "./age.ts";
import { keylessRowsAtVersion } from "./table-scan.ts";

/** Whether a row existed. `as-now`: nothing has changed since; `undefined`: the history doesn't say. */
type Answer = boolean | "as-now" | undefined;

/** Identifies a row by its key; or, for keyless rows, by the id that a column points at. */
export type NamedRow = { key: string } | { column: string; id: string };

/** The content of one statement: whether a table had rows with these keys, or keyless rows, before a moment. */
interface Inquiry {
  table: string;
  /** Unix milliseconds. */
  moment: number;
  /** For keyless rows: the column that points. */
  column: string | undefined;
  /** Keys, or ids in that column. */
  values: Set<string>;
}

/** A run whose start is known. */
export interface RunAsked {
  /** When it began, Unix milliseconds. */
  started: number;
  /** The search is for its test data only, so its start is used for any moment. */
  alone: boolean;
}

/** Stands for the tables' versions at the start, instead of a moment. */
const atStart = 0;

/** Tables asked at the same time, each for a version and its history. A warehouse runs about ten statements and queues the others. */
const inquiriesAtOnce = 24;
/** Each moment takes a statement of its own; the rest waits for the next round. */
const momentsAtOnce = 24;
/** The versions to read if a moment lies before or after all of them. */
const versionsRead = 500;

/**
 * Proves the age of rows from the tables' own histories: a key that didn't exist at a moment was created later. Asks the version
 * at the start if the stage knows it, otherwise the last version before the moment. What cannot be read stays unknown.
 */
export class Presence {
  readonly #warehouse: WarehouseReader;
  readonly #declared: Readonly<Record<string, Table>>;
  readonly #catalog: CatalogColumns;
  readonly #start: StartState | undefined;
  readonly #run: RunAsked;
  /** Table and column of an {@link Inquiry} → moment → value → answer. */
  readonly #answers = new Map<string, Map<number, Map<string, Answer>>>();
  readonly #wanted = new Map<string, Inquiry>();
  readonly #histories = new Map<string, Promise<Row[] | undefined>>();
  /** Whether every table that was asked about a moment had a version of that moment; undefined if none was asked. */
  #hadVersions: boolean | undefined;
  /** Table → whether the version at the start belongs to the current table. */
  readonly #continuous = new Map<string, boolean>();

  constructor(
    warehouse: WarehouseReader,
    declared: Readonly<Record<string, Table>>,
    catalog: CatalogColumns,
    start: StartState | undefined,
    run: RunAsked,
  ) {
    this.#warehouse = warehouse;
    this.#declared = declared;
    this.#catalog = catalog;
    this.#start = start;
    this.#run = run;
  }

  /** Whether the table's version at this moment is known, so that no clocks are compared. */
  isExact(table: string, moment: number): boolean {
    return this.#start?.versions.has(table) === true && (this.#run.alone || moment === this.#run.started);
  }

  get isWaiting(): boolean {
    return this.#wanted.size > 0;
  }

  /** @param isThere whether the table has the row now */
  wasThere(table: string, named: NamedRow, moment: number, isThere: boolean): boolean | undefined | "unasked" {
    if ("key" in named && !this.#declared[table]?.key) return undefined;
    const { columnId: id, value } = lookedUp(table, named);
    const answers = this.#answers.get(id)?.get(this.#momentOf(table, moment));
    if (!answers?.has(value)) return "unasked";
    const answer = answers.get(value);
    return answer === "as-now" ? isThere : answer;
  }

  want(table: string, named: NamedRow, moment: number): void {
    const at = this.#momentOf(table, moment);
    const { columnId: id, value } = lookedUp(table, named);
    const name = `${at} ${id}`;
    const inquiry = this.#wanted.get(name);
    if (inquiry === undefined)
      this.#wanted.set(name, { table, moment: at, column: "key" in named ? undefined : named.column, values: new Set([value]) });
    else inquiry.values.add(value);
  }

  /** Asks all open questions. @throws WarehouseFailure if the warehouse doesn't answer at all */
  async ask(): Promise<void> {
    const tables = Map.groupBy(this.#wanted, ([, { table, column }]) => columnId(table, column));
    const next = [...tables.values()].flatMap((inquiries) => inquiries.slice(0, momentsAtOnce));
    for (const [name] of next) this.#wanted.delete(name);
    const inquiries = next.map(([, inquiry]) => inquiry);
    const exact = inquiries.filter(({ moment }) => moment === atStart);
    const others = inquiries.filter(({ moment }) => moment !== atStart);
    await Promise.all([this.#askAtStart(exact), this.#askBefore(others)]);
  }

  /**
   * One by one at first: a moment before or after all versions of one table would make a joint statement fail. If none of them
   * was, the rest is asked together.
   */
  async #askBefore(inquiries: readonly Inquiry[]): Promise<void> {
    const alone = async (some: readonly Inquiry[]) =>
      inParallel(inquiriesAtOnce, some, async (inquiry) => this.#note(inquiry, await this.#answer(inquiry)));
    const first = this.#hadVersions === undefined ? inquiries.slice(0, inquiriesAtOnce) : [];
    await alone(first);
    const rest = inquiries.slice(first.length);
    if (!this.#hadVersions || rest.length === 1) {
      await alone(rest);
      return;
    }
    const { rows, failed } = await queryInBatches(this.#warehouse, rest, (inquiry, binder) =>
      this.#question(inquiry, travelTo(inquiry), binder),
    );
    const there = Map.groupBy(rows, ({ item }) => item);
    const unreadable = new Set(failed.map(({ item }) => item));
    for (const inquiry of rest)
      if (!unreadable.has(inquiry)) this.#note(inquiry, new Set(there.get(inquiry)?.map(({ row }) => String(row.row_key))));
    await inParallel(inquiriesAtOnce, [...unreadable], async (inquiry) => this.#note(inquiry, await this.#beyond(inquiry)));
  }

  async #askAtStart(inquiries: readonly Inquiry[]): Promise<void> {
    const tables = [...new Set(inquiries.map(({ table }) => table))];
    const [{ rows, failed }] = await Promise.all([
      queryInBatches(this.#warehouse, inquiries, (inquiry, binder) =>
        this.#question(inquiry, `VERSION AS OF ${Math.trunc(this.#start?.versions.get(inquiry.table) ?? 0)}`, binder),
      ),
      this.#compareTables(tables),
    ]);
    // The rows of an earlier table with this name say nothing about this one.
    const unreadable = new Set([
      ...failed.map(({ item }) => item),
      ...inquiries.filter(({ table }) => this.#continuous.get(table) === false),
    ]);
    const there = Map.groupBy(rows, ({ item }) => item);
    for (const inquiry of inquiries) {
      const values = there.get(inquiry)?.map(({ row }) => String(row.row_key));
      this.#note(inquiry, unreadable.has(inquiry) ? undefined : new Set(values));
    }
  }

  /**
   * Whether the version at the start still belongs to the same table. A table that was dropped and recreated counts from 0 again.
   */
  async #compareTables(tables: readonly string[]): Promise<void> {
    const moments = tables.flatMap((table) => {
      const moment = this.#start?.moments?.get(table);
      return this.#continuous.has(table) || moment?.at === undefined ? [] : [{ table, ...moment }];
    });
    if (moments.length === 0) return;
    const questions = moments.map(({ table, version }) => ({ table, limit: versionsRead, from: version }));
    const answers = await askHistories(this.#warehouse, questions, "moment");
    for (const { table, version, at } of moments) {
      const answer = answers.get(table);
      const rows = Array.isArray(answer) ? answer : undefined;
      const entry = rows?.find((row) => Number(row.version) === version);
      const time = entry?.timestamp instanceof Date ? entry.timestamp.getTime() : undefined;
      // A history that is too long, or cannot be read, doesn't prove that the table was replaced.
      const isUntold = rows === undefined || rows.length === versionsRead;
      this.#continuous.set(table, entry === undefined ? isUntold : time === at);
    }
  }

  #note({ table, moment, column, values }: Inquiry, there: Set<string> | Answer): void {
    const id = columnId(table, column);
    const moments = this.#answers.get(id) ?? new Map<number, Map<string, Answer>>();
    this.#answers.set(id, moments);
    const answers = moments.get(moment) ?? new Map<string, Answer>();
    moments.set(moment, answers);
    // A keyless row that didn't exist in this form may have existed with other text in it.
    const absent = column === undefined ? false : undefined;
    for (const value of values) answers.set(value, typeof there === "object" ? there.has(value) || absent : there);
  }

  #momentOf(table: string, moment: number): number {
    return this.isExact(table, moment) ? atStart : moment;
  }

  /** @param travel selects the version, as in `VERSION AS OF 3` */
  #question({ table, column, values }: Inquiry, travel: string, binder: Binder): { columns: string; from: string } {
    const types = this.#catalog.get(table) ?? new Map<string, string>();
    const key = this.#declared[table]?.key ?? "";
    const from = qualifiedName(this.#warehouse.catalog, table);
    if (column !== undefined) return keylessRowsAtVersion({ from, key, column, ids: [...values], types }, travel, binder);
    const selection = emptySelection(types);
    select(selection, key, values);
    return { columns: `${asText(key, types)} AS row_key`, from: `${from} ${travel} WHERE ${conditionOf(selection, binder)}` };
  }

  /** @returns the values that existed, or one answer for all of them */
  async #answer(inquiry: Inquiry): Promise<Set<string> | Answer> {
    const binder = new Binder();
    const { columns, from } = this.#question(inquiry, travelTo(inquiry), binder);
    const [rows] = await Promise.all([
      readable(this.#warehouse.query(`SELECT ${columns} FROM ${from}`, binder.parameters)),
      // Only of use if the version can't be read, but then it saves a round. Where all had one, it would seldom be of use.
      this.#hadVersions ? undefined : this.#history(inquiry.table),
    ]);
    this.#hadVersions = this.#hadVersions !== false && rows !== undefined;
    return rows ? new Set(rows.map((row) => String(row.row_key))) : await this.#beyond(inquiry);
  }

  async #beyond({ table, moment }: Inquiry): Promise<Answer> {
    this.#hadVersions = false;
    const history = await this.#history(table);
    return history && beyondVersions(history, moment, this.#run.alone);
  }

  #history(table: string): Promise<Row[] | undefined> {
    const known = this.#histories.get(table);
    if (known) return known;
    const name = qualifiedName(this.#warehouse.catalog, table);
    const asked = readable(this.#warehouse.query(`DESCRIBE HISTORY ${name} LIMIT ${versionsRead}`));
    this.#histories.set(table, asked);
    return asked;
  }
}

/** Selects the last version before a moment. */
function travelTo({ moment }: Inquiry): string {
  return `TIMESTAMP AS OF '${new Date(moment - 1).toISOString()}'`;
}

function lookedUp(table: string, named: NamedRow): { columnId: string; value: string } {
  return "key" in named
    ? { columnId: columnId(table, undefined), value: named.key }
    : { columnId: columnId(table, named.column), value: named.id };
}

function columnId(table: string, column: string | undefined): string {
  // Names have no space, and JSON would take a tenth of the time of judging.
  return `${table} ${column ?? ""}`;
}

/** A history that is gone or not accessible gives no answer. @throws WarehouseFailure if the warehouse doesn't answer */
async function readable(asked: Promise<Row[]>): Promise<Row[] | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof WarehouseFailure && (error.kind === "statement" || error.kind === "denied")) return undefined;
    throw error;
  }
}

/**
 * A moment after the last version: nothing has changed since. A moment before the table's creation: it had no rows – but only
 * during a run; in a sweep, days later, the table may have been rebuilt with older rows. Any other moment that cannot be read
 * stays unknown.
 */
function beyondVersions(history: readonly Row[], moment: number, duringRun: boolean): Answer {
  const times = history.map(({ timestamp }) => (timestamp instanceof Date ? timestamp.getTime() : Number.NaN));
  const newest = times[0];
  if (newest !== undefined && newest < moment) return "as-now";
  const [first, madeAt] = [history.at(-1), times.at(-1)];
  const isBeginning = Number(first?.version) === 0 && first?.operation === "CREATE TABLE";
  return duringRun && isBeginning && madeAt !== undefined && madeAt >= moment ? false : undefined;
}

/** The rules by which rows of this table are matched directly, for a scope. */
export function rulesFor(table: Table, { scope, prefixes, sweep }: Pick<PlanRequest, "scope" | "prefixes" | "sweep">): Rule[] {
  return table.match.flatMap((rule): Rule[] => {
    if (rule.prefix) return [{ column: rule.column, prefixes }];
    // Suffixes and whole values don't tell runs apart, and fixed accounts match them too. A sweep uses them only if configured.
    if (scope === "run" || (scope === "expired" && !sweep.has(rule.suffix ?? rule.equals ?? ""))) return [];
    return [
      rule.suffix !== undefined
        ? { column: rule.column, suffix: rule.suffix }
        : { column: rule.column, equals: rule.equals ?? "" },
    ];
  });
}

/**
 * Columns that point at a table whose keys carry the prefix: an id with the prefix belongs to test data, even if its row is gone.
 */
export function referenceRules(
  table: Table,
  tables: Readonly<Record<string, Table>>,
  { prefixes }: Pick<PlanRequest, "prefixes">,
): Rule[] {
  return Object.entries(table.parents).flatMap(([column, { table: parent }]): Rule[] =>
    isMatchedByKey(tables[parent]) ? [{ column, prefixes }] : [],
  );
}

/** Whether the keys of this table's test data begin with a prefix. */
export function isMatchedByKey(table: Table | undefined): boolean {
  return table?.match.some((rule) => rule.prefix && rule.column === table.key) === true;
}
