import type { Table, TableColumn, Version } from "./catalog.ts";
import { identifier } from "./duckdb.ts";
import { SqlError } from "./errors.ts";
import { duckDbType } from "./types.ts";

/**
 * A table's current rows are in a plain DuckDB table of its name, or behind a view of it (`shared-rows.ts`); what each version removed and added is recorded separately. An
 * older version is the current rows, plus what was removed since, minus what was added since (as bags). So a version costs as
 * much as it changed, and reading the newest costs nothing extra. When ALTER changes the columns, the rows of that moment are kept
 * as they were, and the versions before it are computed from those in the same way.
 */

/** The schema, in each catalog, for the changes of each version. Client statements cannot name it. */
export const historySchema = "__history";

/** The table with the newest rows. */
export function liveRows(table: Table): string {
  return [table.catalog, table.schema, table.name].map(identifier).join(".");
}

/** @param layout an index of `Table.earlier`, or the next one for the current columns */
function changes(table: Table, layout = table.earlier.length): string {
  // By the table's id, because it may get another name.
  return [table.catalog, historySchema, `${table.id} changes ${layout}`].map(identifier).join(".");
}

/** The rows of the last version that had these columns. */
function lastRows(table: Table, layout: number): string {
  return [table.catalog, historySchema, `${table.id} rows ${layout}`].map(identifier).join(".");
}

export function createTableSql(table: Table, columns: readonly TableColumn[] = table.columns): string {
  const definitions = columns.map(
    (column) => `${identifier(column.name)} ${duckDbType(column.type)}${column.nullable ? "" : " NOT NULL"}`,
  );
  return `CREATE TABLE ${liveRows(table)} (${definitions.join(", ")})`;
}

export function dropTableSql(table: Table): string {
  const kept = table.earlier.flatMap((_, layout) => [lastRows(table, layout), changes(table, layout)]);
  return [
    `DROP ${table.shared ? "VIEW" : "TABLE"} ${liveRows(table)}`,
    ...[changes(table), ...kept].map((name) => `DROP TABLE IF EXISTS ${name}`),
  ].join("; ");
}

/**
 * Gives the table other columns.
 * @param rows computes the new rows from a relation with those until now
 */
export function reshapeSql(table: Table, columns: readonly TableColumn[], rows: (until: string) => string): string {
  const kept = lastRows(table, table.earlier.length);
  return `CREATE TABLE ${kept} AS FROM ${liveRows(table)}; DROP TABLE ${liveRows(table)}; ${createTableSql(table, columns)};
    INSERT INTO ${liveRows(table)} ${rows(kept)}`;
}

/** Records the rows (a SELECT) that a version adds, before they are added, so that the SELECT runs once. */
export function recordAddedSql(table: Table, version: number, rows: string): string {
  return recordSql(table, version, true, rows);
}

/** The rows that a version adds, once they are recorded. */
export function addedRows(table: Table, version: number): string {
  return `SELECT * EXCLUDE (__version, __added) FROM ${changes(table)} WHERE __added AND __version = ${version}`;
}

/** Adds the recorded rows of a version. */
export function addSql(table: Table, version: number): string {
  return `INSERT INTO ${liveRows(table)} ${addedRows(table, version)}`;
}

/** Removes the rows listed by `__row` in the temporary table `touched`, as the given version. */
export function removeSql(table: Table, version: number): string {
  return `DELETE FROM ${liveRows(table)} WHERE rowid IN (SELECT __row FROM touched);
    ${recordSql(table, version, false, "SELECT * EXCLUDE (__row) FROM touched")}`;
}

/** Created at the first change, because most tables never change. */
function recordSql(table: Table, version: number, added: boolean, rows: string): string {
  return `CREATE TABLE IF NOT EXISTS ${changes(table)} AS SELECT 0 AS __version, true AS __added, * FROM ${liveRows(table)} LIMIT 0;
    INSERT INTO ${changes(table)} SELECT ${version}, ${added}, * FROM (${rows})`;
}

export function lastRemovedSql(table: Table): string {
  return `SELECT * EXCLUDE (__version, __added) FROM ${changes(table)} WHERE NOT __added AND __version = ${table.history.length - 1}`;
}

/** The columns that a table had at a version. */
export function columnsAtVersion(table: Table, version: number): TableColumn[] {
  return table.earlier.find((layout) => version <= layout.until)?.columns ?? table.columns;
}

/**
 * A SELECT of all rows as of a version, with the columns of that time.
 * @throws SqlError DELTA_VERSION_NOT_FOUND
 */
export function rowsAtVersion(table: Table, version: number): string {
  const newest = table.history.length - 1;
  const found = table.earlier.findIndex((earlier) => version <= earlier.until);
  const layout = found === -1 ? table.earlier.length : found;
  const until = table.earlier[layout]?.until ?? newest;
  const columns = columnsAtVersion(table, version)
    .map((column) => identifier(column.name))
    .join(", ");
  const live = `SELECT ${columns} FROM ${found === -1 ? liveRows(table) : lastRows(table, layout)}`;
  if (version >= 0 && version <= table.emptyUntil) return `(${live} WHERE false)`;
  if (version < table.readableFrom || version > newest)
    throw new SqlError(
      "DELTA_VERSION_NOT_FOUND",
      "22003",
      `Cannot time travel Delta table to version ${version}. Available versions: [${table.readableFrom}, ${newest}].`,
    );
  const wording = table.vacuumed.get(version);
  if (wording) throw fileNotFound(table, wording);
  // Without changes since, there is no record to read.
  if (table.history.slice(version + 1, until + 1).every((later) => later.rowsChanged === 0)) return `(${live})`;
  const since = (added: boolean): string =>
    `SELECT ${columns} FROM ${changes(table, layout)} WHERE __added = ${added} AND __version > ${version}`;
  return `((${live} UNION ALL ${since(false)}) EXCEPT ALL ${since(true)})`;
}

function fileNotFound(table: Table, wording: "databricks" | "spark"): SqlError {
  const path = `/${table.id}/part-00000-${table.id}-c000.snappy.parquet`;
  const [errorClass, first] =
    wording === "spark"
      ? ["FAILED_READ_FILE.FILE_NOT_EXIST", `Encountered error while reading file file:${path}.`]
      : ["FAILED_READ_FILE.DBR_FILE_NOT_EXIST", `Error while reading file s3:/${path}.`];
  return new SqlError(
    errorClass,
    "KD001",
    `${first} File does not exist. It is possible the underlying files have been updated.\nYou can explicitly invalidate the cache in Spark by running 'REFRESH TABLE tableName' command in SQL or by recreating the Dataset/DataFrame involved.`,
  );
}

/** Whether a version took files from the table: every change but an addition does. */
export function removesFiles({ operation, parameters, rowsChanged }: Version): boolean {
  if (operation === "RESTORE") return true;
  return rowsChanged > 0 && !(operation === "WRITE" && parameters.mode !== "Overwrite");
}

/**
 * The newest version at a time (milliseconds since 1970).
 * @throws SqlError DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION, or DELTA_TIMESTAMP_GREATER_THAN_COMMIT
 */
export function versionAt(table: Table, at: number): number {
  const found = table.history.findLastIndex((version) => version.at <= at);
  const [first, last] = [table.history.at(table.loggedFrom)?.at ?? 0, table.history.at(-1)?.at ?? 0];
  if (found < table.loggedFrom)
    throw new SqlError(
      "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION",
      "42816",
      `The provided timestamp (${iso(at)}) is before the earliest version available to this table (${iso(first)}).`,
    );
  if (at > last)
    throw new SqlError(
      "DELTA_TIMESTAMP_GREATER_THAN_COMMIT",
      "42816",
      `The provided timestamp (${iso(at)}) is after the latest version available to this table (${iso(last)}).`,
    );
  return found;
}

export function newVersion(
  author: { user: string },
  operation: string,
  rowsChanged: number,
  details: Partial<Version> & Pick<Version, "at">,
): Version {
  return { user: author.user, operation, rowsChanged, parameters: {}, metrics: {}, ...details };
}

function iso(at: number): string {
  return new Date(at).toISOString().replace("T", " ").replace("Z", "");
}
