import { z } from "zod";
import { percent } from "./units.ts";
import { isGroup } from "./values.ts";

/** How the checks of a stage are weighed together, and which of them may be looked at again. */

const checkGlob = z
  .string()
  .regex(/^[a-z0-9.*?_-]+$/i, { error: "expected a glob over the ids of checks, such as api.* or redis.hit-rate" })
  .meta({ description: "Glob over the ids of checks: api.*, redis.hit-rate." });

const weight = z
  .strictObject({
    check: checkGlob,
    weight: z
      .number()
      .positive({ error: "expected a weight over 0; what must not count has dryRun: true" })
      .max(1000)
      .default(1)
      .meta({ description: "Against the others, which have 1. A degraded check reaches half of it." }),
    key: z
      .boolean()
      .default(false)
      .meta({ description: "A key indicator: its failure fails the stage, whatever the score; it must have been looked at." }),
    dryRun: z.boolean().default(false).meta({ description: "Record its true result, and do not count it." }),
  })
  .refine(({ key, dryRun }) => !(key === true && dryRun === true), {
    path: ["dryRun"],
    error: "a key indicator counts, so it cannot be in dry run",
    when: isGroup,
  });

export const score = z
  .strictObject({
    pass: percent.prefault("90%").meta({ description: "From this score on the stage is passed." }),
    warning: percent.prefault("75%").meta({ description: "From this score on it is degraded; below, failed." }),
    weights: z
      .array(weight)
      .default([])
      .meta({ description: "How checks count; the last line that means a check holds, and others have the weight 1." }),
  })
  .refine(({ pass, warning }) => !(typeof pass === "number" && typeof warning === "number" && warning > pass), {
    path: ["warning"],
    error: "expected at most as much as pass: below it the stage is failed",
    when: isGroup,
  })
  .optional()
  .meta({
    description:
      "Weigh all checks together; without it the worst decides. A check that could not be looked at is an error whatever the score.",
  });

const aReason = { error: "expected a reason: why is it flaky, and who mends it?" };

export const retries = z
  .array(
    z.strictObject({
      check: checkGlob,
      times: z.int().min(1).max(2, { error: "expected 1 or 2: what needs more is broken" }).default(1).meta({
        description: "How often it is looked at again.",
      }),
      reason: z.string(aReason).regex(/\S/, aReason).meta({ description: "Why it is flaky; shown in the report." }),
    }),
  )
  .default([])
  .meta({ description: "Checks that are declared flaky: looked at again unless they pass, and the report says so." });
