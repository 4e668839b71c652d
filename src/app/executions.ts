import { constants } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { isRunId } from "../cleanup/ownership/identity.ts";
import { name } from "../config/values.ts";
import { isAlive, isThisProcess, type ProcessName, thisProcess } from "../lib/lock-file.ts";
import { makeOwnDirectory, NotAPlainFile, openOwn, readOwn, writeOwn } from "../lib/plain-file.ts";
import { type Origin, type StageName, stageNames } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";

/**
 * The executions of stages that this workspace has seen, a file each: `.env-actions/runs/<run id>.json`. Other processes read there what
 * is still under way, and whose test data a cleanup of scope `run` deletes.
 */

/** One execution of a stage. */
export interface Execution {
  runId: string;
  gateId: string;
  stage: StageName;
  environment: string;
  origin: Pick<Origin, "workflowRun" | "attempt" | "job" | "cell" | "step">;
  process: ProcessName;
  /** ISO 8601; absent while it is under way, and for ever where it was killed. */
  finishedAt?: string;
}

/** What older executions left behind is of no use to anybody: cleanups of scope `expired` need none of it. */
const keptMs = 7 * 86_400_000;
/** A process of another machine or container cannot be asked. No stage takes as long as this. */
const longestMs = 86_400_000;

/**
 * Notes that an execution begins, before it makes anything.
 * @throws UserError where another process runs with the same id: both would delete what the other is about to use
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

/** Notes that an execution has ended by itself, with its own cleanup behind it. */
export async function endExecution(records: string, runId: string): Promise<void> {
  const file = join(folderOf(records), `${runId}.json`);
  const begun = await readExecution(file);
  // A test may have removed the folder: then there is nobody to tell.
  if (begun) await writeOwn(file, `${JSON.stringify({ ...begun, finishedAt: new Date().toISOString() })}\n`);
}

/** @throws Node's EEXIST where another process was faster */
async function writeNew(file: string, text: string): Promise<void> {
  const opened = await openOwn(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  try {
    await opened.writeFile(text);
  } finally {
    await opened.close();
  }
}

/** All that are known here, the oldest first. */
export async function executions(records: string): Promise<Execution[]> {
  const folder = folderOf(records);
  const all = await Promise.all((await namesIn(folder)).map((name) => readExecution(join(folder, name))));
  return all.filter((one) => one !== undefined).sort((a, b) => (a.runId < b.runId ? -1 : 1));
}

/** Whether it may still make test data. */
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
  try {
    return (await readdir(folder)).filter((name) => /^\d{13}_[0-9a-f]{8}\.json$/.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** @returns undefined for a file that names no execution */
async function readExecution(file: string): Promise<Execution | undefined> {
  try {
    const read: unknown = JSON.parse((await readOwn(file)).toString("utf8"));
    return isExecution(read) && `${read.runId}.json` === basename(file) ? read : undefined;
  } catch (error) {
    // Removed meanwhile, replaced by a link, or half written by a process that was killed: it names no run.
    if (error instanceof SyntaxError || error instanceof NotAPlainFile || (error as NodeJS.ErrnoException).code === "ENOENT")
      return undefined;
    throw error;
  }
}

/** A test can write there, and these names become paths of what is removed. */
function isExecution(read: unknown): read is Execution {
  const { runId, stage, environment, origin, process } = (read ?? {}) as Partial<Record<keyof Execution, unknown>>;
  return (
    isRunId(String(runId)) &&
    stageNames.some((one) => one === stage) &&
    name.safeParse(environment).success &&
    [origin, process].every((member) => typeof member === "object" && member !== null)
  );
}

/** Else a workspace that is used for years would only grow. Screenshots and videos go first: they are large, and looked at once. */
async function forgetEarlier(records: string, { stage, origin }: Pick<Execution, "stage" | "origin">): Promise<void> {
  const ended = (await executions(records)).filter((one) => !isUnderWay(one));
  for (const one of ended) {
    const old = Date.now() - startOfRun(one.runId) > keptMs;
    const replaced = one.stage === stage && (origin.workflowRun === undefined || origin.workflowRun !== one.origin.workflowRun);
    const traces = tracesOf(one);
    for (const path of old ? [...traces.large, ...traces.small] : replaced ? traces.large : [])
      await rm(join(records, path), { recursive: true, force: true });
  }
}

/** The paths that hold an execution's name, below `.env-actions`; but for the ledger, which may be all that names what is left. */
function tracesOf({ runId, stage, environment }: Execution): { large: string[]; small: string[] } {
  return {
    large: [join("attachments", `${stage}-${runId}`)],
    small: [
      join("logs", runId),
      join("reports", `${stage}-${runId}.json`),
      join("evidence", `${stage}-${environment}-${runId}.json`),
      join("start", `${runId}.json`),
      join("summaries", `${stage}-${runId}.md`),
      // Left only where the machine was lost; nobody cleans up after a run of last week by its id.
      join("tokens", `${stage}-${runId}.json`),
      join("sign-ins", `${runId}.${stage}.jsonl`),
      join("runs", `${runId}.json`),
    ],
  };
}

function startOfRun(runId: string): number {
  return Number(runId.split("_")[0]);
}
