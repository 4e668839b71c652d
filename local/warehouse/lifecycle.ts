import type { Faults } from "./faults.ts";

export type WarehouseState = "STOPPED" | "STARTING" | "RUNNING";

/**
 * Whether the warehouse runs. It is stopped at first if a cold start or a warehouse that never starts is configured, and again
 * whenever a new cold start is set.
 */
export class Lifecycle {
  readonly #faults: Faults;
  #wakesAt: number | undefined;
  #asleep = false;
  #seen: Faults["coldStart"];
  #turnedAway = 0;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  state(now: number = Date.now()): WarehouseState {
    if (this.#faults.coldStart !== this.#seen) {
      this.#seen = this.#faults.coldStart;
      if (this.#seen) this.stop();
    }
    if (this.#faults.neverWakes) return this.#wakesAt === undefined ? "STOPPED" : "STARTING";
    if (this.#asleep && this.#wakesAt !== undefined && now >= this.#wakesAt) this.#asleep = false;
    if (!this.#asleep) return "RUNNING";
    return this.#wakesAt === undefined ? "STOPPED" : "STARTING";
  }

  /** Starts it unless it is running or starting. */
  start(now: number = Date.now()): void {
    if (this.state(now) !== "STOPPED") return;
    this.#wakesAt = now + (this.#faults.coldStart?.seconds ?? 0) * 1000;
  }

  stop(): void {
    this.#asleep = true;
    this.#wakesAt = undefined;
  }

  /** Alternates between the ways a stopped warehouse rejects statements, because clients have to handle them all. */
  nextRefusal(): "unavailable" | "session-not-initialized" | "bad-request" {
    const ways = ["unavailable", "session-not-initialized", "bad-request"] as const;
    return ways[this.#turnedAway++ % ways.length] ?? "unavailable";
  }
}
