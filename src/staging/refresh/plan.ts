import { createHash } from "node:crypto";
import { UserError } from "../../model/user-error.ts";
import type { ColumnStructure, Structure, TableStructure } from "../structure/structure.ts";
import { flatNames } from "./names.ts";
import { readersOfWorking } from "./readers.ts";
import type { Reference, RefreshRequest } from "./request.ts";
import type { QuasiIdentifiers, TableRules } from "./rules.ts";

/** What is copied how, decided from structures and policies alone, before a row is read. */
export interface Plan {
  /** Sorted by name. */
  tables: readonly PlannedTable[];
  omitted: readonly string[];
  /** Between tables of which the first is copied. */
  references: readonly Reference[];
  /** Two plans with the same digest build the same. */
  digest: string;
}

export interface PlannedTable {
  /** `schema.table` */
  table: string;
  /** Its name in the working schema. */
  built: string;
  /** The columns that are written; the warehouse computes the others. */
  columns: readonly string[];
  /** Unknown if it has no primary key and none is configured. */
  key: readonly string[] | undefined;
  quasi: QuasiIdentifiers | undefined;
  /** CHECK constraints that it must not have. */
  withoutChecks: readonly string[];
}

/** @throws UserError that names everything that must be mended first */
export function planRefresh(original: Structure, copy: Structure, rules: TableRules, request: RefreshRequest): Plan {
  const all = tablesOf(original);
  const inCopy = new Map(tablesOf(copy).map(({ table, structure }) => [table, structure]));
  const refusal = rules.refusal(original);
  if (refusal) throw refusal;
  const copied = all.filter(({ table, structure }) => structure.kind !== "view" && !rules.omits(table));
  refuse("EA6101", "not every row and value of the original can be read as it is", hiding(original, copied), remedyOfPolicies);
  refuse(
    "EA6111",
    "others could read production's values in the working schema",
    readersOfWorking(original, copy).map((one) => `${one} has SELECT on the whole catalog ${copy.catalog}`),
    "grant SELECT and USE SCHEMA on the copy's schemas instead, and revoke them on its catalog",
  );
  refuse(
    "EA6112",
    "the rows of these tables of the copy are stored at a location of their own, which may be production's",
    copied.filter(({ table }) => inCopy.get(table)?.type === "EXTERNAL").map(({ table }) => table),
    "drop them in the copy, and let `env-actions staging sync` create managed tables",
  );
  const differing = copied.flatMap(({ table, structure }) => whyNotEqual(table, structure, inCopy.get(table)));
  refuse("EA6102", "the copy's structure is not the original's", differing, "run `env-actions staging sync` first");
  const built = flatNames(
    copied.map(({ table }) => table),
    "built_",
  );
  const references = referencesOf(copied, request);
  const tables = copied.map(({ table, structure }): PlannedTable => {
    const key = keyOf(structure, request.keys[table]);
    return {
      table,
      built: built.get(table) ?? table,
      columns: structure.columns.filter((column) => isWritten(column)).map(({ name }) => name),
      key: key?.map(lower),
      quasi: rules.quasiIdentifiers(table),
      withoutChecks: rules.withoutChecks(table),
    };
  });
  const structures = new Map(copied.map(({ table, structure }) => [table, structure]));
  const unbuildable = [
    ...tables.flatMap((one) => whyNotSuppressed(one, structures, references)),
    ...references.flatMap((one) => whyNotFollowed(one, structures)),
    ...Object.keys(request.roots).flatMap((table) => whyNotRoot(table, tables)),
  ];
  refuse("EA6103", "the refresh cannot keep rows together or small groups apart", unbuildable, "correct the configuration");
  return {
    tables,
    omitted: all.filter(({ table }) => rules.omits(table)).map(({ table }) => table),
    references,
    digest: digestOf({ policies: rules.hash, request, tables: copied, references }),
  };
}

/** A configured key counts if the table has it; otherwise a column `id` does. The checks count keys that occur twice. */
function keyOf(
  { primaryKey, columns }: TableStructure,
  configured: readonly string[] | undefined,
): readonly string[] | undefined {
  if (primaryKey) return primaryKey.columns;
  const has = new Set(columns.map(({ name }) => lower(name)));
  return [configured ?? [], ["id"]].find((key) => key.length > 0 && key.every((name) => has.has(lower(name))));
}

interface Named {
  table: string;
  structure: TableStructure;
}

/** Sorted by name. */
function tablesOf({ schemas }: Structure): Named[] {
  return Object.entries(schemas)
    .flatMap(([schema, { tables }]) =>
      Object.entries(tables).map(([name, structure]) => ({ table: `${schema}.${name}`, structure })),
    )
    .sort((a, b) => (a.table < b.table ? -1 : 1));
}

type Code = "EA6101" | "EA6102" | "EA6103" | "EA6111" | "EA6112";

const remedyOfPolicies = "give the refresh's principal access without filters and masks, or let a policy omit these tables";
const mostNamed = 20;

function refuse(code: Code, what: string, found: readonly string[], remedy: string): void {
  const reasons = [...new Set(found)];
  if (reasons.length === 0) return;
  const more = reasons.length > mostNamed ? [`and ${reasons.length - mostNamed} more`] : [];
  throw new UserError(code, `${what}; ${remedy}. Nothing was read:\n  ${[...reasons.slice(0, mostNamed), ...more].join("\n  ")}`);
}

/** Masks are applied silently, so a masked source would be copied as if it were complete. */
function hiding(original: Structure, copied: readonly Named[]): string[] {
  const found = copied.flatMap(({ table, structure }) => [
    ...(structure.rowFilter ? [`${table}: it has a row filter`] : []),
    ...structure.columns.filter(({ mask }) => mask).map(({ name }) => `${table}.${name}: it has a column mask`),
    ...(structure.kind === "other" ? [`${table}: it is a ${structure.type}, which has no versions to copy from`] : []),
  ]);
  const concerned = (within: string) =>
    copied.some(({ table }) => `${table}.`.startsWith(`${within}.`) || within.startsWith(`${table}.`));
  // Of the whole catalog only tags are read at once; filters and masks come with each table.
  const unseen = original.unseen.filter(({ facet, within }) => facet === "policies" && within !== "" && concerned(within));
  return [...found, ...unseen.map(({ within, why }) => `${within}: filters and masks could not be seen: ${why}`)];
}

function whyNotEqual(table: string, original: TableStructure, copy: TableStructure | undefined): string[] {
  if (copy?.kind !== "table") return [`${table}: the copy has no such table`];
  if (copy.rowFilter || copy.columns.some(({ mask }) => mask))
    return [`${table}: the copy's own table has a row filter or a column mask`];
  const has = new Map(copy.columns.map((column) => [lower(column.name), column]));
  return original.columns.flatMap(({ name, type }) => {
    const column = has.get(lower(name));
    if (!column) return [`${table}.${name}: the copy has no such column`];
    return column.type === type ? [] : [`${table}.${name}: it is ${type}, and ${column.type} in the copy`];
  });
}

/** The warehouse refuses values for these. */
function isWritten({ generatedAs, identity }: ColumnStructure): boolean {
  return generatedAs === undefined && !identity?.always;
}

function whyNotSuppressed(
  { table, quasi }: PlannedTable,
  structures: ReadonlyMap<string, TableStructure>,
  references: readonly Reference[],
): string[] {
  const columns = new Map(structures.get(table)?.columns.map((column) => [lower(column.name), column]));
  if (quasi?.suppress === "omit" && references.some(({ parent }) => parent === table))
    return [`${table}: its small groups cannot be omitted, because other tables refer to it; suppress them with null`];
  return (quasi?.columns ?? []).flatMap((name) => {
    const column = columns.get(lower(name));
    if (!column) return [`${table}.${name}: a quasi-identifier that is no column`];
    const fixed = !column.nullable && quasi?.suppress === "null";
    return fixed ? [`${table}.${name}: a quasi-identifier that may not be null; omit its small groups`] : [];
  });
}

function whyNotFollowed(
  { table, columns, parent, parentColumns }: Reference,
  structures: ReadonlyMap<string, TableStructure>,
): string[] {
  const missing = (of: string, names: readonly string[]) => {
    const structure = structures.get(of);
    const has = new Map(structure?.columns.map((column) => [lower(column.name), column]));
    return structure === undefined
      ? []
      : names.filter((name) => !has.has(lower(name))).map((name) => `${of}.${name}: a reference names it, and it is no column`);
  };
  const parentStructure = structures.get(parent);
  const renumbered = parentStructure?.columns.filter(
    ({ name, identity }) => identity?.always && parentColumns.some((one) => lower(one) === lower(name)),
  );
  return [
    ...missing(table, columns),
    ...missing(parent, parentColumns),
    ...(renumbered ?? []).map(
      ({ name }) =>
        `${parent}.${name}: it is GENERATED ALWAYS AS IDENTITY, so the copy gets other numbers, and ${table} refers to it; declare it GENERATED BY DEFAULT`,
    ),
  ];
}

function whyNotRoot(name: string, tables: readonly PlannedTable[]): string[] {
  const table = tables.find((one) => one.table === name);
  if (!table) return [`${name}: a root of the sample that is not copied`];
  return table.key ? [] : [`${name}: a root of the sample without a key, so its rows cannot be told apart; name its key`];
}

/** The original's foreign keys, and the configured references, each once. */
function referencesOf(copied: readonly Named[], { references }: RefreshRequest): Reference[] {
  const declared = copied.flatMap(({ table, structure }) =>
    Object.values(structure.foreignKeys).map(({ columns, references: parent, to }) => ({
      table,
      columns: columns.map(lower),
      parent: parent.toLowerCase(),
      parentColumns: to.map(lower),
    })),
  );
  // A table of another catalog is not copied, so nothing can be kept together with it.
  const here = declared.filter(({ parent }) => parent.split(".").length === 2);
  const tables = new Set(copied.map(({ table }) => table));
  const all = [...here, ...references.filter(({ table }) => tables.has(table))];
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

function digestOf(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

function lower(name: string): string {
  return name.toLowerCase();
}
