import type { StageContext, StageOutcome } from "./context.ts";
import { runTests } from "./tests.ts";

/** The project's tests in browsers, signed in and not: a run that left one of them out proves nothing about it. */
export function e2e(context: StageContext, outcome: StageOutcome): Promise<void> {
  return runTests(context, outcome);
}
