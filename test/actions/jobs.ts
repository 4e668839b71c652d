import type { StageAction } from "../../src/action/interface.ts";
import { gateStages } from "../../src/model/report.ts";

/** The two ways in which a consumer's workflow calls the stages, as the value of `jobs:`. */

/** Brings the repository into the job; act does that by itself at this step, without asking GitHub. */
const checkout = { uses: "actions/checkout@v7", with: { "persist-credentials": false } };

type StepsOf = (stage: StageAction) => object[];

/** What a gate runs in its order, and the cleanup after it. */
export const inGate: readonly StageAction[] = [...gateStages, "cleanup"];

export function inOneJob(stepsOf: StepsOf, actions = inGate): object {
  return { gate: { "runs-on": "ubuntu-latest", steps: [checkout, ...actions.flatMap(stepsOf)] } };
}

/** A job a stage, each needing the one before it. */
export function inAJobEach(stepsOf: StepsOf, actions = inGate): object {
  const jobs = actions.map((stage, index) => {
    const needs = index > 0 ? { needs: actions[index - 1] } : {};
    return [stage, { "runs-on": "ubuntu-latest", ...needs, steps: [checkout, ...stepsOf(stage)] }];
  });
  return Object.fromEntries(jobs);
}

/** The job that a branch rule requires. @param wait for these jobs */
export function requiredCheck(wait: readonly string[], more: Record<string, string> = {}): object {
  return {
    gate: {
      if: "always()",
      needs: [...wait],
      "runs-on": "ubuntu-latest",
      steps: [checkout, { uses: "classwaves/env-actions/gate@v1", with: { needs: "${{ toJSON(needs) }}", ...more } }],
    },
  };
}
