import { createHash } from "node:crypto";
import type { Table, TestDataConfig } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import type { CleanupResult, TableCleanup } from "../../model/test-data.ts";
import { type RedisReader, readableKey } from "../../redis/connection.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { describeTtl, type KeyPlan, type KeyRequest, keyNotes, planKeys } from "../keys/plan-keys.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { runPrefix, type StartState } from "../ownership/age.ts";
import { Binder, conditionOf } from "../tables/selection.ts";
import { touchedResult, touchedRowsWithOldValues } from "../touched/touched-rows.ts";
import { type PlanRequest, planRows, type RowPlan, type Scope, type TablePlan } from "./plan-rows.ts";

export interface CleanupRequest {
  scope: Scope;
  runId: string;
  /** When the run began, Unix milliseconds. */
  runStarted: number;
  testData: TestDataConfig;
  tables: Readonly<Record<string, Table>>;
  ledger: Ledger;
  /** The state before the tests; absent if not recorded, as in sweeps. */
  start?: StartState;
  /** The prefixes before a run id: data with one of them and another run's id belongs to that run. */
  stagePrefixes?: readonly string[];
  /** The suite's own sign-ins in this run; absent in sweeps. */
  signIns?: SignInsMade;
  now: number;
}

export interface SignInsMade {
  /** Taken from the responses. */
  ids: ReadonlySet<string>;
  /** Sign-ins whose data cannot be deleted, and why. */
  notes: readonly string[];
}

export interface CleanupPorts {
  warehouse?: WarehouseReader;
  redis?: RedisReader;
  signal: AbortSignal;
  onStep: (text: string) => void;
}

export interface CleanupPlan {
  request: CleanupRequest;
  rows?: RowPlan;
  keys?: KeyPlan;
  digest: string;
  /** Why the plan is incomplete. */
  problems: string[];
  /** Why the plan must not run. */
  blockers: string[];
}

/**
 * Finds all test data of the scope; only reads.
 * @param earlier a plan of the same cleanup: what it found stays known, even if deleted by now
 * @throws WarehouseFailure, RedisFailure, UserError
 */
export async function planCleanup(ports: CleanupPorts, request: CleanupRequest, earlier?: CleanupPlan): Promise<CleanupPlan> {
  const rows = ports.warehouse ? await planRows(ports.warehouse, rowRequest(request), earlier?.rows) : undefined;
  if (ports.warehouse && rows)
    rows.touched = await touchedRowsWithOldValues(
      ports.warehouse,
      rows,
      { tables: request.tables, prefixes: request.testData.prefixes, keep: request.testData.keep, start: request.start },
      earlier?.rows,
    );
  const keys = ports.redis ? await planKeys(ports.redis, keyRequest(request, rows)) : undefined;
  const digest = createHash("sha256")
    .update(JSON.stringify([request.scope, rows?.digest ?? "", [...(keys?.keys ?? [])].sort()]))
    .digest("hex");
  const unreadable = rows?.unreadable.map((table) => `${table.table} could not be read: ${table.why}`) ?? [];
  const ledger = request.scope === "run" ? [...request.ledger.problems, ...outOfReach(ports, request.ledger)] : [];
  return {
    request,
    rows,
    keys,
    digest,
    problems: [...(rows?.problems ?? []), ...(keys?.problems ?? []), ...unreadable, ...ledger],
    blockers: [...(rows?.blockers ?? []), ...(keys?.blockers ?? [])],
  };
}

/** Ledger entries for a store that is not configured: they are kept, and the report says so. */
function outOfReach({ warehouse, redis }: CleanupPorts, { rows, keys }: Ledger): string[] {
  const named = [...rows.values()].reduce((sum, ids) => sum + ids.size, 0);
  return [
    ...(!warehouse && named > 0
      ? [`the ledger names ${count(named, "row")}, but this environment has no databricks: what the ledger names is kept`]
      : []),
    ...(!redis && keys.size > 0
      ? [`the ledger names ${count(keys.size, "key")}, but this environment has no redis: what the ledger names is kept`]
      : []),
  ];
}

/** A plan as a result, before anything was deleted. */
export function describePlan(plan: CleanupPlan, dryRun: boolean): CleanupResult {
  const tables = plan.rows?.batches.flat().map(tableOf) ?? [];
  const keys = [...(plan.keys?.keys ?? [])].sort();
  const signIns = plan.keys ? (plan.request.signIns?.notes ?? []) : [];
  const notes = [...(plan.rows?.notes ?? []), ...(plan.keys ? keyNotes(plan.keys) : []), ...signIns];
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
    ...(plan.rows?.realLooking.length ? { realLooking: plan.rows.realLooking } : {}),
    ...touchedResult(plan.rows?.touched ?? [], plan.request.tables, plan.request.start),
    ...(plan.rows?.kept.length ? { kept: plan.rows.kept } : {}),
    leftOver: leftOver(plan),
    looked: { tables: plan.rows?.lookedAt ?? 0, redis: plan.keys !== undefined },
  };
}

export function tableOf(table: TablePlan): TableCleanup {
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

function soughtPrefixes({ scope, testData: { prefixes }, runId }: CleanupRequest): string[] {
  return scope === "run" ? prefixes.map((prefix) => runPrefix(prefix, runId)) : prefixes;
}

/** The warehouse part of a cleanup request. */
export function rowRequest(request: CleanupRequest): PlanRequest {
  const { testData, ledger, scope } = request;
  return {
    scope,
    prefixes: soughtPrefixes(request),
    sweptPrefixes: testData.prefixes,
    tables: request.tables,
    own: new Set(Object.keys(testData.tables)),
    protectedTables: testData.protectedTables,
    known: scope === "run" ? ledger.rows : new Map(),
    olderThan: request.now - testData.expireAfter,
    bornAfter: request.runStarted,
    start: request.start,
    sweep: new Set(testData.sweep),
    keep: testData.keep,
    timeZone: testData.timeZone,
    now: request.now,
    maxRows: testData.maxRows,
    maxShare: testData.maxShare,
    synthetic: testData.synthetic,
  };
}

function keyRequest(request: CleanupRequest, rows: RowPlan | undefined): KeyRequest {
  const { testData, scope, start, signIns } = request;
  return {
    scope,
    prefixes: soughtPrefixes(request),
    ids: new Set([...(rows?.ids.values() ?? [])].flatMap((ids) => [...ids])),
    ...(scope === "run" ? { run: { ids: [request.runId], prefixes: request.stagePrefixes ?? [] } } : {}),
    ...(signIns ? { signIns: signIns.ids } : {}),
    ...(start ? { hadKey: (key) => start.hadKey(key) } : {}),
    ledger: scope === "run" ? request.ledger.keys : new Set(),
    namespaces: testData.keys,
    protectedKeys: testData.protectedKeys,
    olderThan: request.now - testData.expireAfter,
    now: request.now,
    maxKeys: testData.maxKeys,
    ttlLimit: testData.keyTtl.limit,
  };
}

/** The number of rows and keys found; unknown if a table could not be read. */
export function leftOver(plan: CleanupPlan): number | null {
  return plan.rows?.unreadable.length ? null : (plan.rows?.rows ?? 0) + (plan.keys?.keys.size ?? 0);
}
