import fc from "fast-check";
import { runId, runStarted } from "./test-stores.ts";

/** What one actor does to one table, as SQL would express it. Both SQL and the oracle understand `Predicate`. */
export interface Row {
  id: string | null;
  title: string | null;
  note: string | null;
  /** A MAP column, by its only pair; null for NULL. */
  attrs: string | null;
}

export type Predicate = { column: "id" | "title" | "note"; is: string | null };

export type Action =
  | { kind: "insert"; rows: Row[] }
  | { kind: "update"; set: Partial<Pick<Row, "title" | "note" | "attrs">>; where: Predicate }
  | { kind: "delete"; where: Predicate };

/** `parallel`: another run of the same tests, with the same principal. */
export type Who = "run" | "other" | "parallel";

export interface Step {
  who: Who;
  table: number;
  action: Action;
}

export interface BooksWorld {
  /** Each with its own listed principal, or all with the cleanup's. */
  principals: "distinct" | "shared" | "unlisted";
  tables: { declared: boolean; timed: boolean; rows: Row[] }[];
  steps: Step[];
  /** Ids that the cleanup takes for test data, rightly or not, besides those with the run's prefix. */
  alsoDeleted: string[];
}

export const otherRun = `${runStarted}_ffffffff`;
const own = (n: number) => `integration_test_${runId}_${n}`;
const theirs = (n: number) => `integration_test_${otherRun}_${n}`;
const strangers = ["a", "b", "c", "d"].map((name) => `real-${name}`);

const id = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 5 }).map(own) },
  { weight: 3, arbitrary: fc.constantFrom(...strangers) },
  { weight: 2, arbitrary: fc.nat({ max: 30 }).map((n) => `made-${n}`) },
  { weight: 1, arbitrary: fc.constant(null) },
);
const title = fc.constantFrom("x", "y", "z", null);
const note = fc.constantFrom("1", "2", "3", null);
const attrs = fc.constantFrom("red", "blue", null);
const realId = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...strangers) }, { weight: 1, arbitrary: fc.constant(null) });

const row = (ids: fc.Arbitrary<string | null>): fc.Arbitrary<Row> => fc.record({ id: ids, title, note, attrs });

const predicate: fc.Arbitrary<Predicate> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ column: fc.constant("id" as const), is: id }) },
  { weight: 1, arbitrary: fc.record({ column: fc.constant("title" as const), is: title }) },
  { weight: 1, arbitrary: fc.record({ column: fc.constant("note" as const), is: note }) },
);

const change = fc.record({ title, note, attrs }, { requiredKeys: [] }).filter((set) => Object.keys(set).length > 0);

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("insert" as const), rows: fc.array(row(id), { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("update" as const), set: change, where: predicate }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), where: predicate }) },
);

/** A parallel run only touches its own rows. */
const parallelAction: fc.Arbitrary<Action> = fc.nat({ max: 3 }).chain((n) =>
  fc.oneof(
    fc.record({ kind: fc.constant("insert" as const), rows: row(fc.constant(theirs(n))).map((one) => [one]) }),
    fc.record({
      kind: fc.constant("update" as const),
      set: change,
      where: fc.constant({ column: "id" as const, is: theirs(n) }),
    }),
    fc.record({ kind: fc.constant("delete" as const), where: fc.constant({ column: "id" as const, is: theirs(n) }) }),
  ),
);

const tables = 3;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ who: fc.constant("run" as const), table: fc.nat({ max: tables - 1 }), action }) },
  { weight: 3, arbitrary: fc.record({ who: fc.constant("other" as const), table: fc.nat({ max: tables - 1 }), action }) },
  {
    weight: 1,
    arbitrary: fc.record({ who: fc.constant("parallel" as const), table: fc.nat({ max: tables - 1 }), action: parallelAction }),
  },
);

const startRow = fc.oneof({ weight: 6, arbitrary: row(realId) }, { weight: 1, arbitrary: row(fc.nat({ max: 3 }).map(theirs)) });

export const booksWorld: fc.Arbitrary<BooksWorld> = fc.record({
  principals: fc.constantFrom(
    "distinct" as const,
    "distinct" as const,
    "distinct" as const,
    "shared" as const,
    "unlisted" as const,
  ),
  tables: fc.array(fc.record({ declared: fc.boolean(), timed: fc.boolean(), rows: fc.array(startRow, { maxLength: 6 }) }), {
    minLength: tables,
    maxLength: tables,
  }),
  steps: fc.array(step, { maxLength: 9 }),
  alsoDeleted: fc.array(
    fc.oneof(
      fc.constantFrom(...strangers),
      fc.nat({ max: 30 }).map((n) => `made-${n}`),
    ),
    { maxLength: 1 },
  ),
});

/** What became of one row, as the creator of the world knows it. */
interface Kept {
  row: Row;
  /** Its content at the start; absent for rows that came later. */
  start?: Row;
  by: Who | undefined;
  touchedBy: Set<Who | "cleanup">;
  gone: boolean;
}

export interface Truth {
  /** Existing rows that the run created. */
  unexplained: number;
  /** Rows from the start that the run, or its cleanup, changed or deleted. */
  touched: number;
  /** The same for everybody's changes, if all look alike. */
  byAnybody: { unexplained: number; touched: number };
}

/** The owner of the row, according to its content. */
const carries = (row: Row, run: string) => [row.id, row.title, row.note].some((value) => value?.includes(run));
const same = (a: Row, b: Row) => a.id === b.id && a.title === b.title && a.note === b.note && a.attrs === b.attrs;

/** The generator's own record of the world, without SQL, versions or hashes. */
export function truthOf(world: BooksWorld): Truth[] {
  return world.tables.map(({ declared, rows }, table) => {
    const all: Kept[] = rows.map((row) => ({ row, start: row, by: undefined, touchedBy: new Set(), gone: false }));
    const meets = (row: Row, { column, is }: Predicate) => is !== null && row[column] === is;
    const isNull = (row: Row, { column, is }: Predicate) => is === null && row[column] === null;
    for (const { who, table: of, action } of world.steps) {
      if (of !== table) continue;
      if (action.kind === "insert") {
        for (const row of action.rows) all.push({ row, by: who, touchedBy: new Set(), gone: false });
        continue;
      }
      for (const one of all) {
        if (one.gone || !(meets(one.row, action.where) || isNull(one.row, action.where))) continue;
        if (action.kind === "delete") {
          one.gone = true;
          one.touchedBy.add(who);
          continue;
        }
        const now = { ...one.row, ...action.set };
        if (!same(now, one.row)) one.touchedBy.add(who);
        one.row = now;
      }
    }
    const cleaned = (row: Row) => row.id !== null && (row.id.includes(runId) || world.alsoDeleted.includes(row.id));
    if (declared)
      for (const one of all) {
        if (one.gone || !cleaned(one.row)) continue;
        one.gone = true;
        one.touchedBy.add("cleanup");
      }
    return countUp(all);
  });
}

function countUp(all: readonly Kept[]): Truth {
  const intact = (one: Kept) => one.start !== undefined && !one.gone && same(one.row, one.start);
  const changed = all.filter((one) => one.start !== undefined && !intact(one));
  const there = all.filter((one) => !one.gone && !intact(one));
  // A row that exists as one did at the start is that row, restored by somebody. The run has the last claim to it.
  const claims = (one: Kept) => Number([...one.touchedBy].some((who) => who !== "other"));
  const rank = (one: Kept) => Number(one.start === undefined && one.by !== "other");
  const used = new Set<Kept>();
  const restored = new Set<Kept>();
  // A copy of a changed row's original replaces it. The changed row is an additional one, owned by the copy's creator.
  const instead: Kept[] = [];
  for (const one of changed.toSorted((a, b) => claims(a) - claims(b))) {
    const again = there
      .toSorted((a, b) => rank(a) - rank(b))
      .find((other) => !used.has(other) && one.start && same(other.row, one.start));
    if (!again) continue;
    used.add(again);
    restored.add(one);
    if (again.start !== undefined) continue;
    restored.add(again);
    if (!one.gone) instead.push({ row: one.row, by: again.by, touchedBy: one.touchedBy, gone: false });
  }
  const made = [...there.filter((one) => one.start === undefined && !restored.has(one)), ...instead];
  const lost = changed.filter((one) => !restored.has(one) && one.start && !carries(one.start, otherRun));
  const ours = made.filter(({ row, by }) => carries(row, runId) || (by === "run" && !carries(row, otherRun)));
  const anybody = made.filter(({ row }) => !carries(row, otherRun));
  const mine = (one: Kept) => ["run", "parallel", "cleanup"].some((who) => one.touchedBy.has(who as Who));
  return {
    unexplained: ours.length,
    touched: lost.filter(mine).length,
    byAnybody: { unexplained: anybody.length, touched: lost.length },
  };
}
