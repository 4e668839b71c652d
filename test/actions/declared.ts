import type { Input, Output } from "../../src/action/interface.ts";
import type { StageName } from "../../src/model/report.ts";

/** The names of the inputs, or of the outputs, that the composite of a stage must declare. */
export function declaredFor(stage: StageName, all: Record<string, Input | Output>): string[] {
  return Object.keys(all).filter((name) => !all[name]?.stages || all[name].stages.includes(stage));
}
