import { inspect } from "node:util";

/** The message of anything that was thrown. */
export function errorText(error: unknown): string {
  // Any value can be thrown, even one that cannot be converted to text.
  if (!(error instanceof Error)) return typeof error === "string" && error !== "" ? error : `unknown error: ${inspect(error)}`;
  // fetch only says that it failed or that the response was cut off ("terminated"); the reason is in the cause.
  const cause = error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException) : undefined;
  const saysNothing = error.message === "fetch failed" || error.message === "terminated";
  return cause && saysNothing ? cause.message || cause.code || cause.name : error.message || error.name;
}
