import type { RefreshResult } from "../../model/staging.ts";
import type { CopyWarehouse, WarehouseReader } from "../../warehouse/access.ts";
import { changeAgain } from "./again.ts";
import { recordsSchema, sqlName, sqlText } from "./names.ts";
import { detailOf, hasReached, unfinishedRefreshes } from "./state.ts";

/** The dated records of refreshes in the copy itself: `env_actions.refreshes`. They have counts and names, never values. */

export interface RefreshRecord extends RefreshResult {
  /** ISO 8601, of the original's warehouse. */
  endedAt: string;
  principal: string;
  original: string;
}

const table = "refreshes";

export async function writeRecord(warehouse: CopyWarehouse, copy: string, record: RefreshRecord): Promise<void> {
  const name = sqlName(copy, recordsSchema, table);
  await changeAgain(warehouse, `CREATE SCHEMA IF NOT EXISTS ${sqlName(copy, recordsSchema)}`);
  await changeAgain(warehouse, `CREATE TABLE IF NOT EXISTS ${name} (id STRING, at TIMESTAMP, switched BOOLEAN, record STRING)`);
  await changeAgain(
    warehouse,
    `INSERT INTO ${name} SELECT :id, current_timestamp(), :switched, :record WHERE NOT EXISTS (SELECT 1 FROM ${name} WHERE id = :id)`,
    { id: record.id, switched: record.switched, record: JSON.stringify(record) },
  );
}

export interface LastRefresh {
  /** The newest that the copy has; undefined if there was none. */
  switched?: RefreshRecord;
  /** A later one that a check stopped. */
  failed?: RefreshRecord;
  /** One that was cut short. `halfSwitched`: some tables of the copy are older than others until the next refresh completes it. */
  unfinished?: { id: string; since: string; halfSwitched: boolean };
}

/** What is known of the copy's refreshes, for preflight. */
export async function lastRefresh(reader: WarehouseReader, copy: string): Promise<LastRefresh> {
  const [records, unfinished] = await Promise.all([readRecords(reader, copy), unfinishedRefreshes(reader, copy)]);
  const [newest] = records;
  const switched = records.find((record) => record.switched);
  const open = unfinished.findLast(({ reached }) => reached.length > 0);
  return {
    ...(switched ? { switched } : {}),
    ...(newest && !newest.switched ? { failed: newest } : {}),
    ...(open
      ? {
          unfinished: {
            id: open.id,
            since: detailOf<{ startedAt: string }>(open, "begun")?.startedAt ?? new Date(open.reached[0]?.at ?? 0).toISOString(),
            halfSwitched: hasReached(open, "switching") && !hasReached(open, "switched"),
          },
        }
      : {}),
  };
}

/** The newest of each outcome, newest first. */
async function readRecords(reader: WarehouseReader, copy: string): Promise<RefreshRecord[]> {
  const found = await reader.query(
    `SELECT table_name FROM ${sqlName(copy, "information_schema", "tables")} WHERE table_schema = ${sqlText(recordsSchema)} AND table_name = ${sqlText(table)}`,
  );
  if (found.length === 0) return [];
  const rows = await reader.query(
    `SELECT record FROM ${sqlName(copy, recordsSchema, table)} QUALIFY row_number() OVER (PARTITION BY switched ORDER BY at DESC) = 1 ORDER BY at DESC`,
  );
  return rows.map(({ record }) => JSON.parse(String(record)) as RefreshRecord);
}
