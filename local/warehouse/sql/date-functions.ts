import { literal } from "../duckdb.ts";
import { UnsupportedSql } from "../errors.ts";
import { as, type SqlFunction, stringOf } from "./function-forms.ts";

const words: Readonly<Record<string, string>> = {
  year: "year",
  yyyy: "year",
  yy: "year",
  quarter: "quarter",
  month: "month",
  mm: "month",
  mon: "month",
  week: "week",
};
const shorter: Readonly<Record<string, string>> = {
  ...words,
  day: "day",
  dd: "day",
  hour: "hour",
  minute: "minute",
  second: "second",
};

/** Functions of days. */
export const dateFunctions: Readonly<Record<string, (own: string) => SqlFunction>> = {
  last_day: as(1, ([day]) => `last_day(CAST(${day} AS DATE))`),
  make_date: as(3, ([year, month, day]) => `make_date(${year}, ${month}, ${day})`),
  add_months: as(2, ([day, n]) => `CAST(CAST(${day} AS DATE) + dbx_int(${n}) * INTERVAL 1 MONTH AS DATE)`),
  trunc: as(2, ([day], [, unit]) => `CAST(date_trunc(${literal(unitIn(words, stringOf(unit)))}, CAST(${day} AS DATE)) AS DATE)`),
  date_trunc: as(
    2,
    ([, at], [unit]) => `date_trunc(${literal(unitIn(shorter, stringOf(unit)))}, CAST(${at} AS TIMESTAMP WITH TIME ZONE))`,
  ),
};

function unitIn(units: Readonly<Record<string, string>>, text: string): string {
  const lower = text.toLowerCase();
  const unit = Object.hasOwn(units, lower) ? units[lower] : undefined;
  if (unit === undefined) throw new UnsupportedSql(`the unit of time ${text}`);
  return unit;
}
