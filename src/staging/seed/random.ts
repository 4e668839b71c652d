import { createHash } from "node:crypto";

/**
 * Random values as SQL expressions. Each row has a hash of the seed, its table and its number; all its values follow from that
 * by whole-number arithmetic, which every engine does alike. The engines' own random functions differ.
 */

/** Names that the expressions of a row may use. */
export const row = {
  /** The number of the row, from 0: in the table, or among the rows of its parent. */
  number: "n",
  /** 32 hexadecimal digits. */
  hash: "k",
  /** The row's own id, as text. */
  id: "row_id",
} as const;

/** Products of these stay within 64 bits. */
const prime = 2_147_483_647;

/** Whole number from 0 to {@link prime}: one for each name, independent of the others. */
export function draw(name: string): string {
  const digest = createHash("sha256").update(name).digest();
  const [a, b, c] = [0, 4, 8].map((at) => (digest.readUInt32BE(at) % (prime - 1)) + 1);
  return `((h1 * ${a} + h2 * ${b} + ${c}) % ${prime})`;
}

/** The two whole numbers of 28 bits that {@link draw} begins with, from 52 bits of the hash: the remainders of two primes. */
export const halves = ["hash52 % 268435399 AS h1", "hash52 % 268435367 AS h2"].join(", ");

export function beginning(hash: string): string {
  return `CAST(conv(substring(${hash}, 1, 13), 16, 10) AS BIGINT) AS hash52`;
}

/** Whole number from `low` to `high`. */
export function between(name: string, low: number, high: number): string {
  return `(${low} + ${draw(name)} % ${high - low + 1})`;
}

/** Whole number from `low` to `high`, mostly near the middle. */
export function around(name: string, low: number, high: number): string {
  const width = high - low;
  const parts = [1, 2, 3].map((part) => `${draw(`${name} ${part}`)} % ${width + 1}`);
  return `(${low} + CAST(floor((${parts.join(" + ")}) / 3) AS BIGINT))`;
}

/** Number with decimal places; a double. @param steps for each whole number */
export function fraction(name: string, low: number, high: number, steps: number): string {
  return `(${around(name, Math.round(low * steps), Math.round(high * steps))} / ${steps})`;
}

/** True for so many of a hundred. */
export function chance(name: string, percent: number): string {
  return `(${draw(name)} % 100 < ${percent})`;
}

export function text(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** One of the texts, all equally often. */
export function oneOf(name: string, texts: readonly string[]): string {
  return texts.length === 1 ? text(texts[0] ?? "") : chosen(`${draw(name)} % ${texts.length}`, texts);
}

/** The text with this number, from 0. */
export function chosen(number: string, texts: readonly string[]): string {
  return `element_at(array(${texts.map(text).join(", ")}), CAST(${number} AS INT) + 1)`;
}

/** One of the expressions, as often as its weight says. */
export function weighted(name: string, weights: readonly (readonly [expression: string, weight: number])[]): string {
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  const drawn = `${draw(name)} % ${total}`;
  let below = 0;
  const branches = weights.slice(0, -1).map(([expression, weight]) => {
    below += weight;
    return `WHEN ${drawn} < ${below} THEN ${expression}`;
  });
  const last = weights.at(-1)?.[0] ?? "NULL";
  return branches.length === 0 ? last : `CASE ${branches.join(" ")} ELSE ${last} END`;
}

/** The hash of a row. @param parts expressions that make it unique in its table */
export function hashOf(seed: number, table: string, parts: readonly string[]): string {
  return `md5(concat(${text(`${seed}/${table}`)}, ${parts.map((part) => `'/', CAST(${part} AS STRING)`).join(", ")}))`;
}

export const largestSeed = 0xfffffff;

function groupsOf(seed: number): [string, string] {
  const digits = seed.toString(16).padStart(7, "0");
  return [digits.slice(0, 4), `8${digits.slice(4)}`];
}

/**
 * An id as a UUID of version 8, which RFC 9562 leaves to applications. It carries the seed, so that its rows are recognised. As
 * every UUID, it begins with hexadecimal digits: no prefix of test data can match it.
 */
export function uuidOf(seed: number, hash: string): string {
  const [high, low] = groupsOf(seed);
  return `concat(substring(${hash}, 1, 8), '-${high}-8eed-${low}-', substring(${hash}, 9, 12))`;
}

/** Matches the ids of {@link uuidOf}: a pattern of LIKE. */
export function marked(seed: number): string {
  const [high, low] = groupsOf(seed);
  return `'________-${high}-8eed-${low}-____________'`;
}
