import { count } from "../../lib/count.ts";
import type { Check, StageName } from "../../model/report.ts";
import type { CleanupResult, RealLooking, TouchedRow } from "../../model/test-data.ts";

/** Context of the cleanup. */
interface About {
  stage?: StageName;
  hasWarehouse?: boolean;
}

/**
 * Turns a cleanup's result into a check: left-over test data is failed, unknown is error, and deletes that went wrong are
 * reported.
 * @param about `stage`: the stage whose report gets the check; `hasWarehouse`: whether the environment has a warehouse, in which
 * none of the declared tables may exist
 */
export function judgeCleanup(result: CleanupResult, durationMs: number, about: About = {}): Check {
  const { stage = "cleanup", hasWarehouse = true } = about;
  return withTouchedRows(judgeDeletion(result, durationMs, hasWarehouse), result, stage);
}

function judgeDeletion(result: CleanupResult, durationMs: number, hasWarehouse: boolean): Check {
  const base = {
    id: "test-data.cleanup",
    title: result.dryRun ? "Test data (dry run)" : "Test data deleted and gone",
    durationMs,
  };
  const faults = [
    ...result.problems,
    ...result.tables.flatMap((table) => (table.problem ? [`${table.table}: ${table.problem}`] : [])),
    ...(result.keys.problem ? [`Redis: ${result.keys.problem}`] : []),
  ];
  if (result.dryRun) {
    const observed = `${rowsAndKeys(result.plannedRows, result.keys.planned)} would be deleted`;
    if (result.leftOver === null) return { ...base, verdict: "error", observed, message: faults.join("; ") };
    if (faults.length > 0) return { ...base, verdict: "failed", observed, message: faults.join("; ") };
    const doubts = doubtsOf(result);
    if (doubts.length > 0) return { ...base, verdict: "degraded", observed, message: doubts.join(" ") };
    const unseen = notLookedAt(result, hasWarehouse);
    // A dry run passes if it could look; otherwise it is degraded.
    return unseen ? { ...base, ...unseen, verdict: "degraded" } : { ...base, verdict: "passed", observed };
  }
  const kept = keptRows(result);
  const observed = `${deleted(result)} deleted, ${result.leftOver ?? "unknown"} left${kept > 0 ? `, ${count(kept, "row")} kept` : ""}`;
  const expected = "0 left";
  const unseen = faults.length === 0 && result.leftOver === 0 ? notLookedAt(result, hasWarehouse) : undefined;
  // What was not searched cannot be reported as gone.
  if (unseen) return { ...base, title: "Test data", verdict: unseen.verdict, observed: unseen.observed, message: unseen.message };
  if (result.leftOver === null)
    return {
      ...base,
      verdict: "error",
      observed,
      expected,
      message: `It is unknown whether test data remains: ${faults.join("; ")}`,
    };
  if (result.leftOver > 0)
    return { ...base, verdict: "failed", observed, expected, message: ["Test data is still there.", ...faults].join(" ") };
  if (result.problems.length > 0) return { ...base, verdict: "failed", observed, expected, message: faults.join("; ") };
  if (faults.length > 0)
    return {
      ...base,
      verdict: "degraded",
      observed,
      expected,
      message: `Everything was deleted, but not as planned: ${faults.join("; ")}`,
    };
  const doubts = doubtsOf(result);
  if (doubts.length > 0) return { ...base, verdict: "degraded", observed, expected, message: doubts.join(" ") };
  return { ...base, verdict: "passed", observed, expected };
}

function doubtsOf(result: CleanupResult): string[] {
  return [...keptSentences(result), ...(result.realLooking ? [realLooking(result.realLooking)] : [])];
}

function keptRows({ kept = [] }: CleanupResult): number {
  return kept.reduce((sum, { rows }) => sum + rows, 0);
}

/** Rows kept because their owner is unknown, with what to do about them. */
function keptSentences({ kept = [] }: CleanupResult): string[] {
  return kept.map(({ table, rows, samples, why }) => {
    const named = `${samples.slice(0, 3).join(", ")}${rows > 3 ? ", …" : ""}`;
    return `${table}: ${count(rows, "row")} (${named}) ${why}.`;
  });
}

/** If there was nothing to search, nothing can be reported as gone. */
function notLookedAt(
  { looked }: CleanupResult,
  hasWarehouse: boolean,
): { verdict: Check["verdict"]; observed: string; message: string } | undefined {
  if (!looked || looked.tables > 0 || (looked.redis && !hasWarehouse)) return undefined;
  const noTable =
    "none of the declared tables exists in this catalog, or this principal may not see them, so rows were not checked. Check databricks.catalog, the principal's grants, testData.preset and testData.tables";
  if (looked.redis)
    return { verdict: "degraded", observed: "only Redis was checked", message: `Nothing is known about rows: ${noTable}.` };
  return hasWarehouse
    ? { verdict: "skipped", observed: "nothing was checked", message: `Nothing was cleaned up: ${noTable}.` }
    : {
        verdict: "skipped",
        observed: "nothing was checked",
        message:
          "Nothing was cleaned up: this environment has neither databricks nor redis, so there is no place to look for test data.",
      };
}

function realLooking(found: readonly RealLooking[]): string {
  const places = found.map(({ table, column, rows }) => `${rows} in ${table}.${column}`).join(", ");
  return `Test data may contain real people: ${places}. Use invented addresses and names in the tests, or list their form under testData.synthetic.`;
}

function deleted({ deletedRows, deletedKeys, keys }: CleanupResult): string {
  const unknown = keys.problem !== undefined && keys.deleted === undefined && keys.planned > 0;
  return unknown ? `${count(deletedRows, "row")} and an unknown number of keys` : rowsAndKeys(deletedRows, deletedKeys);
}

/** Test data that earlier runs left. Any is only a warning, because it harms no test of this run. */
export function judgeLeftovers(
  result: CleanupResult,
  { stage = "cleanup", hasWarehouse = true }: About = {},
): Pick<Check, "verdict" | "observed" | "expected" | "message"> {
  return withTouchedRows(judgeFound(result, hasWarehouse), result, stage);
}

function judgeFound(result: CleanupResult, hasWarehouse: boolean): Pick<Check, "verdict" | "observed" | "expected" | "message"> {
  const base = { expected: "0 expired rows and keys" };
  const observed = rowsAndKeys(result.plannedRows, result.keys.planned);
  if (result.leftOver === null) return { ...base, verdict: "error", observed, message: result.problems.join("; ") };
  if (result.leftOver > 0)
    return {
      ...base,
      verdict: "degraded",
      observed,
      message: `Earlier runs left test data in ${[...result.tables.map((table) => table.table), ...(result.keys.planned ? ["Redis"] : [])].slice(0, 5).join(", ")}. Show it with \`env-actions cleanup --scope expired\`, delete it with \`--execute\`.`,
    };
  if (result.problems.length > 0) return { ...base, verdict: "degraded", observed, message: result.problems.join("; ") };
  const kept = keptSentences(result);
  if (kept.length > 0)
    return {
      ...base,
      verdict: "degraded",
      observed: `${observed}, ${count(keptRows(result), "row")} kept`,
      message: kept.join(" "),
    };
  const unseen = notLookedAt(result, hasWarehouse);
  return unseen ? { ...base, ...unseen, verdict: "degraded" } : { ...base, verdict: "passed", observed };
}

export function rowsAndKeys(rows: number, keys: number): string {
  return `${count(rows, "row")} and ${count(keys, "key")}`;
}

/** The most rows that a sentence names; the report lists all. */
const mostNamed = 3;

type Judgement = Pick<Check, "verdict" | "observed" | "expected" | "message">;

/** A real row that a test changed fails the check, whatever its verdict was: production data was modified. */
export function withTouchedRows<Judged extends Judgement>(
  judged: Judged,
  { touched = [], touchedMore = 0 }: CleanupResult,
  stage: StageName,
): Judged {
  if (touched.length === 0) return judged;
  const rows = touched.length + touchedMore;
  const changed = `${count(rows, "real row")} changed by tests`;
  const message = [touchedSentence(touched, touchedMore, stage), judged.message].filter(Boolean).join(" ");
  return {
    ...judged,
    verdict: "failed",
    observed: judged.observed === undefined ? changed : `${judged.observed}; ${changed}`,
    expected: judged.expected === undefined ? "0 real rows changed" : `${judged.expected}; 0 real rows changed`,
    message,
  };
}

function touchedSentence(touched: readonly TouchedRow[], more: number, stage: StageName): string {
  // Rows that can be repaired come first.
  const ordered = [...touched].sort((a, b) => Number(a.before === undefined) - Number(b.before === undefined));
  const named = ordered.slice(0, mostNamed).map(touchedWords);
  const rest = ordered.length - named.length + more;
  const others = rest > 0 ? ` ${count(rest, "more cell")} of real rows ${rest === 1 ? "was" : "were"} changed.` : "";
  const known = touched.filter(({ before }) => before !== undefined).length;
  const todo =
    known === 0
      ? "The old values are unknown: restore them by hand."
      : `\`env-actions repair .env-actions/reports/${stage}.json\` shows how to restore ${known === touched.length + more ? (known === 1 ? "the old value" : "the old values") : `${known} of the old values`}.`;
  return `Tests changed real rows. ${named.join(" ")}${others} ${todo}`;
}

function touchedWords(row: TouchedRow): string {
  const { table, key, column, version, why } = row;
  const shown = (value: string) => (row.masked?.includes("values") ? "(masked)" : value);
  const name = row.masked?.includes("key") ? "(masked)" : key.value;
  const before =
    row.before === undefined
      ? `the old value is unknown, because ${why ?? "it was not read"}`
      : `before: ${row.before === null ? "NULL" : shown(row.before)}, version ${version ?? "unknown"}`;
  return `${table}, row ${name}: a test changed ${column} to ${shown(row.now)} (${before}).`;
}
