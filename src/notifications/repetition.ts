import { z } from "../lib/zod.ts";
import type { AlertEvent, Verdict } from "../model/report.ts";

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
