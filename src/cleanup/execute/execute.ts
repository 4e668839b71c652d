import { setTimeout as delay } from "node:timers/promises";
import type { Environment } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import type { AuditEvent } from "../../model/audit-event.ts";
import type { CleanupResult, TableCleanup } from "../../model/test-data.ts";
import type { TestDataRedis } from "../../redis/connection.ts";
import type { TestDataWarehouse } from "../../warehouse/access.ts";
import { addDeleted, markCountUnknown, shortenLives } from "../keys/plan-keys.ts";
import { describePlan, tableOf } from "../plan/describe-plan.ts";
import { type CleanupPlan, type CleanupPorts, type CleanupRequest, leftOver, planCleanup } from "../plan/plan-cleanup.ts";
import {
  type RetainedTables,
  retain,
  retainedInBatch,
  searchedWhole,
  type TablePlan,
  tablesRetainedFor,
  whyRetained,
} from "../plan/table-plans.ts";
import { deletableParts } from "../tables/selection.ts";
import { joinTouched, touchedNotes } from "../touched/touched-rows.ts";
import { proveRedis, proveWarehouse } from "./proof.ts";
import { type CarriedOut, Versions } from "./versions.ts";

/** What remains to be deleted of a plan. */
export interface Remaining {
  tables: { table: string; rows: number }[];
  keys: number;
}

export interface WritingPorts extends CleanupPorts {
  environment: Environment;
  warehouse?: TestDataWarehouse;
  redis?: TestDataRedis;
  /** Called before the first delete, after Redis keys were deleted, and if nothing is left. */
  onRemaining: (remaining: Remaining) => void;
  /** Called after a table's rows were deleted. Says only what changed: with all that is left, the work would grow with the square. */
  onTableDone?: (table: string, left: { rows: number; keys: number }) => void;
  /** Called when a round of deletes has ended, before the search for what is left. */
  onDeleted?: () => void;
  /** Writes a line of the audit log; never rejects. */
  audit: (note: AuditEvent) => Promise<void>;
  /** Why a line could not be written; undefined if all lines so far are on disk. */
  notAudited?: () => string | undefined;
}

declare const proven: unique symbol;
/** Connections whose target was proven; only {@link prove} creates them. */
export type ProvenPorts = WritingPorts & { readonly [proven]: true };

/** Call once for each connection, before the first write through it. @throws WrongTarget, WarehouseFailure */
export async function prove(ports: WritingPorts): Promise<ProvenPorts> {
  if (ports.redis) proveRedis(ports.environment, ports.redis.identity);
  if (ports.warehouse) proveWarehouse(ports.environment, await ports.warehouse.identity());
  return ports as ProvenPorts;
}

/**
 * Plans while the target is being proven: host, catalog, principal and Redis must be what the environment expects. Waits for both even if one fails: connections must not be closed while the other uses
 * them.
 * @throws WrongTarget, WarehouseFailure, RedisFailure, UserError
 */
export async function planAtProvenTarget(
  ports: WritingPorts,
  request: CleanupRequest,
): Promise<{ proven: ProvenPorts; plan: CleanupPlan }> {
  const [proven, plan] = await Promise.allSettled([prove(ports), planCleanup(ports, request)]);
  if (proven.status === "rejected") throw proven.reason;
  if (plan.status === "rejected") throw plan.reason;
  return { proven: proven.value, plan: plan.value };
}

/** How often to search again after a round of deletes, because something may still be writing. */
const rounds = 3;
const pauseBetweenRoundsMs = 200;

/**
 * Deletes exactly what was planned: first keys, then rows, those that are only found through others before these. Then searches
 * again, as the plan was made, and deletes what came back, in few rounds. An error never stops the rest; what could not be
 * deleted, and how much the last search found, is in the result.
 */
export async function executeCleanup(ports: ProvenPorts, plan: CleanupPlan): Promise<CleanupResult> {
  const result = describePlan(plan, false);
  // Zero is a known count. It becomes unknown if an answer is lost.
  for (const entry of result.tables) entry.deleted = 0;
  await notePlan(ports, plan);
  if (plan.blockers.length > 0) {
    result.problems.push("nothing was deleted");
    result.keys.deleted = 0;
    return result;
  }
  // A sweep deletes data of others, and can wait until it leaves a record. The run's own data can't: it is in everybody's way.
  const why = plan.request.scope === "run" ? undefined : ports.notAudited?.();
  if (why !== undefined) {
    result.problems.push(`nothing was deleted, because the audit log has no line of the plan: ${why}`);
    result.keys.deleted = 0;
    return result;
  }
  let shortened: number | undefined = 0;
  if (ports.redis && plan.keys && plan.request.testData.keyTtl.apply)
    shortened = await shortenLives(ports.redis, plan.keys, result.keys);
  // The search just before found nothing, so another would find the same.
  if (result.leftOver === 0) {
    await noteEnd(ports, plan, plan, result);
    return result;
  }
  let current = plan;
  const entries = new Map(result.tables.map((entry) => [entry.table, entry]));
  const noted: Noted = { result, entries, retainedEntries: new Map(), fewer: new Map() };
  for (let round = 1; ; round++) {
    const { versions, changed, deletedKeys } = await deletePlanned(ports, current, noted);
    const keyChanges = deletedKeys === undefined || shortened === undefined ? undefined : deletedKeys + shortened;
    shortened = 0;
    ports.onDeleted?.();
    const [again] = await Promise.all([
      lookAgain(ports, { ...current, rows: searchedWhole(current.rows, changed), keyChanges }, result),
      versions?.read(),
    ]);
    if (again === undefined) {
      await noteEnd(ports, plan, undefined, result);
      return result;
    }
    noteLeft(again, noted);
    const done = result.leftOver === 0 || round === rounds || ports.signal.aborted;
    if (!done && again.blockers.length > 0) result.problems.push("rows or keys that came back were not deleted");
    if (done || again.blockers.length > 0) {
      await noteEnd(ports, plan, again, result);
      return result;
    }
    ports.onStep(`${result.leftOver} rows or keys remain or came back; deleting again (${round + 1} of ${rounds})`);
    await delay(pauseBetweenRoundsMs * round);
    current = again;
  }
}

/** What became of a table's deletes. */
interface Deleted {
  parts: CarriedOut[];
  isComplete: boolean;
  /** Unknown if an answer was lost. */
  rows: number | undefined;
}

/** Concurrent deletes in one batch. A warehouse runs about ten and queues the others, which saves round trips. */
const deletionsAtOnce = 48;

/** @returns the versions, some of which are still being read, the tables that somebody else writes, and how many keys were deleted, if known */
async function deletePlanned(
  ports: WritingPorts,
  plan: CleanupPlan,
  noted: Noted,
): Promise<{ versions: Versions | undefined; changed: Set<string>; deletedKeys: number | undefined }> {
  const { warehouse, redis } = ports;
  const { result, fewer } = noted;
  const remaining = new Map(plan.rows?.batches.flat().map((table) => [table.table, table.rows]));
  let keys = plan.keys?.keys.size ?? 0;
  let rowsLeft = plan.rows?.rows ?? 0;
  const say = () => ports.onRemaining({ tables: [...remaining].map(([table, rows]) => ({ table, rows })), keys });
  const sayDone = (table: TablePlan) => {
    if (remaining.delete(table.table)) rowsLeft -= table.rows;
    ports.onTableDone?.(table.table, { rows: rowsLeft, keys });
  };
  const deletions: CarriedOut[] = [];
  const versions = warehouse && new Versions(warehouse);
  const changed = new Set<string>();
  const retained: RetainedTables = new Map(plan.rows?.retained);
  say();
  let gone: number | undefined = 0;
  // Keys before rows: a key is recognised by a row's id, so once the row is gone, no sweep would find the key.
  if (redis && plan.keys && plan.keys.keys.size > 0) {
    ports.onStep(`deleting ${count(plan.keys.keys.size, "Redis key")}`);
    const planned = plan.keys.keys.size;
    gone = undefined;
    try {
      gone = await redis.unlink([...plan.keys.keys]);
      addDeleted(result.keys, gone);
      result.deletedKeys += gone ?? 0;
      keys = 0;
    } catch (error) {
      markCountUnknown(result.keys, errorText(error));
      // We don't know which keys are gone, so any may be left. The next round tries again.
      if (plan.rows) retain(retained, tablesRetainedFor(plan.keys.keys, plan.rows), whyRetained.keys);
    }
    say();
    await ports.audit({
      action: "statement",
      details: { what: "unlink", ...(result.keys.problem ? { problem: result.keys.problem } : {}) },
      counts: { planned, ...(gone === undefined ? {} : { deleted: gone }) },
    });
  }
  if (warehouse && plan.rows) {
    for (const batch of plan.rows.batches) {
      const going = withoutRetained(batch, retained, noted);
      if (going.length === 0) continue;
      ports.onStep(`deleting from ${going.map((table) => table.table).join(", ")}`);
      await inParallel(deletionsAtOnce, going, async (table) => {
        const entry = entryFor(noted, table);
        const deleted = await deleteTable(warehouse, table, entry);
        noteFewer(entry, table.rows - (deleted.rows ?? table.rows), fewer);
        deletions.push(...deleted.parts);
        if (deleted.rows !== table.rows) changed.add(table.table);
        if (deleted.isComplete) sayDone(table);
        else retain(retained, table.foundThrough, whyRetained.rows);
        await noteDelete(ports, table, entry, deleted);
        versions?.add(deleted.parts);
      });
      versions?.readNow();
    }
    // Rows known to be gone, including those of tables whose total is unknown.
    result.deletedRows += deletions.reduce((sum, { rows }) => sum + (rows ?? 0), 0);
  }
  return { versions, changed, deletedKeys: gone };
}

/** Problems in the tables' entries that a later round may solve. */
interface Noted {
  result: CleanupResult;
  /** The result's tables, by name. */
  entries: Map<string, TableCleanup>;
  /** Rows were kept. */
  retainedEntries: Map<TableCleanup, string>;
  /** Fewer rows were deleted than planned. */
  fewer: Map<TableCleanup, string>;
}

/** Rows that somebody changed after the search are deleted in a later round. */
function noteFewer(entry: TableCleanup, missing: number, fewer: Noted["fewer"]): void {
  if (missing > 0 && entry.problem !== undefined) fewer.set(entry, entry.problem);
  if (entry.problem === fewer.get(entry) && (entry.deleted ?? 0) >= entry.planned) delete entry.problem;
}

/** The part of a batch to delete now. Tables that are kept get the reason, and tables that no longer are lose it. */
function withoutRetained(batch: readonly TablePlan[], retained: RetainedTables, noted: Noted): TablePlan[] {
  const { retainedEntries } = noted;
  const staying = retainedInBatch(batch, retained);
  return batch.filter((table) => {
    const entry = entryFor(noted, table);
    if (entry.problem !== undefined && entry.problem === retainedEntries.get(entry)) delete entry.problem;
    retainedEntries.delete(entry);
    const why = staying.get(table);
    if (why === undefined) return true;
    if (entry.problem === undefined) {
      entry.problem = why;
      retainedEntries.set(entry, why);
    }
    return false;
  });
}

function entryFor({ result, entries }: Pick<Noted, "result" | "entries">, table: TablePlan): TableCleanup {
  const known = entries.get(table.table);
  if (known) return known;
  const added = { ...tableOf(table), deleted: 0 };
  entries.set(table.table, added);
  result.tables.push(added);
  return added;
}

/** Deletes the parts one after another, because statements on one table would conflict. If one fails, the entry says so. */
async function deleteTable(warehouse: TestDataWarehouse, table: TablePlan, entry: TableCleanup): Promise<Deleted> {
  const parts: CarriedOut[] = [];
  const { types, during } = table.selection;
  try {
    for (const selection of deletableParts(table.selection)) {
      const columns = [...selection.values].map(([column, values]) => ({ column, type: types.get(column), values: [...values] }));
      const rows = await warehouse.deleteRows({ table: table.table, columns, during });
      addRows(entry, rows);
      parts.push({ table, selection, entry, rows });
    }
  } catch (error) {
    // A broken connection doesn't tell whether the delete was carried out.
    addRows(entry, undefined);
    entry.problem = errorText(error);
    return { parts, isComplete: false, rows: undefined };
  }
  const rows = parts.every((part) => part.rows !== undefined)
    ? parts.reduce((sum, part) => sum + (part.rows ?? 0), 0)
    : undefined;
  if (rows === undefined) entry.problem = "the warehouse did not report how many rows it deleted";
  else if (rows !== table.rows)
    entry.problem = `${count(table.rows, "row was", "rows were")} planned, but ${count(rows, "was", "were")} deleted`;
  return { parts, isComplete: true, rows };
}

/** Once an answer is lost, the total stays unknown, because later rounds add only a part. */
function addRows(entry: TableCleanup, gone: number | undefined): void {
  if (gone === undefined) delete entry.deleted;
  else if (entry.deleted !== undefined) entry.deleted += gone;
}

async function lookAgain(ports: WritingPorts, plan: CleanupPlan, result: CleanupResult): Promise<CleanupPlan | undefined> {
  try {
    return await planCleanup(ports, plan.request, plan);
  } catch (error) {
    result.leftOver = null;
    result.problems.push(`it is unknown whether anything remains: ${errorText(error)}`);
    return undefined;
  }
}

function noteLeft(again: CleanupPlan, noted: Noted): void {
  const { result } = noted;
  const unreadable = new Set(again.rows?.unreadable.map(({ table }) => table));
  for (const entry of result.tables) entry.left = unreadable.has(entry.table) ? undefined : 0;
  for (const table of again.rows?.batches.flat() ?? []) entryFor(noted, table).left = table.rows;
  result.keys.left = again.keys?.keys.size ?? 0;
  result.leftOver = leftOver(again);
  // The last search counts: rows that depended on test data in a view, or in a table that somebody else cleaned up, no longer do.
  result.problems = [...again.blockers, ...again.problems];
  // A row that was changed stays reported until somebody repairs it.
  Object.assign(result, joinTouched(result, describePlan(again, false)));
}

/** The plan is logged before it is carried out, so that even a machine lost half way leaves this record. */
async function notePlan(ports: WritingPorts, plan: CleanupPlan): Promise<void> {
  const { ledger, scope } = plan.request;
  if (scope === "run" && ledger.rows.size + ledger.keys.size > 0)
    await ports.audit({
      action: "decision",
      details: { what: "created" },
      counts: { ...Object.fromEntries([...ledger.rows].map(([table, ids]) => [table, ids.size])), keys: ledger.keys.size },
    });
  await ports.audit(planNote(plan, plan.blockers.length === 0));
  for (const note of touchedNotes(plan.rows?.touched ?? [])) await ports.audit(note);
}

/** A plan as a note for the audit log. @param execute whether it is carried out */
export function planNote({ request, rows, keys, digest }: CleanupPlan, execute: boolean): AuditEvent {
  const tables = rows?.batches.flat().map((table) => [table.table, table.rows] as const) ?? [];
  return {
    action: "decision",
    details: { what: "plan", scope: request.scope, digest, execute },
    counts: { ...Object.fromEntries(tables), keys: keys?.keys.size ?? 0 },
  };
}

async function noteDelete(ports: WritingPorts, table: TablePlan, entry: TableCleanup, { rows }: Deleted): Promise<void> {
  await ports.audit({
    action: "statement",
    details: {
      what: "delete",
      table: table.table,
      statement: entry.statement,
      ...(entry.problem ? { problem: entry.problem } : {}),
    },
    counts: { planned: table.rows, ...(rows === undefined ? {} : { deleted: rows }) },
  });
}

/**
 * The state at the end: what is left, which versions have the deleted rows, and whether the protected tables still have theirs.
 */
async function noteEnd(
  ports: WritingPorts,
  plan: CleanupPlan,
  last: CleanupPlan | undefined,
  result: CleanupResult,
): Promise<void> {
  for (const [table, before] of plan.rows?.protectedRows ?? []) {
    const after = last?.rows?.protectedRows.get(table);
    const kept = after === undefined ? "unknown" : after >= before;
    if (kept === false)
      result.notes.push(
        `${table} is protected, but had ${before} rows before and has ${after} now: something else deletes from it`,
      );
    await ports.audit({
      action: "decision",
      details: { what: "protected", table, kept },
      counts: { before, ...(after === undefined ? {} : { after }) },
    });
  }
  for (const { table, versionBefore, versionAfter } of result.tables)
    if (versionBefore !== undefined && versionAfter !== undefined)
      await ports.audit({ action: "decision", details: { what: "versions", table }, counts: { versionBefore, versionAfter } });
  const left = result.tables.flatMap(({ table, left: rows }) => (rows ? [[table, rows] as const] : []));
  await ports.audit({
    action: "decision",
    details: { what: "verified", leftOver: result.leftOver ?? "unknown" },
    counts: { ...Object.fromEntries(left), keys: result.keys.left ?? 0 },
  });
  if (result.leftOver === 0) ports.onRemaining({ tables: [], keys: 0 });
}
