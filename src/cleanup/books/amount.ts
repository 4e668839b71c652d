import type { Amount } from "../../model/test-data.ts";

export const zeroAmount: Amount = { least: 0, most: 0 };
export const unknownAmount: Amount = { least: 0, most: null };

export function exactAmount(count: number): Amount {
  return { least: count, most: count };
}

export function isKnown({ least, most }: Amount): boolean {
  return least === most;
}

export function sumOfAmounts(amounts: readonly Amount[]): Amount {
  return amounts.reduce(
    (total, { least, most }) => ({
      least: total.least + least,
      most: total.most === null || most === null ? null : total.most + most,
    }),
    zeroAmount,
  );
}
