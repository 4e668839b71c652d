import type { Amount } from "../../model.ts";

export const nothing: Amount = { least: 0, most: 0 };
export const unknown: Amount = { least: 0, most: null };

export function exactly(count: number): Amount {
  return { least: count, most: count };
}

export function isKnown({ least, most }: Amount): boolean {
  return least === most;
}

export function sum(amounts: readonly Amount[]): Amount {
  return amounts.reduce(
    (total, { least, most }) => ({
      least: total.least + least,
      most: total.most === null || most === null ? null : total.most + most,
    }),
    nothing,
  );
}

/** `3`, `at most 3`, `1 to 3`, `at least 1`, `unknown`. */
export function amountText({ least, most }: Amount): string {
  if (least === most) return String(least);
  if (most === null) return least === 0 ? "unknown" : `at least ${least}`;
  return least === 0 ? `unknown (at most ${most})` : `${least} to ${most}`;
}
