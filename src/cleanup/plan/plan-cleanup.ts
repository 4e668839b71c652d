import { createHash } from "node:crypto";
import type { Table, TestDataConfig } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import type { RedisReader } from "../../redis/connection.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { type KeyPlan, type KeyRequest, planKeys } from "../keys/plan-keys.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { StartState } from "../ownership/age.ts";
import { runPrefix } from "../run-id.ts";
import {
  dependencyLevels,
  isKept,
  parentTables,
  readCatalogColumns,
  readPolicies,
  readViews,
  whyHidden,
} from "../tables/catalog.ts";
import { touchedRowsWithOldValues } from "../touched/touched-rows.ts";
import { countSelected, holdToCaps, tablesWithMoreRows } from "./counts.ts";
import { keptOwnersOf } from "./kept-owners.ts";
import { reportKeptRows, reportUndeclared, UndeclaredTables } from "./kept-rows.ts";
import { presentTables } from "./present-tables.ts";
import { reportReading } from "./reading.ts";
import { reportLedger, Search } from "./search.ts";
import {
  assumeFoundThroughAll,
  deletionBatchesOf,
  type PlanRequest,
  type RowPlan,
  retain,
  type Scope,
  tablesNeededToFind,
  tablesRetainedFor,
  whyRetained,
} from "./table-plans.ts";

/** What to search for. All searches of one cleanup have the same request. */
export interface CleanupRequest {
  scope: Scope;
  runId: string;
  /** When the run began, Unix milliseconds. */
  runStarted: number;
  testData: TestDataConfig;
  tables: Readonly<Record<string, Table>>;
  ledger: Ledger;
  /** Whether the plan says what its search reads; a plan that is only shown does. */
  showsReading?: boolean;
  /** The state before the tests; absent if not recorded, as in sweeps. */
  start?: StartState;
  /** The prefixes before a run id: data with one of them and another run's id belongs to that run. */
  stagePrefixes?: readonly string[];
  /** The suite's own sign-ins in this run; absent in sweeps. */
  signIns?: SignInsMade;
  /** Ids of rows that are certainly this run's, and go with its branch: Redis keys may contain them. */
  addedIds?: ReadonlySet<string>;
  now: number;
}

export interface SignInsMade {
  /** Taken from the responses. */
  ids: ReadonlySet<string>;
  /** Sign-ins whose data cannot be deleted, and why. */
  notes: readonly string[];
}

/** What a plan may use: connections that can read, and what stops it. */
export interface CleanupPorts {
  warehouse?: WarehouseReader;
  redis?: RedisReader;
  signal: AbortSignal;
  onStep: (text: string) => void;
}

/** All that a cleanup would delete. What is shown is what is executed: this object, which its digest names. */
export interface CleanupPlan {
  request: CleanupRequest;
  rows?: RowPlan;
  keys?: KeyPlan;
  /** How often carrying out the plan changed Redis: deleted keys and TTLs; absent if unknown or not carried out. */
  keyChanges?: number | undefined;
  digest: string;
  /** Why the plan is incomplete. */
  problems: string[];
  /** Why the plan must not run. */
  blockers: string[];
}

/**
 * Finds all test data of the scope; only reads. Rows by the rule of `ownership/ownership.ts`, and the Redis keys that the ledger
 * names, or that have a test prefix or the id of such a row in them. What can't be judged is kept.
 * @param earlier a plan of the same cleanup: what it found stays known, even if deleted by now
 * @throws WarehouseFailure, RedisFailure, UserError
 */
export async function planCleanup(ports: CleanupPorts, request: CleanupRequest, earlier?: CleanupPlan): Promise<CleanupPlan> {
  const first = await planBoth(ports, request, earlier, new Set());
  const doubtful = await tablesWithDoubtfulIds(ports, request, first);
  const { rows, keys } = doubtful.size > 0 ? await planBoth(ports, request, earlier, doubtful) : first;
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

/** @param countedWhole see {@link PlanRequest} */
async function planBoth(
  ports: CleanupPorts,
  request: CleanupRequest,
  earlier: CleanupPlan | undefined,
  countedWhole: ReadonlySet<string>,
): Promise<Pick<CleanupPlan, "rows" | "keys">> {
  const asked = { ...rowRequest(request), countedWhole };
  const rows = ports.warehouse ? await planRows(ports.warehouse, asked, earlier?.rows) : undefined;
  if (ports.warehouse && rows)
    rows.touched = await touchedRowsWithOldValues(
      ports.warehouse,
      rows,
      { tables: request.tables, prefixes: request.testData.prefixes, keep: request.testData.keep, start: request.start },
      earlier?.rows,
    );
  const executed = earlier?.keys && { plan: earlier.keys, changes: earlier.keyChanges };
  const keys = ports.redis ? await planKeys(ports.redis, keyRequest(request, rows), executed) : undefined;
  return { rows, keys };
}

/**
 * Redis keys contain ids, but no times. If a real row of another time has the id too, the keys may be its. Asked only about tables
 * with ids that were found in keys to delete.
 */
async function tablesWithDoubtfulIds(
  { warehouse }: CleanupPorts,
  request: CleanupRequest,
  { rows, keys }: Pick<CleanupPlan, "rows" | "keys">,
): Promise<Set<string>> {
  if (!warehouse || !rows || !keys || keys.keys.size === 0 || rows.blockers.length > 0) return new Set();
  const { prefixes } = request.testData;
  const isRandom = (id: string) => !prefixes.some((prefix) => id.startsWith(prefix));
  const narrowed = rows.batches.flat().filter(({ selection, ownsRows }) => selection.during && !ownsRows);
  const ids = new Map(narrowed.map(({ table }) => [table, new Set([...(rows.ids.get(table) ?? [])].filter(isRandom))]));
  const inKeys = new Set(tablesRetainedFor(keys.keys, { ids, batches: [narrowed] }));
  const asked = narrowed.filter(({ table }) => inKeys.has(table)).map((table) => ({ ...table, ownsRows: true }));
  const counted = await countSelected(warehouse, asked, rows.catalog, rowRequest(request));
  return new Set(
    counted.filter(({ table, counts }) => "why" in counts || counts.selected > table.rows).map(({ table: { table } }) => table),
  );
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
    countedWhole: new Set(),
    sweep: new Set(testData.sweep),
    keep: testData.keep,
    timeZone: testData.timeZone,
    now: request.now,
    maxRows: testData.maxRows,
    maxShare: testData.maxShare,
    maxReadSize: testData.maxReadSize,
    showsReading: request.showsReading ?? false,
    synthetic: testData.synthetic,
  };
}

function keyRequest(request: CleanupRequest, rows: RowPlan | undefined): KeyRequest {
  const { testData, scope, start, signIns, addedIds = [] } = request;
  return {
    scope,
    prefixes: soughtPrefixes(request),
    ids: new Set([...[...(rows?.ids.values() ?? [])].flatMap((ids) => [...ids]), ...addedIds]),
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

/** After the first round, which always finds what there is. */
const roundsAskedBeside = 4;

/**
 * Finds every row that is test data, by itself or through what it depends on: round after round, until one finds nothing new. Only
 * reads. A plan above a limit of the configuration has blockers, and is not carried out.
 * @param earlier a plan of the same run, whose catalog is reused
 * @throws WarehouseFailure, UserError
 */
export async function planRows(warehouse: WarehouseReader, request: PlanRequest, earlier?: RowPlan): Promise<RowPlan> {
  const [catalog, views, policies] = earlier
    ? [earlier.catalog, earlier.views, earlier.policies]
    : await Promise.all([readCatalogColumns(warehouse), readViews(warehouse), readPolicies(warehouse)]);
  const plan: RowPlan = {
    catalog,
    views,
    policies,
    lookedAt: 0,
    batches: [],
    rows: 0,
    ids: new Map(),
    references: new Map(),
    notes: [],
    problems: [],
    blockers: [],
    protectedRows: new Map(),
    realLooking: [],
    touched: [],
    kept: [],
    unreadable: [],
    retained: new Map(),
    searchAgainFrom: new Map(),
    digest: "",
  };
  const declared = presentTables(request, catalog, plan);
  plan.lookedAt = Object.values(declared).filter((table) => !isKept(table)).length;
  const order = new Map(dependencyLevels(declared).flatMap((level, index) => level.map((name) => [name, index] as const)));
  const from = earlier?.searchAgainFrom;
  const search = new Search(
    warehouse,
    { declared, catalog, request, order, ...(from ? { from } : {}) },
    plan,
    earlier?.references ?? new Map(),
  );
  for (const [name, table] of Object.entries(declared)) {
    const why = isKept(table) ? undefined : whyHidden(name, table, policies);
    if (why !== undefined) search.leaveOut(name, why);
  }
  // A view has no rows of its own: they are deleted in its tables.
  const tables = new Map([...catalog].filter(([name]) => !views.has(name)));
  const others = new UndeclaredTables(warehouse, declared, request, tables);
  const ask = () => {
    const counted = [...search.found, ...keptOwnersOf(search.rows, search.settled.going)];
    return Promise.all([others.about(search.known), countSelected(warehouse, counted, catalog, request)]);
  };
  let answers: Awaited<ReturnType<typeof ask>> | undefined;
  const searchOn = async (asksAtOnce: boolean) => {
    for (let round = asksAtOnce ? 1 : 0; !search.done; round++) {
      // Test data is usually not deep, so questions about the whole plan are asked during the round that will probably find
      // nothing new: that saves a round. Deeper down it would seldom be the last one, and they are asked once, at the end.
      const maybeLast = (round > 0 && round <= roundsAskedBeside) || search.onlyProves;
      const { changes } = search;
      const asking = maybeLast ? ask() : undefined;
      // If the round finds more, this answer is outdated, and so is its failure: it is asked again. Otherwise it is awaited
      // below.
      asking?.catch(() => undefined);
      await search.round();
      answers = search.changes === changes ? await asking : undefined;
    }
    // A plan above a limit isn't carried out, so nothing more is asked about it.
    if (plan.blockers.length === 0) answers ??= await ask();
  };
  await searchOn(earlier !== undefined);
  const shared = plan.blockers.length === 0 ? tablesWithMoreRows(answers?.[1] ?? []) : [];
  if (shared.length > 0) {
    search.widen(shared);
    await searchOn(false);
  }
  const ids = new Map(search.going.map(({ scan, keys }) => [scan.name, new Set(keys)]));
  for (const [table, before] of earlier?.ids ?? []) {
    const stay = new Set(search.rows.filter(({ scan }) => scan.name === table).map(({ candidate }) => candidate.key));
    const gone = [...before].filter((id) => !stay.has(id));
    if (gone.length > 0) ids.set(table, new Set([...(ids.get(table) ?? []), ...gone]));
  }
  plan.ids = ids;
  plan.references = search.known;
  assumeFoundThroughAll(search.found, search.doubtful, declared, order);
  plan.batches = deletionBatchesOf(search.found);
  plan.rows = search.found.reduce((sum, table) => sum + table.rows, 0);
  reportKeptRows(search, request, plan);
  for (const { table } of plan.unreadable)
    retain(plan.retained, tablesNeededToFind(parentTables(declared[table]), plan, request), whyRetained.unreadable(table));
  reportLedger(declared, request, search.seenKeys, plan);
  if (plan.blockers.length === 0 && answers) {
    const [about, counted] = answers;
    reportUndeclared(about, request, plan);
    holdToCaps(counted, request, plan);
  }
  if (!earlier && (request.showsReading || request.maxReadSize !== undefined))
    await reportReading(warehouse, search, request, plan);
  plan.searchAgainFrom = search.searchAgainFrom(earlier);
  plan.digest = digestOf(plan);
  return plan;
}

/** SHA-256 of what would be deleted, independent of order. */
function digestOf(plan: RowPlan): string {
  const content = plan.batches
    .flat()
    .map(
      (table) =>
        [
          table.table,
          [...table.selection.values].map(([column, values]) => [column, [...values].sort()]).sort(),
          table.selection.during,
        ] as const,
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}
