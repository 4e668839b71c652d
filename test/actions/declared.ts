import type { ActionName, Input, Output } from "../../src/action/interface.ts";

/** The names of the inputs, or of the outputs, that the composite of a stage, the gate or the comment must declare. */
export function declaredFor(action: ActionName, all: Record<string, Input | Output>): string[] {
  const runsStage = ["preflight", "integration", "e2e", "smoke", "cleanup", "staging"].includes(action);
  const isOfAction = ({ stages, also }: Input | Output) =>
    stages ? stages.includes(action) : runsStage || also?.includes(action) === true;
  return Object.keys(all).filter((name) => isOfAction(all[name] as Input | Output));
}
