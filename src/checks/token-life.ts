import { jsonAt, parseAnswer } from "../config/assertion.ts";

/** When a JSON Web Token says that it ends, in Unix milliseconds; any other token tells nothing. */
export function endOfToken(token: string): number | undefined {
  const [, claims, signature] = token.split(".");
  if (claims === undefined || signature === undefined) return undefined;
  const seconds = jsonAt(parseAnswer(Buffer.from(claims, "base64url").toString()), "$.exp");
  return typeof seconds === "number" ? seconds * 1000 : undefined;
}
