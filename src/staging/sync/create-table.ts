import { quoteName } from "../../warehouse/statements.ts";
import type { ColumnStructure, TableStructure } from "../structure/structure.ts";
import type { Planning, Wants } from "./scope.ts";
import { inCopy } from "./scope.ts";
import { literal, names, pairs, path, whyNoExpression } from "./sql-text.ts";
import type { Chain } from "./steps.ts";
import { typeText, unwritable } from "./types.ts";

export const defaultsFeature = "delta.feature.allowColumnDefaults";

/**
 * Adds CREATE TABLE, with everything that it can say. CHECK constraints, foreign keys, tags, masks and grants come after it.
 * @returns whether it is planned
 */
export function planCreate(planning: Planning, chain: Chain, object: string, table: TableStructure, wants: Wants): boolean {
  const has = (facet: Parameters<Wants>[0], item?: string): boolean => wants(facet, object, item);
  const key = table.primaryKey && has("constraints", "PRIMARY KEY") ? [primaryKeyClause(table.primaryKey)] : [];
  const columns = table.columns.map((column) => columnClause(chain, object, column, wants));
  const properties = Object.fromEntries(Object.entries(table.properties).filter(([name]) => has("properties", name)));
  // Without it, Delta refuses a DEFAULT.
  if (columns.some(({ hasDefault }) => hasDefault) && !(defaultsFeature in properties)) properties[defaultsFeature] = "supported";
  const existing = table.columns.map(({ name }) => name);
  const partitionedBy = has("clustering", "PARTITIONED BY") ? table.partitionedBy : [];
  const clusteredBy = has("clustering", "CLUSTER BY") ? table.clusteredBy : [];
  const clauses = [
    `CREATE TABLE ${inCopy(planning, object)} (${[...columns.map(({ text }) => text), ...key].join(", ")})`,
    partitionedBy.length > 0 ? `PARTITIONED BY (${names(partitionedBy)})` : "",
    clusteredBy.length > 0 ? `CLUSTER BY (${clusteredBy.map((name) => path(name, existing)).join(", ")})` : "",
    table.comment && has("comments") ? `COMMENT ${literal(table.comment)}` : "",
    Object.keys(properties).length > 0 ? `TBLPROPERTIES (${pairs(properties)})` : "",
  ];
  const statement = clauses.filter((clause) => clause !== "").join(" ");
  return chain.add({ object, facet: "tables", statement, blocks: true }) !== undefined;
}

/** A column of CREATE TABLE. */
function columnClause(
  chain: Chain,
  object: string,
  column: ColumnStructure,
  wants: Wants,
): { text: string; hasDefault: boolean } {
  const { name, nullable, generatedAs, comment } = column;
  const place = `${object}.${name.toLowerCase()}`;
  const usable = (text: string | undefined, facet: "defaults" | "generated"): text is string => {
    if (text === undefined || !wants(facet, place, facet === "generated" ? "GENERATED" : undefined)) return false;
    const why = whyNoExpression(text);
    if (why) chain.name(place, facet, `its expression cannot be used: ${why}`, "Set it yourself");
    return why === undefined;
  };
  const hasDefault = usable(column.default, "defaults");
  nameUnwritable(chain, place, column, wants);
  const clauses = [
    `${quoteName(name)} ${typeText(column.type, column.nested)}`,
    nullable || !wants("nullability", place) ? "" : "NOT NULL",
    usable(generatedAs, "generated") ? `GENERATED ALWAYS AS (${generatedAs})` : "",
    column.identity && wants("generated", place, "IDENTITY") ? identityClause(column.identity) : "",
    hasDefault ? `DEFAULT ${column.default}` : "",
    comment && wants("comments", place) ? `COMMENT ${literal(comment)}` : "",
  ];
  return { text: clauses.filter((clause) => clause !== "").join(" "), hasDefault };
}

function identityClause({ always, start = 1, step = 1 }: NonNullable<ColumnStructure["identity"]>): string {
  return `GENERATED ${always ? "ALWAYS" : "BY DEFAULT"} AS IDENTITY (START WITH ${start} INCREMENT BY ${step})`;
}

export function primaryKeyClause({ name, columns, rely }: NonNullable<TableStructure["primaryKey"]>): string {
  return `CONSTRAINT ${quoteName(name)} PRIMARY KEY (${names(columns)})${rely ? " RELY" : ""}`;
}

const byDataFrame = "Create the table from a DataFrame with that schema";

/** What a column should have within its type, and no statement gives it. @param old what it has */
export function nameUnwritable(
  chain: Chain,
  place: string,
  { type, nested = {} }: ColumnStructure,
  wants: Wants,
  old: ColumnStructure["nested"] = {},
): void {
  for (const path of unwritable(type, { ...old, ...nested })) {
    const why = `no statement changes what ${path} has beside its type`;
    const [from, to] = [old[path] ?? {}, nested[path] ?? {}];
    if (Boolean(from.notNull) !== Boolean(to.notNull) && wants("nullability", place, path))
      chain.name(place, "nullability", why, byDataFrame);
    if (from.comment !== to.comment && wants("comments", place, path)) chain.name(place, "comments", why, byDataFrame);
  }
}
