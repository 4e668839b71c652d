import { z } from "../lib/zod.ts";

/** Converts `2m`, `500ms`, `1.5s`, `4h`, `7d` to milliseconds. */
const millisecondsPer = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

export const duration = z
  .string({ error: 'expected a duration such as "500ms", "30s", "2m", "4h" or "7d"' })
  .regex(durationPattern, { error: 'expected a duration such as "500ms", "30s", "2m", "4h" or "7d"' })
  .transform((text) => parseDuration(text) ?? 0)
  .meta({ description: "A duration, such as `500ms`, `30s`, `2m`, `4h` or `7d`." });

/** Milliseconds, or `undefined` if the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = durationPattern.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * millisecondsPer[match[2] as keyof typeof millisecondsPer];
}

/** Timers hold at most 2³¹ ms, and fire at once for longer times. */
const longestLimit = 24 * millisecondsPer.d;

/** A time limit. */
export const timeLimit = duration.refine((milliseconds) => milliseconds > 0 && milliseconds <= longestLimit, {
  error: "expected a time limit above 0 and of at most 24d",
});

/** The budget of every stage. */
export const budgetDescription = {
  description: "Time limit for the whole stage. When it expires, everything that is still running is stopped.",
};

const percentPattern = /^(\d{1,3}(?:\.\d+)?)%$/;

/** A share from 0 to 1, or `undefined` if the text is not a percentage. */
export function parsePercent(text: string): number | undefined {
  const match = percentPattern.exec(text);
  if (!match) return undefined;
  const share = Number(match[1]) / 100;
  return share <= 1 ? share : undefined;
}

/** Converts `95%` to 0.95. */
export const percent = z
  .string({ error: 'expected a percentage such as "95%"' })
  .refine((text) => parsePercent(text) !== undefined, { error: 'expected a percentage from "0%" to "100%"' })
  .transform((text) => parsePercent(text) ?? 0)
  .meta({ description: "A percentage, such as `95%`." });
