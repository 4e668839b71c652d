import { quoteName } from "../../warehouse/statements.ts";
import type { ColumnStructure, TableStructure } from "../structure/structure.ts";
import { defaultsFeature, nameUnwritable } from "./create-table.ts";
import { type Planning, whyUnseen } from "./scope.ts";
import { literal, mentions, whyNoExpression } from "./sql-text.ts";
import type { Before, Chain } from "./steps.ts";
import { changesOfType, type TypeChange, typeText } from "./types.ts";

/** Changes the columns of a table that both have. */

/** One table, as the copy has it and as it should be. */
export interface Alteration {
  planning: Planning;
  chain: Chain;
  /** `schema.table` */
  object: string;
  /** The quoted name. */
  table: string;
  before: TableStructure;
  after: TableStructure;
}

export const byRecreating =
  "Drop the table and let sync create it anew: add it to the tables that may be recreated. Its rows are lost, and a refresh fills it again";

/** What the columns need of the table's properties. */
export interface Needs {
  widening: boolean;
  defaults: boolean;
}

type Pair = { place: string; before: ColumnStructure; after: ColumnStructure };

export function pairsOf({ object, before, after }: Alteration): Pair[] {
  const old = byName(before.columns);
  return after.columns.flatMap((column) => {
    const found = old.get(column.name.toLowerCase());
    return found ? [{ place: `${object}.${column.name.toLowerCase()}`, before: found, after: column }] : [];
  });
}

/** What types change; undefined for those that no ALTER changes. */
export function typeChanges(alteration: Alteration): { pair: Pair; changes: TypeChange[] | undefined }[] {
  const { planning, before } = alteration;
  return pairsOf(alteration)
    .filter(({ place }) => planning.listed("types", place))
    .map((pair) => {
      const found = changesOfType(pair.before.type, pair.after.type);
      const isNeeded = before.columns.some(({ generatedAs }) => generatedAs && mentions(generatedAs, pair.before.name));
      const drops = found?.some(({ kind }) => kind === "drop") && !canDropColumns(alteration);
      return { pair, changes: isNeeded || drops || found?.length === 0 ? undefined : found };
    });
}

/** Whether Delta can drop a column without writing the rows again: it must map names. */
export function canDropColumns({ planning, object, before, after }: Alteration): boolean {
  const key = "delta.columnMapping.mode";
  const maps = (mode: string | undefined): boolean => mode === "name" || mode === "id";
  return maps(before.properties[key]) || (maps(after.properties[key]) && planning.listed("properties", object, key));
}

/** The columns that are missing, each at its place. */
export function planAdded(alteration: Alteration): ColumnStructure[] {
  const { planning, chain, object, table, before, after } = alteration;
  const present = new Set(before.columns.map(({ name }) => name.toLowerCase()));
  const clauses: string[] = [];
  const added: ColumnStructure[] = [];
  let last: string | undefined;
  for (const column of after.columns) {
    const place = `${object}.${column.name.toLowerCase()}`;
    if (present.has(column.name.toLowerCase())) last = column.name;
    else if (!planning.listed("columns", place)) continue;
    else if (whyUnseen(planning.copy, "columns", object))
      chain.name(
        place,
        "columns",
        `whether the copy has it is unknown: ${whyUnseen(planning.copy, "columns", object)}`,
        "Grant that",
      );
    else if (column.generatedAs !== undefined || column.identity)
      chain.name(place, "columns", "no ALTER adds a generated column or an identity column to a table", byRecreating);
    else {
      const comment = column.comment && planning.notIgnored("comments", place) ? ` COMMENT ${literal(column.comment)}` : "";
      const position = last === undefined ? "FIRST" : `AFTER ${quoteName(last)}`;
      clauses.push(`${quoteName(column.name)} ${typeText(column.type, column.nested)}${comment} ${position}`);
      added.push(column);
      nameUnwritable(chain, place, column, planning.notIgnored);
      last = column.name;
    }
  }
  if (clauses.length > 0) {
    const at = added.length === 1 ? `${object}.${added[0]?.name.toLowerCase()}` : object;
    chain.add({
      object: at,
      facet: "columns",
      statement: `ALTER TABLE ${table} ADD COLUMNS (${clauses.join(", ")})`,
      blocks: true,
    });
  }
  return added;
}

export function planTypes(alteration: Alteration): void {
  const { chain, table } = alteration;
  for (const { pair, changes } of typeChanges(alteration)) {
    if (!changes) {
      const why = `no ALTER makes ${pair.after.type} of ${pair.before.type}`;
      chain.name(pair.place, "types", why, byRecreating);
    }
    for (const change of changes ?? []) {
      const name = [pair.before.name, ...change.path].map(quoteName).join(".");
      const step = { object: pair.place, facet: "types" } as const;
      if (change.kind === "widen")
        chain.add({ ...step, statement: `ALTER TABLE ${table} ALTER COLUMN ${name} TYPE ${change.type}`, again: true });
      else if (change.kind === "drop")
        chain.add({ ...step, statement: `ALTER TABLE ${table} DROP COLUMN ${name}`, loses: "values" });
      else {
        const position = change.after === undefined ? "FIRST" : `AFTER ${quoteName(change.after)}`;
        chain.add({ ...step, statement: `ALTER TABLE ${table} ADD COLUMN ${name} ${change.type} ${position}` });
      }
    }
  }
}

/** Brings the columns into the original's order, with as few moves as possible. */
export function planOrder(
  { planning, chain, object, table, before, after }: Alteration,
  added: readonly ColumnStructure[],
): void {
  if (!planning.notIgnored("columns", object, "order")) return;
  const wanted = after.columns.map(({ name }) => name.toLowerCase());
  const rank = new Map(wanted.map((name, at) => [name, at]));
  const names = new Map([...before.columns, ...added].map(({ name }) => [name.toLowerCase(), name]));
  const current = before.columns.map(({ name }) => name.toLowerCase()).filter((name) => rank.has(name));
  const fixed = new Set(longestRising(current, (name) => rank.get(name) ?? 0));
  const newly = new Set(added.map(({ name }) => name.toLowerCase()));
  let last: string | undefined;
  let moved = false;
  for (const name of wanted.filter((one) => names.has(one))) {
    // A new column was put after its neighbour's old place.
    const stays = fixed.has(name) || (newly.has(name) && !moved);
    if (!stays || (newly.has(name) && moved)) {
      const position = last === undefined ? "FIRST" : `AFTER ${quoteName(names.get(last) ?? last)}`;
      const statement = `ALTER TABLE ${table} ALTER COLUMN ${quoteName(names.get(name) ?? name)} ${position}`;
      chain.add({ object: `${object}.${name}`, facet: "columns", statement, again: true });
      moved = true;
    }
    last = name;
  }
}

/** The longest part of a list, not necessarily without gaps, that rises. */
export function longestRising<Item>(items: readonly Item[], rank: (item: Item) => number): Item[] {
  const best: { length: number; from: number }[] = [];
  for (const [at, item] of items.entries()) {
    let [length, from] = [1, -1];
    for (let before = 0; before < at; before++) {
      const other = best[before];
      if (other && rank(items[before] as Item) < rank(item) && other.length + 1 > length)
        [length, from] = [other.length + 1, before];
    }
    best.push({ length, from });
  }
  let at = best.reduce((top, { length }, index) => (length > (best[top]?.length ?? 0) ? index : top), best.length > 0 ? 0 : -1);
  const found: Item[] = [];
  for (; at >= 0; at = best[at]?.from ?? -1) found.unshift(items[at] as Item);
  return found;
}

/** DEFAULT and NOT NULL. @returns the steps that set NOT NULL: a primary key needs them */
export function planValues(alteration: Alteration, added: readonly ColumnStructure[]): Before {
  const { planning, chain, object, table } = alteration;
  const notNull: number[] = [];
  const newPairs = added.map((after) => ({
    place: `${object}.${after.name.toLowerCase()}`,
    before: { name: after.name, type: after.type, nullable: true },
    after,
    wants: planning.notIgnored,
  }));
  for (const { place, before, after, wants } of [
    ...pairsOf(alteration).map((pair) => ({ ...pair, wants: planning.listed })),
    ...newPairs,
  ]) {
    const alter = `ALTER TABLE ${table} ALTER COLUMN ${quoteName(before.name)}`;
    const given = "default" in before ? before.default : undefined;
    if (given !== after.default && wants("defaults", place)) {
      const why = after.default === undefined ? undefined : whyNoExpression(after.default);
      if (why) chain.name(place, "defaults", `its expression cannot be used: ${why}`, "Set it yourself");
      else {
        const change = after.default === undefined ? "DROP DEFAULT" : `SET DEFAULT ${after.default}`;
        chain.add({ object: place, facet: "defaults", statement: `${alter} ${change}`, again: true });
      }
    }
    if (before.nullable !== after.nullable && wants("nullability", place)) {
      const step = { object: place, facet: "nullability", again: true } as const;
      if (after.nullable) chain.add({ ...step, statement: `${alter} DROP NOT NULL` });
      else {
        const statement = `SELECT count(*) AS found FROM ${table} WHERE ${quoteName(before.name)} IS NULL`;
        const against = `have no value in ${after.name}; fill or delete them, or refresh the copy, and sync again`;
        const place = chain.add({ ...step, statement: `${alter} SET NOT NULL`, look: { statement, against } });
        if (place !== undefined) notNull.push(place);
      }
    }
  }
  return { after: notNull, behind: [] };
}

/** What no ALTER changes. */
export function nameFixed(alteration: Alteration): void {
  const { planning, chain, object, before, after } = alteration;
  for (const pair of pairsOf(alteration))
    if (planning.listed("generated", pair.place))
      chain.name(pair.place, "generated", "no ALTER changes how a column is generated, nor an identity", byRecreating);
  const partitions = (table: TableStructure): string => table.partitionedBy.join().toLowerCase();
  if (partitions(before) !== partitions(after) && planning.listed("clustering", object, "PARTITIONED BY"))
    chain.name(object, "clustering", "no ALTER changes by which columns a table is partitioned", byRecreating);
}

/** Columns that only the copy has. */
export function planDropped(alteration: Alteration): void {
  const { planning, chain, object, table, before, after } = alteration;
  const wanted = byName(after.columns);
  const gone = before.columns.filter(
    ({ name }) => !wanted.has(name.toLowerCase()) && planning.listed("columns", `${object}.${name.toLowerCase()}`),
  );
  const dropped: string[] = [];
  for (const { name } of gone) {
    const place = `${object}.${name.toLowerCase()}`;
    const unseen = whyUnseen(planning.original, "columns", object);
    const isUsed = before.columns.some((column) => column.generatedAs && mentions(column.generatedAs, name));
    if (unseen) chain.name(place, "columns", `whether the original has it is unknown: ${unseen}`, "Grant that");
    else if (before.partitionedBy.some((one) => one.toLowerCase() === name.toLowerCase()))
      chain.name(place, "columns", "the table is partitioned by it", byRecreating);
    else if (isUsed) chain.name(place, "columns", "another column is generated from it", byRecreating);
    else if (!canDropColumns(alteration))
      chain.name(place, "columns", "a table without delta.columnMapping.mode = name drops no column", byRecreating);
    else dropped.push(name);
  }
  if (dropped.length === 0) return;
  const at = dropped.length === 1 ? `${object}.${dropped[0]?.toLowerCase()}` : object;
  const statement = `ALTER TABLE ${table} DROP COLUMNS (${dropped.map(quoteName).join(", ")})`;
  chain.add({ object: at, facet: "columns", statement, loses: "values" });
}

/** Whether the table takes defaults, and whether it must first. */
export function needsDefaults({ planning, object, before, after }: Alteration, added: readonly ColumnStructure[]): boolean {
  const has = before.columns.some((column) => column.default !== undefined) || defaultsFeature in before.properties;
  if (has) return false;
  return after.columns.some(({ name, default: given }) => {
    const place = `${object}.${name.toLowerCase()}`;
    const wants = added.some((column) => column.name === name) ? planning.notIgnored : planning.listed;
    return given !== undefined && wants("defaults", place);
  });
}

export function byName(columns: readonly ColumnStructure[]): Map<string, ColumnStructure> {
  return new Map(columns.map((column) => [column.name.toLowerCase(), column]));
}
