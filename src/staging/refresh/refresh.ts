import { randomBytes } from "node:crypto";
import { errorText } from "../../lib/error-text.ts";
import { CodedError } from "../../model/coded-error.ts";
import type { RefreshedTable, RefreshResult } from "../../model/staging.ts";
import { UserError } from "../../model/user-error.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { buildMappings, buildTables } from "./build.ts";
import { type Checked, checkBuilt } from "./check.ts";
import { workingSchema } from "./names.ts";
import { pinVersions } from "./pin.ts";
import { type Plan, planRefresh } from "./plan.ts";
import { type RefreshRecord, writeRecord } from "./record.ts";
import type { RefreshPorts, RefreshRequest } from "./request.ts";
import { select } from "./select.ts";
import { detailOf, hasReached, isThere, Start, type State, TakenOver, type Unfinished, unfinishedRefreshes } from "./state.ts";
import { dropWorking, sweepRefreshes } from "./sweep.ts";
import { keepOld, type Switch, switchTables, versionsBefore } from "./switch.ts";
import { type Work, workOf } from "./work.ts";

/** What is known when a refresh begins, kept in its state. */
interface Begun {
  digest: string;
  policies: string;
  principal: string;
  /** ISO 8601. */
  startedAt: string;
}

/** What is needed to complete a switch without anything else. */
interface Switching {
  switch: Switch;
  record: Omit<RefreshRecord, "endedAt" | "switched">;
}

/**
 * Fills the copy with sanitised rows of the original, in the warehouse. It may be killed at any moment: the next one with the same
 * policies continues it. The copy stays as it was until everything is built and checked.
 * @returns `switched: false` with the problems if a check failed
 * @throws UserError before anything is read, if policies, structure or configuration don't allow it
 */
export async function refresh(ports: RefreshPorts, request: RefreshRequest): Promise<RefreshResult> {
  const { warehouse } = ports;
  if (request.original.toLowerCase() === request.copy.toLowerCase())
    throw new UserError("EA6105", `${request.copy} cannot be refreshed from itself; name a catalog of its own as the copy`);
  const before = await unfinishedRefreshes(warehouse, request.copy);
  if (toComplete(before)) return await completeSwitch(ports, request, await Start.take(warehouse, request.copy));
  const [original, copy] = await Promise.all([ports.readStructure(request.original), ports.readStructure(request.copy)]);
  const plan = planRefresh(original, copy, ports.rules, request);
  refuseOthers(request, before, plan);
  const start = await Start.take(warehouse, request.copy);
  const found = await unfinishedRefreshes(warehouse, request.copy);
  // Another start may have come so far in the meantime; it has stopped now.
  if (toComplete(found)) return await completeSwitch(ports, request, start);
  const resumed = continuable(found, plan);
  const id = resumed?.id ?? newId();
  try {
    const state = await start.stateOf(id);
    const begun = (resumed && detailOf<Begun>(resumed, "begun")) ?? (await begin(ports, plan, state));
    await state.hold();
    // Whatever was found belongs to earlier starts now, because a later one would have been noticed.
    await dropOthers(ports, request, { found, own: id, start });
    const versions = (resumed && detailOf<Record<string, number>>(resumed, "pinned")) ?? (await pin(ports, request, plan, state));
    const work = workOf(ports, request, { id, original, plan, state, versions });
    const { leftOut } = await select(work, resumed);
    await build(work);
    const checked = await checkBuilt(work);
    await state.hold();
    const record = recordOf(work, begun, { ...checked, leftOut });
    if (checked.problems.length > 0) return await stopped(ports, request, { record, start });
    const prepared = await prepareSwitch(ports, work, checked);
    await state.reach("switching", { switch: prepared, record } satisfies Switching);
    return await finishSwitch(ports, request, { switch: prepared, record }, { state, switched: "none" });
  } catch (error) {
    throw await afterFailure(ports, request, { id, start }, error);
  }
}

/** What a refresh would do, from the structures alone. @throws UserError as {@link refresh} */
export async function planOnly(ports: RefreshPorts, request: RefreshRequest): Promise<RefreshResult> {
  const [original, copy] = await Promise.all([ports.readStructure(request.original), ports.readStructure(request.copy)]);
  const plan = planRefresh(original, copy, ports.rules, request);
  const startedAt = new Date();
  const tables = [
    ...plan.tables.map(({ table }): RefreshedTable => ({ table, state: "pending" })),
    ...plan.omitted.map((table): RefreshedTable => ({ table, state: "omitted" })),
  ];
  return {
    id: newId(),
    startedAt: startedAt.toISOString(),
    tables: tables.sort(byTable),
    policies: ports.rules.hash,
    leaks: 0,
    suppressedRows: 0,
    orphans: 0,
    leftOut: 0,
    keepUntil: new Date(startedAt.getTime() + request.retentionMs).toISOString(),
    switched: false,
    planned: true,
  };
}

function newId(): string {
  return `${Date.now()}_${randomBytes(4).toString("hex")}`;
}

function byTable(a: RefreshedTable, b: RefreshedTable): number {
  return a.table < b.table ? -1 : 1;
}

/** One whose switch has begun. */
function toComplete(found: readonly Unfinished[]): Unfinished | undefined {
  return found.find((one) => hasReached(one, "switching"));
}

async function begin(ports: RefreshPorts, plan: Plan, state: State): Promise<Begun> {
  const { principal } = await ports.warehouse.identity();
  const begun = { digest: plan.digest, policies: ports.rules.hash, principal, startedAt: new Date().toISOString() };
  await state.reach("begun", begun);
  return begun;
}

async function pin(ports: RefreshPorts, request: RefreshRequest, plan: Plan, state: State) {
  const versions = await pinVersions(ports.warehouse, request, plan);
  await state.reach("pinned", versions);
  return versions;
}

async function build(work: Work): Promise<void> {
  await buildMappings(work);
  await work.state.reach("mapped");
  await buildTables(work);
  await work.state.reach("built");
}

function continuable(found: readonly Unfinished[], { digest }: Plan): Unfinished | undefined {
  return found.findLast((one) => detailOf<Begun>(one, "begun")?.digest === digest && !hasReached(one, "failed"));
}

/** @throws UserError if a refresh that cannot be continued seems to be alive */
function refuseOthers(request: RefreshRequest, found: readonly Unfinished[], plan: Plan): void {
  const same = continuable(found, plan);
  const alive = found.find(
    (one) => one !== same && !hasReached(one, "failed") && Date.now() - (one.reached.at(-1)?.at ?? 0) < aliveForMs,
  );
  if (!alive) return;
  throw new UserError(
    "EA6106",
    `another refresh of ${request.copy} with other policies or another structure is under way, begun at ${detailOf<Begun>(alive, "begun")?.startedAt ?? "an unknown time"}; wait until it ends, or drop the schema ${workingSchema(alive.id)} if it was killed`,
  );
}

/** Drops what refreshes left that cannot be continued. */
async function dropOthers(
  { warehouse, onStep }: RefreshPorts,
  request: RefreshRequest,
  { found, own, start }: { found: readonly Unfinished[]; own: string; start: Start },
): Promise<void> {
  for (const { id } of found.filter((one) => one.id !== own)) {
    onStep?.(`dropping what the refresh ${id} left`);
    await start.giveUp(id);
    await dropWorking(warehouse, request.copy, workingSchema(id), onStep);
  }
}

/** A refresh with other rules that gave no sign for so long is not waited for. */
const aliveForMs = 10 * 60_000;

function recordOf(work: Work, begun: Begun, checked: Checked & { leftOut: number }): Switching["record"] {
  const { request, plan, versions } = work;
  const tables = [
    ...plan.tables.map(
      ({ table }): RefreshedTable => ({
        table,
        state: "built",
        ...(versions[table] === undefined ? {} : { version: versions[table] }),
        ...(checked.rows[table] === undefined ? {} : { rows: checked.rows[table] }),
      }),
    ),
    ...plan.omitted.map((table): RefreshedTable => ({ table, state: "omitted" })),
  ];
  return {
    id: work.id,
    startedAt: begun.startedAt,
    principal: begun.principal,
    original: request.original,
    policies: begun.policies,
    tables: tables.sort(byTable),
    leaks: checked.leaks,
    chance: checked.chance,
    orphans: checked.orphans,
    suppressedRows: checked.suppressedRows,
    leftOut: checked.leftOut,
    ...(checked.k === undefined ? {} : { k: checked.k }),
    keepUntil: new Date(Date.parse(begun.startedAt) + request.retentionMs).toISOString(),
    ...(checked.problems.length > 0 ? { problems: checked.problems } : {}),
  };
}

async function prepareSwitch({ warehouse }: RefreshPorts, work: Work, { rows }: Checked): Promise<Switch> {
  const { request, plan } = work;
  const before = await versionsBefore(
    warehouse,
    request.copy,
    plan.tables.map(({ table }) => table),
  );
  const prepared: Switch = {
    tables: plan.tables.map(({ table, built, columns, withoutChecks: checks }) => ({
      table,
      built,
      columns,
      rows: rows[table] ?? 0,
      before: before.get(table) ?? 0,
      withoutChecks: checks,
    })),
  };
  if (request.keepOldMs > 0) await keepOld(warehouse, request.copy, work.id, prepared);
  return prepared;
}

/** Completes what another start began. */
async function completeSwitch(ports: RefreshPorts, request: RefreshRequest, start: Start): Promise<RefreshResult> {
  // The other one may have completed it itself.
  return (await completeHalf(ports, request, start)) ?? (await refresh(ports, request));
}

/**
 * Completes a switch that was cut short, for which nothing but the warehouse is needed.
 * @returns undefined if there is none
 */
export async function completeRefresh(
  ports: Pick<RefreshPorts, "warehouse" | "onStep">,
  request: Pick<RefreshRequest, "copy" | "keepOldMs">,
): Promise<RefreshResult | undefined> {
  const half = toComplete(await unfinishedRefreshes(ports.warehouse, request.copy));
  if (!half) return undefined;
  return await completeHalf(ports, request, await Start.take(ports.warehouse, request.copy));
}

/** It is looked up again, because the other start may have come further. */
async function completeHalf(
  ports: Pick<RefreshPorts, "warehouse" | "onStep">,
  request: Pick<RefreshRequest, "copy" | "keepOldMs">,
  start: Start,
): Promise<RefreshResult | undefined> {
  const half = toComplete(await unfinishedRefreshes(ports.warehouse, request.copy));
  if (!half) return undefined;
  const switching = detailOf<Switching>(half, "switching");
  if (!switching) throw new Error(`the refresh ${half.id} has no description of its switch`);
  ports.onStep?.(`completing the switch of the refresh ${half.id}`);
  try {
    const state = await start.stateOf(half.id);
    await state.hold();
    return await finishSwitch(ports, request, switching, { state, switched: hasReached(half, "switched") ? "all" : "some" });
  } catch (error) {
    throw await afterFailure(ports, request, { id: half.id, start }, error);
  }
}

async function finishSwitch(
  { warehouse, onStep }: Pick<RefreshPorts, "warehouse" | "onStep">,
  request: Pick<RefreshRequest, "copy" | "keepOldMs">,
  { switch: prepared, record }: Switching,
  {
    state,
    switched: already,
  }: { state: State /** How many tables may be switched already. */; switched: "none" | "some" | "all" },
): Promise<RefreshResult> {
  if (already !== "all") {
    await switchTables(warehouse, request.copy, record.id, prepared, already === "some");
    await state.reach("switched");
  }
  const switched = prepared.tables.map(({ table }) => table);
  const tables = record.tables.map((one) => (switched.includes(one.table) ? { ...one, state: "switched" as const } : one));
  const { endedAt, ...ended } = { ...record, tables, switched: true, endedAt: new Date().toISOString() };
  await writeRecord(warehouse, request.copy, { ...ended, endedAt });
  await dropWorking(warehouse, request.copy, workingSchema(record.id), onStep);
  await sweepRefreshes(warehouse, request.copy, { now: Date.now(), keepOldMs: request.keepOldMs, keepWorkingMs: sweptAfterMs });
  return resultOf({ ...ended, endedAt });
}

const sweptAfterMs = 24 * 60 * 60_000;

/** A check failed: the copy stays as it was. */
async function stopped(
  ports: RefreshPorts,
  request: RefreshRequest,
  { record, start }: { record: Switching["record"]; start: Start },
): Promise<RefreshResult> {
  await start.giveUp(record.id);
  const complete = { ...record, switched: false, endedAt: new Date().toISOString() };
  await writeRecord(ports.warehouse, request.copy, complete);
  await dropWorking(ports.warehouse, request.copy, workingSchema(record.id), ports.onStep);
  return resultOf(complete);
}

function resultOf({ endedAt: _ended, principal: _principal, original: _original, ...result }: RefreshRecord): RefreshResult {
  return result;
}

/** After a failure that a new start may survive, everything is kept for it. Otherwise what it had of production goes. */
async function afterFailure(
  ports: Pick<RefreshPorts, "warehouse" | "onStep">,
  request: Pick<RefreshRequest, "copy">,
  { id, start }: { id: string; start: Start },
  error: unknown,
): Promise<unknown> {
  // The connection is of no use any more.
  if (error instanceof WarehouseFailure && !["statement", "denied"].includes(error.kind)) return error;
  const own = async () => (await unfinishedRefreshes(ports.warehouse, request.copy)).find((one) => one.id === id);
  // A statement may have failed because another start took over and went on.
  if (await isTakenOver(error, () => start.hold())) {
    // One that had not begun has nothing that could be continued.
    if ((await own())?.reached.length === 0) await dropWorking(ports.warehouse, request.copy, workingSchema(id), ports.onStep);
    return new CodedError("EA6107", `the refresh ${id} was taken over by another start, which completes it`);
  }
  // A sweep, or a person, may have dropped what this start took up.
  if (error instanceof WarehouseFailure && !(await isThere(ports.warehouse, request.copy, workingSchema(id))))
    return new CodedError("EA6107", `the working schema of the refresh ${id} was dropped while this start worked on it`, {
      cause: error,
    });
  const unfinished = await own();
  if (!unfinished || hasReached(unfinished, "switching")) return error;
  if (await isTakenOver(undefined, () => start.giveUp(id)))
    return new CodedError("EA6107", `the refresh ${id} was taken over by another start, which completes it`, { cause: error });
  // It has the mapping of production's values: that it is left must not be lost behind the first failure.
  try {
    await dropWorking(ports.warehouse, request.copy, workingSchema(id), ports.onStep);
    return error;
  } catch (left) {
    return new CodedError(
      "EA6108",
      `the refresh failed (${errorText(error)}), and its working schema ${workingSchema(id)} may be left with the mapping of production's values: ${errorText(left)}`,
      { cause: error },
    );
  }
}

/** Whether this was the error, or `look` finds it now. What else fails there doesn't matter beside the first error. */
async function isTakenOver(error: unknown, look: () => Promise<void>): Promise<boolean> {
  if (error instanceof TakenOver) return true;
  return await look().then(
    () => false,
    (thrown: unknown) => thrown instanceof TakenOver,
  );
}
