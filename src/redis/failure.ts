import { setTimeout as delay } from "node:timers/promises";
import { directNote } from "../lib/proxy/choice.ts";
import { growingPause, retry } from "../lib/retry.ts";
import { CodedError } from "../model/coded-error.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import { NoReply } from "./resp.ts";

type Kind = "unreachable" | "sign-in" | "refused" | "cancelled";

const codes = {
  unreachable: "EA4001",
  "sign-in": "EA4002",
  refused: "EA4003",
  cancelled: "EA4004",
} as const satisfies Record<Kind, ErrorCode>;

/** Redis could not be used: connection, sign-in, or a refused command. */
export class RedisFailure extends CodedError {
  override name = "RedisFailure";
  readonly kind: Kind;
  /** May be temporary: a restart, a failover, a moving slot. Commands that can be repeated should be. */
  readonly passing: boolean;

  constructor(kind: Kind, message: string, cause?: unknown, passing = kind === "unreachable") {
    super(codes[kind], message, { cause });
    this.kind = kind;
    this.passing = passing;
  }
}

/** No server there, or it no longer answers. */
export function unreachable(why: unknown): RedisFailure {
  if (why instanceof RedisFailure) return why;
  const text = why instanceof Error ? why.message || String((why as { code?: unknown }).code ?? why.name) : String(why);
  const said = why instanceof NoReply ? "the server at this address is not a Redis" : text;
  return new RedisFailure("unreachable", `Redis does not answer: ${said}${directNote()}`, why);
}

export function cancelled(signal: AbortSignal): RedisFailure {
  const why = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
  return new RedisFailure("cancelled", `cancelled before Redis answered: ${why}`, signal.reason);
}

/** Replies of a server that cannot work yet, or no longer. */
const passingReplies = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|BUSY )/;

/** @param text of an error reply, such as `NOPERM this user has no permissions to run the 'info' command` */
export function refusedFailure(text: string): RedisFailure {
  if (/WRONGPASS|NOAUTH|invalid username-password|invalid password|AUTH.*without any password/i.test(text))
    return new RedisFailure("sign-in", `Redis refused the user or password: ${text}`);
  if (/^(LOADING|MASTERDOWN|CLUSTERDOWN)/.test(text)) return new RedisFailure("unreachable", `Redis is not ready: ${text}`);
  return new RedisFailure("refused", `Redis refused the command: ${text}`, undefined, passingReplies.test(text));
}

const firstPauseMs = 50;
const longestPauseMs = 1_000;

/**
 * Repeats work that fails temporarily, for at most `retryForMs` from the first failure.
 * @throws RedisFailure the last failure, or that the signal ended the wait
 */
export async function withRetries<Result>(retryForMs: number, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  return await retry(work, {
    failure: (thrown) => {
      if (signal.aborted) return cancelled(signal);
      if (thrown instanceof RedisFailure) return thrown;
      throw thrown;
    },
    mayPass: ({ passing }) => passing,
    pauseMs: (_, attempt) => growingPause(firstPauseMs, attempt, { longestMs: longestPauseMs }),
    withinMs: retryForMs,
    counted: "from the first failure",
    signal,
    gaveUp: ({ why, last }) => (why === "cancelled" ? cancelled(signal) : last),
  });
}

/** @throws RedisFailure if the signal aborts */
export async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? cancelled(signal) : error;
  }
}
