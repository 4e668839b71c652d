import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { NotAPlainFile, readOwn } from "../lib/plain-file.ts";
import { dropBranchOfKilledRun } from "./branch-sweep.ts";
import { logFolder, mayHaveBranches, runsTests } from "./child-environment.ts";
import { rememberedStart } from "./cleanup-request.ts";
import { type CutShort, reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";
import { cleanUpRun } from "./run-cleanup.ts";
import { readSignIns } from "./sign-ins.ts";
import { removeTokenFile, tokensLeft } from "./tokens.ts";

/** Per log. */
const tailLines = 20;
const mostTailLetters = 64 * 1024;
const lookedAtBytes = 4 * mostTailLetters;

/**
 * Replaces a stage that was killed: reports what is known and deletes its run's test data. Never passes, so that an older report
 * of the stage isn't taken for this one.
 */
export async function afterCutShort(context: StageContext, outcome: StageOutcome, known: CutShort): Promise<void> {
  const { stage } = context;
  const check = {
    id: "stage.cut-short",
    title: "Cut short",
    verdict: "error",
    message: `${whatHappened(context, known)} What ${stage} would have found is not known: run it again.`,
    durationMs: 0,
  } as const;
  outcome.checks.push(await reportCheck(context, Promise.resolve(check)));
  await learnSecrets(context);
  outcome.commands.push(...(await logsOf(context)));
  await removeTokenFile(context);
  if (!runsTests(stage)) return;
  if (context.environment.access !== "test-data") {
    step(context, `environment ${context.environment.name} is read-only: ${stage} made no test data there`);
    return;
  }
  // How far the tests came is unknown, so nothing is said about tests that created no data.
  const start = await rememberedStart(context);
  if (mayHaveBranches(context)) outcome.checks.push(await reportCheck(context, dropBranchOfKilledRun(context)));
  const { checks, result, books } = await cleanUpRun(context, { start, testsRan: false });
  outcome.checks.push(...(await reportCheck(context, Promise.resolve(checks))));
  if (result) outcome.cleanup = result;
  if (books) outcome.books = books;
}

function whatHappened({ stage }: StageContext, { startedAt, cancelledBy, stillRan }: CutShort): string {
  const how = cancelledBy
    ? `The job was cancelled (${cancelledBy}), and the runner killed ${stage} before it had cleaned up.`
    : `${stage}, begun at ${startedAt}, was killed and could not say why: SIGKILL, no memory left, or the runner itself.`;
  return stillRan ? `${how} ${stillRan}` : how;
}

/** Secrets that only the killed process knew, and could no longer redact in its logs. */
async function learnSecrets(context: StageContext): Promise<void> {
  for (const token of await tokensLeft(context)) context.secrets.add(token);
  await readSignIns(context);
}

/** The end of the output, often the only trace of the cause. */
async function logsOf(context: StageContext): Promise<StageOutcome["commands"]> {
  const folder = logFolder(context);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return await Promise.all(
    names.sort().map(async (name) => {
      const log = join(folder, name);
      // A test may have replaced the log with a link, which is not followed.
      const bytes = await readOwn(log).catch((error: unknown) => {
        if (error instanceof NotAPlainFile) return Buffer.from(`not read: ${error.message}`);
        throw error;
      });
      // More than is shown, so that a secret cut at the start isn't in the shown part.
      const text = bytes.subarray(-lookedAtBytes).toString("utf8").trimEnd();
      const tail = context.secrets.redact(text).slice(-mostTailLetters).split("\n").slice(-tailLines);
      return { command: `${name} (cut short)`, exitCode: null, signal: null, timedOut: false, durationMs: 0, log, tail };
    }),
  );
}
