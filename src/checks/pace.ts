import { setTimeout as delay } from "node:timers/promises";

/** What a pace needs of time; another one in tests. */
export interface Clock {
  now(): number;
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

const realClock: Clock = {
  now: () => performance.now(),
  wait: async (milliseconds, signal) => void (await delay(milliseconds, undefined, { signal })),
};

/** Requests that were evenly spaced bunch up on their way; this much room keeps them below the limit where they arrive. */
const room = 1.04;

/** How many different pauses a stage waits for: an API that limits again and again is not to be pressed. */
const mostPauses = 2;

/**
 * One for all checks of a stage: whoever wants to ask waits for its turn, so that together they never ask more often than allowed.
 * It also remembers how long answers took, in the order of asking, because only all of them together show a limiter that delays.
 */
export class Pace {
  readonly #gapMs: number;
  readonly #longestPauseMs: number;
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();
  #lastTurn = Number.NEGATIVE_INFINITY;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #pauses = 0;
  readonly #answers: number[] = [];

  constructor(limits: { requestsPerSecond: number; longestPauseMs: number }, clock: Clock = realClock) {
    this.#gapMs = (1000 / limits.requestsPerSecond) * room;
    this.#longestPauseMs = limits.longestPauseMs;
    this.#clock = clock;
  }

  /** Waits for this caller's turn, first come, first served. @throws what ended the signal */
  async turn(signal: AbortSignal): Promise<void> {
    const turn = this.#last.then(() => this.#next(signal));
    // Whoever gave up waiting holds up nobody behind it.
    this.#last = turn.catch(() => undefined);
    await turn;
  }

  async #next(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    for (let left = this.#left(); left > 0; left = this.#left()) {
      try {
        await this.#clock.wait(left, signal);
      } catch (error) {
        // The timer says only that it was aborted; the signal knows why.
        throw signal.aborted ? signal.reason : error;
      }
    }
    this.#lastTurn = this.#clock.now();
  }

  /** From when the last one really had its turn: a timer that went off late does not let the others catch up. */
  #left(): number {
    return Math.ceil(Math.max(this.#lastTurn + this.#gapMs, this.#pausedUntil) - this.#clock.now());
  }

  /**
   * Lets everybody wait as long as the API asks (Retry-After).
   * @returns whether that is short enough to be waited for, and was not asked for too often already
   */
  pause(milliseconds: number): boolean {
    if (milliseconds > this.#longestPauseMs) return false;
    const until = this.#clock.now() + milliseconds;
    // Those who were on their way when the limit came are told the same once more.
    if (this.#clock.now() < this.#pausedUntil) return true;
    if (this.#pauses === mostPauses) return false;
    this.#pauses++;
    this.#pausedUntil = until;
    return true;
  }

  /** Takes the place of an answer that is still to come. @returns to be told how long it took */
  asked(): (milliseconds: number) => void {
    const at = this.#answers.push(Number.NaN) - 1;
    return (milliseconds) => {
      this.#answers[at] = milliseconds;
    };
  }

  /** The first answer of all was quick, and every later one was about this late: a limiter delays all but the first. */
  delaysAllButTheFirst(lateMs: number): boolean {
    const [first = Number.NaN, ...later] = this.#answers;
    const known = later.filter((milliseconds) => !Number.isNaN(milliseconds));
    return first < lateMs / 4 && known.length > 1 && known.every((milliseconds) => milliseconds > lateMs * 0.8);
  }
}
