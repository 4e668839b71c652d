import { cancelled, WarehouseFailure } from "./failure.ts";

/** Where the tokens come from that the warehouse is shown. One is shared by all connections of a stage. */
export interface TokenSource {
  /** A token that is good now. @throws WarehouseFailure */
  token(signal?: AbortSignal): Promise<string>;
  /**
   * Told that the warehouse turned this token away. Any number of connections may tell it of the same one.
   * @returns whether asking again may give another.
   */
  discard(refused: string): boolean;
  /** What a person can do where the warehouse refuses a token. */
  readonly cure: string;
}

/** A token that somebody made, and that nobody here can renew. */
export function fixedToken(token: string): TokenSource {
  return {
    token: async () => token,
    discard: () => false,
    cure: "Check DATABRICKS_TOKEN: it may be expired, or belong to another workspace.",
  };
}

export interface IssuedToken {
  token: string;
  lifetimeMs: number;
}

/** Long before a token of an hour ends, so that no statement meets its end. */
const renewedBeforeMs = 5 * 60_000;
/** What a request may take on its way, after which the token must still be good. */
const onTheWayMs = 10_000;
/** After a renewal that failed, while the token at hand is still good. */
const pauseAfterFailureMs = 15_000;

/**
 * Tokens that end. One is kept and given to everybody who asks; near its end another is obtained, beside what goes on, and whoever
 * asks at the same moment waits for the same one.
 */
export class RenewedTokens implements TokenSource {
  readonly cure: string;
  readonly #obtain: () => Promise<IssuedToken>;
  #current: { token: string; renewAt: number; endsAt: number } | undefined;
  #obtaining: Promise<string> | undefined;
  #notBefore = 0;

  /** @param obtain must end by itself: it serves many, so nobody's signal ends it. It throws WarehouseFailure. */
  constructor(obtain: () => Promise<IssuedToken>, cure: string) {
    this.#obtain = obtain;
    this.cure = cure;
  }

  async token(signal?: AbortSignal): Promise<string> {
    const current = this.#current;
    const now = Date.now();
    if (!current || now >= current.endsAt) {
      if (signal?.aborted) throw cancelled(signal);
      return await unlessAborted(this.#next(), signal);
    }
    if (now >= current.renewAt && now >= this.#notBefore) {
      this.#next().catch(() => {
        // Nothing is lost yet: the token at hand is good. Once it has ended, the same failure is everybody's who asks.
        this.#notBefore = Date.now() + pauseAfterFailureMs;
      });
    }
    return current.token;
  }

  discard(refused: string): boolean {
    if (this.#current?.token === refused) this.#current = undefined;
    return true;
  }

  #next(): Promise<string> {
    this.#obtaining ??= this.#renew().finally(() => {
      this.#obtaining = undefined;
    });
    return this.#obtaining;
  }

  async #renew(): Promise<string> {
    // Counted from before the request: where the answer was slow, the token is older than it looks.
    const asked = Date.now();
    const { token, lifetimeMs } = await this.#obtain();
    const endsAt = asked + lifetimeMs - Math.min(onTheWayMs, lifetimeMs / 10);
    this.#current = { token, endsAt, renewAt: asked + lifetimeMs - Math.min(renewedBeforeMs, lifetimeMs / 2) };
    return token;
  }
}

async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (!signal) return await work;
  return await new Promise<Value>((resolve, reject) => {
    const onAbort = () => reject(cancelled(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** The token of settings that have a plain one, or their source. */
export function tokensOf(token: string | TokenSource): TokenSource {
  return typeof token === "string" ? fixedToken(token) : token;
}

/** The same failure, with what helps where this source's token was refused by the warehouse. */
export function withRemedy(failure: WarehouseFailure, tokens: TokenSource): WarehouseFailure {
  if (failure.kind !== "sign-in" || failure.cure !== undefined) return failure;
  return new WarehouseFailure("sign-in", failure.message, {
    code: failure.code,
    cure: tokens.cure,
    cause: failure.cause,
  });
}
