import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Environment, Table, TestDataConfig } from "../config/schema.ts";
import type { CleanupResult, TableCleanup } from "../model.ts";
import { type RedisReader, readableKey, type TestDataRedis } from "../redis/connection.ts";
import type { TestDataWarehouse, WarehouseReader } from "../warehouse/access.ts";
import { qualifiedName } from "../warehouse/statements.ts";
import { inParallel } from "./concurrency.ts";
import { runPrefix } from "./identity.ts";
import { addDeleted, describeTtl, type KeyPlan, type KeyRequest, keyNotes, planKeys, shortenLives } from "./keys.ts";
import type { Ledger } from "./ledger.ts";
import { planRows } from "./plan.ts";
import { proveRedis, proveWarehouse } from "./proof.ts";
import type { PlanRequest, RowPlan, Scope, TablePlan } from "./row-plan.ts";
import { Binder, conditionOf } from "./selection.ts";

export interface CleanupRequest {
  scope: Scope;
  runId: string;
  /** When the run began, Unix milliseconds. */
  runStarted: number;
  testData: TestDataConfig;
  tables: Readonly<Record<string, Table>>;
  ledger: Ledger;
  now: number;
}

export interface CleanupPorts {
  warehouse?: WarehouseReader;
  redis?: RedisReader;
  signal: AbortSignal;
  onStep: (text: string) => void;
}

export interface WritingPorts extends CleanupPorts {
  environment: Environment;
  warehouse?: TestDataWarehouse;
  redis?: TestDataRedis;
}

export interface CleanupPlan {
  request: CleanupRequest;
  rows?: RowPlan;
  keys?: KeyPlan;
  digest: string;
  /** Why it is not complete. */
  problems: string[];
  /** Why it must not run. */
  blockers: string[];
}

/**
 * Finds all test data of the scope; only reads.
 * @param earlier a plan of the same cleanup: what it found stays known, although it may be deleted by now.
 * @throws WarehouseFailure, RedisFailure, UserError
 */
export async function planCleanup(ports: CleanupPorts, request: CleanupRequest, earlier?: CleanupPlan): Promise<CleanupPlan> {
  const rows = ports.warehouse
    ? await planRows(ports.warehouse, rowRequest(request, earlier?.rows?.ids ?? new Map()), earlier?.rows)
    : undefined;
  const keys = ports.redis ? await planKeys(ports.redis, keyRequest(request, rows)) : undefined;
  const digest = createHash("sha256")
    .update(JSON.stringify([request.scope, rows?.digest ?? "", [...(keys?.keys ?? [])].sort()]))
    .digest("hex");
  const unreadable = rows?.unreadable.map((table) => `${table.table} could not be looked at: ${table.why}`) ?? [];
  const torn = request.scope === "run" ? request.ledger.problems : [];
  return {
    request,
    rows,
    keys,
    digest,
    problems: [...(rows?.problems ?? []), ...unreadable, ...torn],
    blockers: [...(rows?.blockers ?? []), ...(keys?.blockers ?? [])],
  };
}

/** How often test data is looked for again after a deletion, because something may still be writing. */
const rounds = 3;
const pauseBetweenRoundsMs = 200;

/**
 * Deletes exactly what was planned, then looks again until nothing is left. The first error never abandons the rest: what could
 * not be done stands in the result. @throws WrongPlace before the first write
 */
export async function executeCleanup(ports: WritingPorts, plan: CleanupPlan): Promise<CleanupResult> {
  if (ports.warehouse) proveWarehouse(ports.environment, await ports.warehouse.identity());
  if (ports.redis) proveRedis(ports.environment, ports.redis.identity);
  const result = describePlan(plan, false);
  if (plan.blockers.length > 0) {
    result.problems.push("nothing was deleted");
    return result;
  }
  if (ports.redis && plan.keys && plan.request.testData.keyTtl.apply) await shortenLives(ports.redis, plan.keys, result.keys);
  // Nothing was found a moment ago: to look again would find the same.
  if (result.leftOver === 0) return result;
  let current = plan;
  for (let round = 1; ; round++) {
    await deletePlanned(ports, current, result);
    const again = await lookAgain(ports, current, result);
    if (again === undefined) return result;
    noteLeft(again, result);
    if (result.leftOver === 0 || round === rounds || ports.signal.aborted) return result;
    if (again.blockers.length > 0) {
      result.problems.push("what came back was not deleted");
      return result;
    }
    ports.onStep(`${result.leftOver} rows or keys are still there or came back; deleting again (${round + 1} of ${rounds})`);
    await delay(pauseBetweenRoundsMs * round);
    current = again;
  }
}

/** A plan as a result, before anything was done. */
export function describePlan(plan: CleanupPlan, dryRun: boolean): CleanupResult {
  const tables = plan.rows?.levels.flat().map(tableOf) ?? [];
  const keys = [...(plan.keys?.keys ?? [])].sort();
  const notes = [...(plan.rows?.notes ?? []), ...(plan.keys ? keyNotes(plan.keys) : [])];
  return {
    scope: plan.request.scope,
    dryRun,
    digest: plan.digest,
    tables,
    keys: {
      planned: keys.length,
      samples: keys.slice(0, 3).map(readableKey),
      ...(plan.keys ? { ttl: describeTtl(plan.keys.ttl) } : {}),
    },
    problems: [...plan.blockers, ...plan.problems],
    notes,
    plannedRows: plan.rows?.rows ?? 0,
    deletedRows: 0,
    deletedKeys: 0,
    leftOver: leftOver(plan),
  };
}

function tableOf(table: TablePlan): TableCleanup {
  const iso = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString());
  return {
    table: table.table,
    planned: table.rows,
    oldest: iso(table.oldest),
    newest: iso(table.newest),
    samples: table.samples,
    statement: `DELETE FROM ${table.table} WHERE ${conditionOf(table.selection, new Binder())}`,
  };
}

function rowRequest(request: CleanupRequest, known: ReadonlyMap<string, ReadonlySet<string>>): PlanRequest {
  const { testData, ledger, scope } = request;
  const all = new Map<string, Set<string>>();
  for (const source of scope === "run" ? [ledger.rows, known] : [known])
    for (const [table, ids] of source) all.set(table, new Set([...(all.get(table) ?? []), ...ids]));
  return {
    scope,
    prefixes: scope === "run" ? testData.prefixes.map((prefix) => runPrefix(prefix, request.runId)) : testData.prefixes,
    tables: request.tables,
    protectedTables: testData.protectedTables,
    known: all,
    olderThan: request.now - testData.expireAfter,
    bornAfter: request.runStarted,
    now: request.now,
    maxRows: testData.maxRows,
    maxShare: testData.maxShare,
  };
}

function keyRequest(request: CleanupRequest, rows: RowPlan | undefined): KeyRequest {
  const { testData, scope } = request;
  return {
    scope,
    prefixes: scope === "run" ? testData.prefixes.map((prefix) => runPrefix(prefix, request.runId)) : testData.prefixes,
    ids: new Set([...(rows?.ids.values() ?? [])].flatMap((ids) => [...ids])),
    ledger: scope === "run" ? request.ledger.keys : new Set(),
    namespaces: testData.keys,
    protectedKeys: testData.protectedKeys,
    olderThan: request.now - testData.expireAfter,
    now: request.now,
    maxKeys: testData.maxKeys,
    ttlLimit: testData.keyTtl.limit,
  };
}

const deletionsAtOnce = 8;

async function deletePlanned(ports: WritingPorts, plan: CleanupPlan, result: CleanupResult): Promise<void> {
  const { warehouse, redis } = ports;
  if (warehouse && plan.rows) {
    for (const level of plan.rows.levels) {
      ports.onStep(`deleting from ${level.map((table) => table.table).join(", ")}`);
      await inParallel(deletionsAtOnce, level, async (table) => deleteTable(warehouse, table, entryFor(result, table)));
    }
    result.deletedRows = result.tables.reduce((sum, table) => sum + (table.deleted ?? 0), 0);
  }
  if (redis && plan.keys && plan.keys.keys.size > 0) {
    ports.onStep(`deleting ${plan.keys.keys.size} Redis keys`);
    try {
      addDeleted(result.keys, await redis.unlink([...plan.keys.keys]));
      result.deletedKeys = result.keys.deleted ?? result.deletedKeys;
    } catch (error) {
      result.keys.problem = sentence(error);
    }
  }
}

function entryFor(result: CleanupResult, table: TablePlan): TableCleanup {
  const known = result.tables.find((entry) => entry.table === table.table);
  if (known) return known;
  const added = tableOf(table);
  result.tables.push(added);
  return added;
}

async function deleteTable(warehouse: TestDataWarehouse, table: TablePlan, entry: TableCleanup): Promise<void> {
  const binder = new Binder();
  const condition = conditionOf(table.selection, binder);
  try {
    const deleted = await warehouse.deleteRows(table.table, condition, binder.parameters);
    if (deleted === undefined) {
      entry.problem = "the warehouse did not tell how many rows it deleted";
      return;
    }
    entry.deleted = (entry.deleted ?? 0) + deleted;
    if (deleted !== table.rows) entry.problem = `${table.rows} rows were planned, but ${deleted} were deleted`;
    const version = await versionOfDelete(warehouse, table.table, deleted);
    if (version !== undefined) Object.assign(entry, { versionBefore: version - 1, versionAfter: version });
    else if (deleted > 0) entry.problem ??= `${deleted} rows were deleted, but the table's history shows no such delete`;
  } catch (error) {
    entry.problem = sentence(error);
  }
}

/** Other runs may delete from the same table at the same time: ours is among the latest. */
const versionsLookedAt = 20;

/** The version that a delete of so many rows made, by the table's own account. */
async function versionOfDelete(warehouse: WarehouseReader, table: string, deleted: number): Promise<number | undefined> {
  const name = qualifiedName(warehouse.catalog, table);
  const history = await warehouse.query(`DESCRIBE HISTORY ${name} LIMIT ${versionsLookedAt}`);
  const ours = history.find((row) => row.operation === "DELETE" && deletedRows(row.operationMetrics) === deleted);
  return ours && Number(ours.version);
}

/** Delta's metrics are a map of texts, which reaches us as an object or as JSON. */
function deletedRows(metrics: unknown): number {
  const known = (typeof metrics === "string" ? JSON.parse(metrics) : metrics) as Record<string, unknown> | null | undefined;
  return Number(known?.numDeletedRows);
}

async function lookAgain(ports: WritingPorts, plan: CleanupPlan, result: CleanupResult): Promise<CleanupPlan | undefined> {
  try {
    return await planCleanup(ports, plan.request, plan);
  } catch (error) {
    result.leftOver = null;
    result.problems.push(`whether anything is left could not be told: ${sentence(error)}`);
    return undefined;
  }
}

function noteLeft(again: CleanupPlan, result: CleanupResult): void {
  const unreadable = new Set(again.rows?.unreadable.map(({ table }) => table));
  for (const entry of result.tables) entry.left = unreadable.has(entry.table) ? undefined : 0;
  for (const table of again.rows?.levels.flat() ?? []) entryFor(result, table).left = table.rows;
  result.keys.left = again.keys?.keys.size ?? 0;
  result.leftOver = leftOver(again);
  // The last look counts: what hung on test data in a view, or in a table that another cleaned up, hangs no more.
  result.problems = [...again.blockers, ...again.problems];
}

/** What a plan found; unknown where a table could not be looked at. */
function leftOver(plan: CleanupPlan): number | null {
  return plan.rows?.unreadable.length ? null : (plan.rows?.rows ?? 0) + (plan.keys?.keys.size ?? 0);
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
