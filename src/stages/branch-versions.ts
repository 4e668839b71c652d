import { changeOf } from "../cleanup/books/history.ts";
import { askHistories } from "../cleanup/tables/history.ts";
import type { Amount, Isolation } from "../model/test-data.ts";
import type { TableSince } from "../staging/branch/shared.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import type { Row } from "../warehouse/connection.ts";

/** What happened to tables since a version, by their own histories. */

export interface VersionsSince {
  tables: (TableSince & { rows: Row[] })[];
  /** `schema.table` → why its versions are unknown. */
  unread: Map<string, string>;
}

/** Versions to read at first; most tables have fewer. */
const firstLook = 20;
const growth = 8;
const mostVersions = 12_800;

/**
 * Every version since the start, also those that changed no row. Never rejects.
 * @param starts `schema.table` → its version at the start; undefined: it didn't exist
 */
export async function versionsSince(
  warehouse: WarehouseReader,
  starts: ReadonlyMap<string, number | undefined>,
): Promise<VersionsSince> {
  const since: VersionsSince = { tables: [], unread: new Map() };
  let open = [...starts.keys()];
  for (let limit = firstLook; open.length > 0; limit *= growth) {
    const answers = await askHistories(
      warehouse,
      open.map((table) => ({ table, limit, from: starts.get(table) })),
      "change",
    );
    open = open.filter((table) => {
      const answer = answers.get(table) ?? new Error("no answer");
      const from = starts.get(table);
      const rows = answer instanceof Error ? [] : answer;
      const oldest = Number(rows.at(-1)?.version);
      const isWhole = from === undefined ? oldest === 0 : rows.some((row) => Number(row.version) === from);
      if (answer instanceof Error) since.unread.set(table, answer.message);
      else if (isWhole) since.tables.push(tableSince(table, from, rows));
      else if (rows.length >= limit && limit < mostVersions) return true;
      else
        since.unread.set(
          table,
          "its history does not reach back to the start of the run: it was made anew, or its log was shortened",
        );
      return false;
    });
  }
  return since;
}

function tableSince(table: string, from: number | undefined, rows: Row[]): VersionsSince["tables"][number] {
  const newer = rows.filter((row) => from === undefined || Number(row.version) > from);
  return {
    table,
    from,
    to: Number(rows[0]?.version),
    versions: newer.map((row) => ({
      version: Number(row.version),
      user: String(row.userName ?? ""),
      operation: String(row.operation ?? ""),
    })),
    rows: newer,
  };
}

/** What was written to a branch, whose tables began with version 0; undefined if not all of it could be read. */
export function writtenTo({ tables, unread }: VersionsSince): Isolation["written"] {
  if (unread.size > 0) return undefined;
  const changed = tables.filter(({ versions }) => versions.length > 0);
  const inserted = changed.flatMap(({ rows }) => rows.map((row) => changeOf(row).inserted));
  const least = inserted.reduce<number>((sum, rows) => sum + (rows ?? 0), 0);
  const rows: Amount = { least, most: inserted.includes(undefined) ? null : least };
  return { tables: changed.length, rows };
}
