/**
 * Faults that the real ClassWaves has had while it looked healthy. Enabled with CLASSROOM_QUIRKS (comma-separated), to try out
 * the quality gate on each.
 */
export const quirkNames = [
  /** Without a database, a mock answers with 200, but without a server time. */
  "silent-mock",
  /** Each /api request after the first is delayed by two seconds. */
  "smoothing",
  /** Every /api request is over the rate limit. */
  "rate-limited",
  /** The detailed health page answers 503 and `success: true`. */
  "cold-cache",
  /** The authentication service answers 206. */
  "degraded-auth",
  /** An empty Google sign-in gets tokens. */
  "dangerous-oauth",
  /** Test tokens can be minted in production. */
  "token-route-on",
  /** The dashboards show constants instead of data. */
  "hard-coded-analytics",
  /** The same constants, with the current time beside them. */
  "hard-coded-figures",
] as const;

export type Quirk = (typeof quirkNames)[number];

/** @throws Error for an unknown name: a typo would silently try nothing */
export function parseQuirks(list: string): Set<Quirk> {
  const names = list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const unknown = names.filter((name) => !isQuirk(name));
  if (unknown.length > 0)
    throw new Error(`CLASSROOM_QUIRKS: no such quirk: ${unknown.join(", ")}; known are ${quirkNames.join(", ")}`);
  return new Set(names.filter(isQuirk));
}

function isQuirk(name: string): name is Quirk {
  return (quirkNames as readonly string[]).includes(name);
}
