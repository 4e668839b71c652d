import { z } from "../../lib/zod.ts";

/** Value types for reports. Each field has a description, which the JSON schema and the reference show. */

export function text(description: string) {
  return z.string().meta({ description });
}

export function texts(description: string) {
  return z.array(z.string()).meta({ description });
}

export function flag(description: string) {
  return z.boolean().meta({ description });
}

/** A whole number that is not negative. */
export function amount(description: string) {
  return z.int().min(0).meta({ description });
}

/** Any number that is not negative. */
export function measure(description: string) {
  return z.number().min(0).meta({ description });
}

export function percentage(description: string) {
  return z.number().min(0).max(100).meta({ description });
}

export function instant(description: string) {
  return z.iso.datetime().meta({ description: `${description} ISO 8601 format, in UTC.` });
}

/** One of several fixed words. */
export function oneOf<const Values extends readonly [string, ...string[]]>(values: Values, description: string) {
  return z.enum(values).meta({ description });
}
