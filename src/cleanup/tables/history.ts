import { inParallel } from "../../lib/in-parallel.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import type { Row } from "../../warehouse/connection.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { qualifiedName } from "../../warehouse/statements.ts";

/** One version, as in the table's own history. */
export interface HistoryEntry {
  version: number;
  operation: string;
  parameters: Readonly<Record<string, unknown>>;
  metrics: Readonly<Record<string, unknown>>;
}

/** Newest first. @throws WarehouseFailure */
export async function historyOf(warehouse: WarehouseReader, table: string, limit: number): Promise<HistoryEntry[]> {
  return (await warehouse.query(describeHistory(warehouse, { table, limit }))).map(entryOf);
}

function entryOf(row: Row): HistoryEntry {
  return {
    version: Number(row.version),
    operation: String(row.operation),
    parameters: mapOf(row.operationParameters),
    metrics: mapOf(row.operationMetrics),
  };
}

/** A request for the newest versions of a table. */
export interface HistoryQuestion {
  /** `schema.table` */
  table: string;
  /** The number of versions, newest first. */
  limit: number;
  /** Older versions are not needed, but may be returned. */
  from?: number | undefined;
}

/** The columns of the history that are used; a query of several tables reads no others. */
const columnsOf = {
  moment: "version, timestamp",
  change: "version, timestamp, userName, operation, operationParameters, operationMetrics, userMetadata",
};
/** A small warehouse runs about ten statements at a time; more would queue. */
const statementsAtOnce = 8;
/** Tables per statement; the warehouse may read them one after another. */
const mostTables = 12;
/** Rows per statement; longer histories get a statement of their own. */
const mostRows = 240;

/** Warehouses that don't support `DESCRIBE HISTORY` inside a query, such as Delta without Databricks. */
const withoutSubqueries = new WeakSet<WarehouseReader>();

/**
 * The newest versions of many tables, in few statements. Never rejects: a table whose history could not be read has the reason.
 * @param what of each version: its time, or also what changed
 * @param inTime stops waiting for an answer when the caller has to
 * @returns table → its versions, newest first, with at least those columns of `DESCRIBE HISTORY`
 */
export async function askHistories(
  warehouse: WarehouseReader,
  questions: readonly HistoryQuestion[],
  what: keyof typeof columnsOf,
  inTime: <Result>(answer: Promise<Result>) => Promise<Result> = (answer) => answer,
): Promise<Map<string, Row[] | Error>> {
  const answers = new Map<string, Row[] | Error>();
  const alone = async (question: HistoryQuestion): Promise<void> => {
    const { table } = question;
    try {
      answers.set(table, await inTime(warehouse.query(describeHistory(warehouse, question))));
    } catch (error) {
      answers.set(table, asError(error));
    }
  };
  const askInOneStatement = async (group: readonly HistoryQuestion[]): Promise<void> => {
    const selects = group.map((question, index) => {
      const since = question.from === undefined ? "" : ` WHERE version >= ${Math.trunc(question.from)}`;
      return `SELECT ${index} AS asked, ${columnsOf[what]} FROM (${describeHistory(warehouse, question)})${since}`;
    });
    try {
      const rows = Map.groupBy(await inTime(warehouse.query(selects.join(" UNION ALL "))), (row) => Number(row.asked));
      for (const [index, { table }] of group.entries()) answers.set(table, newestFirst(rows.get(index) ?? []));
    } catch (error) {
      if (!isAboutStatement(error)) {
        for (const { table } of group) answers.set(table, asError(error));
        return;
      }
      if (error.sqlState === syntaxError) withoutSubqueries.add(warehouse);
      // Asking each separately shows which table failed.
      await Promise.all(group.map(alone));
    }
  };
  await inParallel(statementsAtOnce, groupsOf(questions), async (group) => {
    if (group.length === 1 || withoutSubqueries.has(warehouse)) await Promise.all(group.map(alone));
    else await askInOneStatement(group);
  });
  return answers;
}

function isAboutStatement(error: unknown): error is WarehouseFailure {
  return error instanceof WarehouseFailure && (error.kind === "statement" || error.kind === "denied");
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** SQLSTATE of `PARSE_SYNTAX_ERROR`. */
const syntaxError = "42601";

function describeHistory(warehouse: WarehouseReader, { table, limit }: HistoryQuestion): string {
  return `DESCRIBE HISTORY ${qualifiedName(warehouse.catalog, table)} LIMIT ${limit}`;
}

/** A query doesn't guarantee an order. */
function newestFirst(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => Number(b.version) - Number(a.version));
}

function groupsOf(questions: readonly HistoryQuestion[]): HistoryQuestion[][] {
  const groups: HistoryQuestion[][] = [];
  let rows = 0;
  for (const question of questions) {
    const group = groups.at(-1);
    rows += question.limit;
    if (group && group.length < mostTables && rows <= mostRows) group.push(question);
    else {
      groups.push([question]);
      rows = question.limit;
    }
  }
  return groups;
}

/** Versions created by a delete of exactly this many rows, newest first. @throws WarehouseFailure */
export async function deletesOf(warehouse: WarehouseReader, table: string, deleted: number, limit: number): Promise<number[]> {
  return versionsOf(await historyOf(warehouse, table, limit), deleted);
}

/** The same, in rows of a history that was read. */
export function deletesIn(history: readonly Row[], deleted: number): number[] {
  return versionsOf(history.map(entryOf), deleted);
}

function versionsOf(history: readonly HistoryEntry[], deleted: number): number[] {
  return history
    .filter(({ operation, metrics }) => operation === "DELETE" && Number(metrics.numDeletedRows) === deleted)
    .map(({ version }) => version);
}

/** Delta's parameters and metrics are maps of texts, which arrive as objects or as JSON. */
function mapOf(told: unknown): Record<string, unknown> {
  const known: unknown = typeof told === "string" ? JSON.parse(told) : told;
  return typeof known === "object" && known !== null ? { ...known } : {};
}
