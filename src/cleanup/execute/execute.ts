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
import {
  type CleanupPlan,
  type CleanupPorts,
  type CleanupRequest,
  describePlan,
  leftOver,
  planCleanup,
  tableOf,
} from "../plan/plan-cleanup.ts";
import { type RetainedTables, retain, retainedInBatch, tablesRetainedFor, whyRetained } from "../plan/retained.ts";
import type { TablePlan } from "../plan/row-plan.ts";
import { versionOfDelete } from "../tables/history.ts";
import { Binder, conditionOf, storedSelection } from "../tables/selection.ts";
import { joinTouched, touchedNotes } from "../touched/touched-rows.ts";
import { proveRedis, proveWarehouse } from "./proof.ts";

/** What is still to be deleted of a plan. */
export interface Remaining {
  tables: { table: string; rows: number }[];
  keys: number;
}

export interface WritingPorts extends CleanupPorts {
  environment: Environment;
  warehouse?: TestDataWarehouse;
  redis?: TestDataRedis;
  /** Told before the first delete and after each one. */
  onRemaining: (remaining: Remaining) => void;
  /** Called when a round of deletes has ended, before the search for what is left. */
  onDeleted?: () => void;
  /** Keeps a line of the audit log; never rejects. */
  audit: (note: AuditEvent) => Promise<void>;
}

declare const proven: unique symbol;
/** Connections that were compared with what the environment must be; only {@link prove} makes them. */
export type ProvenPorts = WritingPorts & { readonly [proven]: true };

/** To be done once for each connection, before the first write through it. @throws WrongTarget, WarehouseFailure */
export async function prove(ports: WritingPorts): Promise<ProvenPorts> {
  if (ports.redis) proveRedis(ports.environment, ports.redis.identity);
  if (ports.warehouse) proveWarehouse(ports.environment, await ports.warehouse.identity());
  return ports as ProvenPorts;
}

/**
 * Plans while the place is proven. Waits for both, whatever becomes of one: connections must not be closed under the other.
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

/** How often test data is looked for again after a deletion, because something may still be writing. */
const rounds = 3;
const pauseBetweenRoundsMs = 200;

/**
 * Deletes exactly what was planned, then looks again until nothing is left. The first error never abandons the rest: what could
 * not be done stands in the result.
 */
export async function executeCleanup(ports: ProvenPorts, plan: CleanupPlan): Promise<CleanupResult> {
  const result = describePlan(plan, false);
  // Nothing yet, which is known; unknown is what a lost answer makes of it.
  for (const entry of result.tables) entry.deleted = 0;
  await notePlan(ports, plan);
  if (plan.blockers.length > 0) {
    result.problems.push("nothing was deleted");
    result.keys.deleted = 0;
    return result;
  }
  if (ports.redis && plan.keys && plan.request.testData.keyTtl.apply) await shortenLives(ports.redis, plan.keys, result.keys);
  // Nothing was found a moment ago: to look again would find the same.
  if (result.leftOver === 0) {
    await noteEnd(ports, plan, plan, result);
    return result;
  }
  let current = plan;
  const retainedEntries: RetainedEntries = new Map();
  for (let round = 1; ; round++) {
    const versions = await deletePlanned(ports, current, { result, retainedEntries });
    ports.onDeleted?.();
    const [again] = await Promise.all([lookAgain(ports, current, result), ...versions]);
    if (again === undefined) {
      await noteEnd(ports, plan, undefined, result);
      return result;
    }
    noteLeft(again, result);
    const done = result.leftOver === 0 || round === rounds || ports.signal.aborted;
    if (!done && again.blockers.length > 0) result.problems.push("what came back was not deleted");
    if (done || again.blockers.length > 0) {
      await noteEnd(ports, plan, again, result);
      return result;
    }
    ports.onStep(`${result.leftOver} rows or keys are still there or came back; deleting again (${round + 1} of ${rounds})`);
    await delay(pauseBetweenRoundsMs * round);
    current = again;
  }
}

/** A delete that was carried out, before the table's own history was asked about it. */
interface CarriedOut {
  table: TablePlan;
  entry: TableCleanup;
  /** Unknown where the answer was lost. */
  rows: number | undefined;
  statement: string;
}

/** Deletes of one batch under way at once. A warehouse runs about ten and queues the others, which costs no round trip. */
const deletionsAtOnce = 48;

/**
 * @returns what has still to be asked of the tables' histories, never to be rejected. Each is asked as soon as its rows are gone: a
 * cleanup that is cancelled, or whose time is up, knows by then which version has what the batches before took.
 */
async function deletePlanned(
  ports: WritingPorts,
  plan: CleanupPlan,
  { result, retainedEntries }: { result: CleanupResult; retainedEntries: RetainedEntries },
): Promise<Promise<void>[]> {
  const { warehouse, redis } = ports;
  const remaining = new Map(plan.rows?.batches.flat().map((table) => [table.table, table.rows]));
  let keys = plan.keys?.keys.size ?? 0;
  const say = () => ports.onRemaining({ tables: [...remaining].map(([table, rows]) => ({ table, rows })), keys });
  const deletions: CarriedOut[] = [];
  const versions: Promise<void>[] = [];
  const retained: RetainedTables = new Map(plan.rows?.retained);
  say();
  // Before the rows: a key is known by the id of a row, and once that is gone no sweep would find it.
  if (redis && plan.keys && plan.keys.keys.size > 0) {
    ports.onStep(`deleting ${count(plan.keys.keys.size, "Redis key")}`);
    const planned = plan.keys.keys.size;
    let gone: number | undefined;
    try {
      gone = await redis.unlink([...plan.keys.keys]);
      addDeleted(result.keys, gone);
      result.deletedKeys += gone ?? 0;
      keys = 0;
    } catch (error) {
      markCountUnknown(result.keys, errorText(error));
      // Which of them are gone is unknown, so any may be left. The next round tries again.
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
      const going = withoutRetained(batch, retained, { result, retainedEntries });
      if (going.length === 0) continue;
      ports.onStep(`deleting from ${going.map((table) => table.table).join(", ")}`);
      await inParallel(deletionsAtOnce, going, async (table) => {
        const deletion = await deleteTable(warehouse, table, entryFor(result, table));
        if (deletion) {
          deletions.push(deletion);
          remaining.delete(table.table);
        } else retain(retained, table.foundThrough, whyRetained.rows);
        say();
        await noteDelete(ports, table, entryFor(result, table), deletion);
        if (deletion) versions.push(noteVersion(warehouse, deletion));
      });
    }
    // Known to be gone, also from a table whose whole count is unknown.
    result.deletedRows += deletions.reduce((sum, { rows }) => sum + (rows ?? 0), 0);
  }
  return versions;
}

/** Tables whose rows stayed in an earlier round → the reason, as their entries have it. */
type RetainedEntries = Map<TableCleanup, string>;

/** What of a batch goes now. What stays says why; what has stayed before says it no longer. */
function withoutRetained(
  batch: readonly TablePlan[],
  retained: RetainedTables,
  { result, retainedEntries }: { result: CleanupResult; retainedEntries: RetainedEntries },
): TablePlan[] {
  const staying = retainedInBatch(batch, retained);
  return batch.filter((table) => {
    const entry = entryFor(result, table);
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

function entryFor(result: CleanupResult, table: TablePlan): TableCleanup {
  const known = result.tables.find((entry) => entry.table === table.table);
  if (known) return known;
  const added = { ...tableOf(table), deleted: 0 };
  result.tables.push(added);
  return added;
}

/** @returns nothing where it failed, which the entry says. */
async function deleteTable(warehouse: TestDataWarehouse, table: TablePlan, entry: TableCleanup): Promise<CarriedOut | undefined> {
  const binder = new Binder();
  const condition = conditionOf(table.selection, binder);
  try {
    const rows = await warehouse.deleteRows(table.table, condition, binder.parameters);
    addRows(entry, rows);
    if (rows === undefined) entry.problem = "the warehouse did not tell how many rows it deleted";
    else if (rows !== table.rows)
      entry.problem = `${count(table.rows, "row was", "rows were")} planned, but ${count(rows, "was", "were")} deleted`;
    return { table, entry, rows, statement: entry.statement };
  } catch (error) {
    // Whether it was carried out all the same, a broken connection does not tell.
    addRows(entry, undefined);
    entry.problem = errorText(error);
    return undefined;
  }
}

/** Once an answer is lost, the count stays unknown: what later rounds delete is not all. */
function addRows(entry: TableCleanup, gone: number | undefined): void {
  if (gone === undefined) delete entry.deleted;
  else if (entry.deleted !== undefined) entry.deleted += gone;
}

/** Compares the count with the table's own account, and keeps what undo needs. Never rejects. */
async function noteVersion(warehouse: TestDataWarehouse, { table, entry, rows }: CarriedOut): Promise<void> {
  if (rows === undefined || rows === 0) return;
  try {
    const version = await versionOfDelete(warehouse, table.table, rows);
    if (version === undefined) {
      entry.problem ??= `${count(rows, "row was", "rows were")} deleted, but the table's history shows no such delete`;
      return;
    }
    entry.versionBefore = Math.min(entry.versionBefore ?? version - 1, version - 1);
    entry.versionAfter = version;
    entry.deletions = [...(entry.deletions ?? []), { rows, version, selection: storedSelection(table) }];
  } catch (error) {
    entry.problem ??= `${count(rows, "row was", "rows were")} deleted, but the table's history could not be read: ${errorText(error)}`;
  }
}

async function lookAgain(ports: WritingPorts, plan: CleanupPlan, result: CleanupResult): Promise<CleanupPlan | undefined> {
  try {
    return await planCleanup(ports, plan.request, plan);
  } catch (error) {
    result.leftOver = null;
    result.problems.push(`whether anything is left could not be told: ${errorText(error)}`);
    return undefined;
  }
}

function noteLeft(again: CleanupPlan, result: CleanupResult): void {
  const unreadable = new Set(again.rows?.unreadable.map(({ table }) => table));
  for (const entry of result.tables) entry.left = unreadable.has(entry.table) ? undefined : 0;
  for (const table of again.rows?.batches.flat() ?? []) entryFor(result, table).left = table.rows;
  result.keys.left = again.keys?.keys.size ?? 0;
  result.leftOver = leftOver(again);
  // The last look counts: what hung on test data in a view, or in a table that another cleaned up, hangs no more.
  result.problems = [...again.blockers, ...again.problems];
  // A row that was seen to be changed stays so until somebody repairs it.
  Object.assign(result, joinTouched(result, describePlan(again, false)));
}

/** What is about to happen stands in the log before it happens: a machine that is lost half way leaves that much. */
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

/** A plan as the audit log has it. @param execute whether it is carried out. */
export function planNote({ request, rows, keys, digest }: CleanupPlan, execute: boolean): AuditEvent {
  const tables = rows?.batches.flat().map((table) => [table.table, table.rows] as const) ?? [];
  return {
    action: "decision",
    details: { what: "plan", scope: request.scope, digest, execute },
    counts: { ...Object.fromEntries(tables), keys: keys?.keys.size ?? 0 },
  };
}

async function noteDelete(
  ports: WritingPorts,
  table: TablePlan,
  entry: TableCleanup,
  deletion: CarriedOut | undefined,
): Promise<void> {
  await ports.audit({
    action: "statement",
    details: {
      what: "delete",
      table: table.table,
      statement: entry.statement,
      ...(entry.problem ? { problem: entry.problem } : {}),
    },
    counts: { planned: table.rows, ...(deletion?.rows === undefined ? {} : { deleted: deletion.rows }) },
  });
}

/** What was seen at the end: what is left, which versions hold what was deleted, and whether the protected tables still have their rows. */
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
      result.notes.push(`${table} is protected, but has ${after} rows where it had ${before}: something else deletes from it`);
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
