import { quoteName } from "../../warehouse/statements.ts";
import type { ColumnStructure, TableStructure } from "../structure/structure.ts";
import { ddlOf, parseColumnType } from "./column-type.ts";
import { columnExpression, type Row } from "./expressions.ts";
import { isStandIn, type Policies, type Synthetic, type TablePolicy } from "./model.ts";
import { columnOf, sourceAlias, textLiteral } from "./sql.ts";
import { leafValues, leavesOf, repeatedStandIns } from "./walk.ts";

/** Where a refresh keeps the tables that it needs while it works. */
export interface WorkingSchema {
  catalog: string;
  schema: string;
}

export interface SanitisingContext {
  policies: Policies;
  /** `schema.table`, in lower case: made-up values differ from table to table. */
  table: string;
  working: WorkingSchema;
}

export interface SanitisedTable {
  /** In the order of the table, without those that the warehouse fills itself. */
  columns: { name: string; sql: string }[];
  /** What comes after the original in the FROM clause, whose alias must be {@link sourceAlias}: LEFT JOINs, or nothing. */
  joins: string;
  /** The domains whose mappings must exist. */
  domains: string[];
}

/** Original → stand-in. */
export function mappingTable({ catalog, schema }: WorkingSchema, domain: string): string {
  return [catalog, schema, `map_${domain}`].map(quoteName).join(".");
}

/** The values in an array or a map → a map with the stand-in of each. */
export function lookupTable({ catalog, schema }: WorkingSchema, domain: string): string {
  return [catalog, schema, `lookup_${domain}`].map(quoteName).join(".");
}

/** Whether the warehouse fills it itself, and takes no value for it. */
export function isFilled({ generatedAs, identity }: ColumnStructure): boolean {
  return generatedAs !== undefined || identity?.always === true;
}

/**
 * What each column of the original becomes: `SELECT` the columns `FROM` the original `AS s` and the joins. No join changes how many
 * rows there are. The policy must have no gaps.
 */
export function sanitisedColumns(table: TableStructure, policy: TablePolicy, context: SanitisingContext): SanitisedTable {
  const joins = new Joins(context.working);
  const written = table.columns.filter((column) => !isFilled(column));
  const rowKey = rowKeyOf(table, policy, joins);
  const columns = written.map((column) => {
    const own = policy.columns[column.name.toLowerCase()] ?? { how: "null" as const };
    const type = parseColumnType(column.type) ?? { kind: "other" as const };
    const value = columnOf(column.name);
    const leaves = leavesOf(own, type);
    const row: Row = {
      locale: context.policies.locale,
      standIn: (domain, found, repeated) =>
        repeated
          ? `try_element_at(${joins.lookup(domain, leafValues(repeatedStandIns(leaves, domain), value))}.stand_ins, ${found})`
          : `${joins.mapping(domain, found)}.stand_in`,
      hash: (synthetic, path, index) => {
        const salt = `${column.name.toLowerCase()}/${path}`;
        const [base, key] = personKey(synthetic, policy, joins) ?? [`${context.table}/${salt}`, rowKey(index !== undefined)];
        const start = textLiteral(`${context.policies.seed}/${base}/`);
        return `sha2(concat(${start}, ${key}${index === undefined ? "" : `, '/', ${index}`}), 256)`;
      },
    };
    return { name: column.name, sql: columnExpression(own, type, ddlOf(column.type), value, row) };
  });
  return { columns, joins: joins.text, domains: joins.domains };
}

/** The SELECT of a table's sanitised rows. @param from the original with its version, without alias */
export function sanitisedQuery({ columns, joins }: SanitisedTable, from: string): string {
  const list = columns.map(({ name, sql }) => `${sql} AS ${quoteName(name)}`).join(",\n  ");
  return `SELECT\n  ${list}\nFROM ${from} AS ${sourceAlias}${joins === "" ? "" : `\n${joins}`}`;
}

/** The joins of a table, each once. */
class Joins {
  readonly #working: WorkingSchema;
  readonly #aliases = new Map<string, string>();
  readonly #domains = new Set<string>();
  readonly #lines: string[] = [];

  constructor(working: WorkingSchema) {
    this.#working = working;
  }

  get text(): string {
    return this.#lines.join("\n");
  }

  get domains(): string[] {
    return [...this.#domains].sort();
  }

  mapping(domain: string, value: string): string {
    return this.#join("m", domain, mappingTable(this.#working, domain), (alias) => `${alias}.original = ${value}`);
  }

  lookup(domain: string, values: string): string {
    return this.#join("l", domain, lookupTable(this.#working, domain), (alias) => `${alias}.leaves = ${values}`);
  }

  #join(kind: string, domain: string, table: string, on: (alias: string) => string): string {
    this.#domains.add(domain);
    const key = `${table} ${on("")}`;
    const known = this.#aliases.get(key);
    if (known !== undefined) return known;
    const alias = `${kind}${this.#aliases.size + 1}`;
    this.#aliases.set(key, alias);
    this.#lines.push(`LEFT JOIN ${table} AS ${alias} ON ${on(alias)}`);
    return alias;
  }
}

/** The columns that identify a row, and have stand-ins. */
function keyColumns(table: TableStructure, policy: TablePolicy): string[] {
  const candidates = [policy.key, table.primaryKey?.columns, ["id"]];
  const key = candidates.find((columns) => columns !== undefined && columns.length > 0) ?? [];
  return key.map((name) => name.toLowerCase()).every((name) => isStandIn(policy.columns[name])) ? [...key] : [];
}

/**
 * What made-up values of a row follow from: its stand-ins, otherwise its place among the rows, sorted by what the copy shows of them
 * anyway. Never from a value that the copy doesn't have. Within arrays a place can't be asked for, so there it is what the copy shows.
 */
function rowKeyOf(table: TableStructure, policy: TablePolicy, joins: Joins): (within: boolean) => string {
  const key = keyColumns(table, policy);
  if (key.length > 0) return () => joined(key.map((name) => standInText(name, policy, joins)));
  return (within) => {
    const standIns = table.columns.filter(({ name }) => isStandIn(policy.columns[name.toLowerCase()]));
    const shown = table.columns.filter(({ name, type }) => {
      const kind = parseColumnType(type)?.kind ?? "other";
      return policy.columns[name.toLowerCase()]?.how === "keep" && comparable.has(kind);
    });
    const texts = standIns.map(({ name }) => standInText(name, policy, joins));
    if (within) return joined([...texts, ...shown.map(({ name }) => `coalesce(CAST(${columnOf(name)} AS STRING), '')`)]);
    const order = [...texts, ...shown.map(({ name }) => columnOf(name))];
    return `CAST(row_number() OVER (ORDER BY ${order.length > 0 ? order.join(", ") : "1"}) AS STRING)`;
  };
}

const comparable: ReadonlySet<string> = new Set(["text", "whole", "boolean", "date", "timestamp"]);

function joined(parts: readonly string[]): string {
  return parts.length === 0 ? "''" : `concat(${parts.join(", '/', ")})`;
}

function standInText(name: string, policy: TablePolicy, joins: Joins): string {
  const own = policy.columns[name.toLowerCase()];
  if (!isStandIn(own)) return "''";
  return `coalesce(CAST(${joins.mapping(own.domain, columnOf(name))}.stand_in AS STRING), '')`;
}

/** Made-up values of one person are the same in each table: they follow from the person's stand-in alone. */
function personKey({ of }: Synthetic, policy: TablePolicy, joins: Joins): [string, string] | undefined {
  const own = of === undefined ? undefined : policy.columns[of.toLowerCase()];
  if (of === undefined || !isStandIn(own)) return undefined;
  return [own.domain, standInText(of, policy, joins)];
}
