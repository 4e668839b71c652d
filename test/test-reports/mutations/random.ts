/** Numbers from a seed. A million generators are made in a run, so that each case can be replayed alone. */
export class Random {
  #state: number;

  constructor(seed: number, nth: number) {
    this.#state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(nth + 1, 0xc2b2ae35)) | 0;
  }

  /** 0 ≤ the number < 1. */
  share(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** 0 ≤ the number < limit. */
  below(limit: number): number {
    return Math.floor(this.share() * limit);
  }

  /** @throws Error if there is nothing to choose from */
  pick<T>(among: readonly T[]): T {
    const found = among[this.below(among.length)];
    if (found === undefined) throw new Error("nothing to choose from");
    return found;
  }
}
