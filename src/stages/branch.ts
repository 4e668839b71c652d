import type { Start } from "../cleanup/books/start.ts";
import { proveWarehouse } from "../cleanup/execute/proof.ts";
import { readTables } from "../cleanup/tables/catalog.ts";
import { errorText } from "../lib/error-text.ts";
import type { Check } from "../model/report.ts";
import type { Books, Isolation } from "../model/test-data.ts";
import { BranchDenied, branchScope, type CreatedBranch, createBranch } from "../staging/branch/create.ts";
import { type Dropped, dropBranches } from "../staging/branch/drop.ts";
import type { BranchForm } from "../staging/branch/plan.ts";
import { sharedTables } from "../staging/branch/shared.ts";
import type { CopyWarehouse } from "../warehouse/access.ts";
import { type AddedIds, addedIds } from "./branch-ids.ts";
import { booksOfBranch, coded, isolationCheck, notIsolated } from "./branch-verdict.ts";
import { type VersionsSince, versionsSince, writtenTo } from "./branch-versions.ts";
import { withCopyWarehouse } from "./connections.ts";
import { type StageContext, step } from "./context.ts";

/** `isolation: clone`: a stage with tests works on a copy of the tables, which is dropped at its end and proven gone. */

export function formOf({ config }: Pick<StageContext, "config">): BranchForm {
  const { as, into } = config.testData.isolation;
  return as === "schemas" && into !== undefined ? { as, into } : { as: "catalog" };
}

/** A branch that is ready, or why there is none. */
export type Begun =
  /** `context` hands the branch over to the application and its tests. */
  | { kind: "branch"; context: StageContext; created: CreatedBranch; isolation: Isolation }
  /** The run shares the tables. */
  | { kind: "prefixes"; check: Check; isolation: Isolation }
  /** No test may run. */
  | { kind: "refused"; check: Check; isolation: Isolation };

/** Makes the run's branch, of the versions that the tables had at the start. Never rejects. */
export async function beginBranch(context: StageContext, start: Start): Promise<Begun> {
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  const { config, runId, environment } = context;
  const { isolation: settings } = config.testData;
  const isolation = nothingMade();
  let who = "the principal";
  step(context, "making a copy of the tables for this run");
  try {
    const created = await withBranchWarehouse(context, context.signal, async (warehouse) => {
      const { principal } = await warehouse.identity();
      who = principal;
      const marker = {
        ...{ of: warehouse.catalog, runId, by: principal, environment: environment.name },
        endsBy: Date.now() + config.stages[context.stage === "e2e" ? "e2e" : "integration"].budget + config.stages.cleanup.budget,
      };
      return await createBranch(warehouse, {
        ...{ form: formOf(context), runId, marker, grantTo: settings.grantTo, managedLocation: settings.managedLocation },
        choices: Object.fromEntries(Object.entries(settings.tables).map(([name, choice]) => [name.toLowerCase(), choice])),
        pins: new Map([...start.moments].map(([table, { version }]) => [table.toLowerCase(), version])),
      });
    });
    describe(isolation, created, formOf(context));
    isolation.createdMs = elapsed();
    await context.audit({
      action: "statement",
      details: { what: "branch-created", branch: isolation.branch.join(", "), of: environment.databricks?.catalog ?? "" },
      counts: { cloned: isolation.cloned, empty: isolation.empty, leftOut: isolation.exceptions.length },
    });
    step(context, `${isolation.branch.join(", ")}: ${isolation.cloned} tables cloned in ${isolation.createdMs} ms`);
    return { kind: "branch", context: { ...context, branch: { variables: variablesOf(created, context) } }, created, isolation };
  } catch (error) {
    return await notMade(context, isolation, { error, who, elapsed });
  }
}

async function notMade(
  context: StageContext,
  isolation: Isolation,
  { error, who, elapsed }: { error: unknown; who: string; elapsed: () => number },
): Promise<Begun> {
  // Something may have been created before the failure, or by a statement whose answer was lost.
  const left = await dropOwn(context, isolation);
  const { required } = context.config.testData.isolation;
  if (error instanceof BranchDenied && left === undefined) {
    const on = error.missing === "CREATE CATALOG" ? "the metastore" : context.config.testData.isolation.into;
    const why = `${who} may not create a branch: ${error.message} Grant ${error.missing} on ${on}.`;
    isolation.why = why;
    return required
      ? {
          kind: "refused",
          isolation,
          check: notIsolated(
            "failed",
            "no branch",
            coded("EA5102", `No test ran, because testData.isolation.required is set: ${why}`),
            elapsed(),
          ),
        }
      : {
          kind: "prefixes",
          isolation,
          check: notIsolated(
            "degraded",
            "prefixes in shared tables",
            `The run was not isolated: it shared the tables with others, and prefixes told its rows apart. ${why}`,
            elapsed(),
          ),
        };
  }
  const also = left === undefined ? "" : ` ${left}`;
  isolation.why = `${errorText(error)}${also}`;
  return {
    kind: "refused",
    isolation,
    check: notIsolated(
      "error",
      "no branch",
      coded("EA5103", `No test ran, because the branch could not be made: ${errorText(error)}${also}`),
      elapsed(),
    ),
  };
}

/** @returns what is left, in words; undefined if it is certain that nothing is */
async function dropOwn(context: StageContext, isolation: Isolation): Promise<string | undefined> {
  try {
    const dropped = await withBranchWarehouse(context, cleanupSignal(context), async (warehouse) => {
      const which = { runs: [context.runId], now: Date.now() };
      return await dropBranches(warehouse, { original: warehouse.catalog, form: formOf(context) }, which);
    });
    await noteDropped(context, dropped);
    const left = dropped.branches.filter(({ gone }) => gone !== true);
    if (left.length === 0) return undefined;
    isolation.branch = left.flatMap(({ names }) => names);
    const why = left.map(({ problem }) => problem ?? "unknown").join("; ");
    return coded("EA5104", `${isolation.branch.join(", ")} may be left: ${why}.`);
  } catch (error) {
    return coded("EA5104", `It is unknown whether a part of it is left: ${errorText(error)}.`);
  }
}

/** The end of a run on a branch. */
export interface Ended {
  check: Check;
  isolation: Isolation;
  books: Books;
}

export interface EndedTests {
  start: Start;
  testsRan: boolean;
  /** Whether the tests left traces elsewhere, such as Redis keys. */
  wroteElsewhere: boolean;
  redisBooks: Books | undefined;
  written: Written | undefined;
}

/** What the tests wrote to the branch. */
export interface Written extends AddedIds {
  /** Absent if they could not be read. */
  versions?: VersionsSince;
}

/** Before the branch is dropped, and once nothing writes to it any more. Never rejects. */
export async function readWritten(context: StageContext, { created }: Extract<Begun, { kind: "branch" }>): Promise<Written> {
  step(context, "reading what the tests wrote to the branch");
  try {
    return await withBranchWarehouse(context, cleanupSignal(context), async (warehouse) => {
      const versions = await versionsSince({ ...warehouse, catalog: created.catalog }, startsOf(created));
      const { tables, config } = context;
      return { versions, ...(await addedIds(warehouse, created, versions, { tables, most: config.testData.maxRead })) };
    });
  } catch (error) {
    return { ids: new Set(), problems: [errorText(error)] };
  }
}

/** A branch's tables begin with version 0. */
function startsOf({ cloned, empty, schemas }: CreatedBranch): Map<string, number> {
  return new Map(
    [...cloned, ...empty].map((name) => {
      const [schema = "", table = ""] = name.split(".");
      return [`${schemas.get(schema) ?? schema}.${table}`, 0] as const;
    }),
  );
}

/**
 * Reads what was written, drops the branch, looks for it again, and sweeps those that earlier runs lost. It has its own time
 * limit, like every cleanup. Never rejects.
 */
export async function endBranch(
  context: StageContext,
  { created, isolation }: Extract<Begun, { kind: "branch" }>,
  { start, testsRan, wroteElsewhere, redisBooks, written }: EndedTests,
): Promise<Ended> {
  const started = performance.now();
  step(context, `dropping ${isolation.branch.join(", ")}`);
  isolation.problems.push(...(written?.problems ?? []).map((why) => `Redis keys with the ids of new rows may be left: ${why}`));
  try {
    await withBranchWarehouse(context, cleanupSignal(context), async (warehouse) => {
      await readVersions(context, warehouse, { created, isolation, start, written });
      const dropping = performance.now();
      const { serverTime } = await warehouse.identity();
      const which = {
        runs: [context.runId],
        expireAfter: context.config.testData.expireAfter,
        now: serverTime === undefined ? Date.now() : Date.parse(serverTime),
      };
      const dropped = await dropBranches(warehouse, { original: warehouse.catalog, form: formOf(context) }, which);
      isolation.droppedMs = Math.round(performance.now() - dropping);
      const own = dropped.branches.find(({ runId }) => runId === context.runId);
      // If it was not even found, it is gone already.
      const gone = own ? own.gone : true;
      if (gone !== undefined) isolation.gone = gone;
      if (own?.problem) isolation.problems.push(own.problem);
      const others = dropped.branches.filter((branch) => branch !== own);
      isolation.swept.push(...others.filter((branch) => branch.gone === true).flatMap(({ names }) => names));
      for (const { names, gone: isGone, problem } of others)
        if (isGone !== true)
          isolation.problems.push(`${names.join(", ")} of an earlier run was not dropped: ${problem ?? "unknown"}`);
      await noteDropped(context, dropped);
    });
  } catch (error) {
    isolation.problems.push(errorText(error));
  }
  const durationMs = Math.round(performance.now() - started) + (isolation.createdMs ?? 0);
  const books = booksOfBranch(isolation, redisBooks);
  await context.audit({
    action: "decision",
    details: { what: "books", line: books.line },
    counts: {
      tables: books.tablesRead,
      made: books.made.least,
      deleted: books.deleted.least,
      unexplained: books.unexplained.least,
      touched: isolation.shared?.touched.least ?? 0,
    },
  });
  return { check: isolationCheck(isolation, { testsRan, wroteElsewhere, durationMs }), isolation, books };
}

async function readVersions(
  context: StageContext,
  warehouse: CopyWarehouse,
  {
    created,
    isolation,
    start,
    written: known,
  }: { created: CreatedBranch; isolation: Isolation; start: Start; written: Written | undefined },
): Promise<void> {
  const { principal } = await warehouse.identity();
  const { principals, isolation: settings } = context.config.testData;
  const [branch, { originals, problem }] = await Promise.all([
    known?.versions ?? versionsSince({ ...warehouse, catalog: created.catalog }, startsOf(created)),
    originalsSince(warehouse, start),
  ]);
  const written = writtenTo(branch);
  if (written) isolation.written = written;
  isolation.shared = sharedTables({
    tables: originals.tables,
    unread: new Map([...start.unread, ...originals.unread]),
    problem: start.problem ?? problem,
    principals,
    mayBeOurs: new Set([
      principal,
      ...settings.grantTo,
      ...branch.tables.flatMap(({ versions }) => versions.map(({ user }) => user)),
    ]),
  });
}

/** Also tables that were created since the start. */
async function originalsSince(warehouse: CopyWarehouse, start: Start): Promise<{ originals: VersionsSince; problem?: string }> {
  const starts = new Map<string, number | undefined>();
  for (const [table, { version, newest }] of start.moments) starts.set(table, newest ?? version);
  let problem: string | undefined;
  try {
    for (const table of await readTables(warehouse))
      if (!starts.has(table) && !start.unread.has(table)) starts.set(table, undefined);
  } catch (error) {
    problem = errorText(error);
  }
  return { originals: await versionsSince(warehouse, starts), ...(problem === undefined ? {} : { problem }) };
}

/** What a sweep drops, besides the branches of runs that have ended long ago. */
export interface SweepRequest {
  runs: readonly string[];
  /** Whether branches of ended runs are swept, too. */
  expired: boolean;
}

/** @throws WrongTarget, WarehouseFailure */
export async function sweepBranches(context: StageContext, { runs, expired }: SweepRequest): Promise<Dropped> {
  return await withBranchWarehouse(context, context.signal, async (warehouse) => {
    const { serverTime } = await warehouse.identity();
    const dropped = await dropBranches(
      warehouse,
      { original: warehouse.catalog, form: formOf(context) },
      {
        runs,
        ...(expired ? { expireAfter: context.config.testData.expireAfter } : {}),
        now: serverTime === undefined ? Date.now() : Date.parse(serverTime),
      },
    );
    await noteDropped(context, dropped);
    return dropped;
  });
}

async function noteDropped(context: StageContext, { branches }: Dropped): Promise<void> {
  for (const { runId, names, gone, problem } of branches)
    await context.audit({
      ...(runId === context.runId ? {} : { run: runId }),
      action: "statement",
      details: {
        ...{ what: "branch-dropped", branch: names.join(", "), of: context.environment.databricks?.catalog ?? "" },
        ...{ gone: gone ?? "unknown", ...(problem === undefined ? {} : { problem }) },
      },
      counts: {},
    });
}

/** The connection is to the expected place, or nothing is written. @throws WrongTarget, WarehouseFailure */
async function withBranchWarehouse<Result>(
  context: StageContext,
  signal: AbortSignal,
  work: (warehouse: CopyWarehouse) => Promise<Result>,
): Promise<Result> {
  const catalog = context.environment.databricks?.catalog ?? "";
  return await withCopyWarehouse(context, signal, branchScope(catalog, formOf(context), context.runId), async (warehouse) => {
    proveWarehouse(context.environment, await warehouse.identity());
    return await work(warehouse);
  });
}

function cleanupSignal({ config }: StageContext): AbortSignal {
  return AbortSignal.timeout(config.stages.cleanup.budget);
}

function variablesOf(created: CreatedBranch, { config, runId }: StageContext): Record<string, string> {
  const { variables } = config.testData.isolation;
  const filled = (text: string) =>
    text
      .replaceAll("{catalog}", created.catalog)
      .replaceAll("{run}", runId)
      .replaceAll(/\{schema:(\w+)\}/g, (_, schema: string) => created.schemas.get(schema.toLowerCase()) ?? schema);
  return {
    DATABRICKS_CATALOG: created.catalog,
    ...Object.fromEntries(Object.entries(variables).map(([name, text]) => [name, filled(text)])),
  };
}

function nothingMade(): Isolation {
  return { by: "prefixes", branch: [], cloned: 0, empty: 0, views: 0, skipped: 0, exceptions: [], swept: [], problems: [] };
}

function describe(isolation: Isolation, created: CreatedBranch, form: BranchForm): void {
  isolation.by = form.as;
  isolation.branch =
    form.as === "catalog" ? [created.catalog] : [...created.schemas.values()].map((schema) => `${created.catalog}.${schema}`);
  isolation.cloned = created.cloned.length;
  isolation.empty = created.empty.length;
  isolation.views = created.views.length;
  isolation.skipped = created.skipped;
  isolation.exceptions = [
    ...created.emptied.map(({ name, why }) => ({ table: name, state: "empty" as const, why })),
    ...created.leftOut.map(({ name, why }) => ({ table: name, state: "left out" as const, why })),
  ];
}
