import { isStagingStage, type StageName } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import type { Config } from "./schema.ts";

/** The configured time limit of a stage, in milliseconds; `undefined` for a task about a copy that is not configured. */
export function budgetOf({ stages, staging }: Pick<Config, "stages" | "staging">, stage: StageName): number | undefined {
  return isStagingStage(stage) ? staging?.[stage].budget : stages[stage].budget;
}

/**
 * The time limit of this execution, in milliseconds: what the caller asked for, or else the configured one; 0 if there is none.
 * @throws UserError EA1023 if test data of this run would look expired before its time is up, so that another run's sweep could
 *   delete it. Configured limits are compared when the configuration is read.
 */
export function budgetFor(
  config: Pick<Config, "stages" | "staging" | "testData">,
  stage: StageName,
  askedMs: number | undefined,
): number {
  if (askedMs === undefined) return budgetOf(config, stage) ?? 0;
  const { expireAfter } = config.testData;
  const makesTestData = stage === "integration" || stage === "e2e";
  if (makesTestData && askedMs >= expireAfter)
    throw new UserError(
      "EA1023",
      `the budget of ${stage} is ${hours(askedMs)}, but test data expires after ${hours(expireAfter)}, so a cleanup could delete the data of this run while it is in progress: ask for less, or raise testData.expireAfter`,
    );
  return askedMs;
}

function hours(milliseconds: number): string {
  return `${Number((milliseconds / 3_600_000).toFixed(2))} h`;
}
