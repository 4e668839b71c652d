import type { Warehouse } from "../../local/warehouse/index.ts";
import { type CompareOptions, compareStructures } from "../../src/staging/drift/compare.ts";
import { readStructure } from "../../src/staging/structure/read.ts";
import type { Structure } from "../../src/staging/structure/structure.ts";
import { openReader, type WarehouseReader } from "../../src/warehouse/access.ts";
import { words } from "./oracle.ts";
import { catalogs, type Side } from "./world.ts";

export const now = new Date("2026-11-30T12:00:00Z");

export async function openAs(warehouse: Warehouse, token: string): Promise<WarehouseReader> {
  return await openReader(
    {
      host: warehouse.host,
      path: warehouse.path,
      token,
      catalog: catalogs.original,
      certificateAuthority: warehouse.certificateAuthority,
      startTimeoutMs: 10_000,
      runId: "1763920000000_1a2b3c4d",
    },
    { signal: new AbortController().signal },
  );
}

/** Reads catalogs as a principal sees them, through the driver. */
export async function readAs(warehouse: Warehouse, token: string, ...names: string[]): Promise<Structure[]> {
  const reader = await openAs(warehouse, token);
  try {
    return await Promise.all(names.map((name) => readStructure(reader, name, now)));
  } finally {
    await reader.close();
  }
}

/** Both catalogs. */
export async function readBoth(warehouse: Warehouse, token: string): Promise<Record<Side, Structure>> {
  const [original, copy] = await readAs(warehouse, token, catalogs.original, catalogs.copy);
  if (!original || !copy) throw new Error("nothing was read");
  return { original, copy };
}

/** `facet object [item] how`, sorted. */
export function differencesOf({ original, copy }: Record<Side, Structure>, options?: CompareOptions): string[] {
  const drift = compareStructures(original, copy, options);
  return Object.values(drift.facets)
    .flatMap(({ differences }) => differences.map(({ facet, object, item, how }) => words(facet, object, item, how)))
    .sort();
}
