import { quoteName } from "../warehouse/statements.ts";
import { earliestInId, latestInId } from "./identity.ts";
import { asText, type Binder, type Rule, ruleCondition } from "./selection.ts";

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
 * The condition of rows that show by themselves and are surely too young to be swept: the warehouse need not send them. It goes by the
 * same values as whoever looks at a row does, and leaves in what it cannot tell.
 */
export function surelyYoung(
  { rules, key, time, types }: Aging,
  { olderThan, now }: { olderThan: number; now: number },
  binder: Binder,
): string {
  const after = Math.floor(Math.max(olderThan, earliestInId));
  const inText = (column: string) => `regexp_extract(coalesce(${asText(column, types)}, ''), ${binder.bind(thirteenDigits)}, 2)`;
  const isYoung = (text: string) =>
    `(${text} > ${binder.bind(String(after))} AND ${text} <= ${binder.bind(String(latestInId(now)))})`;
  const written =
    time === undefined
      ? "false"
      : `coalesce(unix_millis(${quoteName(time)}) > CAST(${binder.bind(String(after))} AS BIGINT), false)`;
  const otherwise = key === undefined ? written : `(${isYoung(inText(key))} OR (${inText(key)} = '' AND ${written}))`;
  // The first rule that shows a row tells its age; whichever that is, it must tell that the row is young.
  const each = rules.map((rule) => {
    const text = inText(rule.column);
    return `(NOT coalesce(${ruleCondition(rule, types, binder)}, false) OR ${isYoung(text)} OR (${text} = '' AND ${otherwise}))`;
  });
  return each.join(" AND ");
}
