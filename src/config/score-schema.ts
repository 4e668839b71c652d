import { z } from "../lib/zod.ts";
import { percent } from "./units.ts";
import { isGroup } from "./values.ts";

/** How the checks of a stage are weighed together, and which of them may be looked at again. */

const checkGlob = z
  .string()
  .regex(/^[a-z0-9.*?_-]+$/i, { error: "expected a glob over the ids of checks, such as api.* or redis.hit-rate" })
  .meta({ description: "Glob for check ids, such as `api.*` or `redis.hit-rate`." });

const weight = z
  .strictObject({
    check: checkGlob,
    weight: z
      .number()
      .positive({ error: "expected a weight over 0; what must not count has dryRun: true" })
      .max(1000)
      .default(1)
      .meta({
        description: "Weight of the check. Checks without an entry have weight 1. A degraded check scores half of its weight.",
      }),
    key: z.boolean().default(false).meta({
      description:
        "Makes the check a key indicator: if it fails, the stage fails, whatever the score. A key indicator must have run.",
    }),
    dryRun: z.boolean().default(false).meta({ description: "Records the actual result of the check without counting it." }),
  })
  .refine(({ key, dryRun }) => !(key === true && dryRun === true), {
    path: ["dryRun"],
    error: "a key indicator counts, so it cannot be in dry run",
    when: isGroup,
  });

export const score = z
  .strictObject({
    pass: percent.prefault("90%").meta({ description: "Minimum score for the verdict `passed`." }),
    warning: percent
      .prefault("75%")
      .meta({ description: "Minimum score for the verdict `degraded`. Below it, the stage is `failed`." }),
    weights: z.array(weight).default([]).meta({
      description:
        "How checks count. If several entries match a check, the last one applies. Checks without an entry have weight 1.",
    }),
  })
  .refine(({ pass, warning }) => !(typeof pass === "number" && typeof warning === "number" && warning > pass), {
    path: ["warning"],
    error: "expected at most as much as pass: below it the stage is failed",
    when: isGroup,
  })
  .optional()
  .meta({
    description:
      "Weighs all checks together. Without it, the worst check decides. A check that could not run makes the stage an `error`, whatever the score.",
  });

const aReason = { error: "expected a reason: why is it flaky, and who mends it?" };

export const retries = z
  .array(
    z.strictObject({
      check: checkGlob,
      times: z.int().min(1).max(2, { error: "expected 1 or 2: what needs more is broken" }).default(1).meta({
        description: "How often the check is repeated.",
      }),
      reason: z.string(aReason).regex(/\S/, aReason).meta({ description: "Why the check is flaky. Shown in the report." }),
    }),
  )
  .default([])
  .meta({ description: "Checks that are declared flaky. They are repeated unless they pass, and the report says so." });
