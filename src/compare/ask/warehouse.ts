import { inParallel } from "../../lib/in-parallel.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import type { Row } from "../../warehouse/connection.ts";
import type { WarehouseDescription } from "../../warehouse/credential.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { qualifiedName, quoteName } from "../../warehouse/statements.ts";
import type { Shape, Told } from "../facts.ts";

/** What a warehouse says of itself and of its tables to a reader. Counts only: no statement here selects a value of a row. */

/**
 * @param description of the warehouse's settings, or why they cannot be read
 * @throws WarehouseFailure if it can't be asked at all
 */
export async function warehouseFacts(
  warehouse: WarehouseReader,
  description: WarehouseDescription | string,
): Promise<Record<string, Told>> {
  return { version: await versionOf(warehouse), ...settingsOf(description) };
}

async function versionOf(warehouse: WarehouseReader): Promise<Told> {
  try {
    const [row] = await warehouse.query(
      "SELECT coalesce(current_version().dbsql_version, current_version().dbr_version) AS version",
    );
    return typeof row?.version === "string" ? { is: row.version } : { unknown: "the warehouse names none" };
  } catch (error) {
    return unknown(error);
  }
}

function settingsOf(description: WarehouseDescription | string): Record<string, Told> {
  const words = ["size", "channel", "type", "serverless", "most clusters"] as const;
  if (typeof description === "string") return Object.fromEntries(words.map((word) => [word, { unknown: description }]));
  const { size, channel, type, serverless, mostClusters } = description;
  const values = { size, channel, type, serverless: serverless === undefined ? undefined : serverless ? "yes" : "no" };
  return Object.fromEntries(
    Object.entries({ ...values, "most clusters": mostClusters }).map(([word, is]): [string, Told] => [
      word,
      is === undefined ? { unknown: "its REST API doesn't say it" } : { is },
    ]),
  );
}

/** Statements have a limit, and a batch that fails is asked again in single ones. */
const tablesPerStatement = 50;
const atOnce = 4;

/** The types of `information_schema.tables` that have rows of their own. */
const withRows = "'MANAGED', 'EXTERNAL', 'BASE TABLE', 'MANAGED_SHALLOW_CLONE', 'EXTERNAL_SHALLOW_CLONE', 'STREAMING_TABLE'";

/**
 * How many rows each table has that this principal sees, and how large it is.
 * @throws WarehouseFailure if the tables can't be listed
 */
export async function shapeOf(warehouse: WarehouseReader, { sizes }: { sizes: boolean }): Promise<Shape> {
  const [tables, filtered] = await Promise.all([tablesOf(warehouse), filteredTables(warehouse)]);
  const countable = tables.filter((table) => !filtered.has(table));
  const rows = new Map<string, Told>(
    tables.map((table) => [table, { unknown: "it has a row filter, which may hide rows from this principal" }]),
  );
  const batches = Array.from({ length: Math.ceil(countable.length / tablesPerStatement) }, (_, index) =>
    countable.slice(index * tablesPerStatement, (index + 1) * tablesPerStatement),
  );
  await inParallel(atOnce, batches, async (batch) => {
    for (const [table, told] of await countRows(warehouse, batch)) rows.set(table, told);
  });
  if (!sizes) return { rows };
  const bytes = new Map<string, Told>();
  await inParallel(atOnce, tables, async (table) => void bytes.set(table, await sizeOf(warehouse, table)));
  return { rows, sizes: bytes };
}

async function tablesOf(warehouse: WarehouseReader): Promise<string[]> {
  const found = await warehouse.query(
    `SELECT table_schema, table_name FROM ${quoteName(warehouse.catalog)}.information_schema.tables WHERE table_type IN (${withRows}) AND table_schema <> 'information_schema'`,
  );
  return found.map(nameOf).sort();
}

/** A warehouse without Unity Catalog has no such view, and no row filters. If the view can't be read for another reason, all are doubted. */
async function filteredTables(warehouse: WarehouseReader): Promise<ReadonlySet<string>> {
  try {
    const found = await warehouse.query(
      `SELECT schema_name AS table_schema, table_name FROM ${quoteName(warehouse.catalog)}.information_schema.row_filters`,
    );
    return new Set(found.map(nameOf));
  } catch (error) {
    if (error instanceof WarehouseFailure && notThere.has(error.sqlState ?? "")) return new Set();
    throw error;
  }
}

/** SQLSTATEs of a table and of a schema that don't exist. */
const notThere: ReadonlySet<string> = new Set(["42P01", "42704"]);

function nameOf({ table_schema, table_name }: Row): string {
  return `${String(table_schema)}.${String(table_name)}`;
}

/** One statement for all. If one of the tables refuses, each is asked alone. */
async function countRows(warehouse: WarehouseReader, tables: readonly string[]): Promise<[table: string, told: Told][]> {
  const counts = tables.map(
    (table, index) => `SELECT ${index} AS place, count(*) AS found FROM ${qualifiedName(warehouse.catalog, table)}`,
  );
  try {
    const found = await warehouse.query(counts.join(" UNION ALL "));
    const byPlace = new Map(found.map(({ place, found: rows }) => [Number(place), Number(rows)]));
    return tables.map((table, index) => [table, numberTold(byPlace.get(index))]);
  } catch (error) {
    const [only] = tables;
    if (tables.length === 1 && only !== undefined) return [[only, unknown(error)]];
    const each: [string, Told][] = [];
    for (const table of tables) each.push(...(await countRows(warehouse, [table])));
    return each;
  }
}

async function sizeOf(warehouse: WarehouseReader, table: string): Promise<Told> {
  try {
    const [row] = await warehouse.query(`DESCRIBE DETAIL ${qualifiedName(warehouse.catalog, table)}`);
    return numberTold(row?.sizeInBytes === null || row?.sizeInBytes === undefined ? undefined : Number(row.sizeInBytes));
  } catch (error) {
    return unknown(error);
  }
}

function numberTold(value: number | undefined): Told {
  return value === undefined || Number.isNaN(value) ? { unknown: "the warehouse gave no number" } : { is: value };
}

/** A cancelled or lost connection ends the whole question; a refusal concerns this one. @throws the error itself otherwise */
function unknown(error: unknown): Told {
  if (!(error instanceof WarehouseFailure) || !refusals.has(error.kind)) throw error;
  return { unknown: error.message };
}

const refusals: ReadonlySet<string> = new Set(["denied", "statement"]);
