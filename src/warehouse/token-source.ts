import { cancelled, WarehouseFailure } from "./failure.ts";

/** Provides tokens for the warehouse. All connections of a stage share one. */
export interface TokenSource {
  /** A valid token. @throws WarehouseFailure */
  token(signal?: AbortSignal): Promise<string>;
  /**
   * Call when the warehouse refused this token. Several connections may report the same one.
   * @returns whether requesting again may give another
   */
  discard(refused: string): boolean;
  /** The fix if the warehouse refuses a token. */
  readonly cure: string;
}

/** A given token that cannot be renewed. */
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

/** Long before a one-hour token expires, so that no statement is affected. */
const renewedBeforeMs = 5 * 60_000;
/** How long a request may take to arrive; the token must still be valid then. */
const onTheWayMs = 10_000;
/** After a failed renewal, while the current token is still valid. */
const pauseAfterFailureMs = 15_000;

/**
 * Short-lived tokens. One is cached and shared. Near its expiry another is obtained in the background, and simultaneous requests
 * wait for the same one.
 */
export class RenewedTokens implements TokenSource {
  readonly cure: string;
  readonly #obtain: () => Promise<IssuedToken>;
  #current: { token: string; renewAt: number; endsAt: number } | undefined;
  #obtaining: Promise<string> | undefined;
  #notBefore = 0;

  /** @param obtain must end by itself: it serves many callers, so no caller's signal ends it. It throws WarehouseFailure. */
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
        // The current token is still valid. Once it has expired, all callers get this failure.
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
    // Counted from before the request: if the answer was slow, the token is older than it looks.
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

/** The token source for settings with a token or a source. */
export function tokensOf(token: string | TokenSource): TokenSource {
  return typeof token === "string" ? fixedToken(token) : token;
}

/** The same failure, with the fix for a refused token of this source. */
export function withRemedy(failure: WarehouseFailure, tokens: TokenSource): WarehouseFailure {
  if (failure.kind !== "sign-in" || failure.cure !== undefined) return failure;
  return new WarehouseFailure("sign-in", failure.message, {
    code: failure.code,
    cure: tokens.cure,
    cause: failure.cause,
  });
}
