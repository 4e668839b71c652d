import type { PlannedTable } from "./plan.ts";
import type { Reference, Root } from "./request.ts";

/**
 * Which tables a sample reaches, from the references between tables alone.
 *
 * From a root, the sample goes down to the children of chosen rows, and theirs. Then it goes up to the parents of everything that
 * was chosen. It never goes down again into tables that the roots reach downwards: otherwise one school would bring its district,
 * the district all its schools, and these everything. Children that only a parent reached upwards has, such as a district's
 * addresses, are taken too.
 */
export interface Reach {
  /** Tables that the roots reach downwards, the roots too. */
  below: ReadonlySet<string>;
  /** All tables that are sampled; the others are copied whole, because no reference connects them with a root. */
  sampled: ReadonlySet<string>;
}

export function reachOf(roots: readonly string[], references: readonly Reference[]): Reach {
  const below = closure(roots, (table) => references.filter(({ parent }) => parent === table).map((one) => one.table));
  const sampled = closure(roots, (table) =>
    references.flatMap((one) => (one.parent === table ? [one.table] : one.table === table ? [one.parent] : [])),
  );
  return { below, sampled };
}

function closure(from: readonly string[], next: (table: string) => readonly string[]): Set<string> {
  const reached = new Set<string>();
  const waiting = [...from];
  for (let table = waiting.pop(); table !== undefined; table = waiting.pop()) {
    if (reached.has(table)) continue;
    reached.add(table);
    waiting.push(...next(table));
  }
  return reached;
}

/** Rows of `to` are chosen if these columns equal those of a chosen row of `from`. */
export interface Way {
  from: string;
  fromColumns: readonly string[];
  to: string;
  toColumns: readonly string[];
}

export function waysDown({ below }: Reach, references: readonly Reference[]): Way[] {
  return references.filter(({ table, parent }) => below.has(table) && below.has(parent)).map(down);
}

export function waysUp({ below, sampled }: Reach, references: readonly Reference[]): Way[] {
  const connecting = references.filter(({ table, parent }) => sampled.has(table) && sampled.has(parent));
  return [...connecting.map(up), ...connecting.filter(({ table }) => !below.has(table)).map(down)];
}

function down({ table, columns, parent, parentColumns }: Reference): Way {
  return { from: parent, fromColumns: parentColumns, to: table, toColumns: columns };
}

function up({ table, columns, parent, parentColumns }: Reference): Way {
  return { from: table, fromColumns: columns, to: parent, toColumns: parentColumns };
}

/** The columns by which rows are chosen: the key, and everything that refers or is referred to. Each once, in lower case. */
export function choosingColumns({ table, key = [] }: PlannedTable, references: readonly Reference[]): string[] {
  const used = references.flatMap((one) => [
    ...(one.table === table ? one.columns : []),
    ...(one.parent === table ? one.parentColumns : []),
  ]);
  return [...new Set([...key, ...used])];
}

/**
 * The condition of a root's rows, under an alias. A share and a count take rows by a hash of key and salt: the same rows again when
 * the refresh is resumed, and others in the next.
 * @param keySql the key's columns
 */
export function rootCondition(root: Exclude<Root, { count: number }>, keySql: readonly string[], salt: string): string {
  if ("where" in root) return `(${root.where})`;
  if (root.share >= 1) return "true";
  const limit = Math.floor(root.share * 0x1_0000_0000)
    .toString(16)
    .padStart(8, "0");
  return `left(${rowHash(keySql, salt)}, 8) < '${limit}'`;
}

export function rowHash(keySql: readonly string[], salt: string): string {
  const parts = keySql.map((name) => `coalesce(CAST(${name} AS STRING), '')`);
  return `md5(concat('${salt}', '/', ${parts.join(", '/', ")}))`;
}
