import { inParallel } from "../../lib/in-parallel.ts";
import { atOnce, sanitisedSelect, someKnown } from "./build.ts";
import { sqlName } from "./names.ts";
import type { PlannedTable } from "./plan.ts";
import { sourceAlias, type Work } from "./work.ts";

/** What must hold of the built tables before the copy gets them. Every check is a count; no value leaves the warehouse. */

export interface Checked {
  /** Rows by table. */
  rows: Record<string, number>;
  leaks: number;
  /** Values that production has, too, and that say nothing: the policies make them of others as well. */
  chance: number;
  orphans: number;
  suppressedRows: number;
  /** The smallest group of quasi-identifiers; absent if none are declared or all groups were suppressed. */
  k?: number;
  /** Why the copy must not get these tables; empty if it may. */
  problems: string[];
}

export async function checkBuilt(work: Work): Promise<Checked> {
  const tables = await inParallel(atOnce, work.plan.tables, (table) => checkTable(table, work));
  const leaks = (await inParallel(atOnce, work.plan.tables, ({ table }) => leaksIn(table, work))).flat();
  const found = leaks.filter((one) => one.leaks !== 0);
  const smallest = tables.flatMap(({ smallest: one }) => (one === undefined ? [] : [one]));
  return {
    rows: Object.fromEntries(tables.map(({ table, rows }) => [table, rows])),
    leaks: sum(found.map((one) => one.leaks)),
    chance: sum(leaks.map((one) => one.chance)),
    orphans: sum(tables.map(({ orphans }) => orphans)),
    suppressedRows: sum(tables.map(({ suppressed }) => suppressed)),
    ...(smallest.length > 0 ? { k: Math.min(...smallest) } : {}),
    problems: [
      ...tables.flatMap(({ problems }) => problems),
      ...found.map((one) => `${one.object}: ${one.leaks} values of production are still there`),
    ],
  };
}

/** Statements that are joined; more take longer to plan than they save. */
const joinedQueries = 12;

interface Found {
  object: string;
  leaks: number;
  chance: number;
}

async function leaksIn(table: string, work: Work): Promise<Found[]> {
  const found: Found[] = [];
  const asked = work.rules.leaks(table, work.context);
  for (let at = 0; at < asked.length; at += joinedQueries) {
    const queries = asked.slice(at, at + joinedQueries);
    const rows = await work.query(queries.join(" UNION ALL "));
    if (rows.length !== queries.length) throw new Error(`${queries.length} counts of ${table} were asked, ${rows.length} came`);
    found.push(
      ...rows.map(({ place, leaks, chance }) => ({
        object: `${table}.${String(place)}`,
        leaks: Number(leaks),
        chance: Number(chance),
      })),
    );
  }
  return found;
}

interface CheckedTable {
  table: string;
  rows: number;
  orphans: number;
  suppressed: number;
  smallest: number | undefined;
  problems: string[];
}

async function checkTable(planned: PlannedTable, work: Work): Promise<CheckedTable> {
  const { table, key, quasi } = planned;
  const references = work.plan.references.filter((one) => one.table === table);
  const built = work.context.built(table);
  const counts: [string, string][] = [
    ["built", `SELECT count(*) FROM ${built}`],
    ["expected", `SELECT count(*) FROM ${work.context.rows(table, sourceAlias)}`],
  ];
  if (key) {
    const names = key.map((name) => sqlName(name));
    counts.push(["nameless", `SELECT count(*) FROM ${built} WHERE ${names.map((name) => `${name} IS NULL`).join(" OR ")}`]);
    const repeated = `SELECT count(*) AS n FROM ${built} GROUP BY ${names.join(", ")} HAVING count(*) > 1`;
    counts.push(["repeated", `SELECT count(*) FROM (${repeated}) AS repeated_keys`]);
  }
  for (const [index, { columns, parent, parentColumns }] of references.entries()) {
    const pairs = columns.map((name, at) => [sqlName("child", name), sqlName("parent", parentColumns[at] ?? name)] as const);
    const on = pairs.map(([child, of]) => `${child} = ${of}`).join(" AND ");
    const names = pairs.map(([child]) => `${child} IS NOT NULL`).join(" AND ");
    const lost = `SELECT 1 FROM ${work.context.built(parent)} AS parent WHERE ${on}`;
    counts.push([`orphans_${index}`, `SELECT count(*) FROM ${built} AS child WHERE ${names} AND NOT EXISTS (${lost})`]);
  }
  if (quasi) {
    const names = quasi.columns.map((name) => sqlName(name));
    const groups = (of: string) => `SELECT count(*) AS n FROM ${of} WHERE ${someKnown(names)} GROUP BY ${names.join(", ")}`;
    counts.push(["smallest", `SELECT min(n) FROM (${groups(built)}) AS of_groups`]);
    const before = groups(`(${sanitisedSelect(planned, work)}) AS sanitised`);
    counts.push([
      "suppressed",
      `SELECT coalesce(sum(n), 0) FROM (${before} HAVING count(*) < ${work.request.k}) AS small_groups`,
    ]);
  }
  const [row = {}] = await work.query(`SELECT ${counts.map(([name, sql]) => `(${sql}) AS ${name}`).join(", ")}`);
  const count = (name: string) => Number(row[name] ?? 0);
  const suppressed = count("suppressed");
  const expected = count("expected") - (quasi?.suppress === "omit" ? suppressed : 0);
  const smallest = row.smallest === null || row.smallest === undefined ? undefined : Number(row.smallest);
  const orphans = references.map((reference, index) => ({ ...reference, count: count(`orphans_${index}`) }));
  const problems = [
    ...(count("built") === expected ? [] : [`${table}: ${count("built")} rows were built, expected ${expected}`]),
    ...(count("nameless") === 0 ? [] : [`${table}: ${count("nameless")} rows have no ${key?.join(", ")}`]),
    ...(count("repeated") === 0 ? [] : [`${table}: ${count("repeated")} values of ${key?.join(", ")} occur more than once`]),
    ...orphans
      .filter((one) => one.count > 0)
      .map((one) => `${table}.${one.columns.join(", ")}: ${one.count} rows refer to rows of ${one.parent} that are not there`),
    ...(smallest === undefined || smallest >= work.request.k
      ? []
      : [`${table}: the smallest group of ${quasi?.columns.join(", ")} has ${smallest} rows, expected ${work.request.k}`]),
  ];
  return { table, rows: count("built"), orphans: sum(orphans.map((one) => one.count)), suppressed, smallest, problems };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
