import { jsonAt, parseAnswer } from "../../config/assertion.ts";
import type { MeasuredCheck, RunCheck } from "../run-check.ts";

/** The last moment that is a date to JavaScript; what ends later does not end. */
export const lastMomentMs = 8.64e15;

/** When a JSON Web Token says that it ends, in Unix milliseconds; any other token tells nothing. */
export function endOfToken(token: string): number | undefined {
  const [, claims, signature] = token.split(".");
  if (claims === undefined || signature === undefined) return undefined;
  const seconds = jsonAt(parseAnswer(Buffer.from(claims, "base64url").toString()), "$.exp");
  return typeof seconds === "number" && Math.abs(seconds * 1000) <= lastMomentMs ? seconds * 1000 : undefined;
}

const dayMs = 86_400_000;

/**
 * How long the token is still good that signs in to Databricks. The workspace says when the tokens of a user end, and not which of
 * them it is: with several, the first to end may be meant.
 * @param ends of the user's tokens, in Unix milliseconds, Infinity for never; or why they cannot be seen
 * @param leastDays one that ends sooner is a warning
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
