import { inspect } from "node:util";

/** The message of anything that was thrown, with its code in front if it has one: `EA3001: …`. */
export function errorText(error: unknown): string {
  // Any value can be thrown, even one that cannot be converted to text.
  if (!(error instanceof Error)) return typeof error === "string" && error !== "" ? error : `unknown error: ${inspect(error)}`;
  const code = codeOf(error) ?? codeOf(error.cause);
  const text = messageOf(error);
  // A sentence that was made of another error's text has its code already.
  return code === undefined || text.includes(`${code}: `) ? text : `${code}: ${text}`;
}

function messageOf(error: Error): string {
  // fetch says only that it failed, or that an answer broke off ("terminated"); the cause says why.
  const cause = error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException) : undefined;
  const saysNothing = error.message === "fetch failed" || error.message === "terminated";
  return cause && saysNothing ? cause.message || cause.code || cause.name : error.message || error.name;
}

/** Node's own errors have codes such as ENOENT, which are none of ours. */
function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^EA\d{4}$/.test(code) ? code : undefined;
}
