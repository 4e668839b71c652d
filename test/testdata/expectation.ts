import type { Table } from "../../src/config/schema.ts";
import { keyText } from "../../src/redis/connection.ts";
import type { KeyScope } from "../../src/testdata/key-judge.ts";
import { plainly } from "./key-oracle.ts";
import { runId, runStarted } from "./place.ts";
import { expireAfter, now, type Row, type World } from "./world.ts";

/** What is to be gone, worked out from the words of the rule over the whole graph at once, without any SQL. */
export interface Expectation {
  /** Table → ids. */
  rows: Record<string, Set<string>>;
  keys: Set<string>;
  /** Rows that the ledger or a parent claims for this run, though they are older. */
  refused: number;
  /** Keys are kept of which only the ledger says that the run made them. */
  unproven: boolean;
}

const tolerance = 5 * 60_000;

/** What two runs delete that clean up at the same time; what one of them refuses, the other may have made. */
export function together(one: Expectation, other: Expectation): Expectation {
  const rows = Object.entries(one.rows).map(([name, ids]) => [name, new Set([...ids, ...(other.rows[name] ?? [])])]);
  return { rows: Object.fromEntries(rows), keys: new Set([...one.keys, ...other.keys]), refused: 0, unproven: false };
}

/** @param id whose cleanup it is, for scope `run` */
export function expectationOf(world: World, id: string = runId): Expectation {
  const run = world.scope === "run";
  const prefixes = world.prefixes.map((prefix) => (run ? `${prefix}${id}` : prefix));
  const names = Object.keys(world.tables);
  const claimed = new Map(names.map((name) => [name, new Set(run ? (world.ledger.rows[name] ?? []) : [])]));
  const gone: Record<string, Set<string>> = Object.fromEntries(names.map((name) => [name, new Set<string>()]));
  const shownBy = (name: string, row: Row) => showsItself(world, world.tables[name] as Table, row, prefixes);
  // Nothing that was there before the run, and does not say itself that it is the run's, can be the run's.
  const foreign = new Map(
    names.map((name) => [
      name,
      new Set(
        (world.rows[name] ?? [])
          .filter((row) => run && shownBy(name, row) === undefined && isOlder(world.tables[name], row))
          .map((row) => row.id),
      ),
    ]),
  );
  const isTestKey = (name: string, id: string | null | undefined) =>
    id !== null &&
    id !== undefined &&
    id !== "" &&
    !foreign.get(name)?.has(id) &&
    Boolean(gone[name]?.has(id) || claimed.get(name)?.has(id));
  const refused = new Set<string>();

  for (let changed = true; changed; ) {
    changed = false;
    for (const [name, table] of Object.entries(world.tables))
      for (const row of world.rows[name] ?? []) {
        if (gone[name]?.has(row.id)) continue;
        const shown = shownBy(name, row);
        const hangs =
          claimed.get(name)?.has(row.id) ||
          Object.entries(table.parents).some(([column, parent]) => isTestKey(parent, row[column]));
        if (shown === undefined && !hangs) continue;
        if (foreign.get(name)?.has(row.id)) refused.add(`${name} ${row.id}`);
        else if (world.scope !== "expired" || hangs || isExpired(table, row, shown ?? "")) {
          gone[name]?.add(row.id);
          changed = true;
        }
      }
  }
  // Only rows that were found and taken speak for keys, never what the ledger merely names.
  const ids = new Set(Object.values(gone).flatMap((found) => [...found]));
  const judged = new Map(world.keys.map((key) => [key, plainly(keyScope(world, id, prefixes, ids), key)]));
  const keys = [...judged].filter(([, judgement]) => judgement === "delete").map(([key]) => key);
  return { rows: gone, keys: new Set(keys), refused: refused.size, unproven: [...judged.values()].includes("unproven") };
}

function isOlder(table: Table | undefined, row: Row): boolean {
  return table?.time !== undefined && row.created_at !== null && Date.parse(row.created_at) < runStarted - tolerance;
}

/** The value by which a row shows that it is test data. */
function showsItself(world: World, table: Table, row: Row, prefixes: readonly string[]): string | undefined {
  const columns = [
    ...table.match.map((rule) => rule.column),
    ...Object.entries(table.parents).flatMap(([column, parent]) =>
      world.tables[parent]?.match.some((rule) => rule.column === "id") ? [column] : [],
    ),
  ];
  return columns
    .map((column) => row[column])
    .find((value): value is string => typeof value === "string" && prefixes.some((prefix) => value.startsWith(prefix)));
}

function isExpired(table: Table, row: Row, shown: string): boolean {
  const made = timeIn(shown) ?? timeIn(row.id) ?? (table.time && row.created_at ? Date.parse(row.created_at) : undefined);
  return made !== undefined && made <= now - expireAfter;
}

function keyScope(world: World, id: string, prefixes: readonly string[], ids: ReadonlySet<string>): KeyScope {
  const had = world.keysBefore && new Set(world.keysBefore.map(keyText));
  return {
    scope: world.scope,
    prefixes,
    ids,
    ledger: new Set(world.scope === "run" ? world.ledger.keys : []),
    namespaces: ["cw:test:*"],
    protectedKeys: ["audit:log"],
    olderThan: now - expireAfter,
    now,
    ...(world.scope === "run" ? { run: { ids: [id], prefixes: world.prefixes } } : {}),
    ...(had ? { hadKey: (key) => had.has(key) } : {}),
  };
}

function timeIn(text: string): number | undefined {
  const digits = /(?<!\d)\d{13}(?!\d)/.exec(text)?.[0];
  return digits === undefined ? undefined : Number(digits);
}
