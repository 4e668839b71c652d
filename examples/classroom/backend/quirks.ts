/**
 * Ways in which the real ClassWaves has been seen to misbehave while it looked well. Switched on with CLASSROOM_QUIRKS (a comma list), so that the
 * quality gate can be tried against each.
 */
export const quirkNames = [
  /** The database is absent, and a mock answers in its place: green, but without a server time. */
  "silent-mock",
  /** Each /api request after the first is delayed by two seconds. */
  "smoothing",
  /** Every /api request is over the limit. */
  "rate-limited",
  /** The detailed health page says 503 and `success: true`. */
  "cold-cache",
  /** The authentication service says 206. */
  "degraded-auth",
  /** An empty Google sign-in gets tokens. */
  "dangerous-oauth",
  /** Test tokens can be minted in production. */
  "token-route-on",
  /** The dashboards show constants and ask no database. */
  "hard-coded-analytics",
] as const;

export type Quirk = (typeof quirkNames)[number];

/** @throws Error for a name that is no quirk: a mistyped one would silently try nothing. */
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
