import { inspect } from "node:util";

/** The message of anything that was thrown, with its code first if it has one: `EA3001: …`. */
export function errorText(error: unknown): string {
  // Any value can be thrown, even one that cannot be converted to text.
  if (!(error instanceof Error)) return typeof error === "string" && error !== "" ? error : `unknown error: ${inspect(error)}`;
  const code = codeOf(error) ?? codeOf(error.cause);
  const text = messageOf(error);
  // A message built from another error's text already contains its code.
  return code === undefined || text.includes(`${code}: `) ? text : `${code}: ${text}`;
}

function messageOf(error: Error): string {
  // fetch only says that it failed or that the response was cut off ("terminated"); the reason is in the cause.
  const cause = error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException) : undefined;
  const saysNothing = error.message === "fetch failed" || error.message === "terminated";
  return cause && saysNothing ? cause.message || cause.code || cause.name : error.message || error.name;
}

/** Node's own errors have codes too, such as ENOENT, which are not ours. */
function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^EA\d{4}$/.test(code) ? code : undefined;
}
