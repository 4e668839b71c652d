import { parseTimeLimit } from "../config/values.ts";
import { UserError } from "../model/user-error.ts";

/** Apart from the command, which loads the whole page. */

export interface DashboardArguments {
  out: string | undefined;
  published: string | undefined;
  /** The usual one if absent. */
  staleAfterMs?: number;
}

/** @throws UserError */
export function dashboardArguments(
  values: Partial<Record<"out" | "published" | "stale-after", string | undefined>>,
): DashboardArguments {
  const written = values["stale-after"];
  const { out, published } = values;
  if (written === undefined) return { out, published };
  const staleAfterMs = parseTimeLimit(written);
  if (staleAfterMs === undefined)
    throw new UserError("EA1104", `--stale-after: expected a duration such as 36h, above 0 and at most 24d, got "${written}"`);
  return { out, published, staleAfterMs };
}
