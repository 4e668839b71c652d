import { createHmac } from "node:crypto";
import type { Alerts } from "../config/schema.ts";
import { proxyFailureIn } from "../lib/proxy/failure.ts";
import { fetchByProxy, possibleAuthor } from "../lib/proxy/fetch.ts";
import { type Attempt, growingPause, retry, retryAfterMs } from "../lib/retry.ts";
import type { AlertChannel, StageReport } from "../model/report.ts";
import type { VerdictEvent } from "./after-verdict.ts";
import { sendMetrics } from "./metrics.ts";

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
  let proxy: string | undefined;
  try {
    response = await fetchByProxy(url, {
      method: "POST",
      redirect: "manual",
      body,
      headers: { "content-type": "application/json", "user-agent": "env-actions", ...headers(Date.now()) },
      signal: cancel ? AbortSignal.any([cancel, deadline]) : deadline,
    });
    proxy = possibleAuthor(response);
    // Only the status matters, and reading a stranger's answer could take forever.
    await response.body?.cancel();
  } catch (error) {
    if (cancel?.aborted) throw new NotTaken("the run was cancelled");
    const failure = proxyFailureIn(error);
    // A refusal of the proxy is as final as one of the receiver.
    if (failure) throw new NotTaken(failure.withoutTarget, { mayPass: failure.mayPass });
    throw new NotTaken(deadline.aborted ? `no answer within ${withinMs} ms` : networkWords(error), { mayPass: true });
  }
  if (response.ok) return;
  throw new NotTaken(`the answer was HTTP ${response.status}${proxy ? `, perhaps of the proxy ${proxy}` : ""}`, {
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

/** The content of an alert, in each channel's format. */
export interface AlertTexts {
  webhook: (facts: { id: string; at: string }) => object;
  slack: () => object;
  pagerDuty: (routingKey: string) => object;
}

export type VerdictChannel = Exclude<AlertChannel, "openTelemetry">;

/** The configured channels for people, in the order of the configuration's description. */
export function verdictChannels(alerts: Alerts): VerdictChannel[] {
  return (["webhook", "slack", "pagerDuty"] as const).filter((channel) => alerts[channel] !== undefined);
}

/**
 * Sends one alert to one channel.
 * @param id the same for all attempts, so that a receiver can tell retries from new alerts
 */
export async function send(
  channel: VerdictChannel,
  alerts: Alerts,
  { event, id, texts, limits }: { event: VerdictEvent; id: string; texts: AlertTexts; limits?: DeliveryLimits | undefined },
): Promise<Delivery> {
  const { webhook, slack, pagerDuty } = alerts;
  if (channel === "webhook" && webhook) {
    const body = JSON.stringify(texts.webhook({ id, at: new Date().toISOString() }));
    const headers = (nowMs: number) => ({
      "x-env-actions-event": event,
      "x-env-actions-delivery": id,
      "x-env-actions-signature": signature(webhook.secret.reveal(), body, nowMs),
    });
    return await deliver({ url: webhook.url.reveal(), body, headers }, limits);
  }
  if (channel === "slack" && slack)
    return await deliver({ url: slack.url.reveal(), body: JSON.stringify(texts.slack()), headers: () => ({}) }, limits);
  if (channel === "pagerDuty" && pagerDuty) {
    const body = JSON.stringify(texts.pagerDuty(pagerDuty.routingKey.reveal()));
    return await deliver({ url: pagerDuty.url, body, headers: () => ({}) }, limits);
  }
  return { attempts: 0, problem: `${channel} is not configured` };
}

/** Sends a report's metrics, if configured. */
export async function sendMeasurements(
  alerts: Alerts,
  { report, version, limits }: { report: StageReport; version: string; limits?: DeliveryLimits | undefined },
): Promise<Delivery | undefined> {
  const target = alerts.openTelemetry;
  if (!target) return undefined;
  const headers = Object.fromEntries(Object.entries(target.headers).map(([name, value]) => [name, value.reveal()]));
  return await sendMetrics(report, { url: target.url, headers, version }, limits);
}
