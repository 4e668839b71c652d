import type { StagingPlace } from "../../config/staging-rules.ts";

/** Whether the gate tests in the copy and promotes from it. Pure. */

export interface OrderQuestion {
  original: StagingPlace;
  copy: string;
  defaultEnvironment: string | undefined;
  /** Of the original's environment; undefined if it is not known here. */
  promotedFrom: string | undefined;
  isolation: string;
}

/** What stands between the tests and the copy, as sentences; none: the gate's order has the copy in it. */
export function whatIsMissing({ original, copy, defaultEnvironment, promotedFrom, isolation }: OrderQuestion): string[] {
  return [
    ...(defaultEnvironment === copy
      ? []
      : [
          `the gate tests in ${defaultEnvironment ?? "no environment"} unless a step names another one: write defaultEnvironment: ${copy}, or environment: ${copy} in the workflow`,
        ]),
    ...(promotedFrom === copy
      ? []
      : [
          `smoke on ${original.name} accepts no evidence of ${copy}: write promotedFrom: ${copy} in the environment ${original.name}`,
        ]),
    ...(isolation === "clone"
      ? []
      : ["runs share the copy's tables and are told apart by prefixes; testData.isolation: clone gives each its own"]),
  ];
}
