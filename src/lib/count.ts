/** Formats a whole number for people: `12,040`. Doesn't use `toLocaleString`, because loading its locale data takes 10 ms. */
export function numberText(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 test`, `2 tests`, `12,040 tests`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${numberText(number)} ${number === 1 ? one : many}`;
}

/** Formats a number that may not be known exactly: `3`, `unknown (at most 3)`, `1 to 3`, `at least 1`, `unknown`. */
export function amountText({ least, most }: { least: number; most: number | null }): string {
  if (least === most) return numberText(least);
  if (most === null) return least === 0 ? "unknown" : `at least ${numberText(least)}`;
  return least === 0 ? `unknown (at most ${numberText(most)})` : `${numberText(least)} to ${numberText(most)}`;
}
