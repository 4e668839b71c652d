import type { WarehouseReader } from "../../warehouse/access.ts";
import { columnAsText } from "../../warehouse/comparison.ts";
import { qualifiedName, quoteName } from "../../warehouse/statements.ts";
import type { ContentCounts } from "./replay.ts";

/** A table, and how to tell its rows apart. */
export interface ReadableTable {
  table: string;
  /** Column → type, in upper case. */
  columns: ReadonlyMap<string, string>;
  /** The column that identifies a row; empty if there is none. */
  key: string;
  /** Columns that point at rows of declared tables → those tables. */
  parents: Readonly<Record<string, string>>;
}

/** A version of a table; `undefined`: before the table existed. */
export type VersionAt = number | undefined;

/** Versions per statement; each is a scan of its own. */
const mostAtOnce = 24;
/** The most differing contents that are held in memory. */
const mostContents = 200_000;

/** A column's value as text that differs whenever the value differs. Needed because rows with MAP columns cannot be compared. */
function textOf(column: string, type: string): string {
  const name = quoteName(column);
  if (/^(MAP|ARRAY|STRUCT|VARIANT)\b/.test(type)) return `to_json(${name})`;
  if (/^BINARY\b/.test(type)) return `hex(${name})`;
  return /^STRING$/.test(type) ? name : `CAST(${name} AS STRING)`;
}

const complex = /^(MAP|ARRAY|STRUCT|VARIANT|BINARY)\b/;

/** As a member of a JSON object: JSON keeps numbers, texts, dates and booleans distinct. */
function memberOf(column: string, type: string): string {
  // Timestamps become numbers: as text they are cut to milliseconds, or depend on the time zone.
  if (/^TIMESTAMP(_LTZ)?$/.test(type)) return `unix_micros(${quoteName(column)})`;
  const plain = /^(STRING|TINYINT|SMALLINT|INT|INTEGER|BIGINT|LONG|BOOLEAN|FLOAT|DOUBLE|DECIMAL\b.*|DATE)$/.test(type);
  return plain ? quoteName(column) : textOf(column, type);
}

function objectOf(columns: readonly (readonly [string, string])[]): string {
  return `to_json(named_struct(${columns.map(([column, type], index) => `'c${index}', ${memberOf(column, type)}`).join(", ")}))`;
}

/** A hash of the whole row. */
function wholeOf(columns: ReadonlyMap<string, string>): string {
  return `md5(${objectOf([...columns])})`;
}

/**
 * What identifies the unchanged parts of a changed row: a hash per text column, and one for all other columns. A hash per number
 * would take longer to plan than to read.
 */
function partsOf(columns: ReadonlyMap<string, string>): string {
  const isPart = (type: string) => type === "STRING" || complex.test(type);
  const others = [...columns].filter(([, type]) => !isPart(type));
  const texts = [
    ...[...columns].filter(([, type]) => isPart(type)).map(([column, type]) => textOf(column, type)),
    ...(others.length > 0 ? [objectOf(others)] : []),
  ];
  return `concat(${texts.map((text) => `coalesce(substring(md5(${text}), 1, 8), '-')`).join(", ',', ")}, '')`;
}

function keyOf({ key, columns }: ReadableTable): string {
  const type = columns.get(key);
  return type === undefined ? "CAST(NULL AS STRING)" : columnAsText(key, type);
}

function relation(warehouse: WarehouseReader, table: string, version: number): string {
  return `${qualifiedName(warehouse.catalog, table)} VERSION AS OF ${Math.trunc(version)}`;
}

/** The row counts of a table at these versions; Delta knows them without reading rows. @throws WarehouseFailure */
export async function rowCounts(warehouse: WarehouseReader, table: string, versions: readonly VersionAt[]): Promise<number[]> {
  const asked = versions.flatMap((version, index) =>
    version === undefined ? [] : [`SELECT ${index} AS asked, count(*) AS n FROM ${relation(warehouse, table, version)}`],
  );
  const counts = versions.map(() => 0);
  if (asked.length === 0) return counts;
  for (const row of await warehouse.query(asked.join(" UNION ALL "))) counts[Number(row.asked)] = Number(row.n);
  return counts;
}

/** Whether two versions of a table have the same rows. @throws WarehouseFailure */
export async function isAlike(
  warehouse: WarehouseReader,
  { table, columns }: ReadableTable,
  before: number,
  after: number,
): Promise<boolean> {
  const rows = (version: number, sign: 1 | -1) =>
    `SELECT ${wholeOf(columns)} AS content, ${sign} AS more FROM ${relation(warehouse, table, version)}`;
  const differing = await warehouse.query(
    `SELECT content FROM (SELECT content, sum(more) AS more FROM (${rows(before, -1)} UNION ALL ${rows(after, 1)}) AS versions GROUP BY content) AS counted WHERE more <> 0 LIMIT 1`,
  );
  return differing.length === 0;
}

/**
 * What differs between versions of a table: each content, with how many rows have it in each version.
 * @throws WarehouseFailure; Error if too much differs
 */
export async function differences(
  warehouse: WarehouseReader,
  readable: ReadableTable,
  versions: readonly VersionAt[],
): Promise<ContentCounts[]> {
  const known = new Map<string, { key: string | null; parts: string; counts: (number | undefined)[] }>();
  for (let first = 0; first < versions.length - 1; first += mostAtOnce - 1) {
    const some = versions.slice(first, first + mostAtOnce);
    const rows = await warehouse.query(differenceSql(warehouse, readable, some));
    if (rows.length > mostContents) throw new Error(`more than ${mostContents} of its rows differ`);
    for (const row of rows) {
      const content = String(row.content);
      const entry = known.get(content) ?? {
        key: row.row_key === null || row.row_key === undefined ? null : String(row.row_key),
        parts: String(row.parts),
        counts: versions.map(() => undefined),
      };
      some.forEach((_, index) => {
        entry.counts[first + index] = Number(row[`n${index}`]);
      });
      known.set(content, entry);
    }
  }
  // Gaps are filled with the count of the next version that shows the content, or of the last one.
  return [...known].map(([content, { key, parts, counts }]) => ({ content, key, parts, counts: filled(counts) }));
}

function filled(counts: readonly (number | undefined)[]): number[] {
  const first = counts.find((count) => count !== undefined) ?? 0;
  let last = first;
  return counts.map((count) => {
    last = count ?? last;
    return last;
  });
}

function differenceSql(warehouse: WarehouseReader, readable: ReadableTable, versions: readonly VersionAt[]): string {
  const columns = `${wholeOf(readable.columns)} AS content, ${keyOf(readable)} AS row_key, ${partsOf(readable.columns)} AS parts`;
  const branches = versions.flatMap((version, index) =>
    version === undefined ? [] : [`SELECT ${index} AS asked, ${columns} FROM ${relation(warehouse, readable.table, version)}`],
  );
  const counts = versions.map((_, index) => `sum(CASE WHEN asked = ${index} THEN 1 ELSE 0 END) AS n${index}`);
  const differ = versions.slice(1).map((_, index) => `n${index} <> n${index + 1}`);
  return `SELECT * FROM (SELECT content, max(row_key) AS row_key, max(parts) AS parts, ${counts.join(", ")} FROM (${branches.join(" UNION ALL ")}) AS versions GROUP BY content) AS counted WHERE ${differ.join(" OR ")} LIMIT ${mostContents + 1}`;
}

/** What a report says about an unexplained row. */
export interface RowDetails {
  /** Whether it contains the id of this run. */
  ofRun: boolean;
  /** The id of another run, in any column. */
  otherRun: string | undefined;
  /**
   * Whether the other run's id is in the row's own key or name. Elsewhere a real row may mention a run, or point at data that a
   * run left.
   */
  namedByOtherRun: boolean;
  /** Column → the id that it points at. */
  parents: Record<string, string>;
  /** The row's names and titles, by column. */
  texts: Record<string, string>;
}

/** A run id after a test prefix. The id alone proves nothing, because applications create ids of the same form. */
function anyRunId(prefixes: readonly string[]): string {
  const literals = prefixes.map((prefix) => prefix.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
  return `(${literals.join("|")})([0-9]{13}_[0-9a-f]{8})([^0-9a-f]|$)`;
}

const telling = /(^|_)(id|title|name|email|code|slug|subject)$/i;
const mostTexts = 6;

/** @param contents at most a few thousand @throws WarehouseFailure */
export async function detailsOf(
  warehouse: WarehouseReader,
  readable: ReadableTable,
  version: number,
  contents: readonly string[],
  { runId, prefixes }: { runId: string; prefixes: readonly string[] },
): Promise<Map<string, RowDetails>> {
  const { columns, key, parents } = readable;
  const texts = [...columns].filter(([, type]) => type === "STRING" || /^(MAP|ARRAY|STRUCT|VARIANT|VARCHAR|CHAR)\b/.test(type));
  const all = `concat(${texts.map(([column, type]) => `coalesce(${textOf(column, type)}, '')`).join(", ' ', ")}${texts.length > 0 ? ", " : ""}'')`;
  const pointing = Object.keys(parents).filter((column) => columns.has(column));
  const shown = texts.filter(([column, type]) => type === "STRING" && telling.test(column)).slice(0, mostTexts);
  const names = texts.filter(
    ([column, type]) =>
      type === "STRING" && (column === key || (telling.test(column) && !/_id$/i.test(column) && !(column in parents))),
  );
  const own = `concat(${[...names.map(([column]) => `coalesce(${quoteName(column)}, '')`), "''"].join(", ' ', ")})`;
  const asked = [
    `${wholeOf(columns)} AS content`,
    `CASE WHEN contains(${all}, :run) THEN 1 ELSE 0 END AS of_run`,
    `regexp_extract(replace(${all}, :run, ''), :pattern, 2) AS other_run`,
    `regexp_extract(replace(${own}, :run, ''), :pattern, 2) AS named_by`,
    ...pointing.map((column, index) => `${columnAsText(column, columns.get(column))} AS p${index}`),
    ...shown.map(([column], index) => `${quoteName(column)} AS t${index}`),
  ];
  const rows = await warehouse.query(
    `SELECT * FROM (SELECT ${asked.join(", ")} FROM ${relation(warehouse, readable.table, version)}) AS told WHERE content IN (SELECT explode(from_json(:contents, 'array<string>')))`,
    { run: runId, pattern: anyRunId(prefixes), contents: JSON.stringify(contents) },
  );
  const text = (value: unknown) => (value === null || value === undefined || value === "" ? undefined : String(value));
  const named = (names: readonly string[], row: Record<string, unknown>, prefix: string) =>
    Object.fromEntries(
      names.flatMap((name, index) => {
        const value = text(row[`${prefix}${index}`]);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  return new Map(
    rows.map((row) => [
      String(row.content),
      {
        ofRun: Number(row.of_run) === 1,
        otherRun: text(row.other_run),
        namedByOtherRun: text(row.named_by) !== undefined,
        parents: named(pointing, row, "p"),
        texts: named(
          shown.map(([column]) => column),
          row,
          "t",
        ),
      },
    ]),
  );
}

/**
 * Counts the rows of a version with the run's id in a key or name column; also for tables that others wrote to.
 * @param marker the parameter with the run's id
 * @returns the SELECT list and the rest; `undefined` if the table has no such column
 */
export function carryingRun(
  warehouse: WarehouseReader,
  { table, columns }: ReadableTable,
  version: number,
  marker: string,
): { columns: string; from: string } | undefined {
  const looked = [...columns].filter(([column, type]) => type === "STRING" && telling.test(column));
  if (looked.length === 0) return undefined;
  const condition = looked.map(([column]) => `contains(${quoteName(column)}, ${marker})`).join(" OR ");
  return { columns: "count(*) AS n", from: `${relation(warehouse, table, version)} WHERE ${condition}` };
}
