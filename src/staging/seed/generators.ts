import type { namedGenerators } from "../../config/staging-seed-schema.ts";
import { between, chance, draw, fraction, text, weighted } from "./random.ts";
import { familyName, fullName, givenName, sentence } from "./vocabulary.ts";

/** What the configuration says about a table that is not ClassWaves'. */
export interface SeedTable {
  /** So many in all, or from so many to so many for each row of another table. */
  rows?: number | { per: string; from: number; to: number };
  /** By column. */
  columns: Readonly<Record<string, Generator>>;
  /** Columns that hold the key of a row of another table, besides the foreign keys that the table declares. */
  references: Readonly<Record<string, string>>;
}

export type NamedGenerator = (typeof namedGenerators)[number];

export type Generator =
  | NamedGenerator
  | { constant: string | number | boolean | null }
  /** Each equally often, or as often as its weight says. */
  | { oneOf: readonly (string | number)[] | Readonly<Record<string, number>> }
  /** Whole numbers, or with decimal places. */
  | { number: readonly [low: number, high: number]; decimals?: number | undefined }
  /** True for so many of a hundred. */
  | { chance: number }
  /** Days from the day of the seed; negative ones are before it. */
  | { days: readonly [from: number, to: number] };

const named: Readonly<Record<NamedGenerator, (column: string) => string>> = {
  "given-name": (column) => givenName(column),
  "family-name": (column) => familyName(column),
  "full-name": (column) => fullName(column),
  email: () => "concat('p', substring(k, 1, 10), '@people.example')",
  phone: (column) => `concat('555-01', substring(CAST(100 + ${draw(column)} % 100 AS STRING), 2, 2))`,
  sentence: (column) => sentence(column),
  city: (column) =>
    weighted(
      column,
      ["Lakeside", "Northfield", "Cedar Falls", "Harbor View"].map((city) => [text(city), 1] as const),
    ),
  uuid: () => "row_id",
  "number-of-row": () => "n + 1",
  json: (column) => `concat('{"kind":"synthetic","score":', CAST(${between(column, 40, 99)} AS STRING), '}')`,
};

/** @param now seconds since 1970 that days are counted from */
export function generated(column: string, type: string, generator: Generator, now: number): string {
  if (typeof generator === "string") return named[generator](column);
  if ("constant" in generator) return literal(generator.constant);
  if ("chance" in generator) return chance(column, generator.chance);
  if ("oneOf" in generator) {
    const { oneOf } = generator;
    const weights: (readonly [string | number, number])[] = isList(oneOf)
      ? oneOf.map((value) => [value, 1])
      : Object.entries(oneOf);
    return weighted(
      column,
      weights.map(([value, weight]) => [literal(value), weight]),
    );
  }
  if ("number" in generator) {
    const [low, high] = generator.number;
    const decimals = generator.decimals ?? 0;
    return decimals === 0 ? between(column, low, high) : fraction(column, low, high, 10 ** decimals);
  }
  const [from, to] = generator.days;
  const seconds = `(${now + from * 86_400} + ${draw(column)} % ${Math.max(1, (to - from) * 86_400)})`;
  return type.toLowerCase() === "date"
    ? `date_add(DATE '1970-01-01', CAST(floor(${seconds} / 86400) AS INT))`
    : `timestamp_seconds(${seconds})`;
}

function isList(values: object): values is readonly (string | number)[] {
  return Array.isArray(values);
}

function literal(value: string | number | boolean | null): string {
  if (value === null) return "NULL";
  return typeof value === "string" ? text(value) : String(value).toUpperCase();
}
