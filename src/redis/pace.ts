/** Redis does one thing at a time: other clients wait while a SCAN runs, so each one has to be short. */
const targetMs = 1;
const fewest = 100;
const most = 5_000;
const begin = 500;
/** A round trip can be slow for many reasons but never too fast, so the fastest of the last few shows what the server needs. */
const remembered = 16;
/** No server is faster. A round trip shorter than an empty one gives no more information. */
const fastestPerKeyMs = 0.000_1;
const longestPauseMs = 50;

/**
 * Chooses how many keys to request at a time from how long they take: what a round trip takes beyond an empty one counts as the
 * server's own time.
 */
export class Pace {
  #count = begin;
  readonly #emptyMs: number;
  /** Milliseconds per key. */
  readonly #recent: number[] = [];

  /** @param emptyMs the fastest PING, milliseconds */
  constructor(emptyMs: number) {
    this.#emptyMs = emptyMs;
  }

  /** The COUNT of the next SCAN. */
  get count(): number {
    return this.#count;
  }

  /**
   * The pause before the next SCAN, in milliseconds, for other clients: as long as the last one took, if even few keys take too
   * long.
   */
  get pauseMs(): number {
    const took = this.#perKey() * fewest;
    return took > targetMs ? Math.min(took, longestPauseMs) : 0;
  }

  /**
   * @param roundTripMs of a SCAN, from sending to the first byte of the answer
   * @param count its COUNT
   */
  note(roundTripMs: number, count: number): void {
    this.#recent.push(Math.max((roundTripMs - this.#emptyMs) / count, fastestPerKeyMs));
    if (this.#recent.length > remembered) this.#recent.shift();
    const right = Math.round(targetMs / this.#perKey());
    // A measurement with few keys says little about many, so the count at most doubles each time.
    this.#count = Math.min(most, this.#count * 2, Math.max(fewest, right));
  }

  #perKey(): number {
    return this.#recent.length === 0 ? 0 : Math.min(...this.#recent);
  }
}
