import { inspect } from "node:util";

/** What an error says, of whatever kind it is. */
export function errorText(error: unknown): string {
  // Anything may be thrown, also what cannot be made into text.
  if (!(error instanceof Error)) return typeof error === "string" && error !== "" ? error : `unknown error: ${inspect(error)}`;
  // fetch says only that it failed, or that an answer broke off ("terminated"); why stands in the cause.
  const cause = error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException) : undefined;
  const saysNothing = error.message === "fetch failed" || error.message === "terminated";
  return cause && saysNothing ? cause.message || cause.code || cause.name : error.message || error.name;
}
