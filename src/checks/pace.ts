import { setTimeout as delay } from "node:timers/promises";

/** The clock of a pace; tests use their own. */
export interface Clock {
  now(): number;
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

const realClock: Clock = {
  now: () => performance.now(),
  wait: async (milliseconds, signal) => void (await delay(milliseconds, undefined, { signal })),
};

/** Evenly spaced requests bunch up on their way; this margin keeps them below the limit on arrival. */
const room = 1.04;

/** How many different pauses a stage waits for: an API that keeps limiting must not be pressed. */
const mostPauses = 2;

/**
 * Shared by all checks of a stage: each waits for its turn, so that together they never send more requests than allowed. It also
 * records the latencies in request order, because only all together reveal a limiter that delays.
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

  /** Waits for this caller's turn, first come, first served. @throws the signal's reason */
  async turn(signal: AbortSignal): Promise<void> {
    const turn = this.#last.then(() => this.#next(signal));
    // A caller that gave up doesn't block those after it.
    this.#last = turn.catch(() => undefined);
    await turn;
  }

  async #next(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    for (let left = this.#left(); left > 0; left = this.#left()) {
      try {
        await this.#clock.wait(left, signal);
      } catch (error) {
        // The timer only says that it was aborted; the signal has the reason.
        throw signal.aborted ? signal.reason : error;
      }
    }
    this.#lastTurn = this.#clock.now();
  }

  /** Counts from the actual time of the last turn: after a late timer the others must not catch up. */
  #left(): number {
    return Math.ceil(Math.max(this.#lastTurn + this.#gapMs, this.#pausedUntil) - this.#clock.now());
  }

  /**
   * Makes everybody wait as long as the API asks (Retry-After).
   * @returns whether the wait is short enough and hasn't been requested too often
   */
  pause(milliseconds: number): boolean {
    if (milliseconds > this.#longestPauseMs) return false;
    const until = this.#clock.now() + milliseconds;
    // Requests already on their way when the limit came get the same answer again.
    if (this.#clock.now() < this.#pausedUntil) return true;
    if (this.#pauses === mostPauses) return false;
    this.#pauses++;
    this.#pausedUntil = until;
    return true;
  }

  /** Reserves the place of a pending answer. @returns a function to call with its latency */
  asked(): (milliseconds: number) => void {
    const at = this.#answers.push(Number.NaN) - 1;
    return (milliseconds) => {
      this.#answers[at] = milliseconds;
    };
  }

  /** Whether the first answer was fast and every later one about this late: a limiter delays all but the first. */
  delaysAllButTheFirst(lateMs: number): boolean {
    const [first = Number.NaN, ...later] = this.#answers;
    const known = later.filter((milliseconds) => !Number.isNaN(milliseconds));
    return first < lateMs / 4 && known.length > 1 && known.every((milliseconds) => milliseconds > lateMs * 0.8);
  }
}
