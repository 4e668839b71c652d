import { quoteName } from "./statements.ts";

/**
 * How a column is compared with values that were read before. Delta skips a file if its smallest and largest value show that no
 * row can match. It only does so for comparisons of the bare column with constants: `CAST(n AS STRING) IN (…)`, or a list that a
 * subquery returns, reads every file.
 */

/** Binds a value as a parameter. @returns its marker */
export type Bind = (value: string) => string;

/** A condition, and ranges that contain every row it can match; undefined if none are known. */
export interface Condition {
  text: string;
  within: readonly string[] | undefined;
}

/**
 * A column as text. Only the type `STRING` itself is compared as it is: a collation may ignore case, and CHAR ignores blanks at
 * the end.
 * @param type in upper case, with its collation and parameters
 */
export function columnAsText(column: string, type: string | undefined): string {
  return type === "STRING" ? quoteName(column) : `CAST(${quoteName(column)} AS STRING)`;
}

/** Values that mean the same in every setting of the parser. */
const plainText = /^[\w .:@+=/-]*$/;

/** A text in the statement if it is plain; otherwise a parameter. There may be 256 parameters, but any number of texts. */
export function literal(value: string, bind: Bind): string {
  return plainText.test(value) ? `'${value}'` : bind(value);
}

export function isPlain(value: string): boolean {
  return plainText.test(value);
}

const integerType = /^(TINYINT|BYTE|SMALLINT|SHORT|INT|INTEGER|BIGINT|LONG)$/;
const wholeNumber = /^(?:0|-?[1-9]\d{0,17})$/;

/** The order of UTF-8, in which the warehouse compares. JavaScript's own order of UTF-16 differs beyond U+FFFF. */
export function byCodePoint(a: string, b: string): number {
  const common = Math.min(a.length, b.length);
  for (let at = 0; at < common; at++) {
    const [one, other] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (one !== other) return rankOf(one) - rankOf(other);
  }
  return a.length - b.length;
}

/** Half of a code point beyond U+FFFF comes after every whole one. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Rows of a range of times, which lets the warehouse skip the files of other times. The column is a TIMESTAMP. */
export function within({ column, from, to }: { column: string; from: number; to: number }): string {
  const [first, after] = [Math.trunc(from), Math.trunc(to) + 1];
  // The warehouse's clock is finer than milliseconds, so the last one is included as a whole.
  return `${quoteName(column)} >= timestamp_millis(${first}) AND ${quoteName(column)} < timestamp_millis(${after})`;
}

/** Rows of this time or later, and those without a time. */
export function since({ column, from }: { column: string; from: number }): string {
  return `(${quoteName(column)} >= timestamp_millis(${Math.trunc(from)}) OR ${quoteName(column)} IS NULL)`;
}

/** Narrows a condition and its ranges. */
export function narrowed({ text, within }: Condition, by: string): Condition {
  if (text === "") return { text, within };
  return {
    text: `(${text}) AND ${by}`,
    within: (within ?? ["true"]).map((range) => (range === "true" ? by : `${range} AND ${by}`)),
  };
}

/** Values as a list in the statement, so that files without any of them are skipped; for conditions of a delete. */
export function inLiterals(column: string, type: string | undefined, values: readonly string[], bind: Bind): string {
  const numbers = asNumbers(type, values);
  if (numbers) return numbers.length === 0 ? "false" : `${quoteName(column)} IN (${numbers.join(", ")})`;
  return `${columnAsText(column, type)} IN (${values.map((value) => literal(value, bind)).join(", ")})`;
}

/** Values as one parameter, for any number of them, with the range in which they are. */
export function inList(column: string, type: string | undefined, values: Iterable<string>, bind: Bind): Condition {
  const sorted = [...values].sort(byCodePoint);
  const numbers = asNumbers(type, sorted);
  if (numbers) {
    const ordered = numbers.map(BigInt).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const [first, last] = [ordered.at(0), ordered.at(-1)];
    if (first === undefined) return { text: "false", within: ["false"] };
    const list = `SELECT explode(from_json(${bind(JSON.stringify(ordered.map(String)))}, 'array<string>')) AS n`;
    return {
      text: `${quoteName(column)} IN (SELECT CAST(n AS BIGINT) FROM (${list}) AS numbers)`,
      within: [`${quoteName(column)} BETWEEN ${first} AND ${last}`],
    };
  }
  const ranges = rangesOf(sorted).map(
    ([first, last]) => `${quoteName(column)} BETWEEN ${literal(first, bind)} AND ${literal(last, bind)}`,
  );
  return {
    text: `${columnAsText(column, type)} IN (SELECT explode(from_json(${bind(JSON.stringify(sorted))}, 'array<string>')))`,
    within: type === "STRING" ? ranges : undefined,
  };
}

/** Neighbours with fewer common characters at their beginning have different prefixes. */
const commonWithinPrefix = 8;
const mostPrefixes = 4;

/**
 * Ids with a few prefixes are in as many ranges; one range over all would reach over everything between. Random ids have no
 * prefix, and stay one range.
 * @param sorted by UTF-8
 */
function rangesOf(sorted: readonly string[]): [first: string, last: string][] {
  const starts = sorted.flatMap((value, index) => {
    const before = sorted[index - 1];
    return before !== undefined && commonLength(before, value) >= commonWithinPrefix ? [] : [index];
  });
  const cuts = starts.length > mostPrefixes ? [0] : starts;
  if (cuts.length === 0) return [["", ""]];
  return cuts.map((start, index) => [sorted[start] ?? "", sorted[(cuts[index + 1] ?? sorted.length) - 1] ?? ""]);
}

function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < commonWithinPrefix && length < one.length && one[length] === other[length]) length++;
  return length;
}

/** @returns undefined if the column has no whole numbers; without values that no whole number is written as */
function asNumbers(type: string | undefined, values: readonly string[]): string[] | undefined {
  if (!integerType.test(type ?? "")) return undefined;
  const numbers = values.filter((value) => wholeNumber.test(value));
  // A longer number may be a BIGINT all the same; compared as text, it cannot overflow.
  return values.some((value) => /^-?[1-9]\d{18,}$/.test(value)) ? undefined : numbers;
}

/** Texts that begin with a prefix. The comparison is `startswith`; the range only helps to skip files. */
export function beginsWith(column: string, type: string | undefined, prefix: string, bind: Bind): Condition {
  const after = successor(prefix);
  return {
    text: `startswith(${columnAsText(column, type)}, ${bind(prefix)})`,
    within:
      type === "STRING" && after !== undefined
        ? [`${quoteName(column)} >= ${literal(prefix, bind)} AND ${quoteName(column)} < ${literal(after, bind)}`]
        : undefined,
  };
}

/** The smallest text after all that begin with the prefix. */
function successor(prefix: string): string | undefined {
  const points = [...prefix];
  const last = points.pop()?.codePointAt(0);
  if (last === undefined || last >= 0xd7ff) return undefined;
  return points.join("") + String.fromCodePoint(last + 1);
}

/**
 * Rows that match any of the conditions. The ranges stand beside them as a conjunct of their own: inside of an OR they would not
 * help.
 */
export function anyOf(conditions: readonly Condition[]): Condition {
  const parts = conditions.filter(({ text }) => text !== "");
  const within = parts.every((part) => part.within !== undefined) ? parts.flatMap((part) => part.within ?? []) : undefined;
  return { text: parts.map(({ text }) => text).join(" OR "), within };
}

/** As a condition that skips files where it can. */
export function bounded({ text, within }: Condition): string {
  if (text === "" || within === undefined || within.length === 0) return text;
  return `(${text}) AND (${[...new Set(within)].map((range) => `(${range})`).join(" OR ")})`;
}
