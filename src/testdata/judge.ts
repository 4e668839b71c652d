import { count } from "../count.ts";
import type { Check, CleanupResult, RealLooking, StageName } from "../model.ts";
import { withTouched } from "./judge-touched.ts";

/**
 * What a cleanup means for the stage: left-over is failed, unknown is error, and a deletion that did not go as planned shows.
 * @param stage whose report has it
 */
export function judgeCleanup(result: CleanupResult, durationMs: number, stage: StageName = "cleanup"): Check {
  return withTouched(judgeDeletion(result, durationMs), result, stage);
}

function judgeDeletion(result: CleanupResult, durationMs: number): Check {
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
    return { ...base, verdict: "passed", observed };
  }
  const kept = keptRows(result);
  const observed = `${deleted(result)} deleted, ${result.leftOver ?? "unknown"} left${kept > 0 ? `, ${count(kept, "row")} kept` : ""}`;
  const expected = "0 left";
  if (result.leftOver === null)
    return {
      ...base,
      verdict: "error",
      observed,
      expected,
      message: `Whether test data is left could not be told: ${faults.join("; ")}`,
    };
  if (result.leftOver > 0)
    return { ...base, verdict: "failed", observed, expected, message: ["Test data is still there.", ...faults].join(" ") };
  if (result.problems.length > 0) return { ...base, verdict: "failed", observed, expected, message: faults.join("; ") };
  if (faults.length > 0)
    return { ...base, verdict: "degraded", observed, expected, message: `All is gone, but not as planned: ${faults.join("; ")}` };
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

/** Rows that stay because nothing proves whose they are: said with what to do about it. */
function keptSentences({ kept = [] }: CleanupResult): string[] {
  return kept.map(({ table, rows, samples, why }) => {
    const named = `${samples.slice(0, 3).join(", ")}${rows > 3 ? ", …" : ""}`;
    return `${table}: ${count(rows, "row")} (${named}) ${why}.`;
  });
}

function realLooking(found: readonly RealLooking[]): string {
  const places = found.map(({ table, column, rows }) => `${rows} in ${table}.${column}`).join(", ");
  return `Test data looks as if it were about real people: ${places}. Let the tests invent addresses and names, or list their form under testData.synthetic.`;
}

function deleted({ deletedRows, deletedKeys, keys }: CleanupResult): string {
  const unknown = keys.problem !== undefined && keys.deleted === undefined && keys.planned > 0;
  return unknown ? `${count(deletedRows, "row")} and an unknown number of keys` : rowsAndKeys(deletedRows, deletedKeys);
}

/** What earlier runs left: nothing is right; something is a warning, because it harms no test of this run. */
export function judgeLeftovers(
  result: CleanupResult,
  stage: StageName = "cleanup",
): Pick<Check, "verdict" | "observed" | "expected" | "message"> {
  return withTouched(judgeFound(result), result, stage);
}

function judgeFound(result: CleanupResult): Pick<Check, "verdict" | "observed" | "expected" | "message"> {
  const base = { expected: "0 expired rows and keys" };
  const observed = rowsAndKeys(result.plannedRows, result.keys.planned);
  if (result.leftOver === null) return { ...base, verdict: "error", observed, message: result.problems.join("; ") };
  if (result.leftOver > 0)
    return {
      ...base,
      verdict: "degraded",
      observed,
      message: `Earlier runs left test data in ${[...result.tables.map((table) => table.table), ...(result.keys.planned ? ["Redis"] : [])].slice(0, 5).join(", ")}. Look at it with \`env-actions cleanup --scope expired\`, delete it with \`--execute\`.`,
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
  return { ...base, verdict: "passed", observed };
}

export function rowsAndKeys(rows: number, keys: number): string {
  return `${count(rows, "row")} and ${count(keys, "key")}`;
}
