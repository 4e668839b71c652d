import { type StagingTask, stagingTasks } from "../model/staging.ts";
import { UserError } from "../model/user-error.ts";
import type { Arguments } from "./arguments.ts";
import type { StagingCommand } from "./commands.ts";
import type { GuardedTerminal } from "./main.ts";

/** The tasks about a copy that are no stages: they print something, and leave no report. */

export function isStageTask(task: StagingCommand): task is StagingTask {
  return stagingTasks.some((one) => one === task);
}

/**
 * @returns the exit status
 * @throws UserError
 */
export async function stagingTask(args: Arguments, _world: GuardedTerminal): Promise<number> {
  throw new UserError("EA2134", `staging ${args.task} is not built yet`);
}
