import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Claim, HistoryStore } from "../history/store/store.ts";
import { errorText } from "../lib/error-text.ts";
import { withStateFile } from "../lib/plain-file.ts";
import { z } from "../lib/zod.ts";
import type { StageReport } from "../model/report.ts";

/** Which rollbacks were requested before: in a file of this workspace, and by claims in the history, which every runner sees. */

export interface RollbackMemory {
  report: StageReport;
  /** Absolute path of `.env-actions`. */
  records: string;
  /** Distinguishes the applications of a repository. */
  project?: string;
  history: () => Promise<HistoryStore | undefined>;
  secrets: { redact: (text: string) => string };
}

/** File name in the workspace's records. */
export const rollbacksFile = "rollbacks.json";

/** `elsewhere`: another runner requested it and GitHub accepted it, according to the deployment's own record. */
const recordedOutcome = z.enum(["asked", "fired", "failed", "unknown", "elsewhere"]);

const recordsSchema = z.strictObject({
  version: z.literal(1),
  rollbacks: z.array(
    z.strictObject({
      key: z.string(),
      at: z.iso.datetime(),
      run: z.string(),
      trigger: z.string(),
      outcome: recordedOutcome,
    }),
  ),
});

type Records = z.output<typeof recordsSchema>;
export type RememberedRollback = Records["rollbacks"][number];

/** Other runs hold the lock for one write each. */
const lockWithinMs = 5_000;
/** Only the newest records are kept; deployments older than these are not rolled back any more. */
const mostRecords = 500;

/** Writes the record in this workspace before the request, so that a run killed in between does not request it twice. */
export async function recordAsked(
  run: RollbackMemory,
  { key, trigger }: { key: string; trigger: string },
): Promise<RememberedRollback | undefined> {
  return await withRecords(run, async (file) => {
    const { rollbacks } = (await file.read()) ?? { rollbacks: [] };
    const before = rollbacks.find((one) => one.key === key);
    if (before) return before;
    const asked = { key, at: new Date().toISOString(), run: run.report.runId, trigger, outcome: "asked" as const };
    await file.write({ version: 1, rollbacks: [...rollbacks, asked].slice(-mostRecords) });
    return undefined;
  });
}

/** @param outcome undefined: nothing was requested after all, so the record is removed */
export async function recordOutcome(
  run: RollbackMemory,
  key: string,
  outcome: Exclude<RememberedRollback["outcome"], "asked"> | undefined,
): Promise<void> {
  await withRecords(run, async (file) => {
    const { rollbacks } = (await file.read()) ?? { rollbacks: [] };
    await file.write({
      version: 1,
      rollbacks: rollbacks.flatMap((one) => (one.key !== key ? [one] : outcome ? [{ ...one, outcome }] : [])),
    });
  });
}

async function withRecords<Result>(
  { records, secrets: { redact } }: RollbackMemory,
  work: Parameters<typeof withStateFile<Records, Result>>[1],
): Promise<Result> {
  try {
    return await withStateFile({ path: join(records, rollbacksFile), schema: recordsSchema, lockWithinMs, redact }, work);
  } catch (error) {
    throw unknownWhether(error);
  }
}

function unknownWhether(error: unknown): Error {
  return new Error(`it could not be read or recorded whether it was triggered before: ${errorText(error)}`, { cause: error });
}

/** `by`: the run that claimed it before. `outcome`: the result, if that run has left its record. */
export type HistoryClaim =
  | { mine: true /** Why no other runner sees the claim. */; onlyHere?: string }
  | { mine: false; by: string; at: string; outcome?: "fired" | "failed" | "unknown" };

/**
 * A claim in the history is for ever. If its run requested nothing after all, the next one claims the same rollback under the next
 * number; so often at most.
 */
const mostTurns = 20;
/** The records among which that of the run with the claim is looked for. */
const mostLooked = 200;

/**
 * Claims the rollback in the history, so that no other runner requests it.
 * @throws Error if it is unknown whether another one did; then it must not be requested
 */
export async function claimInHistory(run: RollbackMemory, key: string, trigger: string): Promise<HistoryClaim> {
  try {
    const store = await run.history();
    if (!store) return { mine: true, onlyHere: "history.store is none" };
    if (!store.claim) return { mine: true, onlyHere: `${store.place} can't hold claims` };
    return await claimTurn(run, store, { key, trigger });
  } catch (error) {
    throw unknownWhether(error);
  }
}

async function claimTurn(
  { report, project = "", secrets }: RollbackMemory,
  store: HistoryStore,
  { key, trigger }: { key: string; trigger: string },
): Promise<HistoryClaim> {
  const where = ["rollback", report.origin.repository ?? "", project, key].join("\n");
  // The run id alone may be used twice in a terminal.
  const mark = `${report.runId}/${randomBytes(4).toString("hex")}`;
  const claim: Claim = { runId: mark, at: new Date().toISOString(), what: secrets.redact(trigger) };
  let answer: Awaited<ReturnType<NonNullable<HistoryStore["claim"]>>> | undefined;
  for (let turn = 1; turn <= mostTurns; turn++) {
    answer = await store.claim?.(`${where}\n${turn}`, claim);
    if (!answer || answer.claimed || answer.by.runId === mark) return { mine: true };
    const outcome = await outcomeOf(store, report, answer.by.runId);
    if (outcome !== "again") return claimedBy(answer.by, outcome);
  }
  throw new Error(`${mostTurns} runs tried, and none could request it`);
}

function claimedBy({ runId, at }: Claim, outcome: "fired" | "failed" | "unknown" | undefined): HistoryClaim {
  return { mine: false, by: runId, at, ...(outcome ? { outcome } : {}) };
}

/** What the run's record says. Undefined if there is none: it may still be working, or was killed. */
async function outcomeOf(
  store: HistoryStore,
  { environment, stage }: StageReport,
  mark: string,
): Promise<"fired" | "failed" | "unknown" | "again" | undefined> {
  const [runId] = String(mark).split("/");
  const { records } = await store.recent({ environment: environment.name, stage }, mostLooked);
  const left = records.find((record) => record.runId === runId)?.rollback;
  if (!left) return undefined;
  if (left.again) return "again";
  return left.outcome === "fired" || left.outcome === "failed" ? left.outcome : "unknown";
}
