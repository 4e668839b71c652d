import { isStagingStage, type StageName } from "../model/report.ts";
import type { Config } from "./schema.ts";

/** The configured time limit of a stage, in milliseconds; `undefined` for a task about a copy that is not configured. */
export function budgetOf({ stages, staging }: Pick<Config, "stages" | "staging">, stage: StageName): number | undefined {
  return isStagingStage(stage) ? staging?.[stage].budget : stages[stage].budget;
}
