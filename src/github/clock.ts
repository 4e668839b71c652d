/** Clocks may differ a little; what is dated further into the future than this is not believed. */
export const clockToleranceMs = 5 * 60_000;

/** `40 s`, `12 min` */
export function minutes(ms: number): string {
  return ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
