import { type StageName, stageNames } from "../../src/model/report.ts";

/** The two ways in which a consumer's workflow calls the stages, as the value of `jobs:`. */

/** Brings the repository into the job; act does that by itself at this step, without asking GitHub. */
const checkout = { uses: "actions/checkout@v7", with: { "persist-credentials": false } };

type StepsOf = (stage: StageName) => object[];

export function inOneJob(stepsOf: StepsOf): object {
  return { gate: { "runs-on": "ubuntu-latest", steps: [checkout, ...stageNames.flatMap(stepsOf)] } };
}

/** A job a stage, each needing the one before it. */
export function overFiveJobs(stepsOf: StepsOf): object {
  const jobs = stageNames.map((stage, index) => {
    const needs = index > 0 ? { needs: stageNames[index - 1] } : {};
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
