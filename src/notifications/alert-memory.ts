import { createHash } from "node:crypto";
import { join } from "node:path";
import { recordedName } from "../history/record/of-report.ts";
import type { FoundRecords, HistoryStore, HistorySubject } from "../history/store/store.ts";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { readStateFile } from "../lib/plain-file.ts";
import { z } from "../lib/zod.ts";
import type { HistoryAlert, HistoryRecord } from "../model/history.ts";
import type { AlertChannel } from "../model/report.ts";

/** What each channel was sent before: from the newest records of the history, and once from the file of an older version. */

export interface ChannelState {
  /** When an alert for each cause was last sent. */
  sent: Record<string, string>;
  /**
   * Whether the next pass is a recovery: after a bad verdict that was sent, may have been sent (the answer was lost), or that
   * this channel does not receive.
   */
  open: boolean;
}

export type ChannelStates = Partial<Record<AlertChannel, ChannelState>>;

export interface AlertMemory {
  known: ChannelStates;
  /** Why something may be missing, so that an alert may be sent again. */
  lack?: string;
  /** Nothing is ever remembered. */
  isOff?: true;
}

/** Each run carries on what it knew, so a few would do if no two ran at the same time. */
const mostRecords = 50;

/** The state file of versions before the history. It stays as it is: such a version may still write it. */
export const alertsFile = "alerts.json";

const fileSchema = () => {
  const channel = z.strictObject({ sent: z.record(z.string(), z.iso.datetime()), open: z.boolean() });
  return z.strictObject({
    version: z.literal(1),
    /** `<environment>/<stage>` → channel. */
    places: z.record(z.string(), z.record(z.string(), channel)),
  });
};

export interface AlertMemoryPlace {
  /** Applications of one repository may share a history. */
  project?: string;
  /** Absolute path of `.env-actions`. */
  records: string;
  history: () => Promise<HistoryStore | undefined>;
}

/** Never throws: without memory, an alert is sent again, which is better than a missing one. */
export async function recallAlerts(
  { records, history, project }: AlertMemoryPlace,
  subject: HistorySubject,
  moment: { now: number; windowMs: number },
): Promise<AlertMemory> {
  try {
    const store = await history();
    if (!store) return { known: {}, isOff: true };
    const found = await store.recent(subject, mostRecords);
    const own = project === undefined ? undefined : recordedName(project);
    const known = channelStates(
      found.records.filter((record) => record.project === own),
      moment,
    );
    // Each run whose alerts were on leaves what it knows. A longer history has forgotten nothing that the file could know.
    const hasBegun = Object.keys(known).length > 0 || found.records.length >= mostRecords;
    return { known: hasBegun ? known : await statesOfOlderVersion(records, subject), ...lackOf(found) };
  } catch (error) {
    return { known: {}, lack: `what was sent before could not be read: ${errorText(error)}` };
  }
}

function lackOf({ unreadable }: FoundRecords): { lack?: string } {
  const damaged = unreadable.filter(({ isOther }) => !isOther);
  const [first] = damaged;
  if (!first) return {};
  return { lack: `${count(damaged.length, "record")} of earlier runs can't be read: ${first.name} (${first.why})` };
}

/**
 * What each channel knows, joined over runs that may have run at the same time and not known each other. Pure.
 * @param records of one stage in one environment, in any order
 */
export function channelStates(
  records: readonly HistoryRecord[],
  { now, windowMs }: { now: number; windowMs: number },
): ChannelStates {
  // In the order in which they decided, as far as clocks agree: a long run may have started before a short one.
  const newestFirst = records.toSorted((a, b) => compare(b.finishedAt, a.finishedAt) || compare(b.runId, a.runId));
  const states: ChannelStates = {};
  const closed = new Set<string>();
  for (const { alerts = {} } of newestFirst)
    for (const [name, alert] of Object.entries(alerts)) {
      const channel = name as AlertChannel;
      if (closed.has(channel)) continue;
      states[channel] = joined(states[channel], alert, { now, windowMs });
      if (alert.closed) closed.add(channel);
    }
  return states;
}

function joined(newer: ChannelState | undefined, { sent, open }: HistoryAlert, moment: { now: number; windowMs: number }) {
  const { now, windowMs } = moment;
  const ages = new Map(Object.entries(newer?.sent ?? {}));
  for (const [cause, at] of Object.entries(sent)) {
    const time = Date.parse(at);
    // A time in the future, from a wrong clock, must not suppress alerts.
    const counts = time <= now && now - time < windowMs;
    if (counts && !(Date.parse(ages.get(cause) ?? "") >= time)) ages.set(cause, at);
  }
  return { sent: Object.fromEntries(ages), open: open || (newer?.open ?? false) };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function statesOfOlderVersion(records: string, { environment, stage }: HistorySubject): Promise<ChannelStates> {
  const places = (await readStateFile(join(records, alertsFile), fileSchema()))?.places ?? {};
  const channels = Object.hasOwn(places, `${environment}/${stage}`) ? places[`${environment}/${stage}`] : {};
  const named = ({ sent, open }: ChannelState): ChannelState => ({
    sent: Object.fromEntries(Object.entries(sent).map(([cause, at]) => [causeKey(cause), at])),
    open,
  });
  return Object.fromEntries(Object.entries(channels ?? {}).map(([channel, state]) => [channel, named(state)]));
}

const longestCause = 200;
/** More causes within the window only make the record large. */
const mostCauses = 50;

/** How a record names a cause. One of many checks would be long. */
export function causeKey(cause: string): string {
  if (cause.length <= longestCause) return cause;
  return `${cause.slice(0, longestCause - 20)}… ${createHash("sha256").update(cause).digest("hex").slice(0, 16)}`.toWellFormed();
}

/** What the record keeps of a channel. */
export function historyAlertOf(
  before: ChannelState | undefined,
  { sent, open }: ChannelState,
  alert: Pick<HistoryAlert, "event" | "outcome"> | undefined,
): HistoryAlert {
  const newest = Object.entries(sent).sort(([, a], [, b]) => compare(b, a));
  const isEmpty = (state: ChannelState) => !state.open && Object.keys(state.sent).length === 0;
  const ends = before !== undefined && !isEmpty(before) && isEmpty({ sent, open });
  return {
    ...(alert?.event ? { event: alert.event } : {}),
    ...(alert?.outcome ? { outcome: alert.outcome } : {}),
    sent: Object.fromEntries(newest.slice(0, mostCauses)),
    open,
    ...(ends ? { closed: true } : {}),
  };
}
