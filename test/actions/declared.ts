import type { ActionName, Input, Output } from "../../src/action/interface.ts";

/** The names of the inputs, or of the outputs, that the composite of a stage, or of the gate, must declare. */
export function declaredFor(action: ActionName, all: Record<string, Input | Output>): string[] {
  const isOfAction = ({ stages, alsoGate }: Input | Output) =>
    stages ? stages.includes(action) : action !== "gate" || alsoGate === true;
  return Object.keys(all).filter((name) => isOfAction(all[name] as Input | Output));
}
