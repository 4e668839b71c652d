import { join } from "node:path";
import { balance } from "../cleanup/books/balance.ts";
import { judgeBooks } from "../cleanup/books/judge.ts";
import type { KnownState } from "../cleanup/books/reading.ts";
import { readStart, recordStart, type Start, unknownStart, writeStart } from "../cleanup/books/start.ts";
import type { CleanupPlan } from "../cleanup/plan/plan-cleanup.ts";
import { errorText } from "../lib/error-text.ts";
import type { Check } from "../model/report.ts";
import type { Books, CleanupResult } from "../model/test-data.ts";
import { runPrefixes } from "./child-environment.ts";
import type { Readers, Writers } from "./connections.ts";
import { type StageContext, step } from "./context.ts";

/** No stage waits longer for it than this, beyond the time that its servers take to start. */
const longestStartMs = 30_000;

export function startFile({ records, runId }: Pick<StageContext, "records" | "runId">): string {
  return join(records, "start", `${runId}.json`);
}

/** Remembers what stands there before the tests. Never rejects, and never fails the stage: what could not be read is unknown. */
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
        // When the place was looked at: the servers are being started meanwhile.
        ...(Number.isNaN(serverTime) ? {} : { asOf: serverTime }),
      },
    );
    // An earlier stage of the same run saw more of what was there before it.
    await writeStart(startFile(context), start, { earlier: await rememberedStart(context), redact: context.secrets.redact });
    return start;
  } catch (error) {
    return unknownStart(takenAt, errorText(error));
  }
}

/** What the first stage of this run remembered, maybe in another process. */
export function rememberedStart(context: StageContext): Promise<Start | undefined> {
  return readStart(startFile(context));
}

/**
 * Adds up what the run wrote, by the tables' own history. Never rejects.
 * @param known what was read beside the cleanup
 * @returns nothing where nothing can be counted
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

export function judgeRunsBooks(
  context: StageContext,
  books: Books,
  { testsRan, cleanup, durationMs }: { testsRan: boolean; cleanup: CleanupResult | undefined; durationMs: number },
): Check {
  const { unexplained } = context.config.testData;
  return judgeBooks(books, { unexplained, testsRan, cleanup, durationMs });
}
