import type { Faults } from "./faults.ts";

export type WarehouseState = "STOPPED" | "STARTING" | "RUNNING";

/**
 * Whether the warehouse is awake. It starts asleep when a cold start or a warehouse that never wakes is asked for, and goes to sleep
 * again whenever a new cold start is set.
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

  /** Starts it unless it runs or starts already. */
  start(now: number = Date.now()): void {
    if (this.state(now) !== "STOPPED") return;
    this.#wakesAt = now + (this.#faults.coldStart?.seconds ?? 0) * 1000;
  }

  stop(): void {
    this.#asleep = true;
    this.#wakesAt = undefined;
  }

  /** The ways in which a sleeping warehouse turns statements away take turns, because clients have to know them all. */
  nextRefusal(): "unavailable" | "session-not-initialized" | "bad-request" {
    const ways = ["unavailable", "session-not-initialized", "bad-request"] as const;
    return ways[this.#turnedAway++ % ways.length] ?? "unavailable";
  }
}
