import { once } from "../lib/once.ts";
import { pattern } from "../lib/pattern.ts";
import { z } from "../lib/zod.ts";
import { withCode } from "./mistakes.ts";
import { duration, exactlyOneOf, isGroup, regularExpression } from "./values.ts";

/** Assertions on a JSON answer: how the file writes them, and how they are evaluated. */

/** Claims about a text, such as a header. */
const textClaims = once(() => ({
  equals: z
    .union([z.string(), z.number(), z.boolean(), z.null()], { error: "expected text, a number, true, false or null" })
    .optional()
    .meta({ description: "The value must be exactly this." }),
  oneOf: z
    .array(z.union([z.string(), z.number(), z.boolean()], { error: "expected text, a number, true or false" }))
    .min(1)
    .optional()
    .meta({ description: "The value must be one of these." }),
  notNull: z.literal(true).optional().meta({ description: "The value must be present and not null. Mocks often return null." }),
  matches: regularExpression()
    .optional()
    .meta({ description: "Regular expression that the value, converted to text, must match." }),
}));

/** Names after dots; numbers and quoted names in brackets. A path that could match several places is rejected. */
const jsonPath = /^\$[^.[\]'"*]*(?:\.[^.[\]'"*]+|\[\w+\]|\['[^']*'\]|\["[^"]*"\])*$/;

/** Claims that need a single answer only. */
const claims = once(() => ({
  path: z
    .string()
    .regex(jsonPath, {
      error:
        "expected a JSON path such as $.data.serverTime, $.items[0].id or $['a.b']: it must name one place, so *, .., [-1] and [?…] are not supported",
    })
    .meta({ description: "JSON path of the value to check, such as `$.data.serverTime`, `$.items[0].id` or `$['a.b']`." }),
  ...textClaims(),
  between: z
    .array(z.number({ error: "expected a number" }))
    .length(2, { error: "expected the lowest and the highest number, such as [0, 500]" })
    .refine(([low = 0, high = 0]) => low <= high, {
      error: "expected the lower number first, such as [0, 500], such as [0, 500]",
    })
    .optional()
    .meta({ description: "The value must be a number in this range, such as `[0, 500]`. Both ends are included." }),
  youngerThan: duration.optional().meta({
    description:
      "The value must be a time less than this long ago, as ISO 8601, Unix seconds or Unix milliseconds. Hard-coded times become too old.",
  }),
}));

const changing = once(() => ({
  changes: z
    .literal(true)
    .optional()
    .meta({ description: "The value must differ between two reads, which proves that a live service produces it." }),
}));

const textKinds = ["equals", "oneOf", "notNull", "matches"];
const claimKinds = exactlyOneOf(...textKinds, "between", "youngerThan");
const assertionKinds = exactlyOneOf(...textKinds, "between", "youngerThan", "changes");
const figureKinds = exactlyOneOf(...textKinds, "between", "youngerThan", "changes", "equalsSql");
const headerKinds = exactlyOneOf(...textKinds);

/** Claims about one header of an answer. */
export const headerSchema = once(() =>
  z
    .strictObject({
      header: z.string().min(1).meta({ description: "Name of the response header, such as `content-type`." }),
      ...textClaims(),
    })
    .refine(headerKinds.check, headerKinds.params),
);

/** Claims about a single answer. */
export const claimSchema = once(() => z.strictObject(claims()).refine(claimKinds.check, claimKinds.params));

/**
 * Claims about answers that are read several times. A 200 response is no proof, because a mock returns 200 too: see `notNull` and
 * `changes`.
 */
export const assertionSchema = once(() =>
  z.strictObject({ ...claims(), ...changing() }).refine(assertionKinds.check, assertionKinds.params),
);

/** Claims that may also compare a figure with the warehouse. */
export const figureSchema = once(() =>
  z
    .strictObject({
      ...claims(),
      ...changing(),
      equalsSql: z.string().min(1).optional().meta({
        description:
          "The value must be the number that this statement returns, such as `SELECT count(*) FROM …`. It may only read, and runs right before and after the request: the value must lie between both results.",
      }),
      tolerance: z.number({ error: "expected a number" }).min(0, { error: "expected 0 or more" }).optional().meta({
        description: "How far the value may be from that of `equalsSql`, for figures that are rounded or cached. Default: 0.",
      }),
    })
    .refine(figureKinds.check, figureKinds.params)
    .refine(({ tolerance, equalsSql }) => tolerance === undefined || equalsSql !== undefined, {
      path: ["tolerance"],
      error: "has no effect without equalsSql: remove it",
      params: { ...withCode("EA1016") },
      when: isGroup,
    }),
);

export type Claim = z.output<ReturnType<typeof claimSchema>>;

/** How far a server's clock may be ahead of ours before its times are rejected. */
const clockSkewMs = 60_000;

/**
 * @param value the value at the claim's path
 * @returns whether the value meets the claim; a claim without a kind requires only that there is a value
 */
export function meetsClaim(claim: Omit<Claim, "path">, value: unknown, now: number = Date.now()): boolean {
  if (claim.equals !== undefined) return deepEqual(value, claim.equals);
  if (claim.oneOf) return claim.oneOf.some((allowed) => deepEqual(value, allowed));
  if (claim.between) {
    const [low = Number.NaN, high = Number.NaN] = claim.between;
    return typeof value === "number" && value >= low && value <= high;
  }
  if (claim.youngerThan !== undefined) {
    const time = timeOf(value);
    return time !== undefined && now - time < claim.youngerThan && time - now < clockSkewMs;
  }
  const present = value !== undefined && value !== null;
  if (claim.matches === undefined) return present;
  return present && pattern(claim.matches).test(typeof value === "string" ? value : JSON.stringify(value));
}

/** Headers are text, so the expected value is compared as the file writes it. */
export function headerHolds(claim: Omit<Claim, "path">, value: string | undefined): boolean {
  if (value === undefined) return false;
  if (claim.equals !== undefined) return value === String(claim.equals);
  if (claim.oneOf) return claim.oneOf.some((allowed) => value === String(allowed));
  return meetsClaim(claim, value);
}

/**
 * Tells seconds from milliseconds: Unix times have ten digits in seconds and thirteen in milliseconds for the next two centuries.
 */
const firstMilliseconds = 100_000_000_000;

function timeOf(value: unknown): number | undefined {
  if (typeof value === "number") return value < firstMilliseconds ? value * 1000 : value;
  // APIs often send large numbers as text, to avoid losing digits.
  if (typeof value === "string" && /^\d{9,13}(?:\.\d+)?$/.test(value)) return timeOf(Number(value));
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** Describes the claim for a message. */
export function describeClaim(claim: Omit<Claim, "path">): string {
  if (claim.equals !== undefined) return shortValue(claim.equals);
  if (claim.oneOf) return `one of ${claim.oneOf.map(shortValue).join(", ")}`;
  if (claim.matches !== undefined) return `a value that matches ${claim.matches}`;
  if (claim.between) return `a number from ${claim.between.join(" to ")}`;
  if (claim.youngerThan !== undefined) return `a time less than ${claim.youngerThan / 1000} s ago`;
  return "a value, not null";
}

/** Reads a path such as `$.data.items[0]['name']`; `undefined` if there is nothing at the path. */
export function jsonAt(json: unknown, path: string): unknown {
  const written = path.slice(1).match(/'[^']*'|"[^"]*"|[^.[\]'"]+/g) ?? [];
  const steps = written.map((step) => step.replace(/^(['"])(.*)\1$/s, "$2"));
  return steps.reduce<unknown>(
    (value, step) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, step)
        ? (value as Record<string, unknown>)[step]
        : undefined,
    json,
  );
}

const longestShown = 160;

/** Shortens a value of an answer for a message. */
export function shortValue(value: unknown): string {
  return value === undefined ? "missing" : excerpt(JSON.stringify(value));
}

/** The start of an answer, on one line. */
export function excerpt(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line === "" ? "(empty answer)" : line.length > longestShown ? `${line.slice(0, longestShown)}…` : line;
}

export function deepEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Returns `undefined` if the text is not JSON; assertions then report that they found nothing. */
export function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
