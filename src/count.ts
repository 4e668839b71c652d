/** `1 test`, `2 tests`, `12,040 tests`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** `3`, `unknown (at most 3)`, `1 to 3`, `at least 1`, `unknown`: a number that may not be known exactly. */
export function amountText({ least, most }: { least: number; most: number | null }): string {
  if (least === most) return least.toLocaleString("en");
  if (most === null) return least === 0 ? "unknown" : `at least ${least.toLocaleString("en")}`;
  return least === 0
    ? `unknown (at most ${most.toLocaleString("en")})`
    : `${least.toLocaleString("en")} to ${most.toLocaleString("en")}`;
}
