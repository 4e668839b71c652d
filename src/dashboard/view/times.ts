/** Moments and spans in words. All moments are in UTC, which the page says once. */

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** `2026-11-28 09:00`; what is no moment is unchanged. */
export function moment(iso: string): string {
  const time = Date.parse(iso);
  if (!Number.isFinite(time)) return iso;
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}

/** `2026-11-28` */
export function dayOf(iso: string): string {
  return moment(iso).slice(0, 10);
}

/** `less than a minute`, `12 minutes`, `5 hours`, `3 days`, in whole units that have passed. */
export function span(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return "an unknown time";
  const of = (unit: number, word: string) => {
    const number = Math.floor(milliseconds / unit);
    return `${number} ${word}${number === 1 ? "" : "s"}`;
  };
  if (milliseconds < minute) return "less than a minute";
  if (milliseconds < 2 * hour) return of(minute, "minute");
  if (milliseconds < 2 * day) return of(hour, "hour");
  return of(day, "day");
}

/** When something ends, or ended: `in 5 days`, `3 days ago`. */
export function until(milliseconds: number): string {
  return milliseconds >= 0 ? `in ${span(milliseconds)}` : `${span(-milliseconds)} ago`;
}

/** Days, weeks or months in which older runs are counted together. */
export interface Periods {
  unit: "day" | "week" | "month";
  /** Oldest first, without gaps. */
  starts: number[];
  /** Of the newest period. */
  end: number;
}

/** With more, no eye sees them apart. */
const most = { day: 31, week: 31, month: 60 };

/** Weeks start on Monday. Periods that would be too many are left out, the oldest first. */
export function periodsOf(from: number, to: number): Periods {
  for (const unit of ["day", "week", "month"] as const) {
    const starts: number[] = [];
    let start = startOf(to, unit);
    while (starts.length < most[unit]) {
      starts.unshift(start);
      if (start <= from) return { unit, starts, end: next(startOf(to, unit), unit) };
      start = startOf(start - 1, unit);
    }
    if (unit === "month") return { unit, starts, end: next(startOf(to, unit), unit) };
  }
  throw new Error("the loop returns");
}

function startOf(time: number, unit: Periods["unit"]): number {
  const midnight = Math.floor(time / day) * day;
  if (unit === "day") return midnight;
  const date = new Date(midnight);
  if (unit === "month") return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  return midnight - ((date.getUTCDay() + 6) % 7) * day;
}

function next(start: number, unit: Periods["unit"]): number {
  if (unit === "day") return start + day;
  if (unit === "week") return start + 7 * day;
  const date = new Date(start);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

/** @returns undefined before the first one */
export function periodAt({ starts }: Periods, iso: string): number | undefined {
  const time = Date.parse(iso);
  const at = starts.findLastIndex((start) => start <= time);
  return at === -1 ? undefined : at;
}

/** `2026-11-23`, or `2026-11` for a month. */
export function periodName({ unit, starts }: Periods, at: number): string {
  const name = new Date(starts[at] ?? 0).toISOString();
  return unit === "month" ? name.slice(0, 7) : name.slice(0, 10);
}

export const perUnit: Record<Periods["unit"], string> = { day: "Day", week: "Week from", month: "Month" };
