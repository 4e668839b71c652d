import { tokenize } from "../../warehouse/statements.ts";
import type { ColumnStructure } from "../structure/structure.ts";
import { between, fraction, weighted } from "./random.ts";

/**
 * Values that respect the usual forms of CHECK: a list of texts, and bounds of numbers. For all other forms a generator must be
 * named, which the seed says when the constraint refuses its rows.
 */
export function checkedValue(column: ColumnStructure, checks: readonly string[]): string | undefined {
  const terms = checks.flatMap(termsOf).filter(([name]) => name === column.name.toUpperCase());
  const listed = terms.find(([, operator]) => operator === "IN");
  if (listed)
    return weighted(
      column.name.toLowerCase(),
      listed.slice(2).map((value) => [value, 1] as const),
    );
  const isWhole = /^(tinyint|smallint|int|integer|bigint|long)$/i.test(column.type);
  if (terms.length === 0 || !(isWhole || /^(double|float|decimal)/i.test(column.type))) return undefined;
  let [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const step = isWhole ? 1 : 0.01;
  for (const [, operator, ...values] of terms) {
    const [first = Number.NaN, second = Number.NaN] = values.map(Number);
    if (operator === ">=") low = Math.max(low, first);
    else if (operator === ">") low = Math.max(low, first + step);
    else if (operator === "<=") high = Math.min(high, first);
    else if (operator === "<") high = Math.min(high, first - step);
    else if (operator === "BETWEEN") [low, high] = [Math.max(low, first), Math.min(high, second)];
  }
  if (!Number.isFinite(low)) low = Math.min(0, high - 100);
  if (!Number.isFinite(high)) high = low + 100;
  if (Number.isNaN(low + high) || low > high) return undefined;
  return isWhole
    ? between(column.name.toLowerCase(), Math.ceil(low), Math.floor(high))
    : fraction(column.name.toLowerCase(), low, high, 100);
}

/** `[column, operator, …values]` of each term that is joined by AND; none if the check has another form. */
function termsOf(check: string): string[][] {
  const tokens = tokenize(check);
  if (typeof tokens === "string") return [];
  const words = tokens
    .map(({ kind, value }) => (kind === "quoted-name" ? value.slice(1, -1).toUpperCase() : value))
    .filter((word) => word !== "(" && word !== ")");
  if (words.includes("OR") || words.includes("NOT")) return [];
  const terms: string[][] = [];
  let at = 0;
  while (at < words.length) {
    const [column = "", operator = ""] = words.slice(at, at + 2);
    const wide = ["<", ">"].includes(operator) && words[at + 2] === "=" ? `${operator}=` : operator;
    at += wide.length > operator.length ? 3 : 2;
    const values: string[] = [];
    if (wide === "IN") {
      while (at < words.length && words[at] !== "AND") {
        if (words[at] !== ",") values.push(words[at] ?? "");
        at++;
      }
    } else if (wide === "BETWEEN") {
      const [low, afterLow] = numberAt(words, at);
      if (words[afterLow] !== "AND") return [];
      const [high, afterHigh] = numberAt(words, afterLow + 1);
      values.push(low, high);
      at = afterHigh;
    } else if (["<", ">", "<=", ">="].includes(wide)) {
      const [value, after] = numberAt(words, at);
      values.push(value);
      at = after;
    } else return [];
    terms.push([column, wide, ...values]);
    if (at < words.length && words[at] !== "AND") return [];
    at++;
  }
  return terms;
}

/** A number, with its sign and decimal places, which are tokens of their own. */
function numberAt(words: readonly string[], at: number): [string, number] {
  let next = at;
  let value = "";
  if (words[next] === "-") value = words[next++] ?? "";
  value += words[next++] ?? "";
  if (words[next] === ".") {
    value += `.${words[next + 1] ?? ""}`;
    next += 2;
  }
  return [value, next];
}
