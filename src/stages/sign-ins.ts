import { constants } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type SignInMade, secretOfSession } from "../checks/auth/check.ts";
import { isUnique } from "../cleanup/keys/judge.ts";
import { forgetSignInKeys } from "../cleanup/keys/plan-keys.ts";
import type { SignInsMade } from "../cleanup/plan/plan-cleanup.ts";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { makeOwnDirectory, NotAPlainFile, openOwn, readOwn } from "../lib/plain-file.ts";
import { type Check, type StageName, stageNames } from "../model/report.ts";
import { keyText } from "../redis/connection.ts";
import { withRedisWriter } from "./connections.ts";
import { cleanupReporting, reportCheck, type StageContext, step } from "./context.ts";

/**
 * Records the suite's sign-ins as soon as they are known, so that a later cleanup can delete those of a cancelled or killed
 * stage. They have their own file: the ledger is written by tests, and its claims have to be proven.
 */

type Place = Pick<StageContext, "records" | "runId">;

function fileOf({ records, runId }: Place, stage: StageName): string {
  return join(records, "sign-ins", `${runId}.${stage}.jsonl`);
}

export async function rememberSignIn(context: StageContext, made: SignInMade): Promise<void> {
  const file = fileOf(context, context.stage);
  await makeOwnDirectory(dirname(file), 0o700);
  // A session id may give access to the session, so only this user may read it.
  const opened = await openOwn(file, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600);
  try {
    // Starts on a new line, even after one that a killed stage left incomplete.
    await opened.writeFile(`\n${JSON.stringify(made)}\n`);
  } finally {
    await opened.close();
  }
}

/** The sign-ins of this stage; for the cleanup of a run, those of all its stages in this workspace. */
export async function readSignIns(context: StageContext): Promise<SignInsMade> {
  const stages = context.stage === "cleanup" ? stageNames : [context.stage];
  const files = await Promise.all(stages.map((stage) => signInsIn(fileOf(context, stage))));
  const made = files.flatMap((file) => file.made);
  // Ids that other keys could contain by chance, or that the application reuses, cannot be used for deleting.
  const ids = made.flatMap(({ sessionId }) => (sessionId !== undefined && isUnique(keyText(sessionId)) ? sessionId : []));
  // They may come from another process, and this one doesn't know yet that they are secret.
  for (const secret of ids.map(secretOfSession)) if (secret !== undefined) context.secrets.add(secret);
  const without = made.filter(
    ({ sessionId, unanswered }) => !unanswered && (sessionId === undefined || !ids.includes(sessionId)),
  );
  const unanswered = made.filter((one) => one.unanswered);
  return {
    ids: new Set(ids),
    notes: [
      ...files.flatMap((file) => file.notes),
      ...[...new Set(without.map(({ route }) => route))].map(
        (route) =>
          `the answers of ${route} name no sessionId by which keys could be found (a UUID, or another id that is made once): what ${count(without.filter((one) => one.route === route).length, "sign-in")} of env-actions wrote to Redis stays until it expires`,
      ),
      ...(unanswered.length > 0
        ? [
            `${count(unanswered.length, "sign-in")} of env-actions got no answer: what ${unanswered.length === 1 ? "it" : "they"} wrote to Redis, if anything, stays until it expires`,
          ]
        : []),
    ],
  };
}

/** Their keys are deleted, so they need not be looked for again. */
export async function forgetSignIns(context: Pick<StageContext, "stage" | "records" | "runId">): Promise<void> {
  const stages = context.stage === "cleanup" ? stageNames : [context.stage];
  await Promise.all(stages.map((stage) => rm(fileOf(context, stage), { force: true })));
}

/**
 * Deletes the keys of the sign-ins of a stage that creates no other test data. It has its own time limit, like every cleanup.
 * @returns a check if there were sign-ins
 */
export async function deleteSignIns(context: StageContext): Promise<Check[]> {
  const { ids, notes } = await readSignIns(context);
  if (ids.size === 0 && notes.length === 0) return [];
  const started = performance.now();
  const check = async (): Promise<Pick<Check, "verdict" | "observed" | "expected" | "message">> => {
    const message = notes.join("; ");
    if (ids.size === 0) return { verdict: "skipped", message: `Nothing could be deleted: ${message}.` };
    step(context, `deleting the keys of ${count(ids.size, "sign-in")} of env-actions`);
    const signal = AbortSignal.timeout(context.config.stages.cleanup.budget);
    try {
      const { deleted, left } = await withRedisWriter(context, signal, (redis) =>
        forgetSignInKeys(redis, { ids, testData: context.config.testData, signal, audit: cleanupReporting(context).audit }),
      );
      if (left === 0) await forgetSignIns(context);
      const observed = `${deleted === undefined ? "an unknown number of keys" : count(deleted, "key")} of ${count(ids.size, "sign-in")} deleted, ${left} left`;
      return left > 0
        ? {
            verdict: "failed",
            observed,
            expected: "0 left",
            message: "Keys of env-actions' own sign-ins are still there, or were written again.",
          }
        : { verdict: "passed", observed, expected: "0 left", ...(message === "" ? {} : { message }) };
    } catch (error) {
      return {
        verdict: "error",
        expected: "0 left",
        message: `The keys of env-actions' own sign-ins could not be deleted: ${errorText(error)}`,
      };
    }
  };
  const base = { id: "auth.sign-ins", title: "Keys of env-actions' own sign-ins deleted" };
  const found = await check();
  return await reportCheck(
    context,
    Promise.resolve([{ ...base, ...found, durationMs: Math.round(performance.now() - started) }]),
  );
}

interface SignInsRead {
  made: SignInMade[];
  notes: string[];
}

async function signInsIn(file: string): Promise<SignInsRead> {
  try {
    const lines = (await readOwn(file)).toString("utf8").split("\n");
    const read = lines.flatMap((line) => (line.trim() === "" ? [] : [parsed(line)]));
    const torn = read.filter((one) => one === undefined).length;
    return {
      made: read.filter((one) => one !== undefined),
      notes:
        torn === 0
          ? []
          : [
              `${count(torn, "line")} of ${basename(file)} cannot be read (a killed stage leaves a torn one): what ${torn === 1 ? "that sign-in" : "those sign-ins"} of env-actions wrote to Redis stays until it expires`,
            ],
    };
  } catch (error) {
    // A test may have put a link or folder here; that contains no sign-in of ours.
    if (error instanceof NotAPlainFile)
      return {
        made: [],
        notes: [
          `the sign-ins of env-actions are not known, because ${errorText(error)}: what they wrote to Redis stays until it expires`,
        ],
      };
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { made: [], notes: [] };
    throw error;
  }
}

/** @returns undefined for an invalid line */
function parsed(line: string): SignInMade | undefined {
  try {
    const made: unknown = JSON.parse(line);
    return typeof made === "object" && made !== null ? (made as SignInMade) : undefined;
  } catch {
    // The caller counts it and reports it.
    return undefined;
  }
}
