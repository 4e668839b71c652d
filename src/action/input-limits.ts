import { parseDuration, parsePercent, parseTimeLimit } from "../config/values.ts";
import type { InputName } from "./interface.ts";

/** Inputs that are read like values of the configuration. Apart from the other forms, because that code takes time to load. */

export interface Limit {
  /** Continues "expected …". */
  expected: string;
  /** @returns undefined if the text is none */
  read: (text: string) => number | undefined;
}

export const limits = {
  budget: { expected: "a duration such as 15m, above 0 and at most 24d", read: parseTimeLimit },
  "pass-rate": { expected: "a percentage such as 95%", read: parsePercent },
  "stale-after": { expected: 'a time such as "26h"', read: parseDuration },
  wait: { expected: 'a time such as "10m"', read: parseTimeLimit },
} as const satisfies Partial<Record<InputName, Limit>>;
