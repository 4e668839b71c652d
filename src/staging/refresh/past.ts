import type { WarehouseReader } from "../../warehouse/access.ts";
import { hasReached, refreshSchemas, unfinishedRefreshes } from "./state.ts";

/** What a sweep of refreshes would drop, and what not; only reads. */

export interface SweepLimits {
  /** Unix milliseconds, by the warehouse's clock. */
  now: number;
  keepOldMs: number;
  /** Since the last sign of a refresh. */
  keepWorkingMs: number;
}

/** A schema that a refresh left in the copy. */
export interface LeftSchema {
  schema: string;
  kind: "working" | "old";
  /** Why it stays; absent if it is past its time. */
  kept?: "young" | "half switched";
}

/** After this, nobody continues a refresh that was stopped. */
export const abandonedAfterMs = 24 * 60 * 60_000;

/** @returns oldest first */
export async function leftOfRefreshes(warehouse: WarehouseReader, copy: string, limits: SweepLimits): Promise<LeftSchema[]> {
  const [schemas, found] = await Promise.all([refreshSchemas(warehouse, copy), unfinishedRefreshes(warehouse, copy)]);
  const unfinished = new Map(found.map((one) => [one.id, one]));
  return schemas.map(({ schema, kind, id, begunAt }) => {
    if (kind === "old") return { schema, kind, ...(begunAt + limits.keepOldMs <= limits.now ? {} : { kept: "young" as const }) };
    const one = unfinished.get(id);
    // Without its built tables the copy would stay half new; the next refresh completes it.
    if (one && hasReached(one, "switching") && !hasReached(one, "switched")) return { schema, kind, kept: "half switched" };
    const lastSign = Math.max(begunAt, one?.reached.at(-1)?.at ?? 0);
    return { schema, kind, ...(lastSign + limits.keepWorkingMs <= limits.now ? {} : { kept: "young" as const }) };
  });
}
