import { constants } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { isRunId } from "../cleanup/run-id.ts";
import { name } from "../config/values.ts";
import { isAlive, isThisProcess, type ProcessName, thisProcess } from "../lib/lock-file.ts";
import { makeOwnDirectory, NotAPlainFile, openOwn, readOwn, writeOwn } from "../lib/plain-file.ts";
import { type Origin, type StageName, stageNames } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";

/**
 * The stage executions of this workspace, one file each: `.env-actions/runs/<run id>.json`. Other processes read them to see what
 * is still running and which test data a cleanup of scope `run` deletes.
 */

/** One execution of a stage. */
export interface Execution {
  runId: string;
  gateId: string;
  stage: StageName;
  environment: string;
  origin: Pick<Origin, "workflowRun" | "attempt" | "job" | "cell" | "step">;
  process: ProcessName;
  /** ISO 8601. Absent while it runs, and for good if it was killed. */
  finishedAt?: string;
}

/** The folder of screenshots and videos. */
const attachments = "attachments";
/** Older executions are no longer needed: cleanups of scope `expired` don't use them. */
const keptMs = 7 * 86_400_000;
/** A process on another machine or in another container cannot be checked. No stage takes this long. */
const longestMs = 86_400_000;

/**
 * Records that an execution starts, before it creates anything.
 * @throws UserError if another process runs with the same id: each would delete what the other is about to use
 */
export async function beginExecution(records: string, begun: Omit<Execution, "process">): Promise<void> {
  const folder = folderOf(records);
  await makeOwnDirectory(folder);
  await forgetEarlier(records, begun);
  const file = join(folder, `${begun.runId}.json`);
  const text = `${JSON.stringify({ ...begun, process: thisProcess() })}\n`;
  try {
    await writeNew(file, text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const before = await readExecution(file);
    if (before && isUnderWay(before) && !isThisProcess(before.process)) throw alreadyUnderWay(before);
    await writeOwn(file, text);
  }
}

/** Records that an execution ended normally, including its own cleanup. */
export async function endExecution(records: string, runId: string): Promise<void> {
  const file = join(folderOf(records), `${runId}.json`);
  const begun = await readExecution(file);
  // A test may have removed the folder; then nothing is left to update.
  if (begun) await writeOwn(file, `${JSON.stringify({ ...begun, finishedAt: new Date().toISOString() })}\n`);
}

/** @throws Node's EEXIST if another process was faster */
async function writeNew(file: string, text: string): Promise<void> {
  const opened = await openOwn(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  try {
    await opened.writeFile(text);
  } finally {
    await opened.close();
  }
}

/** All known executions, oldest first. */
export async function executions(records: string): Promise<Execution[]> {
  const folder = folderOf(records);
  const all = await Promise.all((await namesIn(folder)).map((name) => readExecution(join(folder, name))));
  return all.filter((one) => one !== undefined).sort((a, b) => (a.runId < b.runId ? -1 : 1));
}

/** Whether it may still create test data. */
export function isUnderWay(execution: Execution): boolean {
  if (execution.finishedAt !== undefined) return false;
  return isAlive(execution.process) ?? Date.now() - startOfRun(execution.runId) < longestMs;
}

export function alreadyUnderWay({ runId, stage, process: { pid } }: Execution): UserError {
  return new UserError(
    "EA2005",
    `run ${runId} is in progress: process ${pid} runs ${stage} with this run id in this workspace. Two executions with the same run id would delete each other's test data: wait until it has ended, or unset ENV_ACTIONS_RUN_ID`,
  );
}

function folderOf(records: string): string {
  return join(records, "runs");
}

async function namesIn(folder: string): Promise<string[]> {
  return (await present(folder)).filter((name) => /^\d{13}_[0-9a-f]{8}\.json$/.test(name));
}

/** What is in a folder; nothing if it doesn't exist. */
async function present(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** @returns undefined if the file describes no execution */
async function readExecution(file: string): Promise<Execution | undefined> {
  try {
    const read: unknown = JSON.parse((await readOwn(file)).toString("utf8"));
    return isExecution(read) && `${read.runId}.json` === basename(file) ? read : undefined;
  } catch (error) {
    // Removed in the meantime, replaced by a link, or half written by a killed process: not an execution.
    if (error instanceof SyntaxError || error instanceof NotAPlainFile || (error as NodeJS.ErrnoException).code === "ENOENT")
      return undefined;
    throw error;
  }
}

/** Tests can write to this folder, and these names become paths that are deleted. */
function isExecution(read: unknown): read is Execution {
  const { runId, stage, environment, origin, process } = (read ?? {}) as Partial<Record<keyof Execution, unknown>>;
  return (
    isRunId(String(runId)) &&
    stageNames.some((one) => one === stage) &&
    name.safeParse(environment).success &&
    [origin, process].every((member) => typeof member === "object" && member !== null)
  );
}

/**
 * Keeps a workspace that is used for years from growing without end. Screenshots and videos are removed first, because they are
 * large and only viewed once.
 */
async function forgetEarlier(records: string, { stage, origin }: Pick<Execution, "stage" | "origin">): Promise<void> {
  const ended = (await executions(records)).filter((one) => !isUnderWay(one));
  // Asked once: most executions leave no attachments, and each question to the disk takes as long as this one.
  const attached = new Set(ended.length > 0 ? await present(join(records, attachments)) : []);
  for (const one of ended) {
    const old = Date.now() - startOfRun(one.runId) > keptMs;
    const replaced = one.stage === stage && (origin.workflowRun === undefined || origin.workflowRun !== one.origin.workflowRun);
    const traces = tracesOf(one);
    const large = traces.large.filter((path) => attached.has(basename(path)));
    for (const path of old ? [...large, ...traces.small] : replaced ? large : [])
      await rm(join(records, path), { recursive: true, force: true });
  }
}

/** Paths below `.env-actions` that belong to an execution. The ledger is left out: it may be the only record of what remains. */
function tracesOf({ runId, stage, environment }: Execution): { large: string[]; small: string[] } {
  return {
    large: [join(attachments, `${stage}-${runId}`)],
    small: [
      join("logs", runId),
      join("reports", `${stage}-${runId}.json`),
      join("evidence", `${stage}-${environment}-${runId}.json`),
      join("start", `${runId}.json`),
      join("summaries", `${stage}-${runId}.md`),
      // Only remains if the machine was lost; cleanups don't look for last week's run by its id.
      join("tokens", `${stage}-${runId}.json`),
      join("sign-ins", `${runId}.${stage}.jsonl`),
      join("runs", `${runId}.json`),
    ],
  };
}

function startOfRun(runId: string): number {
  return Number(runId.split("_")[0]);
}
