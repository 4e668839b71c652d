import type { Table } from "../../config/schema.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { bounded } from "../../warehouse/comparison.ts";
import { qualifiedName, quoteName } from "../../warehouse/statements.ts";
import { type CatalogColumns, kindOf } from "../tables/catalog.ts";
import { candidatesOf, queryInBatches } from "../tables/selection.ts";

/**
 * What an environment uses already, as counts: nothing here reads a value out of a row or a key that could be personal. Only prefixes,
 * domains and namespaces are named that somebody else has named before.
 */

/** More rows of a table are not read. */
export const mostRowsCounted = 10_000;
const mostTables = 60;

export interface PrefixInUse {
  prefix: string;
  rows: number;
  tables: number;
}

/**
 * How many rows have a key that begins with each of these prefixes, the most frequent first. Of two that the same rows begin with, the
 * longer one.
 * @throws WarehouseFailure
 */
export async function prefixesInUse(
  warehouse: WarehouseReader,
  tables: Readonly<Record<string, Table>>,
  columns: CatalogColumns,
  candidates: readonly string[],
): Promise<PrefixInUse[]> {
  const items = Object.entries(tables)
    .filter(([name, { key }]) => kindOf(columns.get(name)?.get(key) ?? "") === "text")
    .slice(0, mostTables);
  const { rows } = await queryInBatches(warehouse, items, ([name, { key }], binder) => {
    const condition = candidatesOf([{ column: key, prefixes: candidates }], columns.get(name) ?? new Map(), binder);
    const found = `SELECT CAST(${quoteName(key)} AS STRING) AS row_key FROM ${qualifiedName(warehouse.catalog, name)} WHERE ${bounded(condition)} LIMIT ${mostRowsCounted}`;
    return {
      columns: candidates.map((prefix, index) => `count_if(startswith(row_key, ${binder.bind(prefix)})) AS n${index}`).join(", "),
      from: `(${found}) AS looked_at`,
    };
  });
  const found = candidates.map((prefix, index): PrefixInUse => {
    const counts = rows.map(({ row }) => Number(row[`n${index}`])).filter((count) => count > 0);
    return { prefix, rows: counts.reduce((sum, count) => sum + count, 0), tables: counts.length };
  });
  return found
    .filter(({ rows }) => rows > 0)
    .filter(
      (one) => !found.some(({ prefix, rows }) => prefix !== one.prefix && prefix.startsWith(one.prefix) && rows === one.rows),
    )
    .sort((a, b) => b.rows - a.rows || (a.prefix < b.prefix ? -1 : 1));
}

/** Nobody gets mail there: these names are reserved, or stand for nothing but tests. */
const testDomains = [
  ...["@example.com", "@example.org", "@example.net", "@example.edu", "@test.com", "@localhost"],
  ...[".example", ".test", ".invalid", "@example", "@test", "@invalid"],
];

export interface AccountsInUse {
  table: string;
  rows: number;
}

/**
 * How many rows of each table have an e-mail address of a test domain, and a key with none of these prefixes: probably fixed accounts.
 * @throws WarehouseFailure
 */
export async function accountsInUse(
  warehouse: WarehouseReader,
  tables: Readonly<Record<string, Table>>,
  columns: CatalogColumns,
  prefixes: readonly string[],
): Promise<AccountsInUse[]> {
  const items = Object.entries(tables)
    .flatMap(([name, { key }]) => {
      const types = columns.get(name) ?? new Map<string, string>();
      const address = [...types.keys()].find(
        (column) => /(?:^|_)e_?mail(?:_address)?$/i.test(column) && kindOf(types.get(column) ?? "") === "text",
      );
      return address === undefined || !types.has(key) ? [] : [{ name, key, address }];
    })
    .slice(0, mostTables);
  const { rows } = await queryInBatches(warehouse, items, ({ name, key, address }, binder) => {
    const text = (column: string) => `CAST(${quoteName(column)} AS STRING)`;
    const isTest = testDomains.map((domain) => `endswith(lower(${text(address)}), ${binder.bind(domain)})`).join(" OR ");
    const ofRuns = prefixes.flatMap((prefix) =>
      [key, address].map((column) => `startswith(${text(column)}, ${binder.bind(prefix)})`),
    );
    const condition = ofRuns.length === 0 ? `(${isTest})` : `(${isTest}) AND NOT (${ofRuns.join(" OR ")})`;
    const found = `SELECT 1 AS one FROM ${qualifiedName(warehouse.catalog, name)} WHERE ${condition} LIMIT ${mostRowsCounted}`;
    return { columns: "count(*) AS found", from: `(${found}) AS looked_at` };
  });
  return rows
    .map(({ item, row }) => ({ table: item.name, rows: Number(row.found) }))
    .filter(({ rows }) => rows > 0)
    .sort((a, b) => (a.table < b.table ? -1 : 1));
}

export interface NamespacesInUse {
  /** Those that the code names, and how many keys each has. */
  named: { namespace: string; keys: number }[];
  /** Of the named ones and those below them: the ones that say that they are for tests. */
  tests: { namespace: string; keys: number }[];
  /** Keys whose beginning is in no list of ours: it may be personal. */
  others: number;
  seen: number;
  isWhole: boolean;
}

const testWord = /^(?:tests?|testing|e2e|integration)$/i;

/**
 * Counts keys by namespace, until so many keys or so much time.
 * @param known beginnings of keys in the code, such as `shop:` or `shop:cart:`
 * @throws RedisFailure
 */
export async function namespacesInUse(
  batches: AsyncIterable<readonly string[]>,
  known: ReadonlySet<string>,
  { mostKeys, withinMs }: { mostKeys: number; withinMs: number },
): Promise<NamespacesInUse> {
  const until = performance.now() + withinMs;
  const [named, tests] = [new Map<string, number>(), new Map<string, number>()];
  let [others, seen, isWhole] = [0, 0, true];
  for await (const keys of batches) {
    for (const key of keys.slice(0, mostKeys - seen)) {
      const first = /^[^:]*:/.exec(key)?.[0];
      const test = testNamespaceOf(key, known);
      if (test !== undefined) tests.set(test, (tests.get(test) ?? 0) + 1);
      if (first !== undefined && known.has(first)) named.set(first, (named.get(first) ?? 0) + 1);
      else if (test === undefined) others++;
    }
    isWhole = keys.length <= mostKeys - seen;
    seen = Math.min(mostKeys, seen + keys.length);
    if (seen >= mostKeys || performance.now() > until) {
      isWhole = false;
      break;
    }
  }
  return { named: listed(named), tests: listed(tests), others, seen, isWhole };
}

/** `shop:test:` of `shop:test:cart:7`: what stands before the word is named in the code, and the word says nothing of anybody. */
function testNamespaceOf(key: string, known: ReadonlySet<string>): string | undefined {
  const parts = key.split(":");
  const at = parts.findIndex((part) => testWord.test(part));
  if (at < 0 || at > 3 || at === parts.length - 1) return undefined;
  const before = parts
    .slice(0, at)
    .map((part) => `${part}:`)
    .join("");
  return before === "" || known.has(before) ? `${before}${parts[at]}:` : undefined;
}

function listed(counts: ReadonlyMap<string, number>): { namespace: string; keys: number }[] {
  return [...counts]
    .map(([namespace, keys]) => ({ namespace, keys }))
    .sort((a, b) => b.keys - a.keys || (a.namespace < b.namespace ? -1 : 1));
}
