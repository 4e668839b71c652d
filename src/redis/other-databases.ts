import type { RedisRoute } from "./address.ts";
import { RedisFailure } from "./failure.ts";
import type { Store } from "./store.ts";
import { Wire } from "./wire.ts";

/** A database that has some of the requested keys. */
export interface OtherDatabase {
  database: number;
  keys: string[];
}

/** Hardly any server has more databases than this. */
const mostDatabases = 32;

/**
 * Which other databases of the same server have some of these keys (as `latin1`). Also empty if the server doesn't say: a cluster
 * has only one database, and a user may lack the right.
 */
export async function databasesHolding(
  store: Store,
  way: RedisRoute,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<OtherDatabase[]> {
  if (way.cluster || keys.length === 0) return [];
  const found: OtherDatabase[] = [];
  try {
    const [wire] = await store.wires();
    const info = String((await wire?.ask(["INFO", "keyspace"])) ?? "");
    const databases = [...info.matchAll(/^db(\d+):/gm)].map(([, number]) => Number(number));
    for (const database of databases.filter((one) => one !== store.identity.database).slice(0, mostDatabases)) {
      const { host, port } = store.identity;
      const other = await Wire.open({ host, port }, { ...way.signIn, database }, "reading", signal);
      try {
        const { replies } = await other.send(keys.map((key) => ["PTTL", key] as const));
        const there = keys.filter((_, index) => typeof replies[index] === "number" && replies[index] !== -2);
        if (there.length > 0) found.push({ database, keys: there });
      } finally {
        await other.close();
      }
    }
  } catch (error) {
    if (!(error instanceof RedisFailure)) throw error;
  }
  return found;
}
