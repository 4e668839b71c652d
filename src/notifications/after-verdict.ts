import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Alerts } from "../config/schema.ts";
import { errorText } from "../lib/error-text.ts";
import { takeLock } from "../lib/lock-file.ts";
import { makeOwnDirectory } from "../lib/plain-file.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import { version } from "../lib/version.ts";
import type { HistoryRecord } from "../model/history.ts";
import type { Alert, AlertEvent, StageReport, Verdict } from "../model/report.ts";
import { pagerDutyEvent, slackMessage, webhookBody } from "../report/alert.ts";
import { causeOf } from "../report/view/messages.ts";
import {
  type AlertMemoryPlace,
  alertsFile,
  type ChannelState,
  type ChannelStates,
  causeKey,
  historyAlertOf,
  recallAlerts,
} from "./alert-memory.ts";
import { type DeliveryLimits, defaultLimits, send, sendMeasurements, type VerdictChannel, verdictChannels } from "./deliver.ts";
import { type RollbackRun, rollBack } from "./rollback.ts";

/** Everything that the actions after a verdict need. */
export interface AfterVerdict extends Omit<RollbackRun, "config" | "report"> {
  alerts: Alerts | undefined;
  rollback: RollbackRun["config"] | undefined;
  /** Limits for deliveries; tests set shorter ones. */
  limits?: DeliveryLimits;
}

/** Another run holds the lock until its record is written, so that nothing is sent twice. This is how long that may take. */
const lockWithinMs = 40_000;

/**
 * Rolls back as configured. The outcome of rollbacks and alerts never changes the verdict, because it says nothing about the
 * environment. Problems are added to the report.
 * @returns `again`: nothing was requested, so a later run may do so
 */
export async function applyRollback(report: StageReport, options: AfterVerdict): Promise<{ report: StageReport; again?: true }> {
  const { rollback: config } = options;
  const rolledBack = config && report.stage === "smoke" ? await rollBack({ ...options, report, config }) : undefined;
  if (!rolledBack) return { report };
  const { rollback, ...rest } = rolledBack;
  const wrong = rollback.outcome === "failed" || rollback.outcome === "unknown";
  const problems = wrong ? [...report.problems, `the rollback of ${rollback.of}: ${rollback.why}`] : report.problems;
  return { report: { ...report, rollback, problems }, ...rest };
}

/** What was sent. */
export interface Alerted {
  report: StageReport;
  /** For the record of this run, by which later runs know what was sent. Redacted. */
  memory?: HistoryRecord["alerts"];
  /** Lets other runs of this workspace send theirs. Call it when the record is written. */
  release: () => Promise<void>;
}

/**
 * Sends alerts as configured.
 * @param report a report whose verdict is final, because alerts cannot be taken back
 */
export async function sendAlerts(report: StageReport, options: AfterVerdict): Promise<Alerted> {
  const { alerts } = options;
  // No alerts for a cancelled run: whoever cancelled it knows, and the runner leaves only seconds.
  const here = report.origin.kind === "github" || alerts?.terminal;
  if (!alerts?.stages.includes(report.stage) || !here || options.cancelled) return { report, release: async () => undefined };
  const limits = { ...(options.limits ?? defaultLimits), cancel: options.cancel };
  const { sent, memory, release } = await deliverAlerts(report, { ...options, alerts, limits });
  return { report: sent.length > 0 ? { ...report, alerts: sent } : report, memory, release };
}

type AlertRun = AfterVerdict & { alerts: Alerts; limits: DeliveryLimits };

interface Delivered {
  sent: Alert[];
  memory: NonNullable<HistoryRecord["alerts"]>;
  release: () => Promise<void>;
}

async function deliverAlerts(report: StageReport, options: AlertRun): Promise<Delivered> {
  // Redact before formatting: an escaped secret would no longer be recognised.
  const safe = redacted(report, options.secrets.redact);
  const measuring = measure(safe, options);
  // It is awaited below, after the alerts, which others wait for.
  measuring.catch(() => undefined);
  const people = await alertPeople(safe, options);
  const measured = await measuring.catch(async (error: unknown) => {
    await people.release();
    throw error;
  });
  const measurements = measured.map(({ channel, event, outcome }) => [channel, { event, outcome, sent: {}, open: false }]);
  return {
    sent: [...people.sent, ...measured].map((alert) => redacted(alert, options.secrets.redact)),
    memory: redacted({ ...people.memory, ...Object.fromEntries(measurements) }, options.secrets.redact),
    release: people.release,
  };
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

async function alertPeople(report: StageReport, options: AlertRun): Promise<Delivered> {
  if (verdictChannels(options.alerts).length === 0) return { sent: [], memory: {}, release: async () => undefined };
  const { release, problem: unlocked } = await alone(options.records);
  try {
    const subject = { environment: report.environment.name, stage: report.stage };
    const { known, lack, isOff } = await recallAlerts(placeOf(options), subject, {
      now: Date.now(),
      windowMs: options.alerts.window,
    });
    const answers = await alertAll(report, options, known);
    const problems = [unlocked, lack].filter((problem) => problem !== undefined);
    const alerts = answers.flatMap(({ alert }) => alert ?? []);
    const sent =
      problems.length > 0
        ? alerts.map((alert) => withProblem(alert, `it may be sent again, because ${problems.join("; ")}`))
        : isOff
          ? withFirstProblem(alerts, "the next run sends it again, and no recovery follows, because history.store is none")
          : alerts;
    const memory = answers.map(({ channel, state, alert }) => [channel, historyAlertOf(known[channel], state, alert)]);
    return { sent, memory: Object.fromEntries(memory), release };
  } catch (error) {
    await release();
    throw error;
  }
}

function placeOf({ records, history, project, secrets }: AlertRun): AlertMemoryPlace {
  return { records, history, ...(project === undefined ? {} : { project: secrets.redact(project) }) };
}

/** Without the lock, alerts are sent all the same. */
async function alone(records: string): Promise<{ release: () => Promise<void>; problem?: string }> {
  try {
    await makeOwnDirectory(records);
    // Older versions take the same lock.
    return { release: await takeLock(join(records, `${alertsFile}.lock`), lockWithinMs) };
  } catch (error) {
    return { release: async () => undefined, problem: `another run may send it at the same time: ${errorText(error)}` };
  }
}

function withProblem(alert: Alert, problem: string): Alert {
  return { ...alert, problem: alert.problem ? `${alert.problem}; ${problem}` : problem };
}

/** Once is enough for what concerns all of them. */
function withFirstProblem([first, ...others]: readonly Alert[], problem: string): Alert[] {
  return first ? [withProblem(first, problem), ...others] : [];
}

interface Answer {
  channel: VerdictChannel;
  state: ChannelState;
  /** Absent if there was nothing to send. */
  alert?: Alert;
}

async function alertAll(report: StageReport, options: AlertRun, known: ChannelStates): Promise<Answer[]> {
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
    cause: causeKey(causeOf(report)),
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

/** Which alerts were already sent, by environment, stage and channel. Pure: no access to clock or files. */

export type VerdictEvent = Exclude<AlertEvent, "measured">;

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
