import { count } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import type { TableCleanup } from "../../model/test-data.ts";
import type { TestDataWarehouse } from "../../warehouse/access.ts";
import type { TablePlan } from "../plan/table-plans.ts";
import { deletesOf } from "../tables/history.ts";
import { type Selection, storedSelection } from "../tables/selection.ts";

/** A completed delete whose version has not been read from the table's history yet. */
export interface CarriedOut {
  table: TablePlan;
  /** The part of the table's selection that it deleted. */
  selection: Selection;
  entry: TableCleanup;
  /** Unknown if the answer was lost. */
  rows: number | undefined;
}

/** Other runs may delete from the same table at the same time, so ours is among the latest versions. */
const versionsLookedAt = 20;

/** The last part first, because its version is the newest: so parts of equally many rows get a version each. Never rejects. */
export async function noteVersions(warehouse: TestDataWarehouse, parts: readonly CarriedOut[]): Promise<void> {
  for (const part of parts.toReversed()) await noteVersion(warehouse, part, parts.length);
}

/** Compares the count with the table's history and stores what undo needs. Never rejects. */
async function noteVersion(
  warehouse: TestDataWarehouse,
  { table, selection, entry, rows }: CarriedOut,
  ofHowMany: number,
): Promise<void> {
  if (rows === undefined || rows === 0) return;
  try {
    const known = new Set(entry.deletions?.map((deletion) => deletion.version));
    const versions = await deletesOf(warehouse, table.table, rows, versionsLookedAt + ofHowMany - 1);
    const version = versions.find((one) => !known.has(one));
    if (version === undefined) {
      entry.problem ??= `${count(rows, "row was", "rows were")} deleted, but the table's history has no such delete`;
      return;
    }
    entry.versionBefore = Math.min(entry.versionBefore ?? version - 1, version - 1);
    entry.versionAfter = Math.max(entry.versionAfter ?? version, version);
    const stored = storedSelection({ selection, person: table.person });
    const deletion = { rows, version, selection: stored, ...(selection.during ? { during: selection.during } : {}) };
    entry.deletions = [...(entry.deletions ?? []), deletion].sort((a, b) => a.version - b.version);
  } catch (error) {
    entry.problem ??= `${count(rows, "row was", "rows were")} deleted, but the table's history could not be read: ${errorText(error)}`;
  }
}
