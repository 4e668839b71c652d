import { z } from "../lib/zod.ts";
import { growth } from "./baseline-schema.ts";
import { name } from "./values.ts";

/** Limits for the latency, relative to another environment. */
export const compareSchema = z.strictObject({
  with: name.meta({ description: "The environment to compare with, such as `production`." }),
  latency: growth.prefault("<= +20%").meta({
    description: "How much slower than the other environment each check may be, by the medians of runs.",
  }),
  runs: z.int().min(6).max(200).default(20).meta({
    description:
      "Newest runs of each environment to compare, this one included. With fewer than six of each, there are too few samples. A change shows once about half of them have it.",
  }),
  verdict: z
    .enum(["failed", "degraded"])
    .default("failed")
    .meta({ description: "Verdict if the environment is slower by more than `latency`. Too few samples are always `degraded`." }),
});

export type CompareSettings = z.output<typeof compareSchema>;
