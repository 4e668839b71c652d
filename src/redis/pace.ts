/** Redis does one thing at a time: whoever asks while a SCAN runs waits for its end, so each one has to be short. */
const targetMs = 1;
const fewest = 100;
const most = 5_000;
const begin = 500;
/** A round trip can be slow for many reasons, and fast for none: the fastest of the last few tells what the server really took. */
const remembered = 4;
const enoughToShrink = 2;
const longestPauseMs = 50;

/**
 * How much to ask of a server at once, by how long it takes: what a round trip takes beyond an empty one is taken as the server's
 * own time.
 */
export class Pace {
  #count = begin;
  #empty: number;
  #recent: number[] = [];

  /** @param emptyMs the fastest PING so far, milliseconds */
  constructor(emptyMs: number) {
    this.#empty = emptyMs;
  }

  /** For the COUNT of the next SCAN. */
  get count(): number {
    return this.#count;
  }

  /** How long to leave the server to others before the next SCAN, milliseconds: as long as it took, where even few keys take long. */
  get pauseMs(): number {
    const took = this.#took();
    return this.#count === fewest && took > targetMs ? Math.min(took, longestPauseMs) : 0;
  }

  /** @param roundTripMs of a SCAN with the current count, from sending to the first byte of the answer */
  note(roundTripMs: number): void {
    this.#empty = Math.min(this.#empty, roundTripMs);
    this.#recent.push(roundTripMs);
    if (this.#recent.length > remembered) this.#recent.shift();
    const took = this.#took();
    if (took > targetMs * 1.5 && this.#recent.length >= enoughToShrink) this.#change(0.7);
    else if (took < targetMs / 2 && this.#recent.length === remembered) this.#change(1.25);
  }

  #took(): number {
    return this.#recent.length === 0 ? 0 : Math.min(...this.#recent) - this.#empty;
  }

  #change(factor: number): void {
    const count = Math.min(most, Math.max(fewest, Math.round(this.#count * factor)));
    if (count === this.#count) return;
    this.#count = count;
    // What another count took says nothing about this one.
    this.#recent = [];
  }
}
