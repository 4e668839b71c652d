import { constants } from "node:fs";
import { access, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Ledger, readLedger } from "../cleanup/ledger/ledger.ts";
import { runPrefix } from "../cleanup/ownership/identity.ts";
import { makeOwnDirectory, NotAPlainFile, openOwn, readPlain, writeOwn } from "../lib/plain-file.ts";
import type { StageName } from "../model/report.ts";
import type { StageContext } from "./context.ts";

/**
 * The runner gives these to the action alone: with them a test or a server could forge outputs, change later steps, or sign in as
 * the workflow.
 */
const runnersOwn = /^(?:(?:INPUT|STATE)_.*|GITHUB_(?:OUTPUT|STATE|ENV|PATH|STEP_SUMMARY)|ACTIONS_.*(?:TOKEN|URL))$/;

/** Whether a variable is the suite's alone. Windows knows no difference between small and capital letters. */
export function isSuitesOwn(name: string): boolean {
  return runnersOwn.test(name.toUpperCase());
}

export function ledgerFile(context: Pick<StageContext, "records" | "runId">): string {
  return join(context.records, "ledger", `${context.runId}.jsonl`);
}

/** A folder for each execution: another job in the same workspace may run the same stage. */
export function logFolder({ records, runId }: Pick<StageContext, "records" | "runId">): string {
  return join(records, "logs", runId);
}

/** What every name begins with that this run's tests make. */
export function runPrefixOf({ stage, config, runId }: Pick<StageContext, "stage" | "config" | "runId">): string {
  const prefix = stage === "integration" || stage === "e2e" ? config.stages[stage].prefix : config.stages.integration.prefix;
  return runPrefix(prefix, runId);
}

/**
 * What cleanup looks for, whichever stage it belongs to. A stage's own prefix may be longer than the listed one that leads to it, and
 * what carries it would not begin with the listed one and the run's id.
 */
export function runPrefixes({ testData, stages }: StageContext["config"]): string[] {
  return [...new Set([...testData.prefixes, stages.integration.prefix, stages.e2e.prefix])];
}

/** What servers and test commands see: the environment of the step, the configured one, and the identity of the run. */
export function childEnvironment(
  context: Omit<StageContext, "signal" | "audit" | "check">,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const auditKey = context.config.audit.key?.reveal();
  const inherited = Object.entries(context.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== auditKey && !isSuitesOwn(entry[0]),
  );
  return {
    ...Object.fromEntries(inherited),
    ...context.environment.environment,
    ...own,
    ...(context.env.GITHUB_STEP_SUMMARY ? { GITHUB_STEP_SUMMARY: childSummaryFile(context) } : {}),
    ENV_ACTIONS_RUN_ID: context.runId,
    ENV_ACTIONS_PREFIX: runPrefixOf(context),
    // No prefix has a space in it.
    ENV_ACTIONS_PREFIXES: runPrefixes(context.config).join(" "),
    ENV_ACTIONS_LEDGER: ledgerFile(context),
    ENV_ACTIONS_ENVIRONMENT: context.environment.name,
  };
}

/**
 * Servers and tests get a job summary of their own. The runner's file lies in one folder with those that change later steps
 * (GITHUB_ENV, GITHUB_PATH, GITHUB_OUTPUT), under the same random name: who knows one of them knows all.
 */
type Place = Pick<StageContext, "records" | "stage" | "runId">;

export function childSummaryFile({ records, stage, runId }: Place): string {
  return join(records, "summaries", `${stage}-${runId}.md`);
}

/** Tools that write a summary want the file to be there. */
export async function prepareChildSummary(place: Place): Promise<void> {
  await writeOwn(childSummaryFile(place), "");
}

/** More than is shown. */
const mostBytes = 64 * 1024;

/** What servers and tests wrote into it; the file is gone afterwards. A link in its place has no content. */
export async function takeChildSummary(place: Place): Promise<string> {
  const file = childSummaryFile(place);
  try {
    const bytes = await readPlain(file, { root: place.records }, mostBytes);
    const text = bytes.toString("utf8");
    // The sign says that it was cut, perhaps in the middle of a letter or of a secret.
    return bytes.length < mostBytes ? text : `${text.replace(/\ufffd$/, "")}…`;
  } catch (error) {
    if (error instanceof NotAPlainFile || (error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  } finally {
    await rm(file, { force: true, recursive: true });
  }
}

/** Stages that run tests: they get a ledger. */
export function runsTests(stage: StageName): stage is "integration" | "e2e" {
  return stage === "integration" || stage === "e2e";
}

/** Makes the empty ledger of a stage that runs tests, so that later an absent one is known to have been removed. */
export async function beginLedger(place: { stage: StageName; records: string; runId: string }): Promise<void> {
  if (!runsTests(place.stage)) return;
  const file = ledgerFile(place);
  await makeOwnDirectory(dirname(file));
  await (await openOwn(file, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND)).close();
}

/**
 * What the tests of a run tracked.
 * @param tracked they had a ledger here: where it is gone, nobody knows what it named, and that is a problem
 */
export async function ledgerOf(place: { records: string; runId: string }, tracked: boolean): Promise<Ledger> {
  const file = ledgerFile(place);
  const ledger = await readLedger(file);
  return tracked && !(await exists(file)) ? { ...ledger, problems: [...ledger.problems, whyIncomplete] } : ledger;
}

const whyIncomplete =
  "the ledger of this run is gone (was the workspace cleaned?): rows and keys that only it named may be left. What carries the run's prefix was deleted all the same; for the rest, look with `env-actions cleanup --scope expired`";

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
