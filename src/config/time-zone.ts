import { z } from "../lib/zod.ts";

/** `UTC`, an offset such as `-08:00`, or a name such as `America/Los_Angeles`. */
export function isTimeZone(zone: string): boolean {
  if (/^(?:UTC|Z)$/i.test(zone)) return true;
  const offset = /^[+-](\d\d):?(\d\d)$/.exec(zone);
  if (offset) return Number(offset[1]) <= 14 && Number(offset[2]) < 60;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return /^[A-Za-z]/.test(zone);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export const timeZone = z.string().refine(isTimeZone, {
  error: 'expected a time zone: UTC, an offset such as "-08:00", or a name such as America/Los_Angeles',
});
