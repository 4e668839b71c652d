import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Alerts } from "../config/schema.ts";
import { errorText } from "../lib/error-text.ts";
import { withStateFile } from "../lib/plain-file.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import { version } from "../lib/version.ts";
import { z } from "../lib/zod.ts";
import type { Alert, AlertEvent, StageReport, Verdict } from "../model/report.ts";
import { pagerDutyEvent, slackMessage, webhookBody } from "../report/alert.ts";
import { causeOf } from "../report/view/messages.ts";
import { type DeliveryLimits, defaultLimits, send, sendMeasurements, type VerdictChannel, verdictChannels } from "./deliver.ts";
import { type RollbackRun, rollBack } from "./rollback.ts";

/** Everything that the actions after a verdict need. */
export interface AfterVerdict extends Omit<RollbackRun, "config" | "report"> {
  alerts: Alerts | undefined;
  rollback: RollbackRun["config"] | undefined;
  /** Limits for deliveries; tests set shorter ones. */
  limits?: DeliveryLimits;
}

/** File name in the workspace's records. */
export const alertsFile = "alerts.json";

/** Another run holds the lock while it delivers, so that nothing is sent twice. This is how long that may take. */
const lockWithinMs = 40_000;

/**
 * Rolls back as configured. The outcome of rollbacks and alerts never changes the verdict, because it says nothing about the
 * environment. Problems are added to the report.
 */
export async function applyRollback(report: StageReport, options: AfterVerdict): Promise<StageReport> {
  const { rollback: config } = options;
  const rollback = config && report.stage === "smoke" ? await rollBack({ ...options, report, config }) : undefined;
  if (!rollback) return report;
  const wrong = rollback.outcome === "failed" || rollback.outcome === "unknown";
  const problems = wrong ? [...report.problems, `the rollback of ${rollback.of}: ${rollback.why}`] : report.problems;
  return { ...report, rollback, problems };
}

/**
 * Sends alerts as configured.
 * @param report a report whose verdict is final, because alerts cannot be taken back
 */
export async function sendAlerts(report: StageReport, options: AfterVerdict): Promise<StageReport> {
  const { alerts } = options;
  // No alerts for a cancelled run: whoever cancelled it knows, and the runner leaves only seconds.
  const here = report.origin.kind === "github" || alerts?.terminal;
  if (!alerts?.stages.includes(report.stage) || !here || options.cancelled) return report;
  const limits = { ...(options.limits ?? defaultLimits), cancel: options.cancel };
  const sent = await deliverAlerts(report, { ...options, alerts, limits });
  return sent.length > 0 ? { ...report, alerts: sent } : report;
}

type AlertRun = AfterVerdict & { alerts: Alerts; limits: DeliveryLimits };

async function deliverAlerts(report: StageReport, options: AlertRun): Promise<Alert[]> {
  // Redact before formatting: an escaped secret would no longer be recognised.
  const safe = redacted(report, options.secrets.redact);
  const [people, measured] = await Promise.all([alertPeople(safe, options), measure(safe, options)]);
  return [...people, ...measured].map((alert) => redacted(alert, options.secrets.redact));
}

async function measure(report: StageReport, { alerts, limits }: AlertRun): Promise<Alert[]> {
  const delivery = await sendMeasurements(alerts, { report, version, limits });
  return delivery ? [alertOf("openTelemetry", "measured", delivery)] : [];
}

function alertOf(channel: Alert["channel"], event: Alert["event"], delivery: { attempts: number; problem?: string }): Alert {
  const { problem, attempts } = delivery;
  const at = new Date().toISOString();
  return { channel, event, outcome: problem === undefined ? "sent" : "failed", at, attempts, ...(problem ? { problem } : {}) };
}

async function alertPeople(report: StageReport, options: AlertRun): Promise<Alert[]> {
  const channels = verdictChannels(options.alerts);
  if (channels.length === 0) return [];
  const subject = `${report.environment.name}/${report.stage}`;
  const path = join(options.records, alertsFile);
  let answers: Answer[] = [];
  let done = false;
  let forgotten: string | undefined;
  const alertKnowing = async (known: Partial<Record<string, ChannelState>>) => {
    answers = await alertAll(report, options, known);
    done = true;
  };
  try {
    await withStateFile({ path, schema: alertStateSchema, lockWithinMs, redact: options.secrets.redact }, async (file) => {
      // Treat an unreadable file as empty: a repeated alert is better than a missing one.
      const read = file.read().catch((error: unknown) => {
        forgotten = errorText(error);
        return undefined;
      });
      const state = (await read) ?? emptyAlertState;
      await alertKnowing(state.places[subject] ?? {});
      await file.write(remembered(state, subject, answers));
    });
  } catch (error) {
    forgotten = errorText(error);
    if (!done) await alertKnowing({});
  }
  const problem = forgotten && `it may be sent again, because the sent alert could not be recorded: ${forgotten}`;
  return answers.flatMap(({ alert }) => {
    if (!alert || !problem) return alert ?? [];
    return { ...alert, problem: alert.problem ? `${alert.problem}; ${problem}` : problem };
  });
}

interface Answer {
  channel: VerdictChannel;
  state: ChannelState;
  /** Absent if there was nothing to send. */
  alert?: Alert;
}

async function alertAll(report: StageReport, options: AlertRun, known: Partial<Record<string, ChannelState>>): Promise<Answer[]> {
  return await Promise.all(verdictChannels(options.alerts).map((channel) => alertOne(channel, report, options, known[channel])));
}

async function alertOne(
  channel: VerdictChannel,
  report: StageReport,
  options: AlertRun,
  known: ChannelState | undefined,
): Promise<Answer> {
  const { alerts, limits } = options;
  const occasion: Occasion = {
    verdict: report.verdict,
    cause: causeOf(report),
    now: Date.now(),
    windowMs: alerts.window,
    on: alerts.on,
  };
  const decision = decideAlert(known, occasion);
  if (decision.kind !== "send") {
    const state = nextChannelState(known, occasion, decision, true);
    if (decision.kind === "silent") return { channel, state };
    return { channel, state, alert: { ...alertOf(channel, decision.event, { attempts: 0 }), outcome: "repeated" } };
  }
  const { event } = decision;
  const delivery = await send(channel, alerts, { event, id: randomUUID(), texts: textsOf(report, event, options), limits });
  return {
    channel,
    state: nextChannelState(known, occasion, decision, delivery.problem === undefined),
    alert: alertOf(channel, event, delivery),
  };
}

function textsOf(report: StageReport, event: VerdictEvent, { env }: AlertRun) {
  const subject = { event, report };
  const server = env.GITHUB_SERVER_URL || undefined;
  return {
    webhook: (facts: { id: string; at: string }) => webhookBody(subject, { ...facts, ...(server ? { server } : {}) }),
    slack: () => slackMessage(subject, server),
    pagerDuty: (routingKey: string) => pagerDutyEvent(subject, routingKey, server),
  };
}

function remembered(state: AlertState, subject: string, answers: readonly Answer[]): AlertState {
  const channels = Object.fromEntries(answers.map(({ channel, state }) => [channel, state]));
  return { version: 1, places: { ...state.places, [subject]: { ...state.places[subject], ...channels } } };
}

/** Which alerts were already sent, by environment, stage and channel. Pure: no access to clock or files. */

export type VerdictEvent = Exclude<AlertEvent, "measured">;

const instant = z.iso.datetime();

const channelState = z.strictObject({
  /** When an alert for each cause was last sent. */
  sent: z.record(z.string(), instant),
  /**
   * Whether the next pass is a recovery: after a bad verdict that was sent, may have been sent (the answer was lost), or that
   * this channel does not receive.
   */
  open: z.boolean(),
});

export const alertStateSchema = z.strictObject({
  version: z.literal(1),
  /** `<environment>/<stage>` → channel. */
  places: z.record(z.string(), z.record(z.string(), channelState)),
});

export type AlertState = z.output<typeof alertStateSchema>;
export type ChannelState = z.output<typeof channelState>;

export const emptyAlertState: AlertState = { version: 1, places: {} };
const emptyChannelState: ChannelState = { sent: {}, open: false };

export interface Occasion {
  verdict: Verdict;
  cause: string;
  /** The current time in milliseconds. */
  now: number;
  windowMs: number;
  /** The events that the channel receives. */
  on: readonly VerdictEvent[];
}

/** `silent`: there is nothing to send. `repeated`: the same alert was sent within the window. */
export type Decision = { kind: "send" | "repeated"; event: VerdictEvent } | { kind: "silent" };

/** Decides whether a channel receives an alert about this verdict. */
export function decideAlert(known: ChannelState | undefined, { verdict, cause, now, windowMs, on }: Occasion): Decision {
  const { sent, open } = known ?? emptyChannelState;
  if (verdict === "skipped") return { kind: "silent" };
  if (verdict === "passed") return open && on.includes("recovered") ? { kind: "send", event: "recovered" } : { kind: "silent" };
  if (!on.includes(verdict)) return { kind: "silent" };
  const last = Object.hasOwn(sent, cause) ? Date.parse(sent[cause] ?? "") : Number.NaN;
  // A time in the future, from a wrong clock, must not suppress alerts.
  const lately = now >= last && now - last < windowMs;
  return { kind: lately ? "repeated" : "send", event: verdict };
}

/**
 * The channel's state after the decision.
 * @param delivered whether the alert was delivered; true if there was none to send
 */
export function nextChannelState(
  known: ChannelState | undefined,
  occasion: Occasion,
  decision: Decision,
  delivered: boolean,
): ChannelState {
  const before = known ?? emptyChannelState;
  const { verdict, cause, now, windowMs, on } = occasion;
  // Send it again next time. It may have been delivered, though, and then a recovery must follow.
  if (decision.kind === "send" && !delivered) return { ...before, open: before.open || decision.event !== "recovered" };
  if (verdict === "passed") return emptyChannelState;
  if (verdict === "skipped") return before;
  if (decision.kind === "silent") {
    const unwanted = (verdict === "failed" || verdict === "error") && !on.includes(verdict);
    return { ...before, open: before.open || unwanted };
  }
  const fresh = Object.entries(before.sent).filter(([, at]) => now - Date.parse(at) < windowMs);
  const sent = decision.kind === "send" ? [...fresh, [cause, new Date(now).toISOString()] as const] : fresh;
  return { sent: Object.fromEntries(sent), open: true };
}
