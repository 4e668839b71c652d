import { join } from "node:path";
import { readStart, type Start } from "../cleanup/books/start.ts";
import type { Ledger } from "../cleanup/ledger/ledger.ts";
import type { CleanupRequest } from "../cleanup/plan/plan-cleanup.ts";
import { ledgerOf, runPrefixes, stagePrefixes } from "./child-environment.ts";
import type { StageContext } from "./context.ts";
import { readSignIns } from "./sign-ins.ts";

/**
 * What a cleanup searches for: the test data of the scope, by the configuration's tables, prefixes and limits. In scope `run` also
 * what this run's ledger and its sign-ins name, and the state before its tests, with which rows are proven to be new.
 * @param known `tracked`: whether the run's tests had a ledger here, which must then still exist; `start`: the state before the
 * tests. Another process uses what was saved; if both exist, tests cannot have changed the first.
 */
export async function cleanupRequest(
  context: StageContext,
  scope: CleanupRequest["scope"],
  { tracked, start }: { tracked: boolean; start?: Start | undefined },
): Promise<CleanupRequest> {
  const known = start ?? (scope === "run" ? await rememberedStart(context) : undefined);
  return {
    scope,
    runId: context.runId,
    runStarted: context.runStarted,
    testData: { ...context.config.testData, prefixes: runPrefixes(context.config) },
    tables: context.tables,
    ledger: ofKeys(await ledgerOf(context, tracked), context),
    stagePrefixes: stagePrefixes(context.config),
    ...(scope === "run" ? { signIns: await readSignIns(context) } : {}),
    ...(known ? { start: known } : {}),
    now: Date.now(),
  };
}

/** Rows that a run wrote to its own branch are dropped with it, whether the ledger names them or not. */
function ofKeys(ledger: Ledger, { branch }: StageContext): Ledger {
  return branch ? { ...ledger, rows: new Map() } : ledger;
}

/** The state that the first stage of this run recorded, possibly in another process. */
export function rememberedStart(context: StageContext): Promise<Start | undefined> {
  return readStart(startFile(context));
}

/** The file that it is in. */
export function startFile({ records, runId }: Pick<StageContext, "records" | "runId">): string {
  return join(records, "start", `${runId}.json`);
}
