import type { Facet } from "../../model/staging.ts";
import { type ColumnStructure, catalogItself, type Grant, type Structure, type TableStructure } from "../structure/structure.ts";
import { isKeptByTheWarehouse } from "./kept.ts";

/** A structure as a list of facts, each about one facet of one object. Two structures are equal if their facts are. */

export interface Fact {
  facet: Facet;
  /** `(catalog)`, `schema`, `schema.table` or `schema.table.column`, in lower case. */
  object: string;
  item?: string;
  value: string;
  /** How values are compared: SQL and names may name the catalog; `any`: the value is only shown. */
  as?: "sql" | "name" | "type" | "any";
  /** The existence of the object, which all its other facts, and those of what is in it, depend on. */
  exists?: true;
  /** What must exist on both sides, from the outside inwards: nothing is said of a missing table's columns. */
  parents: readonly string[];
}

/** The existence of an object comes before everything in it. */
export function factsOf(structure: Structure): Fact[] {
  return [
    ...within([], commonFacts(catalogItself, structure)),
    ...Object.entries(structure.schemas).flatMap(([name, schema]): Fact[] => [
      { facet: "schemas", object: name, value: "schema", as: "any", exists: true, parents: [] },
      ...within([name], commonFacts(name, schema)),
      ...Object.entries(schema.tables).flatMap(([table, what]) => factsOfTable(name, `${name}.${table}`, what)),
    ]),
  ];
}

type Bare = Omit<Fact, "parents" | "exists">;

function within(parents: readonly string[], facts: readonly Bare[]): Fact[] {
  return facts.map((fact) => ({ ...fact, parents }));
}

interface Common {
  comment?: string;
  owner?: string;
  grants?: readonly Grant[];
  tags?: Readonly<Record<string, string>>;
}

function commonFacts(object: string, { comment, owner, grants = [], tags = {} }: Common): Bare[] {
  const facts: Bare[] = grants.map(({ principal, privilege }) => ({
    facet: "grants",
    object,
    item: `${privilege} TO ${principal}`,
    value: "granted",
  }));
  if (comment !== undefined) facts.push({ facet: "comments", object, value: comment });
  if (owner !== undefined) facts.push({ facet: "grants", object, item: "OWNER", value: owner });
  for (const [tag, value] of Object.entries(tags)) facts.push({ facet: "policies", object, item: `TAG ${tag}`, value });
  return facts;
}

function factsOfTable(schema: string, object: string, table: TableStructure): Fact[] {
  const is = table.kind === "other" ? table.type.toLowerCase().replaceAll("_", " ") : table.kind;
  const facts: Bare[] = [...commonFacts(object, table), ...constraints(object, table)];
  if (table.viewText !== undefined) facts.push({ facet: "views", object, item: "query", value: table.viewText, as: "sql" });
  for (const [item, value] of Object.entries(table.properties))
    if (!isKeptByTheWarehouse(item)) facts.push({ facet: "properties", object, item, value });
  if (table.clusteredBy.length > 0)
    facts.push({ facet: "clustering", object, item: "CLUSTER BY", value: list(table.clusteredBy) });
  if (table.partitionedBy.length > 0)
    facts.push({ facet: "clustering", object, item: "PARTITIONED BY", value: list(table.partitionedBy) });
  if (table.rowFilter) facts.push({ facet: "policies", object, item: "ROW FILTER", value: policy(table.rowFilter), as: "name" });
  return [
    { facet: table.kind === "view" ? "views" : "tables", object, value: is, exists: true, parents: [schema] },
    ...within([schema, object], facts),
    ...table.columns.flatMap((column): Fact[] => {
      const name = `${object}.${column.name.toLowerCase()}`;
      return [
        { facet: "columns", object: name, value: column.type, as: "any", exists: true, parents: [schema, object] },
        ...within([schema, object, name], factsOfColumn(name, column, table.kind === "view")),
      ];
    }),
  ];
}

/** The types of a view's columns follow from its query and the tables that it reads, so they are not compared again. */
function factsOfColumn(object: string, column: ColumnStructure, isOfView: boolean): Bare[] {
  const facts = commonFacts(object, { comment: column.comment, tags: column.tags });
  if (column.mask) facts.push({ facet: "policies", object, item: "MASK", value: policy(column.mask), as: "name" });
  if (isOfView) return facts;
  facts.push({ facet: "types", object, value: column.type, as: "type" });
  facts.push({ facet: "nullability", object, value: column.nullable ? "NULL" : "NOT NULL" });
  for (const [item, { notNull, comment }] of Object.entries(column.nested ?? {})) {
    if (notNull) facts.push({ facet: "nullability", object, item, value: "NOT NULL" });
    if (comment !== undefined) facts.push({ facet: "comments", object, item, value: comment });
  }
  if (column.default !== undefined) facts.push({ facet: "defaults", object, value: column.default, as: "sql" });
  if (column.generatedAs !== undefined)
    facts.push({ facet: "generated", object, item: "GENERATED", value: column.generatedAs, as: "sql" });
  if (column.identity) {
    const { always, start = 1, step = 1 } = column.identity;
    const value = `${always ? "ALWAYS" : "BY DEFAULT"} START WITH ${start} INCREMENT BY ${step}`;
    facts.push({ facet: "generated", object, item: "IDENTITY", value });
  }
  return facts;
}

function constraints(object: string, { primaryKey, foreignKeys, checks }: TableStructure): Bare[] {
  const facts: Bare[] = [];
  // Whether a key is relied on may be unseen where the key itself is not.
  const add = (item: string, value: string, rely: boolean | undefined): void => {
    facts.push({ facet: "constraints", object, item, value, as: "name" });
    if (rely) facts.push({ facet: "constraints", object, item: `${item} RELY`, value: "RELY" });
  };
  if (primaryKey) add("PRIMARY KEY", `${primaryKey.name} (${list(primaryKey.columns)})`, primaryKey.rely);
  for (const [name, { columns, references, to, rely }] of Object.entries(foreignKeys))
    add(`FOREIGN KEY ${name.toLowerCase()}`, `(${list(columns)}) REFERENCES ${references} (${list(to)})`, rely);
  for (const [name, value] of Object.entries(checks))
    facts.push({ facet: "constraints", object, item: `CHECK ${name.toLowerCase()}`, value, as: "sql" });
  return facts;
}

function policy({ function: name, columns }: { function: string; columns: readonly string[] }): string {
  return `${name} (${list(columns)})`;
}

function list(columns: readonly string[]): string {
  return columns.join(", ").toLowerCase();
}
