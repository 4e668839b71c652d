import type { Structure, TableStructure } from "../structure/structure.ts";
import { checkedValue } from "./checks.ts";
import { countOf, type Draft, type DraftLookup, nowOf, type Scale } from "./draft.ts";
import { type Generator, generated, type SeedTable } from "./generators.ts";
import { keyOf, tablesOf, takesValues } from "./prepare.ts";
import { SeedProblem } from "./problem.ts";
import { draw } from "./random.ts";

/** How many rows each row of a parent gets, if nothing is said. */
const childrenAtMost = 5;

/** Drafts of tables that no preset knows: from the configuration, and from the structure. */
export function genericDrafts(
  structure: Structure,
  { tables: declared, rows, known }: { tables: Readonly<Record<string, SeedTable>>; rows: number; known: ReadonlySet<string> },
  scale: Scale,
): Draft[] {
  const tables = tablesOf(structure);
  refuseUnknown(declared, tables);
  const wide = [...tables].map(([name, table]) => [name, referencesOf(name, table, declared[name], tables)] as const);
  const references = withoutCircles(new Map(wide), declared);
  return [...tables].flatMap(([name, table]) => {
    const own = declared[name];
    if (known.has(name) && !own) return [];
    const parents = references.get(name) ?? [];
    const wanted = own?.rows ?? (rows === 0 ? 0 : byStructure(name, parents, rows));
    return wanted === 0 ? [] : [draftOf(name, table, wanted, parents, own, scale)];
  });
}

type Wanted = Exclude<SeedTable["rows"], undefined>;

/** A column that holds the key of a row of another table. */
interface Reference {
  column: string;
  parent: string;
  parentKey: string;
  nullable: boolean;
  /** It would close a circle of tables that need each other first, so it stays NULL. */
  closesCircle: boolean;
}

/** Tables that need each other first can only be filled if a column that may be NULL stays so. */
function withoutCircles(
  references: ReadonlyMap<string, readonly Reference[]>,
  declared: Readonly<Record<string, SeedTable>>,
): Map<string, Reference[]> {
  const waiting = new Map(references);
  const isFree = ([name, parents]: [string, readonly Reference[]]) =>
    parents.every(({ parent }) => parent === name || !waiting.has(parent));
  for (let free = [...waiting].filter(isFree); free.length > 0; free = [...waiting].filter(isFree))
    for (const [name] of free) waiting.delete(name);
  const per = (name: string) => {
    const rows = declared[name]?.rows;
    return typeof rows === "object" ? rows.per : undefined;
  };
  const closes = (name: string, { parent, nullable }: Reference): boolean =>
    nullable && parent !== name && waiting.has(name) && waiting.has(parent) && per(name) !== parent;
  return new Map(
    [...references].map(([name, parents]) => [
      name,
      parents.map((reference) => ({ ...reference, closesCircle: closes(name, reference) })),
    ]),
  );
}

function byStructure(name: string, references: readonly Reference[], rows: number): Wanted {
  const possible = references.filter(({ parent, closesCircle }) => parent !== name && !closesCircle);
  const owner = possible.find(({ nullable }) => !nullable) ?? possible[0];
  return owner ? { per: owner.parent, from: 0, to: childrenAtMost } : rows;
}

function referencesOf(
  name: string,
  table: TableStructure,
  own: SeedTable | undefined,
  tables: ReadonlyMap<string, TableStructure>,
): Reference[] {
  const nullable = (column: string) =>
    table.columns.find((other) => other.name.toLowerCase() === column.toLowerCase())?.nullable ?? true;
  const foreign = Object.values(table.foreignKeys).flatMap(({ columns, references, to }) => {
    const [column, ...others] = columns;
    return column === undefined || others.length > 0 || !tables.has(references)
      ? []
      : [{ column, parent: references, parentKey: to[0] ?? "id" }];
  });
  const written = Object.entries(own?.references ?? {}).map(([column, parent]) => {
    const target = tables.get(parent);
    if (!target)
      throw new SeedProblem("EA6132", `staging.seed.tables.${name}.references.${column}: the copy has no table ${parent}`);
    return { column, parent, parentKey: keyOf(target)[0] ?? "id" };
  });
  const said = new Set(written.map(({ column }) => column.toLowerCase()));
  return [...written, ...foreign.filter(({ column }) => !said.has(column.toLowerCase()))].map((reference) => ({
    ...reference,
    nullable: nullable(reference.column),
    closesCircle: false,
  }));
}

function draftOf(
  name: string,
  table: TableStructure,
  wanted: Wanted,
  references: readonly Reference[],
  own: SeedTable | undefined,
  scale: Scale,
): Draft {
  const owner = typeof wanted === "number" ? undefined : ownerOf(name, wanted.per, references);
  const values: Record<string, string> = {};
  const lookups: DraftLookup[] = [];
  const told = generatorsOf(own);
  for (const reference of references) {
    const column = reference.column.toLowerCase();
    if (told.has(column)) continue;
    if (reference === owner) values[column] = "owner_key";
    else if (reference.closesCircle) values[column] = "NULL";
    else if (reference.parent === name) values[column] = reference.nullable ? "NULL" : "row_id";
    else {
      const place = lookups.length;
      values[column] = `found_${place}`;
      lookups.push({
        name: `found_${place}`,
        table: reference.parent,
        column: reference.parentKey,
        which: whichRow(column, owner !== undefined),
      });
    }
  }
  for (const column of table.columns.filter(takesValues)) {
    const lower = column.name.toLowerCase();
    const generator = told.get(lower);
    if (generator !== undefined)
      values[lower] = `CAST(${generated(lower, column.type, generator, nowOf(scale))} AS ${column.type})`;
    else if (!(lower in values)) {
      const checked = checkedValue(column, Object.values(table.checks));
      if (checked !== undefined) values[lower] = checked;
    }
  }
  const common = { table: name, key: keyOf(table), values, lookups };
  if (typeof wanted === "number") return { ...common, rows: wanted };
  const parentKey = owner?.parentKey ?? "id";
  return {
    ...common,
    each: {
      parent: wanted.per,
      parentKey,
      most: wanted.to,
      times: countOf(scale.seed, `rows of ${name}`, `CAST(p.\`${parentKey}\` AS STRING)`, wanted.from, wanted.to),
      carry: {
        owner_key: `p.\`${parentKey}\``,
        first: countOf(scale.seed, `first of ${name}`, `CAST(p.\`${parentKey}\` AS STRING)`, 0, 99_999),
      },
    },
  };
}

function generatorsOf(own: SeedTable | undefined): Map<string, Generator> {
  return new Map(Object.entries(own?.columns ?? {}).map(([column, generator]) => [column.toLowerCase(), generator]));
}

function ownerOf(name: string, per: string, references: readonly Reference[]): Reference {
  const owner = references.find(({ parent }) => parent === per);
  if (!owner)
    throw new SeedProblem(
      "EA6132",
      `staging.seed.tables.${name}.rows.per is ${per}, but no column of ${name} refers to it. Name the column under references`,
    );
  return owner;
}

/** The rows of one parent refer to different rows, so that pairs of keys don't repeat. */
function whichRow(column: string, hasOwner: boolean): string {
  return hasOwner ? "first + n" : draw(`${column} of`);
}

function refuseUnknown(declared: Readonly<Record<string, SeedTable>>, tables: ReadonlyMap<string, TableStructure>): void {
  for (const [name, { columns, references, rows }] of Object.entries(declared)) {
    const table = tables.get(name);
    if (!table) throw new SeedProblem("EA6132", `staging.seed.tables.${name}: the copy has no such table`);
    const known = new Set(table.columns.map((column) => column.name.toLowerCase()));
    const unknown = [...Object.keys(columns), ...Object.keys(references)].find((column) => !known.has(column.toLowerCase()));
    if (unknown !== undefined) throw new SeedProblem("EA6132", `staging.seed.tables.${name}: the table has no column ${unknown}`);
    if (typeof rows === "object" && !tables.has(rows.per))
      throw new SeedProblem("EA6132", `staging.seed.tables.${name}.rows.per: the copy has no table ${rows.per}`);
  }
}
