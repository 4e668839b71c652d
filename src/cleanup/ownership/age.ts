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
