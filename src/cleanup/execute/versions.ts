import { count } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import type { TableCleanup } from "../../model/test-data.ts";
import type { TestDataWarehouse } from "../../warehouse/access.ts";
import type { Row } from "../../warehouse/connection.ts";
import type { TablePlan } from "../plan/table-plans.ts";
import { askHistories, deletesIn } from "../tables/history.ts";
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

/** How long a table waits for others, so that one statement reads the histories of several. */
const waitsMs = 50;
/** As many as one statement reads. */
const tablesTogether = 12;

/**
 * Reads the versions of deletes from the tables' histories. Soon after each delete, so that a cleanup that is cancelled or out of
 * time knows those of the deletes before.
 */
export class Versions {
  readonly #warehouse: TestDataWarehouse;
  readonly #reading: Promise<void>[] = [];
  #waiting: (readonly CarriedOut[])[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(warehouse: TestDataWarehouse) {
    this.#warehouse = warehouse;
  }

  /** @param parts of one table */
  add(parts: readonly CarriedOut[]): void {
    if (!parts.some(({ rows }) => rows)) return;
    this.#waiting.push(parts);
    if (this.#waiting.length >= tablesTogether) this.readNow();
    else this.#timer ??= setTimeout(() => this.readNow(), waitsMs);
  }

  /** No further table is waited for. */
  readNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const tables = this.#waiting;
    this.#waiting = [];
    if (tables.length > 0) this.#reading.push(noteVersions(this.#warehouse, tables));
  }

  /** Never rejects. */
  async read(): Promise<void> {
    this.readNow();
    await Promise.all(this.#reading);
  }
}

/** Never rejects. */
async function noteVersions(warehouse: TestDataWarehouse, tables: readonly (readonly CarriedOut[])[]): Promise<void> {
  const questions = tables.flatMap((parts) =>
    parts.slice(0, 1).map(({ table: { table } }) => ({ table, limit: versionsLookedAt + parts.length - 1 })),
  );
  const histories = await askHistories(warehouse, questions, "change");
  // The last part first, because its version is the newest: so parts of equally many rows get a version each.
  for (const part of tables.flatMap((parts) => parts.toReversed())) noteVersion(part, histories.get(part.table.table));
}

/** Compares the count with the table's history and stores what undo needs. */
function noteVersion({ table, selection, entry, rows }: CarriedOut, history: Row[] | Error = []): void {
  if (rows === undefined || rows === 0) return;
  try {
    if (history instanceof Error) throw history;
    const known = new Set(entry.deletions?.map((deletion) => deletion.version));
    const version = deletesIn(history, rows).find((one) => !known.has(one));
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
