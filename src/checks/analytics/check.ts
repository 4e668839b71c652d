import type { Endpoint } from "../../config/schema.ts";
import { checkEndpoints } from "../api/check.ts";
import type { CheckContext } from "../kind.ts";
import type { RunningCheck } from "../run-check.ts";

export function run(context: CheckContext, endpoints: readonly Endpoint[]): RunningCheck[] {
  return checkEndpoints(context, "analytics", endpoints);
}
