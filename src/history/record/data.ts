import type { HistoryData } from "../../model/history.ts";
import type { StageReport } from "../../model/report.ts";
import type { CleanupResult, TableCleanup } from "../../model/test-data.ts";

/**
 * What became of a run's test data. It has the same sums as the audit log: what a lost answer leaves open is null or a least
 * number, and never 0.
 */
export function dataOf(report: StageReport): HistoryData | undefined {
  const { cleanup, books, isolation } = report;
  const isUnknown = !cleanup && couldNotCleanUp(report);
  if (!cleanup && !books && !isUnknown) return undefined;
  // There was no place to look, so it is unknown whether there is test data.
  if (cleanup?.looked?.tables === 0 && !cleanup.looked.redis && !books) return undefined;
  const tables = tablesOf(report, isUnknown);
  const branch = branchOf(isolation);
  const leftKeys = cleanup ? keysLeft(cleanup) : branch === "dropped" && !isUnknown ? 0 : null;
  const unexplainedKeys = books?.keys?.unexplained;
  return {
    scope: cleanup?.scope ?? "run",
    dryRun: cleanup?.dryRun ?? false,
    ...(books ? { made: books.made, unexplained: books.unexplained, touched: books.touched } : {}),
    ...(unexplainedKeys ? { unexplainedKeys } : {}),
    ...(books && books.kept > 0 ? { kept: books.kept } : {}),
    ...(branch ? { branch } : {}),
    deletedRows: cleanup?.deletedRows ?? 0,
    deletedKeys: cleanup?.deletedKeys ?? 0,
    ...(isUnknown || (cleanup && lostAnswers(cleanup)) ? { deletedAtLeast: true } : {}),
    left: branch && branch !== "dropped" ? null : cleanup ? cleanup.leftOver : leftKeys,
    leftKeys,
    tables,
  };
}

/** The stage tried, and nobody knows what it deleted. */
function couldNotCleanUp({ checks }: StageReport): boolean {
  return checks.some(({ id, verdict }) => id === "test-data.cleanup" && verdict === "error");
}

/** Rows that a run wrote to its own branch are gone with it. */
function branchOf(isolation: StageReport["isolation"]): HistoryData["branch"] {
  if (!isolation || isolation.by === "prefixes") return undefined;
  if (isolation.gone === undefined) return "unknown";
  return isolation.gone ? "dropped" : "left";
}

function tablesOf({ cleanup, books }: StageReport, isUnknown: boolean): HistoryData["tables"] {
  const ofCleanup = new Map((cleanup?.tables ?? []).map((table) => [table.table, table]));
  /** Then nothing was found in the tables that the cleanup doesn't name. */
  const wasSearched = cleanup !== undefined && cleanup.leftOver !== null;
  const ofBooks = new Map((books?.tables ?? []).map((table) => [table.table, table]));
  return [...new Set([...ofCleanup.keys(), ...ofBooks.keys()])].sort().flatMap((table): HistoryData["tables"] => {
    const [cleaned, book] = [ofCleanup.get(table), ofBooks.get(table)];
    const deleted = cleanup && cleaned ? deletedFrom(cleaned, cleanup) : isUnknown ? null : 0;
    const left = cleanup && cleaned ? leftIn(cleaned, cleanup) : wasSearched ? 0 : null;
    if (deleted === 0 && left === 0 && !book) return [];
    return [
      {
        table,
        ...(book ? { made: book.made, unexplained: book.unexplained } : {}),
        ...(book && book.kept > 0 ? { kept: book.kept } : {}),
        deleted,
        left,
        ...(cleaned?.oldest === undefined ? {} : { oldest: cleaned.oldest }),
      },
    ];
  });
}

/** A dry run is known to have deleted nothing. */
function deletedFrom({ deleted }: TableCleanup, { dryRun }: CleanupResult): number | null {
  return deleted ?? (dryRun ? 0 : null);
}

/** What was found and not deleted is left, also if nobody looked again. */
function leftIn(table: TableCleanup, cleanup: CleanupResult): number | null {
  if (table.left !== undefined) return table.left;
  const isUntouched = deletedFrom(table, cleanup) === 0 && (cleanup.dryRun || cleanup.leftOver !== null);
  return isUntouched ? table.planned : null;
}

function keysLeft({ keys, dryRun, leftOver, deletedKeys }: CleanupResult): number | null {
  if (keys.left !== undefined) return keys.left;
  const isUntouched = dryRun || (leftOver !== null && deletedKeys === 0 && (keys.deleted === 0 || keys.planned === 0));
  return isUntouched ? keys.planned : null;
}

function lostAnswers({ tables, keys, dryRun }: CleanupResult): boolean {
  if (dryRun) return false;
  const isUnlinkLost = keys.deleted === undefined && (keys.planned > 0 || keys.problem !== undefined);
  return isUnlinkLost || tables.some(({ deleted }) => deleted === undefined);
}
