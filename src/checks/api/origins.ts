import { setTimeout as delay } from "node:timers/promises";

/** An answer, as far as it says why a request was refused. */
interface Told {
  path: string;
  status: number;
  text: string;
  /** Its `content-type`. */
  type: string;
}

/** The API wants another `Origin`, so the request was not sent. */
export class OriginRefused extends Error {
  override name = "OriginRefused";
}

/** A slow first answer must not delay all others. */
const longestWaitMs = 1_000;

/**
 * Shared by all checks of a stage. An API that requires an allowed `Origin` refuses every request without one, and may write down
 * each. So the first request goes alone, and if it is refused for its origin, no other request with that origin is sent.
 */
export class Origins {
  readonly #first = new Map<string, Promise<void>>();
  readonly #refused = new Map<string, string>();

  /**
   * Waits for the answer to the first request with this origin.
   * @returns a function to call with the answer, or without one if none came
   * @throws OriginRefused
   */
  async turn(origin = ""): Promise<(told?: Told) => void> {
    if (this.#first.has(origin)) {
      await this.admit(origin);
      return (told) => this.#note(origin, told);
    }
    const answered = Promise.withResolvers<void>();
    this.#first.set(origin, Promise.race([answered.promise, delay(longestWaitMs, undefined, { ref: false })]));
    return (told) => {
      this.#note(origin, told);
      answered.resolve();
    };
  }

  /** Like `turn`, for a connection whose answer is no HTTP answer. @throws OriginRefused */
  async admit(origin = ""): Promise<void> {
    await this.#first.get(origin);
    const refused = this.#refused.get(origin);
    if (refused !== undefined) throw new OriginRefused(refused);
  }

  #note(origin: string, told: Told | undefined): void {
    if (!told || !asksForOrigin(told)) return;
    const sent = origin === "" ? "none is configured" : `${origin} is not allowed`;
    this.#refused.set(
      origin,
      `Not requested: ${told.path} answered ${told.status}, because the API requires an allowed Origin header, and ${sent}. Set api.headers: { Origin: https://… }.`,
    );
  }
}

/** A page may mention origins for other reasons. */
export function asksForOrigin({ status, text, type }: Omit<Told, "path">): boolean {
  return (status === 500 || status === 403) && !/^text\/html\b/i.test(type) && /\b(?:origin|cors)\b/i.test(text);
}
