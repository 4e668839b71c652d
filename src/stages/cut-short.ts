import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { NotAPlainFile, readOwn } from "../lib/plain-file.ts";
import { logFolder, runsTests } from "./child-environment.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";
import { cleanUpRun, rememberedStart } from "./run-cleanup.ts";
import { readSignIns } from "./sign-ins.ts";
import { removeTokenFile, tokensLeft } from "./tokens.ts";

/** What is known of an execution that was killed. */
export interface CutShort {
  /** ISO 8601: when it began. */
  startedAt: string;
  /** The signal by which the job was cancelled before; undefined where the process saw none. */
  cancelledBy: string | undefined;
  /** What became of the processes that it had started, where any still ran. */
  stillRan: string | undefined;
}

/** Of each log. */
const tailLines = 20;
const mostTailLetters = 64 * 1024;
const lookedAtBytes = 4 * mostTailLetters;

/**
 * In place of a stage that was killed: says so, with what is known, and deletes the test data of its run. Its verdict is never passed,
 * so that nobody takes an older report of the stage for this one.
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
  // How far the tests came is not known, so nothing is said about tests that made nothing.
  const start = await rememberedStart(context);
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

/** What the killed process alone knew to be secret, and could no longer take out of its logs. */
async function learnSecrets(context: StageContext): Promise<void> {
  for (const token of await tokensLeft(context)) context.secrets.add(token);
  await readSignIns(context);
}

/** The end of what was printed until then: often the only trace of the cause. */
async function logsOf(context: StageContext): Promise<StageOutcome["commands"]> {
  const folder = logFolder(context);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return await Promise.all(
    names.sort().map(async (name) => {
      const log = join(folder, name);
      // A test may have put a link in its place: what it leads to is nobody's log.
      const bytes = await readOwn(log).catch((error: unknown) => {
        if (error instanceof NotAPlainFile) return Buffer.from(`not read: ${error.message}`);
        throw error;
      });
      // More than is shown: what is cut in the middle of a secret is not among it.
      const text = bytes.subarray(-lookedAtBytes).toString("utf8").trimEnd();
      const tail = context.secrets.redact(text).slice(-mostTailLetters).split("\n").slice(-tailLines);
      return { command: `${name} (cut short)`, exitCode: null, signal: null, timedOut: false, durationMs: 0, log, tail };
    }),
  );
}
