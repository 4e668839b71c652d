import type { CleanupResult, TableCleanup } from "../../model/test-data.ts";
import { readableKey } from "../../redis/connection.ts";
import { describeTtl, keyNotes } from "../keys/plan-keys.ts";
import { deletionText } from "../tables/selection.ts";
import { touchedResult } from "../touched/touched-rows.ts";
import { type CleanupPlan, leftOver } from "./plan-cleanup.ts";
import type { TablePlan } from "./table-plans.ts";

/** A plan as the result that a report has of it, before anything was deleted. */
export function describePlan(plan: CleanupPlan, dryRun: boolean): CleanupResult {
  const tables = plan.rows?.batches.flat().map(tableOf) ?? [];
  const keys = plan.keys?.keys ?? new Set<string>();
  const signIns = plan.keys ? (plan.request.signIns?.notes ?? []) : [];
  const notes = [...(plan.rows?.notes ?? []), ...(plan.keys ? keyNotes(plan.keys) : []), ...signIns];
  return {
    scope: plan.request.scope,
    dryRun,
    digest: plan.digest,
    tables,
    keys: {
      planned: keys.size,
      samples: firstInOrder(keys, 3).map(readableKey),
      ...(plan.keys ? { ttl: describeTtl(plan.keys.ttl) } : {}),
    },
    problems: [...plan.blockers, ...plan.problems],
    notes,
    plannedRows: plan.rows?.rows ?? 0,
    deletedRows: 0,
    deletedKeys: 0,
    ...(plan.rows?.realLooking.length ? { realLooking: plan.rows.realLooking } : {}),
    ...touchedResult(plan.rows?.touched ?? [], plan.request.tables, plan.request.start),
    ...(plan.rows?.kept.length ? { kept: plan.rows.kept } : {}),
    leftOver: leftOver(plan),
    looked: { tables: plan.rows?.lookedAt ?? 0, redis: plan.keys !== undefined },
  };
}

/** The first texts in alphabetical order, without sorting all of them. */
function firstInOrder(texts: Iterable<string>, count: number): string[] {
  const first: string[] = [];
  for (const text of texts) {
    if (first.length === count && text >= (first.at(-1) ?? "")) continue;
    first.push(text);
    first.sort();
    first.length = Math.min(first.length, count);
  }
  return first;
}

/** The part of a result that is about one table. */
export function tableOf(table: TablePlan): TableCleanup {
  const iso = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString());
  return {
    table: table.table,
    planned: table.rows,
    oldest: iso(table.oldest),
    newest: iso(table.newest),
    samples: table.samples,
    statement: deletionText(table.table, table.selection),
  };
}
