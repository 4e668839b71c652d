import { qualifiedName } from "../../warehouse/statements.ts";
import type { ColumnStructure } from "../structure/structure.ts";
import { beginning, halves, hashOf, marked, row, uuidOf } from "./random.ts";

/** How the rows of one table are made: as many of them as wanted, by one statement. */
export interface Recipe {
  /** `schema.table` */
  table: string;
  rows: RowSource;
  lookups: readonly Lookup[];
  /** Columns that recognise a row. */
  key: readonly string[];
  /** Values that several columns use, by name. A later group may use the earlier ones. */
  steps?: readonly Readonly<Record<string, string>>[];
  /** By column, in lower case: an expression over {@link row}, what the source carries, and the steps. */
  values: ReadonlyMap<string, string>;
  /** The columns that get a value, as the table has them. */
  columns: readonly ColumnStructure[];
  /** CHECK constraints of the table, by name. */
  checks: Readonly<Record<string, string>>;
  /** Tables that must be filled before, `schema.table`. */
  after: ReadonlySet<string>;
}

export type RowSource =
  | { kind: "rows"; rows: number }
  | {
      kind: "each";
      /** Seen as `p`. */
      parent: string;
      /** The column that the parent is recognised by. */
      parentKey: string;
      /** Whether that column holds marked ids, so that only rows of this seed get children. */
      isMarked: boolean;
      /** The largest number of rows for one parent. */
      most: number;
      /** How many rows a parent has: an expression over `p` and the joins; `most` if absent. */
      times?: string;
      joins?: readonly Join[];
      /** Condition over `p`, the joins and `r.id`, the row's number. */
      where?: string;
      /** What the values can use of the parent and the joins: expressions by name. */
      carry: Readonly<Record<string, string>>;
    };

/** The key of a row of another table, whose rows are counted. */
export interface Lookup {
  name: string;
  table: string;
  column: string;
  which: string;
  isMarked: boolean;
}

/** Another table whose values a row uses. */
export interface Join {
  table: string;
  /** `JOIN {table} s ON …`; the table's full name takes the place of `{table}`. */
  sql: string;
}

export interface Place {
  catalog: string;
  seed: number;
}

/** The SELECT whose rows the table gets. @param columns only these; all if absent */
export function selectOf(recipe: Recipe, place: Place, columns: readonly ColumnStructure[] = recipe.columns): string {
  const items = columns.map(({ name, type }) => {
    const value = recipe.values.get(name.toLowerCase()) ?? "NULL";
    return `${value !== "NULL" && isExact(type) ? value : `CAST(${value} AS ${type})`} AS ${quoted(name)}`;
  });
  const inner = (recipe.steps ?? []).reduce(
    (from, step) =>
      `(SELECT *, ${Object.entries(step)
        .map(([name, value]) => `${value} AS ${name}`)
        .join(", ")} FROM ${from})`,
    lookedUp(
      recipe.lookups,
      place,
      `(SELECT *, ${halves} FROM (SELECT *, ${uuidOf(place.seed, row.hash)} AS ${row.id}, ${beginning(row.hash)} FROM ${sourceOf(recipe, place)}))`,
    ),
  );
  return `SELECT ${items.join(", ")} FROM ${inner}`;
}

/**
 * Fills the table with the rows that it lacks. It looks at the table also when that is empty: a statement of an earlier seed that
 * was killed may still be running, and Delta lets two writers conflict only if they read what the other writes.
 */
export function insertOf(recipe: Recipe, place: Place): string {
  const name = qualifiedName(place.catalog, recipe.table);
  const names = recipe.columns.map((column) => `made.${quoted(column.name)}`).join(", ");
  return `INSERT INTO ${name} BY NAME SELECT ${names} FROM (${selectOf(recipe, place)}) made LEFT ANTI JOIN ${name} there ON ${sameKey(recipe)}`;
}

/** Rows of the seed, and those of them that are there: one row with `made` and `there`. */
export function presenceOf(recipe: Recipe, place: Place): string {
  const name = qualifiedName(place.catalog, recipe.table);
  const keys = recipe.columns.filter((column) => recipe.key.includes(column.name.toLowerCase()));
  const distinct = recipe.key.map(quoted).join(", ");
  return `SELECT '${recipe.table}' AS name, count(*) AS made, count(there.${quoted(recipe.key[0] ?? "")}) AS there FROM (${selectOf(recipe, place, keys)}) made LEFT JOIN (SELECT DISTINCT ${distinct} FROM ${name}) there ON ${sameKey(recipe)}`;
}

/** Counts the rows of the other tables, and joins the one that is wanted. */
function lookedUp(lookups: readonly Lookup[], { catalog, seed }: Place, from: string): string {
  return lookups.reduce((source, { name, table, column, which, isMarked }, index) => {
    const key = quoted(column);
    const rows = `${qualifiedName(catalog, table)}${isMarked ? ` WHERE ${key} LIKE ${marked(seed)}` : ""}`;
    const wanted = `(SELECT x.*, (${which}) % t.total AS want_${index} FROM ${source} x CROSS JOIN (SELECT greatest(count(*), 1) AS total FROM ${rows}) t)`;
    return `(SELECT w.*, f.found AS ${name} FROM ${wanted} w LEFT JOIN (SELECT ${key} AS found, row_number() OVER (ORDER BY ${key}) - 1 AS place FROM ${rows}) f ON f.place = w.want_${index})`;
  }, from);
}

/** Values of these types are made as such, so that a cast would only cost time; all others are made as whole numbers or doubles. */
function isExact(type: string): boolean {
  return /^(string|boolean|timestamp|date)$/i.test(type);
}

function sameKey({ key }: Recipe): string {
  return key.map((column) => `there.${quoted(column)} = made.${quoted(column)}`).join(" AND ");
}

function sourceOf({ table, rows }: Recipe, { catalog, seed }: Place): string {
  const joins = (rows.kind === "each" ? (rows.joins ?? []) : [])
    .map((join) => ` ${join.sql.replaceAll("{table}", qualifiedName(catalog, join.table))}`)
    .join("");
  if (rows.kind === "rows")
    return `(SELECT ${hashOf(seed, table, ["r.id"])} AS ${row.hash}, r.id AS ${row.number} FROM range(0, ${rows.rows}) r)`;
  const { parent, parentKey, isMarked, most, times, where, carry } = rows;
  const carried = Object.entries(carry).map(([name, value]) => `, ${value} AS ${name}`);
  const key = `p.${quoted(parentKey)}`;
  const conditions = [
    ...(isMarked ? [`${key} LIKE ${marked(seed)}`] : []),
    ...(times === undefined ? [] : [`r.id < ${times}`]),
    ...(where === undefined ? [] : [where]),
  ];
  const hash = hashOf(seed, table, [key, "r.id"]);
  const limited = conditions.length > 0 ? ` WHERE ${conditions.join(" AND ")}` : "";
  return `(SELECT ${hash} AS ${row.hash}, r.id AS ${row.number}${carried.join("")} FROM ${qualifiedName(catalog, parent)} p CROSS JOIN range(0, ${most}) r${joins}${limited})`;
}

function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
