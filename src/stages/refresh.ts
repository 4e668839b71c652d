import { UserError } from "../model/user-error.ts";
import type { StageContext, StageOutcome } from "./context.ts";

/** Not there yet. @throws UserError */
export async function refresh(context: StageContext, _outcome: StageOutcome): Promise<void> {
  throw new UserError("EA2134", `${context.stage} is not built yet`);
}
