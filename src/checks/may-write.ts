import type { Finding } from "./run-check.ts";

/** A written exception for a credential that can write in a read-only environment. */
export interface MayWrite {
  /** The last day, `YYYY-MM-DD`, in UTC. */
  until: string;
  reason: string;
}

/**
 * Judges a credential in a read-only environment. If it could write, or this is unknown, the check doesn't pass. Only a written
 * exception makes it a warning, until its last day.
 * @param found `failed` if it could write, `error` if unknown; `passed` stays as it is
 * @param now milliseconds since 1970
 */
export function withException(found: Finding, exception: MayWrite | undefined, now: number): Finding {
  if (found.verdict === "passed")
    return exception
      ? { ...found, verdict: "degraded", message: `This credential cannot write, so mayWrite is not needed: remove it.` }
      : found;
  if (!exception) return found;
  const { until, reason } = exception;
  // ISO dates sort chronologically.
  const over = new Date(now).toISOString().slice(0, 10) > until;
  const said = found.message ?? "";
  if (over) return { ...found, message: `${said} The exception (${reason}) ended on ${until}.`.trim() };
  return { ...found, verdict: "degraded", message: `Allowed until ${until}: ${reason}. ${said}`.trim() };
}
