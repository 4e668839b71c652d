import { randomBytes } from "node:crypto";
import type { Answer } from "./client.ts";

/** How long routes that don't exist took to answer, in milliseconds. */
export interface Control {
  /** Below the same first part of the path, where the same limiter stands. */
  near: number;
  /** At the root of the host. */
  far: number;
}

/**
 * Tells a limiter that delays requests from an API that is slow. A route that doesn't exist waits for nothing, so if it is as late as
 * the others, something in front of the routes delays them. It is asked once for all checks of a stage, so that all say the same,
 * and however many requests came before.
 */
export class Smoothing {
  readonly #asked = new Map<string, Promise<Control | undefined>>();

  /** @param ask sends a GET @returns `undefined` if the path has no first part, or the routes could not be asked */
  control(path: string, ask: (path: string) => Promise<Answer>): Promise<Control | undefined> {
    const [, first = "", ...rest] = path.replace(/[?#].*$/s, "").split("/");
    if (first === "" || rest.length === 0) return Promise.resolve(undefined);
    const known = this.#asked.get(first);
    if (known) return known;
    const asked = measure(first, ask);
    this.#asked.set(first, asked);
    return asked;
  }
}

async function measure(first: string, ask: (path: string) => Promise<Answer>): Promise<Control | undefined> {
  const missing = `env-actions-no-such-route-${randomBytes(8).toString("hex")}`;
  const timeOf = async (path: string) => {
    const { status, durationMs } = await ask(path);
    return status < 500 && status !== 429 ? durationMs : Number.NaN;
  };
  try {
    const near = await timeOf(`/${first}/${missing}`);
    // A busy machine may be late once.
    const far = Math.min(await timeOf(`/${missing}`), await timeOf(`/${missing}`));
    return { near, far };
  } catch {
    // What cannot be asked proves nothing; the configured routes are reported by their own checks.
    return undefined;
  }
}

/** Whether something in front of the routes below the first part of the path, and only there, delays by about this time. */
export function showsLimiter({ near, far }: Control, delayMs: number): boolean {
  return near > delayMs * 0.8 && far < delayMs / 4;
}
