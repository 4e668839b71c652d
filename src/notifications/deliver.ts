import { createHmac } from "node:crypto";
import { type Attempt, growingPause, retry, retryAfterMs } from "../lib/retry.ts";

/** How an alert is sent: every wait and every retry has a limit. */

export interface Delivery {
  attempts: number;
  /** Why it was not delivered; absent if it was. */
  problem?: string;
}

export interface DeliveryLimits {
  /** Time limit for one attempt in milliseconds. */
  attemptMs: number;
  /** Time limit for all attempts and pauses in milliseconds. */
  totalMs: number;
  attempts: number;
  /** Pause before the second attempt; it doubles after each further attempt. */
  firstPauseMs: number;
  /** Stops the delivery at once. The runner gives a cancelled job only seconds. */
  cancel?: AbortSignal;
}

export const defaultLimits: DeliveryLimits = { attemptMs: 8_000, totalMs: 25_000, attempts: 3, firstPauseMs: 1_000 };

export interface Post {
  url: string;
  body: string;
  /** Called for each attempt, because a signature contains the time. */
  headers: (nowMs: number) => Record<string, string>;
}

/**
 * Sends JSON until it is accepted. Retries after no answer, 429 and 5xx, but never after another refusal. Does not follow
 * redirects.
 */
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

/** A failed attempt. */
class NotTaken extends Error {
  readonly mayPass: boolean;
  /** The pause that the receiver asked for with Retry-After. */
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
    // Only the status matters, and reading a stranger's answer could take forever.
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

/** Leaves out error messages that may contain the address, because the address of a Slack webhook is a secret. */
function networkWords(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException) : undefined;
  if (cause) return `no connection: ${cause.code ?? cause.name}`;
  return error instanceof TypeError
    ? "the address is invalid"
    : `no connection: ${error instanceof Error ? error.name : "unknown"}`;
}

/**
 * `t=<Unix seconds>,v1=<hex>`: HMAC-SHA256 of `<Unix seconds>.<body>`. The signature covers the time, so that receivers can
 * reject replayed requests.
 */
export function signature(secret: string, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  return `t=${seconds},v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
}
