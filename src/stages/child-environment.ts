import { constants } from "node:fs";
import { access, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Ledger } from "../cleanup/ledger/ledger.ts";
import { runPrefix } from "../cleanup/run-id.ts";
import { isUnset } from "../lib/passed-variables.ts";
import { makeOwnDirectory, NotAPlainFile, openOwn, readPlain, writeOwn } from "../lib/plain-file.ts";
import type { StageName } from "../model/report.ts";
import type { StageContext } from "./context.ts";

/**
 * The runner gives these to the action alone: with them a test or server could forge outputs, change later steps, or sign in as
 * the workflow.
 */
const runnersOwn = /^(?:(?:INPUT|STATE)_.*|GITHUB_(?:OUTPUT|STATE|ENV|PATH|STEP_SUMMARY)|ACTIONS_.*(?:TOKEN|URL))$/;

/** Whether a variable is for the suite only. On Windows, names are case-insensitive. */
export function isSuitesOwn(name: string): boolean {
  return runnersOwn.test(name.toUpperCase());
}

export function ledgerFile(context: Pick<StageContext, "records" | "runId">): string {
  return join(context.records, "ledger", `${context.runId}.jsonl`);
}

/** One folder per execution, because another job in the same workspace may run the same stage. */
export function logFolder({ records, runId }: Pick<StageContext, "records" | "runId">): string {
  return join(records, "logs", runId);
}

/** The prefix of all names of this run's test data. */
export function runPrefixOf({ stage, config, runId }: Pick<StageContext, "stage" | "config" | "runId">): string {
  // Servers of other stages get one that cleanup finds.
  const prefix = runsTests(stage) ? config.stages[stage].prefix : [...stagePrefixes(config), ...config.testData.prefixes][0];
  return runPrefix(prefix ?? config.stages.integration.prefix, runId);
}

/** The prefixes of the stages that run tests, as far as cleanup may look for them. A file without a stage need not list its default. */
export function stagePrefixes({ testData, stages }: StageContext["config"]): string[] {
  const all = [stages.integration.prefix, stages.e2e.prefix];
  return all.filter((prefix) => testData.prefixes.some((listed) => prefix.startsWith(listed)));
}

/**
 * The prefixes that cleanup looks for, of all stages. A stage's own prefix may be longer than the listed one, and data with it
 * doesn't begin with the listed one and the run's id.
 */
export function runPrefixes(config: StageContext["config"]): string[] {
  return [...new Set([...config.testData.prefixes, ...stagePrefixes(config)])];
}

/** What servers and test commands get: the step's environment, the configured one, and the identity of the run. */
export function childEnvironment(
  context: Omit<StageContext, "signal" | "audit" | "notAudited" | "check">,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const auditKey = context.config.audit.key?.reveal();
  const inherited = Object.entries(context.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      entry[1] !== auditKey &&
      !isSuitesOwn(entry[0]) &&
      // Code that takes its own default for a variable that is missing would take an empty address for one.
      !isUnset(entry[0], entry[1]),
  );
  return {
    ...Object.fromEntries(inherited),
    ...context.environment.environment,
    ...own,
    // Whatever names the catalog elsewhere: otherwise the run would write to the tables that all share.
    ...context.branch?.variables,
    ...(context.env.GITHUB_STEP_SUMMARY ? { GITHUB_STEP_SUMMARY: childSummaryFile(context) } : {}),
    ENV_ACTIONS_RUN_ID: context.runId,
    ENV_ACTIONS_PREFIX: runPrefixOf(context),
    // Prefixes contain no spaces.
    ENV_ACTIONS_PREFIXES: runPrefixes(context.config).join(" "),
    ENV_ACTIONS_LEDGER: ledgerFile(context),
    ENV_ACTIONS_ENVIRONMENT: context.environment.name,
  };
}

/**
 * Gives servers and tests a job summary of their own. The runner's file is in the same folder as those that change later steps
 * (GITHUB_ENV, GITHUB_PATH, GITHUB_OUTPUT), under the same random name: knowing one means knowing all.
 */
type Place = Pick<StageContext, "records" | "stage" | "runId">;

export function childSummaryFile({ records, stage, runId }: Place): string {
  return join(records, "summaries", `${stage}-${runId}.md`);
}

/** Tools that write a summary expect the file to exist. */
export async function prepareChildSummary(place: Place): Promise<void> {
  await writeOwn(childSummaryFile(place), "");
}

/** More than is shown. */
const mostBytes = 64 * 1024;

/** Returns what servers and tests wrote, and removes the file. A link in its place counts as empty. */
export async function takeChildSummary(place: Place): Promise<string> {
  const file = childSummaryFile(place);
  try {
    const bytes = await readPlain(file, { root: place.records }, mostBytes);
    const text = bytes.toString("utf8");
    // Marks that it was cut, perhaps in the middle of a character or a secret.
    return bytes.length < mostBytes ? text : `${text.replace(/\ufffd$/, "")}…`;
  } catch (error) {
    if (error instanceof NotAPlainFile || (error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  } finally {
    await rm(file, { force: true, recursive: true });
  }
}

/** Stages that run tests have a ledger. */
export function runsTests(stage: StageName): stage is "integration" | "e2e" {
  return stage === "integration" || stage === "e2e";
}

type About = Pick<StageContext, "stage" | "config" | "environment">;

/** Whether runs get copies of the tables here, so that some may have been lost. */
export function mayHaveBranches({ config, environment }: Omit<About, "stage">): boolean {
  return config.testData.isolation.by === "clone" && environment.databricks !== undefined;
}

/** Whether the runs of a stage get a copy of the tables for themselves, by the configuration. */
export function wantsBranch({ stage, ...about }: About): boolean {
  return mayHaveBranches(about) && runsTests(stage) && about.config.testData.isolation.stages.includes(stage);
}

/** Creates the empty ledger of a stage with tests, so that a missing one later is known to have been removed. */
export async function beginLedger(place: { stage: StageName; records: string; runId: string }): Promise<void> {
  if (!runsTests(place.stage)) return;
  const file = ledgerFile(place);
  await makeOwnDirectory(dirname(file));
  await (await openOwn(file, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND)).close();
}

/**
 * What the tests of a run registered.
 * @param tracked they had a ledger here: if it is gone, its content is unknown, which is a problem
 */
export async function ledgerOf(place: { records: string; runId: string }, tracked: boolean): Promise<Ledger> {
  const file = ledgerFile(place);
  const { readLedger } = await import("../cleanup/ledger/ledger.ts");
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
