import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName, quoteName } from "../../warehouse/statements.ts";
import { queryInBatches } from "../tables/batched-queries.ts";
import { historyOf } from "../tables/history.ts";
import type { Binder } from "../tables/selection.ts";

/** Requests rows of one table by key, as of one version. */
export interface VersionQuestion {
  /** `schema.table` */
  table: string;
  /** Absent: the current rows. */
  version?: number;
  /** The column that identifies a row. */
  key: string;
  /** The keys are hex SHA-256, because a report doesn't store values of columns that may contain personal data. */
  hashed?: boolean;
  keys: readonly string[];
  columns: readonly string[];
}

/** What a version has for one key. */
export interface RowsAtVersion {
  rows: number;
  /** The key as stored in the table. */
  key: string;
  /** Column → its value as text; the greatest if there are several rows. */
  values: ReadonlyMap<string, string | null>;
}

/** Requested key → what was found; or why it could not be read. */
export type VersionAnswer = { found: ReadonlyMap<string, RowsAtVersion> } | { why: string };

/**
 * Reads many versions of many tables in few round trips. Values are compared and returned as text, because keys may be numbers.
 * @throws WarehouseFailure if the warehouse doesn't answer at all
 */
export async function askVersions(warehouse: WarehouseReader, questions: readonly VersionQuestion[]): Promise<VersionAnswer[]> {
  const width = Math.max(0, ...questions.map(({ columns }) => columns.length));
  const asked = questions.map((question) => ({ question, found: new Map<string, RowsAtVersion>() }));
  const { rows, failed } = await queryInBatches(warehouse, asked, ({ question }, binder) =>
    question.keys.length === 0 ? undefined : select(warehouse.catalog, question, width, binder),
  );
  for (const { item, row } of rows)
    item.found.set(String(row.named), {
      rows: Number(row.found),
      key: String(row.row_key),
      values: new Map(item.question.columns.map((column, index) => [column, textOrNull(row[`c${index}`])])),
    });
  const whys = new Map(failed.map(({ item, why }) => [item, why]));
  return asked.map((item) => {
    const why = whys.get(item);
    return why === undefined ? { found: item.found } : { why };
  });
}

function select(catalog: string, { table, version, key, hashed, keys, columns }: VersionQuestion, width: number, binder: Binder) {
  const at = version === undefined ? "" : ` VERSION AS OF ${Math.trunc(version)}`;
  const text = `CAST(${quoteName(key)} AS STRING)`;
  const named = hashed ? `sha2(${text}, 256)` : text;
  const values = Array.from({ length: width }, (_, index) => {
    const column = columns[index];
    return `${column === undefined ? "CAST(NULL AS STRING)" : `max(CAST(${quoteName(column)} AS STRING))`} AS c${index}`;
  });
  return {
    columns: [`${named} AS named`, `max(${text}) AS row_key`, "count(*) AS found", ...values].join(", "),
    from: `${qualifiedName(catalog, table)}${at} WHERE ${named} IN (${listOf(keys, binder)}) GROUP BY ${named}`,
  };
}

/** With a few literals the warehouse can skip files; a longer list is one parameter. */
const mostLiterals = 20;

function listOf(keys: readonly string[], binder: Binder): string {
  if (keys.length <= mostLiterals) return keys.map((key) => binder.bind(key)).join(", ");
  return `SELECT explode(from_json(${binder.bind(JSON.stringify(keys))}, 'array<string>'))`;
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** Versions that may show the value before a change. */
export interface CandidateVersions {
  /** Newest first; the first is the current table. */
  versions: number[];
  /** The table's history is longer than what was read. */
  truncated: boolean;
}

/** The most versions of a table's history to read. */
export const longestHistory = 1_000;

/** Operations that never change a value in an existing row. */
const harmless =
  /^(CREATE TABLE|OPTIMIZE|REORG|FSCK|VACUUM (START|END)|(UN)?SET TBLPROPERTIES|(ADD|DROP) CONSTRAINT|(ADD|CHANGE|RENAME) COLUMNS?|CLUSTER BY|COPY INTO|COMPUTE STATS|ANALYZE|UPGRADE PROTOCOL|ROW TRACKING BACKFILL)\b/i;

/**
 * The versions just before each change that may have changed a value, newest first.
 * @param guesses versions that probably have the value
 * @throws WarehouseFailure
 */
export async function candidatesOf(
  warehouse: WarehouseReader,
  table: string,
  guesses: readonly number[],
): Promise<CandidateVersions> {
  const history = await historyOf(warehouse, table, longestHistory);
  const newest = history[0]?.version;
  if (newest === undefined) return { versions: [], truncated: false };
  const oldest = history.at(-1)?.version ?? 0;
  const before = history.filter((entry) => entry.version > 0 && !isHarmless(entry)).map(({ version }) => version - 1);
  const known = guesses.filter((version) => Number.isSafeInteger(version) && version >= 0 && version < newest);
  return {
    versions: [...new Set([newest, ...before, ...known])].sort((a, b) => b - a),
    truncated: history.length === longestHistory && oldest > 0,
  };
}

function isHarmless({ operation, parameters, metrics }: Awaited<ReturnType<typeof historyOf>>[number]): boolean {
  if (harmless.test(operation)) return true;
  if (operation === "WRITE") return String(parameters.mode).toLowerCase() === "append";
  if (operation === "STREAMING UPDATE") return String(parameters.outputMode).toLowerCase() === "append";
  if (operation === "UPDATE") return metrics.numUpdatedRows === "0";
  return operation === "DELETE" && metrics.numDeletedRows === "0";
}
