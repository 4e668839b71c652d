import { quoteName } from "../../warehouse/statements.ts";
import { asText, type Binder, type Rule, ruleCondition } from "../tables/selection.ts";
import { earliestInId, latestInId } from "./identity.ts";

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
