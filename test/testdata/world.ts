import fc from "fast-check";
import type { Table } from "../../src/config/schema.ts";
import { runId, runStarted, table } from "./place.ts";

export type Row = { id: string; title: string | null; created_at: string | null } & Record<string, string | null>;

/** One made-up environment: tables that hang on each other, their rows, Redis keys, and what the tests said they made. */
export interface World {
  scope: "run" | "expired" | "all";
  prefixes: string[];
  tables: Record<string, Table>;
  rows: Record<string, Row[]>;
  ledger: { rows: Record<string, string[]>; keys: string[] };
  keys: string[];
  /** Those of them that were there before the tests began; undefined where nobody looked. */
  keysBefore: string[] | undefined;
  /** Where not undefined, somebody writes a row anew that was deleted, before the cleanup is undone: which one, of those deleted. */
  rewritten: number | undefined;
  /** The other run cleans up at the same time; for scope `run`. */
  together: boolean;
}

export const schema = "school";
const hour = 3_600_000;
export const expireAfter = 2 * hour;
export const now = runStarted + 600_000;

/** Characters that mean something in LIKE, in globs, in strings or in nothing but people's names. */
const prefix = fc.string({
  unit: fc.constantFrom("a", "B", "_", "%", "\\", "[", "]", "*", "?", "'", '"', "`", "é", "名", "😀", " "),
  minLength: 6,
  maxLength: 10,
});

/** Began in the same moment, and tests at the same time. */
export const otherRun = `${runStarted}_ffffffff`;
const oldRun = `${runStarted - 10 * hour}_0a0b0c0d`;

/** What stands before the number of a row's id or title, and so says whose it is. */
function beginnings(prefixes: readonly string[]): fc.Arbitrary<string> {
  const [first = ""] = prefixes;
  const chars = [...first];
  const nearMisses = [
    `${chars.slice(0, -1).join("")}X${runId}_`,
    `X${first}${runId}_`,
    `${chars.with(Math.floor(chars.length / 2), "X").join("")}${runId}_`,
    `${first}${runId.slice(0, -1)}0_`,
    `${first.toUpperCase()}${runId}_`.normalize("NFD"),
  ];
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...prefixes.map((one) => `${one}${runId}_`)) },
    { weight: 2, arbitrary: fc.constantFrom(`${first}${otherRun}_`, `${first}${oldRun}_`, `${first}without-time-`) },
    { weight: 2, arbitrary: fc.constantFrom(...nearMisses) },
    { weight: 3, arbitrary: fc.constant("production-") },
  );
}

const instant = fc.constantFrom(runStarted - 1000 * hour, runStarted - 3 * hour, runStarted + 60_000, undefined);

interface Shape {
  parents: number[];
  self: boolean;
  byId: boolean;
  byTitle: boolean;
  timed: boolean;
}

const shape = (index: number): fc.Arbitrary<Shape> =>
  fc.record({
    parents: index === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat({ max: index - 1 }), { maxLength: 2 }),
    self: fc.boolean(),
    byId: fc.boolean(),
    byTitle: fc.boolean(),
    timed: fc.boolean(),
  });

export const world: fc.Arbitrary<World> = fc
  .record({
    prefixes: fc.uniqueArray(prefix, { minLength: 1, maxLength: 2 }),
    count: fc.integer({ min: 2, max: 5 }),
    scope: fc.constantFrom("run" as const, "run" as const, "expired" as const, "all" as const),
  })
  .chain(({ prefixes, count, scope }) =>
    fc
      .tuple(
        ...Array.from({ length: count }, (_, index) => fc.tuple(shape(index), rowsOf(prefixes))),
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.array(fc.nat(), { minLength: 4, maxLength: 10 }),
        fc.option(fc.nat(), { nil: undefined }),
        fc.boolean(),
      )
      .map((parts) =>
        assemble(
          scope,
          prefixes,
          parts.slice(0, count) as [Shape, Draft[]][],
          parts[count] as number[],
          parts[count + 1] as number[],
          parts[count + 2] as number | undefined,
          scope === "run" && (parts[count + 3] as boolean),
        ),
      ),
  );

interface Draft {
  id: string;
  title: string;
  time: number | undefined;
  /** Which row each column points at; see `pointed`. */
  points: number[];
}

function rowsOf(prefixes: readonly string[]): fc.Arbitrary<Draft[]> {
  return fc.array(
    fc.record({
      id: beginnings(prefixes),
      title: beginnings(prefixes),
      time: instant,
      points: fc.array(fc.nat({ max: 11 }), { minLength: 3, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 7 },
  );
}

function assemble(
  scope: World["scope"],
  prefixes: string[],
  drafts: [Shape, Draft[]][],
  ledgerPicks: number[],
  keyPicks: number[],
  rewritten: number | undefined,
  together: boolean,
): World {
  const name = (index: number) => `${schema}.t${index}`;
  const ids = drafts.map(([, rows], t) => rows.map((row, r) => `${row.id}${t}${r}-row`));
  // Pointing at a row of the parent, at one of this run's that is long gone, at nothing, or at empty text.
  const pointed = (parent: number, pick: number): string | null => {
    const rows = ids[parent] ?? [];
    if (pick < 8) return rows[pick % rows.length] ?? null;
    return [`${prefixes[0]}${runId}_gone`, null, "", "production-elsewhere"][pick - 8] ?? null;
  };
  const world: World = {
    scope,
    prefixes,
    tables: {},
    rows: {},
    ledger: { rows: {}, keys: [] },
    keys: [],
    keysBefore: undefined,
    rewritten,
    together,
  };
  drafts.forEach(([one, rows], t) => {
    const columns = [
      ...one.parents.map((parent) => ({ column: `p${parent}`, parent })),
      ...(one.self ? [{ column: "up", parent: t }] : []),
    ];
    world.tables[name(t)] = table({
      match: [
        ...(one.byId ? [{ column: "id", prefix: true as const }] : []),
        ...(one.byTitle ? [{ column: "title", prefix: true as const }] : []),
      ],
      parents: Object.fromEntries(columns.map(({ column, parent }) => [column, name(parent)])),
      ...(one.timed ? { time: "created_at" } : {}),
    });
    world.rows[name(t)] = rows.map((row, r) => ({
      id: ids[t]?.[r] ?? "",
      title: `${row.title}title`,
      created_at: row.time === undefined ? null : new Date(row.time).toISOString(),
      ...Object.fromEntries(columns.map(({ column, parent }, c) => [column, pointed(parent, row.points[c] ?? 0)])),
    }));
  });
  const all = ids.flatMap((list, t) => list.map((id) => ({ table: name(t), id })));
  for (const pick of ledgerPicks) {
    const { table: of, id } = all[pick % all.length] ?? { table: name(0), id: "none" };
    world.ledger.rows[of] = [...new Set([...(world.ledger.rows[of] ?? []), id])];
  }
  const shapes = [
    (id: string) => `session:${id}:code`,
    (id: string) => id,
    (id: string) => `session:${id}2`,
    (id: string) => `cw:test:thing:${id}`,
    (id: string) => `session:x${id}`,
    (id: string) => `cw:test:c:detail_${id}_x`,
    (id: string) => `e:{x-${id}}`,
    (id: string) => `session:${id}-b`,
  ];
  world.keys = keyPicks.map((pick) => (shapes[pick % shapes.length] ?? String)(all[pick % all.length]?.id ?? "none"));
  const real = ["cw:real:key", "audit:log"];
  world.keys.push(...real, "cw:test:no-time", `cw:test:${oldRun}`, "a tracked key", `cw:test:${prefixes[0]}${otherRun}`);
  // Wrong lines, too: a key of production, and another run's.
  if (keyPicks.length % 2)
    world.ledger.keys.push(...real, "a tracked key", "cw:test:no-time", `cw:test:${prefixes[0]}${otherRun}`);
  if (keyPicks.length % 3) world.keysBefore = real;
  return world;
}
