import { jsonAt, parseAnswer } from "../../config/assertion.ts";
import type { MeasuredCheck, RunCheck } from "../run-check.ts";

/** The latest date that JavaScript supports; later expiries count as never. */
export const lastMomentMs = 8.64e15;

/** When a JSON Web Token expires, in Unix milliseconds; undefined for other tokens. */
export function endOfToken(token: string): number | undefined {
  const [, claims, signature] = token.split(".");
  if (claims === undefined || signature === undefined) return undefined;
  const seconds = jsonAt(parseAnswer(Buffer.from(claims, "base64url").toString()), "$.exp");
  return typeof seconds === "number" && Math.abs(seconds * 1000) <= lastMomentMs ? seconds * 1000 : undefined;
}

const dayMs = 86_400_000;

/**
 * Checks how long the Databricks token is still valid. The workspace lists when a user's tokens expire, but not which one is
 * used; with several, it may be the first to expire.
 * @param ends of the user's tokens, in Unix milliseconds, Infinity for never; or why they cannot be read
 * @param leastDays one that expires sooner is a warning
 */
export function checkTokenLife(
  check: RunCheck,
  ends: () => Promise<readonly number[] | string>,
  leastDays: number,
  now: number = Date.now(),
): Promise<MeasuredCheck> {
  return check("databricks.token", "Databricks token", async () => {
    const told = await ends();
    if (typeof told === "string") return { verdict: "skipped", message: `Its expiry is unknown: ${told}.` };
    if (told.length === 0)
      return { verdict: "skipped", message: "Its expiry is unknown: the workspace lists no token of this user." };
    const first = Math.min(...told);
    const one = told.length === 1;
    const what = one ? "" : `the first of the user's ${told.length} tokens `;
    const expected = `valid for ${leastDays} days or more`;
    if (first === Number.POSITIVE_INFINITY) return { verdict: "passed", observed: "never expires", expected };
    const observed = `${what}${one ? "ends" : "to end does so"} in ${Math.floor((first - now) / dayMs)} days`;
    if (first - now >= leastDays * dayMs) return { verdict: "passed", observed, expected };
    return {
      verdict: "degraded",
      observed,
      expected,
      message: `${one ? "Renew DATABRICKS_TOKEN" : "If that is DATABRICKS_TOKEN, renew it"}: when it expires, every stage stops.`,
    };
  });
}
