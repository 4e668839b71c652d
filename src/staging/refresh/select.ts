import { inParallel } from "../../lib/in-parallel.ts";
import { CodedError } from "../../model/coded-error.ts";
import { atOnce } from "./build.ts";
import { flatNames, sqlName, tableIn } from "./names.ts";
import type { PlannedTable } from "./plan.ts";
import type { Reference, Root } from "./request.ts";
import { choosingColumns, reachOf, rootCondition, rowHash, type Way, waysDown, waysUp } from "./sample.ts";
import { detailOf, hasReached, type Unfinished } from "./state.ts";
import type { Work } from "./work.ts";

/**
 * Chooses the rows that are copied, in rounds that only add: chosen rows stand in a table of the working schema, with the columns
 * that refer and are referred to. A round that was cut short is simply repeated.
 */

/** Rounds after which a chain of references is called endless. */
const mostRounds = 100;

/** Which tables have rows to choose, and to leave out. It is kept in the state. */
export interface Selection {
  sampled: string[];
  /** Tables with rows that refer to nothing. */
  pruned: string[];
  /** Rows that were left out, because they or their parents refer to rows that don't exist. */
  leftOut: number;
}

export const everything: Selection = { sampled: [], pruned: [], leftOut: 0 };

/** @param until what an earlier start reached */
export async function select(work: Work, until: Unfinished | undefined): Promise<Selection> {
  const kept = until && detailOf<Selection>(until, "selected");
  if (kept) {
    work.choose(kept);
    return kept;
  }
  const sampled = await sample(work, until);
  work.choose({ ...everything, sampled });
  const { pruned, leftOut } = await prune(work);
  const selection = { sampled, pruned, leftOut };
  work.choose(selection);
  await work.state.reach("selected", selection);
  return selection;
}

async function sample(work: Work, until: Unfinished | undefined): Promise<string[]> {
  const roots = Object.entries(work.request.roots);
  if (roots.length === 0) return [];
  const { references } = work.plan;
  const reach = reachOf(
    roots.map(([table]) => table),
    references,
  );
  const sampled = work.plan.tables.filter(({ table }) => reach.sampled.has(table));
  await inParallel(atOnce, sampled, (table) => createChosen("chosen", table, work));
  if (!until || !hasReached(until, "descended")) {
    await inParallel(atOnce, roots, ([table, root]) => chooseRoot(table, root, work));
    await spread(waysDown(reach, references), work);
    await work.state.reach("descended");
  }
  await spread(waysUp(reach, references), work);
  return sampled.map(({ table }) => table);
}

async function createChosen(kind: "chosen" | "dropped", table: PlannedTable, work: Work): Promise<void> {
  const columns = columnsOf(table, work).map((name) => sqlName(name));
  await work.change(
    `CREATE TABLE IF NOT EXISTS ${tableOf(kind, table.table, work)} AS SELECT ${columns.join(", ")}, 0 AS env_actions_round FROM ${pinned(table.table, work)} WHERE false`,
  );
}

async function chooseRoot(name: string, root: Root, work: Work): Promise<void> {
  const table = plannedOf(name, work);
  const key = (table.key ?? []).map((column) => sqlName("candidate", column));
  const from = `${pinned(name, work)} AS candidate`;
  const rows =
    "count" in root
      ? `(SELECT candidate.* FROM ${from} ORDER BY ${rowHash(key, work.id)} LIMIT ${root.count}) AS candidate`
      : `(SELECT candidate.* FROM ${from} WHERE ${rootCondition(root, key, work.id)}) AS candidate`;
  await add("chosen", table, { rows, condition: "true", round: 0 }, work);
}

/** Follows the ways until nothing is added any more. */
async function spread(ways: readonly Way[], work: Work): Promise<void> {
  let changed = new Set(ways.map(({ from }) => from));
  for (let round = 1; changed.size > 0; round++) {
    if (round > mostRounds) throw endless("choosing rows", mostRounds);
    const followed = ways.filter(({ from }) => changed.has(from));
    const targets = [...Map.groupBy(followed, ({ to }) => to)];
    const added = await inParallel(atOnce, targets, async ([to, waysTo]) => {
      const chosen = waysTo.map(({ from, fromColumns, toColumns }) => {
        const pairs = toColumns.map(
          (column, at) => `${sqlName("chosen_row", fromColumns[at] ?? column)} = ${sqlName("candidate", column)}`,
        );
        return `EXISTS (SELECT 1 FROM ${tableOf("chosen", from, work)} AS chosen_row WHERE ${pairs.join(" AND ")})`;
      });
      const rows = `${pinned(to, work)} AS candidate`;
      return (await add("chosen", plannedOf(to, work), { rows, condition: chosen.join(" OR "), round }, work)) ? [to] : [];
    });
    changed = new Set(added.flat());
  }
}

/** Adds rows that are not there yet. @returns how many, or whether any */
async function add(
  kind: "chosen" | "dropped",
  table: PlannedTable,
  given: { rows: string; condition: string; round: number },
  work: Work,
): Promise<number> {
  const target = tableOf(kind, table.table, work);
  const columns = columnsOf(table, work);
  const items = columns.map((name) => sqlName("candidate", name)).join(", ");
  const known = `SELECT 1 FROM ${target} AS known WHERE ${sameRow(table, columns, "known", "candidate")}`;
  const added = await work.change(
    `INSERT INTO ${target} SELECT DISTINCT ${items}, ${given.round} FROM ${given.rows} WHERE (${given.condition}) AND NOT EXISTS (${known})`,
  );
  if (added !== undefined) return added;
  const [row] = await work.query(`SELECT count(*) AS added FROM ${target} WHERE env_actions_round = ${given.round}`);
  return Number(row?.added);
}

/**
 * Leaves out rows that refer to rows that don't exist, and the rows that refer to those. Production may have them, because the
 * warehouse enforces no foreign keys.
 */
async function prune(work: Work): Promise<Pick<Selection, "pruned" | "leftOut">> {
  const { references, tables } = work.plan;
  // The rows of a table that is omitted are not there; the checks count what refers to them.
  const followed = references.filter(({ parent }) => tables.some(({ table }) => table === parent));
  const children = [...Map.groupBy(followed, ({ table }) => table)];
  const found = await inParallel(atOnce, children, async ([table, own]) => {
    const [row] = await work.query(
      `SELECT count(*) AS orphans FROM ${work.context.rows(table, "child")} WHERE ${orphaned(own, work)}`,
    );
    return Number(row?.orphans) > 0 ? [table] : [];
  });
  let changed = new Set(found.flat());
  const dropped = new Map<string, number>();
  for (let round = 1; changed.size > 0; round++) {
    if (round > mostRounds) throw endless("leaving out rows that refer to nothing", mostRounds);
    const counted = await inParallel(atOnce, [...changed], async (table) => {
      const planned = plannedOf(table, work);
      if (!dropped.has(table)) await createChosen("dropped", planned, work);
      const own = followed.filter((one) => one.table === table);
      const rows = work.context.rows(table, "candidate");
      await add("dropped", planned, { rows, condition: orphaned(own, work, "candidate"), round }, work);
      // All of them: an earlier start may have added some.
      const [row] = await work.query(`SELECT count(*) AS dropped FROM ${tableOf("dropped", table, work)}`);
      return [table, Number(row?.dropped)] as const;
    });
    const smaller = new Set(counted.filter(([table, count]) => count > (dropped.get(table) ?? 0)).map(([table]) => table));
    for (const [table, count] of counted) dropped.set(table, count);
    work.choose({ ...work.selection, pruned: [...dropped.keys()] });
    changed = new Set(followed.filter(({ parent }) => smaller.has(parent)).map(({ table }) => table));
  }
  return { pruned: [...dropped.keys()].sort(), leftOut: [...dropped.values()].reduce((sum, count) => sum + count, 0) };
}

function orphaned(references: readonly Reference[], work: Work, alias = "child"): string {
  const terms = references.map(({ columns, parent, parentColumns }) => {
    const pairs = columns.map((name, at) => [sqlName(alias, name), sqlName("parent", parentColumns[at] ?? name)] as const);
    const known = pairs.map(([child]) => `${child} IS NOT NULL`).join(" AND ");
    const there = `SELECT 1 FROM ${work.context.rows(parent, "parent")} WHERE ${pairs.map(([child, of]) => `${child} = ${of}`).join(" AND ")}`;
    return `(${known} AND NOT EXISTS (${there}))`;
  });
  return terms.join(" OR ");
}

/** The condition of the rows that a selection takes of a table; undefined: all. */
export function selectedCondition(selection: Selection, name: string, alias: string, work: Work): string | undefined {
  const table = plannedOf(name, work);
  const columns = columnsOf(table, work);
  const matches = (kind: "chosen" | "dropped") =>
    `EXISTS (SELECT 1 FROM ${tableOf(kind, name, work)} AS ${kind}_row WHERE ${sameRow(table, columns, `${kind}_row`, alias)})`;
  const conditions = [
    ...(selection.sampled.includes(name) ? [matches("chosen")] : []),
    ...(selection.pruned.includes(name) ? [`NOT ${matches("dropped")}`] : []),
  ];
  return conditions.length === 0 ? undefined : conditions.join(" AND ");
}

/** Rows without a key are the same if everything is equal by which rows are chosen. */
function sameRow({ key }: PlannedTable, columns: readonly string[], one: string, other: string): string {
  const [names, equals] = key ? [key, "="] : [columns, "<=>"];
  return names.map((name) => `${sqlName(one, name)} ${equals} ${sqlName(other, name)}`).join(" AND ");
}

function columnsOf(table: PlannedTable, work: Work): string[] {
  return choosingColumns(table, work.plan.references);
}

function tableOf(kind: "chosen" | "dropped", table: string, work: Work): string {
  const names = flatNames(
    work.plan.tables.map((one) => one.table),
    `${kind}_`,
  );
  return work.working(names.get(table) ?? table);
}

function pinned(table: string, work: Work): string {
  return `${tableIn(work.request.original, table)} VERSION AS OF ${work.versions[table]}`;
}

function plannedOf(name: string, work: Work): PlannedTable {
  const table = work.plan.tables.find((one) => one.table === name);
  if (!table) throw new Error(`${name} is not copied`);
  return table;
}

function endless(what: string, rounds: number): CodedError {
  return new CodedError(
    "EA6109",
    `${what} did not end after ${rounds} rounds: a chain of references is longer than that; name a root further down, or leave out the reference within the table`,
  );
}
