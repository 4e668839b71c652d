import fc from "fast-check";
import type { Table, TestDataConfig } from "../../src/config/schema.ts";
import { runId, runStarted, table } from "./test-stores.ts";

/**
 * Generated environments: real rows that existed before, rows created by runs (a lost one, this one, another cell of its matrix),
 * real rows that tests moved to test rows, fixed accounts, and ledger entries, right or wrong. Each row knows its owner and when
 * it was really created; the tested code only sees what a warehouse has.
 */

/** The owner of a row. `undated`: test data of an unknown run. */
export type Who = "real" | "fixed" | "account" | "undated" | "mine" | "cell" | "lost";

export interface MadeRow {
  table: string;
  /** Identifies the row permanently, whatever its id; the tested code doesn't use it. */
  n: string;
  who: Who;
  /** When it was really written, Unix milliseconds. */
  at: number;
  id: string | null;
  title: string | null;
  /** The value of the table's time column. */
  made: string | null;
  /** Column → the id that it points at. */
  points: Record<string, string | null>;
  /** It identifies itself, by id or title, or the ledger names it. */
  shown: boolean;
  tracked: boolean;
}

/** A real row that a test pointed at its own row. */
export interface Move {
  row: MadeRow;
  at: number;
  column: string;
  to: string;
  by: "mine" | "lost";
  /** It wrote this into the time column too, as applications do with every change. */
  made?: string;
}

export interface World {
  scope: "run" | "expired" | "all";
  prefixes: string[];
  tables: Record<string, Table>;
  /** The type of `made` in each table. */
  types: Record<string, string>;
  rows: MadeRow[];
  moves: Move[];
  ledger: { rows: Record<string, string[]>; keys: string[] };
  keep: TestDataConfig["keep"];
  timeZone: string | undefined;
  keys: string[];
  /** Keys that existed before the tests; undefined if not recorded. */
  keysBefore: string[] | undefined;
  /** The stage recorded the tables' versions when it started; for scope `run`. */
  withStart: boolean;
  /** No older version can be read. */
  historyGone: boolean;
  /** If set, somebody changes the time of a test row between the search and the delete: its index among these, and the new time. */
  retimed: { pick: number; made: "later" | "long ago" | "none" } | undefined;
  /** If set, somebody rewrites a deleted row before the undo; its index among those deleted. */
  rewritten: number | undefined;
  /** The other cell cleans up at the same time; for scope `run`. */
  together: boolean;
}

export const schema = "school";
const minute = 60_000;
const hour = 60 * minute;
export const expireAfter = 2 * hour;
export const now = runStarted + 10 * minute;
/** When the stage of this run begins. */
export const stageStarted = runStarted + 3 * minute;
export const otherRun = `${runStarted}_ffffffff`;
const lostStarted = runStarted - 10 * hour;
const lostRun = `${lostStarted}_0a0b0c0d`;

const runs = { mine: { id: runId, started: runStarted }, cell: { id: otherRun, started: runStarted } } as const;
const lost = { id: lostRun, started: lostStarted };

/** Characters with a meaning in LIKE, globs or strings, or only in people's names. */
const prefix = fc.string({
  unit: fc.constantFrom("a", "B", "_", "%", "\\", "[", "]", "*", "?", "'", '"', "`", "é", "名", "😀", " "),
  minLength: 6,
  maxLength: 10,
});

interface Shape {
  parents: { table: number; kind: "partOf" | "belongsTo" }[];
  self: boolean;
  byId: boolean;
  byTitle: boolean;
  /** The type of the time column; `undeclared`: it exists but isn't declared. */
  time: "timestamp" | "date" | "text" | "undeclared";
  /** Several rows may have the same key. */
  sharesKeys: boolean;
}

interface Draft {
  who: Who;
  show: "id" | "title" | "owner" | "tracked";
  when: number;
  noTime: boolean;
  noKey: boolean;
  points: number[];
  /** The test row that a test moved it to, if any. */
  moved: number | undefined;
  nearMiss: number;
}

const shape = (index: number): fc.Arbitrary<Shape> =>
  fc.record({
    parents:
      index === 0
        ? fc.constant([])
        : fc.uniqueArray(
            fc.record({ table: fc.nat({ max: index - 1 }), kind: fc.constantFrom("partOf" as const, "belongsTo" as const) }),
            {
              maxLength: 2,
              selector: (parent) => parent.table,
            },
          ),
    self: fc.boolean(),
    byId: fc.boolean(),
    byTitle: fc.boolean(),
    time: fc.constantFrom("timestamp" as const, "timestamp" as const, "date" as const, "text" as const, "undeclared" as const),
    sharesKeys: fc.nat({ max: 4 }).map((pick) => pick === 0),
  });

const draft: fc.Arbitrary<Draft> = fc.record({
  who: fc.constantFrom<Who>(
    "real",
    "real",
    "real",
    "real",
    "mine",
    "mine",
    "mine",
    "mine",
    "lost",
    "lost",
    "lost",
    "cell",
    "cell",
    "fixed",
    "account",
    "undated",
  ),
  show: fc.constantFrom("id" as const, "title" as const, "owner" as const, "tracked" as const),
  when: fc.nat({ max: 4 }),
  noTime: fc.nat({ max: 4 }).map((pick) => pick === 0),
  noKey: fc.nat({ max: 11 }).map((pick) => pick === 0),
  points: fc.array(fc.nat({ max: 11 }), { minLength: 3, maxLength: 3 }),
  moved: fc.option(fc.nat({ max: 40 }), { nil: undefined, freq: 2 }),
  nearMiss: fc.nat({ max: 9 }),
});

export const world: fc.Arbitrary<World> = fc
  .record({
    prefixes: fc.uniqueArray(prefix, { minLength: 1, maxLength: 2 }),
    count: fc.integer({ min: 2, max: 5 }),
    scope: fc.constantFrom("run" as const, "run" as const, "expired" as const, "all" as const),
    ledgerPicks: fc.array(fc.nat({ max: 200 }), { maxLength: 6 }),
    keyPicks: fc.array(fc.nat(), { minLength: 4, maxLength: 10 }),
    zone: fc.boolean(),
    withStart: fc.boolean(),
    historyGone: fc.nat({ max: 4 }).map((pick) => pick === 0),
    rewritten: fc.option(fc.nat(), { nil: undefined }),
    together: fc.nat({ max: 3 }).map((pick) => pick === 0),
    retimed: fc.option(
      fc.record({ pick: fc.nat(), made: fc.constantFrom("later" as const, "long ago" as const, "none" as const) }),
      { nil: undefined, freq: 1 },
    ),
  })
  .chain((options) =>
    fc
      .tuple(
        ...Array.from({ length: options.count }, (_, index) =>
          fc.tuple(shape(index), fc.array(draft, { minLength: 1, maxLength: 7 })),
        ),
      )
      .map((drafts) => assemble(options, drafts as [Shape, Draft[]][])),
  );

interface Options {
  scope: World["scope"];
  prefixes: string[];
  ledgerPicks: number[];
  keyPicks: number[];
  zone: boolean;
  withStart: boolean;
  historyGone: boolean;
  rewritten: number | undefined;
  together: boolean;
  retimed: World["retimed"];
}

const name = (index: number) => `${schema}.t${index}`;

/** The machine that writes dates and times without a zone is at UTC-8. */
const localOffset = -8 * hour;

function assemble(options: Options, drafts: [Shape, Draft[]][]): World {
  const { scope, prefixes } = options;
  const world: World = {
    scope,
    prefixes,
    tables: {},
    types: {},
    rows: [],
    moves: [],
    ledger: { rows: {}, keys: [] },
    keysBefore: undefined,
    keep: {},
    timeZone: options.zone ? "-08:00" : undefined,
    keys: [],
    withStart: scope === "run" && options.withStart,
    historyGone: options.historyGone,
    rewritten: options.rewritten,
    together: scope === "run" && options.together,
    // A sweep keeps a row whose new time is too recent, and rightly says nothing.
    retimed: scope === "expired" || (scope === "run" && options.together) ? undefined : options.retimed,
  };
  const columnsOf = (one: Shape, t: number) => [
    ...one.parents.map((parent) => ({ column: `p${parent.table}`, parent: parent.table, kind: parent.kind })),
    ...(one.self ? [{ column: "up", parent: t, kind: "belongsTo" as const }] : []),
  ];
  drafts.forEach(([one, list], t) => {
    world.tables[name(t)] = table({
      match: [
        ...(one.byId ? [{ column: "id", prefix: true as const }] : []),
        ...(one.byTitle
          ? [
              { column: "title", prefix: true as const },
              { column: "title", suffix: "@test.example" },
            ]
          : []),
      ],
      parents: Object.fromEntries(columnsOf(one, t).map(({ column, parent, kind }) => [column, { [kind]: name(parent) }])),
      ...(one.time === "undeclared" ? {} : { time: "made" }),
    });
    world.types[name(t)] = one.time === "date" ? "date" : one.time === "text" ? "string" : "timestamp";
    world.rows.push(...list.map((row, r) => madeRow(world, one, row, t, r, prefixes)));
  });
  // What each row points at when created: only rows that its creator can see.
  drafts.forEach(([one, list], t) => {
    list.forEach((row, r) => {
      const own = world.rows.find(({ n }) => n === `${t}-${r}`) as MadeRow;
      columnsOf(one, t).forEach(({ column, parent }, c) => {
        own.points[column] = pointed(world, own, name(parent), row.points[c] ?? 0);
      });
    });
  });
  drafts.forEach(([one, list], t) => {
    if (!one.sharesKeys) return;
    shareKey(world, name(t), list[0]?.nearMiss ?? 0);
  });
  drafts.forEach(([one, list], t) => {
    list.forEach((row, r) => {
      const own = world.rows.find(({ n }) => n === `${t}-${r}`) as MadeRow;
      if (row.moved !== undefined) move(world, own, columnsOf(one, t), row.moved);
    });
  });
  nameInLedger(world, options.ledgerPicks);
  addKeys(world, options.keyPicks);
  return world;
}

function madeRow(world: World, one: Shape, row: Draft, t: number, r: number, prefixes: string[]): MadeRow {
  const [first = ""] = prefixes;
  const chars = [...first];
  // Without a more precise clock, a sweep of all cannot tell an account from test data with the same address.
  const who = row.who === "account" && (world.scope === "all" || !one.byTitle) ? "fixed" : row.who;
  const own = `${t}${r}-row`;
  const at = madeAt(who, row.when, world.withStart);
  // Ids that look alike contain their creation time, as ids do.
  const like = `${at}${runId.slice(13)}_`;
  const nearMisses = [
    `${chars.slice(0, -1).join("")}X${like}`,
    `X${first}${like}`,
    `${chars.with(Math.floor(chars.length / 2), "X").join("")}${like}`,
    `${first.toUpperCase()}${like}`.normalize("NFD"),
  ].filter((miss) => !prefixes.some((one) => miss.startsWith(one)));
  const miss = nearMisses[row.nearMiss] ?? "production-";
  const runPrefix = prefixes[row.nearMiss % prefixes.length] ?? first;
  const run = who === "lost" ? lost : who === "mine" || who === "cell" ? runs[who] : undefined;
  const show = run || who === "undated" || who === "fixed" ? row.show : "owner";
  const shows = run ? `${runPrefix}${run.id}_` : `${runPrefix}without-time-`;
  const byId = show === "id" && (one.byId || who !== "fixed");
  const id = byId ? `${shows}${own}` : `${who === "real" ? miss : "server-made-"}${own}`;
  const title =
    who === "account"
      ? `account-${own}@test.example`
      : show === "title"
        ? `${shows}title-${own}`
        : `${who === "real" ? miss : who === "fixed" ? `fixed-${own} ` : "Maths "}title`;
  const made: MadeRow = {
    table: name(t),
    n: `${t}-${r}`,
    who,
    at,
    id: row.noKey && who !== "fixed" && !byId ? null : id,
    title,
    made: row.noTime ? null : shownTime(at, one.time),
    points: {},
    shown: (byId && one.byId) || (show === "title" && one.byTitle),
    tracked: show === "tracked" && who === "mine",
  };
  if (who === "fixed") {
    const listed = row.nearMiss % 2 === 0 && one.byTitle ? title : id;
    world.keep[name(t)] = [...(world.keep[name(t)] ?? []), listed];
  }
  if (made.tracked && made.id !== null) track(world, made.table, made.id);
  return made;
}

function madeAt(who: Who, when: number, withStart: boolean): number {
  switch (who) {
    case "lost":
      return lostStarted + ([0, 30_000, 4 * minute, 6 * minute, hour].at(when) ?? 0);
    case "mine":
    case "cell":
      return stageStarted + ([1_000, 30_000, minute, 2 * minute, 4 * minute].at(when) ?? 0);
    case "undated":
      return runStarted - 5 * hour;
    case "fixed":
    case "account":
      return runStarted - 1000 * hour;
    case "real":
      // Before everything; just before the lost run; since then; just before this run; and during it, before its tests if that
      // can be proven.
      return (
        [
          runStarted - 1000 * hour,
          lostStarted - 2 * minute,
          runStarted - 3 * hour,
          runStarted - 2 * minute,
          withStart ? runStarted + minute : stageStarted + 2 * minute,
        ].at(when) ?? lostStarted
      );
  }
}

function shownTime(at: number, type: Shape["time"]): string {
  if (type === "date") return new Date(at + localOffset).toISOString().slice(0, 10);
  if (type === "text") return new Date(at + localOffset).toISOString().slice(0, 23).replace("T", " ");
  return new Date(at).toISOString();
}

function isTest({ who }: MadeRow): boolean {
  return who === "mine" || who === "cell" || who === "lost" || who === "undated";
}

/** Tests point at their own rows, at real ones, or at an id of their own whose row is gone. Nobody else points at a test row. */
function pointed(world: World, row: MadeRow, parent: string, pick: number): string | null {
  const there = world.rows.filter((other) => other.table === parent && other.id !== null && other !== row);
  const test = isTest(row);
  const fitting = there.filter((other) => (isTest(other) ? other.who === row.who : !test || pick % 3 === 0));
  if (pick < 8) return fitting[pick % Math.max(1, fitting.length)]?.id ?? null;
  const run = row.who === "lost" ? lost : row.who === "mine" || row.who === "cell" ? runs[row.who] : undefined;
  if (pick === 9 && row.who === "mine") {
    // The application created and deleted its row again; only the ledger knows its owner.
    track(world, parent, "made-and-gone");
    return "made-and-gone";
  }
  return [run ? `${world.prefixes[0]}${run.id}_gone` : null, null, "", "production-elsewhere"][pick - 8] ?? null;
}

/** A real row has the key of a test row that isn't recognised by it. */
function shareKey(world: World, of: string, pick: number): void {
  const rows = world.rows.filter(({ table }) => table === of);
  // If somebody else created one during the run, under a key that the run claims, nothing could show its owner.
  const real = rows.filter(({ who, at }) => who === "real" && at < runStarted);
  const test = rows.filter((row) => isTest(row) && row.id?.startsWith("server-made-") === true);
  const [one, other] = [real[pick % Math.max(1, real.length)], test[pick % Math.max(1, test.length)]];
  if (!one || !other) return;
  // What points at the real row points at it by the shared key.
  for (const row of world.rows)
    for (const [column, { table }] of Object.entries(world.tables[row.table]?.parents ?? {}))
      if (table === of && row.points[column] === one.id && one.id !== null) row.points[column] = other.id;
  one.id = other.id;
}

/** The row whose time somebody changes, and its new value. */
export function retimedRow({ rows, tables, types, retimed }: World): { row: MadeRow; made: string | null } | undefined {
  const timed = rows.filter((row) => isTest(row) && row.made !== null && tables[row.table]?.time !== undefined);
  const row = retimed && timed[retimed.pick % Math.max(1, timed.length)];
  if (!row || !retimed) return undefined;
  const type = types[row.table];
  const at = retimed.made === "later" ? now : runStarted - 900 * hour;
  return {
    row,
    made: retimed.made === "none" ? null : shownTime(at, type === "string" ? "text" : type === "date" ? "date" : "timestamp"),
  };
}

function move(
  world: World,
  row: MadeRow,
  columns: { column: string; parent: number; kind: "partOf" | "belongsTo" }[],
  pick: number,
): void {
  if (row.who !== "real" && row.who !== "account") return;
  const pointers = columns.flatMap(({ column, parent, kind }) =>
    world.rows
      .filter((to) => to.table === name(parent) && to.id !== null && (to.who === "mine" || to.who === "lost") && to !== row)
      // A part of another row is deleted with it unless it is known to be older. If nothing shows that, the rule itself says to
      // delete it.
      .filter((to) => kind === "belongsTo" || historyTells(world, row, to) || timeTells(world, row, to))
      .filter((to) => row.at < (to.who === "mine" ? (world.withStart ? stageStarted : runStarted) : lostStarted))
      .map((to) => ({ column, to })),
  );
  const pointer = pointers[pick % Math.max(1, pointers.length)];
  if (!pointer) return;
  const by = pointer.to.who === "lost" ? "lost" : "mine";
  const at = by === "lost" ? lostStarted + 2 * hour : stageStarted + 5 * minute;
  // Only the table's history refutes a time that a test wrote, so the row's key and the start of the stage must be known.
  const unique = world.rows.filter(({ table, id }) => table === row.table && id === row.id).length === 1;
  const isRefuted = by === "mine" && world.scope === "run" && world.withStart && !world.historyGone && row.id !== null && unique;
  const type = world.types[row.table];
  const retimed = isRefuted && pick % 2 === 0 && row.made !== null && (type === "timestamp" || type === "date");
  const made = retimed ? shownTime(at + 10 * minute, type) : undefined;
  world.moves.push({ row, at, column: pointer.column, to: pointer.to.id ?? "", by, ...(made === undefined ? {} : { made }) });
}

/** The table had the row before the other one's run, or before this stage. A row without a key is known by its other columns. */
function historyTells({ historyGone, withStart }: World, row: MadeRow, to: MadeRow): boolean {
  return !historyGone && row.at < (withStart ? stageStarted : startOf(to));
}

/** Its time column shows it, by more than clocks may differ. */
function timeTells({ tables, types, timeZone }: World, row: MadeRow, to: MadeRow): boolean {
  const isExact = types[row.table] === "timestamp" || (types[row.table] === "string" && timeZone !== undefined);
  const isShown = row.made !== null && tables[row.table]?.time !== undefined;
  return isShown && isExact && row.at < startOf(to) - 10 * minute;
}

function startOf({ who }: MadeRow): number {
  return who === "lost" ? lostStarted : runStarted;
}

function track(world: World, of: string, id: string): void {
  world.ledger.rows[of] = [...new Set([...(world.ledger.rows[of] ?? []), id])];
}

/**
 * Wrong entries of every kind: real rows, fixed ones, other runs' rows that identify themselves, right ids under wrong tables,
 * and nonexistent ones.
 */
function nameInLedger(world: World, picks: readonly number[]): void {
  const tables = Object.keys(world.tables);
  const before = world.withStart ? stageStarted : runStarted;
  const wrong = world.rows.filter((row) => row.id !== null && (row.at < before || row.shown));
  for (const pick of picks) {
    const row = wrong[pick % Math.max(1, wrong.length)];
    if (row?.id && pick % 5 < 3) track(world, row.table, row.id);
    else if (row?.id && pick % 5 === 3) {
      const of = tables[pick % tables.length] ?? row.table;
      // Under another table it refers to nothing, unless a row there has the id too.
      track(world, of, row.id);
    } else track(world, tables[pick % tables.length] ?? name(0), "never-made-by-anybody");
  }
}

function addKeys(world: World, picks: readonly number[]): void {
  const shapes = [
    (id: string) => `session:${id}:code`,
    (id: string) => `session:${id}2`,
    (id: string) => `teacher:${id}`,
    (id: string) => `cw:test:c:detail_${id}_x`,
    (id: string) => `e:{x-${id}}`,
    (id: string) => `session:${id}-b`,
    (id: string) => `session:x${id}`,
  ];
  const rows = world.rows.filter(({ id }) => id !== null);
  world.keys = picks.map((pick) => (shapes[pick % shapes.length] ?? String)(rows[pick % Math.max(1, rows.length)]?.id ?? "none"));
  const real = ["cw:real:key", "audit:log"];
  const cells = `cw:test:${world.prefixes[0]}${otherRun}`;
  world.keys.push(...real, "cw:test:no-time", `cw:test:${lostRun}`, "a tracked key", cells);
  // Wrong lines too: a production key, and another cell's.
  if (picks.length % 2) world.ledger.keys.push(...real, "a tracked key", "cw:test:no-time", cells);
  if (picks.length % 3) world.keysBefore = real;
}
