import { z } from "../lib/zod.ts";
import type { AlertEvent, Verdict } from "../model/report.ts";

/**
 * What was told already, by environment and stage, and by channel. Pure: nothing here reads a clock or a file.
 */

export type VerdictEvent = Exclude<AlertEvent, "measured">;

const instant = z.iso.datetime();

const channelState = z.strictObject({
  /** When each cause was told last. */
  sent: z.record(z.string(), instant),
  /**
   * A bad verdict was told, or may have been, where only the answer was lost; or there was one that this channel did not want to be
   * told: the next pass is a recovery.
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
  /** Milliseconds. */
  now: number;
  windowMs: number;
  /** What the channel wants to be told. */
  on: readonly VerdictEvent[];
}

/** What is to be done: `silent` says nothing, `repeated` would say what was said within the window. */
export type Decision = { kind: "send" | "repeated"; event: VerdictEvent } | { kind: "silent" };

/** Whether a channel is told of this verdict. */
export function decideAlert(known: ChannelState | undefined, { verdict, cause, now, windowMs, on }: Occasion): Decision {
  const { sent, open } = known ?? emptyChannelState;
  if (verdict === "skipped") return { kind: "silent" };
  if (verdict === "passed") return open && on.includes("recovered") ? { kind: "send", event: "recovered" } : { kind: "silent" };
  if (!on.includes(verdict)) return { kind: "silent" };
  const last = Object.hasOwn(sent, cause) ? Date.parse(sent[cause] ?? "") : Number.NaN;
  // One from the future, of a machine whose clock is wrong, must not silence anything.
  const lately = now >= last && now - last < windowMs;
  return { kind: lately ? "repeated" : "send", event: verdict };
}

/** What is known after it. @param delivered whether what was to be sent has arrived; true where nothing was. */
export function nextChannelState(
  known: ChannelState | undefined,
  occasion: Occasion,
  decision: Decision,
  delivered: boolean,
): ChannelState {
  const before = known ?? emptyChannelState;
  const { verdict, cause, now, windowMs, on } = occasion;
  // Told again next time. But it may have arrived, and then somebody waits for the recovery.
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
