import type { StageContext, StageOutcome } from "./context.ts";
import { runTests } from "./tests.ts";

/** The project's integration tests, with the identity of the run, and without their traces. */
export function integration(context: StageContext, outcome: StageOutcome): Promise<void> {
  return runTests(context, outcome);
}
