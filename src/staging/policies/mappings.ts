import type { Structure, TableStructure } from "../structure/structure.ts";
import { type ColumnType, parseColumnType } from "./column-type.ts";
import { isFilled, lookupTable, mappingTable, type WorkingSchema } from "./columns.ts";
import { nameOf } from "./expressions.ts";
import { type Domain, isStandIn, type Policies, type StandIn, type TablePolicy } from "./model.ts";
import { columnOf, sourceAlias, textLiteral } from "./sql.ts";
import { type LeafPlace, leafValues, leavesOf, repeatedStandIns } from "./walk.ts";

/** Where values of a domain occur: in a column, or in arrays and maps of one. */
export interface DomainSource {
  /** `schema.table`, in lower case. */
  table: string;
  column: string;
  /** Of the values themselves. */
  type: ColumnType;
  /** SQL of the value, or of an array of the values. */
  sql: string;
  repeated: boolean;
}

/** Every place whose values get stand-ins, by domain. Tables that the structure doesn't have are left out. */
export function domainSources(policies: Policies, structure: Structure): Map<string, DomainSource[]> {
  const sources = Object.entries(policies.tables).flatMap(([name, policy]) => {
    const table = tableAt(structure, name);
    return policy.omit || !table ? [] : sourcesIn(name, table, policy);
  });
  return new Map(
    [...Map.groupBy(sources, ({ domain }) => domain)].map(([domain, list]) => [domain, list.map(({ source }) => source)]),
  );
}

/** @param name `schema.table` */
export function tableAt(structure: Structure, name: string): TableStructure | undefined {
  const [schema = "", table = ""] = name.split(".");
  const tables = Object.hasOwn(structure.schemas, schema) ? structure.schemas[schema]?.tables : undefined;
  return tables && Object.hasOwn(tables, table) ? tables[table] : undefined;
}

function sourcesIn(table: string, { columns }: TableStructure, policy: TablePolicy): { domain: string; source: DomainSource }[] {
  return columns.flatMap((column) => {
    const own = policy.columns[column.name.toLowerCase()];
    if (own === undefined || isFilled(column)) return [];
    const leaves = leavesOf(own, parseColumnType(column.type) ?? { kind: "other" });
    const value = columnOf(column.name);
    const source = (type: ColumnType, sql: string, repeated: boolean) => ({ table, column: column.name, type, sql, repeated });
    const single = leaves.filter((leaf): leaf is LeafPlace & { policy: StandIn } => isStandIn(leaf.policy) && !leaf.repeated);
    const domains = new Set(leaves.flatMap(({ policy }) => (isStandIn(policy) ? [policy.domain] : [])));
    return [
      ...single.map(({ policy, type, read }) => ({ domain: policy.domain, source: source(type, read(value), false) })),
      ...[...domains].flatMap((domain) => {
        const repeated = repeatedStandIns(leaves, domain);
        const [first] = repeated;
        return first ? [{ domain, source: source(first.type, leafValues(repeated, value), true) }] : [];
      }),
    ];
  });
}

export interface MappingContext {
  policies: Policies;
  working: WorkingSchema;
  /** The original of a table at its version, without alias, as in `FROM`. */
  from: (table: string) => string;
}

/**
 * The statements that make the mapping of a domain, in their order. Each is one CREATE TABLE IF NOT EXISTS … AS, so that a refresh
 * that is resumed keeps the stand-ins that it began with.
 */
export function mappingStatements(domain: string, sources: readonly DomainSource[], context: MappingContext): string[] {
  const declared = context.policies.domains[domain] ?? { prefix: "", shape: "uuid" as const };
  const [first] = sources;
  if (!first) return [];
  const relation = (source: DomainSource) => `${context.from(source.table)} AS ${sourceAlias}`;
  const values = sources.map((source) =>
    source.repeated
      ? `SELECT explode(${source.sql}) AS original FROM ${relation(source)}`
      : `SELECT ${source.sql} AS original FROM ${relation(source)}`,
  );
  const originals = `SELECT DISTINCT original FROM (\n${values.join("\nUNION ALL\n")}\n) AS found WHERE original IS NOT NULL`;
  const mapping = mappingTable(context.working, domain);
  const isPseudonym = usesPseudonym(context.policies, domain);
  const query =
    first.type.kind === "text" ? textMapping(domain, declared, originals, isPseudonym) : numberMapping(originals, first.type);
  const repeated = sources.filter((source) => source.repeated);
  if (repeated.length === 0) return [`CREATE TABLE IF NOT EXISTS ${mapping} AS ${query}`];
  const lists = repeated.map((source) => `SELECT ${source.sql} AS leaves FROM ${relation(source)}`).join("\nUNION ALL\n");
  const leaves = `SELECT leaves, explode(leaves) AS leaf FROM (SELECT DISTINCT leaves FROM (\n${lists}\n) AS lists) AS distinct_lists`;
  const lookup = `SELECT a.leaves, map_from_entries(collect_list(named_struct('key', m.original, 'value', m.stand_in))) AS stand_ins
FROM (${leaves}) AS a JOIN ${mapping} AS m ON m.original = a.leaf GROUP BY a.leaves`;
  return [
    `CREATE TABLE IF NOT EXISTS ${mapping} AS ${query}`,
    `CREATE TABLE IF NOT EXISTS ${lookupTable(context.working, domain)} AS ${lookup}`,
  ];
}

/** A domain is used for surrogates or for pseudonyms, never for both. */
function usesPseudonym(policies: Policies, domain: string): boolean {
  return policies.domains[domain]?.secret !== undefined;
}

/** Letters of a stand-in in a text. */
export function standInLength({ prefix, shape, secret }: Domain): number {
  return prefix.length + (secret === undefined && shape === "uuid" ? 36 : 32);
}

function textMapping(domain: string, { prefix, shape, secret }: Domain, originals: string, isPseudonym: boolean): string {
  const random = shape === "uuid" ? "uuid()" : "replace(uuid(), '-', '')";
  const standIn = secret && isPseudonym ? keyedHash(domain, secret) : random;
  const whole = prefix === "" ? standIn : `concat(${textLiteral(prefix)}, ${standIn})`;
  return `SELECT original, ${whole} AS stand_in FROM (${originals}) AS originals`;
}

/**
 * Only the warehouse sees the key, and only constants name it. It is hashed in twice, so that nobody can lengthen the input. Not
 * anonymous: whoever has the key can try values.
 */
function keyedHash(domain: string, { scope, key }: { scope: string; key: string }): string {
  const secret = `secret(${textLiteral(scope)}, ${textLiteral(key)})`;
  const inner = `sha2(concat(${secret}, ${textLiteral(`/${domain}/`)}, original), 256)`;
  return `left(sha2(concat(${secret}, '/', ${inner}), 256), 32)`;
}

/**
 * Random numbers that no original has, each once: the range is divided into twice as many parts as there are originals, and each
 * part gives one number. At most half of them are originals.
 */
function numberMapping(originals: string, type: ColumnType): string {
  const { low, high } = numbersOf(type);
  const name = nameOf(type);
  return `WITH originals AS (${originals}),
parts AS (SELECT CAST(floor(CAST(${high - low + 1n} AS DOUBLE) / (2 * count(*) OVER ())) AS BIGINT) AS width,
  2 * (row_number() OVER (ORDER BY original) - 1) + half AS part FROM originals CROSS JOIN (SELECT explode(array(0, 1)) AS half) AS halves),
numbers AS (SELECT CAST(${low} + part * width + CAST(floor(rand() * width) AS BIGINT) AS ${name}) AS stand_in FROM parts),
free AS (SELECT stand_in, row_number() OVER (ORDER BY rand()) AS place FROM numbers LEFT ANTI JOIN originals ON original = stand_in),
places AS (SELECT original, row_number() OVER (ORDER BY rand()) AS place FROM originals)
SELECT original, stand_in FROM places JOIN free USING (place)`;
}

/** Large numbers that JavaScript can still count exactly. */
export function numbersOf(type: ColumnType): { low: bigint; high: bigint } {
  if (type.kind === "decimal") return { low: 1n, high: 10n ** BigInt(Math.min(type.precision, 15)) - 1n };
  const most = type.kind === "whole" ? type.high : 0n;
  return most > 2n ** 53n ? { low: 2n ** 32n, high: 2n ** 53n - 1n } : { low: 1n, high: most };
}
