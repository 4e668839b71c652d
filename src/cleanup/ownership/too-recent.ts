import { quoteName } from "../../warehouse/statements.ts";
import { asText, type Binder, type Rule, ruleCondition } from "../tables/selection.ts";
import { earliestInId, latestInId } from "./identity.ts";

/** What tells the age of the rows of one table. */
export interface Aging {
  /** How rows show by themselves. */
  rules: readonly Rule[];
  /** Column of the key, if there is one. */
  key: string | undefined;
  /** A column of type TIMESTAMP that tells when a row was written, if there is one. */
  time: string | undefined;
  /** Of the columns, in capitals. */
  types: ReadonlyMap<string, string>;
}

/** As `timeInId` finds them: thirteen digits that are not part of a longer number. */
const thirteenDigits = "(^|[^0-9])([0-9]{13})([^0-9]|$)";

/**
 * The condition of rows that are surely too young to be swept: the warehouse need not send them. One time that is young is enough: the
 * one in a value by which the row shows, in its key, or in its time column. What this cannot tell stays in.
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
