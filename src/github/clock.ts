/** Allowed difference between clocks. Dates further in the future are rejected. */
export const clockToleranceMs = 5 * 60_000;

/** Formats a time as `40 s` or `12 min`. */
export function minutes(ms: number): string {
  return ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
