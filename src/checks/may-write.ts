import type { Finding } from "./run-check.ts";

/** A written permission for a credential that can write although nothing may be written. */
export interface MayWrite {
  /** The last day, `YYYY-MM-DD`, in UTC. */
  until: string;
  reason: string;
}

/**
 * What is said of a credential in a read-only environment. One that could write, or of which it is not known, does not pass: only a
 * written exception makes it a warning, and only until its last day.
 * @param found `failed` where it could write, `error` where that could not be told; `passed` is left as it is.
 * @param now milliseconds since 1970
 */
export function withException(found: Finding, exception: MayWrite | undefined, now: number): Finding {
  if (found.verdict === "passed")
    return exception
      ? { ...found, verdict: "degraded", message: `This credential cannot write, so mayWrite is not needed: remove it.` }
      : found;
  if (!exception) return found;
  const { until, reason } = exception;
  // ISO dates sort as they follow each other.
  const over = new Date(now).toISOString().slice(0, 10) > until;
  const said = found.message ?? "";
  if (over) return { ...found, message: `${said} The exception (${reason}) ended on ${until}.`.trim() };
  return { ...found, verdict: "degraded", message: `Allowed until ${until}: ${reason}. ${said}`.trim() };
}
