import type { SharedTables } from "../../model/test-data.ts";

/** Whether a run on a branch left the environment's own tables alone: their versions prove it. Pure. */

/** A version of a table, newer than those that the run began with. */
export interface NewVersion {
  version: number;
  user: string;
  operation: string;
}

/** What became of one table since the run began. */
export interface TableSince {
  /** `schema.table` */
  table: string;
  /** Its version then; undefined if it didn't exist. */
  from: number | undefined;
  to: number;
  versions: readonly NewVersion[];
}

export interface SharedRequest {
  tables: readonly TableSince[];
  /** `schema.table` → why its versions are unknown. */
  unread: ReadonlyMap<string, string>;
  /** Why the tables could not be listed: then there may be others. */
  problem?: string | undefined;
  /** `testData.principals`: they write only for tests. */
  principals: readonly string[];
  /** Whoever else may have written for this run: the stage's own principal, and those that wrote to the branch. */
  mayBeOurs: ReadonlySet<string>;
}

const named = 5;

export function sharedTables({ tables, unread, problem, principals, mayBeOurs }: SharedRequest): SharedTables {
  // Names of users have no upper and lower case.
  const lower = (names: Iterable<string>) => new Set([...names].map((name) => name.toLowerCase()));
  const [listed, possible] = [lower(principals), lower(mayBeOurs)];
  const ours = (user: string) => listed.has(user.toLowerCase());
  // Whom nobody lists may be the application under test, unless the list says who is.
  const perhaps = (user: string) => !ours(user) && (possible.has(user.toLowerCase()) || listed.size === 0);
  const touched = tables.filter(({ versions }) => versions.some(({ user }) => ours(user)));
  const doubtful = tables.filter((table) => !touched.includes(table) && table.versions.some(({ user }) => perhaps(user)));
  const others = tables.filter((table) => table.versions.some(({ user }) => !ours(user) && !perhaps(user)));
  const isKnown = unread.size === 0 && problem === undefined;
  const [least, most] = [touched.length, touched.length + doubtful.length + unread.size];
  const versions = tables.flatMap(({ from, to }) => [from ?? 0, to]);
  return {
    touched: { least, most: problem === undefined ? most : null },
    read: tables.length,
    ...(versions.length > 0 ? { versions: { from: Math.min(...versions), to: Math.max(...versions) } } : {}),
    writes: [
      ...touched.map((table) => written(table, ours, "this run's")),
      ...doubtful.map((table) => written(table, perhaps, "perhaps this run's")),
      ...others.map((table) => written(table, (user) => !ours(user) && !perhaps(user), "somebody else's")),
    ],
    unknown: isKnown
      ? []
      : [
          ...(problem === undefined ? [] : [problem]),
          ...[...unread].slice(0, named).map(([table, why]) => `${table}: ${why}`),
          ...(unread.size > named ? [`${unread.size - named} more tables`] : []),
        ],
  };
}

function written(
  { table, versions }: TableSince,
  by: (user: string) => boolean,
  whose: SharedTables["writes"][number]["whose"],
): SharedTables["writes"][number] {
  const theirs = versions.filter(({ user }) => by(user));
  return {
    table,
    whose,
    users: [...new Set(theirs.map(({ user }) => user))].sort(),
    operations: [...new Set(theirs.map(({ operation }) => operation))].sort(),
    versions: theirs.length,
  };
}
