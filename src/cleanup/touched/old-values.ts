import { errorText } from "../../lib/error-text.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import type { TouchedRow } from "../../model/test-data.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import {
  askVersions,
  type CandidateVersions,
  candidatesOf,
  longestHistory,
  type RowsAtVersion,
  type VersionAnswer,
} from "./touched-rows.ts";

/** What is needed to tell an old value written by a test from a real one. */
export interface SearchContext {
  /** The table whose key this column holds. */
  parentOf(table: string, column: string): string | undefined;
  /** The column that identifies a row of this table; `undefined` if the table cannot be asked. */
  keyOf(table: string): string | undefined;
  /** The columns that identify a row of this table as test data. */
  shownBy(table: string): readonly string[];
  /** The prefixes of test data, of all runs. */
  prefixes: readonly string[];
  /**
   * The columns, besides the key, whose values `testData.keep` may use to name fixed rows of this table. Empty if it names no
   * rows of it.
   */
  keptBy(table: string): readonly string[];
  /**
   * Whether a row is real whatever it shows: `testData.keep` names it by its key or one of these values, or a test changed it.
   */
  isReal(table: string, key: string, values: readonly (string | null)[]): boolean;
  /** Whether the value names a row of test data, so that it cannot be from before the tests. */
  isTestData(parent: string | undefined, value: string): boolean;
  /** Versions of a table that are probably from before the change: the start of the run, or those in a report. */
  guesses(table: string): readonly number[];
  /** The time limit in milliseconds: a stage has other work to do. */
  limitMs: number;
}

const tablesAtOnce = 8;
/** Each round may take one table a few versions further back. */
const mostRounds = 40;
/** How often values that name no existing row are skipped. */
const mostPasses = 4;

/**
 * Finds the values of these cells before a test changed them, and the version that still has them: the newest version in which
 * the row with this key had another value. Values that name test data or a missing row are skipped, unless the row was created
 * with them. If the value cannot be found, the row says why. Problems of a single table or its history never reject.
 * @throws WarehouseFailure if the warehouse doesn't answer at all
 */
export async function withBefore(
  warehouse: WarehouseReader,
  touched: readonly TouchedRow[],
  context: SearchContext,
): Promise<TouchedRow[]> {
  const searches = [...Map.groupBy(touched, ({ table, key }) => JSON.stringify([table, key.column])).values()].map(
    (rows) => new TableSearch(rows, context),
  );
  await inParallel(tablesAtOnce, searches, (search) => search.readHistory(warehouse));
  const end = performance.now() + context.limitMs;
  for (let pass = 0; pass < mostPasses && performance.now() < end; pass++) {
    for (let round = 0; round < mostRounds && performance.now() < end; round++) {
      const asking = searches.flatMap((search) => search.questions().map((question) => ({ search, question })));
      if (asking.length === 0) break;
      const answers = await askVersions(
        warehouse,
        asking.map(({ question }) => question),
      );
      asking.forEach(({ search, question }, index) => {
        search.take(question.version, answers[index] as VersionAnswer);
      });
    }
    if (!(await passOverNamed(warehouse, searches, context))) break;
  }
  const results = new Map(searches.flatMap((search) => search.results()));
  return touched.map((row) => results.get(row) ?? row);
}

/** @returns whether some values name missing rows or test data, so that the search has to continue */
async function passOverNamed(
  warehouse: WarehouseReader,
  searches: readonly TableSearch[],
  context: SearchContext,
): Promise<boolean> {
  const named = new Map<string, Set<string>>();
  for (const search of searches)
    for (const { parent, value } of search.namedBefore()) named.set(parent, (named.get(parent) ?? new Set()).add(value));
  const questions = [...named].flatMap(([table, values]) => {
    const key = context.keyOf(table);
    const columns = [...new Set([...context.shownBy(table), ...context.keptBy(table)])];
    return key === undefined ? [] : [{ table, key, keys: [...values], columns }];
  });
  const answers = await askVersions(warehouse, questions);
  let any = false;
  questions.forEach(({ table, keys }, index) => {
    const answer = answers[index];
    // A table that cannot be read doesn't prove that the row is gone.
    if (answer === undefined || "why" in answer) return;
    const shows = (value: string | null) => value !== null && context.prefixes.some((prefix) => value.startsWith(prefix));
    const names: Names = { gone: [], test: [], real: [] };
    for (const key of keys) {
      const values = answer.found.get(key)?.values;
      if (values === undefined) names.gone.push(key);
      else if (context.isReal(table, key, [...values.values()])) names.real.push(key);
      else if (context.shownBy(table).some((column) => shows(values.get(column) ?? null))) names.test.push(key);
    }
    for (const search of searches) if (search.learn(table, names)) any = true;
  });
  return any;
}

/** What is known of the rows that old values name: missing, test data, or real whatever they show. */
interface Names {
  gone: string[];
  test: string[];
  real: string[];
}

/** The search in one table, by one key column. */
class TableSearch {
  readonly #rows: readonly TouchedRow[];
  readonly #context: SearchContext;
  readonly #answers = new Map<number, VersionAnswer>();
  /** Parent table → ids of its rows → what they are. */
  readonly #names = new Map<string, Map<string, keyof Names>>();
  #candidates: CandidateVersions = { versions: [], truncated: false };
  #why: string | undefined;

  constructor(rows: readonly TouchedRow[], context: SearchContext) {
    this.#rows = rows;
    this.#context = context;
  }

  get #table(): string {
    return this.#rows[0]?.table ?? "";
  }

  async readHistory(warehouse: WarehouseReader): Promise<void> {
    try {
      this.#candidates = await candidatesOf(warehouse, this.#table, this.#context.guesses(this.#table));
      if (this.#candidates.versions.length === 0) this.#why = "the table has no history";
    } catch (error) {
      this.#why = `the table's history could not be read: ${errorText(error)}`;
    }
  }

  /** The next questions; none if every row is done. */
  questions() {
    if (this.#why !== undefined) return [];
    const { versions } = this.#candidates;
    const next = new Set(
      this.#rows.flatMap((row) => {
        const step = this.#step(row);
        return "ask" in step ? step.ask : [];
      }),
    );
    const columns = [...new Set(this.#rows.map(({ column }) => column))];
    const keys = [...new Set(this.#rows.map(({ key }) => key.value))];
    return [...next].map((index) => ({
      table: this.#table,
      version: versions[index] as number,
      key: this.#rows[0]?.key.column ?? "",
      keys,
      columns,
    }));
  }

  take(version: number, answer: VersionAnswer): void {
    this.#answers.set(version, answer);
  }

  /** @returns whether this changes what is searched for */
  learn(parent: string, names: Names): boolean {
    const known = this.#names.get(parent) ?? new Map<string, keyof Names>();
    this.#names.set(parent, known);
    const news = (["gone", "test", "real"] as const).flatMap((what) =>
      names[what].filter((id) => known.get(id) !== what).map((id) => [id, what] as const),
    );
    for (const [id, what] of news) known.set(id, what);
    return news.some(([id, what]) => what !== "real" || this.#context.isTestData(parent, id));
  }

  /** The rows in other tables that the old values found so far refer to. */
  namedBefore(): { parent: string; value: string }[] {
    const found = this.results().map(([, row]) => ({ row, value: row.before }));
    // A fixed row's id may begin like test data. Then its other columns decide.
    const passed = this.#rows
      .filter((row) => this.#context.keptBy(this.#parentOf(row)).length > 0)
      .flatMap((row) => this.#valuesOf(row).map((value) => ({ row, value })))
      .filter(({ row, value }) => this.#context.prefixes.some((prefix) => value.startsWith(prefix)) && value !== row.now);
    return [...found, ...passed].flatMap(({ row, value }) => {
      const parent = this.#context.parentOf(row.table, row.column);
      // Empty text refers to nothing, like NULL.
      return parent === undefined || !value ? [] : [{ parent, value }];
    });
  }

  /** All values of this cell in the versions that were read. */
  #valuesOf(row: TouchedRow): string[] {
    const values = [...this.#answers.keys()].map((version) => this.#there(row, version)?.values.get(row.column));
    return [...new Set(values)].filter((value) => typeof value === "string");
  }

  results(): [TouchedRow, TouchedRow][] {
    return this.#rows.map((row) => [row, { ...row, ...(this.#why === undefined ? this.#result(row) : { why: this.#why }) }]);
  }

  #step(row: TouchedRow) {
    const { versions } = this.#candidates;
    const guess = Math.min(
      ...this.#context.guesses(row.table).map((version) => {
        const index = versions.indexOf(version);
        return index < 0 ? Number.POSITIVE_INFINITY : index;
      }),
    );
    return nextStep(versions.length, (index) => this.#seen(row, index), Number.isFinite(guess) ? guess : undefined);
  }

  #seen(row: TouchedRow, index: number): Seen | undefined {
    const answer = this.#answers.get(this.#candidates.versions[index] as number);
    if (answer === undefined) return undefined;
    if ("why" in answer) return "stop";
    const there = answer.found.get(row.key.value);
    if (there === undefined) return index === 0 ? "stop" : "absent";
    if (there.rows > 1) return "stop";
    const value = there.values.get(row.column) ?? null;
    if (value === row.now) return "later";
    if (index === 0) return "stop";
    return this.#isPassedOver(row, value) ? "later" : "before";
  }

  #isPassedOver(row: TouchedRow, value: string | null): boolean {
    if (value === null) return false;
    return this.#isTest(row, value) || this.#names.get(this.#parentOf(row))?.get(value) === "gone";
  }

  #isTest(row: TouchedRow, value: string): boolean {
    const parent = this.#parentOf(row);
    const what = this.#names.get(parent)?.get(value);
    return what === "test" || (what !== "real" && this.#context.isTestData(parent, value));
  }

  #parentOf({ table, column }: TouchedRow): string {
    return this.#context.parentOf(table, column) ?? "";
  }

  #result(row: TouchedRow): Pick<TouchedRow, "before" | "version" | "why"> {
    const step = this.#step(row);
    if ("ask" in step)
      return { why: "the table's history is too long to be searched here; `env-actions repair` searches longer" };
    const version = this.#candidates.versions[step.end];
    const answer = version === undefined ? undefined : this.#answers.get(version);
    if (version === undefined || answer === undefined) return this.#first(row) ?? { why: this.#whyNowhere(row) };
    if ("why" in answer) return { why: whyUnreadable(version, answer) };
    const there = answer.found.get(row.key.value);
    if (there && there.rows > 1)
      return { why: `${there.rows} rows have this key in version ${version}, so it does not identify one` };
    if (step.end === 0) return { why: there ? "the column was written again during the search" : "the row no longer exists" };
    if (there) return { before: there.values.get(row.column) ?? null, version };
    return this.#first(row) ?? { why: this.#whyNowhere(row) };
  }

  /** The value that the row was created with, even if it refers to no existing row: it was like that before any test wrote it. */
  #first(row: TouchedRow): Pick<TouchedRow, "before" | "version"> | undefined {
    const { versions, truncated } = this.#candidates;
    const first = versions.findLast((version) => this.#there(row, version) !== undefined);
    const there = first === undefined ? undefined : this.#there(row, first);
    if (truncated || first === undefined || there?.rows !== 1) return undefined;
    const value = there.values.get(row.column) ?? null;
    return value === null || value === row.now || this.#isTest(row, value) ? undefined : { before: value, version: first };
  }

  #there({ key }: TouchedRow, version: number): RowsAtVersion | undefined {
    const answer = this.#answers.get(version);
    return answer && "found" in answer ? answer.found.get(key.value) : undefined;
  }

  #whyNowhere(row: TouchedRow): string {
    const { versions, truncated } = this.#candidates;
    const passedOver = versions.some((version) => {
      const there = this.#there(row, version);
      return there !== undefined && (there.values.get(row.column) ?? null) !== row.now;
    });
    if (truncated) return `the last ${longestHistory} versions of the table have no other value`;
    if (passedOver) return "every older value refers to test data, or to a row that no longer exists";
    return "no older version of the table has the row with another value";
  }
}

function whyUnreadable(version: number, { why, gone }: { why: string; gone: boolean }): string {
  if (gone) return `the table's history is too short: version ${version} no longer exists`;
  return `version ${version} of the table could not be read: ${why}`;
}

/**
 * What a version shows about a cell that a test changed:
 * - `later`: the change was already made, so look further back.
 * - `before`: it had another value.
 * - `absent`: the row didn't exist.
 * - `stop`: the version cannot be read, or has several rows with this key. Older versions prove nothing.
 */
export type Seen = "later" | "before" | "absent" | "stop";

/** Versions that are read one by one, newest first. Only this finds a value that stood between two equal ones. */
const lookedAtOneByOne = 64;
const chunks = [8, 24, 32];
/** Further back, each round divides the distance by this many versions. */
const probesPerRound = 8;

/**
 * The versions to ask next, by index among the candidates (newest first, 0 is now), or the index where the search ends: a
 * `before` or a `stop`; an `absent` only if no older version is known; `count` if no version decides.
 * @param seen `undefined` if not asked yet
 * @param guess an index that is probably a `before`
 */
export function nextStep(
  count: number,
  seen: (index: number) => Seen | undefined,
  guess?: number,
): { ask: number[] } | { end: number } {
  const oneByOne = Math.min(count, lookedAtOneByOne);
  for (let index = 0; index < oneByOne; index++) {
    const found = seen(index);
    if (found === "before" || found === "stop") return { end: index };
    if (found === undefined) return { ask: withGuess(chunkFrom(index, oneByOne), count, guess) };
  }
  return count === oneByOne ? { end: count } : divide(count, oneByOne - 1, seen);
}

function chunkFrom(index: number, end: number): number[] {
  let from = 0;
  for (const size of chunks) {
    if (index < from + size) return indexes(index, Math.min(from + size, end));
    from += size;
  }
  return indexes(index, end);
}

function withGuess(asked: number[], count: number, guess: number | undefined): number[] {
  return guess === undefined || guess >= count || asked.includes(guess) ? asked : [...asked, guess];
}

/** Searches for the change, assuming that it stayed in place since. */
function divide(
  count: number,
  lastLater: number,
  seen: (index: number) => Seen | undefined,
): { ask: number[] } | { end: number } {
  let [later, earlier] = [lastLater, count];
  for (const index of indexes(lastLater + 1, count)) {
    const found = seen(index);
    if (found === undefined) continue;
    if (found !== "later") {
      earlier = index;
      break;
    }
    later = index;
  }
  const distance = earlier - later;
  if (distance <= 1) return { end: earlier };
  const steps = Math.min(probesPerRound, distance - 1);
  const asked = indexes(1, steps + 1).map((step) => later + Math.ceil((distance * step) / (steps + 1)));
  return { ask: [...new Set(asked.map((index) => Math.min(index, earlier - 1)))] };
}

function indexes(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}
