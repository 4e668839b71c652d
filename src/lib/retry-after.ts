/**
 * What a server asks for with Retry-After, in milliseconds from now: seconds, or a date (RFC 9110). One that is over already is now.
 * @returns `undefined` where it says nothing that could be understood
 */
export function retryAfterMs(header: string | null | undefined, now: number = Date.now()): number | undefined {
  const written = header?.trim() ?? "";
  if (/^\d{1,9}(?:\.\d+)?$/.test(written)) return Number(written) * 1000;
  // Dates begin with the name of a day; a parser that takes "-30" for a year would wait for nothing.
  const at = /^[A-Z][a-z]{2}/.test(written) ? Date.parse(written) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
