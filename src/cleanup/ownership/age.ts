import { quoteName } from "../../warehouse/statements.ts";
import { asText, type Binder, type Rule, ruleCondition } from "../tables/selection.ts";

/** When a row was created, as a range from `earliest` to `latest`. Unix milliseconds. */
export interface Age {
  earliest: number;
  latest: number;
  /** Set if this is the start of a run, before which its tests wrote nothing, and not the time of a row. */
  ofRun?: true;
}

/** Whether something was created before a moment. `unknown` if the time is missing or too inexact. */
export type Relation = "older" | "not-older" | "unknown";

/** The clocks of runner, application and warehouse may differ by this much. */
export const clockToleranceMs = 5 * 60_000;

/** Compares two ages from different clocks. Differences within the tolerance are unknown. */
export function relate(age: Age | undefined, reference: Age | undefined): Relation {
  if (age === undefined || reference === undefined) return "unknown";
  if (age.latest < reference.earliest - clockToleranceMs) return "older";
  return age.earliest >= reference.latest + clockToleranceMs ? "not-older" : "unknown";
}

const dayMs = 86_400_000;
const minuteMs = 60_000;

/** The range of the world's UTC offsets: how far off a time without a zone may be. */
const anyOffset = [-14 * 60 * minuteMs, 14 * 60 * minuteMs] as const;

/** ISO 8601 and the forms that warehouses use: date, time of day, and zone. */
const timeText = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)? ?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/**
 * The age from a time column. Only a time with a zone is exact: a date is a whole day, and a time without a zone may be off by
 * any UTC offset, unless `zone` is set.
 * @param value a timestamp, or the text that the warehouse shows
 * @param zone `UTC`, an offset, or a name such as `America/Los_Angeles`
 */
export function ageOf(value: unknown, zone: string | undefined): Age | undefined {
  if (value === null || value === undefined) return undefined;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : exactAge(value.getTime());
  // Strict, because a number or other text could be parsed as some year, and the row would look old.
  const [, day, time, seconds, fraction = "", ownZone] = timeText.exec(String(value)) ?? [];
  if (day === undefined) return undefined;
  const local = Date.parse(`${day}T${time ?? "00:00"}:${seconds ?? "00"}.${fraction.padEnd(3, "0").slice(0, 3)}Z`);
  if (Number.isNaN(local)) return undefined;
  const exactness = time === undefined ? dayMs : seconds === undefined ? minuteMs : fraction === "" ? 1_000 : 1;
  const [west, east] = offsetsOf(ownZone ?? zone, local);
  return { earliest: local - east, latest: local + exactness - 1 - west };
}

export function exactAge(time: number): Age {
  return { earliest: time, latest: time };
}

/** The start of a run, from its id. */
export function startOfRun(time: number): Age {
  return { ...exactAge(time), ofRun: true };
}

/** The smallest and the largest UTC offset, in milliseconds, that a local time may have. */
function offsetsOf(zone: string | undefined, local: number): readonly [number, number] {
  if (zone === undefined) return anyOffset;
  if (/^(?:UTC|Z)$/i.test(zone)) return [0, 0];
  const [, sign, hours, minutes = "0"] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (hours !== undefined) {
    const offset = (Number(hours) * 60 + Number(minutes)) * minuteMs * (sign === "-" ? -1 : 1);
    return [offset, offset];
  }
  // When the clocks change, both offsets are possible.
  const offsets = [local - dayMs, local + dayMs].map((instant) => offsetAt(zone, instant));
  return [Math.min(...offsets), Math.max(...offsets)];
}

function offsetAt(zone: string, instant: number): number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const part = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
}

/** The columns that show the age of a table's rows. */
export interface Aging {
  /** The rules by which rows are matched directly. */
  rules: readonly Rule[];
  /** The key column, if there is one. */
  key: string | undefined;
  /** A TIMESTAMP column with the time of creation, if there is one. */
  time: string | undefined;
  /** The types of its columns, in upper case. */
  types: ReadonlyMap<string, string>;
}

/** Like `timeInId`: thirteen digits that are not part of a longer number. */
const thirteenDigits = "(^|[^0-9])([0-9]{13})([^0-9]|$)";

/**
 * The condition for rows that are certainly too recent for a sweep, so that the warehouse doesn't send them. One recent time is
 * enough: in a value that matched, in the key, or in the time column. Rows that it cannot decide are sent.
 */
export function surelyTooRecent(
  { rules, key, time, types }: Aging,
  { olderThan, now }: { olderThan: number; now: number },
  binder: Binder,
): string {
  const after = Math.floor(Math.max(olderThan, earliestInId));
  const isTooRecent = (column: string) => {
    const text = `regexp_extract(coalesce(${asText(column, types)}, ''), ${binder.bind(thirteenDigits)}, 2)`;
    return `(${text} > ${binder.bind(String(after))} AND ${text} <= ${binder.bind(String(latestInId(now)))})`;
  };
  const shown = rules
    .filter(({ column }) => column !== key)
    .map((rule) => `(coalesce(${ruleCondition(rule, types, binder)}, false) AND ${isTooRecent(rule.column)})`);
  return [
    ...shown,
    ...(key === undefined ? [] : [isTooRecent(key)]),
    ...(time === undefined
      ? []
      : [`coalesce(unix_millis(${quoteName(time)}) > CAST(${binder.bind(String(after))} AS BIGINT), false)`]),
    "false",
  ].join(" OR ");
}

/**
 * The state of the environment before the tests. It proves age: a row that was not in the table's version at the start, or a key
 * that Redis didn't have, was created after the run began.
 */
export interface StartState {
  /** Unix milliseconds by the runner's clock, taken before anything was read. */
  takenAt: number;
  /** `schema.table` → the table's Delta version at the start; absent if it could not be read. */
  versions: ReadonlyMap<string, number>;
  /** The same with the version's time, Unix milliseconds. A recreated table has another time at the same version. */
  moments?: ReadonlyMap<string, { version: number; at: number | undefined }>;
  /** Whether Redis had this key (`latin1`, as `redis.scan` returns keys); `undefined` if not checked. */
  hadKey(key: string): boolean | undefined;
}

/** Earlier times in an id are not taken as times. */
export const earliestInId = Date.UTC(2015, 0, 1);

/** Allows for differing clocks. */
export function latestInId(now: number): number {
  return now + 86_400_000;
}

/**
 * The time in a key of any application, as in `teacher_1763920000000_1a2b3c4d`: it must be a separate word. Of ten thousand
 * hashes, some contain thirteen digits between two letters that look like a time.
 */
export function timeInKey(key: string, now: number): number | undefined {
  for (const [word] of key.matchAll(/(?<![0-9A-Za-z])\d{13}(?![0-9A-Za-z])/g)) {
    const time = Number(word);
    if (time >= earliestInId && time <= latestInId(now)) return time;
  }
  return undefined;
}

/**
 * When test data was created, from the time in its id; `undefined` if there is none. A time is a thirteen-digit number, not part
 * of a longer one, that as Unix milliseconds lies between 2015 and tomorrow.
 */
export function timeInId(id: string, now: number): number | undefined {
  for (const match of id.matchAll(/(?<!\d)\d{13}(?!\d)/g)) {
    const time = Number(match[0]);
    if (time >= earliestInId && time <= latestInId(now)) return time;
  }
  return undefined;
}
