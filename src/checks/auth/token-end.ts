import { jsonAt, parseAnswer } from "../../config/assertion.ts";

/** The latest date that JavaScript supports; later expiries count as never. */
export const lastMomentMs = 8.64e15;

/** When a JSON Web Token expires, in Unix milliseconds; undefined for other tokens. */
export function endOfToken(token: string): number | undefined {
  const [, claims, signature] = token.split(".");
  if (claims === undefined || signature === undefined) return undefined;
  const seconds = jsonAt(parseAnswer(Buffer.from(claims, "base64url").toString()), "$.exp");
  return typeof seconds === "number" && Math.abs(seconds * 1000) <= lastMomentMs ? seconds * 1000 : undefined;
}
