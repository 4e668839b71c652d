import { createHmac } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { retryAfterMs } from "../lib/retry-after.ts";

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

type Attempt = { done: true } | { done: false; why: string; mayPass: boolean; afterMs?: number };

/** Sends JSON until it is taken. Again after no answer, 429 and 5xx; never after another refusal. Redirects are not followed. */
export async function deliver(post: Post, limits: DeliveryLimits = defaultLimits): Promise<Delivery> {
  const until = Date.now() + limits.totalMs;
  for (let attempts = 1; ; attempts++) {
    const attempt = await tryOnce(post, Math.max(1, Math.min(limits.attemptMs, until - Date.now())), limits.cancel);
    if (attempt.done) return { attempts };
    const waitMs = attempt.afterMs ?? limits.firstPauseMs * 2 ** (attempts - 1);
    if (!attempt.mayPass || attempts >= limits.attempts || Date.now() + waitMs >= until)
      return { attempts, problem: attempt.why };
    await pause(waitMs, undefined, { signal: limits.cancel }).catch(() => undefined);
    if (limits.cancel?.aborted) return { attempts, problem: `${attempt.why}; then the run was cancelled` };
  }
}

async function tryOnce({ url, body, headers }: Post, withinMs: number, cancel?: AbortSignal): Promise<Attempt> {
  const deadline = AbortSignal.timeout(withinMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      redirect: "manual",
      body,
      headers: { "content-type": "application/json", "user-agent": "env-actions", ...headers(Date.now()) },
      signal: cancel ? AbortSignal.any([cancel, deadline]) : deadline,
    });
    // Only the status counts; reading what a stranger answers could take for ever.
    await response.body?.cancel();
    if (response.ok) return { done: true };
    const mayPass = response.status === 429 || response.status >= 500;
    const askedMs = retryAfterMs(response.headers.get("retry-after"));
    const afterMs = askedMs === undefined ? {} : { afterMs: askedMs };
    return { done: false, why: `the answer was HTTP ${response.status}`, mayPass, ...afterMs };
  } catch (error) {
    if (cancel?.aborted) return { done: false, why: "the run was cancelled", mayPass: false };
    if (deadline.aborted) return { done: false, why: `no answer within ${withinMs} ms`, mayPass: true };
    return { done: false, why: networkWords(error), mayPass: true };
  }
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
