import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Catalogs, fullName, type Table } from "../../local/warehouse/catalog.ts";
import { identifier } from "../../local/warehouse/duckdb.ts";
import { tableName } from "../../local/warehouse/names.ts";
import type { ResultSet } from "../../local/warehouse/results.ts";
import type { Execute, Parameter, Session } from "../../local/warehouse/session.ts";
import { parseStatement } from "../../local/warehouse/sql/parse-statement.ts";
import type { Storage } from "../../local/warehouse/storage.ts";
import { typeName } from "../../local/warehouse/types.ts";
import { columnsAtVersion, liveRows, rowsAtVersion } from "../../local/warehouse/versions.ts";
import { type LocalAnswer, localAnswer } from "./compare.ts";
import { namedTables, shapeOf } from "./shape.ts";

/**
 * With `LOCAL_WAREHOUSE_WATCH` set to this module, the tests leave each shape of statement that they send in a folder: one statement,
 * the rows of its tables at that moment, and the local warehouse's answer. `shapes.delta.test.ts` runs them on Spark with Delta.
 */

/** All that a statement needs to run again elsewhere. */
export interface Recorded {
  /** Milliseconds since 1970, when the statement ran. */
  at: number;
  /** Without a comment in front. */
  sql: string;
  parameters: Parameter[];
  catalog: string;
  schema: string;
  tables: RecordedTable[];
  answer: LocalAnswer;
  /** Of a write: all rows of its table afterwards. */
  written?: { table: string; after: LocalAnswer };
}

export interface RecordedTable {
  /** `catalog.schema.table`, in lower case. */
  name: string;
  /** With the types in Databricks' notation. */
  columns: [name: string, type: string][];
  /** Oldest first; rows are one JSON object each. */
  older: { version: number; rows: string[] }[];
  /** The newest rows. Absent if the statement only reads older versions. */
  rows?: string[];
}

export const recordingFolder = join(import.meta.dirname, "..", "..", ".cache", "delta", "recorded");

/**
 * Spark and Delta alone don't have these: Unity Catalog's own tables and functions, its details, history inside of queries, and
 * subqueries in DELETE and UPDATE. What is random differs each time.
 */
export const notOnSpark =
  /information_schema|current_user\(\)|current_(catalog|schema|version)\(\)|is_account_group_member|is_member\(|\buuid\(|\bsecret\(|\(DESCRIBE HISTORY|TIMESTAMP AS OF|^(SHOW|DESCRIBE (DETAIL|TABLE|EXTENDED)|SET|USE|EXPLAIN)\b|^(DELETE|UPDATE)\b[\s\S]*\(SELECT\b/i;
/** The structure of tables, and Unity Catalog: tests make their worlds with these, and `staging.delta.test.ts` replays those of the product. */
export const ofTests = /^(CREATE|DROP|RESTORE|TRUNCATE|ALTER|COMMENT|GRANT|REVOKE|SET TAG|UNSET TAG)\b/i;
/** Loading more rows would take longer than all the rest. A statement of that shape on fewer rows is found elsewhere. */
const mostRows = 1000;
const mostText = 50_000;

/** Is this part of a shape recorded? Processes share the answer by files. */
const known = new Set<string>();

export function watch(execute: Execute, world: World): Execute {
  return async (session, sql, parameters, signal) => {
    const text = sql.replace(/^\s*\/\*.*?\*\/\s*/s, "");
    const fresh = notOnSpark.test(text) || ofTests.test(text) ? [] : newPartsOf(text);
    if (fresh.length === 0) return await execute(session, sql, parameters, signal);
    if (sizeOf(text, parameters) > mostText)
      return leaveOut(fresh, "long lists", await execute(session, sql, parameters, signal));
    const { catalog, schema } = session;
    const isWrite = !/^(\(|SELECT|WITH|VALUES|DESCRIBE)/i.test(text);
    const before = await contentOf(text, session, isWrite, world);
    const result = await execute(session, sql, parameters, signal);
    if ("missed" in before) return leaveOut(fresh, before.missed, result);
    const target = isWrite ? before.tables[0] : undefined;
    try {
      const after = target && (await world.storage.read(`SELECT * FROM ${liveRows(target)}`, new AbortController().signal));
      // If another statement wrote at the same time, the answer may be of other rows than those that were read before.
      const isDisturbed = before.tables.some((table, index) => {
        const more = table.history.length - (before.versions[index] ?? 0);
        return more > (table === target ? 1 : 0);
      });
      if (isDisturbed) return leaveOut(fresh, "another statement wrote at the same time", result);
      if (/^DELETE\b/i.test(text) && !countsRight(result, before.content[0], after))
        return leaveOut(fresh, "a fault of the test's own", result);
      keep(fresh, {
        at: Date.now(),
        sql: text,
        parameters: [...parameters],
        catalog,
        schema,
        tables: before.content,
        answer: localAnswer(result),
        ...(target && after ? { written: { table: nameOf(target), after: localAnswer(after) } } : {}),
      });
      return result;
    } catch (error) {
      // The test goes on as if nobody had looked.
      return leaveOut(fresh, `cannot be written down: ${String(error).split("\n", 1)[0]}`, result);
    }
  };
}

/** Some tests let the warehouse count wrongly. */
function countsRight(deleted: ResultSet, before: RecordedTable | undefined, after: ResultSet | undefined): boolean {
  return Number(deleted.values[0]?.[0]) === (before?.rows?.length ?? 0) - (after?.rowCount ?? 0);
}

/** Says why a shape is not recorded from this statement; another one may still bring it. */
function leaveOut(fresh: readonly string[], why: string, result: ResultSet): ResultSet {
  mkdirSync(recordingFolder, { recursive: true });
  for (const part of fresh) writeFileSync(join(recordingFolder, `${part}.missed`), why);
  return result;
}

function newPartsOf(text: string): string[] {
  try {
    return shapeOf(text)
      .map((part) => createHash("sha256").update(part).digest("hex").slice(0, 20))
      .filter((part) => !isKnown(part));
  } catch {
    // The statement will be refused, with the reason.
    return [];
  }
}

function isKnown(part: string): boolean {
  if (!known.has(part) && existsSync(join(recordingFolder, `${part}.part`))) known.add(part);
  return known.has(part);
}

function keep(fresh: readonly string[], recorded: Recorded): void {
  mkdirSync(recordingFolder, { recursive: true });
  for (const part of fresh) {
    known.add(part);
    writeFileSync(join(recordingFolder, `${part}.part`), "");
  }
  writeFileSync(join(recordingFolder, `${fresh[0]}.json`), JSON.stringify(recorded));
}

interface World {
  catalogs: Catalogs;
  storage: Storage;
}

interface Content {
  tables: Table[];
  /** How long each table's history was. */
  versions: number[];
  content: RecordedTable[];
}

/** @returns the reason if Delta alone cannot have such tables, or they have too many rows */
async function contentOf(
  sql: string,
  session: Session,
  isWrite: boolean,
  { catalogs, storage }: World,
): Promise<Content | { missed: string }> {
  const found: Content = { tables: [], versions: [], content: [] };
  let rowsLeft = mostRows;
  for (const { name, isLive, versions } of namedTables(parseStatement(sql))) {
    const table = catalogs.findTable(tableName(session, name));
    if (!table) return { missed: "a table that is none" };
    const missed = cannotBeCopied(table, isWrite && found.tables.length === 0, versions);
    if (missed) return { missed };
    found.tables.push(table);
    found.versions.push(table.history.length);
    const rowsOf = async (relation: string): Promise<string[]> => {
      const rows = await storage.query(
        `SELECT to_json(t)::VARCHAR AS row FROM ${inJson(table, relation)} AS t LIMIT ${rowsLeft + 1}`,
      );
      rowsLeft -= rows.length;
      return rows.map(({ row }) => String(row));
    };
    try {
      const older: RecordedTable["older"] = [];
      for (const version of versions) older.push({ version, rows: await rowsOf(rowsAtVersion(table, version)) });
      found.content.push({
        name: nameOf(table),
        columns: table.columns.map((column) => [column.name, typeName(column.type)]),
        older,
        ...(isLive ? { rows: await rowsOf(liveRows(table)) } : {}),
      });
    } catch (error) {
      return { missed: `its rows could not be read: ${String(error).split("\n", 1)[0]}` };
    }
    if (rowsLeft < 0) return { missed: `more than ${mostRows} rows` };
    if (hasFarTimes(found.content)) return { missed: "times that Python cannot read" };
    if (hasVariantNull(found.content)) return { missed: "a VARIANT that is NULL, or has JSON's null" };
  }
  return found;
}

/** Spark reads BINARY in JSON as base64. */
function inJson({ columns }: Table, relation: string): string {
  const binary = columns
    .filter(({ type }) => type.kind === "primitive" && type.name === "binary")
    .map(({ name }) => identifier(name));
  return binary.length === 0
    ? relation
    : `(SELECT * REPLACE (${binary.map((name) => `base64(${name}) AS ${name}`).join(", ")}) FROM ${relation})`;
}

function sizeOf(text: string, parameters: readonly Parameter[]): number {
  return parameters.reduce((size, { value }) => size + (value?.length ?? 0), text.length);
}

/** Python's times begin with year 1 and end with 9999, and near the ends it cannot convert them. */
function hasFarTimes(tables: readonly RecordedTable[]): boolean {
  const rows = tables.flatMap((table) => [...(table.rows ?? []), ...table.older.flatMap((older) => older.rows)]);
  return rows.some((row) => /\(BC\)"|"0\d{3}-\d\d-\d\d |"\d{5,}-\d\d-/.test(row));
}

/** Written as JSON, both are null: which of them the copy must have can't be told. */
function hasVariantNull(tables: readonly RecordedTable[]): boolean {
  return tables.some(({ columns, rows = [], older }) => {
    const nulls = columns.filter(([, type]) => type === "variant").map(([name]) => `${JSON.stringify(name)}:null`);
    return [...rows, ...older.flatMap((version) => version.rows)].some((row) => nulls.some((none) => row.includes(none)));
  });
}

function cannotBeCopied(table: Table, isWritten: boolean, versions: readonly number[]): string | undefined {
  if (table.view) return "a view";
  if (table.rowFilter || table.masks.size > 0) return "a row filter or mask";
  if (versions.some((version) => columnsAtVersion(table, version) !== table.columns)) return "other columns at that version";
  const hasRules =
    table.constraints.size > 0 || table.columns.some((column) => column.default ?? column.generated ?? column.identity);
  return isWritten && hasRules ? "a write to columns with defaults or rules" : undefined;
}

function nameOf({ catalog, schema, name }: Table): string {
  return fullName({ catalog, schema, table: name }).toLowerCase();
}
