import { z } from "../lib/zod.ts";
import { type GateStage, gateStages, type StageName } from "../model/report.ts";
import { type Data, type Path, valueAt } from "./path.ts";

/** Stages that a project doesn't have. `false` in place of their settings leaves them out of the gate. */

/** The settings, or `false`. A stage that is left out has the default settings, and a mark. */
export function orLeftOut<Settings extends z.ZodType<object, object>>(settings: Settings) {
  const nothing = z.literal(false).transform(() => ({ ...settings.parse({}), leftOut: true as const }));
  return z.union([nothing, settings], { error: "expected a group of keys, or false to leave the stage out" });
}

/** The stages that the configuration leaves out with `stages.<stage>: false`, in the order of the gate. */
export function leftOutStages({ stages }: { stages: Readonly<Record<GateStage, object>> }): StageName[] {
  return gateStages.filter((stage) => "leftOut" in stages[stage]);
}

export function isLeftOut(data: Data, stage: StageName): boolean {
  const path: Path = ["stages", stage];
  return valueAt(data, path) === false;
}
