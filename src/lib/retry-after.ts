/**
 * The wait that a Retry-After header asks for, in milliseconds from now: seconds, or a date (RFC 9110). A date in the past means
 * now.
 * @returns `undefined` if the header is missing or invalid
 */
export function retryAfterMs(header: string | null | undefined, now: number = Date.now()): number | undefined {
  const written = header?.trim() ?? "";
  if (/^\d{1,9}(?:\.\d+)?$/.test(written)) return Number(written) * 1000;
  // HTTP dates begin with a weekday. Date.parse alone would read "-30" as a year, so nothing would be waited for.
  const at = /^[A-Z][a-z]{2}/.test(written) ? Date.parse(written) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
