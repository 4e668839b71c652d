/** Redis does one thing at a time: whoever asks while a SCAN runs waits for its end, so each one has to be short. */
const targetMs = 1;
const fewest = 100;
const most = 5_000;
const begin = 500;
/** A round trip can be slow for many reasons, and fast for none: the fastest of the last few tells what the server needs. */
const remembered = 16;
/** No server is faster; a round trip that was shorter than an empty one tells nothing more. */
const fastestPerKeyMs = 0.000_1;
const longestPauseMs = 50;

/**
 * How many keys to ask of a server at once, by how long it takes: what a round trip takes beyond an empty one is taken as the
 * server's own time.
 */
export class Pace {
  #count = begin;
  readonly #emptyMs: number;
  /** Milliseconds a key. */
  readonly #recent: number[] = [];

  /** @param emptyMs the fastest PING, milliseconds */
  constructor(emptyMs: number) {
    this.#emptyMs = emptyMs;
  }

  /** For the COUNT of the next SCAN. */
  get count(): number {
    return this.#count;
  }

  /** How long to leave the server to others before the next SCAN, milliseconds: as long as it took, where even few keys take too long. */
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
    // What was measured with few keys says little about many: at most twice as many at a time.
    this.#count = Math.min(most, this.#count * 2, Math.max(fewest, right));
  }

  #perKey(): number {
    return this.#recent.length === 0 ? 0 : Math.min(...this.#recent);
  }
}
