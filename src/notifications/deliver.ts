import { createHmac } from "node:crypto";
import { type Attempt, growingPause, retry, retryAfterMs } from "../lib/retry.ts";

/** How an alert is sent: with an end to every wait, and a bound to every retry. */

export interface Delivery {
  attempts: number;
  /** Why it did not arrive; absent where it did. */
  problem?: string;
}

export interface DeliveryLimits {
  /** Milliseconds that one attempt may take. */
  attemptMs: number;
  /** Milliseconds that all of them may take, with their pauses. */
  totalMs: number;
  attempts: number;
  /** Before the second attempt; each later pause is twice as long. */
  firstPauseMs: number;
  /** Ends it at once: the runner gives a cancelled job seconds. */
  cancel?: AbortSignal;
}

export const defaultLimits: DeliveryLimits = { attemptMs: 8_000, totalMs: 25_000, attempts: 3, firstPauseMs: 1_000 };

export interface Post {
  url: string;
  body: string;
  /** Made anew for each attempt: a signature holds the time. */
  headers: (nowMs: number) => Record<string, string>;
}

/** Sends JSON until it is taken. Again after no answer, 429 and 5xx; never after another refusal. Redirects are not followed. */
export async function deliver(post: Post, limits: DeliveryLimits = defaultLimits): Promise<Delivery> {
  let attempts = 0;
  const sendAgain = async ({ number, leftMs }: Attempt) => {
    attempts = number;
    await sendOnce(post, Math.max(1, Math.min(limits.attemptMs, leftMs)), limits.cancel);
  };
  try {
    await retry(sendAgain, {
      failure: notTaken,
      mayPass: ({ mayPass }) => mayPass,
      pauseMs: ({ askedMs }, attempt) => askedMs ?? growingPause(limits.firstPauseMs, attempt),
      attempts: limits.attempts,
      withinMs: limits.totalMs,
      signal: limits.cancel,
      gaveUp: ({ why, last }) => (why === "cancelled" ? new NotTaken(`${last.message}; then the run was cancelled`) : last),
    });
    return { attempts };
  } catch (error) {
    return { attempts, problem: notTaken(error).message };
  }
}

/** One attempt that failed. */
class NotTaken extends Error {
  readonly mayPass: boolean;
  /** What the receiver asked for with Retry-After. */
  readonly askedMs: number | undefined;

  constructor(why: string, { mayPass = false, askedMs }: { mayPass?: boolean; askedMs?: number | undefined } = {}) {
    super(why);
    this.mayPass = mayPass;
    this.askedMs = askedMs;
  }
}

function notTaken(thrown: unknown): NotTaken {
  if (thrown instanceof NotTaken) return thrown;
  throw thrown;
}

/** @throws NotTaken */
async function sendOnce({ url, body, headers }: Post, withinMs: number, cancel?: AbortSignal): Promise<void> {
  const deadline = AbortSignal.timeout(withinMs);
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      redirect: "manual",
      body,
      headers: { "content-type": "application/json", "user-agent": "env-actions", ...headers(Date.now()) },
      signal: cancel ? AbortSignal.any([cancel, deadline]) : deadline,
    });
    // Only the status counts; reading what a stranger answers could take for ever.
    await response.body?.cancel();
  } catch (error) {
    if (cancel?.aborted) throw new NotTaken("the run was cancelled");
    throw new NotTaken(deadline.aborted ? `no answer within ${withinMs} ms` : networkWords(error), { mayPass: true });
  }
  if (response.ok) return;
  throw new NotTaken(`the answer was HTTP ${response.status}`, {
    mayPass: response.status === 429 || response.status >= 500,
    askedMs: retryAfterMs(response.headers.get("retry-after")),
  });
}

/** Not the error's own words where they may hold the address: that of a Slack webhook is a secret. */
function networkWords(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException) : undefined;
  if (cause) return `no connection: ${cause.code ?? cause.name}`;
  return error instanceof TypeError
    ? "the address is invalid"
    : `no connection: ${error instanceof Error ? error.name : "unknown"}`;
}

/**
 * `t=<Unix seconds>,v1=<hex>`: HMAC-SHA256 of `<Unix seconds>.<body>`. The time is part of what is signed, so that a receiver can refuse
 * what somebody recorded and sends again.
 */
export function signature(secret: string, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  return `t=${seconds},v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
}
