import { bareHost } from "../../cleanup/execute/proof.ts";
import { errorText } from "../../lib/error-text.ts";
import type { HistoryRecord } from "../../model/history.ts";
import { type Drift, driftSum } from "../../model/staging.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { type WarehouseAccess, withWarehouseReader } from "../connections.ts";

/** How far the structures of two environments' catalogs are apart: as the history knows it, or as both show it now. */

export type StructureComparison =
  | (ReturnType<typeof driftSum> & {
      /** ISO 8601: when it was looked at. */
      at: string;
      from: "history" | "now";
      /** The first differences, for people; only of one that was looked at now. */
      named?: string[];
      /** The one catalog that both use, so that there is nothing to compare. */
      sameCatalog?: string;
    })
  | { unknown: string };

/** The newest that the history has of the copy. @param records of any stages */
export function driftInHistory(records: readonly HistoryRecord[], copy: string): StructureComparison | undefined {
  const newest = records
    .filter(({ environment, drift }) => environment.name === copy && drift !== undefined)
    .sort((x, y) => x.finishedAt.localeCompare(y.finishedAt))
    .at(-1);
  return newest?.drift && { ...newest.drift, at: newest.finishedAt, from: "history" };
}

const mostNamed = 5;

export interface StructureOptions {
  signal: AbortSignal;
  say: (text: string) => void;
}

/**
 * Reads both structures: through one connection if both are in one workspace, so that what its principal can't see is missing on both
 * sides, and said. Otherwise each with its own sign-in.
 */
export async function structureNow(
  a: WarehouseAccess,
  b: WarehouseAccess,
  { signal, say }: StructureOptions,
): Promise<StructureComparison> {
  const [ofA, ofB] = [a.environment.databricks, b.environment.databricks];
  if (!ofA || !ofB) return { unknown: `${(ofA ? b : a).environment.name} has no warehouse` };
  const options = { signal, onWaking: say };
  const isOneWorkspace = bareHost(ofA.host).toLowerCase() === bareHost(ofB.host).toLowerCase();
  const at = new Date();
  if (isOneWorkspace && ofA.catalog.toLowerCase() === ofB.catalog.toLowerCase())
    return { verdict: "equal", differences: 0, unseen: 0, at: at.toISOString(), from: "now", sameCatalog: ofA.catalog };
  try {
    const [{ readStructure }, { compareStructures }] = await Promise.all([
      import("../../staging/structure/read.ts"),
      import("../../staging/drift/compare.ts"),
    ]);
    const read = (warehouse: WarehouseReader, catalog: string) => {
      say(`reading the structure of ${catalog}`);
      return readStructure(warehouse, catalog, at);
    };
    const [first, second] = isOneWorkspace
      ? await withWarehouseReader(a, options, async (warehouse) => [
          await read(warehouse, ofA.catalog),
          await read(warehouse, ofB.catalog),
        ])
      : await Promise.all(
          [a, b].map((place) => withWarehouseReader(place, options, (warehouse) => read(warehouse, warehouse.catalog))),
        );
    if (!first || !second) throw new Error("a structure is missing");
    const found = compareStructures(second, first);
    return { ...driftSum(found), at: at.toISOString(), from: "now", named: namesOf(found, [a, b]) };
  } catch (error) {
    return { unknown: errorText(error).split("\n")[0] ?? "" };
  }
}

function namesOf({ facets }: Drift, [a, b]: readonly [WarehouseAccess, WarehouseAccess]): string[] {
  return Object.values(facets)
    .flatMap(({ differences }) => differences)
    .slice(0, mostNamed)
    .map(({ object, item, how }) => {
      const what = item === undefined ? object : `${object} (${item})`;
      if (how === "different") return `${what} differs`;
      return `${what} is only in ${(how === "missing" ? b : a).environment.name}`;
    });
}
