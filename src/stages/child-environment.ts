import { join } from "node:path";
import { runPrefix } from "../cleanup/ownership/identity.ts";
import { childSummaryFile } from "./child-summary.ts";
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
