import { z } from "../lib/zod.ts";

const growthPattern = /^<=\s*\+(\d{1,4}(?:\.\d+)?)%$/;

/** Converts `<= +10%` to 0.1. */
export const growth = z
  .string({ error: 'expected a limit such as "<= +10%"' })
  .regex(growthPattern, { error: 'expected a limit such as "<= +10%": how much more is allowed' })
  .transform((text) => Number(growthPattern.exec(text)?.[1]) / 100);

/** Limits for the latency, relative to earlier runs. */
export const baselineSchema = z.strictObject({
  criteria: z
    .strictObject({
      p50: growth.optional().meta({ description: 'How much slower the median may be, such as `"<= +10%"`.' }),
      p95: growth.optional().meta({ description: 'How much slower the P95 may be, such as `"<= +10%"`.' }),
    })
    .refine(({ p50, p95 }) => p50 !== undefined || p95 !== undefined, { error: "expected p50, p95, or both" })
    .meta({
      description:
        "Latency limits relative to earlier runs. A limit is exceeded only if a rank test finds the whole run slower, not if a single sample is.",
    }),
  minimumSamples: z.int().min(5).max(1_000).default(20).meta({
    description:
      "Samples required in this run, and in the earlier runs together. With fewer, the comparison is `degraded` (not enough data). For Redis and the warehouse, 20 samples are taken and are enough.",
  }),
  runs: z.int().min(1).max(50).default(10).meta({ description: "Number of passing runs to keep." }),
  verdict: z
    .enum(["failed", "degraded"])
    .default("failed")
    .meta({ description: "Verdict if the run is slower than `criteria` allow." }),
});

export type Baseline = z.output<typeof baselineSchema>;
