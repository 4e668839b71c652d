import { balance, type KnownState, Reading } from "../cleanup/books/balance.ts";
import { judgeBooks } from "../cleanup/books/judge.ts";
import { recordStart, type Start, unknownStart, writeStart } from "../cleanup/books/start.ts";
import { executeCleanup, planAtProvenTarget } from "../cleanup/execute/execute.ts";
import { judgeCleanup } from "../cleanup/execute/verdict.ts";
import type { CleanupPlan } from "../cleanup/plan/plan-cleanup.ts";
import { errorText } from "../lib/error-text.ts";
import type { Check } from "../model/report.ts";
import type { Books, CleanupResult } from "../model/test-data.ts";
import { runPrefixes } from "./child-environment.ts";
import { cleanupRequest, rememberedStart, startFile } from "./cleanup-request.ts";
import { type Readers, type Writers, withWriters } from "./connections.ts";
import { cleanupReporting, type StageContext, step } from "./context.ts";
import { forgetSignIns } from "./sign-ins.ts";

export interface CleanedUp {
  checks: Check[];
  result?: CleanupResult;
  books?: Books;
}

export interface EndedRun {
  /** The state before the tests; without it nothing is added up. */
  start: Start | undefined;
  testsRan: boolean;
  /** Ids of rows that only this run can have added, on its branch. */
  addedIds?: ReadonlySet<string>;
}

/**
 * Deletes this run's test data, verifies that it is gone, and adds up what the run wrote. It has its own time limit: a stage that
 * used up its budget, or was cancelled, still cleans up.
 */
export async function cleanUpRun(context: StageContext, { start, testsRan, addedIds }: EndedRun): Promise<CleanedUp> {
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  const signal = AbortSignal.timeout(context.config.stages.cleanup.budget);
  step(context, "deleting this run's test data");
  const done: CleanedUp = { checks: [] };
  let finished = false;
  try {
    const request = { ...(await cleanupRequest(context, "run", { tracked: true, start })), ...(addedIds ? { addedIds } : {}) };
    await withWriters(context, signal, async (writers) => {
      let reading: Reading | undefined;
      const onDeleted = () => reading?.deleted();
      const ports = { ...writers, environment: context.environment, signal, ...cleanupReporting(context), onDeleted };
      // The plan comes first, so that no other query delays it.
      const planning = planAtProvenTarget(ports, request);
      if (writers.warehouse && start) reading = new Reading(writers.warehouse, start);
      try {
        const { proven, plan } = await planning;
        if (plan.rows) reading?.planned(plan.rows.batches.flat(), plan.rows.catalog);
        const result = await executeCleanup(proven, plan);
        done.result = result;
        const place = { stage: context.stage, hasWarehouse: context.environment.databricks !== undefined };
        done.checks.push(judgeCleanup(result, elapsed(), place));
        if (start) {
          const counting = performance.now();
          const known = await reading?.known();
          const books = await balanceRun(context, writers, { start, plan, cleanup: result, known });
          const durationMs = Math.round(performance.now() - counting);
          if (books) {
            done.books = books;
            done.checks.push(judgeBooksOfRun(context, books, { testsRan, cleanup: result, durationMs }));
          }
        }
        if (result.leftOver === 0) await forgetSignIns(context);
        finished = true;
      } finally {
        // The connections must not be closed while it reads.
        await reading?.known();
      }
    });
    return done;
  } catch (error) {
    // Everything is done and known; only a connection could not be closed.
    if (finished) return done;
    if (done.result) return { ...done, checks: [...done.checks, brokenOff(error)] };
    const message = `This run's test data could not be deleted: ${errorText(error)} The next preflight reports it, and \`env-actions cleanup --scope expired --execute\` deletes it.`;
    const check: Check = {
      id: "test-data.cleanup",
      title: "Test data deleted and gone",
      verdict: "error",
      observed: "unknown",
      expected: "0 left",
      message,
      durationMs: elapsed(),
    };
    return { checks: [check] };
  }
}

/** Without this, a stage without books would pass. */
function brokenOff(error: unknown): Check {
  return {
    id: "test-data.finished",
    title: "The cleanup came to its end",
    verdict: "error",
    message: `Test data was deleted, but what follows the deletion failed: ${errorText(error)}`,
    durationMs: 0,
  };
}

/** The longest wait for it, beyond the time that the servers take to start. */
const longestStartMs = 30_000;

/** Records the state before the tests. Never rejects and never fails the stage: what cannot be read is unknown. */
export async function rememberStart(context: StageContext, readers: Readers): Promise<Start> {
  const takenAt = Date.now();
  const { maxRead, keys } = context.config.testData;
  try {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(longestStartMs)]);
    const [warehouse, redis] = await Promise.all([readers.warehouse?.(), readers.redis?.()]);
    const serverTime = Date.parse((await warehouse?.identity())?.serverTime ?? "");
    const start = await recordStart(
      { ...(warehouse ? { warehouse } : {}), ...(redis ? { redis } : {}) },
      {
        ...{ takenAt, maxRead, namespaces: keys, declared: Object.keys(context.tables), signal },
        // The moment when the target was read; the servers start in the meantime.
        ...(Number.isNaN(serverTime) ? {} : { asOf: serverTime }),
      },
    );
    // An earlier stage of the same run knows more about the state before it.
    await writeStart(startFile(context), start, { earlier: await rememberedStart(context), redact: context.secrets.redact });
    return start;
  } catch (error) {
    return unknownStart(takenAt, errorText(error));
  }
}

/**
 * Adds up what the run wrote, from the tables' own history. Never rejects.
 * @param known read while the cleanup ran
 * @returns undefined if nothing can be counted
 */
export async function balanceRun(
  context: StageContext,
  writers: Writers,
  {
    start,
    plan,
    cleanup,
    known,
  }: { start: Start; plan: CleanupPlan | undefined; cleanup: CleanupResult | undefined; known: KnownState | undefined },
): Promise<Books | undefined> {
  if (!writers.warehouse && !writers.redis) return undefined;
  const { testData } = context.config;
  step(context, "adding up what the run wrote");
  const books = await balance(writers, {
    start,
    runId: context.runId,
    tables: context.tables,
    principals: testData.principals,
    prefixes: runPrefixes(context.config),
    protectedTables: testData.protectedTables,
    protectedKeys: testData.protectedKeys,
    maxRead: testData.maxRead,
    exclusiveRedis: context.environment.redis?.exclusive ?? false,
    cleanup,
    ...(known ? { known } : {}),
    ...(plan?.rows ? { catalog: { columns: plan.rows.catalog, views: plan.rows.views } } : {}),
  });
  await context.audit({
    action: "decision",
    details: { what: "books", line: books.line },
    counts: {
      tables: books.tablesRead,
      made: books.made.least,
      deleted: books.deleted.least,
      unexplained: books.unexplained.least,
      touched: books.touched.least,
    },
  });
  return books;
}

export function judgeBooksOfRun(
  context: StageContext,
  books: Books,
  { testsRan, cleanup, durationMs }: { testsRan: boolean; cleanup: CleanupResult | undefined; durationMs: number },
): Check {
  const { unexplained } = context.config.testData;
  return judgeBooks(books, { unexplained, testsRan, cleanup, durationMs });
}
