import type { ColumnStructure, Structure, TableStructure } from "../structure/structure.ts";
import { defaultValue } from "./defaults.ts";
import { type Draft, type Scale, stepsOf } from "./draft.ts";
import { SeedProblem } from "./problem.ts";
import { row } from "./random.ts";
import type { Recipe, RowSource } from "./recipe.ts";

/** Fits drafts to the tables that the copy has: their columns, types and rules. */

/** The tables of a structure that rows can be written to, by `schema.table`. */
export function tablesOf({ schemas }: Structure): Map<string, TableStructure> {
  const tables = Object.entries(schemas).flatMap(([schema, { tables: all }]) =>
    Object.entries(all).flatMap(([name, table]) => (table.kind === "table" ? [[`${schema}.${name}`, table] as const] : [])),
  );
  return new Map(tables);
}

/**
 * @returns what can be made; a draft whose table, parent or joined table is missing is left out
 * @throws SeedProblem for a column that needs a value and gets none
 */
export function prepared(drafts: readonly Draft[], structure: Structure, scale: Scale): Recipe[] {
  const tables = tablesOf(structure);
  return drafts.flatMap((draft) => {
    const table = tables.get(draft.table);
    const needed = neededBy(draft);
    return table && needed.every((name) => tables.has(name)) ? [recipeOf(draft, table, tables, scale)] : [];
  });
}

function neededBy({ each, lookups = [] }: Draft): string[] {
  return [...(each ? [each.parent, ...(each.joins ?? []).map(({ table }) => table)] : []), ...lookups.map(({ table }) => table)];
}

function recipeOf(draft: Draft, table: TableStructure, tables: ReadonlyMap<string, TableStructure>, scale: Scale): Recipe {
  const key = draft.key ?? keyOf(table);
  const given = new Map(Object.entries(draft.values).map(([column, value]) => [column.toLowerCase(), value]));
  const values = new Map<string, string>();
  for (const column of table.columns.filter(takesValues)) {
    const name = column.name.toLowerCase();
    const value = given.get(name) ?? (key.includes(name) ? keyValue(column, key, draft) : undefined) ?? defaultValue(column);
    if (value !== undefined) values.set(name, value);
    else if (!column.nullable && column.default === undefined)
      throw new SeedProblem(
        "EA6133",
        `${draft.table}.${column.name} is ${column.type} NOT NULL, and no value can be made for it. Name a generator in staging.seed.tables`,
      );
  }
  return {
    table: draft.table,
    rows: sourceOf(draft, tables),
    lookups: (draft.lookups ?? []).map((lookup) => ({ ...lookup, isMarked: isMarked(tables.get(lookup.table), lookup.column) })),
    key,
    steps: stepsOf(draft, scale),
    values,
    columns: table.columns.filter(({ name }) => values.has(name.toLowerCase())),
    checks: table.checks,
    after: new Set(neededBy(draft).filter((name) => name !== draft.table)),
  };
}

function sourceOf({ each, rows = 0 }: Draft, tables: ReadonlyMap<string, TableStructure>): RowSource {
  if (!each) return { kind: "rows", rows };
  const parentKey = each.parentKey ?? "id";
  return { kind: "each", ...each, carry: each.carry ?? {}, parentKey, isMarked: isMarked(tables.get(each.parent), parentKey) };
}

export function takesValues(column: ColumnStructure): boolean {
  return column.generatedAs === undefined && column.identity === undefined;
}

/** In lower case. */
export function keyOf(table: TableStructure): string[] {
  const columns =
    table.primaryKey?.columns ??
    [table.columns.find(({ name }) => name.toLowerCase() === "id") ?? table.columns[0]].map((column) => column?.name ?? "");
  return columns.map((name) => name.toLowerCase());
}

/** Whether the ids of its rows are {@link row.id}s, which carry the seed. */
function isMarked(table: TableStructure | undefined, column: string): boolean {
  const [only, ...others] = table ? keyOf(table) : [];
  const type = table?.columns.find(({ name }) => name.toLowerCase() === column.toLowerCase())?.type;
  return others.length === 0 && only === column.toLowerCase() && type?.toLowerCase() === "string";
}

/** Numbers count the rows of the table, also of those that are made for each row of a parent. */
function keyValue({ type }: ColumnStructure, key: readonly string[], { each }: Draft): string | undefined {
  if (key.length > 1) return undefined;
  if (/^string$/i.test(type)) return row.id;
  if (/^(tinyint|smallint|int|integer|bigint|long|decimal.*)$/i.test(type))
    return each ? `row_number() OVER (ORDER BY ${row.hash})` : `${row.number} + 1`;
  return undefined;
}
