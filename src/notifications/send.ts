import type { Alerts } from "../config/schema.ts";
import type { AlertChannel, StageReport } from "../model/report.ts";
import { type Delivery, type DeliveryLimits, deliver, signature } from "./deliver.ts";
import { sendMetrics } from "./metrics.ts";
import type { VerdictEvent } from "./repetition.ts";

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
