import { z } from "../lib/zod.ts";
import { withCode } from "./mistakes.ts";
import { isGroup, percent } from "./values.ts";

/** How the checks of a stage are weighted, and which of them may be repeated. */

const checkGlob = z
  .string()
  .regex(/^[a-z0-9.*?_-]+$/i, { error: "expected a glob for ids of checks, such as api.* or redis.hit-rate" })
  .meta({ description: "Glob for check ids, such as `api.*` or `redis.hit-rate`." });

const weight = z
  .strictObject({
    check: checkGlob,
    weight: z
      .number()
      .positive({ error: "expected a weight above 0; for a check that must not count, write dryRun: true" })
      .max(1000)
      .default(1)
      .meta({
        description: "Weight of the check. Checks without an entry have weight 1. A degraded check scores half of its weight.",
      }),
    key: z.boolean().default(false).meta({
      description:
        "Makes it a must-pass check (key indicator): if it fails, the stage fails, whatever the score. At least one matching check must have run.",
    }),
    dryRun: z.boolean().default(false).meta({ description: "Shows the result of the check without counting it." }),
  })
  .refine(({ key, dryRun }) => !(key === true && dryRun === true), {
    path: ["dryRun"],
    error: "key and dryRun cannot be combined: a key indicator always counts",
    params: { ...withCode("EA1016") },
    when: isGroup,
  });

export const score = z
  .strictObject({
    pass: percent().prefault("90%").meta({ description: "Minimum score for the verdict `passed`." }),
    warning: percent()
      .prefault("75%")
      .meta({ description: "Minimum score for the verdict `degraded`. Below it, the stage is `failed`." }),
    weights: z.array(weight).default([]).meta({
      description:
        "How checks count. If several entries match a check, the last one applies. Checks without an entry have weight 1.",
    }),
  })
  .refine(({ pass, warning }) => !(typeof pass === "number" && typeof warning === "number" && warning > pass), {
    path: ["warning"],
    error: "expected at most the value of pass",
    when: isGroup,
  })
  .optional()
  .meta({
    description:
      "Weighs all checks together. Without it, the worst check decides. A check that could not run makes the stage an `error`, whatever the score.",
  });

const aReason = { error: "expected the reason why the check is flaky, and who will fix it" };

export const retries = z
  .array(
    z.strictObject({
      check: checkGlob,
      times: z.int().min(1).max(2, { error: "expected 1 or 2: a check that needs more repetitions is broken" }).default(1).meta({
        description: "How often the check is repeated.",
      }),
      reason: z.string(aReason).regex(/\S/, aReason).meta({ description: "Why the check is flaky. Shown in the report." }),
    }),
  )
  .default([])
  .meta({
    description: "Checks, not tests, that are declared flaky. They are repeated unless they pass, and the report says so.",
  });
